package eaptest

import (
	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// idRound is a kind of AKA-Identity request. Rounds only go upwards (RFC
// 4187, sections 4.1.5 and 9.1), which also bounds them to three.
type idRound uint8

const (
	idNone idRound = iota
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

// identities are what the peer may call itself. Pseudonyms and
// re-authentication identities belong here once they are taken up.
type identities struct {
	aka, prime string // the permanent identity, by method
}

// newIdentities returns the permanent identities (TS 23.003, clause 19.3.2).
func newIdentities(imsi eap.IMSI, realm string) identities {
	if realm == "" {
		var rules *eap.IdentityRules
		realm = rules.Parse("0" + imsi.Digits()).PLMN.Realm("wlan")
	}
	if realm != "" {
		realm = "@" + realm
	}
	return identities{aka: "0" + imsi.Digits() + realm, prime: "6" + imsi.Digits() + realm}
}

func (i *identities) permanent(method eap.Type) string {
	if method == eap.TypeAKAPrime {
		return i.prime
	}
	return i.aka
}

// onIdentityRequest answers EAP-Request/Identity (RFC 3748, section 5.1).
func (p *Peer) onIdentityRequest() ([]byte, error) {
	if p.phase != phaseStart {
		p.Reset() // the authenticator begins anew
	}
	b := eap.AppendHeader(p.buf[:0], eap.CodeResponse, p.request.Identifier, eap.TypeIdentity)
	b = append(b, p.cfg.Identity...)
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
	p.idRound = round
	// Whatever is asked for, the permanent identity is the one there is.
	p.identity = p.ids.permanent(p.method)
	b := p.message(aka.SubtypeIdentity)
	b.String(aka.AttrIdentity, p.identity)
	resp, err := p.send(&b, false)
	if err == nil {
		// The pair counts once the next request shows that the response
		// arrived; a request that comes twice never gets here.
		p.checkcode.Add(p.method, p.request.Raw, resp)
	}
	return resp, err
}
