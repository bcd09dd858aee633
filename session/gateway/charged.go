package gateway

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
)

// A session's Charging is the usage that earlier credit-control sessions of it have charged,
// and then, unless it is not being charged, the state of the present one:
//
//	version (1), seconds, input, output (uvarints), state

const chargingVersion = 1

var errCharging = errors.New("gateway: charging of a session can't be read")

// splitCharging returns the parts of a session's Charging.
func splitCharging(b []byte) (charged gy.Counters, state []byte, err error) {
	if len(b) == 0 {
		return gy.Counters{}, nil, nil
	}
	if b[0] != chargingVersion {
		return gy.Counters{}, nil, errCharging
	}
	b = b[1:]
	for _, p := range [...]*uint64{&charged.Seconds, &charged.Input, &charged.Output} {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return gy.Counters{}, nil, errCharging
		}
		*p, b = v, b[n:]
	}
	return charged, b, nil
}

func appendCharged(b []byte, c gy.Counters) []byte {
	b = append(b, chargingVersion)
	for _, v := range [...]uint64{c.Seconds, c.Input, c.Output} {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// isCharged reports whether the session has credit control.
func isCharged(s *session.Session) bool {
	_, state, _ := splitCharging(s.Charging)
	return len(state) > 0
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
