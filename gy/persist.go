package gy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// stateVersion is the first octet of a stored session.
const stateVersion = 1

// maxState bounds a stored session, and what is read as one: maxGroups with
// maxFinal each, and the rest.
const maxState = 64 << 10

// ErrState: the octets are no stored session of a version that is known.
var ErrState = errors.New("gy: not a stored session")

// AppendState appends the whole session to b: what [Machine.Restore] needs to
// go on in another process, the pending request included. A session with one
// rating group takes 200 to 600 octets.
func (s *Session) AppendState(b []byte) []byte {
	c := stateCodec{b: append(b, stateVersion)}
	c.session(s)
	return c.b
}

// Restore returns the session that AppendState stored. It has to be followed
// by [Session.Resume], at once or when its deadline has come, or by [Session.Taken].
// Nothing aliases b.
//
// The error wraps [ErrState].
func (m *Machine) Restore(b []byte) (*Session, error) {
	s := new(Session)
	if err := m.RestoreInto(s, b); err != nil {
		return nil, err
	}
	return s, nil
}

// RestoreInto is Restore in the memory of s, a session that nobody uses any more, or
// a zero one. What outputs of that session had of it holds no longer. After an error s is good
// for nothing but its memory.
func (m *Machine) RestoreInto(s *Session, b []byte) error {
	if len(b) == 0 || len(b) > maxState || b[0] != stateVersion {
		return fmt.Errorf("%w: %d octets", ErrState, len(b))
	}
	*s = Session{m: m, octetsOf: append(s.octetsOf[:0], b[1:]...), groups: s.groups[:0], request: request{body: s.request.body[:0]}}
	c := stateCodec{b: s.octetsOf, reading: true}
	c.session(s)
	switch {
	case c.failed, c.at != len(c.b),
		s.state >= numStates, s.service > serviceOff, s.mode > ModeAuthorize,
		s.failures > FailureRetry, s.failover > FailoverSupported,
		s.request.kind > RequestTermination:
		return fmt.Errorf("%w: malformed", ErrState)
	case !s.fits():
		return fmt.Errorf("%w: state and request differ", ErrState)
	}
	s.request.wasUnsure, s.request.unsure = s.request.unsure, s.request.kind != 0
	for i := range s.groups {
		if !s.groups[i].sound() {
			return fmt.Errorf("%w: impossible counters", ErrState)
		}
	}
	return nil
}

// Taken takes the place of [Session.Resume] after a Restore in the process that was handed
// out the request with that Output.Seq. If it is waiting for the answer, the request is not
// sent again; if it has told [Session.Fail], what was decided then goes on.
func (s *Session) Taken(seq uint32, waiting bool) {
	if r := &s.request; r.kind != 0 && r.seq == seq {
		r.inHand, r.unsure = waiting, r.wasUnsure
	}
}

// Pending returns the Output.Seq of the request that is unanswered, or stored to be sent
// again, and whether there is one.
func (s *Session) Pending() (seq uint32, ok bool) { return s.request.seq, s.request.kind != 0 }

// Unanswered reports whether an update or the end of the session that was made until the time
// given, to the second, was sent by somebody else, before the session was restored, and no
// answer to it has been taken in. Resume sends it again.
func (s *Session) Unanswered(until time.Time) bool {
	r := &s.request
	return r.kind > RequestInitial && s.state != Idle && !r.inHand && int32(r.at-ntpSeconds(until)) <= 0
}

// fits reports whether the request is one of the state.
func (s *Session) fits() bool {
	kind := s.request.kind
	switch s.state {
	case PendingI:
		return kind == RequestInitial
	case PendingU:
		return kind == RequestUpdate
	case PendingT:
		return kind == RequestTermination || kind == 0
	case Open:
		return kind == 0
	default:
		return true
	}
}

// sound reports whether the counters are in the order that arithmetic on them
// relies on.
func (g *group) sound() bool {
	le := func(a, b Counters) bool { return a.Seconds <= b.Seconds && a.Input <= b.Input && a.Output <= b.Output }
	sum := Counters{g.free.Seconds + g.writtenOff.Seconds, g.free.Input + g.writtenOff.Input, g.free.Output + g.writtenOff.Output}
	return g.status <= groupBlocked && g.verdict <= VerdictRestrict && g.finalAction <= FinalRestrict &&
		le(g.free, sum) && le(sum, g.confirmed) && le(g.confirmed, g.total) && le(g.mark, g.total) &&
		(!g.pending || le(g.confirmed, g.mark)) &&
		(!g.crossed || le(g.confirmed, g.before) && le(g.before, g.after) && le(g.after, g.total)) &&
		g.total.Input+g.total.Output >= g.total.Input
}

// stateCodec writes fields to b, or reads them from it: one list of fields for
// both directions.
type stateCodec struct {
	b       []byte
	at      int // of b, when reading
	reading bool
	failed  bool
}

func (c *stateCodec) uint(v uint64) uint64 {
	switch {
	case !c.reading:
		c.b = binary.AppendUvarint(c.b, v)
		return v
	case c.at < len(c.b) && c.b[c.at] < 0x80: // most are
		v = uint64(c.b[c.at])
		c.at++
		return v
	}
	v, n := binary.Uvarint(c.b[c.at:])
	if n <= 0 {
		c.fail()
		return 0
	}
	c.at += n
	return v
}

func (c *stateCodec) fail() { c.failed, c.at = true, len(c.b) }

func (c *stateCodec) u64(v *uint64) { *v = c.uint(*v) }

