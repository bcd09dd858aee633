package aka

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
)

// HMAC in one piece and on the stack: crypto/hmac keeps two hashes on the heap
// per key, while each key here serves a packet or two. Keys are at most one
// block long (RFC 2104, section 2).

const (
	hashBlock = 64 // of both SHA-1 and SHA-256
	// scratchLen has room for a block of padding and an EAP packet of the
	// minimum MTU (RFC 3748, section 3.1); longer input costs an allocation.
	scratchLen = hashBlock + 1024
)

// pad appends the key to b, padded to a block and xored with x.
func pad(b, key []byte, x byte) []byte {
	start := len(b)
	b = append(b, key...)
	for len(b)-start < hashBlock {
		b = append(b, 0)
	}
	for i := start; i < len(b); i++ {
		b[i] ^= x
	}
	return b
}

func hmacSHA1(key, m1, m2, m3 []byte) [sha1.Size]byte {
	var scratch [scratchLen]byte
	b := append(append(append(pad(scratch[:0], key, 0x36), m1...), m2...), m3...)
	inner := sha1.Sum(b)
	b = append(pad(scratch[:0], key, 0x5c), inner[:]...)
	return sha1.Sum(b)
}

func hmacSHA256(key, m1, m2, m3 []byte) [sha256.Size]byte {
	var scratch [scratchLen]byte
	b := append(append(append(pad(scratch[:0], key, 0x36), m1...), m2...), m3...)
	inner := sha256.Sum256(b)
	b = append(pad(scratch[:0], key, 0x5c), inner[:]...)
	return sha256.Sum256(b)
}

// equal compares secrets in constant time.
func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
