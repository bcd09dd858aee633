package diameter_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/diameter/wire"
)

const (
	ourHost  = "aaa.example.org"
	peerHost = "hss.example.net"
	swxApp   = 16777265
	cmdMAR   = 303
	cmdRTR   = 304
)

// logBuffer is a log that tests read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// tlsNode is a node with its log and the errors of its peers.
type tlsNode struct {
	*diameter.Node
	log    *logBuffer
	errors chan error
}

// newTLSNode returns a node with one peer, peerHost. Default for the rest:
// what works.
func newTLSNode(t *testing.T, change func(*diameter.Config)) tlsNode {
	t.Helper()
	n := tlsNode{log: new(logBuffer), errors: make(chan error, 100)}
	cfg := diameter.Config{
		OriginHost: ourHost, OriginRealm: "example.org",
		Applications:     []diameter.Application{{ID: swxApp, Vendor: 10415}},
		Peers:            []diameter.PeerConfig{{Host: peerHost, Transport: diameter.TransportTLS}},
		HandshakeTimeout: time.Minute,
		Logger:           slog.New(slog.NewTextHandler(n.log, nil)),
		Hooks: diameter.Hooks{PeerChange: func(c diameter.PeerChange) {
			if c.Err != nil {
				n.errors <- c.Err
			}
		}},
	}
	change(&cfg)
	var err error
	n.Node, err = diameter.NewNode(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// serveTLS makes the node listen on loopback, with TLS or, if plain, without.
func (n tlsNode) serve(t *testing.T, plain bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	serve := n.ServeTLS
	if plain {
		serve = n.Serve
	}
	done := make(chan error, 1)
	go func() { done <- serve(l) }()
	t.Cleanup(func() {
		_ = n.Close()
		require.ErrorIs(t, <-done, net.ErrClosed)
	})
	return l.Addr().String()
}

// open wants the peer to be open with TLS, and to be served.
func (n tlsNode) open(t *testing.T, link *diametertest.Link) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, n.WaitOpen(ctx, peerHost))
	require.Equal(t, diameter.TransportTLS, n.Peers()[0].Transport)
	require.Empty(t, n.Peers()[0].LastError)
	link.Ping()
}

// requireReason wants the reason in the error, the peer table and the log.
func (n tlsNode) requireReason(t *testing.T, err error, want diameter.TLSReason) {
	t.Helper()
	if err != nil {
		var te *diameter.TLSError
		require.ErrorAs(t, err, &te, "%v", err)
		require.Equal(t, want.String(), te.Reason.String(), "%v", err)
	}
	require.Eventually(t, func() bool { return strings.Contains(n.Peers()[0].LastError, want.String()) },
		time.Minute, time.Millisecond, "%+v", n.Peers()[0])
	require.Eventually(t, func() bool { return strings.Contains(n.log.String(), want.String()) }, time.Minute, time.Millisecond)
	// It may be trying again.
	require.Eventually(t, func() bool { return n.Peers()[0].State == diameter.PeerClosed }, time.Minute, time.Millisecond)
	t.Log(n.Peers()[0].LastError)
}

// TestTLSWeConnect: what the peer shows when we connect to it.
func TestTLSWeConnect(t *testing.T) {
	ours, theirs := diametertest.NewAuthority(t), diametertest.NewAuthority(t)
	for _, c := range []struct {
		name  string
		peer  func() *tls.Config // of the peer
		we    func(*tls.Config)
		want  diameter.TLSReason
		works bool
	}{
		{name: "good", peer: func() *tls.Config { return ours.Config(ours.Certificate(peerHost)) }, works: true},
		{name: "name in capitals", peer: func() *tls.Config { return ours.Config(ours.Certificate("HSS.Example.NET")) }, works: true},
		{name: "TLS 1.2", peer: func() *tls.Config {
			c := ours.Config(ours.Certificate(peerHost))
			c.MaxVersion = tls.VersionTLS12
			return c
		}, works: true},
		{name: "TLS 1.1", peer: func() *tls.Config {
			c := ours.Config(ours.Certificate(peerHost))
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			return c
		}, want: diameter.TLSRefused},
		{name: "wrong name", peer: func() *tls.Config { return ours.Config(ours.Certificate("ocs.example.net")) }, want: diameter.TLSWrongName},
		{name: "the address as name", peer: func() *tls.Config { return ours.Config(ours.Certificate("localhost")) }, want: diameter.TLSWrongName},
		{name: "expired", peer: func() *tls.Config { return ours.Config(ours.Expired(peerHost)) }, want: diameter.TLSExpired},
		{name: "self-signed", peer: func() *tls.Config { return ours.Config(ours.SelfSigned(peerHost)) }, want: diameter.TLSSelfSigned},
		{name: "unknown authority", peer: func() *tls.Config { return ours.Config(theirs.Certificate(peerHost)) }, want: diameter.TLSUnknownAuthority},
		{name: "for signing code", peer: func() *tls.Config { return ours.Config(ours.OtherUse(peerHost)) }, want: diameter.TLSBadCertificate},
		{name: "our certificate is refused", peer: func() *tls.Config {
			c := ours.Config(ours.Certificate(peerHost))
			c.ClientCAs = theirs.Pool()
			return c
		}, want: diameter.TLSRefused},
		{name: "our certificate is refused, TLS 1.2", peer: func() *tls.Config {
			c := ours.Config(ours.Certificate(peerHost))
			c.ClientCAs, c.MaxVersion = theirs.Pool(), tls.VersionTLS12
			return c
		}, want: diameter.TLSRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			peer := diametertest.NewPeer(t, diametertest.Config{Host: peerHost, TLS: c.peer()})
			address := peer.Listen()
			n := newTLSNode(t, func(cfg *diameter.Config) {
				cfg.TLS = ours.Config(ours.Certificate(ourHost))
				cfg.Peers[0].Address = address
			})
			n.Start()
			if c.works {
				n.open(t, peer.Accept())
				return
			}
			n.requireReason(t, <-n.errors, c.want)
		})
	}
}

// TestTLSPeerConnects: what a peer shows when it connects to us.
func TestTLSPeerConnects(t *testing.T) {
	ours, theirs := diametertest.NewAuthority(t), diametertest.NewAuthority(t)
	for _, c := range []struct {
		name  string
		peer  []tls.Certificate
		want  diameter.TLSReason
		works bool
		cea   uint32 // the answer to a CER, if it gets as far
	}{
		{name: "good", peer: []tls.Certificate{ours.Certificate(peerHost)}, works: true},
		{name: "wrong name", peer: []tls.Certificate{ours.Certificate("ocs.example.net")}, want: diameter.TLSWrongName, cea: diameter.ResultUnknownPeer},
		{name: "expired", peer: []tls.Certificate{ours.Expired(peerHost)}, want: diameter.TLSExpired},
		{name: "self-signed", peer: []tls.Certificate{ours.SelfSigned(peerHost)}, want: diameter.TLSSelfSigned},
		{name: "unknown authority", peer: []tls.Certificate{theirs.Certificate(peerHost)}, want: diameter.TLSUnknownAuthority},
		{name: "for signing code", peer: []tls.Certificate{ours.OtherUse(peerHost)}, want: diameter.TLSBadCertificate},
		{name: "none", want: diameter.TLSNoCertificate},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(fmt.Sprintf("%s, %s", c.name, tls.VersionName(version)), func(t *testing.T) {
				n := newTLSNode(t, func(cfg *diameter.Config) { cfg.TLS = ours.Config(ours.Certificate(ourHost)) })
				conf := ours.Config()
				conf.ServerName, conf.MaxVersion = ourHost, version
				conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if len(c.peer) == 0 {
						return new(tls.Certificate), nil
					}
					return &c.peer[0], nil // whatever the authorities are that are asked for
				}
				peer := diametertest.NewPeer(t, diametertest.Config{Host: peerHost, TLS: conf})
				link := peer.Dial(n.serve(t, false))
				switch {
				case c.works:
					n.open(t, link.Open())
					return
				case c.cea != 0:
					link.Send(link.CER())
					link.WantResult(diameter.CmdCapabilitiesExchange, c.cea)
				default:
					_, _ = link.Write(link.CER()) // fails or not
				}
				link.WantClosed()
				if c.want == diameter.TLSNoCertificate {
					require.Eventually(t, func() bool { return strings.Contains(n.log.String(), c.want.String()) }, time.Minute, time.Millisecond)
					require.Empty(t, n.Peers()[0].LastError, "nobody knows who it was")
				} else {
					n.requireReason(t, nil, c.want)
				}
				if c.cea == 0 {
					// And the other side is told.
					var op *net.OpError
					require.ErrorAs(t, link.Err(), &op, "%v", link.Err())
					require.Equal(t, "remote error", op.Op)
				}
			})
		}
	}
}

