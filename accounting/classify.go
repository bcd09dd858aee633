package accounting

import (
	"math"
	"time"
)

// What two times of one event may differ by.
const (
	// stampTolerance is for two times of the same clock in seconds.
	stampTolerance = 2 * time.Second
	// sentTolerance is for times that we reckon from an arrival: the packet may have been
	// repeated without saying so for as long as clients do that (RFC 5080, section
	// 2.2.1: 30 s).
	sentTolerance = 30 * time.Second
	// reuseTolerance is how much later than a session's latest event, by our clock, a Start has
	// to be for it to be another session's.
	reuseTolerance = time.Minute
	// minInterim is the least interval of interims (RFC 2869, section 2.1). Two within it, alike
	// but for the Event-Timestamp, are one.
	minInterim = time.Minute
)

// Classify says what an event of a session is in the light of what its earlier events said, and
// returns what to remember from now on. It does no I/O and knows no clock.
//
// # Repetitions
//
// Two events are one if all their attributes are equal but Acct-Delay-Time, Event-Timestamp and what
// proxies add (so the packet's Identifier and authenticator don't matter), and nothing says that they
// happened at different times: equal Acct-Session-Time of interims, or times within tolerance. A
// session has one Start and one Stop. The verdict is Duplicate, or Retransmission if
// the delay is another one.
//
// # Order
//
// Events are ordered by Acct-Session-Time, else by when they happened. What is older than
// the latest is Late, and changes no total, unless it shows that counters began again
// after it. An Acct-Session-Time that is lower although the event is newer began again
// itself, if it is not longer than the time since then; so did all other counters.
//
// # Counters that go back
//
// One that falls by less than a 128th is the inaccuracy of a NAS that asks its hardware
// at different moments. Else it has wrapped or was reset; what it had counted before is kept in
// either case.
//
// # Reuse
//
// A Start after the session's latest event by more than the tolerance is another session's, and so is
// an interim or a Stop after the Stop whose Acct-Session-Time is shorter than the time that has passed since. The
// verdict is Reused, and the memory is unchanged: the event belongs to a new session, with a
// memory of its own. The caller knows more of identity (station, port, Class) and may
// decide so before.
//
// An interim after the Stop that counts on shows that the session goes on; so does
// one after an archival end.
func Classify(m Memory, e *Event) (Verdict, Memory) {
	v := m.classify(e)
	return v, m
}

// classify is Classify in place: a memory is large.
func (m *Memory) classify(e *Event) Verdict {
	if k := m.remembered(e); k != nil {
		return k.again(e)
	}
	switch e.Status {
	case Start:
		return m.onStart(e)
	case Stop:
		return m.onStop(e)
	default:
		return m.onInterim(e)
	}
}

// nothing reports whether no event of the session is known.
func (m *Memory) nothing() bool { return m.last.when.IsZero() }

// remembered returns the known event that e repeats, or nil.
func (m *Memory) remembered(e *Event) *known {
	if m.flags&memStarted != 0 && e.Status == Start && m.start.print == e.print && !m.startsAnew(e) {
		return &m.start
	}
	if e.Status == Stop && m.stop.print == e.print && m.stop.when != (time.Time{}) {
		return &m.stop
	}
	for i := range m.ringed {
		if p := &m.ring[i]; p.print == e.print && p.same(e) {
			return &known{delay: time.Duration(p.delay) * time.Second}
		}
	}
	return nil
}

// same reports whether e, which looks like p, happened when p did.
func (p *past) same(e *Event) bool {
	switch {
	case !e.Stamp.IsZero():
		return p.apart(e.When()) < minInterim
	case e.Counters.SessionTime > 0:
		return true
	default:
		return p.apart(e.sent()) <= sentTolerance
	}
}

// apart is how long before or after p the time is.
func (p *past) apart(at time.Time) time.Duration {
	return time.Duration(int32(uint32(at.Unix())-p.when)).Abs() * time.Second
}

func (k *known) again(e *Event) Verdict {
	if e.Delay != k.delay {
		return Retransmission
	}
	return Duplicate
}

func remember(e *Event) known { return known{e.print, e.When().Truncate(time.Second), e.Delay} }

