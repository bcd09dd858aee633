package aka

import (
	"crypto/sha1"
	"encoding"
	"encoding/binary"
	"hash"
	"sync"
)

// compressor runs the bare SHA-1 compression function, which crypto/sha1 does
// not export: the chaining value after one block, as AppendBinary shows it.
type compressor struct {
	h     hash.Hash
	state encoding.BinaryAppender
	block [sha1.BlockSize]byte
	out   []byte
}

// sha1StateAt is where the chaining value stands in the output of SHA-1's
// AppendBinary, behind a magic of four octets.
const sha1StateAt = 4

var compressors = sync.Pool{New: func() any {
	h := sha1.New()
	return &compressor{h: h, state: h.(encoding.BinaryAppender), out: make([]byte, 0, 128)}
}}

// g is G(t, c) of FIPS 186-2, appendix 3.3: one compression of c, filled up
// with zeros, from SHA-1's initial value.
func (c *compressor) g(xval *[sha1.Size]byte) (w [sha1.Size]byte) {
	c.h.Reset()
	copy(c.block[:], xval[:])
	_, _ = c.h.Write(c.block[:]) // never fails
	c.out, _ = c.state.AppendBinary(c.out[:0])
	copy(w[:], c.out[sha1StateAt:])
	return w
}

// prf fills out from the key xkey: the pseudo-random number generator of FIPS
// 186-2, change notice 1, for general purpose, that is without mod q (RFC 4187,
// section 7 and appendix A). Its x_j are the halves w_0 and w_1, which are made
// alike. It returns the key to go on with, if out is whole halves.
func prf(xkey [sha1.Size]byte, out []byte) [sha1.Size]byte {
	c := compressors.Get().(*compressor)
	for len(out) > 0 {
		w := c.g(&xkey)
		addOne(&xkey, &w)
		out = out[copy(out, w[:]):]
	}
	// The pool keeps no key material.
	clear(c.block[:])
	clear(c.out[:cap(c.out)])
	c.h.Reset()
	compressors.Put(c)
	return xkey
}

// addOne sets x = (1 + x + w) mod 2^160.
func addOne(x, w *[sha1.Size]byte) {
	carry := uint64(1)
	for i := sha1.Size - 4; i >= 0; i -= 4 {
		sum := uint64(binary.BigEndian.Uint32(x[i:])) + uint64(binary.BigEndian.Uint32(w[i:])) + carry
		binary.BigEndian.PutUint32(x[i:], uint32(sum))
		carry = sum >> 32
	}
}
