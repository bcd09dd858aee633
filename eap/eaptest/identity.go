package eaptest

import (
	"fmt"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// idRound is a kind of AKA-Identity request. Rounds only go upwards (RFC
// 4187, sections 4.1.5 and 9.1), which also bounds them to three.
type idRound uint8

const (
	idNone idRound = iota // EAP-Request/Identity
	idAny
	idFullauth
	idPermanent
)

func idRoundOf(m *aka.Message) idRound {
	switch {
	case m.Has(aka.AttrPermanentIDReq):
		return idPermanent
	case m.Has(aka.AttrFullauthIDReq):
		return idFullauth
	default:
		return idAny
	}
}

// methodDigits are the methods that a peer may do, and the leading digits of
// their permanent identities (TS 23.003, clauses 14.3 and 19.3.2).
var methodDigits = [...]struct {
	method eap.Type
	digit  string
}{{eap.TypeAKA, "0"}, {eap.TypeAKAPrime, "6"}, {eap.TypeSIM, "1"}}

// methodSlot returns the method's place in methodDigits, or -1.
func methodSlot(t eap.Type) int {
	for i := range methodDigits {
		if methodDigits[i].method == t {
			return i
		}
	}
	return -1
}

// identities are what the peer may call itself. They outlive a login.
type identities struct {
	realm     string // with "@"; may be empty
	permanent [len(methodDigits)]string
	anonymous [len(methodDigits)]string
	pseudonym [len(methodDigits)]string // with realm; empty: none
	reauth    reauthContext
}

// newIdentities returns the permanent identities (TS 23.003, clause 19.3.2)
// and no others.
func newIdentities(imsi eap.IMSI, realm string) (ids identities) {
	if realm == "" {
		var rules *eap.IdentityRules
		realm = rules.Parse("0" + imsi.Digits()).PLMN.Realm("wlan")
	}
	if realm != "" {
		ids.realm = "@" + realm
	}
	for i, m := range methodDigits {
		ids.permanent[i] = m.digit + imsi.Digits() + ids.realm
		ids.anonymous[i] = m.digit + "anonymous" + ids.realm
	}
	return ids
}

// choose returns the identity for a request of the method in use, or, before
// there is one, for EAP-Response/Identity.
//
// RFC 4187, sections 4.1.3 and 4.1.5.
func (p *Peer) choose(round idRound) (string, eap.IdentityKind) {
	if c := &p.ids.reauth; round <= idAny && c.id != "" && p.does(c.keys.Method) {
		return c.id, eap.KindReauth
	}
	if round != idPermanent {
		for _, m := range p.cfg.Methods {
			if id := p.ids.pseudonym[methodSlot(m)]; id != "" && p.does(m) {
				return id, eap.KindPseudonym
			}
		}
	}
	m := p.method
	if m == 0 {
		m = p.cfg.Methods[0]
	}
	return p.ids.permanent[methodSlot(m)], eap.KindPermanent
}

// does reports whether an identity for the method m can be used now.
// Identities for one method are of no use to another (RFC 9048, section 5.1).
func (p *Peer) does(m eap.Type) bool {
	if p.method != 0 {
		return m == p.method
	}
	for _, have := range p.cfg.Methods {
		if m == have {
			return true
		}
	}
	return false
}

// outerIdentity returns what EAP-Response/Identity says.
func (p *Peer) outerIdentity() string {
	if p.cfg.Identity != "" {
		return p.cfg.Identity
	}
	id, kind := p.choose(idNone)
	if kind == eap.KindPermanent && p.cfg.IdentityKey != nil {
		return p.ids.anonymous[methodSlot(p.cfg.Methods[0])]
	}
	return id
}

// onIdentityRequest answers EAP-Request/Identity (RFC 3748, section 5.1).
func (p *Peer) onIdentityRequest() ([]byte, error) {
	if p.phase != phaseStart {
		p.Reset() // the authenticator begins anew
	}
	p.offered = p.offered || p.identity == p.ids.reauth.id
	b := eap.AppendHeader(p.buf[:0], eap.CodeResponse, p.request.Identifier, eap.TypeIdentity)
	b = append(b, p.identity...)
	eap.EndPacket(b, 0)
	return p.reply(b), nil
}

// onAKAIdentity answers EAP-Request/AKA-Identity.
//
// RFC 4187, section 4.1.5.
func (p *Peer) onAKAIdentity(m *aka.Message) ([]byte, error) {
	if p.phase != phaseIdentity {
		return p.clientError(ErrState)
	}
	round := idRoundOf(m)
	if round <= p.idRound {
		return p.clientError(ErrIdentityRound)
	}
	sent, _, err := p.identify(round)
	if err != nil {
		return p.clientError(err)
	}
	b := p.message(aka.SubtypeIdentity)
	b.String(aka.AttrIdentity, sent)
	resp, err := p.send(&b, false)
	if err == nil {
		// The pair counts once the next request shows that the response
		// arrived; a request that comes twice never gets here.
		p.checkcode.Add(p.method, p.request.Raw, resp)
	}
	return resp, err
}

// identify chooses the identity for a request of the method in use, and returns
// it as it is sent.
func (p *Peer) identify(round idRound) (sent string, kind eap.IdentityKind, err error) {
	p.idRound = round
	id, kind := p.choose(round)
	sent = id
	if kind == eap.KindPermanent {
		switch {
		case p.cfg.IdentityKey != nil:
			if sent, err = p.conceal(id); err != nil {
				return "", kind, err
			}
		case p.cfg.Conservative && p.ids.pseudonym[methodSlot(p.method)] != "":
			return "", kind, fmt.Errorf("%w: %v", ErrPrivacy, aka.AttrPermanentIDReq)
		}
	}
	p.identity = id
	p.offered = p.offered || kind == eap.KindReauth
	return sent, kind, nil
}
