package gy

import "time"

// groupStatus is how a rating group stands.
type groupStatus uint8

const (
	// groupWanting: no quota yet.
	groupWanting groupStatus = iota
	// groupGranted: there is a quota.
	groupGranted
	// groupUnlimited: it may be used without one; its usage is reported at
	// the end.
	groupUnlimited
	// groupFree: CREDIT_CONTROL_NOT_APPLICABLE. Usage is not reported.
	groupFree
	// groupReleased: the quota was given back for want of use; usage makes it
	// wanting.
	groupReleased
	// groupFinal: the final units are used and REDIRECT or RESTRICT_ACCESS is
	// in force. Usage is not reported (RFC 8506, section 5.6.2).
	groupFinal
	// groupBlocked: no credit.
	groupBlocked
)

// group is a rating group of a session.
type group struct {
	ratingGroup uint32
	status      groupStatus
	verdict     Verdict

	// See Session. free and writtenOff are parts of confirmed.
	total      Counters
	confirmed  Counters
	mark       Counters
	free       Counters
	writtenOff Counters
	// session is the session's time as accounted; total.Seconds is what of it
	// is charged (Quota-Consumption-Time).
	session uint64
	// pending: the unanswered request has usage up to mark; asked: it asks for
	// units.
	pending, asked bool

	// granted are the units granted, from confirmed on.
	granted       UnitSet
	time          uint64
	octets        uint64
	input, output uint64
	// timeThreshold and volumeThreshold are 0 where there is none.
	timeThreshold, volumeThreshold uint64
	validUntil                     instant
	holding, consumption           uint32 // seconds; 0 is none
	// last: the grant's Final-Unit-Indication, with its action.
	last        bool
	finalAction FinalAction
	final       *FinalUnit // REDIRECT and RESTRICT_ACCESS

	// tariffAt is the tariff change to come, or, if crossed, just gone by;
	// before and after are the counters measured last before and first after.
	tariffAt      instant
	crossed       bool
	before, after Counters

	// forced, changed: credit is to be asked for because of RAR, or of a
	// change in rating conditions. owing: the group has become groupFinal or
	// groupBlocked and its last usage is to be reported.
	forced, changed, owing bool

	lastAt   instant // of the last counters
	activeAt instant // when octets were last seen to have moved
	idle     uint64  // seconds without octets before lastAt
	rate     uint64  // octets per second
}

// live reports whether the group's traffic may flow, or may yet.
func (g *group) live() bool { return g.status != groupBlocked }

// unreported is what lies between confirmed and total.
func (g *group) unreported() Counters { return g.total.minus(g.confirmed) }

// maxCounter bounds each counter, so that sums do not overflow: no session has
// 4 EiB.
const maxCounter = 1 << 62

// account takes cumulative counters. Ones that decrease are ignored one by
// one: what is given here must never go back.
func (g *group) account(now instant, c Counters, split bool) {
	c = Counters{min(c.Seconds, maxCounter), min(c.Input, maxCounter), min(c.Output, maxCounter)}
	old := g.total
	seconds := c.Seconds - min(c.Seconds, g.session)
	g.session += seconds
	g.total.Input = max(g.total.Input, c.Input)
	g.total.Output = max(g.total.Output, c.Output)
	moved := g.total.Octets() - old.Octets()
	switch {
	case moved > 0:
		g.total.Seconds += seconds
		g.idle, g.activeAt = 0, now
	case g.consumption == 0:
		g.total.Seconds += seconds
		g.idle += seconds
	default:
		// Without traffic time is consumed for Quota-Consumption-Time only.
		g.total.Seconds += min(seconds, uint64(g.consumption)-min(g.idle, uint64(g.consumption)))
		g.idle += seconds
	}
	if g.activeAt == 0 {
		g.activeAt = now
	}
	if elapsed := (now - g.lastAt) / 1000; g.lastAt != 0 && elapsed > 0 {
		r := moved / uint64(elapsed)
		if g.rate != 0 {
			r = (r + g.rate) / 2
		}
		g.rate = r
	}
	if g.tariffAt.reached(now) && !g.crossed {
		g.cross(now, old, split)
	}
	g.lastAt = max(g.lastAt, now)
	if g.status == groupFree {
		g.forgive()
	}
	g.excuse()
}

// excuse forgives the usage of a group whose final action is in force, once
// what was used before has been reported.
func (g *group) excuse() {
	if g.status == groupFinal && !g.owing && !g.pending && g.confirmed == g.mark {
		g.forgive()
	}
}

// cross notes that a tariff change lies between the last counters, old, and
// the present ones.
func (g *group) cross(now instant, old Counters, split bool) {
	g.crossed, g.before, g.after = true, old, g.total
	if !split || g.lastAt == 0 || now <= g.lastAt {
		return
	}
	part, whole := uint64(max(0, g.tariffAt-g.lastAt)), uint64(now-g.lastAt)
	d := g.total.minus(old)
	g.before = Counters{
		old.Seconds + share(d.Seconds, part, whole),
		old.Input + share(d.Input, part, whole),
		old.Output + share(d.Output, part, whole),
	}
	g.after = g.before
}

