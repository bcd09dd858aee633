package eap

import (
	"fmt"
	"strings"
)

// RealmKind says what sort of mobile realm an identity has.
type RealmKind uint8

const (
	// RealmOther is none of those below.
	RealmOther RealmKind = iota
	// RealmWLAN is wlan.mnc….mcc….3gppnetwork.org (TS 23.003, clause 14.2).
	RealmWLAN
	// RealmEPC is nai.epc.mnc… or epc.mnc… (TS 23.003, clauses 19.2, 19.3.2).
	RealmEPC
	// RealmNSWO is 5gc-nswo.mnc…: offload with 5G credentials (TS 23.003,
	// clause 28.7.9).
	RealmNSWO
	// RealmUnreachable is unreachable.3gppnetwork.org, with which a phone asks
	// without meaning to log in (TS 23.003, clause 19.3.7).
	RealmUnreachable
)

// String returns the kind's name.
func (k RealmKind) String() string {
	switch k {
	case RealmOther:
		return "other"
	case RealmWLAN:
		return "wlan"
	case RealmEPC:
		return "epc"
	case RealmNSWO:
		return "5gc-nswo"
	case RealmUnreachable:
		return "unreachable"
	default:
		return fmt.Sprintf("RealmKind(%d)", uint8(k))
	}
}

// mobileRealm is what a realm tells of the network. mcc and mnc are parts of
// the realm, and empty in one without them; mnc is as in the realm, padded.
type mobileRealm struct {
	kind      RealmKind
	mcc, mnc  string
	emergency bool
}

const mobileDomain = ".3gppnetwork.org"

func parseRealm(realm string) mobileRealm {
	if strings.EqualFold(realm, "sos.invalid") {
		return mobileRealm{emergency: true} // TS 23.003, clause 19.3.6
	}
	n := len(realm) - len(mobileDomain)
	if n <= 0 || !strings.EqualFold(realm[n:], mobileDomain) {
		return mobileRealm{}
	}
	rest := realm[:n]
	if strings.EqualFold(rest, "unreachable") {
		return mobileRealm{kind: RealmUnreachable}
	}
	rest, label := cutLastLabel(rest)
	mcc := labelDigits(label, "mcc")
	rest, label = cutLastLabel(rest)
	mnc := labelDigits(label, "mnc")
	// Some phones leave out the padding of a two-digit MNC.
	if len(mcc) != 3 || len(mnc) < 2 || len(mnc) > 3 {
		return mobileRealm{}
	}
	m := mobileRealm{mcc: mcc, mnc: mnc}
	// In front of what is looked at may stand the name of one server (TS
	// 23.003, clause 19.3.4) or "sos" (clause 19.3.9).
	switch front, label := cutLastLabel(rest); {
	case strings.EqualFold(label, "wlan"):
		m.kind, rest = RealmWLAN, front
	case strings.EqualFold(label, "epc"):
		m.kind, rest = RealmEPC, front
	case strings.EqualFold(label, "5gc-nswo"):
		m.kind, rest = RealmNSWO, front
	}
	first, _, _ := strings.Cut(rest, ".")
	m.emergency = strings.EqualFold(first, "sos")
	return m
}

// cutLastLabel splits the last label off s.
func cutLastLabel(s string) (front, label string) {
	i := strings.LastIndexByte(s, '.')
	return s[:max(i, 0)], s[i+1:]
}

// labelDigits returns the digits behind prefix, or "" when label is another.
func labelDigits(label, prefix string) string {
	if len(label) < len(prefix) || !strings.EqualFold(label[:len(prefix)], prefix) || !allDigits(label[len(prefix):]) {
		return ""
	}
	return label[len(prefix):]
}

// domainMatch reports whether realm is domain or below it.
func domainMatch(realm, domain string) bool {
	n := len(realm) - len(domain)
	if n < 0 || domain == "" {
		return realm == domain
	}
	return strings.EqualFold(realm[n:], domain) && (n == 0 || realm[n-1] == '.')
}
