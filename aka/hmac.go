package aka

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
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

// hmacKey is a key padded to a block, ready for the inner and the outer hash.
type hmacKey struct{ inner, outer [hashBlock]byte }

// newHMACKey pads the key, of at most a block.
func newHMACKey(key []byte) (k hmacKey) {
	copy(k.inner[:], key)
	for i := 0; i < hashBlock; i += 8 {
		v := binary.NativeEndian.Uint64(k.inner[i:])
		binary.NativeEndian.PutUint64(k.inner[i:], v^0x3636363636363636)
		binary.NativeEndian.PutUint64(k.outer[i:], v^0x5c5c5c5c5c5c5c5c)
	}
	return k
}

// sha1 returns the HMAC-SHA-1 of m1, m2 and m3 together.
func (k *hmacKey) sha1(m1, m2, m3 []byte) [sha1.Size]byte {
	var scratch [scratchLen]byte
	b := append(append(append(append(scratch[:0], k.inner[:]...), m1...), m2...), m3...)
	inner := sha1.Sum(b)
	return sha1.Sum(append(append(scratch[:0], k.outer[:]...), inner[:]...))
}

// sha256 returns the HMAC-SHA-256 of m1, m2 and m3 together.
func (k *hmacKey) sha256(m1, m2, m3 []byte) [sha256.Size]byte {
	var scratch [scratchLen]byte
	b := append(append(append(append(scratch[:0], k.inner[:]...), m1...), m2...), m3...)
	inner := sha256.Sum256(b)
	return sha256.Sum256(append(append(scratch[:0], k.outer[:]...), inner[:]...))
}

func hmacSHA1(key, m1, m2, m3 []byte) [sha1.Size]byte {
	k := newHMACKey(key)
	return k.sha1(m1, m2, m3)
}

func hmacSHA256(key, m1, m2, m3 []byte) [sha256.Size]byte {
	k := newHMACKey(key)
	return k.sha256(m1, m2, m3)
}

// equal compares secrets in constant time.
func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
