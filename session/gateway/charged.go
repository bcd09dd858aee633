package gateway

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
)

const chargingVersion = 1

var errCharging = errors.New("gateway: charging of a session can't be read")

// record is a session's Charging:
//
//	version (1), seconds, input, output, timeout, interim (uvarints), state
type record struct {
	// charged is the usage that earlier credit-control sessions of it have charged.
	charged gy.Counters
	// timeout and interim are the session's own plus one, in seconds, where quota has
	// made them shorter; else 0.
	timeout, interim uint64
	// state is that of the present credit-control session; empty: there is none.
	state []byte
	// room is memory for write to use; state is elsewhere.
	room []byte
}

// isCharged reports whether the session has credit control.
func (r *record) isCharged() bool { return len(r.state) > 0 }

// readRecord returns a session's record.
func readRecord(s *session.Session) (r record, err error) {
	b := s.Charging
	if len(b) == 0 {
		return r, nil
	}
	if b[0] != chargingVersion {
		return record{}, errCharging
	}
	b = b[1:]
	for _, p := range [...]*uint64{&r.charged.Seconds, &r.charged.Input, &r.charged.Output, &r.timeout, &r.interim} {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return record{}, errCharging
		}
		*p, b = v, b[n:]
	}
	r.state = b
	return r, nil
}

// write makes the record, with the state of gs, the session's. A nil gs is none.
func (r *record) write(s *session.Session, gs *gy.Session) {
	b := append(slices.Grow(r.room[:0], max(len(r.state)+192, 512)), chargingVersion)
	for _, v := range [...]uint64{r.charged.Seconds, r.charged.Input, r.charged.Output, r.timeout, r.interim} {
		b = binary.AppendUvarint(b, v)
	}
	if gs != nil {
		b = gs.AppendState(b)
	}
	s.Charging = b
}

// limit lets quota shorten the session's time-out and interim interval, or gives it back its
// own.
func (r *record) limit(s *session.Session, gs *gy.Session, now time.Time) {
	limit, ok := gs.SessionTimeout()
	if ok {
		// From now on; the session's own counts from its beginning.
		from := s.Admitted
		if s.Started.After(from) {
			from = s.Started
		}
		if !from.IsZero() {
			limit += now.Sub(from)
		}
	}
	shorten(&s.Timeout, &r.timeout, limit, ok)
}

// shorten makes *d no longer than limit, if there is one, and keeps in *own what it was.
func shorten(d *time.Duration, own *uint64, limit time.Duration, ok bool) {
	if *own > 0 {
		*d = time.Duration(*own-1) * time.Second
	}
	*own = 0
	if limit = limit.Truncate(time.Second); ok && (*d == 0 || limit < *d) {
		*own, *d = uint64(*d/time.Second)+1, limit
	}
}

// usageOf is the session's usage as credit control counts it.
func usageOf(s *session.Session) gy.Counters {
	return gy.Counters{Seconds: uint64(s.Usage.Time / time.Second), Input: s.Usage.InputOctets, Output: s.Usage.OutputOctets}
}

func addCounters(a, b gy.Counters) gy.Counters {
	return gy.Counters{Seconds: a.Seconds + b.Seconds, Input: a.Input + b.Input, Output: a.Output + b.Output}
}

// subCounters is a less b, and not less than nothing.
func subCounters(a, b gy.Counters) gy.Counters {
	return gy.Counters{Seconds: a.Seconds - min(a.Seconds, b.Seconds), Input: a.Input - min(a.Input, b.Input), Output: a.Output - min(a.Output, b.Output)}
}
