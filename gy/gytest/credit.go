package gytest

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/gy"
)

// reply is an answer, behind session, origin and Proxy-Info.
type reply struct {
	code uint32
	body []byte
}

// AVP codes.
const (
	codeRequestNumber   = 415
	codeRequestType     = 416
	codeRequestedUnits  = 437
	codeUsedUnits       = 446
	codeSubscriptionID  = 443
	codeEventTimestamp  = 55
	codeDestinationHost = 293
)

// refuse refuses a request, with an AVP to blame unless its Code is 0.
func refuse(ccr *gy.CCR, code uint32, blame wire.AVP) reply {
	a := gy.CCA{Type: ccr.Type, Number: ccr.Number, FailedAVP: blame}
	msg, err := a.Encode(nil, wire.Header{})
	if err != nil {
		return reply{code: gy.ResultUnableToComply}
	}
	return reply{code, msg[wire.HeaderLen:]}
}

// example is an AVP of which there is none.
func example(code uint32, octets int) wire.AVP {
	return wire.AVP{Code: code, Flags: wire.FlagMandatory, Data: make([]byte, octets)}
}

// credit answers a CCR. What it did is in the ledger when it returns; with an
// error there must be no answer.
func (o *OCS) credit(req wire.Message) (reply, error) {
	var ccr gy.CCR
	if err := ccr.Decode(req); err != nil {
		o.stats.malformed.Add(1)
		var de *gy.DecodeError
		if errors.As(err, &de) {
			return refuse(&ccr, de.ResultCode, de.AVP), nil
		}
		return refuse(&ccr, gy.ResultUnableToComply, wire.AVP{}), nil
	}
	if len(ccr.SessionID) == 0 || len(ccr.SessionID) > maxIdentifier || len(ccr.OriginHost) > maxIdentifier || len(ccr.OriginRealm) > maxIdentifier {
		o.stats.malformed.Add(1)
		return refuse(&ccr, gy.ResultInvalidAVPValue, wire.AVP{}), nil
	}
	if tooMuch(&ccr) {
		o.stats.malformed.Add(1)
		return refuse(&ccr, gy.ResultInvalidAVPValue, example(codeUsedUnits, 0)), nil
	}
	r := request{o: o, book: o.book, ccr: &ccr, digest: digest(req)}
	var answer reply
	err := o.book.update(func(*book) (err error) {
		r.now = time.Now() // in the ledger's order
		answer, err = r.handle()
		return err
	})
	return answer, err
}

// maxUnits bounds what one Used-Service-Unit may report, so that sums stay
// sums.
const maxUnits = 1 << 48

func tooMuch(ccr *gy.CCR) bool {
	for i := range ccr.Services {
		for j := range ccr.Services[i].Used {
			var u Usage
			used := &ccr.Services[i].Used[j]
			u.count(used)
			if max(u.Total, u.Input, u.Output, u.Specific, unitsOf(gy.UnitMoney, used)) > maxUnits {
				return true
			}
		}
	}
	return false
}

// maxIdentifier bounds Session-Id and the origin's names, which are remembered.
const maxIdentifier = 1024

// digest is a hash of what a request says: of all but what a client or a relay
// may change in a copy.
func digest(req wire.Message) []byte {
	h := sha256.New()
	var head [12]byte
	r := req.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		if a.Vendor == 0 && (a.Code == codeDestinationHost || a.Code == diameter.AVPRouteRecord || a.Code == diameter.AVPProxyInfo) {
			continue
		}
		binary.BigEndian.PutUint32(head[:], a.Code)
		binary.BigEndian.PutUint32(head[4:], a.Vendor)
		binary.BigEndian.PutUint32(head[8:], uint32(len(a.Data)))
		_, _ = h.Write(head[:])
		_, _ = h.Write(a.Data)
	}
	return h.Sum(nil)[:16]
}

