package aka

import (
	"fmt"
)

// Triplet is a GSM authentication vector, of which EAP-SIM takes two or three
// at a time.
type Triplet struct {
	RAND [16]byte
	SRES [4]byte
	Kc   [8]byte
}

// Triplet returns the triplet that a GSM network, and a USIM asked by one,
// make of the vector: SRES by conversion function c2 from XRES, Kc by c3 from
// CK and IK. A primed vector has none, since its keys are not the USIM's.
//
// TS 33.102, clause 6.8.1.2; the same values as TS 55.205 gives for Milenage.
func (v *Vector) Triplet() Triplet {
	t := Triplet{RAND: v.RAND}
	for i, x := range v.XRES[:min(int(v.XRESLen), len(v.XRES))] {
		t.SRES[i%len(t.SRES)] ^= x
	}
	for i := range v.CK {
		t.Kc[i%len(t.Kc)] ^= v.CK[i] ^ v.IK[i]
	}
	return t
}

// Vector returns the triplet as a vector that converts to it: for sources that
// serve [SchemeSIM] and have triplets only. It has no AUTN, so that no USIM
// takes it in another method.
func (t Triplet) Vector() Vector {
	v := Vector{RAND: t.RAND, XRESLen: uint8(len(t.SRES))}
	copy(v.XRES[:], t.SRES[:])
	copy(v.CK[:], t.Kc[:])
	return v
}

// String implements fmt.Stringer without giving the triplet away.
func (Triplet) String() string { return "aka.Triplet[redacted]" }

// GoString implements fmt.GoStringer without giving the triplet away.
func (t Triplet) GoString() string { return t.String() }

// Format implements fmt.Formatter, so that no verb prints the triplet.
func (t Triplet) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the keys away.
func (t Triplet) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
