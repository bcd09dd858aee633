package diameter

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/opentwag/twag/diameter/wire"
)

// anyRealm in PeerConfig.Serves is every realm: a default route.
const anyRealm = "*"

// fit says how well a peer suits a destination; the greatest is best.
type fit uint8

const (
	// fitNever: it does not take the application, or is known to be the wrong
	// place.
	fitNever fit = iota
	// fitAny: nothing speaks for it but that it is there. Used only for a
	// destination that no peer of the table, open or not, fits better.
	fitAny
	// fitRelay: a default route.
	fitRelay
	// fitRealm: it is of the realm, or serves it.
	fitRealm
	// fitHost: it is the Destination-Host.
	fitHost
)

// destination is where a request is to go (RFC 6733, section 6.1.4 to 6.1.6).
type destination struct {
	application uint32
	host, realm []byte
	direct      bool // host is a peer of the table
}

func (n *Node) destinationOf(m wire.Message, h wire.Header, list []*peer) destination {
	d := destination{application: h.Application}
	if a, ok := m.Find(AVPDestinationRealm, 0); ok {
		d.realm = a.Data
	}
	if a, ok := m.Find(AVPDestinationHost, 0); ok && len(a.Data) > 0 {
		d.host = a.Data
		d.direct = slices.ContainsFunc(list, func(p *peer) bool { return equalFoldASCII(d.host, p.cfg.Host) })
	}
	return d
}

// fits tells how well the peer suits a destination, by the configuration and
// what the peer said when it was last connected.
//
// A request for the host of another peer of ours can go round by an agent, but
// not to a server, which could only refuse it (RFC 6733, section 5.5.4).
func (p *peer) fits(d *destination) fit {
	caps := p.caps.Load()
	if caps != nil && !caps.supports(d.application) {
		return fitNever
	}
	if len(d.host) > 0 && equalFoldASCII(d.host, p.cfg.Host) {
		return fitHost
	}
	relay := caps != nil && caps.relay
	if d.direct && !relay && len(p.cfg.Serves) == 0 {
		return fitNever
	}
	if len(d.realm) > 0 {
		own := p.cfg.Realm
		if own == "" && caps != nil {
			own = caps.realm
		}
		if equalFoldASCII(d.realm, own) {
			return fitRealm
		}
		for _, s := range p.cfg.Serves {
			if equalFoldASCII(d.realm, s) {
				return fitRealm
			}
		}
	}
	switch {
	case slices.Contains(p.cfg.Serves, anyRealm):
		return fitRelay
	case len(p.cfg.Serves) > 0:
		return fitNever
	case relay:
		return fitRelay
	default:
		return fitAny
	}
}

// route chooses the connection for the request m: of the open peers that skip
// does not refuse, one that fits best, then has the lowest priority number, then
// by weight at random. One that is to be left alone for now comes after all
// others. skip may be nil.
func (n *Node) route(m wire.Message, h wire.Header, skip func(*conn) bool) (*conn, error) {
	list := n.peerList()
	if len(list) == 1 && len(list[0].cfg.Serves) == 0 {
		// Without a choice the AVPs are not worth looking at.
		c := list[0].usable.Load()
		switch {
		case c == nil || skip != nil && skip(c):
			return nil, ErrNoPeer
		case !c.caps.Load().supports(h.Application):
			return nil, noPeerFor(1, h.Application)
		}
		return c, nil
	}
	var best *conn
	var bestKey routeKey
	var known fit // the best of the whole table
	var now int64
	d := n.destinationOf(m, h, list)
	open, total := 0, 0
	for _, p := range list {
		f := p.fits(&d)
		known = max(known, f)
		c := p.usable.Load()
		if c == nil {
			continue
		}
		open++
		if f == fitNever || skip != nil && skip(c) {
			continue
		}
		key := routeKey{fit: f, priority: p.cfg.Priority}
		if until := c.avoid.Load(); until != 0 {
			if now == 0 {
				now = n.sinceStart()
			}
			key.avoid = until > now
		}
		switch order := key.compare(bestKey); {
		case best == nil || order > 0:
			best, bestKey, total = c, key, p.weight()
		case order == 0:
			total += p.weight()
			if rand.IntN(total) < p.weight() {
				best = c
			}
		}
	}
	if best == nil || bestKey.fit == fitAny && known > fitAny {
		if open > 0 {
			return nil, noPeerFor(open, h.Application)
		}
		return nil, ErrNoPeer
	}
	return best, nil
}

func noPeerFor(open int, app uint32) error {
	return fmt.Errorf("%w: none of %d takes application %d for this destination", ErrNoPeer, open, app)
}

// routeKey orders the peers for a destination.
type routeKey struct {
	avoid    bool
	fit      fit
	priority int
}

// compare returns 1 if k is the better one, -1 if o is, else 0.
func (k routeKey) compare(o routeKey) int {
	switch {
	case k == o:
		return 0
	case k.avoid != o.avoid && !k.avoid,
		k.avoid == o.avoid && k.fit > o.fit,
		k.avoid == o.avoid && k.fit == o.fit && k.priority < o.priority:
		return 1
	default:
		return -1
	}
}

// weight is the peer's share among its equals.
func (p *peer) weight() int { return max(p.cfg.Weight, 1) }
