package swxtest

import (
	"strings"

	"github.com/opentwag/twag/swx"
)

// registration is how a subscriber stands with AAA servers (TS 29.273, clause
// 8.1.2.1.2 and 8.1.2.2.2). Its owner guards it.
type registration struct {
	// server and realm are the AAA server's; empty if there is none. It is
	// noted with the first vector that it gets: authentication is pending.
	server, realm string
	// registered: a SAR has said so.
	registered bool
	// apns are what PGW updates and restorations have told, by the APN in
	// small letters.
	apns map[string]swx.ActiveAPN
}

// free reports whether the server may serve the subscriber: nobody else does.
func (r *registration) free(server []byte) bool {
	return r.server == "" || strings.EqualFold(r.server, string(server))
}

// note makes the server the one that serves the subscriber.
func (r *registration) note(server, realm []byte) {
	if !r.free(server) {
		*r = registration{} // another one's is over
	}
	r.server, r.realm = string(server), string(realm)
}

// gateway notes which gateway serves an APN, or that none does.
func (r *registration) gateway(a swx.ActiveAPN) {
	key := strings.ToLower(a.APN)
	if a.Gateway == nil {
		delete(r.apns, key)
		return
	}
	if r.apns == nil {
		r.apns = make(map[string]swx.ActiveAPN)
	}
	r.apns[key] = a
}
