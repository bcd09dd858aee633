package main

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/homeconfig"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/swx"
)

// Every setting arrives where it belongs.
func TestDiameterSettings(t *testing.T) {
	c, _, err := parseConfig("f", []byte(`
diameter:
  origin_host: aaa.example.org
  origin_realm: example.org
  listen_sctp: :3868
  watchdog: 7s
  reconnect: 8s
  attempt_timeout: 9s
  wait_for_peer: true
  peers:
    - {host: a.example.org, realm: example.net, address: 192.0.2.1, port: 1, priority: 2, weight: 3, serves: ["*", example.com]}
    - {host: b.example.org, connect: wait, transport: sctp}
    - {host: c.example.org, address: "2001:db8::1", transport: sctp}
swx:
  home_realms: true
  routes: [{prefix: "00101", realm: example.net, host: hss.example.net}]
  timeout: 30s
  vectors: 3
  vector_age: 1m
  profile: {user_name: nai, nai_realm: nai.example.org, omit_anid: true, plain_keys: true, application: both, session_state: absent}
radius:
  secret: the secret of all clients
`))
	require.NoError(t, err)
	node, err := c.Diameter.Node(nil)
	require.NoError(t, err)
	require.NoError(t, node.Validate())
	require.Equal(t, diameter.Config{
		OriginHost: "aaa.example.org", OriginRealm: "example.org", Applications: []diameter.Application{swx.Application},
		Watchdog: 7 * time.Second, Reconnect: 8 * time.Second, AttemptTimeout: 9 * time.Second, WaitForPeer: true,
		Peers: []diameter.PeerConfig{
			{Host: "a.example.org", Realm: "example.net", Address: "192.0.2.1:1", Transport: "tcp", Priority: 2, Weight: 3, Serves: []string{"*", "example.com"}},
			{Host: "b.example.org", Realm: "example.org", Transport: "sctp"},
			{Host: "c.example.org", Realm: "example.org", Transport: "sctp", Address: "[2001:db8::1]:3868"},
		},
	}, node)
	client := c.SWx.Client()
	require.NoError(t, client.Validate())
	require.Equal(t, swx.Config{
		Realm: "example.org", HomeRealms: true, Routes: []swx.Route{{Prefix: "00101", Realm: "example.net", Host: "hss.example.net"}},
		Timeout: 30 * time.Second, VectorsPerRequest: 3, VectorAge: time.Minute,
		Profile: swx.Profile{
			UserName: swx.UserNameNAI, NAIRealm: "nai.example.org", OmitANID: true, PlainKeys: true,
			Application: swx.ApplicationBoth, SessionState: swx.StateAbsent,
		},
	}, client)

	c.Diameter.AttemptTimeout = 0
	node, err = c.Diameter.Node(nil)
	require.NoError(t, err)
	require.Negative(t, node.AttemptTimeout, "never")
}

// An HSS that connects by TLS, and a port for it alone.
func TestServerTLS(t *testing.T) {
	authority := diametertest.NewAuthority(t)
	dir := t.TempDir()
	writeTLS(t, authority, dir, homeconfig.TLS{CA: "ca", Certificate: "cert", Key: "key"}, "aaa.example.org")
	at := func(name string) string { return filepath.Join(dir, name) }
	s, out := startServer(t, `
diameter:
  origin_host: aaa.example.org
  origin_realm: example.org
  listen: 127.0.0.1:0
  listen_tls: 127.0.0.1:0
  tls: {ca: `+at("ca")+", certificate: "+at("cert")+", key: "+at("key")+`}
  peers:
    - {host: hss.example.org, connect: wait, transport: tls}
radius:
  listen: 127.0.0.1:0
  secret: the secret of all clients
`)
	connect := func(port int, transport string, host string) *diameter.Node {
		cfg := diameter.Config{
			OriginHost: host, OriginRealm: "example.org", Applications: []diameter.Application{swx.Application},
			Peers: []diameter.PeerConfig{{Host: "aaa.example.org", Address: s.ports[port].Addr().String(), Transport: transport}},
		}
		if transport == diameter.TransportTLS {
			cfg.TLS = authority.Config(authority.Certificate("hss.example.org"))
		}
		hss, err := diameter.NewNode(cfg)
		require.NoError(t, err)
		t.Cleanup(func() { _ = hss.Close() })
		hss.Start()
		return hss
	}
	require.Len(t, s.ports, 2)
	plain := connect(0, diameter.TransportTCP, "hss.example.org")
	require.Eventually(t, func() bool { return plain.Peers()[0].LastError != "" }, time.Minute, time.Millisecond)
	require.Equal(t, diameter.PeerClosed, s.node.Peers()[0].State, "without TLS it is not let in")
	require.NoError(t, plain.Close())

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, connect(1, diameter.TransportTLS, "hss.example.org").WaitOpen(ctx, ""))
	require.NoError(t, s.node.WaitOpen(ctx, "hss.example.org"))
	require.Equal(t, diameter.TransportTLS, s.node.Peers()[0].Transport)
	waitFor(t, out, "transport=tls")
}

// SCTP is there, or the error says that it is not.
func TestServerSCTP(t *testing.T) {
	c := homeconfig.Diameter{Listen: "127.0.0.1:0", ListenSCTP: "127.0.0.1:0"}
	ports, err := listenDiameter(&c)
	if err == nil {
		require.Equal(t, "sctp", ports[1].Addr().Network())
		for _, p := range ports {
			require.NoError(t, p.Close())
		}
		return
	}
	require.ErrorContains(t, err, "diameter.listen_sctp: ")
	if errors.Is(err, syscall.EPROTONOSUPPORT) {
		require.ErrorContains(t, err, "this system has no SCTP")
	}
	require.Empty(t, ports)
}

// A subscriber of another AAA server is refused, or taken over.
func TestServerTakeOver(t *testing.T) {
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	for _, takeOver := range []bool{false, true} {
		settings := ""
		if takeOver {
			settings = "swx:\n  take_over: true\n"
		}
		ap, hss, out := startHome(t, imsi, settings)
		addr, err := hss.Listen("127.0.0.1:0")
		require.NoError(t, err)
		other, err := diameter.NewNode(diameter.Config{
			OriginHost: "other.example.org", OriginRealm: "example.org", Applications: []diameter.Application{swx.Application},
			Peers: []diameter.PeerConfig{{Host: "hss.example.org", Address: addr.String()}}, WaitForPeer: true,
		})
		require.NoError(t, err)
		t.Cleanup(func() { _ = other.Close() })
		other.Start()
		_, err = swx.NewClient(other, swx.Config{}).Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA})
		require.NoError(t, err)
		u, err := ue.New(ue.Config{IMSI: imsi})
		require.NoError(t, err)
		_, err = u.Login(t.Context(), ap)
		require.Equal(t, takeOver, err == nil, "%v", err)
		if takeOver {
			waitFor(t, out, "Taking a subscriber over")
			require.NotContains(t, out.String(), imsi.Digits())
		}
	}
}
