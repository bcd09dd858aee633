package main

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
	"github.com/opentwag/twag/swx/swxtest"
)

// startServer runs a server by a configuration file.
func startServer(t *testing.T, text string) (*server, *syncBuffer) {
	t.Helper()
	cfg, _, err := parseConfig("test.yaml", []byte(text))
	require.NoError(t, err)
	out := new(syncBuffer)
	log, buffer := newLogger(cfg.Log, out)
	s, err := newServer(cfg, log)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		buffer.Flush()
		t.Log("\n" + out.String())
	})
	select {
	case <-s.listening:
	case err := <-ended:
		ended <- nil
		require.NoError(t, err)
	}
	return s, out
}

// Every setting that changes what the far ends see, and an HSS that connects
// to us.
func TestServerBySettings(t *testing.T) {
	s, _ := startServer(t, `
diameter:
  origin_host: aaa.example.org
  origin_realm: example.org
  listen: 127.0.0.1:0
  peers:
    - {host: hss.example.org, connect: wait}
swx:
  timeout: 2s
  vectors: 2
  profile: {user_name: nai, nai_realm: nai.example.org}
radius:
  listen: 127.0.0.1:0
  secret: the secret of all clients
eap:
  methods: [aka, aka-prime]
  network_name: WLAN:office
  extra_leading_digits: {"9": aka-prime}
  always_request_identity: true
  result_indications: true
log:
  level: debug
  format: json
`)
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	hss, err := swxtest.New(swxtest.Config{Node: diameter.Config{
		OriginHost: "hss.example.org", OriginRealm: "example.org",
		Peers: []diameter.PeerConfig{{Host: "aaa.example.org", Address: s.diameter.Addr().String()}},
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, hss.Close()) })
	k, opc := provision.Keys{}.Of(imsi)
	require.NoError(t, hss.Add(swxtest.Subscriber{IMSI: imsi, K: k, OPc: opc}))
	hss.Start()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, s.node.WaitOpen(ctx, "hss.example.org"))

	ap, err := radiustest.NewAP(radiustest.Config{Server: s.address.String(), Secret: "the secret of all clients"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ap.Close()) })
	for _, method := range []eap.Type{eap.TypeAKA, eap.TypeAKAPrime} {
		u, err := ue.New(ue.Config{IMSI: imsi, Methods: []eap.Type{method}, NetworkName: "WLAN:office"})
		require.NoError(t, err)
		r, err := u.Login(ctx, ap)
		require.NoError(t, err)
		require.Equal(t, method, u.Method())
		require.Equal(t, 3, r.Requests, "one more to ask for the identity")
	}
	require.Equal(t, uint64(4), hss.Stats().Vectors)
}

// The exception from Message-Authenticator is the client's own, and the
// longest prefix decides.
func TestServerClients(t *testing.T) {
	cfg, _, err := parseConfig("test.yaml", []byte(strings.Replace(minimal, "  clients:\n", `  secret: twenty-characters-of-all
  clients:
    - {subnet: 192.0.2.7, message_authenticator: optional, name: old}
    - {subnet: 192.0.2.8, message_authenticator: with-proxy-state}
`, 1)))
	require.NoError(t, err)
	s := &server{cfg: cfg}
	table, err := s.radiusClients()
	require.NoError(t, err)
	for addr, name := range map[string]string{
		"192.0.2.1": "192.0.2.0/24", "192.0.2.7": "old", "192.0.2.8": "192.0.2.8/32",
	} {
		client := table.Client(netip.MustParseAddr(addr))
		require.Equal(t, name, client.Name())
	}
	require.Equal(t, "twenty-characters-of-all", cfg.RADIUS.Clients[0].Secret)
}

func TestServerPortsTaken(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer udp.Close()

	for _, tc := range []struct{ old, new, want string }{
		{"  peers:", "  listen: " + tcp.Addr().String() + "\n  peers:", "diameter.listen: "},
		{"  clients:", "  listen: " + udp.LocalAddr().String() + "\n  clients:", "radius.listen: "},
	} {
		cfg, _, err := parseConfig("test.yaml", []byte(strings.Replace(minimal, tc.old, tc.new, 1)))
		require.NoError(t, err)
		err = runServer(t.Context(), cfg, new(syncBuffer))
		require.ErrorContains(t, err, tc.want)
		require.ErrorContains(t, err, "address already in use")
	}
}
