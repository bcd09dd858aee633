package eaptest

import (
	"crypto/rand"
	"crypto/subtle"
	"io"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// reauthContext is what the peer keeps for a fast re-authentication (RFC 4187,
// section 5.1).
type reauthContext struct {
	id      string   // empty: there is none
	counter uint16   // the last one used
	keys    aka.Keys // of the full authentication; MSK and EMSK mean nothing
}

// onReauth answers EAP-Request/AKA-Reauthentication.
//
// RFC 4187, sections 5.4, 5.5, 9.7 and 9.8.
func (p *Peer) onReauth(m *aka.Message) ([]byte, error) {
	c := &p.ids.reauth
	if p.phase != phaseIdentity || !p.offered || p.identity != c.id || p.method != c.keys.Method {
		return p.clientError(ErrState)
	}
	if err := m.VerifyMAC(&c.keys, nil); err != nil {
		return p.clientError(err)
	}
	nested, err := p.decrypt(m, &c.keys)
	if err != nil {
		return p.clientError(err)
	}
	p.nonceS = [16]byte(nested.NonceS)
	if nested.Counter <= c.counter {
		// The next identity is not for use, and a challenge is to come
		// (section 5.5).
		p.keys = c.keys
		p.counter = nested.Counter
		p.phase = phaseChallenged
		return p.sendReauth(true)
	}
	if err := p.takeTemporary(m, &nested); err != nil {
		return p.clientError(err)
	}
	if err := p.verifyCheckcode(m); err != nil { // overwrites what was decrypted
		return p.clientError(err)
	}
	p.counter, p.requestMAC = nested.Counter, [16]byte(m.MAC)
	p.keys = c.keys.Reauth(p.identity, p.counter, p.nonceS)
	p.resultInd = m.Has(aka.AttrResultInd) && p.cfg.ResultIndications
	p.reauthenticated = true
	p.phase = phaseAuthenticated
	return p.sendReauth(false)
}

func (p *Peer) sendReauth(tooSmall bool) ([]byte, error) {
	b := p.message(aka.SubtypeReauthentication)
	if err := p.encryptCounter(&b, tooSmall); err != nil {
		return nil, err
	}
	if !p.cfg.NoCheckcode && p.method != eap.TypeSIM {
		b.Octets(aka.AttrCheckcode, p.checkcodeValue())
	}
	if p.resultInd && !tooSmall {
		b.Flag(aka.AttrResultInd)
	}
	return p.finish(&b, true, p.nonceS[:])
}

// encryptCounter appends AT_IV and AT_ENCR_DATA with the counter of this
// re-authentication.
func (p *Peer) encryptCounter(b *aka.Builder, tooSmall bool) error {
	r := p.cfg.Rand
	if r == nil {
		r = rand.Reader
	}
	if _, err := io.ReadFull(r, p.iv[:]); err != nil {
		return err
	}
	b.Encrypt(&p.keys, p.iv, func(b *aka.Builder) {
		if tooSmall {
			b.Flag(aka.AttrCounterTooSmall)
		}
		b.Number(aka.AttrCounter, p.counter)
	})
	return nil
}

// decrypt returns the attributes in m's AT_ENCR_DATA. They are good until the
// next use of p.scratch.
func (p *Peer) decrypt(m *aka.Message, k *aka.Keys) (aka.Attributes, error) {
	plain, err := m.Decrypt(p.scratch[:0], k)
	if err != nil {
		return aka.Attributes{}, err
	}
	p.scratch = plain
	return m.DecodeNested(plain)
}

// verifyCheckcode compares the server's AT_CHECKCODE, which it need not send.
func (p *Peer) verifyCheckcode(m *aka.Message) error {
	if m.Has(aka.AttrCheckcode) &&
		subtle.ConstantTimeCompare(m.Checkcode, p.checkcodeValue()) != 1 {
		return &aka.AttrError{Subtype: m.Subtype, Attr: aka.AttrCheckcode, Err: aka.ErrCheckcode}
	}
	return nil
}

// Reauthenticated reports whether the login is a fast re-authentication.
func (p *Peer) Reauthenticated() bool { return p.reauthenticated }

// ReauthIdentity returns the identity that the peer will use for its next
// login, and false if it has none for a fast re-authentication.
func (p *Peer) ReauthIdentity() (string, bool) {
	return p.ids.reauth.id, p.ids.reauth.id != ""
}

// SetReauthIdentity replaces the identity of the next fast re-authentication,
// if there is one to come; its keys stay. The login that is going on is
// forgotten.
func (p *Peer) SetReauthIdentity(id string) {
	p.dropOffered()
	if p.ids.reauth.id != "" {
		p.ids.reauth.id = id
	}
	p.Reset()
}

// Counter returns the counter of the last fast re-authentication that the
// peer knows of; 0 is a full authentication.
func (p *Peer) Counter() uint16 { return p.ids.reauth.counter }

// SetCounter makes the peer behave as if a re-authentication with the counter n
// had been: a server that sends n or less is asked for a full authentication.
func (p *Peer) SetCounter(n uint16) { p.ids.reauth.counter = n }

// sessionID returns the Session-Id of the login (RFC 5247, appendix A.2; RFC
// 9048, section 6).
func (p *Peer) sessionID() []byte {
	if p.reauthenticated {
		return aka.SessionID(p.method, p.nonceS, p.requestMAC)
	}
	if p.method == eap.TypeSIM {
		return p.sim.sessionID()
	}
	return aka.SessionID(p.method, p.rand, p.autn)
}
