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
