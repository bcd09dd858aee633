package eaptest

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/opentwag/twag/milenage"
)

// maxINDBits bounds a USIM's array of sequence numbers.
const maxINDBits = 8

// ErrUSIM is wrapped by the errors of [NewUSIM].
var ErrUSIM = errors.New("eaptest: invalid USIM")

// USIMConfig is what a USIM is made of.
type USIMConfig struct {
	// Algorithm is the function set with the subscriber's key.
	Algorithm milenage.Algorithm
	// SQN is the highest sequence number accepted so far.
	SQN uint64
	// INDBits is the length of IND in SQN: 0 means 5, negative none, at most
	// 8.
	INDBits int
	// Delta is how far SEQ may jump; 0 means 2^28 (TS 33.102, Annex C.3).
	Delta uint64
}

// USIM is the application on a SIM card that answers challenges. It is not
// safe for concurrent use.
type USIM struct {
	alg     milenage.Algorithm
	delta   uint64
	indBits uint
	// sqn is SQN_MS, the highest number accepted.
	sqn uint64
	// seq is SEQ_MS by IND (TS 33.102, Annex C.1.2).
	seq []uint64
}

// NewUSIM returns a USIM.
func NewUSIM(cfg USIMConfig) (*USIM, error) {
	bits := cfg.INDBits
	switch {
	case cfg.Algorithm == nil:
		return nil, fmt.Errorf("%w: no algorithm", ErrUSIM)
	case bits > maxINDBits:
		return nil, fmt.Errorf("%w: INDBits %d", ErrUSIM, bits)
	case cfg.SQN >= 1<<48:
		return nil, fmt.Errorf("%w: SQN of more than 48 bits", ErrUSIM)
	case bits == 0:
		bits = 5
	case bits < 0:
		bits = 0
	}
	u := &USIM{alg: cfg.Algorithm, delta: cfg.Delta, indBits: uint(bits), seq: make([]uint64, 1<<bits)}
	if u.delta == 0 {
		u.delta = 1 << 28
	}
	u.SetSQN(cfg.SQN)
	return u, nil
}

// SQN returns SQN_MS, the highest sequence number accepted.
func (u *USIM) SQN() uint64 { return u.sqn }

// SetSQN makes the USIM behave as if it had accepted sqn, and nothing fresher
// in any other place of its array.
func (u *USIM) SetSQN(sqn uint64) {
	u.sqn = sqn
	for i := range u.seq {
		u.seq[i] = sqn >> u.indBits
	}
}

// Verdict is what a USIM thinks of a challenge.
type Verdict uint8

const (
	// Accepted: the network is the subscriber's own and the challenge fresh.
	Accepted Verdict = iota
	// WrongMAC: the AUTN is not the network's.
	WrongMAC
	// NotFresh: the AUTN is the network's, but its SQN was used already or is
	// too far ahead.
	NotFresh
)

// String returns the verdict's name.
func (v Verdict) String() string {
	switch v {
	case Accepted:
		return "accepted"
	case WrongMAC:
		return "wrong MAC"
	case NotFresh:
		return "not fresh"
	default:
		return fmt.Sprintf("Verdict(%d)", uint8(v))
	}
}

// Authenticate takes a challenge. Accepted comes with RES, CK and IK in out;
// NotFresh with an AUTS.
//
// TS 33.102, clauses 6.3.3 and Annex C.2.
func (u *USIM) Authenticate(rand, autn [16]byte) (v Verdict, out milenage.Output, auts [14]byte) {
	out = u.alg.F2345(rand)
	number := xor6([6]byte(autn[:6]), out.AK)
	mac := u.alg.F1(rand, number, [2]byte(autn[6:8]))
	if subtle.ConstantTimeCompare(mac[:], autn[8:]) != 1 {
		return WrongMAC, milenage.Output{}, auts
	}
	sqn := sqnNumber(number)
	if !u.fresh(sqn) {
		return NotFresh, milenage.Output{}, u.AUTS(rand)
	}
	u.seq[sqn&uint64(len(u.seq)-1)] = sqn >> u.indBits
	u.sqn = max(u.sqn, sqn)
	return Accepted, out, auts
}

// fresh is the check of TS 33.102, Annexes C.2.1 and C.2.2. The age limit L
// of C.2.2 is optional and left out.
func (u *USIM) fresh(sqn uint64) bool {
	seq, highest := sqn>>u.indBits, u.sqn>>u.indBits
	return seq > u.seq[sqn&uint64(len(u.seq)-1)] &&
		(seq <= highest || seq-highest <= u.delta)
}

// AUTS returns the resynchronisation token for a challenge with rand: SQN_MS
// hidden, and MAC-S (TS 33.102, clause 6.3.3). It is for those who lie;
// Authenticate returns the one that belongs.
func (u *USIM) AUTS(rand [16]byte) (auts [14]byte) {
	number := sqnOctets(u.sqn)
	hidden, mac := xor6(number, u.alg.F5Star(rand)), u.alg.F1Star(rand, number, [2]byte{})
	copy(auts[:], hidden[:])
	copy(auts[6:], mac[:])
	return auts
}

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
