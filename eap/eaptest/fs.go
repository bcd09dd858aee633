package eaptest

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// ErrForwardSecrecy: the server does not offer forward secrecy that the peer
// must have, or with a public value that is no good (RFC 9678, sections 6.3
// and 6.5.4).
var ErrForwardSecrecy = errors.New("eaptest: no forward secrecy")

// publicLen is the length of AT_PUB_ECDHE's value with its padding.
const publicLen = 34

// secrecy is a peer's side of forward secrecy within a login.
type secrecy struct {
	seen   bool // a challenge came; list is its AT_KDF_FSs, if any
	list   aka.KDFList
	wanted uint16      // asked for instead of the list's first; 0: none
	group  aka.FSGroup // of the challenge being answered; 0: without
	public [publicLen]byte
}

func validateFS(cfg *PeerConfig) error {
	if cfg.ForwardSecrecy > aka.FSRequired {
		return fmt.Errorf("%w: ForwardSecrecy: %v", ErrPeer, cfg.ForwardSecrecy)
	}
	for _, g := range cfg.FSGroups {
		if g != aka.FSX25519 && g != aka.FSP256 {
			return fmt.Errorf("%w: FSGroups: %v", ErrPeer, g)
		}
	}
	return nil
}

// hasGroup reports whether the peer does a group of AT_KDF_FS.
func (p *Peer) hasGroup(v uint16) bool {
	if p.cfg.FSGroups == nil {
		return v == uint16(aka.FSX25519) || v == uint16(aka.FSP256)
	}
	return slices.Contains(p.cfg.FSGroups, aka.FSGroup(v))
}

// firstGroup returns the first group of a list that the peer does, or 0.
func (p *Peer) firstGroup(l aka.KDFList) uint16 {
	for i := range l.Len() {
		if p.hasGroup(l.At(i)) {
			return l.At(i)
		}
	}
	return 0
}

// FSGroup returns the group that the keys come from, 0 if the login is, or
// will be, without forward secrecy.
func (p *Peer) FSGroup() aka.FSGroup { return p.fs.group }

// startsAgain reports whether a challenge may come though one was answered:
// a server that finds the public value no good begins again (RFC 9678, section
// 6.3).
func (p *Peer) startsAgain() bool { return p.phase == phaseAuthenticated && p.fs.group != 0 }

// negotiateFS judges the AT_KDF_FSs of a challenge. It returns a response when
// the challenge must not be looked into.
//
// RFC 9678, sections 6.2 and 6.5.
func (p *Peer) negotiateFS(m *aka.Message) ([]byte, error) {
	p.fs.group = 0
	if p.cfg.ForwardSecrecy == aka.FSOff {
		return nil, nil
	}
	fault := &aka.AttrError{Subtype: m.Subtype, Attr: aka.AttrKDFFS, Err: aka.ErrKDF}
	var list aka.KDFList
	if m.Has(aka.AttrPubECDHE) && m.Has(aka.AttrKDFFS) { // one alone is as none
		list = m.FSKDFs
	}
	switch {
	case p.fs.wanted != 0:
		if !isChange(p.fs.list, list, p.fs.wanted) {
			return p.clientError(fault)
		}
		p.fs.list, p.fs.wanted = list, 0
	case p.fs.seen:
		// After a resynchronisation, or a change of AT_KDF, as before it.
		if list != p.fs.list {
			return p.clientError(fault)
		}
	case hasDuplicates(list):
		return p.authReject(fault)
	default:
		p.fs.seen, p.fs.list = true, list
		if v := p.firstGroup(list); v != 0 && v != list.At(0) {
			p.fs.wanted = v
			p.phase = phaseChallenged
			b := p.message(aka.SubtypeChallenge)
			b.Number(aka.AttrKDFFS, v)
			return p.send(&b, false)
		}
	}
	if list.Len() > 0 && p.hasGroup(list.At(0)) {
		p.fs.group = aka.FSGroup(list.At(0))
	} else if p.cfg.ForwardSecrecy == aka.FSRequired {
		return p.authReject(ErrForwardSecrecy)
	}
	return nil, nil
}

// agreeFS takes the server's public value, which AT_MAC has shown to be its
// own, makes the peer's, and derives the keys.
//
// RFC 9678, section 6.3.
func (p *Peer) agreeFS(m *aka.Message) error {
	if p.fs.group == 0 {
		return nil
	}
	remote, err := decodePublic(p.fs.group, m.PubECDHE)
	if err != nil {
		return err
	}
	key, err := remote.Curve().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	secret, err := key.ECDH(remote)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForwardSecrecy, err)
	}
	p.fs.public = encodePublic(p.fs.group, key.PublicKey())
	ck, ik := aka.PrimeKeys(p.out.CK, p.out.IK, string(m.KDFInput), p.autn)
	p.keys = aka.AKAPrimeFSKeys(p.identity, ck, ik, [32]byte(secret))
	return nil
}

// addPublic adds AT_PUB_ECDHE to the response to a challenge.
func (p *Peer) addPublic(b *aka.Builder) {
	if p.method == eap.TypeAKAPrime && p.fs.group != 0 {
		b.Octets(aka.AttrPubECDHE, p.fs.public[:])
	}
}

// encodePublic returns the value of AT_PUB_ECDHE (RFC 9678, section 6.1).
func encodePublic(g aka.FSGroup, k *ecdh.PublicKey) (value [publicLen]byte) {
	b := k.Bytes()
	if g == aka.FSX25519 {
		copy(value[:], b)
		return value
	}
	value[0] = 2 + b[64]%2
	copy(value[1:], b[1:33])
	return value
}

// p256B is the constant b of the curve, and p256P its prime (SEC 2, section
// 2.4.2).
var (
	p256B, _ = new(big.Int).SetString("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", 16)
	p256P, _ = new(big.Int).SetString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16)
)

// decodePublic returns the key in a value of AT_PUB_ECDHE. It has nothing in
// common with the code that servers use for it: y comes from the curve's
// equation (SEC 1, section 2.3.4).
func decodePublic(g aka.FSGroup, value []byte) (*ecdh.PublicKey, error) {
	bad := fmt.Errorf("%w: public value", ErrForwardSecrecy)
	if len(value) != publicLen {
		return nil, bad
	}
	if g == aka.FSX25519 {
		return ecdh.X25519().NewPublicKey(value[:32])
	}
	x := new(big.Int).SetBytes(value[1:33])
	if value[0]&^1 != 2 || x.Cmp(p256P) >= 0 {
		return nil, bad
	}
	// y² = x³ - 3x + b
	yy := new(big.Int).Exp(x, big.NewInt(3), p256P)
	yy.Sub(yy, new(big.Int).Mul(big.NewInt(3), x)).Add(yy, p256B).Mod(yy, p256P)
	y := new(big.Int).ModSqrt(yy, p256P)
	if y == nil {
		return nil, bad
	}
	if y.Bit(0) != uint(value[0]&1) {
		y.Sub(p256P, y)
	}
	point := append([]byte{4}, value[1:33]...)
	return ecdh.P256().NewPublicKey(append(point, y.FillBytes(make([]byte, 32))...))
}
