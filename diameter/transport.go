package diameter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// Transports of a [PeerConfig]. By convention the ports are 3868, and 5658 for
// TLS (RFC 6733, section 2.1).
const (
	TransportTCP = "tcp"
	// TransportTLS is TLS over TCP from the first octet. TLS that begins after
	// the capabilities exchange (RFC 3588) is not supported.
	TransportTLS = "tls"
	// TransportSCTP is SCTP without protection. Linux only, where the kernel
	// has it. All is sent in order on one stream, each message as one of
	// SCTP's. The addresses are the kernel's choice; Config.HostIPs tells the
	// peer of them. Not run against another implementation.
	TransportSCTP = "sctp"
)

// validTransport says what is wrong with the transport of a peer.
func (c *Config) validTransport(p *PeerConfig) error {
	switch p.Transport {
	case "", TransportTCP, TransportSCTP:
		if p.TLS != nil {
			return fieldError("TLS", fmt.Sprintf("set, and Transport is not %q", TransportTLS))
		}
		return nil
	case TransportTLS:
	default:
		return fieldError("Transport", fmt.Sprintf("%q is none", p.Transport))
	}
	if p.TLS != nil {
		if err := validTLS(p.TLS); err != nil {
			return fmt.Errorf("TLS.%w", err)
		}
		return nil
	}
	if c.TLS == nil && p.initiates() {
		return fieldError("TLS", "missing, here and in Config")
	}
	return nil
}

// open connects to the peer. The error may be a [*TLSError].
func (p *peer) open(ctx context.Context) (net.Conn, error) {
	dial := p.cfg.Dial
	if dial == nil {
		dial = func(ctx context.Context) (net.Conn, error) { return p.node.cfg.Dial(ctx, p.cfg) }
	}
	nc, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	if nc == nil {
		return nil, errors.New("dialling returned no connection")
	}
	tc, ok := nc.(*tls.Conn)
	if !ok {
		if p.cfg.Transport != TransportTLS {
			return nc, nil
		}
		c := p.cfg.TLS
		if c == nil {
			c = p.node.cfg.TLS
		}
		tc = tls.Client(nc, tlsClient(c, p.cfg.Host))
	}
	if err = handshake(ctx, tc); err == nil {
		err = certified(tc, p.cfg.Host)
	}
	if err != nil {
		_ = tc.NetConn().Close()
		return nil, err
	}
	return tc, nil
}

// dialTransport is the Dial of a Config that has none.
func dialTransport(ctx context.Context, p PeerConfig) (net.Conn, error) {
	if p.Transport == TransportSCTP {
		return dialSCTP(ctx, p.Address)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", p.Address)
}

// ServeTLS is Serve for connections that speak TLS, with Config.TLS. Who
// connects has to show a certificate for its Origin-Host; other connections
// are closed, and logged with a [*TLSError]. A listener of somebody else's that
// returns a *tls.Conn can be given to Serve; the same is asked of who connects.
func (n *Node) ServeTLS(l net.Listener) error {
	if n.cfg.TLS == nil {
		_ = l.Close()
		return errors.New("diameter: ServeTLS without Config.TLS")
	}
	return n.Serve(tls.NewListener(l, tlsServer(n.cfg.TLS)))
}

// transportOf names the transport of a connection.
func (c *conn) transport() string {
	if c.tls != nil {
		return TransportTLS
	}
	if a := c.nc.RemoteAddr(); a != nil {
		return a.Network()
	}
	return ""
}

// allowTransport decides whether a peer may come as it does: where TLS is
// configured nothing else will do, and with TLS the certificate has to be the
// peer's, configured or not.
func (n *Node) allowTransport(c *conn, host string) error {
	answer := ResultError{Code: ResultUnknownPeer, Message: "not the certificate's name"}
	var err error
	if c.tls != nil {
		err = certified(c.tls, host)
	} else if n.wantsTLS(host) {
		answer = ResultError{Code: ResultNoCommonSecurity, Message: "TLS only"}
		err = &TLSError{Reason: TLSPlain, Err: errors.New("the peer came without")}
	}
	if err == nil {
		return nil
	}
	n.refused(c, host, err)
	return &refusal{answer, err}
}

func (n *Node) wantsTLS(host string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.peers[foldIdentity(host)]
	return p != nil && p.cfg.Transport == TransportTLS
}

// refusal is what the peer is answered, and what our log says instead.
type refusal struct {
	answer ResultError
	why    error
}

func (r *refusal) Error() string   { return r.why.Error() }
func (r *refusal) Unwrap() []error { return []error{&r.answer, r.why} }