func (m *Memory) push(e *Event) {
	copy(m.ring[1:], m.ring[:m.ringed])
	arrived := uint32(e.Arrived.Unix())
	m.ring[0] = past{uint32(e.When().Unix()), arrived, e.print, uint16(min(e.Delay/time.Second, math.MaxUint16))}
	m.ringed = min(m.ringed+1, ringLen)
	for m.ringed > ringLeast && int64(arrived)-int64(m.ring[m.ringed-1].arrived) > int64(ringSpan/time.Second) {
		m.ringed--
	}
}

// startsAnew reports whether a Start that looks like the known one is another session's.
func (m *Memory) startsAnew(e *Event) bool {
	alone := m.flags&(memStopped|memArchived) == 0 && m.ringed == 0 // nothing is known but the Start
	switch {
	case !e.Stamp.IsZero() && !m.began.stamp.IsZero():
		if alone && e.Stamp.Sub(m.began.stamp).Abs() < minInterim {
			return false
		}
		return e.Stamp.Unix() != m.began.stamp.Unix() && m.isLater(e)
	case alone:
		return false // repeated, without saying so, until it was answered
	default:
		return m.isLater(e)
	}
}

// isLater reports whether the event is later than all that is known, beyond doubt.
func (m *Memory) isLater(e *Event) bool {
	tolerance := reuseTolerance
	if !e.Stamp.IsZero() && m.flags&memLastStamp != 0 {
		tolerance = stampTolerance
	}
	return !m.nothing() && e.When().Sub(m.last.when) > tolerance
}

func (m *Memory) onStart(e *Event) Verdict {
	if m.isLater(e) {
		return Reused
	}
	if m.flags&memStarted != 0 {
		m.push(e)
		return Late // a second one, in between
	}
	m.flags |= memStarted
	m.start, m.began = remember(e), e.clocks()
	if m.nothing() {
		m.count(e, after)
		m.last.has = true // a session begins at no time
		return New
	}
	if m.has&HasSessionTime == 0 {
		m.clock = max(m.clock, between(m.began, m.lastClocks()))
	}
	return OutOfOrder
}

// lastClocks are those of the latest event, as far as they are kept.
func (m *Memory) lastClocks() clocks {
	c := clocks{sent: m.last.when}
	if m.flags&memLastStamp != 0 {
		c.stamp = m.last.when
	}
	return c
}

func (m *Memory) onStop(e *Event) Verdict {
	if m.flags&memStopped != 0 {
		if m.isOther(e) {
			return Reused
		}
		// A second Stop that says something else, such as final totals.
		m.push(e)
		return m.counted(e, m.place(e))
	}
	unknown := m.nothing()
	v := m.counted(e, m.place(e))
	m.flags = m.flags&^memArchived | memStopped
	m.stop = remember(e)
	if unknown {
		v = OutOfOrder
	}
	return v
}

func (m *Memory) onInterim(e *Event) Verdict {
	unknown := m.nothing()
	p := m.place(e)
	resumed := false
	if m.flags&memStopped != 0 {
		if m.isOther(e) {
			return Reused
		}
		if p.isAfter() && !m.goesOn(e) {
			p = within
		}
		resumed = p.isAfter()
	}
	if p.isAfter() {
		m.flags &^= memStopped | memArchived
	}
	m.push(e)
	v := m.counted(e, p)
	if unknown || resumed {
		v = OutOfOrder
	}
	return v
}

// isOther reports whether an event after the Stop is of another session, whose Start has
// not come. Only a NAS that says when things happened can show that.
func (m *Memory) isOther(e *Event) bool {
	since := e.When().Sub(m.last.when)
	return !e.Stamp.IsZero() && m.flags&memLastStamp != 0 && e.Counters.Has&HasSessionTime != 0 &&
		m.isLater(e) && e.Counters.SessionTime <= since+stampTolerance
}

// goesOn reports whether an event after the Stop shows that the session is alive.
func (m *Memory) goesOn(e *Event) bool {
	if e.Stamp.IsZero() && e.sent().Sub(m.last.when) <= sentTolerance {
		return false
	}
	c := e.Counters.counts()
	for i := range c {
		if e.Counters.Has.counter(i) && c[i] > m.raw[i] {
			return true
		}
	}
	return false
}

// counted counts the event, and returns the verdict that follows.
func (m *Memory) counted(e *Event, p place) Verdict {
	switch change := m.count(e, p); {
	case change == wasReset:
		return CounterReset
	case change == hasWrapped:
		return Wrapped
	case !p.isAfter():
		return Late
	default:
		return New
	}
}
