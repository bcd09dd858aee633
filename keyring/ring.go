package keyring

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// SecretLen is the length of a key's secret in octets.
const SecretLen = 32

// Errors of this package.
var (
	// ErrConfig: the keys given to New make no ring.
	ErrConfig = errors.New("keyring: invalid keys")
	// ErrOpen: the octets were not sealed by this ring for this purpose and
	// context, or they were tampered with.
	ErrOpen = errors.New("keyring: does not open")
	// ErrRetired: the key that sealed the octets is past its time. It wraps
	// ErrOpen.
	ErrRetired = fmt.Errorf("%w: key retired", ErrOpen)
)

// Key is one secret of a ring. It prints without its secret.
type Key struct {
	// ID names the key in what it seals. IDs of a ring are distinct, and an
	// ID is not given to another secret while anything sealed may be about.
	ID uint8
	// Secret is the key material, of full entropy.
	Secret [SecretLen]byte
	// NotAfter is when the key stops opening; zero is never.
	NotAfter time.Time
}

// String implements fmt.Stringer without giving the secret away.
func (k Key) String() string { return fmt.Sprintf("key %d [redacted]", k.ID) }

// GoString implements fmt.GoStringer without giving the secret away.
func (k Key) GoString() string { return k.String() }

// Format implements fmt.Formatter, so that no verb prints the secret.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the secret away.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Ring is a set of keys of which the first seals. It is immutable and safe for
// concurrent use; to rotate, make another and hand it to those who use it.
type Ring struct {
	keys []Key
}

// Format implements fmt.Formatter: fmt would print the keys' secrets, since it
// does not ask unexported fields how they want to be printed.
func (r Ring) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "ring of %d keys", len(r.keys)) }

// New returns the ring with the given keys, the active one first. It fails
// with ErrConfig when there is none, when an ID occurs twice, or when a
// secret is all zero (a forgotten one).
func New(keys ...Key) (*Ring, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no key", ErrConfig)
	}
	seen := map[uint8]bool{}
	for i, k := range keys {
		switch {
		case seen[k.ID]:
			return nil, fmt.Errorf("%w: ID %d twice", ErrConfig, k.ID)
		case k.Secret == [SecretLen]byte{}:
			return nil, fmt.Errorf("%w: secret of ID %d is zero", ErrConfig, k.ID)
		case i == 0 && !k.NotAfter.IsZero():
			return nil, fmt.Errorf("%w: the active key, ID %d, has an end", ErrConfig, k.ID)
		}
		seen[k.ID] = true
	}
	return &Ring{keys: append([]Key(nil), keys...)}, nil
}

// NewRandom returns a ring of one key that nobody else has.
func NewRandom() *Ring {
	var k Key
	rand.Read(k.Secret[:]) // never fails: crypto/rand ends the process instead
	return &Ring{keys: []Key{k}}
}

// Derived is a key that Derive made of a ring's. It prints without its secret.
type Derived struct {
	ID       uint8
	NotAfter time.Time
	Secret   []byte
}

// Format implements fmt.Formatter, so that no verb prints the secret.
func (d Derived) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "key %d [redacted]", d.ID) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the secret away.
func (d Derived) MarshalText() ([]byte, error) { return fmt.Append(nil, d), nil }

// Derive returns, for each key of the ring in order, n octets that belong to
// the purpose alone (HKDF with SHA-256, RFC 5869). For codecs that need their own cipher;
// all others use [Ring.Sealer].
func (r *Ring) Derive(purpose string, n int) []Derived {
	out := make([]Derived, len(r.keys))
	for i, k := range r.keys {
		secret, err := hkdf.Key(sha256.New, k.Secret[:], nil, "twag "+purpose, n)
		if err != nil {
			panic(fmt.Sprintf("keyring: deriving %d octets: %v", n, err)) // n is the programmer's
		}
		out[i] = Derived{ID: k.ID, NotAfter: k.NotAfter, Secret: secret}
	}
	return out
}
