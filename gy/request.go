package gy

import (
	"fmt"
	"slices"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// request is the one that is unanswered, or stored to be sent again. Its
// contents never change: body, and the rest by the session.
type request struct {
	kind   RequestType // 0: there is none
	number uint32
	seq    uint32
	at     uint32 // Event-Timestamp, as on the wire
	cause  TerminationCause
	ends   uint32 // End-to-End Identifier
	body   []byte // the AVPs Multiple-Services-…, behind room for a header
	inHand bool   // handed out, and no word of it since
	unsure bool   // the server may have had it: T bit
	// wasUnsure is what unsure was when it was stored.
	wasUnsure bool
	byRealm   bool // without Destination-Host
	// doubtful: CCR-T of a session that the server may have closed by itself,
	// with a refusal.
	doubtful bool
	// failedOver: it was sent to another server already.
	failedOver bool
	tries      uint8
	txAt       instant // Tx
	sendAt     instant // when to send it again
	giveUpAt   instant // when no answer is awaited any longer
}

// maxFacts bounds the AVPs that name subscriber and session, which are part of
// the state.
const maxFacts = 1024

// part returns what fill appends, without a header, in b's memory if that is
// large enough.
func part(b []byte, fill func(*encoder)) []byte {
	e := encoder{wire.MakeBuilder(b[:0], wire.Header{})}
	fill(&e)
	msg, err := e.Message()
	if err != nil {
		return nil // longer than a message can be: not with bounded lists
	}
	return msg[wire.HeaderLen:]
}

// appendSubscriptions encodes the Subscription-Ids that the profile wants.
func (m *Machine) appendSubscriptions(b []byte, all []Subscription) []byte {
	b = part(b, func(e *encoder) {
		for _, t := range m.cfg.Profile.Subscriptions {
			if i := slices.IndexFunc(all, func(s Subscription) bool { return s.Type == t }); i >= 0 {
				e.subscription(all[i])
			}
		}
	})
	return b[:bounded(b)]
}

// appendFacts encodes what follows the services in a CCR.
func (m *Machine) appendFacts(b []byte, info *Info) []byte {
	p := &m.cfg.Profile
	b = part(b, func(e *encoder) {
		if !p.OmitEquipment {
			e.equipment(&info.Equipment)
		}
		if !p.OmitServiceInformation {
			ps := info.PS
			if p.OmitLocation {
				ps.SSID, ps.BSSID, ps.UserLocation = nil, nil, nil
			}
			e.serviceInformation(&ps)
		}
	})
	return b[:bounded(b)]
}

// bounded returns how much of the AVPs in b fits into maxFacts: whole AVPs.
func bounded(b []byte) int {
	n := 0
	r := wire.NewReader(b)
	var a wire.AVP
	for r.Next(&a) {
		if len(b)-len(r.Rest()) > maxFacts {
			break
		}
		n = len(b) - len(r.Rest())
	}
	return n
}

// make makes the next request of the session, and sends it.
func (s *Session) make(now instant, kind RequestType, out *Output) {
	if s.nextFacts != nil {
		s.facts, s.nextFacts = s.nextFacts, nil
	}
	r := &s.request
	s.seq++
	*r = request{
		kind:   kind,
		number: s.number,
		seq:    s.seq,
		at:     ntpSeconds(time.UnixMilli(int64(now))),
		body:   r.body,
	}
	s.number++
	if kind == RequestTermination {
		r.cause = s.cause
		if r.cause == 0 {
			r.cause = CauseLogout
		}
	}
	if s.m.cfg.EndToEnd != nil {
		r.ends = s.m.cfg.EndToEnd()
	}
	e := encoder{wire.MakeBuilder(r.body[:0], wire.Header{})}
	if kind == RequestInitial && !s.m.cfg.Profile.OmitIndicator {
		e.uint32(avpMultipleServices, multipleServicesSupported)
	}
	for i := range s.groups {
		s.appendGroup(&e, now, kind, &s.groups[i], out)
	}
	if msg, err := e.Message(); err == nil {
		r.body = msg
	}
	r.txAt = now.after(s.m.cfg.Tx)
	r.giveUpAt = now.after(s.m.cfg.RequestTimeout)
	s.send(out)
}

// send hands the request out.
func (s *Session) send(out *Output) {
	r := &s.request
	r.inHand, r.sendAt = true, 0
	if r.tries < 255 {
		r.tries++
	}
	out.Send, out.Seq = true, r.seq
}

// appendGroup appends the group's MSCC, if the request needs one, and marks
// what it reports.
func (s *Session) appendGroup(e *encoder, now instant, kind RequestType, g *group, out *Output) {
	var used [3]Units
	p := &s.m.cfg.Profile
	why := ReasonFinal
	m := MSCC{RatingGroup: g.ratingGroup, HasRatingGroup: true}
	report := true
	g.excuse()
	switch kind {
	case RequestInitial:
		if p.BareInitial {
			return
		}
		m.HasRequested, report = true, false
	case RequestUpdate:
		if !s.stopped {
			ev, reason := g.want(now, &s.m.cfg)
			if ev == evStart {
				return
			}
			why = reason
		} else if g.status == groupFree || g.unreported() == (Counters{}) {
			return
		}
		m.HasRequested = why != ReasonFinal && why != ReasonQHT
		// A group without a quota has nothing to report but what it used
		// without one (RFC 8506, section 5.6.2).
		if g.status == groupWanting || g.status == groupFinal && !g.owing {
			report = g.unreported() != (Counters{})
		}
	case RequestTermination:
		report = g.status != groupFree && (g.status != groupWanting || g.unreported() != (Counters{}))
		if !report {
			return
		}
	}
	g.asked = m.HasRequested
	g.forced, g.changed, g.owing = false, false, false
	if report {
		octets, seconds := g.overshoot()
		out.OvershootOctets += octets
		out.OvershootSeconds += seconds
		m.Used = s.appendUsed(used[:0], g, now)
		g.mark, g.pending = g.total, true
	}
	if kind == RequestUpdate && why == ReasonQHT {
		g.clearGrant()
		g.status = groupReleased
	}
	if m.HasRequested {
		m.Requested = p.Requested
		m.HasRequested = kind == RequestInitial || !p.RequestOnce
	}
	if p.ServiceID != 0 {
		id := [1]uint32{p.ServiceID}
		m.ServiceIDs = id[:]
	}
	if !p.OmitReason && report {
		switch why {
		case ReasonThreshold, ReasonQuotaExhausted:
			// These two are of one kind of unit (TS 32.299, clause 7.2.175).
			for i := range m.Used {
				m.Used[i].Reason = why
			}
		default:
			m.Reason = why
		}
	}
	e.mscc(&m)
}

// appendUsed appends what is unreported, divided at a tariff change (RFC 8506,
// section 5.1.1).
func (s *Session) appendUsed(list []Units, g *group, now instant) []Units {
	units := s.m.cfg.Profile.Report | g.granted&supportedUnits
	add := func(c Counters, side TariffUsage) {
		list = append(list, Units{
			Has:    units,
			Time:   uint32(min(c.Seconds, 1<<32-1)),
			Total:  c.Octets(),
			Input:  c.Input,
			Output: c.Output,
			Usage:  side,
		})
	}
	switch {
	case g.crossed:
		add(g.before.minus(g.confirmed), TariffBefore)
		if across := g.after.minus(g.before); across != (Counters{}) {
			add(across, TariffIndeterminate)
		}
		add(g.total.minus(g.after), TariffAfter)
	case g.tariffAt.reached(now):
		add(g.unreported(), TariffBefore)
	default:
		add(g.unreported(), TariffNone)
	}
	return list
}

// AppendRequest returns the pending request, in buf's memory if that is large
// enough: the same octets each time but for the T bit and, when the session
// moves to another server, Destination-Host.
//
// The error is about sizes, or says that there is no request.
func (s *Session) AppendRequest(buf []byte) (wire.Message, error) {
	r := &s.request
	if r.kind == 0 {
		return nil, fmt.Errorf("gy: CCR: none is pending")
	}
	var id [256]byte
	e := encoder{wire.MakeBuilder(buf[:0], requestHeader(r.unsure, r.ends))}
	e.octets(avpSessionID, s.appendSessionID(id[:0]))
	e.octets(avpOriginHost, s.m.originHost)
	e.octets(avpOriginRealm, s.m.originRealm)
	e.octets(avpDestinationRealm, s.m.realm)
	if !r.byRealm {
		e.optional(avpDestinationHost, s.host)
	}
	e.uint32(avpAuthApplicationID, ApplicationID)
	e.octets(avpServiceContextID, s.m.context)
	e.uint32(avpRequestType, uint32(r.kind))
	e.uint32(avpRequestNumber, r.number)
	e.uint32(avpEventTimestamp, r.at)
	e.Raw(s.subs)
	e.nonzero(avpTerminationCause, uint32(r.cause))
	if len(r.body) > wire.HeaderLen {
		e.Raw(r.body[wire.HeaderLen:])
	}
	e.Raw(s.facts)
	msg, err := e.Message()
	if err != nil {
		return nil, fmt.Errorf("gy: CCR: %w", err)
	}
	return msg, nil
}
