// Package provision says which subscribers a laboratory has and what their
// keys are, so that programs that never talk to each other (the HSS simulator
// and the load generator, say) agree on them.
//
// These keys are public: they stand in a source file. They are for
// laboratories and tests and nothing else.
package provision

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/opentwag/twag/eap"
)

// FirstIMSI is the first subscriber of the laboratory's test network, PLMN
// 001/01.
const FirstIMSI = "001010000000001"

// AMF is the authentication management field of every lab subscriber, with the
// separation bit that EAP-AKA' needs (TS 33.402, clause 6.1; TS 33.102, Annex
// H).
var AMF = [2]byte{0x80, 0x00}

// Keys gives each subscriber's K and OPc. The zero Keys derives them from the
// IMSI, so that no two subscribers share any: a server that mixes up two
// logins is found out.
type Keys struct {
	k, opc [16]byte
	common bool
}

// CommonKeys are Keys that are the same for all subscribers.
func CommonKeys(k, opc [16]byte) Keys { return Keys{k: k, opc: opc, common: true} }

// ParseKeys returns CommonKeys of two values of 32 hexadecimal digits, or the
// zero Keys if both are empty.
func ParseKeys(k, opc string) (Keys, error) {
	if k == "" && opc == "" {
		return Keys{}, nil
	}
	keys := Keys{common: true}
	if err := parseKey(&keys.k, k); err != nil {
		return Keys{}, fmt.Errorf("key K: %w", err)
	}
	if err := parseKey(&keys.opc, opc); err != nil {
		return Keys{}, fmt.Errorf("key OPc: %w", err)
	}
	return keys, nil
}

func parseKey(dst *[16]byte, s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(dst) {
		return errors.New("not 32 hexadecimal digits (give both keys or none)")
	}
	copy(dst[:], b)
	return nil
}

// Of returns the K and OPc of the subscriber imsi.
func (k Keys) Of(imsi eap.IMSI) (key, opc [16]byte) {
	if k.common {
		return k.k, k.opc
	}
	mac := hmac.New(sha256.New, []byte("OpenTWAG laboratory subscriber"))
	mac.Write([]byte(imsi.Digits()))
	sum := mac.Sum(nil)
	return [16]byte(sum[:16]), [16]byte(sum[16:])
}

// IMSI returns the n-th IMSI after first, with the same number of digits.
func IMSI(first eap.IMSI, n int) (eap.IMSI, error) {
	digits := first.Digits()
	base, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n < 0 {
		return eap.IMSI{}, fmt.Errorf("no IMSI to count from, or none %d after it", n)
	}
	next := fmt.Sprintf("%0*d", len(digits), base+uint64(n))
	if len(next) != len(digits) {
		return eap.IMSI{}, fmt.Errorf("no %d-digit IMSI is %d after %v", len(digits), n, first)
	}
	return eap.ParseIMSI(next)
}
