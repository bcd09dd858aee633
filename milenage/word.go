package milenage

import "encoding/binary"

// word is a block of 128 bits, first bit highest.
type word struct{ hi, lo uint64 }

func loadWord(b *[16]byte) word {
	return word{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (w word) bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], w.hi)
	binary.BigEndian.PutUint64(b[8:], w.lo)
	return b
}

// first6 returns the first six octets: where f5 and f5* are.
func (w word) first6() (b [6]byte) {
	binary.BigEndian.PutUint32(b[:4], uint32(w.hi>>32))
	binary.BigEndian.PutUint16(b[4:], uint16(w.hi>>16))
	return b
}

func (w word) xor(v word) word { return word{w.hi ^ v.hi, w.lo ^ v.lo} }

// xorLow adds one of the constants c2..c5, which only have low bits.
func (w word) xorLow(c uint64) word { return word{w.hi, w.lo ^ c} }

// rotate32 rotates towards the first bit by 32 bits (r3).
func (w word) rotate32() word {
	return word{w.hi<<32 | w.lo>>32, w.lo<<32 | w.hi>>32}
}

// rotate64 rotates by 64 bits (r1, r4).
func (w word) rotate64() word { return word{w.lo, w.hi} }
