package milenage

import (
	"fmt"
	"io"
)

// Algorithm is a set of functions f1 to f5* with one subscriber's key, in the
// lengths that EAP can carry: what an authentication centre and a USIM need,
// whether MILENAGE, TUAK or an operator's own. It is safe for concurrent use.
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

// Output is what the functions f2, f3, f4 and f5 of an [Algorithm] make of a
// challenge. It prints redacted.
type Output struct {
	// RES is the first RESLen octets, 4 to 16.
	RES    [16]byte
	RESLen uint8
	CK, IK [16]byte
	AK     [6]byte
}

// String implements fmt.Stringer without giving the keys away.
func (Output) String() string { return "milenage.Output[redacted]" }

// GoString implements fmt.GoStringer without giving the keys away.
func (o Output) GoString() string { return o.String() }

// Format implements fmt.Formatter, so that no verb prints the keys.
func (o Output) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the keys away.
func (o Output) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Algorithm returns the cipher as an Algorithm. RES has 8 octets.
func (c *Cipher) Algorithm() Algorithm { return algorithm{c} }

type algorithm struct{ *Cipher }

func (a algorithm) F2345(rand [16]byte) (o Output) {
	var res [8]byte
	res, o.CK, o.IK, o.AK = a.Cipher.F2345(rand)
	o.RESLen = uint8(copy(o.RES[:], res[:]))
	return o
}
