package eap

import (
	"errors"
	"fmt"
)

// ErrPLMN is wrapped by the errors of [ParsePLMN].
var ErrPLMN = errors.New("eap: not a PLMN")

// PLMN is a mobile network: a country code of three digits and a network code
// of two or three (TS 23.003, clause 2.2). It is comparable; the zero PLMN is
// invalid.
type PLMN struct {
	mcc, mnc string
}

// ParsePLMN returns the PLMN with the given MCC and MNC.
func ParsePLMN(mcc, mnc string) (PLMN, error) {
	if len(mcc) != 3 || len(mnc) < 2 || len(mnc) > 3 || !allDigits(mcc) || !allDigits(mnc) {
		return PLMN{}, fmt.Errorf("%w: MCC %q, MNC %q", ErrPLMN, mcc, mnc)
	}
	return PLMN{mcc, mnc}, nil
}

// IsValid reports whether p is a PLMN, not the zero value.
func (p PLMN) IsValid() bool { return p.mcc != "" }

// MCC returns the country code, three digits.
func (p PLMN) MCC() string { return p.mcc }

// MNC returns the network code as it is in the IMSI, two or three digits.
func (p PLMN) MNC() string { return p.mnc }

// String returns MCC and MNC, such as "001-01".
func (p PLMN) String() string {
	if !p.IsValid() {
		return "invalid PLMN"
	}
	return p.mcc + "-" + p.mnc
}

// Realm returns the domain of the network below "3gppnetwork.org", with the
// given label in front: "epc", "wlan", "nai.epc", or nothing for the
// Visited-Network-Identifier. A two-digit MNC is padded with a leading zero
// (TS 23.003, clauses 19.2 and 14.2).
func (p PLMN) Realm(label string) string {
	if !p.IsValid() {
		return ""
	}
	mnc := p.mnc
	if len(mnc) == 2 {
		mnc = "0" + mnc
	}
	if label != "" {
		label += "."
	}
	return label + "mnc" + mnc + ".mcc" + p.mcc + ".3gppnetwork.org"
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
