package milenage

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"
)

// Cipher is MILENAGE with the K and OPc of one subscriber. It is safe for
// concurrent use and prints as "milenage.Cipher[redacted]".
type Cipher struct {
	block cipher.Block
	opc   word
	// scratch is the buffer that the block cipher works in. AES is behind an
	// interface, which would send a buffer on the stack to the heap at each
	// call; a call takes this one instead and brings it back.
	scratch atomic.Pointer[[16]byte]
}

// New returns the Cipher of a subscriber with key k and operator variant opc.
func New(k, opc [16]byte) (*Cipher, error) {
	b, err := aes.NewCipher(k[:])
	if err != nil {
		return nil, fmt.Errorf("milenage: AES: %w", err)
	}
	return &Cipher{block: b, opc: loadWord(&opc)}, nil
}

// NewFromOP is New for a subscriber of whom the operator's OP is known instead
// of the OPc made of it.
func NewFromOP(k, op [16]byte) (*Cipher, error) {
	opc, err := OPc(k, op)
	if err != nil {
		return nil, err
	}
	return New(k, opc)
}

// OPc returns the OPc of key k under the operator's OP: OP xor E_k(OP).
//
// TS 35.206, clause 4.1.
func OPc(k, op [16]byte) ([16]byte, error) {
	c, err := New(k, [16]byte{})
	if err != nil {
		return [16]byte{}, err
	}
	s := c.acquire()
	return c.encrypt(s, loadWord(&op)).xor(loadWord(&op)).bytes(), nil
}

// F1 returns MAC-A, the network authentication code of f1.
//
// TS 35.206, clause 4.1, OUT1.
func (c *Cipher) F1(rand [16]byte, sqn [6]byte, amf [2]byte) (macA [8]byte) {
	binary.BigEndian.PutUint64(macA[:], c.out1(rand, sqn, amf).hi)
	return macA
}

// F1Star returns MAC-S, the resynchronisation code of f1*. In an AUTS the AMF
// is all zero, whatever that of the challenge was (TS 33.102, clause 6.3.3).
//
// TS 35.206, clause 4.1, OUT1.
func (c *Cipher) F1Star(rand [16]byte, sqn [6]byte, amf [2]byte) (macS [8]byte) {
	binary.BigEndian.PutUint64(macS[:], c.out1(rand, sqn, amf).lo)
	return macS
}

// F2345 returns what f2, f3, f4 and f5 make of a challenge: the response, the
// cipher key, the integrity key and the anonymity key.
//
// TS 35.206, clause 4.1, OUT2 to OUT4.
func (c *Cipher) F2345(rand [16]byte) (res [8]byte, ck, ik [16]byte, ak [6]byte) {
	s := c.acquire()
	in := c.temp(s, rand).xor(c.opc)
	out2 := c.encrypt(s, in.xorLow(1)).xor(c.opc)
	out3 := c.encrypt(s, in.rotate32().xorLow(2)).xor(c.opc)
	out4 := c.encrypt(s, in.rotate64().xorLow(4)).xor(c.opc)
	c.release(s)
	binary.BigEndian.PutUint64(res[:], out2.lo)
	return res, out3.bytes(), out4.bytes(), out2.first6()
}

// F5Star returns AK*, the anonymity key of f5* that hides SQN_MS in an AUTS.
//
// TS 35.206, clause 4.1, OUT5.
func (c *Cipher) F5Star(rand [16]byte) (akStar [6]byte) {
	s := c.acquire()
	in := c.temp(s, rand).xor(c.opc)
	out5 := c.encrypt(s, in.rotate64().rotate32().xorLow(8)).xor(c.opc)
	c.release(s)
	return out5.first6()
}

// out1 is MAC-A and MAC-S side by side.
func (c *Cipher) out1(rand [16]byte, sqn [6]byte, amf [2]byte) word {
	half := uint64(binary.BigEndian.Uint32(sqn[:4]))<<32 |
		uint64(binary.BigEndian.Uint16(sqn[4:]))<<16 |
		uint64(binary.BigEndian.Uint16(amf[:]))
	s := c.acquire()
	in := word{half, half}.xor(c.opc).rotate64()
	out := c.encrypt(s, in.xor(c.temp(s, rand))).xor(c.opc)
	c.release(s)
	return out
}

// temp is TEMP of TS 35.206, which all functions start from.
func (c *Cipher) temp(s *[16]byte, rand [16]byte) word {
	return c.encrypt(s, loadWord(&rand).xor(c.opc))
}

func (c *Cipher) encrypt(s *[16]byte, w word) word {
	binary.BigEndian.PutUint64(s[:8], w.hi)
	binary.BigEndian.PutUint64(s[8:], w.lo)
	c.block.Encrypt(s[:], s[:])
	return loadWord(s)
}

func (c *Cipher) acquire() *[16]byte {
	if s := c.scratch.Swap(nil); s != nil {
		return s
	}
	return new([16]byte)
}

// release gives the buffer back without what it holds: f3 and f4 are keys.
func (c *Cipher) release(s *[16]byte) {
	clear(s[:])
	c.scratch.Store(s)
}

// String implements fmt.Stringer without giving the key away.
func (*Cipher) String() string { return "milenage.Cipher[redacted]" }

// GoString implements fmt.GoStringer without giving the key away.
func (c *Cipher) GoString() string { return c.String() }

// Format implements fmt.Formatter, so that no verb prints the key.
func (c *Cipher) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }
