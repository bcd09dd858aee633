package aka

import (
	"crypto/sha1"
	"encoding/binary"

	"github.com/opentwag/twag/eap"
)

// SIMVersion is the one version of EAP-SIM that there is (RFC 4186, section
// 10.2).
const SIMVersion uint16 = 1

// A challenge of EAP-SIM holds two or three triplets (RFC 4186, section 10.9).
const (
	minTriplets = 2
	maxTriplets = 3
)

// SIMKeys returns the keys of an EAP-SIM full authentication. The identity is
// the peer's, exactly as it was sent; the triplets are in the order of AT_RAND;
// versions is the list in AT_VERSION_LIST, two octets each.
//
// They rest on SHA-1, which GODEBUG=fips140=only does not allow.
//
// RFC 4186, section 7.
func SIMKeys(identity string, triplets []Triplet, nonceMT [16]byte, versions []byte, selected uint16) Keys {
	var scratch [maxTriplets * 8]byte
	kcs := scratch[:0]
	for i := range triplets {
		kcs = append(kcs, triplets[i].Kc[:]...)
	}
	return keysOfMK(eap.TypeSIM, simMasterKey(identity, kcs, nonceMT, versions, selected))
}

// simMasterKey is MK = SHA1(Identity|n*Kc|NONCE_MT|Version List|Selected Version).
func simMasterKey(identity string, kcs []byte, nonceMT [16]byte, versions []byte, selected uint16) [masterKeyLen]byte {
	var scratch [maxNAILen + maxTriplets*8 + 16 + 4]byte
	b := append(scratch[:0], identity...)
	b = append(b, kcs...)
	b = append(b, nonceMT[:]...)
	b = append(b, versions...)
	b = binary.BigEndian.AppendUint16(b, selected)
	return sha1.Sum(b)
}

// SIMSessionID returns the exported Session-Id of an EAP-SIM full
// authentication: the type, the RANDs as in AT_RAND, NONCE_MT. That of a fast
// re-authentication is made by [SessionID].
//
// RFC 5247, appendix A.
func SIMSessionID(rands []byte, nonceMT [16]byte) []byte {
	return appendSIMSessionID(make([]byte, 0, 1+len(rands)+len(nonceMT)), rands, &nonceMT)
}

func appendSIMSessionID(id, rands []byte, nonceMT *[16]byte) []byte {
	return append(append(append(id, byte(eap.TypeSIM)), rands...), nonceMT[:]...)
}