// TestTLSNodesRefuseEachOther: both ends are ours, and each says which.
func TestTLSNodesRefuseEachOther(t *testing.T) {
	ours, theirs := diametertest.NewAuthority(t), diametertest.NewAuthority(t)
	for _, c := range []struct {
		name  string
		cert  tls.Certificate
		alert string
		want  diameter.TLSReason
	}{
		{"expired", ours.Expired(ourHost), "expired certificate", diameter.TLSExpired},
		{"self-signed", ours.SelfSigned(ourHost), "unknown certificate authority", diameter.TLSSelfSigned},
		{"unknown authority", theirs.Certificate(ourHost), "unknown certificate authority", diameter.TLSUnknownAuthority},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := newTLSNode(t, func(cfg *diameter.Config) {
				cfg.OriginHost, cfg.TLS = peerHost, ours.Config(ours.Certificate(peerHost))
				cfg.Peers = []diameter.PeerConfig{{Host: ourHost, Transport: diameter.TransportTLS}}
			})
			address := server.serve(t, false)
			for range 10 { // the alert must not get lost in a reset
				client := newTLSNode(t, func(cfg *diameter.Config) {
					cfg.TLS = ours.Config(c.cert)
					cfg.Peers[0].Address = address
				})
				client.Start()
				err := <-client.errors
				client.requireReason(t, err, diameter.TLSRefused)
				require.ErrorContains(t, err, c.alert)
				require.NoError(t, client.Close())
			}
			server.requireReason(t, nil, c.want)
		})
	}
}

func TestTLSHandshakeTimeout(t *testing.T) {
	ours := diametertest.NewAuthority(t)
	short := func(cfg *diameter.Config) {
		cfg.TLS = ours.Config(ours.Certificate(ourHost))
		cfg.HandshakeTimeout = 500 * time.Millisecond
	}
	t.Run("we connect", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0") // which never accepts
		require.NoError(t, err)
		defer l.Close()
		n := newTLSNode(t, func(cfg *diameter.Config) { short(cfg); cfg.Peers[0].Address = l.Addr().String() })
		n.Start()
		n.requireReason(t, <-n.errors, diameter.TLSTimeout)
	})
	t.Run("a peer connects", func(t *testing.T) {
		n := newTLSNode(t, short)
		link := diametertest.NewPeer(t, diametertest.Config{Host: peerHost}).Dial(n.serve(t, false))
		link.WantClosed()
		require.Eventually(t, func() bool { return strings.Contains(n.log.String(), diameter.TLSTimeout.String()) }, time.Minute, time.Millisecond)
	})
}

