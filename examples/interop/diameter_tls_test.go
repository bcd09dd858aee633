package interop

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/swx"
)

// credentials are a certificate of the relay's and who it trusts.
func credentials(t *testing.T, c tls.Certificate, trusts *diametertest.Authority) *RelayCredentials {
	t.Helper()
	cert, key, err := diametertest.PEM(c)
	require.NoError(t, err)
	return &RelayCredentials{Certificate: cert, Key: key, Authority: trusts.PEM()}
}

// startTLSRelay starts a relay that serverHost connects to by TLS, and returns
// it and its address.
func startTLSRelay(t *testing.T, r Relay) (*Program, string) {
	t.Helper()
	r.Realm, r.Accept = diameterRealm, []string{serverHost}
	r.Port, r.SecurePort = int(freePort(t).Port()), int(freePort(t).Port())
	p, err := r.Start(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { relayEnded(t, p) })
	return p, netip.AddrPortFrom(netip.MustParseAddr(RelayAddress), uint16(r.SecurePort)).String()
}

// tlsNode returns a node whose peer is relayHost, by TLS, and the errors that
// its attempts end with. address may be empty.
func tlsNode(t *testing.T, address string, c *tls.Config) (*diameter.Node, <-chan error) {
	t.Helper()
	errs := make(chan error, 100)
	n, err := diameter.NewNode(diameter.Config{
		OriginHost: serverHost, OriginRealm: diameterRealm, Applications: []diameter.Application{swx.Application}, TLS: c,
		Peers: []diameter.PeerConfig{{Host: relayHost, Address: address, Transport: diameter.TransportTLS}},
		Hooks: diameter.Hooks{PeerChange: func(c diameter.PeerChange) {
			if c.Err != nil {
				errs <- c.Err
			}
		}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = n.Close() })
	return n, errs
}

// TestTLSToRelay: with good certificates on both sides SWx works through
// freeDiameterd, whoever connects.
func TestTLSToRelay(t *testing.T) {
	Need(t, FreeDiameter)
	authority := diametertest.NewAuthority(t)
	home := startHSS(t)
	relay := Relay{
		Identity: relayHost, Credentials: credentials(t, authority.Certificate(relayHost), authority),
		Connect: []RelayPeer{{Identity: hssHost, Address: home.addr.Addr().String(), Port: int(home.addr.Port())}},
	}
	works := func(t *testing.T, n *diameter.Node, p *Program, initiator bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		require.NoError(t, n.WaitOpen(ctx, relayHost), "%+v\n%s", n.Peers(), tail(p.Output()))
		peer := n.Peers()[0]
		require.Equal(t, diameter.TransportTLS, peer.Transport)
		require.Equal(t, initiator, peer.Initiator)
		require.NoError(t, p.WaitFor(fmt.Sprintf("Connected to '%s'", hssHost), time.Minute))
		_, err := swx.NewClient(n, swx.Config{}).Vectors(ctx, aka.VectorRequest{IMSI: imsi(0), Scheme: aka.SchemeAKAPrime, NetworkName: "WLAN"})
		require.NoError(t, err)
		require.NoError(t, n.Shutdown(ctx))
	}
	ours := authority.Config(authority.Certificate(serverHost))
	t.Run("we connect", func(t *testing.T) {
		p, address := startTLSRelay(t, relay)
		n, _ := tlsNode(t, address, ours)
		n.Start()
		works(t, n, p, true)
	})
	t.Run("the relay connects", func(t *testing.T) {
		n, _ := tlsNode(t, "", ours)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- n.ServeTLS(l) }()
		relay := relay
		relay.Connect = append(relay.Connect, RelayPeer{Identity: serverHost, Address: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: true})
		p, _ := startTLSRelay(t, relay)
		works(t, n, p, false)
		require.ErrorIs(t, <-done, diameter.ErrClosed)
	})
}

// TestTLSToRelayIsRefused: each of the usual mistakes, on either side, and
// what is said about it. (freeDiameterd does not compare the name of who
// connects to it with the CER.)
func TestTLSToRelayIsRefused(t *testing.T) {
	Need(t, FreeDiameter, OpenSSL)
	ours, theirs := diametertest.NewAuthority(t), diametertest.NewAuthority(t)
	good := func() *tls.Config { return ours.Config(ours.Certificate(serverHost)) }
	const another = "dra2." + diameterRealm
	for _, c := range []struct {
		name  string
		relay Relay
		we    func() *tls.Config
		want  diameter.TLSReason
	}{
		{"relay's name", Relay{Identity: another, Credentials: credentials(t, ours.Certificate(another), ours)}, good, diameter.TLSWrongName},
		{"relay's expired", Relay{Identity: relayHost, Credentials: credentials(t, ours.Certificate(relayHost), ours)}, func() *tls.Config {
			c := good() // it does not start with an expired one
			c.Time = func() time.Time { return time.Now().Add(30 * 24 * time.Hour) }
			return c
		}, diameter.TLSExpired},
		{"relay's self-signed", Relay{Identity: relayHost}, good, diameter.TLSSelfSigned},
		{"relay's authority", Relay{Identity: relayHost, Credentials: credentials(t, theirs.Certificate(relayHost), theirs)}, good, diameter.TLSUnknownAuthority},
		{"our expired", Relay{Identity: relayHost, Credentials: credentials(t, ours.Certificate(relayHost), ours)}, func() *tls.Config {
			return ours.Config(ours.Expired(serverHost))
		}, diameter.TLSRefused},
		{"our self-signed", Relay{Identity: relayHost, Credentials: credentials(t, ours.Certificate(relayHost), ours)}, func() *tls.Config {
			return ours.Config(ours.SelfSigned(serverHost))
		}, diameter.TLSRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, address := startTLSRelay(t, c.relay)
			n, errs := tlsNode(t, address, c.we())
			n.Start()
			var err error
			select {
			case err = <-errs:
				t.Log(err)
			case <-time.After(time.Minute):
				require.FailNow(t, "not refused", "%+v\n%s", n.Peers(), tail(p.Output()))
			}
			var te *diameter.TLSError
			require.ErrorAs(t, err, &te, "%s", tail(p.Output()))
			require.Equal(t, c.want.String(), te.Reason.String(), "%v", err)
			require.Eventually(t, func() bool { return strings.Contains(n.Peers()[0].LastError, c.want.String()) }, time.Minute, time.Millisecond)
		})
	}
}

// TestTLSFromRelayIsRefused: the same where the relay connects to us.
func TestTLSFromRelayIsRefused(t *testing.T) {
	Need(t, FreeDiameter)
	ours, theirs := diametertest.NewAuthority(t), diametertest.NewAuthority(t)
	n, _ := tlsNode(t, "", ours.Config(ours.Certificate(serverHost)))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- n.ServeTLS(l) }()
	both := credentials(t, theirs.Certificate(relayHost), theirs)
	both.Authority = append(both.Authority, ours.PEM()...) // it does trust us
	startTLSRelay(t, Relay{
		Identity: relayHost, Credentials: both,
		Connect: []RelayPeer{{Identity: serverHost, Address: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: true}},
	})
	require.Eventually(t, func() bool { return n.Peers()[0].LastError != "" }, time.Minute, 10*time.Millisecond)
	require.Contains(t, n.Peers()[0].LastError, diameter.TLSUnknownAuthority.String())
	require.NoError(t, n.Close())
	require.ErrorIs(t, <-done, diameter.ErrClosed)
}