// share returns n * part / whole, part being at most whole, without overflow.
func share(n, part, whole uint64) uint64 {
	return n/whole*part + min(n%whole*part/whole, n%whole)
}

// forgive takes what is unreported as free.
func (g *group) forgive() {
	d := g.unreported()
	g.free.Seconds += d.Seconds
	g.free.Input += d.Input
	g.free.Output += d.Output
	g.mark = g.total
	g.settle(g.total)
}

// confirm settles the usage in the request.
func (g *group) confirm() {
	if g.pending {
		g.settle(g.mark)
		g.pending = false
	}
}

// settle makes c the new confirmed. A tariff change before it is settled too.
func (g *group) settle(c Counters) {
	g.confirmed = c
	if g.crossed && g.after.Seconds <= c.Seconds && g.after.Input <= c.Input && g.after.Output <= c.Output {
		g.crossed, g.tariffAt = false, 0
	}
}

// used is usage in the units of a grant.
func (g *group) used() (seconds, octets, input, output uint64) {
	d := g.unreported()
	return d.Seconds, d.Octets(), d.Input, d.Output
}

// reach tells how far the grant is used: whether one kind of its units is used
// up, and whether one is down to its threshold, or up to the share (percent).
func (g *group) reach(percent int) (exhausted, threshold bool) {
	seconds, octets, input, output := g.used()
	for _, q := range [...]struct {
		unit                 UnitSet
		used, granted, level uint64
	}{
		{UnitTime, seconds, g.time, g.timeThreshold},
		{UnitTotal, octets, g.octets, g.volumeThreshold},
		{UnitInput, input, g.input, g.volumeThreshold},
		{UnitOutput, output, g.output, g.volumeThreshold},
	} {
		switch {
		case g.granted&q.unit == 0 || q.used == 0:
		case q.used >= q.granted:
			return true, true
		case q.level != 0:
			threshold = threshold || q.granted-q.used <= q.level
		default:
			threshold = threshold || q.used >= share(q.granted, uint64(percent), 100)
		}
	}
	return false, threshold
}

// overshoot returns how much of the unreported usage no grant covers.
func (g *group) overshoot() (octets, seconds uint64) {
	s, o, in, out := g.used()
	if g.status == groupUnlimited {
		return 0, 0
	}
	if g.granted&UnitTime != 0 {
		seconds = s - min(s, g.time)
	}
	switch {
	case g.granted&UnitTotal != 0:
		octets = o - min(o, g.octets)
	case g.granted&(UnitInput|UnitOutput) != 0:
		if g.granted&UnitInput != 0 {
			octets += in - min(in, g.input)
		}
		if g.granted&UnitOutput != 0 {
			octets += out - min(out, g.output)
		}
	case g.granted == 0:
		octets = o
	}
	return octets, seconds
}

// want tells whether, and why, a request is to be sent on the group's account.
// evStart means no.
func (g *group) want(now instant, cfg *Config) (event, Reason) {
	switch {
	case g.forced:
		return evRAR, ReasonForcedReauth
	case g.changed && g.live() && g.status != groupFree:
		return evRatingChange, ReasonRatingChange
	}
	switch g.status {
	case groupWanting:
		return evUnitsElapsed, ReasonNone
	case groupFinal, groupBlocked:
		if g.owing {
			return evRatingChange, ReasonFinal
		}
		if g.validUntil.reached(now) {
			return evValidityElapsed, ReasonValidityTime
		}
	case groupReleased:
		if g.unreported() != (Counters{}) {
			return evUnitsElapsed, ReasonQuotaExhausted
		}
	case groupUnlimited:
		if g.validUntil.reached(now) {
			return evValidityElapsed, ReasonValidityTime
		}
	case groupGranted:
		last := g.last && !cfg.Profile.RoutineFinal
		switch exhausted, threshold := g.reach(cfg.Share); {
		case exhausted && last:
			return evFinalElapsed, ReasonFinal
		case exhausted:
			return evUnitsElapsed, ReasonQuotaExhausted
		case g.validUntil.reached(now):
			return evValidityElapsed, ReasonValidityTime
		case threshold && !last:
			return evUnitsElapsed, ReasonThreshold
		case g.held(now):
			return evRatingChange, ReasonQHT
		}
	}
	return evStart, ReasonNone
}

// held reports whether the quota was not used for Quota-Holding-Time, as far
// as the last counters tell.
func (g *group) held(now instant) bool {
	if g.holding == 0 || g.activeAt == 0 {
		return false
	}
	return g.lastAt >= g.activeAt.after(time.Duration(g.holding)*time.Second)
}

// setUnits makes granted units the measure of what is used from now on.
func (g *group) setUnits(u *Units) {
	g.granted, g.time = u.Has, uint64(u.Time)
	g.octets, g.input, g.output = u.Total, u.Input, u.Output
}

// clearGrant forgets the grant and what came with it.
func (g *group) clearGrant() {
	g.granted, g.time, g.octets, g.input, g.output = 0, 0, 0, 0, 0
	g.timeThreshold, g.volumeThreshold, g.validUntil = 0, 0, 0
	g.holding, g.consumption = 0, 0
	g.last, g.final = false, nil
	g.tariffAt, g.crossed = 0, false
}
