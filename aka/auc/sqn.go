package auc

import "time"

// MaxSQN is the highest sequence number: SQN has 48 bits.
const MaxSQN = 1<<48 - 1

// SQNState is what the centre remembers of a subscriber's sequence numbers.
type SQNState struct {
	// Last is SQN_HE, the last number used.
	Last uint64
	// DIF is the distance of SEQ from the clock, for schemes that have one.
	DIF int64
}

// SQNScheme is how an authentication centre numbers its challenges (TS 33.102,
// Annex C.1). A scheme is configuration only and safe for concurrent use; the
// centre calls it with the subscriber locked.
//
// [Indexed], [TimeBased] and [Counter] are the schemes of the Annex.
type SQNScheme interface {
	// Set returns the state of a subscriber whose last used number is last:
	// one who is new, or has just been resynchronised.
	Set(last uint64, now time.Time) SQNState
	// Next returns the state after one more number was used, which is its
	// Last. It is fresh to a USIM that has seen all before.
	Next(s SQNState, now time.Time) SQNState
	// SEQ returns the part of sqn by which a USIM judges freshness.
	SEQ(sqn uint64) uint64
}

const defaultINDBits = 5

// Indexed is SQN = SEQ | IND, where SEQ grows by one with each number (TS
// 33.102, Annexes C.1.1.2 and C.3.2). The zero value is the usual profile.
type Indexed struct {
	// INDBits is the length of IND; 0 means 5, at most 16.
	INDBits uint8
	// Rotate makes IND grow as well, around, so that vectors may reach the
	// USIM out of order (Annex C.1.2). Without it IND stays what the
	// subscriber's number had, which sets this domain apart from others.
	Rotate bool
}

// Set implements SQNScheme.
func (Indexed) Set(last uint64, _ time.Time) SQNState { return SQNState{Last: last & MaxSQN} }

// Next implements SQNScheme.
func (x Indexed) Next(s SQNState, _ time.Time) SQNState {
	bits := indBits(x.INDBits)
	ind := s.Last & (1<<bits - 1)
	if x.Rotate {
		ind = (ind + 1) & (1<<bits - 1)
	}
	return SQNState{Last: ((s.Last>>bits+1)<<bits | ind) & MaxSQN}
}

// SEQ implements SQNScheme.
func (x Indexed) SEQ(sqn uint64) uint64 { return sqn >> indBits(x.INDBits) }

func indBits(n uint8) uint8 {
	if n == 0 {
		return defaultINDBits
	}
	return min(n, 16)
}

// TimeBased is SQN = SEQ | IND, where SEQ follows a clock at the distance DIF
// that the subscriber had when he was added or resynchronised; two numbers
// within one tick differ by one (TS 33.102, Annexes C.1.1.3 and C.3.3).
type TimeBased struct {
	// INDBits is the length of IND; 0 means 5, at most 16.
	INDBits uint8
	// Tick is the clock's unit; 0 means 100 ms.
	Tick time.Duration
}

// Set implements SQNScheme.
func (t TimeBased) Set(last uint64, now time.Time) SQNState {
	return SQNState{Last: last & MaxSQN, DIF: int64(t.SEQ(last&MaxSQN)) - t.clock(now)}
}

// Next implements SQNScheme.
func (t TimeBased) Next(s SQNState, now time.Time) SQNState {
	bits := indBits(t.INDBits)
	// A clock that was put back, or more numbers than ticks, must not make
	// SEQ stand still.
	seq := max(t.clock(now)+s.DIF, int64(t.SEQ(s.Last))+1)
	s.Last = (uint64(seq)<<bits | s.Last&(1<<bits-1)) & MaxSQN
	return s
}

// SEQ implements SQNScheme.
func (t TimeBased) SEQ(sqn uint64) uint64 { return sqn >> indBits(t.INDBits) }

func (t TimeBased) clock(now time.Time) int64 {
	tick := t.Tick
	if tick <= 0 {
		tick = 100 * time.Millisecond
	}
	return now.UnixNano() / int64(tick)
}

// Counter is a number without IND that grows by one (TS 33.102, Annex C.1.1.2
// with an IND of no length): for USIMs that remember the last number only.
type Counter struct{}

// Set implements SQNScheme.
func (Counter) Set(last uint64, _ time.Time) SQNState { return SQNState{Last: last & MaxSQN} }

// Next implements SQNScheme.
func (Counter) Next(s SQNState, _ time.Time) SQNState { return SQNState{Last: (s.Last + 1) & MaxSQN} }

// SEQ implements SQNScheme.
func (Counter) SEQ(sqn uint64) uint64 { return sqn }

var (
	_ SQNScheme = Indexed{}
	_ SQNScheme = TimeBased{}
	_ SQNScheme = Counter{}
)

func sqnOctets(sqn uint64) (b [6]byte) {
	for i := range b {
		b[i] = byte(sqn >> (40 - 8*i))
	}
	return b
}

func sqnNumber(b [6]byte) (sqn uint64) {
	for _, o := range b {
		sqn = sqn<<8 | uint64(o)
	}
	return sqn
}

func xor6(a, b [6]byte) [6]byte {
	for i := range a {
		a[i] ^= b[i]
	}
	return a
}
