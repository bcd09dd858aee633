package aka

import (
	"encoding/binary"

	"github.com/opentwag/twag/eap"
)

// fcPrime is the FC octet of the derivation of CK' and IK' (TS 33.402, annex
// A.2).
const fcPrime = 0x20

// amfSeparation is the AMF's separation bit, in the first octet of the AMF
// (TS 33.102, annex H).
const (
	amfAt         = 6
	amfSeparation = 0x80
)

// Separated reports whether the AMF separation bit of an AUTN is set, as
// EAP-AKA' wants it (RFC 9048, section 3.3).
func Separated(autn [16]byte) bool { return autn[amfAt]&amfSeparation != 0 }

// PrimeKeys returns CK' and IK', which bind CK and IK to the access network's
// name. Doing so twice gives keys that nobody shares: see Vector.Primed.
//
// TS 33.402, annex A.2; the generic function is TS 33.220, annex B.
func PrimeKeys(ck, ik [16]byte, networkName string, autn [16]byte) (ckPrime, ikPrime [16]byte) {
	var key [32]byte
	copy(key[:16], ck[:])
	copy(key[16:], ik[:])
	var scratch [1 + maxNAILen + 2 + 6 + 2]byte
	s := append(scratch[:0], fcPrime)
	s = append(s, networkName...)
	s = binary.BigEndian.AppendUint16(s, uint16(len(networkName)))
	s = append(s, autn[:6]...) // SQN xor AK
	s = binary.BigEndian.AppendUint16(s, 6)
	out := hmacSHA256(key[:], s, nil, nil)
	return [16]byte(out[:16]), [16]byte(out[16:])
}

// AKAPrimeKeys returns the keys of an EAP-AKA' full authentication. The
// identity is the peer's, exactly as it was sent.
//
// RFC 9048, section 3.3.
func AKAPrimeKeys(identity string, ckPrime, ikPrime [16]byte) Keys {
	var key [32]byte
	copy(key[:16], ikPrime[:])
	copy(key[16:], ckPrime[:])
	var scratch [8 + maxNAILen]byte
	s := append(scratch[:0], "EAP-AKA'"...)
	s = append(s, identity...)
	var x [7 * 32]byte // 208 octets are used
	prfPrime(key[:], s, x[:])
	k := Keys{Method: eap.TypeAKAPrime}
	copy(k.KEncr[:], x[0:16])
	copy(k.KAut[:], x[16:48])
	copy(k.KRe[:], x[48:80])
	copy(k.MSK[:], x[80:144])
	copy(k.EMSK[:], x[144:208])
	return k
}

// reauthPrime sets MSK and EMSK of an EAP-AKA' fast re-authentication.
func (k *Keys) reauthPrime(identity string, counter uint16, nonceS [16]byte) {
	var scratch [16 + maxNAILen + 2 + 16]byte
	s := append(scratch[:0], "EAP-AKA' re-auth"...)
	s = append(s, identity...)
	s = binary.BigEndian.AppendUint16(s, counter)
	s = append(s, nonceS[:]...)
	var x [4 * 32]byte
	prfPrime(k.KRe[:], s, x[:])
	copy(k.MSK[:], x[0:64])
	copy(k.EMSK[:], x[64:128])
}

// prfPrime fills out, a multiple of 32 octets, with PRF'(key, s) (RFC 9048,
// section 3.4.1).
func prfPrime(key, s, out []byte) {
	var t []byte
	for i := 1; len(out) > 0; i++ {
		sum := hmacSHA256(key, t, s, []byte{byte(i)})
		n := copy(out, sum[:])
		t, out = out[:n], out[n:]
	}
}
