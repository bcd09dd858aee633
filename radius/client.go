package radius

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/opentwag/twag/radius/internal/wire"
)

// ClientConfig says who a client (a NAS, an access point, a proxy) is and how
// its packets are to be authenticated.
type ClientConfig struct {
	// Prefix is where the client's packets come from; IPv4 prefixes match
	// IPv4-mapped IPv6 addresses too. The zero Prefix matches any source.
	// Only [Subnets] reads it.
	Prefix netip.Prefix

	// Name names the client in logs and hooks. Empty: the prefix, or "any".
	Name string

	// Secret is the shared secret; it must not be empty.
	Secret Secret

	// AllowMissingMessageAuthenticator lets Access-Requests in that have no
	// Message-Authenticator, which is open to the forgery of CVE-2024-3596.
	// A wrong one is refused all the same, and so is a missing one in a
	// packet with EAP-Message (RFC 3579, section 3.2) or in a Status-Server
	// (RFC 5997, section 3).
	AllowMissingMessageAuthenticator bool

	// AllowUnsignedProxyState extends the exception above to packets with
	// Proxy-State, which the forgery needs. It does nothing by itself.
	AllowUnsignedProxyState bool
}

func (c *ClientConfig) displayName() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.Prefix == (netip.Prefix{}):
		return "any"
	default:
		return c.Prefix.String()
	}
}

// Client is a client as the engine knows it: its configuration, and its
// secret ready for use. It is immutable and safe for concurrent use.
type Client struct {
	cfg  ClientConfig
	name string
	key  *wire.Key
}

// NewClient returns the client of a configuration.
func NewClient(cfg ClientConfig) (*Client, error) {
	c := &Client{cfg: cfg, name: cfg.displayName()}
	if cfg.Secret == "" {
		return nil, fmt.Errorf("radius: client %s: %w", c.name, errNoSecret)
	}
	c.key = wire.NewKey([]byte(cfg.Secret))
	return c, nil
}

var errNoSecret = errors.New("no secret")

// Name returns the configured name, or else the prefix.
func (c *Client) Name() string { return c.name }

// Format implements fmt.Formatter: a client prints as its name.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.Name())) }

// authenticate says why a request is not authentic, or 0 when it is. pkt is
// cut to its Length and l is its layout.
//
// The order is that of draft-ietf-radext-deprecating-radius, section 5: first
// whether Message-Authenticator must be there, then whether it is right.
func (c *Client) authenticate(pkt []byte, l wire.Layout) DropReason {
	if l.MessageAuthenticator == 0 {
		switch {
		case l.EAPMessage, pkt[0] == wire.StatusServer:
			return DropNoMessageAuthenticator
		case pkt[0] != wire.AccessRequest:
		case !c.cfg.AllowMissingMessageAuthenticator,
			l.ProxyState && !c.cfg.AllowUnsignedProxyState:
			return DropNoMessageAuthenticator
		}
	} else if !c.key.CheckMessageAuthenticator(pkt, l.MessageAuthenticator) {
		return DropBadMessageAuthenticator
	}
	if wire.HashedAuthenticator(pkt[0]) && !c.key.CheckRequestAuthenticator(pkt) {
		return DropBadAuthenticator
	}
	return 0
}
