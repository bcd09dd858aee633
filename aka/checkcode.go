package aka

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding"
	"hash"

	"github.com/opentwag/twag/eap"
)

// checkcodeLen is the length of AT_CHECKCODE's hash when there is one: SHA-1,
// for EAP-AKA' SHA-256 (RFC 4187, section 10.13; RFC 9048, section 3.4.3).
func checkcodeLen(t eap.Type) int {
	if t == eap.TypeAKAPrime {
		return sha256.Size
	}
	return sha1.Size
}

// Checkcode hashes the AKA-Identity messages of an exchange, as they were on
// the wire from the Code on, in the order sent and in pairs of request and
// response. The zero value has seen none.
//
// It is a value: a copy goes its own way.
//
// RFC 4187, section 10.13; RFC 9048, section 3.4.3.
type Checkcode struct {
	some  bool
	state [checkcodeStateLen]byte
}

// checkcodeStateLen is the longer of the two hashes' encoded states: magic,
// chaining value, block, length.
const checkcodeStateLen = 4 + sha256.Size + sha256.BlockSize + 8

type resumable interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

func checkcodeHash(t eap.Type) resumable {
	if t == eap.TypeAKAPrime {
		return sha256.New().(resumable)
	}
	return sha1.New().(resumable)
}

func checkcodeEncodedLen(t eap.Type) int {
	return checkcodeStateLen - sha256.Size + checkcodeLen(t)
}

// Add takes in a request and its response, whole packets, of an exchange of
// the method t.
func (c *Checkcode) Add(t eap.Type, request, response []byte) {
	h := c.hash(t)
	_, _ = h.Write(request)
	_, _ = h.Write(response)
	_, _ = h.AppendBinary(c.state[:0])
	c.some = true
}

// hash returns the hash as far as it has come.
func (c *Checkcode) hash(t eap.Type) resumable {
	h := checkcodeHash(t)
	if c.some {
		// The state is our own, or Restore has tried it.
		_ = h.UnmarshalBinary(c.state[:checkcodeEncodedLen(t)])
	}
	return h
}

// Append appends the value of AT_CHECKCODE to b: nothing if there was no
// AKA-Identity message, else a hash.
func (c *Checkcode) Append(b []byte, t eap.Type) []byte {
	if !c.some {
		return b
	}
	return c.hash(t).Sum(b)
}

// checksum is a finished AT_CHECKCODE value.
type checksum struct {
	n uint8
	b [sha256.Size]byte
}

func (s *checksum) set(c *Checkcode, t eap.Type) { s.n = uint8(len(c.Append(s.b[:0], t))) }

func (s *checksum) octets() []byte { return s.b[:s.n] }