// request is a CCR that is being answered, with the book locked.
type request struct {
	o      *OCS
	book   *book
	ccr    *gy.CCR
	digest []byte
	now    time.Time
}

// handle answers the request: RFC 8506, Table 6, behind a check of its number.
func (r *request) handle() (reply, error) {
	ccr := r.ccr
	if ccr.Type == gy.RequestEvent {
		return r.refused(gy.ResultUnableToComply, wire.AVP{})
	}
	s := r.book.sessions[string(ccr.SessionID)]
	if s == nil {
		if ccr.Type != gy.RequestInitial {
			return r.unknown()
		}
		return r.initial()
	}
	if err := r.book.expire(s, r.now); err != nil {
		return reply{}, err
	}
	if k := s.answerOf(ccr.Number); k != nil && k.same(r.digest) {
		s.duplicates++
		r.o.stats.duplicates.Add(1)
		if !ccr.Retransmitted {
			if err := r.violation(UnmarkedDuplicate); err != nil {
				return reply{}, err
			}
		}
		return reply{k.code, k.body}, nil
	}
	switch {
	case ccr.Number < s.next:
		return r.violated(NumberReused, gy.ResultInvalidAVPValue)
	case ccr.Type == gy.RequestInitial:
		return r.violated(SessionReused, gy.ResultUnableToComply)
	case !s.open:
		return r.unknown()
	case ccr.Number > s.next:
		return r.violated(NumberGap, gy.ResultInvalidAVPValue)
	default:
		return r.process(s.account, s)
	}
}

func (r *request) violation(kind ViolationKind) error {
	return r.book.violation(r.now, kind, string(r.ccr.SessionID), r.ccr.Number)
}

func (r *request) refused(code uint32, blame wire.AVP) (reply, error) {
	return refuse(r.ccr, code, blame), nil
}

// violated refuses what must not be.
func (r *request) violated(kind ViolationKind, code uint32) (reply, error) {
	var number wire.AVP
	if code == gy.ResultInvalidAVPValue {
		number = example(codeRequestNumber, 4)
		binary.BigEndian.PutUint32(number.Data, r.ccr.Number)
	}
	return refuse(r.ccr, code, number), r.violation(kind)
}

// unknown refuses a request of a session that is not open.
func (r *request) unknown() (reply, error) {
	answer := refuse(r.ccr, gy.ResultUnknownSessionID, wire.AVP{})
	for i := range r.ccr.Services {
		if used(&r.ccr.Services[i]) != (Usage{}) {
			return answer, r.violation(UsageWithoutSession)
		}
	}
	return answer, nil
}

// used adds up what a service reports.
func used(m *gy.MSCC) (u Usage) {
	for i := range m.Used {
		u.count(&m.Used[i])
	}
	return u
}

// initial opens a session, if there is an account and room.
func (r *request) initial() (reply, error) {
	a := r.book.identify(r.ccr.Subscriptions)
	switch {
	case a == nil:
		return r.refused(gy.ResultUserUnknown, wire.AVP{})
	case r.book.open >= r.book.cfg.MaxOpen:
		return r.refused(gy.ResultTooBusy, wire.AVP{})
	}
	for i := range r.ccr.Services {
		if used(&r.ccr.Services[i]) != (Usage{}) {
			if err := r.violation(UsageBeforeGrant); err != nil {
				return reply{}, err
			}
			break
		}
	}
	return r.process(a, nil)
}

