package eaptest

import (
	"fmt"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// maxScratchNAI is room for a NAI of usual length.
const maxScratchNAI = 256

// temporary are the identities that the login going on has brought. They are
// kept when it succeeds.
type temporary struct {
	pseudonym string // with realm
	reauth    string
}

// takeTemporary notes the temporary identities in a decrypted request.
//
// The pseudonym comes as a username; the re-authentication identity is whole
// (RFC 4187, sections 4.1.1.7 and 4.1.1.8).
func (p *Peer) takeTemporary(m *aka.Message, nested *aka.Attributes) error {
	p.next = temporary{}
	if nested.Has(aka.AttrNextPseudonym) {
		whole := make([]byte, 0, maxScratchNAI)
		id := string(append(append(whole, nested.NextPseudonym...), p.ids.realm...))
		username := id[:len(nested.NextPseudonym)]
		if nai, err := eap.ParseNAI(username); err != nil || nai.Username != username || len(id) > eap.MaxNAILen {
			return temporaryError(m, aka.AttrNextPseudonym)
		}
		if !p.cfg.NoPseudonyms {
			p.next.pseudonym = id
		}
	}
	if nested.Has(aka.AttrNextReauthID) {
		id := string(nested.NextReauthID)
		if nai, err := eap.ParseNAI(id); err != nil || nai.Username == "" {
			return temporaryError(m, aka.AttrNextReauthID)
		}
		if !p.cfg.NoReauth {
			p.next.reauth = id
		}
	}
	return nil
}

func temporaryError(m *aka.Message, t aka.AttrType) error {
	return &aka.AttrError{Subtype: m.Subtype, Attr: t, Err: ErrTemporary}
}

// keepTemporary ends a login that has succeeded. An old pseudonym serves on if
// there is no new one; a re-authentication identity does not, used or not (RFC
// 4187, sections 4.1.1.8 and 5.3).
func (p *Peer) keepTemporary() {
	if p.next.pseudonym != "" {
		p.ids.pseudonym[methodSlot(p.method)] = p.next.pseudonym
	}
	if p.next.reauth == "" {
		p.ids.reauth = reauthContext{}
	} else {
		p.ids.reauth = reauthContext{id: p.next.reauth, counter: p.counter, keys: p.keys}
	}
	p.next, p.offered = temporary{}, false
}

// dropOffered gives up a re-authentication identity that was used: it is good
// for one login, even if that was not completed (section 4.1.1.8).
func (p *Peer) dropOffered() {
	if p.offered {
		p.ids.reauth, p.offered = reauthContext{}, false
	}
}

// Forget makes the peer lose its temporary identities, as a phone does whose
// SIM card was taken out.
func (p *Peer) Forget() {
	clear(p.ids.pseudonym[:])
	p.ids.reauth = reauthContext{}
	p.Reset()
}

// Pseudonym returns the identity that the peer will use for its next full
// authentication with the method t, and false if that is the permanent one.
func (p *Peer) Pseudonym(t eap.Type) (string, bool) {
	i := methodSlot(t)
	if i < 0 {
		return "", false
	}
	return p.ids.pseudonym[i], p.ids.pseudonym[i] != ""
}

// SetPseudonym makes the peer believe that a server gave it the username, for
// the method t: a stale or a forged one, say. The login that is going on is
// forgotten.
func (p *Peer) SetPseudonym(t eap.Type, username string) error {
	i := methodSlot(t)
	if i < 0 {
		return fmt.Errorf("%w: SetPseudonym: %v", ErrMethod, t)
	}
	p.ids.pseudonym[i] = username + p.ids.realm
	p.Reset()
	return nil
}
