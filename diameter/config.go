package diameter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// Application is a Diameter application as advertised in the capabilities
// exchange.
type Application struct {
	ID     uint32
	Vendor uint32 // 0: an IETF application, advertised without a vendor
	Acct   bool   // advertised as Acct-Application-Id, not Auth-Application-Id
}

// Config configures a Node. It is copied by [NewNode] and must not be changed
// afterwards. Zero fields have the defaults named.
type Config struct {
	OriginHost  string // this node's DiameterIdentity; required
	OriginRealm string // required

	ProductName      string // default "twag"
	VendorID         uint32 // of the product; default 0, "ignore"
	FirmwareRevision uint32 // 0: not sent
	// OriginStateID is the Origin-State-Id, which has to grow with each start.
	// Default: the time of NewNode in seconds.
	OriginStateID uint32
	// HostIPs are the addresses in Host-IP-Address. Default: the local address
	// of each connection.
	HostIPs []netip.Addr

	// Applications are advertised, exactly these; at least one.
	Applications []Application

	// Peers are the peers we connect to or wait for.
	Peers []PeerConfig
	// AllowPeer decides about each connection of a peer that Peers does not name. nil:
	// refused with 3010. It must not block.
	AllowPeer func(PeerInfo) bool

	// TLS is the certificate that this node shows, and the authorities
	// (RootCAs) it trusts, for ServeTLS and for peers whose own TLS is nil.
	// Both sides are always verified, by TLS 1.2 or later; ServerName and
	// ClientAuth are set here, ClientCAs are RootCAs unless set, and
	// InsecureSkipVerify is refused.
	TLS *tls.Config

	// Dial opens connections to peers whose own Dial is nil. Default: TCP by
	// net.Dialer, or SCTP. Its context ends after HandshakeTimeout. TLS is
	// spoken on what it returns, unless that is a *tls.Conn, whose peer has to
	// be as verified as with Config.TLS.
	Dial func(ctx context.Context, p PeerConfig) (net.Conn, error)

	// Watchdog is Twinit of RFC 3539, section 3.4.1: how long a connection may
	// be silent before it is probed. Each wait is jittered by up to 2 seconds
	// (a fifteenth of it if that is less). Default 30 s; at least 6 s unless
	// AllowShortWatchdog is set.
	Watchdog time.Duration
	// AllowShortWatchdog allows a Watchdog under 6 s: for laboratories and
	// tests, against RFC 3539.
	AllowShortWatchdog bool
	// Reconnect is Tc of RFC 6733, section 2.1: the longest wait between two
	// attempts to connect. The first attempts come sooner; each wait is
	// jittered. Default 30 s.
	Reconnect time.Duration
	// HandshakeTimeout bounds connecting, and the capabilities exchange on
	// either side. Default 10 s.
	HandshakeTimeout time.Duration
	// WriteTimeout bounds one write. A peer that does not read for as long
	// loses the connection. Default 10 s.
	WriteTimeout time.Duration
	// DisconnectTimeout is how long an answer to our DPR, or the peer's closing
	// after its own DPR, is waited for. Default 3 s.
	DisconnectTimeout time.Duration
	// AttemptTimeout is how long a request is left unanswered before it is sent
	// to another peer as well, once: the server behind a relay may be dead, and
	// the relay not know it yet. Default 3 s; negative: never.
	AttemptTimeout time.Duration
	// PeerWait is how long a request that has lost its connection, or whose
	// peer has become suspect, waits for a peer to be open if none is; its
	// context may end sooner. Default 30 s; negative: not at all.
	PeerWait time.Duration
	// WaitForPeer makes requests that find no open peer wait as long, too,
	// rather than fail with ErrNoPeer at once.
	WaitForPeer bool
	// KeepAnswers is how long our answers are remembered: a duplicate of a
	// request, marked as such by a T flag, gets the same one again and is not
	// handled twice. Default 4 minutes, for which End-to-End identifiers are
	// unique (RFC 6733, section 3); negative: not at all.
	KeepAnswers time.Duration
	// RequestTimeout is the deadline of a handler's context, and of requests
	// that go-diameter handlers write to a connection. Default 30 s.
	RequestTimeout time.Duration

	// MaxMessage bounds a message in octets, both ways. Default 65536. Before
	// the capabilities exchange the bound is 4096 at most.
	MaxMessage int
	// MaxAVPs and MaxDepth bound the AVPs of a request, those in groups
	// included, and how deep groups nest; one beyond is answered 5012. Default
	// 4096 and 16, which is also the most that HandleDiam and Do take.
	MaxAVPs, MaxDepth int
	// MaxPeers bounds the peer table: Peers, and those that AllowPeer lets in;
	// more are refused with 5012. Default 1024.
	MaxPeers int
	// MaxPending bounds the requests of ours that wait for an answer on one
	// connection; more are refused with ErrBusy. It also bounds those that wait
	// for a peer; more don't wait. Default 16384.
	MaxPending int
	// MaxAttempts bounds how often one request is sent. Default 4; 1 means that
	// nothing is sent again.
	MaxAttempts int
	// MaxQueuedOctets bounds what waits to be written on one connection; more
	// is refused with ErrBusy. Default 4 MiB.
	MaxQueuedOctets int
	// MaxHandlers bounds the handlers that run at once. Default 256.
	MaxHandlers int
	// MaxQueuedRequests bounds the requests that wait for a handler; more are
	// answered 3004. Default 1024.
	MaxQueuedRequests int
	// MaxKeptAnswers and MaxKeptOctets bound the answers that are remembered;
	// beyond, the oldest are forgotten. Memory is used only as they come.
	// Default 65536, and 16 MiB.
	MaxKeptAnswers, MaxKeptOctets int
	// MaxConns bounds accepted connections; more are closed at once.
	// Default 256.
	MaxConns int

	// Dictionary is used to decode messages for [Node.Do] and
	// [Node.HandleDiam]. Default [DefaultDictionary].
	Dictionary *Dictionary

	Logger *slog.Logger // nil: silence
	Hooks  Hooks
}

