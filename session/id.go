package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// ID names a session for ever. It is random, so that who knows one knows no
// other. The zero ID is invalid.
type ID [16]byte

// NewID returns an ID that no other session has.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// NamedID returns the ID of a record that is found by its name alone, such as a
// NAS or a mark.
func NamedID(name string) ID {
	h := sha256.Sum256([]byte(name))
	return ID(h[:16])
}

// IsValid reports whether id is not the zero value.
func (id ID) IsValid() bool { return id != ID{} }

// String returns 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns what String does, so that logs and JSON show it.
func (id ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseID returns the ID that String made s of.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*len(id) {
		return ID{}, fmt.Errorf("session: ID of %d characters", len(s))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, errors.New("session: ID is not hexadecimal")
	}
	return id, nil
}

// NewTerm returns the term that stands for the parts together.
func NewTerm(index Index, parts ...string) Term {
	var buf [192]byte
	b := append(buf[:0], byte(index))
	for _, p := range parts {
		b = appendString(b, p)
	}
	return termOf(b)
}

// termOf returns the term that stands for an index and its parts, each with its length before it.
func termOf(b []byte) Term {
	h := sha256.Sum256(b)
	return Term(binary.BigEndian.Uint64(h[:8]))
}