// number is for the other unsigned types; a value that does not fit fails.
func number[T ~uint8 | ~uint32](c *stateCodec, v *T) {
	n := c.uint(uint64(*v))
	if *v = T(n); uint64(*v) != n {
		c.failed = true
	}
}

func (c *stateCodec) instant(v *instant) {
	n := c.uint(uint64(*v))
	if *v = instant(n); *v < 0 {
		c.failed = true
	}
}

func (c *stateCodec) bools(list ...*bool) {
	var bits uint64
	for i, v := range list {
		if *v {
			bits |= 1 << i
		}
	}
	bits = c.uint(bits)
	for i, v := range list {
		*v = bits&(1<<i) != 0
	}
	c.failed = c.failed || bits>>len(list) != 0
}

func (c *stateCodec) octets(v *[]byte) {
	n := c.uint(uint64(len(*v)))
	if !c.reading {
		c.b = append(c.b, *v...)
		return
	}
	if n > uint64(len(c.b)-c.at) {
		c.fail()
		return
	}
	if end := c.at + int(n); n > 0 {
		*v = c.b[c.at:end:end]
		c.at = end
	}
}

// list is a list of at most limit octet strings.
func (c *stateCodec) list(v *[][]byte, limit uint64) {
	n := c.uint(uint64(len(*v)))
	if n > limit {
		c.failed = true
		return
	}
	if c.reading && n > 0 {
		*v = make([][]byte, n)
	}
	for i := range n {
		c.octets(&(*v)[i])
	}
}

func (c *stateCodec) counters(v *Counters) {
	c.u64(&v.Seconds)
	c.u64(&v.Input)
	c.u64(&v.Output)
}

func (c *stateCodec) session(s *Session) {
	c.octets(&s.id)
	number(c, &s.epoch)
	c.octets(&s.subs)
	c.octets(&s.facts)
	c.octets(&s.host)
	number(c, &s.state)
	number(c, &s.service)
	number(c, &s.mode)
	changed := s.nextFacts != nil
	c.bools(&s.stopped, &s.free, &s.closable, &s.started, &s.queued, &s.queuedChange, &changed)
	number(c, &s.number)
	number(c, &s.seq)
	number(c, &s.failures)
	number(c, &s.failover)
	number(c, &s.cause)
	if changed {
		c.octets(&s.nextFacts)
		if s.nextFacts == nil {
			s.nextFacts = []byte{}
		}
	}
	c.request(&s.request)
	c.instant(&s.troubleAt)
	c.u64(&s.troubleFrom)
	number(c, &s.retries)
	c.instant(&s.retryAt)
	c.instant(&s.closeAt)
	c.instant(&s.settleBy)
	number(c, &s.endReason)
	number(c, &s.resultCode)

	n := c.uint(uint64(len(s.groups)))
	if n > maxGroups {
		c.failed = true
		return
	}
	if c.reading {
		s.groups = slices.Grow(s.groups, int(n))[:n]
		clear(s.groups)
	}
	for i := range s.groups {
		c.group(&s.groups[i])
	}
	if c.reading && (len(s.id) > maxID || len(s.host) > 255 || s.troubleFrom > s.octets()) {
		c.failed = true
	}
}

func (c *stateCodec) request(r *request) {
	number(c, &r.kind)
	if r.kind == 0 {
		return
	}
	number(c, &r.number)
	number(c, &r.seq)
	number(c, &r.at)
	number(c, &r.cause)
	number(c, &r.ends)
	c.bools(&r.unsure, &r.byRealm, &r.doubtful, &r.failedOver)
	number(c, &r.tries)
	c.instant(&r.txAt)
	c.instant(&r.sendAt)
	c.instant(&r.giveUpAt)
	var body []byte
	if !c.reading && len(r.body) > 0 {
		body = r.body[wire.HeaderLen:]
	}
	c.octets(&body)
	if c.reading {
		var header [wire.HeaderLen]byte
		r.body = append(append(r.body[:0], header[:]...), body...)
	}
}

func (c *stateCodec) group(g *group) {
	number(c, &g.ratingGroup)
	number(c, &g.status)
	number(c, &g.verdict)
	c.counters(&g.total)
	c.counters(&g.confirmed)
	c.counters(&g.mark)
	c.counters(&g.free)
	c.counters(&g.writtenOff)
	c.u64(&g.session)
	hasFinal := g.final != nil
	c.bools(&g.pending, &g.asked, &g.last, &g.crossed, &g.forced, &g.changed, &g.owing, &hasFinal)
	number(c, &g.granted)
	if g.granted != 0 {
		c.u64(&g.time)
		c.u64(&g.octets)
		c.u64(&g.input)
		c.u64(&g.output)
		c.u64(&g.timeThreshold)
		c.u64(&g.volumeThreshold)
		number(c, &g.holding)
		number(c, &g.consumption)
	}
	c.instant(&g.validUntil)
	number(c, &g.finalAction)
	if hasFinal {
		if c.reading {
			g.final = new(FinalUnit)
		}
		number(c, &g.final.Action)
		number(c, &g.final.Redirect.Type)
		c.octets(&g.final.Redirect.Address)
		c.list(&g.final.Filters, maxFilters)
		c.list(&g.final.FilterIDs, maxFilters)
	}
	c.instant(&g.tariffAt)
	if g.crossed {
		c.counters(&g.before)
		c.counters(&g.after)
	}
	c.instant(&g.lastAt)
	c.instant(&g.activeAt)
	c.u64(&g.idle)
	c.u64(&g.rate)
}
