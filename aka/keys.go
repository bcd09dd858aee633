package aka

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"

	"github.com/opentwag/twag/eap"
)

const (
	macKeyLen    = 16 // K_aut of EAP-AKA and EAP-SIM
	masterKeyLen = 20 // MK of EAP-AKA and EAP-SIM
	maxNAILen    = 256
	sessionLen   = 1 + 16 + 16
)

// Keys are the keys of one run: what protects its messages and what it
// exports. They print redacted.
type Keys struct {
	// Method is the EAP type that the keys are for; it decides the MAC.
	Method eap.Type
	// KEncr encrypts AT_ENCR_DATA.
	KEncr [16]byte
	// KAut makes AT_MAC; EAP-AKA and EAP-SIM use the first 16 octets.
	KAut [32]byte
	// MK is the master key of EAP-AKA and EAP-SIM, kept for fast
	// re-authentication.
	MK [20]byte
	// KRe is the re-authentication key of EAP-AKA'.
	KRe [32]byte
	// MSK and EMSK are exported (RFC 5247).
	MSK, EMSK eap.Key
}

// String implements fmt.Stringer without giving the keys away.
func (Keys) String() string { return "aka.Keys[redacted]" }

// GoString implements fmt.GoStringer without giving the keys away.
func (k Keys) GoString() string { return k.String() }

// Format implements fmt.Formatter, so that no verb prints the keys.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the keys away.
func (k Keys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// AKAKeys returns the keys of an EAP-AKA full authentication. The identity is
// the peer's, exactly as it was sent.
//
// They rest on SHA-1, which GODEBUG=fips140=only does not allow.
//
// RFC 4187, section 7.
func AKAKeys(identity string, ck, ik [16]byte) Keys {
	return keysOfMK(eap.TypeAKA, akaMasterKey(identity, ck, ik))
}

// akaMasterKey is MK = SHA1(Identity|IK|CK).
func akaMasterKey(identity string, ck, ik [16]byte) [masterKeyLen]byte {
	var scratch [maxNAILen + 32]byte
	b := append(scratch[:0], identity...)
	b = append(b, ik[:]...)
	b = append(b, ck[:]...)
	return sha1.Sum(b)
}

// keysOfMK expands the master key of EAP-AKA or EAP-SIM.
func keysOfMK(method eap.Type, mk [masterKeyLen]byte) Keys {
	k, xkey := sessionOfMK(method, mk)
	k.exportOfMK(xkey)
	return k
}

// mkSessionLen is how many octets of the generator hold K_encr, K_aut and the
// beginning of MSK. A challenge needs no more of the 160, and a login of which
// the rest is stored between two messages saves the others.
const mkSessionLen = 2 * sha1.Size

// sessionOfMK returns KEncr, KAut, MK and the beginning of MSK, and what
// exportOfMK goes on from.
func sessionOfMK(method eap.Type, mk [masterKeyLen]byte) (k Keys, xkey [sha1.Size]byte) {
	var x [mkSessionLen]byte
	xkey = prf(mk, x[:])
	k.Method, k.MK = method, mk
	copy(k.KEncr[:], x[0:16])
	copy(k.KAut[:], x[16:32])
	copy(k.MSK[:], x[32:])
	return k, xkey
}

// exportOfMK sets the rest of MSK, and EMSK.
func (k *Keys) exportOfMK(xkey [sha1.Size]byte) {
	var x [160 - mkSessionLen]byte
	prf(xkey, x[:])
	rest := x[copy(k.MSK[mkSessionLen-32:], x[:]):]
	copy(k.EMSK[:], rest)
}

// Reauth returns the keys of a fast re-authentication after the run that had
// k: new MSK and EMSK, the others unchanged. The identity is the
// re-authentication identity as the peer sent it.
//
// RFC 4187, section 7; RFC 9048, section 3.3.
func (k *Keys) Reauth(identity string, counter uint16, nonceS [16]byte) Keys {
	next := *k
	if k.Method == eap.TypeAKAPrime {
		next.reauthPrime(identity, counter, nonceS)
		return next
	}
	var scratch [maxNAILen + 2 + 16 + 20]byte
	b := append(scratch[:0], identity...)
	b = binary.BigEndian.AppendUint16(b, counter)
	b = append(b, nonceS[:]...)
	b = append(b, k.MK[:]...)
	var x [128]byte
	prf(sha1.Sum(b), x[:])
	copy(next.MSK[:], x[0:64])
	copy(next.EMSK[:], x[64:128])
	return next
}

// SessionID returns the exported Session-Id: the type, then RAND and AUTN of a
// full authentication, or NONCE_S and the MAC of the request of a
// re-authentication.
//
// RFC 5247, appendix A.2; RFC 9048, section 6.
func SessionID(method eap.Type, a, b [16]byte) []byte {
	return appendSessionID(make([]byte, 0, sessionLen), method, &a, &b)
}

func appendSessionID(id []byte, method eap.Type, a, b *[16]byte) []byte {
	return append(append(append(id, byte(method)), a[:]...), b[:]...)
}
