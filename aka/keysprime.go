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
	k, t := primeSession(identity, ckPrime, ikPrime)
	k.primeExport(identity, ckPrime, ikPrime, t)
	return k
}

// primeSessionBlocks are the blocks of PRF' that hold K_encr, K_aut and the
// first half of K_re. A challenge needs no more of the seven, and a login of
// which the rest is stored between two messages saves the others.
const primeSessionBlocks = 2

// primeSession returns KEncr, KAut and the first half of KRe, and the last
// block of PRF', which primeExport goes on from.
func primeSession(identity string, ckPrime, ikPrime [16]byte) (k Keys, t [32]byte) {
	key := primeKey(ckPrime, ikPrime)
	var scratch [8 + maxNAILen]byte
	var x [primeSessionBlocks * 32]byte
	prfPrimeFrom(&key, nil, 1, primeSeed(scratch[:0], identity), x[:])
	k.Method = eap.TypeAKAPrime
	copy(k.KEncr[:], x[0:16])
	copy(k.KAut[:], x[16:48])
	copy(k.KRe[:16], x[48:64])
	return k, [32]byte(x[32:64])
}

// primeExport sets the rest of KRe, MSK and EMSK.
func (k *Keys) primeExport(identity string, ckPrime, ikPrime [16]byte, t [32]byte) {
	key := primeKey(ckPrime, ikPrime)
	var scratch [8 + maxNAILen]byte
	var x [5 * 32]byte // up to octet 208 of 224
	prfPrimeFrom(&key, t[:], primeSessionBlocks+1, primeSeed(scratch[:0], identity), x[:])
	copy(k.KRe[16:], x[0:16])
	copy(k.MSK[:], x[16:80])
	copy(k.EMSK[:], x[80:144])
}

func primeKey(ckPrime, ikPrime [16]byte) hmacKey {
	var key [32]byte
	copy(key[:16], ikPrime[:])
	copy(key[16:], ckPrime[:])
	return newHMACKey(key[:])
}

func primeSeed(b []byte, identity string) []byte {
	return append(append(b, "EAP-AKA'"...), identity...)
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
	k := newHMACKey(key)
	prfPrimeFrom(&k, nil, 1, s, out)
}

// prfPrimeFrom is prfPrime from block n on; t is the block before.
func prfPrimeFrom(k *hmacKey, t []byte, n byte, s, out []byte) {
	for ; len(out) > 0; n++ {
		sum := k.sha256(t, s, []byte{n})
		m := copy(out, sum[:])
		t, out = out[:m], out[m:]
	}
}
