package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/examples/internal/homeconfig"
)

// maxPreference is the most that priority and weight can be, as in DNS.
const maxPreference = 65535

func (v *validator) diameter(c *homeconfig.Diameter) {
	v.hostName("diameter.origin_host", c.OriginHost)
	v.hostName("diameter.origin_realm", c.OriginRealm)
	for _, l := range []struct{ key, address string }{
		{"diameter.listen", c.Listen}, {"diameter.listen_tls", c.ListenTLS}, {"diameter.listen_sctp", c.ListenSCTP},
	} {
		if l.address != "" {
			v.listenAddress(l.key, l.address)
		}
	}
	v.tls("diameter.tls", &c.TLS, c.OriginHost)
	if c.ListenTLS != "" && c.TLS.IsZero() {
		v.fail("diameter.listen_tls", "needs diameter.tls")
	}
	// RFC 3539, section 3.4.1: no watchdog timer below six seconds.
	v.between("diameter.watchdog", c.Watchdog, 6*time.Second, 10*time.Minute)
	v.between("diameter.reconnect", c.Reconnect, time.Second, 10*time.Minute)
	if c.AttemptTimeout != 0 {
		v.between("diameter.attempt_timeout", c.AttemptTimeout, 100*time.Millisecond, time.Minute)
	}
	if len(c.Peers) == 0 {
		v.fail("diameter.peers", "missing: without a peer there is no HSS")
	}
	seen := make(map[string]bool)
	for i := range c.Peers {
		p := &c.Peers[i]
		key := fmt.Sprintf("diameter.peers[%d]", i)
		v.hostName(key+".host", p.Host)
		switch host := strings.ToLower(p.Host); {
		case host == "":
		case host == strings.ToLower(c.OriginHost):
			v.fail(key+".host", "is diameter.origin_host, this server itself")
		case seen[host]:
			v.fail(key+".host", "the same as that of another peer")
		default:
			seen[host] = true
		}
		v.peer(key, p, c)
	}
}

// peer checks all of a peer but its name.
func (v *validator) peer(key string, p *homeconfig.Peer, c *homeconfig.Diameter) {
	if v.src.Has(key + ".realm") { // else our own
		v.hostName(key+".realm", p.Realm)
	}
	v.word(key+".connect", p.Connect, homeconfig.ConnectWords)
	v.word(key+".transport", p.Transport, homeconfig.TransportWords)
	if p.Port < 1 || p.Port > 65535 {
		v.fail(key+".port", "must be 1 to 65535")
	}
	switch {
	case p.Connect == homeconfig.ConnectInitiate && p.Address == "":
		v.fail(key+".address", "missing: where to connect to (or set connect: wait)")
	case p.Connect == homeconfig.ConnectWait && p.Address != "":
		v.fail(key+".address", "means nothing with connect: wait")
	case p.Connect == homeconfig.ConnectWait:
		v.waits(key+".connect", p.Transport, c)
	case p.Address != "" && !isHost(p.Address):
		v.fail(key+".address", "must be an IP address or a host name, without a port")
	}
	switch {
	case p.TLS.IsZero():
		if p.Transport == diameter.TransportTLS && p.Connect == homeconfig.ConnectInitiate && c.TLS.IsZero() {
			v.fail(key+".transport", "tls needs a certificate: diameter.tls, or tls of the peer")
		}
	case p.Transport != diameter.TransportTLS:
		v.fail(key+".tls", "means nothing without transport: tls")
	case p.Connect == homeconfig.ConnectWait:
		v.fail(key+".tls", "means nothing with connect: wait, for which there is diameter.tls")
	default:
		v.tls(key+".tls", &p.TLS, c.OriginHost)
	}
	if p.Priority < 0 || p.Priority > maxPreference {
		v.fail(key+".priority", "must be 0 to %d", maxPreference)
	}
	if p.Weight < 0 || p.Weight > maxPreference || p.Weight == 0 && v.src.Has(key+".weight") {
		v.fail(key+".weight", "must be 1 to %d", maxPreference)
	}
	for i, realm := range p.Serves {
		if realm != "*" {
			v.hostName(fmt.Sprintf("%s.serves[%d]", key, i), realm)
		}
	}
}

// waits checks that a peer that connects to us finds us listening. One without
// TLS may come with it.
func (v *validator) waits(key, transport string, c *homeconfig.Diameter) {
	switch {
	case transport == diameter.TransportTLS && c.ListenTLS == "":
		v.fail(key, "wait with transport tls needs diameter.listen_tls")
	case transport == diameter.TransportSCTP && c.ListenSCTP == "":
		v.fail(key, "wait with transport sctp needs diameter.listen_sctp")
	case transport == diameter.TransportTCP && c.Listen == "" && c.ListenTLS == "":
		v.fail(key, "wait needs diameter.listen")
	}
}