// PeerConfig is a peer this node knows by name.
type PeerConfig struct {
	Host string // its Origin-Host; required
	// Realm is its Origin-Realm. Default: what the peer says.
	Realm string
	// Serves are the realms, beside its own, whose requests can be sent to the
	// peer: it is a relay or proxy for them. "*" is every realm, a default
	// route. Default: every realm for a peer that advertises the relay
	// application, none for another.
	Serves []string
	// Priority: of the peers that fit a request equally well, those with the
	// lowest number get it while they are open. Default 0.
	Priority int
	// Weight is the peer's share of the requests among those of the same
	// priority. Default 1.
	Weight int
	// Address is host:port to connect to. Empty: we wait for the peer to
	// connect.
	Address string
	// Dial opens a connection to the peer. Default: that of Config.
	Dial func(ctx context.Context) (net.Conn, error)
	// Transport is "tcp" (the default), "tls" or "sctp". A peer with "tls" is
	// refused when it comes without; one without may come with TLS. With TLS
	// the peer's certificate has to name Host (as DNS name, ASCII case aside),
	// whatever Address is.
	Transport string
	// TLS is for connections we open, in place of that of Config.
	TLS *tls.Config
}

// initiates reports whether we connect to the peer.
func (p *PeerConfig) initiates() bool { return p.Address != "" || p.Dial != nil }

// PeerInfo is what is known of a peer that connects.
type PeerInfo struct {
	Host  string // Origin-Host
	Realm string // Origin-Realm
	Addr  net.Addr
	// Transport is how it connects: "tcp", "tls" or "sctp". With "tls" its
	// certificate has been verified to name Host.
	Transport string
}

const (
	minWatchdog      = 6 * time.Second
	handshakeMaximum = 4096
	maxPreference    = 65535 // of Priority and Weight, as in DNS
)

