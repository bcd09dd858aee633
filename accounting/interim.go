package accounting

import (
	"errors"
	"time"
)

// InterimPlan chooses the interval of interim updates that a login tells its NAS
// (Acct-Interim-Interval, RFC 2869, section 5.16). The zero value is every ten minutes for
// everybody.
//
// # One interim before the billing cycle ends
//
// A NAS is told one interval T, once, and sends its interims at T, 2T, 3T… after the login. So
// that what was used in a billing cycle is known when it ends, one of them has to fall just
// before: with D the time from the login to the end of the cycle and m the margin,
//
//	k*T = D - m - r   with k >= 1 and r as small as can be
//
// where r = (D - m) mod T is what is left because T is in whole seconds. Of the whole seconds from
// three quarters of the wanted interval to five quarters of it, within Min and Max, the one
// with the smallest r is taken, and of equals the one nearest to what is wanted. If the
// cycle ends before the shortest of them is over, no interim can fall
// before, and the interval is the wanted one.
type InterimPlan struct {
	// Interval is what is wanted where nothing below says otherwise. Default 10 min.
	Interval time.Duration
	// Services are the intervals of services ([session.Session.Service]) by name.
	Services map[string]time.Duration
	// Troubled is the interval for a NAS with a record of lost accounting: the
	// shorter, the less is lost. Default: half of what it would be else. It never lengthens.
	Troubled time.Duration
	// Tolerated is how many restarts and lost sessions make a NAS troubled. Default 3;
	// negative: none ever is.
	Tolerated int
	// Min and Max bound every interval. Defaults 1 min, which is the least
	// allowed, and 24 h.
	Min, Max time.Duration
	// CycleEnd returns when the billing cycle of now ends. nil: interims
	// heed no cycle.
	CycleEnd func(now time.Time) time.Time
	// Margin is how long before the end of the cycle the interim should come: the clock of a NAS
	// is not ours, and it sends late. Default 1 min.
	Margin time.Duration
}

func (p InterimPlan) withDefaults() InterimPlan {
	setDefault(&p.Interval, 10*time.Minute)
	setDefault(&p.Tolerated, 3)
	setDefault(&p.Min, minInterim)
	setDefault(&p.Max, 24*time.Hour)
	setDefault(&p.Margin, time.Minute)
	return p
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Validate returns an error that names the first field that is wrong.
func (p InterimPlan) Validate() error {
	p = p.withDefaults()
	switch {
	case p.Min < minInterim:
		return errors.New("accounting: InterimPlan.Min: less than a minute (RFC 2869, section 5.16)")
	case p.Max < p.Min:
		return errors.New("accounting: InterimPlan.Max: less than Min")
	case p.Interval < 0, p.Troubled < 0, p.Margin < 0:
		return errors.New("accounting: InterimPlan: Interval, Troubled or Margin is negative")
	}
	for name, d := range p.Services {
		if d <= 0 {
			return errors.New("accounting: InterimPlan.Services: " + name + ": no interval")
		}
	}
	return nil
}

// For returns the interval, in whole seconds, for a login now with the service, on a NAS
// with the history.
func (p InterimPlan) For(now time.Time, service string, h NASHistory) time.Duration {
	p = p.withDefaults()
	want := p.Interval
	if d, ok := p.Services[service]; ok {
		want = d
	}
	if p.Tolerated >= 0 && uint64(h.Restarts)+uint64(h.Lost) >= uint64(max(p.Tolerated, 1)) {
		if shorter := p.Troubled; shorter > 0 {
			want = min(want, shorter)
		} else {
			want /= 2
		}
	}
	want = min(max(want, p.Min), p.Max).Truncate(time.Second)
	if p.CycleEnd == nil {
		return want
	}
	return p.fit(want, p.CycleEnd(now).Sub(now)-p.Margin)
}

// fit returns the interval near want of which a multiple comes just before left.
func (p *InterimPlan) fit(want, left time.Duration) time.Duration {
	seconds := int64(left / time.Second)
	wanted := int64(want / time.Second)
	low := max(wanted*3/4, int64((p.Min+time.Second-1)/time.Second))
	high := min(wanted*5/4, int64(p.Max/time.Second), seconds)
	best, rest := wanted, int64(-1)
	// Outwards from what is wanted, so that of equals the nearest is found first; a day's
	// interval is looked at in fewer steps than it has seconds.
	step := max(1, (high-low)/4096)
	for off := int64(0); off <= max(high-wanted, wanted-low); off += step {
		for _, t := range [...]int64{wanted - off, wanted + off} {
			if low <= t && t <= high && (rest < 0 || seconds%t < rest) {
				best, rest = t, seconds%t
			}
		}
		if rest == 0 {
			break
		}
	}
	return time.Duration(best) * time.Second
}