// TestTLSOnOneSideOnly: what each side makes of a peer that speaks the other
// way.
func TestTLSOnOneSideOnly(t *testing.T) {
	ours := diametertest.NewAuthority(t)
	withTLS := func(cfg *diameter.Config) { cfg.TLS = ours.Config(ours.Certificate(ourHost)) }
	t.Run("a TLS peer comes by TCP", func(t *testing.T) {
		n := newTLSNode(t, withTLS)
		link := diametertest.NewPeer(t, diametertest.Config{Host: peerHost}).Dial(n.serve(t, true))
		link.Send(link.CER())
		link.WantResult(diameter.CmdCapabilitiesExchange, diameter.ResultNoCommonSecurity)
		link.WantClosed()
		n.requireReason(t, nil, diameter.TLSPlain)
	})
	t.Run("a plain CER where TLS is served", func(t *testing.T) {
		n := newTLSNode(t, withTLS)
		link := diametertest.NewPeer(t, diametertest.Config{Host: peerHost}).Dial(n.serve(t, false))
		link.Send(link.CER())
		link.WantClosed()
		require.Eventually(t, func() bool { return strings.Contains(n.log.String(), diameter.TLSPlain.String()) }, time.Minute, time.Millisecond)
	})
	t.Run("TLS where TCP is served", func(t *testing.T) {
		n := newTLSNode(t, withTLS)
		conf := ours.Config(ours.Certificate(peerHost))
		conf.ServerName = ourHost
		link := diametertest.NewPeer(t, diametertest.Config{Host: peerHost, TLS: conf}).Dial(n.serve(t, true))
		link.WantClosed()
		require.Eventually(t, func() bool { return strings.Contains(n.log.String(), diameter.TLSPlain.String()) }, time.Minute, time.Millisecond)
	})
	t.Run("we connect by TCP where TLS is served", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		n := newTLSNode(t, func(cfg *diameter.Config) { cfg.Peers[0].Transport, cfg.Peers[0].Address = "", l.Addr().String() })
		n.Start()
		nc, err := l.Accept()
		require.NoError(t, err)
		_, err = nc.Read(make([]byte, 4096)) // the CER
		require.NoError(t, err)
		_, err = nc.Write([]byte{21, 3, 3, 0, 2, 2, 70}) // fatal, protocol_version
		require.NoError(t, err)
		require.NoError(t, nc.Close())
		n.requireReason(t, <-n.errors, diameter.TLSPlain)
	})
	t.Run("we connect by TLS where TCP is served", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		n := newTLSNode(t, func(cfg *diameter.Config) { withTLS(cfg); cfg.Peers[0].Address = l.Addr().String() })
		n.Start()
		nc, err := l.Accept()
		require.NoError(t, err)
		defer nc.Close()
		_, err = nc.Write(diametertest.Build(wire.Header{Flags: wire.FlagError}))
		require.NoError(t, err)
		n.requireReason(t, <-n.errors, diameter.TLSPlain)
	})
	t.Run("a TCP peer comes by TLS", func(t *testing.T) {
		n := newTLSNode(t, func(cfg *diameter.Config) { withTLS(cfg); cfg.Peers[0].Transport = "" })
		conf := ours.Config(ours.Certificate(peerHost))
		conf.ServerName = ourHost
		n.open(t, diametertest.NewPeer(t, diametertest.Config{Host: peerHost, TLS: conf}).Dial(n.serve(t, false)).Open())
	})
}

