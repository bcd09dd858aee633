package swx

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/opentwag/twag/eap"
)

// Route says where the HSS of some subscribers is.
type Route struct {
	// Prefix is what their IMSIs begin with, 3 to 15 digits: a country, a
	// network, a range.
	Prefix string
	// Realm is the Destination-Realm.
	Realm string
	// Host is the Destination-Host; may be empty.
	Host string
}

// validate returns an error that names the first field that is wrong, of the
// route with the number i.
func (r *Route) validate(i int) error {
	switch {
	case len(r.Prefix) < 3 || len(r.Prefix) > 15 || strings.Trim(r.Prefix, "0123456789") != "":
		return fmt.Errorf("swx: config: Routes[%d].Prefix: want 3 to 15 digits", i)
	case !isIdentity(r.Realm):
		return fmt.Errorf("swx: config: Routes[%d].Realm: %q is no domain name", i, r.Realm)
	case r.Host != "" && !isIdentity(r.Host):
		return fmt.Errorf("swx: config: Routes[%d].Host: %q is no domain name", i, r.Host)
	}
	return nil
}

// isIdentity reports whether s can be a DiameterIdentity: a domain name, with
// underscores since some have them (RFC 6733, section 4.3.1).
func isIdentity(s string) bool {
	if len(s) == 0 || len(s) > maxName {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			switch {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			default:
				return false
			}
		}
	}
	return true
}

// router finds the HSS of a subscriber.
type router struct {
	routes      []Route // the longest prefix first
	homes       bool
	rules       *eap.IdentityRules
	realm, host []byte
}

func newRouter(cfg *Config) router {
	r := router{
		routes: slices.Clone(cfg.Routes),
		homes:  cfg.HomeRealms,
		realm:  []byte(cfg.Realm),
	}
	slices.SortStableFunc(r.routes, func(a, b Route) int { return cmp.Compare(len(b.Prefix), len(a.Prefix)) })
	if cfg.Host != "" {
		r.host = []byte(cfg.Host)
	}
	if cfg.Identities != nil {
		r.rules = &eap.IdentityRules{PLMNs: cfg.Identities.PLMNs, MNCDigits: cfg.Identities.MNCDigits}
	}
	return r
}

// epcLabel is what the realm of a core network begins with (TS 23.003, clause
// 19.2).
const epcLabel = "epc"

// find returns where requests for the subscriber go. The host is nil where the
// realm's relays are to choose.
func (r *router) find(imsi eap.IMSI) (realm, host []byte) {
	for i := range r.routes {
		if route := &r.routes[i]; strings.HasPrefix(imsi.Digits(), route.Prefix) {
			if route.Host != "" {
				host = []byte(route.Host)
			}
			return []byte(route.Realm), host
		}
	}
	if r.homes {
		return []byte(r.home(imsi).Realm(epcLabel)), nil
	}
	return r.realm, r.host
}

// home returns the subscriber's home network.
func (r *router) home(imsi eap.IMSI) eap.PLMN { return r.rules.HomePLMN(imsi) }