// process handles a request that is in order. s is nil if it opens a session.
func (r *request) process(a *account, s *session) (reply, error) {
	ccr := r.ccr
	code, blame := r.dialect()
	if code == 0 && ccr.Type != gy.RequestTermination {
		code = a.settings.ResultCode
	}
	c := charge{request: r, account: a, session: s, refused: code != 0}
	c.run()
	if code == 0 && r.o.cfg.Dialect.RefusesCommand {
		if code = c.common(); code != 0 {
			c = charge{request: r, account: a, session: s, refused: true}
			c.run()
		}
	}
	answer := gy.CCA{Type: ccr.Type, Number: ccr.Number, FailedAVP: blame}
	if code == 0 {
		code = gy.ResultSuccess
		answer.Services = c.services
		if ccr.Type != gy.RequestTermination {
			answer.FailureHandling, answer.Failover = r.o.cfg.FailureHandling, r.o.cfg.Failover
		}
	}
	e := &Entry{
		Time: r.now, Kind: KindRequest, Account: a.settings.key(),
		SessionID: string(ccr.SessionID), Number: ccr.Number, Type: ccr.Type, Retransmitted: ccr.Retransmitted,
		Host: string(ccr.OriginHost), Realm: string(ccr.OriginRealm),
		Groups: c.groups, ResultCode: code, Digest: r.digest,
		Closed: code != gy.ResultSuccess || ccr.Type == gy.RequestTermination,
	}
	if !e.Closed {
		e.Deadline = r.deadline(c.validity)
	}
	msg, err := answer.Encode(nil, wire.Header{})
	if err != nil {
		return reply{}, err
	}
	e.Answer = msg[wire.HeaderLen:]
	if err := r.overshoot(e); err != nil {
		return reply{}, err
	}
	return reply{code, e.Answer}, r.book.write(e)
}

// overshoot notes usage that is too far beyond its grant.
func (r *request) overshoot(e *Entry) error {
	most := r.o.cfg.MaxOvershoot
	if most == 0 {
		return nil
	}
	for i := range e.Groups {
		if e.Groups[i].Overshoot > most {
			return r.violation(UsageBeyondGrant)
		}
	}
	return nil
}

// deadline is when supervision ends the session.
func (r *request) deadline(validity time.Duration) time.Time {
	supervision := r.book.cfg.Supervision
	if supervision == 0 {
		supervision = 2 * validity // as RFC 8506, section 13, advises
	}
	if supervision <= 0 {
		return time.Time{}
	}
	return r.now.Add(supervision)
}

// dialect returns the code that refuses a request that is none of the dialect,
// and the AVP to blame.
func (r *request) dialect() (uint32, wire.AVP) {
	d, ccr := &r.o.cfg.Dialect, r.ccr
	if d.NeedTimestamp && ccr.EventTimestamp.IsZero() {
		return gy.ResultMissingAVP, example(codeEventTimestamp, 4)
	}
	if ccr.Type == gy.RequestInitial {
		for _, kind := range d.Subscriptions {
			if !hasSubscription(ccr.Subscriptions, kind) {
				return gy.ResultMissingAVP, example(codeSubscriptionID, 0)
			}
		}
	}
	if ccr.Type == gy.RequestTermination || d.Requested == RequestedAny {
		return 0, wire.AVP{}
	}
	for i := range ccr.Services {
		m := &ccr.Services[i]
		const sizes = gy.UnitTime | gy.UnitMoney | gy.UnitTotal | gy.UnitInput | gy.UnitOutput | gy.UnitSpecific
		switch {
		case finished(m):
		case !m.HasRequested:
			return gy.ResultMissingAVP, example(codeRequestedUnits, 0)
		case d.Requested == RequestedEmpty && m.Requested.Has&sizes != 0,
			d.Requested == RequestedSized && m.Requested.Has&sizes == 0:
			return gy.ResultInvalidAVPValue, example(codeRequestedUnits, 0)
		}
	}
	return 0, wire.AVP{}
}

func hasSubscription(list []gy.Subscription, kind gy.SubscriptionType) bool {
	for _, s := range list {
		if s.Type == kind {
			return true
		}
	}
	return false
}

// finished reports whether a rating group reports its end: it wants no more.
func finished(m *gy.MSCC) bool {
	over := func(r gy.Reason) bool { return r == gy.ReasonQHT || r == gy.ReasonFinal }
	for i := range m.Used {
		if over(m.Used[i].Reason) {
			return true
		}
	}
	return over(m.Reason)
}