// TestTLSOfSomebodyElsesMaking: a *tls.Conn from a Dial function or a listener
// gets through only if the peer was verified.
func TestTLSOfSomebodyElsesMaking(t *testing.T) {
	ours := diametertest.NewAuthority(t)
	for _, c := range []struct {
		name string
		conf func(*tls.Config)
		want diameter.TLSReason
	}{
		{"not verified", func(c *tls.Config) { c.InsecureSkipVerify = true }, diameter.TLSBadCertificate},
		{"verified for another name", func(c *tls.Config) { c.ServerName = "ocs.example.net" }, diameter.TLSWrongName},
	} {
		t.Run("Dial, "+c.name, func(t *testing.T) {
			peer := diametertest.NewPeer(t, diametertest.Config{Host: peerHost, TLS: ours.Config(ours.Certificate("ocs.example.net"))})
			address := peer.Listen()
			n := newTLSNode(t, func(cfg *diameter.Config) {
				cfg.Peers[0].Transport = ""
				cfg.Peers[0].Dial = func(context.Context) (net.Conn, error) {
					conf := ours.Config(ours.Certificate(ourHost))
					c.conf(conf)
					return tls.Dial("tcp", address, conf)
				}
			})
			n.Start()
			n.requireReason(t, <-n.errors, c.want)
		})
	}
	for _, c := range []struct {
		name string
		auth tls.ClientAuthType
		want diameter.TLSReason
	}{
		{"asks for no certificate", tls.NoClientCert, diameter.TLSNoCertificate},
		{"verifies none", tls.RequireAnyClientCert, diameter.TLSBadCertificate},
	} {
		t.Run("listener that "+c.name, func(t *testing.T) {
			n := newTLSNode(t, func(*diameter.Config) {})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			secured := ours.Config(ours.Certificate(ourHost))
			secured.ClientAuth = c.auth
			done := make(chan error, 1)
			go func() { done <- n.Serve(tls.NewListener(l, secured)) }()
			conf := ours.Config()
			conf.ServerName = ourHost
			theirs := ours.SelfSigned(peerHost)
			conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &theirs, nil }
			link := diametertest.NewPeer(t, diametertest.Config{Host: peerHost, TLS: conf}).Dial(l.Addr().String())
			_, _ = link.Write(link.CER())
			link.WantClosed()
			require.Eventually(t, func() bool { return strings.Contains(n.log.String(), c.want.String()) }, time.Minute, time.Millisecond, "%v", link.Err())
			require.NoError(t, n.Close())
			require.ErrorIs(t, <-done, diameter.ErrClosed)
		})
	}
}

func TestTLSConfigNamesTheFieldThatIsWrong(t *testing.T) {
	ours := diametertest.NewAuthority(t)
	good := func() *tls.Config { return ours.Config(ours.Certificate(ourHost)) }
	for field, change := range map[string]func(*diameter.Config){
		"TLS.InsecureSkipVerify":     func(c *diameter.Config) { c.TLS.InsecureSkipVerify = true },
		"TLS.RootCAs":                func(c *diameter.Config) { c.TLS.RootCAs = nil },
		"TLS.Certificates":           func(c *diameter.Config) { c.TLS.Certificates = nil },
		"TLS.MaxVersion":             func(c *diameter.Config) { c.TLS.MaxVersion = tls.VersionTLS11 },
		"Peers[0].TLS.RootCAs":       func(c *diameter.Config) { c.Peers[0].TLS = new(tls.Config) },
		"Peers[0].TLS: missing":      func(c *diameter.Config) { c.TLS, c.Peers[0].Address = nil, "192.0.2.1:5658" },
		"Peers[0].TLS: set":          func(c *diameter.Config) { c.Peers[0].Transport, c.Peers[0].TLS = "", good() },
		`Peers[0].Transport: "quic"`: func(c *diameter.Config) { c.Peers[0].Transport = "quic" },
	} {
		cfg := diameter.Config{
			OriginHost: ourHost, OriginRealm: "example.org", Applications: []diameter.Application{{ID: 4}}, TLS: good(),
			Peers: []diameter.PeerConfig{{Host: peerHost, Transport: diameter.TransportTLS}},
		}
		require.NoError(t, cfg.Validate())
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), field)
	}
	n := newTLSNode(t, func(*diameter.Config) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorContains(t, n.ServeTLS(l), "Config.TLS")
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed, "it is the node's to close")
}

