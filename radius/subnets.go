package radius

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// ClientSource tells who the sender of a datagram is.
type ClientSource interface {
	// Client returns the client that sends from addr, nil when it is not
	// known. addr is never an IPv4-mapped IPv6 address; it is invalid when
	// the transport's address has no IP address in it.
	//
	// It is called for every datagram, before anything is checked, by
	// several goroutines at once: it must be quick and must not block. For
	// one client it should return the same *Client each time.
	Client(addr netip.Addr) *Client
}

// Subnets are the clients of a server by source prefix; the longest prefix
// that matches decides. A server indexes them when it starts.
type Subnets []ClientConfig

var _ ClientSource = Subnets(nil)

// Client implements [ClientSource]. It indexes the subnets on each call and is
// meant for asking now and then; see [NewClientTable].
func (s Subnets) Client(addr netip.Addr) *Client {
	t, err := NewClientTable(s)
	if err != nil {
		return nil
	}
	return t.Client(addr)
}

// minSecretLen is what requirements ask of a secret in production; RFC 2865,
// section 3, wants at least 16 octets.
const minSecretLen = 20

// Warnings returns what an operator should be told, loudly, about the subnets:
// a client that may be anywhere, a secret that is short, an exception from
// Message-Authenticator. No secret is in them.
func (s Subnets) Warnings() []string {
	var w []string
	for _, c := range s {
		name := c.displayName()
		if !c.Prefix.IsValid() || c.Prefix.Bits() == 0 {
			w = append(w, fmt.Sprintf("client %q: any source address is accepted", name))
		}
		if len(c.Secret) < minSecretLen {
			w = append(w, fmt.Sprintf("client %q: the secret has fewer than %d characters", name, minSecretLen))
		}
		if c.AllowMissingMessageAuthenticator {
			w = append(w, fmt.Sprintf("client %q: Access-Requests without Message-Authenticator are accepted (CVE-2024-3596)", name))
		}
	}
	return w
}

// ClientTable is an index over [Subnets]. It is immutable and safe for
// concurrent use.
type ClientTable struct {
	v4, v6 []prefixLevel // longest prefixes first
	any    *Client
}

// prefixLevel holds the clients whose prefixes have the same length.
type prefixLevel struct {
	bits    int
	clients map[netip.Addr]*Client
}

var _ ClientSource = (*ClientTable)(nil)

// NewClientTable indexes subnets. It refuses an empty secret and a prefix that
// occurs twice.
func NewClientTable(subnets Subnets) (*ClientTable, error) {
	t := &ClientTable{}
	for i, cfg := range subnets {
		c, err := NewClient(cfg)
		if err == nil {
			err = t.add(cfg.Prefix, c)
		}
		if err != nil {
			return nil, fmt.Errorf("radius: Subnets[%d]: %w", i, err)
		}
	}
	for _, levels := range [][]prefixLevel{t.v4, t.v6} {
		slices.SortFunc(levels, func(a, b prefixLevel) int { return b.bits - a.bits })
	}
	return t, nil
}

var errTwice = errors.New("prefix occurs twice")

func (t *ClientTable) add(p netip.Prefix, c *Client) error {
	if p == (netip.Prefix{}) {
		if t.any != nil {
			return errTwice
		}
		t.any = c
		return nil
	}
	if !p.IsValid() {
		return errors.New("invalid prefix")
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	p = p.Masked()
	levels := &t.v6
	if p.Addr().Is4() {
		levels = &t.v4
	}
	i := slices.IndexFunc(*levels, func(l prefixLevel) bool { return l.bits == p.Bits() })
	if i < 0 {
		i = len(*levels)
		*levels = append(*levels, prefixLevel{bits: p.Bits(), clients: make(map[netip.Addr]*Client)})
	}
	clients := (*levels)[i].clients
	if clients[p.Addr()] != nil {
		return errTwice
	}
	clients[p.Addr()] = c
	return nil
}

// Client implements [ClientSource] by the longest matching prefix.
func (t *ClientTable) Client(addr netip.Addr) *Client {
	levels := t.v6
	if addr.Is4() {
		levels = t.v4
	}
	addr = addr.WithZone("")
	for i := range levels {
		p, err := addr.Prefix(levels[i].bits)
		if err != nil {
			break
		}
		if c := levels[i].clients[p.Addr()]; c != nil {
			return c
		}
	}
	return t.any
}
