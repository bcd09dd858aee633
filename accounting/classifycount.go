package accounting

import "time"

// place is where an event belongs among those that are known.
type place uint8

const (
	after      place = iota // it is the latest
	afterReset              // so, and all counters have begun again
	within                  // before the latest, and since counters began again
	earlier                 // before counters began again
)

func (p place) isAfter() bool { return p <= afterReset }

// change is what became of the counters.
type change uint8

const (
	unchanged change = iota
	hasWrapped
	wasReset
)

func (e *Event) mark() mark {
	return mark{e.When(), uint64(e.Counters.SessionTime / time.Second), e.Counters.Has&HasSessionTime != 0}
}

// place finds an event's place.
func (m *Memory) place(e *Event) place {
	if m.nothing() {
		return after
	}
	k := e.mark()
	since := k.when.Sub(m.last.when)
	switch {
	case m.isBeforeTimeReset(k):
		return earlier
	case k.has && m.last.has && k.time < m.last.time:
		if since > 0 && time.Duration(k.time)*time.Second <= since+stampTolerance {
			return afterReset
		}
	case k.has && m.last.has && k.time > m.last.time:
		if since >= time.Duration(k.time)*time.Second+stampTolerance && m.wentBack(e, inputOctets, outputOctets) &&
			!e.Stamp.IsZero() {
			return afterReset // and has run for longer than before
		}
		return after
	case since >= 0:
		if !k.has && e.Stamp.IsZero() && since <= sentTolerance && m.wentBack(e, 0, numCounters-1) {
			break // overtaken on its way
		}
		return after
	case !k.has && m.flags&memSplit == 0 && m.grew(e):
		return after // the clock was set back
	case k.has && m.last.has && k.time == m.last.time && m.grew(e):
		return after // within the same second
	}
	if m.flags&memSplit != 0 && k.isBefore(m.first) {
		return earlier
	}
	return within
}

// isBefore orders two marks whose Acct-Session-Time has the same origin.
func (k mark) isBefore(other mark) bool {
	if k.has && other.has {
		return k.time < other.time
	}
	return k.when.Before(other.when)
}

// isBeforeTimeReset reports whether an event is from before Acct-Session-Time began
// again: the beginning that it implies is another one.
func (m *Memory) isBeforeTimeReset(k mark) bool {
	if m.flags&memTimeReset == 0 || !k.has || !m.last.has || !k.when.Before(m.first.when) {
		return false
	}
	return k.began().Before(m.last.began().Add(-stampTolerance))
}

func (k mark) began() time.Time { return k.when.Add(-time.Duration(k.time) * time.Second) }

// wentBack reports whether one of the event's counters from one to another is lower than
// what is known.
func (m *Memory) wentBack(e *Event, from, to int) bool {
	c := e.Counters.counts()
	for i := from; i <= to; i++ {
		if e.Counters.Has.counter(i) && c[i] < m.raw[i] && !isJitter(m.raw[i], c[i]) {
			return true
		}
	}
	return false
}

// grew reports whether some of the event's counters have grown, and none is lower.
func (m *Memory) grew(e *Event) bool {
	c := e.Counters.counts()
	some := false
	for i := range c {
		if e.Counters.Has.counter(i) {
			if c[i] < m.raw[i] {
				return false
			}
			some = some || c[i] > m.raw[i]
		}
	}
	return some
}

// isJitter tells a small step back.
func isJitter(before, after uint64) bool { return before-after < before/128 }

// count adds what the event counts to the totals.
func (m *Memory) count(e *Event, p place) change {
	var what change
	m.has |= e.Counters.Has
	if e.Counters.Has&HasGigawords != 0 {
		m.flags |= memGigawords
	}
	switch p {
	case after:
		what = m.countAfter(e)
	case afterReset:
		m.restart(e)
		what = wasReset
	case within:
		what = m.countWithin(e)
	case earlier:
		m.countEarlier(e)
	}
	if p.isAfter() {
		m.last = e.mark()
		if m.flags &^= memLastStamp; !e.Stamp.IsZero() {
			m.flags |= memLastStamp
		}
	}
	if p.isAfter() && m.has&HasSessionTime == 0 && m.flags&memStarted != 0 {
		m.clock = max(m.clock, between(m.began, e.clocks()))
	}
	return what
}

