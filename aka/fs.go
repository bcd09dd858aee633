package aka

import (
	"crypto/ecdh"
	"errors"
	"fmt"

	"github.com/opentwag/twag/eap"
)

// ForwardSecrecy is a policy for EAP-AKA' with forward secrecy.
type ForwardSecrecy uint8

const (
	// FSOff: not offered; what a peer sends of it is ignored.
	FSOff ForwardSecrecy = iota
	// FSOffered: used with peers that have it. Others log in without.
	FSOffered
	// FSRequired: peers without it are refused, and re-authenticate fast only
	// after a login with it. A peer may still choose another method, so the
	// Authenticator must have none.
	FSRequired
)

// String returns the policy's name.
func (f ForwardSecrecy) String() string {
	switch f {
	case FSOff:
		return "off"
	case FSOffered:
		return "offered"
	case FSRequired:
		return "required"
	default:
		return fmt.Sprintf("ForwardSecrecy(%d)", uint8(f))
	}
}

// defaultFSGroups begins with the group that costs this implementation less,
// much so where the key pair has been restored; and it works under
// GODEBUG=fips140=only.
var defaultFSGroups = []FSGroup{FSP256, FSX25519}

// validateFS checks the two fields of c that are about forward secrecy.
func (c *Config) validateFS() error {
	if c.ForwardSecrecy > FSRequired {
		return fmt.Errorf("aka: Config.ForwardSecrecy: %v", c.ForwardSecrecy)
	}
	var seen KDFList
	for _, g := range c.FSGroups {
		switch {
		case g.curve() == nil:
			return fmt.Errorf("aka: Config.FSGroups: %v", g)
		case seen.has(uint16(g)):
			return fmt.Errorf("aka: Config.FSGroups: %v twice", g)
		}
		seen.append(uint16(g))
	}
	return nil
}

// fsOffer returns the values of AT_KDF_FS to offer, none if it is off.
func (c *Config) fsOffer() (l KDFList) {
	if c.ForwardSecrecy == FSOff {
		return l
	}
	groups := c.FSGroups
	if len(groups) == 0 {
		groups = defaultFSGroups
	}
	for _, g := range groups {
		l.append(uint16(g))
	}
	return l
}

// fsRun is what forward secrecy adds to a run.
type fsRun struct {
	// offer is the list of AT_KDF_FS, negotiated as AT_KDF is (RFC 9678,
	// section 6.2); empty while forward secrecy is off.
	offer kdfOffer
	// secret is the private key of the outstanding challenge, and, once
	// agreed, SHARED_SECRET.
	secret [fsSecretLen]byte
	agreed bool
	// private is secret, ready for use; nil after Restore.
	private *ecdh.PrivateKey
	// restarted: the run has begun again for a bad public value.
	restarted bool
}

// offered reports whether the challenges of this run offer forward secrecy.
func (f *fsRun) offered() bool { return f.offer.base.Len() > 0 }

// group returns the group of the outstanding challenge.
func (f *fsRun) group() FSGroup { return FSGroup(f.offer.list().At(0)) }

// used returns the group that the keys come from, 0 if they come from none.
func (f *fsRun) used() FSGroup {
	if !f.agreed {
		return 0
	}
	return f.group()
}

// forget drops the private key or the secret.
func (f *fsRun) forget() {
	clear(f.secret[:])
	f.private, f.agreed = nil, false
}

// offerFS adds the offer to a challenge, with a fresh public value in each
// (RFC 9678, sections 6.1 and 6.5.3).
func (m *machine) offerFS(b *Builder) {
	if !m.fs.offered() {
		return
	}
	m.fs.forget()
	key, public, err := m.fs.group().generate()
	if err != nil {
		b.fail(AttrPubECDHE, err)
		return
	}
	m.fs.private = key
	secret := key.Bytes()
	copy(m.fs.secret[:], secret)
	clear(secret)
	b.FSKDFs(m.fs.offer.list())
	b.Octets(AttrPubECDHE, public[:])
}

// fsAttrsLen is room for AT_PUB_ECDHE and the longest usual list of AT_KDF_FS.
const fsAttrsLen = attrHeaderLen + fsPublicLen + 3*attrUnit

// onFSKDF handles a peer's wish for another group: the same vector once more,
// with its choice in front and a public value for that (RFC 9678, section
// 6.2).
func (m *machine) onFSKDF(t eap.Turn, msg *Message) eap.Step {
	if !m.fs.offer.change(msg.FSKDFs.At(0)) {
		return m.fail(t, &AttrError{Subtype: msg.Subtype, Attr: AttrKDFFS, Err: ErrKDF})
	}
	return m.enterChallenge(t)
}

// agreeFS takes the peer's public value, if forward secrecy is offered. It is
// the last of the checks, for none but a subscriber who has proved who he is
// shall cost a multiplication (RFC 9678, section 7.3).
func (m *machine) agreeFS(msg *Message) error {
	if !m.fs.offered() {
		return nil
	}
	fault := func(t AttrType, err error) error {
		return &AttrError{Subtype: msg.Subtype, Attr: t, Err: err}
	}
	if !msg.Has(AttrPubECDHE) {
		m.fs.forget()
		if m.method.cfg.ForwardSecrecy == FSRequired {
			return fault(AttrPubECDHE, ErrMissing) // section 6.5.4
		}
		return nil
	}
	group := m.fs.group()
	if msg.Has(AttrKDFFS) && msg.FSKDFs.At(0) != uint16(group) {
		// Nobody asks for it here, but a peer that says what it has used
		// must have used what we shall use.
		return fault(AttrKDFFS, ErrKDF)
	}
	key := m.fs.private
	if key == nil {
		var err error
		if key, err = group.curve().NewPrivateKey(m.fs.secret[:]); err != nil {
			return fmt.Errorf("%w: %w", ErrState, err)
		}
	}
	secret, err := group.agree(key, msg.PubECDHE)
	m.fs.forget()
	if err != nil {
		return fault(AttrPubECDHE, err)
	}
	m.fs.secret, m.fs.agreed = secret, true
	return nil
}

// onBadPublic handles the error of agreeFS. After a public value that is no
// good the run begins again: with a new vector and a new key pair, the
// identity and the lists kept, for a peer takes no other list than the last
// (RFC 9678, sections 6.2 and 6.3). It does so once.
func (m *machine) onBadPublic(t eap.Turn, err error) eap.Step {
	if m.fs.restarted || !errors.Is(err, ErrPublicValue) {
		return m.fail(t, err)
	}
	m.fs.restarted = true
	return m.enterVectors(nil)
}