// expiring is how long before its end a certificate is warned about.
const expiring = 14 * 24 * time.Hour

// tls checks the files: that they can be read and fit together, and that the
// certificate names us, which is what peers look for (RFC 6733, section 13.1).
func (v *validator) tls(key string, c *homeconfig.TLS, host string) {
	if c.IsZero() {
		return
	}
	missing := false
	for _, f := range []struct{ key, name string }{{".ca", c.CA}, {".certificate", c.Certificate}, {".key", c.Key}} {
		if f.name == "" {
			v.fail(key+f.key, "missing")
			missing = true
		}
	}
	if missing {
		return
	}
	if _, err := c.Roots(); err != nil {
		v.fail(key+".ca", "%v", err)
	}
	pair, err := c.Pair()
	if err != nil {
		v.fail(key+".certificate", "%v", err)
		return
	}
	if host != "" && pair.Leaf.VerifyHostname(host) != nil {
		v.fail(key+".certificate", "has no DNS name %s, which is what peers look for", host)
	}
	switch now := time.Now(); {
	case now.Before(pair.Leaf.NotBefore):
		v.warn(key+".certificate", "is not valid before %s", pair.Leaf.NotBefore.Format(time.RFC3339))
	case now.After(pair.Leaf.NotAfter):
		v.warn(key+".certificate", "has expired on %s", pair.Leaf.NotAfter.Format(time.RFC3339))
	case now.Add(expiring).After(pair.Leaf.NotAfter):
		v.warn(key+".certificate", "expires on %s", pair.Leaf.NotAfter.Format(time.RFC3339))
	}
}

// maxVectorAge is the longest that a vector may wait.
const maxVectorAge = time.Hour

func (v *validator) swx(c *homeconfig.SWx) {
	if v.src.Has("swx.destination_realm") { // else our own
		v.hostName("swx.destination_realm", c.DestinationRealm)
	}
	if c.DestinationHost != "" {
		v.hostName("swx.destination_host", c.DestinationHost)
	}
	if c.HomeRealms {
		for _, key := range []string{"swx.destination_realm", "swx.destination_host"} {
			if v.src.Has(key) {
				v.fail(key, "means nothing with home_realms")
			}
		}
	}
	seen := make(map[string]bool)
	for i, r := range c.Routes {
		key := fmt.Sprintf("swx.routes[%d]", i)
		switch {
		case len(r.Prefix) < 3 || len(r.Prefix) > 15 || strings.Trim(r.Prefix, "0123456789") != "":
			v.fail(key+".prefix", "must be the first 3 to 15 digits of IMSIs, in quotes")
		case seen[r.Prefix]:
			v.fail(key+".prefix", "the same as that of another route")
		}
		seen[r.Prefix] = true
		v.hostName(key+".realm", r.Realm)
		if r.Host != "" {
			v.hostName(key+".host", r.Host)
		}
	}
	v.between("swx.timeout", c.Timeout, 100*time.Millisecond, 30*time.Second)
	if c.Vectors < 1 || c.Vectors > 5 {
		v.fail("swx.vectors", "must be 1 to 5")
	}
	v.between("swx.vector_age", c.VectorAge, 0, maxVectorAge)
	v.word("swx.profile.user_name", c.Profile.UserName, homeconfig.UserNameWords)
	switch {
	case c.Profile.UserName != homeconfig.UserNameNAI && c.Profile.NAIRealm != "":
		v.fail("swx.profile.nai_realm", "means nothing unless user_name is %s", homeconfig.UserNameNAI)
	case c.Profile.NAIRealm != "":
		v.hostName("swx.profile.nai_realm", c.Profile.NAIRealm)
	}
	v.word("swx.profile.application", c.Profile.Application, homeconfig.ApplicationWords)
	v.word("swx.profile.session_state", c.Profile.SessionState, homeconfig.StateWords)
}

// deregistration checks what is said of those who have gone; the default means nothing where nobody
// is registered.
func (v *validator) deregistration(c *config) {
	const key = "swx.deregister_after"
	if !v.src.Has(key) || c.SWx.DeregisterAfter == 0 {
		return
	}
	v.between(key, c.SWx.DeregisterAfter, time.Second, 24*time.Hour)
	switch {
	case !c.SWx.Register:
		v.warn(key, "means nothing without register")
	case !c.has(roleAcct):
		v.warn(key, "means nothing without the role acct: nobody knows when a session ends")
	}
}
