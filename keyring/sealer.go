package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	nonceLen = 12
	tagLen   = 16
	// Overhead is how many octets Seal adds: key ID, nonce, tag.
	Overhead = 1 + nonceLen + tagLen
)

// Sealer seals and opens octets for one purpose, with AES-256-GCM. It is safe
// for concurrent use.
//
// Nonces are a random field of 64 bits, drawn anew for each sealer and after
// each 2^32 seals, and a counter: what may collide is the number of sealers,
// not that of messages, so a key outlives any number of logins. The counter
// shows in which order one process sealed. Where that would link a subscriber's
// appearances, as with pseudonyms, use another construction.
type Sealer struct {
	keys  []sealKey
	nonce atomic.Pointer[nonceSource]
}

type sealKey struct {
	id       uint8
	notAfter time.Time
	aead     cipher.AEAD
}

type nonceSource struct {
	field [8]byte
	next  atomic.Uint64
}

func newNonceSource() *nonceSource {
	var n nonceSource
	rand.Read(n.field[:])
	return &n
}

// Sealer returns the ring's sealer for the purpose.
func (r *Ring) Sealer(purpose string) *Sealer {
	s := &Sealer{}
	for _, d := range r.Derive(purpose, 32) {
		block, err := aes.NewCipher(d.Secret)
		if err != nil {
			panic("keyring: " + err.Error()) // 32 octets are a key
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			panic("keyring: " + err.Error())
		}
		s.keys = append(s.keys, sealKey{d.ID, d.NotAfter, aead})
	}
	s.nonce.Store(newNonceSource())
	return s
}

// Seal appends to dst the sealed plaintext, Overhead octets longer than it.
// context is what Open must be given as well; it is authenticated, not sent.
func (s *Sealer) Seal(dst, plaintext, context []byte) []byte {
	k := &s.keys[0]
	start := len(dst)
	dst = append(dst, k.id)
	dst = s.appendNonce(dst)
	nonce := dst[start+1 : start+1+nonceLen]
	return k.aead.Seal(dst, nonce, plaintext, context)
}

func (s *Sealer) appendNonce(dst []byte) []byte {
	for {
		n := s.nonce.Load()
		if c := n.next.Add(1); c <= 1<<32 {
			dst = append(dst, n.field[:]...)
			return binary.BigEndian.AppendUint32(dst, uint32(c-1))
		}
		s.nonce.CompareAndSwap(n, newNonceSource())
	}
}

// Open appends to dst the plaintext of what Seal made. The errors wrap
// ErrOpen and say nothing that helps a forger.
func (s *Sealer) Open(dst, sealed, context []byte, now time.Time) ([]byte, error) {
	if len(sealed) < Overhead {
		return dst, fmt.Errorf("%w: %d octets", ErrOpen, len(sealed))
	}
	for i := range s.keys {
		k := &s.keys[i]
		if k.id != sealed[0] {
			continue
		}
		if !k.notAfter.IsZero() && now.After(k.notAfter) {
			return dst, ErrRetired
		}
		out, err := k.aead.Open(dst, sealed[1:1+nonceLen], sealed[1+nonceLen:], context)
		if err != nil {
			return dst, ErrOpen
		}
		return out, nil
	}
	return dst, fmt.Errorf("%w: no such key", ErrOpen)
}
