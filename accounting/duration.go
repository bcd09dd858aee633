package accounting

import "time"

// maxBacklog is how long a NAS may plausibly keep events that it can't deliver. Its clock and ours
// that differ by more about the time between two events have not both gone on: its own was set.
const maxBacklog = 7 * 24 * time.Hour

// maxDuration bounds what clocks can make of a session: ten years.
const maxDuration = 10 * 365 * 24 * time.Hour

// clocks are the two times of an event without Acct-Session-Time.
type clocks struct {
	stamp time.Time // Event-Timestamp; zero if there is none
	sent  time.Time // arrival less Acct-Delay-Time
}

func (e *Event) clocks() clocks { return clocks{e.Stamp, e.sent()} }

// between returns the time between two events: by the clock of the NAS if both have its time, else
// by ours:
//
//	Event-Timestamp(b) - Event-Timestamp(a)
//	(arrival(b) - delay(b)) - (arrival(a) - delay(a))
//
// which is the second and third choice for a session's duration after Acct-Session-Time. A
// clock that went back makes it zero, and one that was set, as access points do after they have
// started, does not count.
func between(a, b clocks) time.Duration {
	if a.sent.IsZero() || b.sent.IsZero() {
		return 0
	}
	d := b.sent.Sub(a.sent)
	if !a.stamp.IsZero() && !b.stamp.IsZero() {
		if stamped := b.stamp.Sub(a.stamp); (stamped - d).Abs() <= maxBacklog {
			d = stamped
		}
	}
	return min(max(d, 0), maxDuration)
}
