package eap

import (
	"encoding/binary"
	"strings"
)

// shortRealms are the labels of realms that short identities leave out, by
// kind; the realm goes on with mncXXX.mccXXX.3gppnetwork.org.
var shortRealms = [...]string{1: "@wlan.", 2: "@nai.epc."}

const (
	shortKindShift = 14
	shortLenMask   = 1<<shortKindShift - 1
	shortDigits    = 3
)

// mobileLabels is what a realm is made of beside the label and the digits.
const (
	mncLabel = "mnc"
	mccLabel = ".mcc"
)

// AppendIdentity appends an identity to b for an encoded state, where room is
// scarce: two octets of kind (2 bits) and length, the identity, and in place of
// a realm wlan.mnc…, nai.epc.mnc… (TS 23.003, clauses 14.2 and 19.3.2) its
// digits in three octets. [CutIdentity] reads it, to the octet. An identity has
// at most 16383 octets; more are cut off.
func AppendIdentity(b []byte, identity string) []byte {
	identity = identity[:min(len(identity), shortLenMask)]
	kind, front, mnc, mcc := shorten(identity)
	b = binary.BigEndian.AppendUint16(b, uint16(kind<<shortKindShift|len(front)))
	b = append(b, front...)
	if kind == 0 {
		return b
	}
	pair := func(a, b byte) byte { return (a-'0')<<4 | (b - '0') }
	return append(b, pair(mnc[0], mnc[1]), pair(mnc[2], mcc[0]), pair(mcc[1], mcc[2]))
}

// shorten splits an identity whose realm can be left out; kind is 0 if it
// cannot.
func shorten(identity string) (kind int, front, mnc, mcc string) {
	rest, ok := strings.CutSuffix(identity, mobileDomain)
	if !ok || len(rest) < len(mncLabel)+3+len(mccLabel)+3 {
		return 0, identity, "", ""
	}
	rest, mcc = rest[:len(rest)-3], rest[len(rest)-3:]
	if rest, ok = strings.CutSuffix(rest, mccLabel); !ok {
		return 0, identity, "", ""
	}
	rest, mnc = rest[:len(rest)-3], rest[len(rest)-3:]
	if rest, ok = strings.CutSuffix(rest, mncLabel); !ok || !allDigits(mnc) || !allDigits(mcc) {
		return 0, identity, "", ""
	}
	for kind = 1; kind < len(shortRealms); kind++ {
		if front, ok := strings.CutSuffix(rest, shortRealms[kind]); ok {
			return kind, front, mnc, mcc
		}
	}
	return 0, identity, "", ""
}

// CutIdentity reads what AppendIdentity wrote, and returns what follows it. ok
// is false if b does not begin with such.
func CutIdentity(b []byte) (identity string, rest []byte, ok bool) {
	if len(b) < 2 {
		return "", b, false
	}
	head := binary.BigEndian.Uint16(b)
	kind, n := int(head>>shortKindShift), 2+int(head&shortLenMask)
	if kind >= len(shortRealms) || n > len(b) {
		return "", b, false
	}
	front := b[2:n]
	if kind == 0 {
		return string(front), b[n:], true
	}
	if n+shortDigits > len(b) {
		return "", b, false
	}
	var d [2 * shortDigits]byte
	for i := range d {
		d[i] = b[n+i/2] >> (4 * (1 - i%2)) & 0xf
		if d[i] > 9 {
			return "", b, false
		}
		d[i] += '0'
	}
	var room [MaxNAILen]byte
	full := append(append(room[:0], front...), shortRealms[kind]...)
	full = append(append(full, mncLabel...), d[:3]...)
	full = append(append(full, mccLabel...), d[3:]...)
	return string(append(full, mobileDomain...)), b[n+shortDigits:], true
}
