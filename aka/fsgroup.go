package aka

import (
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
)

// FSGroup is a value of AT_KDF_FS: how forward secrecy derives keys, and on
// which curve.
//
// RFC 9678, sections 6.3 and 6.4.
type FSGroup uint16

// The groups of RFC 9678, both of which each peer with forward secrecy has.
const (
	FSX25519 FSGroup = 1
	FSP256   FSGroup = 2
)

// String returns the group's name.
func (g FSGroup) String() string {
	switch g {
	case FSX25519:
		return "X25519"
	case FSP256:
		return "P-256"
	default:
		return fmt.Sprintf("FSGroup(%d)", uint16(g))
	}
}

const (
	fsSecretLen = 32 // private keys and shared secrets of both groups
	// fsPublicLen is the length of AT_PUB_ECDHE's value in both groups: 32
	// octets and two of padding, or 33 and one.
	fsPublicLen   = 34
	compressedLen = 33
)

// curve returns the group's curve, nil if there is no such group.
func (g FSGroup) curve() ecdh.Curve {
	switch g {
	case FSX25519:
		return ecdh.X25519()
	case FSP256:
		return ecdh.P256()
	default:
		return nil
	}
}

// generate makes a key pair, and the value of AT_PUB_ECDHE for it.
func (g FSGroup) generate() (k *ecdh.PrivateKey, public [fsPublicLen]byte, err error) {
	if k, err = g.curve().GenerateKey(rand.Reader); err != nil {
		return nil, public, err
	}
	return k, g.encode(k), nil
}

// encode returns the value of AT_PUB_ECDHE for a key (RFC 9678, section 6.1):
// the encoding of RFC 7748, or SEC 1's compressed one.
func (g FSGroup) encode(k *ecdh.PrivateKey) (public [fsPublicLen]byte) {
	p := k.PublicKey().Bytes()
	if g == FSX25519 {
		copy(public[:], p)
		return public
	}
	// p is 4, x, y; what remains of y is whether it is odd (SEC 1, section
	// 2.3.3).
	public[0] = 2 | p[len(p)-1]&1
	copy(public[1:], p[1:compressedLen])
	return public
}

// agree returns SHARED_SECRET of an own key and a peer's value of AT_PUB_ECDHE,
// whose padding is ignored as all padding is. It fails for what is no point of
// the curve, and for those points of small order that would give a secret of
// zeros (RFC 9678, section 6.3; RFC 7748, section 6.1). Public values are no
// secret, so only the multiplication runs in constant time.
func (g FSGroup) agree(k *ecdh.PrivateKey, value []byte) (secret [fsSecretLen]byte, err error) {
	if len(value) != fsPublicLen {
		return secret, ErrLength
	}
	encoded := value[:fsSecretLen]
	var point [1 + 2*fsSecretLen]byte
	if g == FSP256 {
		// Fails off the curve, for x not below the prime, and for all first
		// octets but 2 and 3; the point at infinity has no such encoding.
		x, y := elliptic.UnmarshalCompressed(elliptic.P256(), value[:compressedLen])
		if x == nil {
			return secret, ErrPublicValue
		}
		point[0] = 4
		x.FillBytes(point[1:compressedLen])
		y.FillBytes(point[compressedLen:])
		encoded = point[:]
	}
	p, err := g.curve().NewPublicKey(encoded)
	if err != nil {
		return secret, ErrPublicValue
	}
	s, err := k.ECDH(p)
	if err != nil {
		return secret, ErrPublicValue
	}
	copy(secret[:], s)
	clear(s)
	return secret, nil
}
