package eap

import (
	"errors"
	"fmt"
	"log/slog"
)

// ErrIMSI is wrapped by the errors of [ParseIMSI].
var ErrIMSI = errors.New("eap: not an IMSI")

// IMSI is an international mobile subscriber identity: 6 to 15 decimal digits
// (TS 23.003, clause 2.2). It is comparable and may be a map key. The zero
// IMSI is invalid.
//
// It prints redacted, with its first five digits and its length; Digits gives
// the whole.
type IMSI struct {
	digits string
}

// ParseIMSI returns the IMSI with the digits s.
func ParseIMSI(s string) (IMSI, error) {
	if len(s) < 6 || len(s) > 15 {
		return IMSI{}, fmt.Errorf("%w: %d characters", ErrIMSI, len(s))
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return IMSI{}, fmt.Errorf("%w: character %d is no digit", ErrIMSI, i)
		}
	}
	return IMSI{s}, nil
}

// MustParseIMSI is ParseIMSI for constants; it panics if s is no IMSI.
func MustParseIMSI(s string) IMSI {
	i, err := ParseIMSI(s)
	if err != nil {
		panic(err)
	}
	return i
}

// IsValid reports whether i is an IMSI, not the zero value.
func (i IMSI) IsValid() bool { return i.digits != "" }

// Digits returns all digits: for protocols, stores and nothing that people read.
func (i IMSI) Digits() string { return i.digits }

// String returns the redacted form, such as "00101**********".
func (i IMSI) String() string {
	if !i.IsValid() {
		return "invalid IMSI"
	}
	b := []byte(i.digits)
	for k := 5; k < len(b); k++ {
		b[k] = '*'
	}
	return string(b)
}

// Format implements fmt.Formatter, so that every verb prints the redacted form.
func (i IMSI) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(i.String())) }

// MarshalText implements encoding.TextMarshaler with the redacted form: an IMSI
// must not get into JSON by accident. Write Digits where it is meant.
func (i IMSI) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// LogValue implements slog.LogValuer with the redacted form.
func (i IMSI) LogValue() slog.Value { return slog.StringValue(i.String()) }
