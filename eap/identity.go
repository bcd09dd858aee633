package eap

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// IdentityKind says what an identity stands for.
type IdentityKind uint8

const (
	// KindUnknown is an identity that says nothing: malformed, or with a
	// leading digit without meaning. The method has to ask.
	KindUnknown IdentityKind = iota
	// KindPermanent holds the IMSI.
	KindPermanent
	// KindPseudonym was given out by a server for one full authentication.
	KindPseudonym
	// KindReauth was given out by a server for a fast re-authentication.
	KindReauth
	// KindAnonymous gives the realm only ("0anonymous@…", "@…"): the peer will
	// say more when the method asks.
	KindAnonymous
	// KindForeign has a realm that [IdentityRules] do not serve.
	KindForeign
)

// String returns the kind's name.
func (k IdentityKind) String() string {
	switch k {
	case KindUnknown:
		return "unknown"
	case KindPermanent:
		return "permanent"
	case KindPseudonym:
		return "pseudonym"
	case KindReauth:
		return "re-authentication"
	case KindAnonymous:
		return "anonymous"
	case KindForeign:
		return "foreign"
	default:
		return fmt.Sprintf("IdentityKind(%d)", uint8(k))
	}
}

// Identity is what an identity string tells. It is comparable, and it prints
// without the IMSI's last digits.
type Identity struct {
	// NAI is the parsed string; invalid if it was malformed.
	NAI NAI
	// Kind says what the identity stands for.
	Kind IdentityKind
	// Method is the EAP method that the identity is for; 0 if it names none.
	// It is a hint: the peer may still ask for another.
	Method Type
	// IMSI is valid for KindPermanent only.
	IMSI IMSI
	// PLMN is the home network, by the IMSI or else the realm; the zero PLMN
	// when neither tells.
	PLMN PLMN
	// Realm says what sort of realm the home realm is.
	Realm RealmKind
	// Emergency is true when the realm asks for an emergency session.
	Emergency bool
}

// String returns the NAI, masked, and the kind.
func (i Identity) String() string { return i.NAI.String() + " (" + i.Kind.String() + ")" }

// Leading is the meaning of a leading digit.
type Leading struct {
	Kind   IdentityKind
	Method Type
}

// standardLeading are the leading digits of TS 23.003, clause 19.3.
var standardLeading = [9]Leading{
	0: {KindPermanent, TypeAKA},
	1: {KindPermanent, TypeSIM},
	2: {KindPseudonym, TypeAKA},
	3: {KindPseudonym, TypeSIM},
	4: {KindReauth, TypeAKA},
	5: {KindReauth, TypeSIM},
	6: {KindPermanent, TypeAKAPrime},
	7: {KindPseudonym, TypeAKAPrime},
	8: {KindReauth, TypeAKAPrime},
}

// IdentityRules say how identities are read. The zero value, and nil, are the
// standard's (TS 23.003, clauses 14 and 19). It is safe for concurrent use as
// long as nobody changes it.
type IdentityRules struct {
	// Leading adds leading octets, or gives another meaning to the digits 0 to
	// 8: {'9': {KindPermanent, TypeAKA}} for SIMs with several IMSIs that put
	// a 9 in front.
	Leading map[byte]Leading
	// BareIMSI is the method of a username that is nothing but the 15 digits of
	// an IMSI, without a leading digit. All usernames of 15 digits are then
	// read like that. 0: there are none such.
	BareIMSI Type
	// PLMNs are networks whose MNC length is known: the operator's own and its
	// partners'. They decide where realm and IMSI do not.
	PLMNs []PLMN
	// MNCDigits is the length of MNCs by MCC (2 or 3), for networks not in
	// PLMNs. Default: 3 in North America (MCC 302 and 310 to 316), else 2.
	MNCDigits map[string]int
	// Realms are the realms that are served, each with all below it, such as
	// "wlan.mnc001.mcc001.3gppnetwork.org" or "3gppnetwork.org"; the empty
	// string stands for identities without a realm. Nil: all. What counts in a
	// decorated identity is the home realm.
	Realms []string
}

// Validate returns an error that names the field that makes no sense.
func (r *IdentityRules) Validate() error {
	if r == nil {
		return nil
	}
	for c, l := range r.Leading {
		switch {
		case naiClass[c]&classAtext == 0:
			return fmt.Errorf("eap: IdentityRules.Leading[%q]: no username starts with it", c)
		case l.Kind < KindPermanent || l.Kind > KindReauth:
			return fmt.Errorf("eap: IdentityRules.Leading[%q]: kind %v has no leading digit", c, l.Kind)
		}
	}
	for mcc, n := range r.MNCDigits {
		if len(mcc) != 3 || !allDigits(mcc) || n < 2 || n > 3 {
			return fmt.Errorf("eap: IdentityRules.MNCDigits[%q]: %d", mcc, n)
		}
	}
	if slices.Contains(r.PLMNs, PLMN{}) {
		return errors.New("eap: IdentityRules.PLMNs: the zero PLMN")
	}
	return nil
}

