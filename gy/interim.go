package gy

import "time"

// NextInterim returns the interim interval that the session wants at now: a
// report when the quota left, at the observed rate, comes to be asked about;
// sooner when it is the last one, since only a report shows that it is used
// up; and one just before a tariff change. It lies within Config.InterimMin
// and InterimMax, in whole seconds.
func (s *Session) NextInterim(now time.Time) time.Duration {
	c := &s.m.cfg
	want := c.InterimMax
	at := instantOf(now)
	for i := range s.groups {
		g := &s.groups[i]
		if g.status != groupGranted {
			continue
		}
		if seconds, ok := g.lasts(g.rate); ok {
			if g.last {
				// Half of what is left, each time, ends close to the edge.
				seconds /= 2
			} else {
				seconds = share(seconds, uint64(c.Share), 100)
			}
			want = min(want, time.Duration(min(seconds, 1<<31))*time.Second)
		}
		if g.tariffAt > at {
			want = min(want, time.Duration(g.tariffAt-at)*time.Millisecond)
		}
	}
	return min(max(want, c.InterimMin), c.InterimMax).Truncate(time.Second)
}

// lasts returns for how many seconds the grant lasts at rate octets a second,
// and whether there is an end to it: the first kind of unit that is used up
// counts.
func (g *group) lasts(rate uint64) (seconds uint64, ok bool) {
	usedSeconds, octets, input, output := g.used()
	first := func(n uint64) {
		if !ok || n < seconds {
			seconds, ok = n, true
		}
	}
	if g.granted&UnitTime != 0 {
		first(g.time - min(usedSeconds, g.time))
	}
	if rate == 0 {
		return seconds, ok
	}
	if g.granted&UnitTotal != 0 {
		first((g.octets - min(octets, g.octets)) / rate)
	}
	if g.granted&UnitInput != 0 {
		first((g.input - min(input, g.input)) / rate)
	}
	if g.granted&UnitOutput != 0 {
		first((g.output - min(output, g.output)) / rate)
	}
	return seconds, ok
}

// SessionTimeout returns what caps the session, for Session-Timeout:
// how long final quotas last, by time, and by volume at Config.PeakRate.
// Quotas that are not the last cap nothing. It is not shorter than
// Config.InterimMin.
func (s *Session) SessionTimeout() (time.Duration, bool) {
	var limit time.Duration
	found := false
	for i := range s.groups {
		g := &s.groups[i]
		if g.status != groupGranted || !g.last || s.m.cfg.Profile.RoutineFinal || g.finalAction != FinalTerminate {
			continue
		}
		if seconds, ok := g.lasts(s.m.cfg.PeakRate); ok {
			d := time.Duration(min(seconds, 1<<31)) * time.Second
			if !found || d < limit {
				limit, found = d, true
			}
		}
	}
	return max(limit, s.m.cfg.InterimMin), found
}