// Validate returns an error that names the first field that is wrong.
func (c *Config) Validate() error {
	if err := validIdentity(c.OriginHost); err != nil {
		return fmt.Errorf("diameter: OriginHost: %w", err)
	}
	if err := validIdentity(c.OriginRealm); err != nil {
		return fmt.Errorf("diameter: OriginRealm: %w", err)
	}
	if len(c.Applications) == 0 {
		return errors.New("diameter: Applications: none")
	}
	for i, a := range c.Applications {
		if a.ID == applicationBase {
			return fmt.Errorf("diameter: Applications[%d].ID: missing", i)
		}
	}
	for i, ip := range c.HostIPs {
		if !ip.IsValid() {
			return fmt.Errorf("diameter: HostIPs[%d]: not an address", i)
		}
	}
	if c.TLS != nil {
		if err := validTLS(c.TLS); err != nil {
			return fmt.Errorf("diameter: TLS.%w", err)
		}
	}
	seen := make(map[string]bool)
	for i, p := range c.Peers {
		if err := validIdentity(p.Host); err != nil {
			return fmt.Errorf("diameter: Peers[%d].Host: %w", i, err)
		}
		if strings.EqualFold(p.Host, c.OriginHost) {
			return fmt.Errorf("diameter: Peers[%d].Host: %s is this node", i, p.Host)
		}
		if k := foldIdentity(p.Host); seen[k] {
			return fmt.Errorf("diameter: Peers[%d].Host: %s is named twice", i, p.Host)
		} else {
			seen[k] = true
		}
		if p.Realm != "" {
			if err := validIdentity(p.Realm); err != nil {
				return fmt.Errorf("diameter: Peers[%d].Realm: %w", i, err)
			}
		}
		if err := c.validTransport(&p); err != nil {
			return fmt.Errorf("diameter: Peers[%d].%w", i, err)
		}
		for j, realm := range p.Serves {
			if err := validIdentity(realm); err != nil {
				return fmt.Errorf("diameter: Peers[%d].Serves[%d]: %w", i, j, err)
			}
		}
		if p.Priority < 0 || p.Priority > maxPreference {
			return fmt.Errorf("diameter: Peers[%d].Priority: %d is out of range", i, p.Priority)
		}
		if p.Weight < 0 || p.Weight > maxPreference {
			return fmt.Errorf("diameter: Peers[%d].Weight: %d is out of range", i, p.Weight)
		}
		if p.Address != "" {
			if _, _, err := net.SplitHostPort(p.Address); err != nil {
				return fmt.Errorf("diameter: Peers[%d].Address: %w", i, err)
			}
		}
	}
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"Watchdog", c.Watchdog}, {"Reconnect", c.Reconnect}, {"HandshakeTimeout", c.HandshakeTimeout},
		{"WriteTimeout", c.WriteTimeout}, {"DisconnectTimeout", c.DisconnectTimeout}, {"RequestTimeout", c.RequestTimeout},
	} {
		if d.v < 0 {
			return fmt.Errorf("diameter: %s: %v is negative", d.name, d.v)
		}
	}
	if c.Watchdog > 0 && c.Watchdog < minWatchdog && !c.AllowShortWatchdog {
		return fmt.Errorf("diameter: Watchdog: %v is less than %v (RFC 3539) without AllowShortWatchdog", c.Watchdog, minWatchdog)
	}
	for _, d := range []struct {
		name string
		v    int
		max  int
	}{
		{"MaxMessage", c.MaxMessage, 1<<24 - 4}, {"MaxAttempts", c.MaxAttempts, 64}, {"MaxAVPs", c.MaxAVPs, 1 << 20}, {"MaxDepth", c.MaxDepth, 64}, {"MaxPeers", c.MaxPeers, 1 << 20},
		{"MaxKeptAnswers", c.MaxKeptAnswers, 1 << 24}, {"MaxKeptOctets", c.MaxKeptOctets, 1 << 30},
		{"MaxPending", c.MaxPending, 1 << 24}, {"MaxQueuedOctets", c.MaxQueuedOctets, 1 << 30},
		{"MaxHandlers", c.MaxHandlers, 1 << 20}, {"MaxQueuedRequests", c.MaxQueuedRequests, 1 << 24}, {"MaxConns", c.MaxConns, 1 << 20},
	} {
		if d.v < 0 || d.v > d.max {
			return fmt.Errorf("diameter: %s: %d is out of range", d.name, d.v)
		}
	}
	if c.MaxPeers > 0 && len(c.Peers) > c.MaxPeers {
		return fmt.Errorf("diameter: MaxPeers: %d is less than the %d of Peers", c.MaxPeers, len(c.Peers))
	}
	if c.MaxMessage > 0 && c.MaxMessage < handshakeMaximum {
		return fmt.Errorf("diameter: MaxMessage: %d is less than %d", c.MaxMessage, handshakeMaximum)
	}
	return nil
}

