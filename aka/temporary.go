package aka

import (
	"fmt"

	"github.com/opentwag/twag/eap"
)

// temporaryMethods are the methods that give out temporary identities, and the
// leading digits of theirs (TS 23.003, clause 19.3).
var temporaryMethods = [...]struct {
	method            eap.Type
	pseudonym, reauth byte
}{
	{eap.TypeAKA, '2', '4'},
	{eap.TypeSIM, '3', '5'},
	{eap.TypeAKAPrime, '7', '8'},
}

// temporaryOf returns the method's place in temporaryMethods, or -1.
func temporaryOf(t eap.Type) int {
	for i := range temporaryMethods {
		if temporaryMethods[i].method == t {
			return i
		}
	}
	return -1
}

// validateLeading refuses rules that would read our own temporary identities
// as something else.
func validateLeading(r *eap.IdentityRules) error {
	if r == nil {
		return nil
	}
	for _, t := range temporaryMethods {
		for c, kind := range map[byte]eap.IdentityKind{t.pseudonym: eap.KindPseudonym, t.reauth: eap.KindReauth} {
			if l, ok := r.Leading[c]; ok && l != (eap.Leading{Kind: kind, Method: t.method}) {
				return fmt.Errorf("aka: Config.Rules: Leading[%q] has to be a %v of %v", c, kind, t.method)
			}
		}
	}
	return nil
}

// identitiesLen is room for AT_IV and AT_ENCR_DATA with identities of usual
// length.
const identitiesLen = 2*attrUnit + 16 + 112

// giveIdentities appends the identities for next time to a challenge: encrypted,
// so that nobody sees which phone has them (RFC 4187, sections 4.1.1.7 and
// 5.3).
func (m *machine) giveIdentities(t eap.Turn, b *Builder) {
	pseudonyms := m.method.cfg.Pseudonyms
	m.nextReauth = m.method.cfg.Reauth != nil
	if pseudonyms == nil && !m.nextReauth {
		return
	}
	var iv [16]byte
	var random [pseudonymRandom]byte
	m.random(b, iv[:], random[:], m.freshToken())
	at := b.beginEncr(&iv)
	if pseudonyms != nil {
		var scratch [pseudonymLen]byte
		b.Octets(AttrNextPseudonym, pseudonyms.append(scratch[:0], m.method.typ, m.imsi, t.Now, random))
	}
	if m.nextReauth {
		m.nextReauthID(b)
	}
	b.endEncr(m.sessionKeys(), &iv, at)
}