// countAfter takes the event's counters for the latest. Those that are lower than
// before began again.
func (m *Memory) countAfter(e *Event) change {
	c := e.Counters.counts()
	var what change
	old, split := m.raw, counts{}
	for i, v := range c {
		switch {
		case !e.Counters.Has.counter(i):
		case v >= old[i]:
			m.raw[i] = v
		case i == sessionTime || isJitter(old[i], v): // its order is not known, or not exact
		case i <= outputOctets && m.growth(e, i, old, c).isWrap():
			m.base[i], m.raw[i] = saturatingAdd(m.base[i], wrapAt), v
			what = max(what, hasWrapped)
		default:
			m.base[i], m.raw[i], split[i] = saturatingAdd(m.base[i], old[i]), v, old[i]+1
			what = wasReset
		}
	}
	if what != unchanged {
		m.setSplit(m.last, e.mark(), split)
	}
	return what
}

func (m *Memory) setSplit(before, first mark, split counts) {
	m.flags |= memSplit
	m.before, m.first, m.split = before, first, split
}

// growth describes a counter of octets that went back from one event to another.
func (m *Memory) growth(e *Event, i int, before, after counts) *growth {
	packets := i + inputPackets
	g := &growth{
		before: before[i], after: after[i],
		gigawords: m.flags&memGigawords != 0,
		elapsed:   e.When().Sub(m.last.when).Abs(),
		total:     saturatingAdd(m.base[i], before[i]), since: m.Usage().Time,
	}
	if e.Counters.Has.counter(packets) && m.has.counter(packets) && after[packets] >= before[packets] {
		g.packets, g.packetsKnown = after[packets]-before[packets], true
	}
	for j := range after {
		// The sum of both is the direction that is not i.
		if j != i && e.Counters.Has.counter(j) && after[j] < before[j] && !isJitter(before[j], after[j]) {
			g.othersWentBack = true
		}
	}
	return g
}

// restart keeps all that was counted and begins to count again with the event.
func (m *Memory) restart(e *Event) {
	c := e.Counters.counts()
	var split counts
	for i := range c {
		m.base[i] = saturatingAdd(m.base[i], m.raw[i])
		split[i] = saturatingAdd(m.raw[i], 1)
		m.raw[i] = 0
		if e.Counters.Has.counter(i) {
			m.raw[i] = c[i]
		}
	}
	m.flags |= memTimeReset
	m.setSplit(m.last, e.mark(), split)
}

// countWithin looks at an event before the latest. A counter that was higher then than it is
// now has begun again in between, unseen.
func (m *Memory) countWithin(e *Event) change {
	c := e.Counters.counts()
	var what change
	var split counts
	for i, v := range c[:sessionTime] {
		switch {
		case !e.Counters.Has.counter(i) || v <= m.raw[i] || isJitter(v, m.raw[i]):
		case i <= outputOctets && m.growth(e, i, c, m.raw).isWrap():
			m.base[i] = saturatingAdd(m.base[i], wrapAt)
			what = max(what, hasWrapped)
		default:
			m.base[i], split[i] = saturatingAdd(m.base[i], v), v+1
			what = wasReset
		}
	}
	if what != unchanged {
		m.setSplit(e.mark(), m.last, split)
	}
	return what
}

// countEarlier looks at an event before counters began again: they had grown further
// than was known.
func (m *Memory) countEarlier(e *Event) {
	k := e.mark()
	if !k.when.After(m.before.when) {
		return // that was known, or counted from an earlier beginning
	}
	for i, v := range e.Counters.counts() {
		if s := m.split[i]; e.Counters.Has.counter(i) && s > 0 && v >= s {
			m.base[i], m.split[i] = saturatingAdd(m.base[i], v-(s-1)), v+1
		}
	}
	m.before = k
}