// Parse returns what identity tells. It never fails: an identity that is
// malformed is of KindUnknown. The strings of the result are parts of identity.
func (r *IdentityRules) Parse(identity string) Identity {
	nai, err := ParseNAI(identity)
	if err != nil {
		return Identity{}
	}
	home := nai.HomeRealm()
	realm := parseRealm(home)
	id := Identity{NAI: nai, Realm: realm.kind, Emergency: realm.emergency}
	if realm.kind == RealmUnreachable || !r.serves(home) {
		id.Kind = KindForeign
		return id
	}
	id.PLMN = r.realmPLMN(realm)
	user := nai.Username
	switch {
	case user == "" || user == "anonymous":
		id.Kind = KindAnonymous
		return id
	case realm.kind == RealmNSWO:
		// The username is a SUCI, which only a 5G core can resolve.
		id.Method = TypeAKAPrime
		return id
	case r != nil && r.BareIMSI != 0 && len(user) == 15 && allDigits(user):
		id.permanent(r, user, r.BareIMSI, realm)
		return id
	}
	lead, ok := r.leading(user[0])
	if !ok {
		return id
	}
	id.Method = lead.Method
	switch {
	case user[1:] == "anonymous":
		id.Kind = KindAnonymous
	case lead.Kind == KindPermanent:
		id.permanent(r, user[1:], lead.Method, realm)
	case len(user) > 1:
		id.Kind = lead.Kind
	}
	return id
}

// permanent fills in what follows from the IMSI, if digits are one.
func (i *Identity) permanent(r *IdentityRules, digits string, method Type, realm mobileRealm) {
	i.Method = method
	if imsi, err := ParseIMSI(digits); err == nil {
		i.Kind, i.IMSI, i.PLMN = KindPermanent, imsi, r.imsiPLMN(digits, realm)
	}
}

func (r *IdentityRules) leading(c byte) (Leading, bool) {
	if r != nil {
		if l, ok := r.Leading[c]; ok {
			return l, true
		}
	}
	if c < '0' || c > '8' {
		return Leading{}, false
	}
	return standardLeading[c-'0'], true
}

func (r *IdentityRules) serves(realm string) bool {
	if r == nil || r.Realms == nil {
		return true
	}
	return slices.ContainsFunc(r.Realms, func(d string) bool { return domainMatch(realm, d) })
}

// imsiPLMN returns the network of an IMSI. The IMSI does not say how long its
// MNC is; the realm, where a two-digit MNC has a zero in front, nearly always
// does (TS 23.003, clause 19.2).
func (r *IdentityRules) imsiPLMN(digits string, realm mobileRealm) PLMN {
	mcc := digits[:3]
	if realm.mcc == mcc {
		three := realm.mnc == digits[3:6]
		two := strings.TrimPrefix(realm.mnc, "0") == digits[3:5] || realm.mnc == digits[3:5]
		if three != two {
			if three {
				return PLMN{mcc, digits[3:6]}
			}
			return PLMN{mcc, digits[3:5]}
		}
	}
	if r != nil {
		// The longer of two that fit is the more exact.
		var found PLMN
		for _, p := range r.PLMNs {
			if p.mcc == mcc && strings.HasPrefix(digits[3:], p.mnc) && len(p.mnc) > len(found.mnc) {
				found = p
			}
		}
		if found.IsValid() {
			return PLMN{mcc, digits[3 : 3+len(found.mnc)]}
		}
	}
	return PLMN{mcc, digits[3 : 3+r.mncDigits(mcc)]}
}

// realmPLMN returns the network of a realm, where no IMSI tells more.
func (r *IdentityRules) realmPLMN(realm mobileRealm) PLMN {
	if realm.mnc == "" {
		return PLMN{}
	}
	if len(realm.mnc) == 2 || realm.mnc[0] != '0' {
		return PLMN{realm.mcc, realm.mnc}
	}
	if r != nil {
		for _, p := range r.PLMNs {
			if p.mcc == realm.mcc && (p.mnc == realm.mnc || p.mnc == realm.mnc[1:]) {
				return p
			}
		}
	}
	return PLMN{realm.mcc, realm.mnc[3-r.mncDigits(realm.mcc):]}
}

func (r *IdentityRules) mncDigits(mcc string) int {
	if r != nil {
		if n, ok := r.MNCDigits[mcc]; ok {
			return n
		}
	}
	if mcc == "302" || mcc >= "310" && mcc <= "316" {
		return 3
	}
	return 2
}

// HomePLMN returns the home network of an IMSI, by PLMNs, MNCDigits and the
// country's custom; the zero PLMN if imsi is invalid.
func (r *IdentityRules) HomePLMN(imsi IMSI) PLMN {
	if !imsi.IsValid() {
		return PLMN{}
	}
	return r.imsiPLMN(imsi.digits, mobileRealm{})
}
