package class

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/opentwag/twag/session"
)

const (
	separator = '_'
	tagLen    = 12 // octets of the HMAC, 96 bits
	// signedParts are the strings, session, issue time, three durations, key and tag.
	signedParts = texts + 2 + 3 + 2
	// plainParts are what a foreign server may have.
	plainParts = 6
	// trailer is "_07_" and the tag.
	trailer = 1 + 2 + 1 + 2*tagLen
)

func isSigned(v []byte) bool {
	n := 0
	for _, c := range v {
		if c == separator {
			n++
		}
	}
	return n == signedParts-1
}

const upperHex = "0123456789ABCDEF"

// appendSigned appends the readable form.
func (c *Codec) appendSigned(b []byte, f *Facts) []byte {
	begin := len(b)
	for _, p := range f.texts() {
		b = append(appendEscaped(b, *p), separator)
	}
	if f.Session.IsValid() {
		b = hex.AppendEncode(b, f.Session[:])
	}
	b = append(b, separator)
	b = strconv.AppendInt(b, f.Issued.Unix(), 10)
	for _, p := range f.durations() {
		b = append(b, separator)
		b = strconv.AppendInt(b, int64(max(*p, 0)/time.Second), 10)
	}
	key := &c.keys[0]
	b = append(b, separator, upperHex[key.ID>>4], upperHex[key.ID&15], separator)
	return hex.AppendEncode(b, sign(key.Secret, b[begin:]))
}

func appendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c > '~' || c == separator || c == '%' {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

func sign(key, b []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(b)
	return mac.Sum(nil)[:tagLen]
}

func (c *Codec) openSigned(f *Facts, v []byte, now time.Time) error {
	if len(v) < trailer || v[len(v)-trailer] != separator || v[len(v)-trailer+3] != separator {
		return fmt.Errorf("%w: no tag", ErrForged)
	}
	signed := v[:len(v)-2*tagLen]
	var tag [tagLen]byte
	if _, err := hex.Decode(tag[:], v[len(signed):]); err != nil {
		return fmt.Errorf("%w: tag", ErrForged)
	}
	id, err := strconv.ParseUint(string(v[len(signed)-3:len(signed)-1]), 16, 8)
	if err != nil {
		return fmt.Errorf("%w: key", ErrForged)
	}
	for i := range c.keys {
		k := &c.keys[i]
		if k.ID != byte(id) {
			continue
		}
		if !hmac.Equal(tag[:], sign(k.Secret, signed)) {
			return ErrForged
		}
		if !k.NotAfter.IsZero() && now.After(k.NotAfter) {
			return fmt.Errorf("%w: key retired", ErrExpired)
		}
		return split(f, string(v[:len(v)-trailer]))
	}
	return fmt.Errorf("%w: no such key", ErrForged)
}

// split reads the facts of the readable form, which are authentic.
func split(f *Facts, s string) error {
	next := func() (part string) {
		part, s, _ = strings.Cut(s, string(separator))
		return part
	}
	for _, p := range f.texts() {
		*p = unescape(next())
	}
	if id := next(); id != "" {
		parsed, err := session.ParseID(id)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrForeign, err)
		}
		f.Session = parsed
	}
	var numbers [4]uint64
	for i := range numbers {
		n, err := strconv.ParseUint(next(), 10, 32)
		if err != nil {
			return fmt.Errorf("%w: number", ErrForeign)
		}
		numbers[i] = n
	}
	f.Issued = time.Unix(int64(numbers[0]), 0)
	for i, p := range f.durations() {
		*p = time.Duration(numbers[1+i]) * time.Second
	}
	return nil
}

// unescape undoes appendEscaped; what is no escape stands for itself.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// openPlain reads the Class of a foreign server: two to six parts of printable ASCII.
func openPlain(f *Facts, v []byte) bool {
	parts := 1
	for _, c := range v {
		if c < ' ' || c > '~' {
			return false
		}
		if c == separator {
			parts++
		}
	}
	if parts < 2 || parts > plainParts {
		return false
	}
	to := f.texts()
	for i, part := range strings.Split(string(v), string(separator)) {
		*to[i] = part
	}
	f.Plain = true
	return true
}