// TestTLSCarriesRequests: both ways, with a handler that sees who asks, and in
// order at the end.
func TestTLSCarriesRequests(t *testing.T) {
	ours := diametertest.NewAuthority(t)
	server := newTLSNode(t, func(cfg *diameter.Config) {
		cfg.OriginHost, cfg.TLS = peerHost, ours.Config(ours.Certificate(peerHost))
		cfg.Peers = nil
		cfg.AllowPeer = func(p diameter.PeerInfo) bool { return p.Transport == diameter.TransportTLS && p.Host == ourHost }
	})
	server.Handle(swxApp, cmdMAR, diameter.HandlerFunc(func(_ context.Context, r *diameter.Request) (wire.Message, error) {
		if r.Peer().Transport != diameter.TransportTLS {
			return nil, errors.New("not by TLS")
		}
		return r.Answer(diameter.ResultSuccess).Message()
	}))
	address := server.serve(t, false)
	client := newTLSNode(t, func(cfg *diameter.Config) {
		cfg.Peers[0].TLS, cfg.Peers[0].Address = ours.Config(ours.Certificate(ourHost)), address
	})
	client.Start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, client.WaitOpen(ctx, peerHost))
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 20 {
				a, err := client.Exchange(ctx, diametertest.Build(wire.Header{Flags: wire.FlagRequest, Command: cmdMAR, Application: swxApp}))
				if err != nil || diametertest.ResultOf(a) != diameter.ResultSuccess {
					t.Error(err, a)
					return
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, client.Shutdown(ctx))
	require.NoError(t, server.Shutdown(ctx))
}

func TestTLSReasonsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range diameter.TLSRefused + 1 {
		require.False(t, seen[r.String()])
		seen[r.String()] = true
	}
	require.Equal(t, "TLS: no certificate", (&diameter.TLSError{Reason: diameter.TLSNoCertificate}).Error())
}

// TestTLSClosedWithoutAWord: a peer that does not like us need not say so.
func TestTLSClosedWithoutAWord(t *testing.T) {
	ours := diametertest.NewAuthority(t)
	peer := diametertest.NewPeer(t, diametertest.Config{Host: peerHost, TLS: ours.Config(ours.Certificate(peerHost)), Manual: true})
	address := peer.Listen()
	for _, end := range []func(*diametertest.Link){(*diametertest.Link).Close, (*diametertest.Link).Reset} {
		n := newTLSNode(t, func(cfg *diameter.Config) {
			cfg.TLS = ours.Config(ours.Certificate(ourHost))
			cfg.Peers[0].Address = address
		})
		n.Start()
		end(peer.Accept())
		n.requireReason(t, <-n.errors, diameter.TLSRefused)
		require.NoError(t, n.Close())
	}
}

// TestTLSWithInbandSecurity: a CER that asks for TLS gets nothing without it,
// and with it has what it asks for.
func TestTLSWithInbandSecurity(t *testing.T) {
	ours := diametertest.NewAuthority(t)
	conf := ours.Config(ours.Certificate(peerHost))
	conf.ServerName = ourHost
	for plain, want := range map[bool]uint32{true: diameter.ResultNoCommonSecurity, false: diameter.ResultSuccess} {
		n := newTLSNode(t, func(cfg *diameter.Config) {
			cfg.TLS, cfg.Peers[0].Transport = ours.Config(ours.Certificate(ourHost)), diameter.TransportTCP
		})
		c := diametertest.Config{Host: peerHost, TLS: conf}
		if plain {
			c.TLS = nil
		}
		link := diametertest.NewPeer(t, c).Dial(n.serve(t, plain))
		link.Send(diametertest.Build(link.CER().Header(), link.Capabilities(), func(w *wire.Builder) {
			w.Uint32(diameter.AVPInbandSecurityID, 0, wire.FlagMandatory, 1)
		}))
		link.WantResult(diameter.CmdCapabilitiesExchange, want)
	}
}
