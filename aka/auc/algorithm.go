package auc

import (
	"errors"
	"fmt"

	"github.com/opentwag/twag/milenage"
	"github.com/opentwag/twag/milenage/tuak"
)

// Algorithm is the set of functions f1 to f5* with one subscriber's key, in
// the lengths that EAP can carry. It is used by many goroutines at once.
//
// TS 33.102, clause 6.3.
type Algorithm interface {
	// F1 returns MAC-A.
	F1(rand [16]byte, sqn [6]byte, amf [2]byte) [8]byte
	// F1Star returns MAC-S.
	F1Star(rand [16]byte, sqn [6]byte, amf [2]byte) [8]byte
	// F2345 returns the response, the keys and AK.
	F2345(rand [16]byte) Output
	// F5Star returns AK*.
	F5Star(rand [16]byte) [6]byte
}

// Output is what f2, f3, f4 and f5 make of a challenge.
type Output struct {
	// RES is the first RESLen octets, 4 to 16.
	RES    [16]byte
	RESLen uint8
	CK, IK [16]byte
	AK     [6]byte
}

// String implements fmt.Stringer without giving the keys away.
func (Output) String() string { return "auc.Output[redacted]" }

// GoString implements fmt.GoStringer without giving the keys away.
func (o Output) GoString() string { return o.String() }

// Format implements fmt.Formatter, so that no verb prints the keys.
func (o Output) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(o.String())) }

// Milenage returns the Algorithm of a MILENAGE cipher. RES has 8 octets.
func Milenage(c *milenage.Cipher) Algorithm { return milenageAlgorithm{c} }

type milenageAlgorithm struct{ c *milenage.Cipher }

func (m milenageAlgorithm) F1(rand [16]byte, sqn [6]byte, amf [2]byte) [8]byte {
	return m.c.F1(rand, sqn, amf)
}

func (m milenageAlgorithm) F1Star(rand [16]byte, sqn [6]byte, amf [2]byte) [8]byte {
	return m.c.F1Star(rand, sqn, amf)
}

func (m milenageAlgorithm) F2345(rand [16]byte) (o Output) {
	var res [8]byte
	res, o.CK, o.IK, o.AK = m.c.F2345(rand)
	o.RESLen = uint8(copy(o.RES[:], res[:]))
	return o
}

func (m milenageAlgorithm) F5Star(rand [16]byte) [6]byte { return m.c.F5Star(rand) }

// ErrAlgorithm is wrapped by the errors of [TUAK].
var ErrAlgorithm = errors.New("auc: algorithm does not fit EAP")

// TUAK returns the Algorithm of a TUAK cipher. Its MAC must have 8 octets, CK
// and IK 16, RES at most 16: EAP has no room for more (RFC 4187, sections
// 10.7 and 10.8; TS 33.102, clause 6.3.2).
func TUAK(c *tuak.Cipher) (Algorithm, error) {
	cfg := c.Config()
	if cfg.MACLen != 8 || cfg.CKLen != 16 || cfg.IKLen != 16 || cfg.RESLen > 16 {
		return nil, fmt.Errorf("%w: MAC, RES, CK, IK of %d, %d, %d, %d octets",
			ErrAlgorithm, cfg.MACLen, cfg.RESLen, cfg.CKLen, cfg.IKLen)
	}
	return tuakAlgorithm{c, uint8(cfg.RESLen)}, nil
}

type tuakAlgorithm struct {
	c      *tuak.Cipher
	resLen uint8
}

func (t tuakAlgorithm) F1(rand [16]byte, sqn [6]byte, amf [2]byte) [8]byte {
	mac := t.c.F1(rand, sqn, amf)
	return [8]byte(mac[:8])
}

func (t tuakAlgorithm) F1Star(rand [16]byte, sqn [6]byte, amf [2]byte) [8]byte {
	mac := t.c.F1Star(rand, sqn, amf)
	return [8]byte(mac[:8])
}

func (t tuakAlgorithm) F2345(rand [16]byte) (o Output) {
	res, ck, ik, ak := t.c.F2345(rand)
	return Output{[16]byte(res[:16]), t.resLen, [16]byte(ck[:16]), [16]byte(ik[:16]), ak}
}

func (t tuakAlgorithm) F5Star(rand [16]byte) [6]byte { return t.c.F5Star(rand) }
