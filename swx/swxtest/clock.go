package swxtest

import (
	"time"

	"github.com/opentwag/twag/aka/auc"
)

// ClockSQN numbers challenges by the clock (TS 33.102, Annex C.1.1.3, with an
// IND as in Annex C.1.2), so that several HSSes in several processes have one
// sequence between them: SEQ is the time since 1970 for all, and each has an IND
// of its own, by which a USIM keeps their numbers apart where their clocks
// differ. The number a subscriber is added with does not count.
//
// A USIM must take numbers far ahead of its own. One that limits the distance
// (TS 33.102, Annex C.2.1) has to be near the clock when it begins.
//
// A USIM whose number is ahead of the clock puts its HSS ahead of the clock by
// as much; the other HSSes learn it from the USIM in the same way.
type ClockSQN struct {
	// IND is this HSS's, 0 to 31.
	IND uint8
	// Tick is the clock's unit, the same for all; 0 means 1 ms, which 43 bits of
	// SEQ hold until the year 2248. An HSS that gives one subscriber more
	// numbers than there are ticks runs ahead of the clock.
	Tick time.Duration
}

var _ auc.SQNScheme = ClockSQN{}

const (
	indBits = 5
	maxIND  = 1<<indBits - 1
	maxSEQ  = auc.MaxSQN >> indBits
)

// Set implements auc.SQNScheme.
func (c ClockSQN) Set(last uint64, now time.Time) auc.SQNState {
	return auc.SQNState{
		Last: last &^ maxIND & auc.MaxSQN,
		DIF:  max(0, int64(c.SEQ(last&auc.MaxSQN))-c.clock(now)),
	}
}

// Next implements auc.SQNScheme.
func (c ClockSQN) Next(s auc.SQNState, now time.Time) auc.SQNState {
	seq := max(c.clock(now)+s.DIF, int64(c.SEQ(s.Last))+1)
	s.Last = uint64(seq)&maxSEQ<<indBits | uint64(c.IND&maxIND)
	return s
}

// SEQ implements auc.SQNScheme.
func (c ClockSQN) SEQ(sqn uint64) uint64 { return sqn >> indBits }

func (c ClockSQN) clock(now time.Time) int64 {
	tick := c.Tick
	if tick <= 0 {
		tick = time.Millisecond
	}
	return now.UnixNano() / int64(tick)
}