// fieldError says what is wrong with a field, whose name the caller completes.
func fieldError(field, wrong string) error { return errors.New(field + ": " + wrong) }

// withDefaults returns a copy of c with defaults filled in.
func (c Config) withDefaults(now time.Time) Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	num := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	if c.ProductName == "" {
		c.ProductName = "twag"
	}
	if c.OriginStateID == 0 {
		c.OriginStateID = uint32(now.Unix())
	}
	def(&c.Watchdog, 30*time.Second)
	def(&c.Reconnect, 30*time.Second)
	def(&c.HandshakeTimeout, 10*time.Second)
	def(&c.WriteTimeout, 10*time.Second)
	def(&c.DisconnectTimeout, 3*time.Second)
	def(&c.RequestTimeout, 30*time.Second)
	def(&c.AttemptTimeout, 3*time.Second)
	def(&c.PeerWait, 30*time.Second)
	def(&c.KeepAnswers, 4*time.Minute)
	num(&c.MaxAttempts, 4)
	num(&c.MaxAVPs, wire.DefaultMaxAVPs)
	num(&c.MaxDepth, wire.DefaultMaxDepth)
	num(&c.MaxPeers, max(1024, len(c.Peers)))
	num(&c.MaxKeptAnswers, 65536)
	num(&c.MaxKeptOctets, 16<<20)
	num(&c.MaxMessage, 65536)
	num(&c.MaxPending, 16384)
	num(&c.MaxQueuedOctets, 4<<20)
	num(&c.MaxHandlers, 256)
	num(&c.MaxQueuedRequests, 1024)
	num(&c.MaxConns, 256)
	if c.Dial == nil {
		c.Dial = dialTransport
	}
	if c.Dictionary == nil {
		c.Dictionary = DefaultDictionary()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.HostIPs = append([]netip.Addr(nil), c.HostIPs...)
	c.Applications = append([]Application(nil), c.Applications...)
	c.Peers = append([]PeerConfig(nil), c.Peers...)
	for i := range c.Peers {
		c.Peers[i].Serves = append([]string(nil), c.Peers[i].Serves...)
	}
	c.guard()
	return c
}

// validIdentity reports what is wrong with a DiameterIdentity (RFC 6733,
// section 4.3.1): an FQDN or realm. It is laxer than DNS about the characters,
// but what it accepts is safe in a log line.
func validIdentity[T string | []byte](s T) error {
	if len(s) == 0 {
		return errors.New("missing")
	}
	if len(s) > 255 {
		return fmt.Errorf("%d octets are too many for a DiameterIdentity", len(s))
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == ';' || c == '"' {
			return fmt.Errorf("octet %#02x in a DiameterIdentity", c)
		}
	}
	return nil
}

// foldIdentity returns the form in which identities are compared: ASCII case
// does not count (RFC 6733, section 5.6.4).
func foldIdentity(s string) string { return strings.ToLower(s) }
