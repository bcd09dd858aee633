package class

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/opentwag/twag/keyring"
	"github.com/opentwag/twag/session"
)

// A sealed Class begins with two octets that no text begins with.
const (
	magic0 = 0xc1
	magic1 = 0x01 // version
)

// Tags of what is no string; strings have 1 to 11, in the order of Facts.
const (
	tagSession = 32 + iota
	tagIssued
	tagDuration // and the next two
)

func isSealed(v []byte) bool { return len(v) >= 2 && v[0] == magic0 && v[1] == magic1 }

// appendSealed appends the sealed form: tag, length and value for each fact that
// is not zero.
func (c *Codec) appendSealed(b []byte, f *Facts) []byte {
	plain := make([]byte, 0, MaxLen)
	for i, p := range f.texts() {
		if *p != "" {
			if len(*p) > 255 {
				return append(b, make([]byte, MaxLen+1)...) // too long in any case
			}
			plain = append(append(plain, byte(1+i), byte(len(*p))), *p...)
		}
	}
	if f.Session.IsValid() {
		plain = append(append(plain, tagSession, byte(len(f.Session))), f.Session[:]...)
	}
	plain = appendNumber(plain, tagIssued, f.Issued.Unix())
	for i, p := range f.durations() {
		if seconds := int64(*p / time.Second); seconds > 0 {
			plain = appendNumber(plain, byte(tagDuration+i), seconds)
		}
	}
	return c.sealer.Seal(append(b, magic0, magic1), plain, nil)
}

func appendNumber(b []byte, tag byte, v int64) []byte {
	var raw [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(raw[:], uint64(v))
	return append(append(b, tag, byte(n)), raw[:n]...)
}

// plains are where what was sealed is read from.
var plains = sync.Pool{New: func() any { return new([MaxLen]byte) }}

func (c *Codec) openSealed(f *Facts, v []byte, now time.Time) error {
	buf := plains.Get().(*[MaxLen]byte)
	defer plains.Put(buf)
	raw, err := c.sealer.Open(buf[:0], v[2:], nil, now)
	switch {
	case errors.Is(err, keyring.ErrRetired):
		return fmt.Errorf("%w: %w", ErrExpired, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	return decode(f, string(raw))
}

// decode reads what appendSealed wrote. Tags that it does not know are of later
// versions. The strings are parts of s.
func decode(f *Facts, s string) error {
	texts, durations := f.texts(), f.durations()
	for len(s) > 0 {
		if len(s) < 2 || len(s) < 2+int(s[1]) {
			return fmt.Errorf("%w: cut short", ErrForeign)
		}
		tag, value := s[0], s[2:2+int(s[1])]
		s = s[2+int(s[1]):]
		switch {
		case 1 <= tag && int(tag) <= len(texts):
			*texts[tag-1] = value
		case tag == tagSession && len(value) == len(session.ID{}):
			copy(f.Session[:], value)
		case tagIssued <= tag && tag < tagDuration+3:
			n, ok := number(value)
			if !ok {
				return fmt.Errorf("%w: number", ErrForeign)
			}
			if tag == tagIssued {
				f.Issued = time.Unix(n, 0)
			} else {
				*durations[tag-tagDuration] = time.Duration(n) * time.Second
			}
		}
	}
	return nil
}

// maxSeconds bounds what is read: seconds of 136 years.
const maxSeconds = 1<<32 - 1

func number(s string) (int64, bool) {
	var v uint64
	for i := 0; i < len(s) && i < 5; i++ {
		v |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return int64(v), i == len(s)-1 && v <= maxSeconds
		}
	}
	return 0, false
}
