package main

import (
	"context"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// startServer runs a server by a configuration file, with changes that none may have.
func startServer(t *testing.T, text string, changes ...func(*config)) (*server, *syncBuffer) {
	t.Helper()
	cfg, _, err := parseConfig("test.yaml", []byte(text))
	require.NoError(t, err)
	for _, change := range changes {
		change(&cfg)
	}
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
		Peers: []diameter.PeerConfig{{Host: "aaa.example.org", Address: s.ports[0].Addr().String()}},
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, hss.Close()) })
	k, opc := provision.Keys{}.Of(imsi)
	require.NoError(t, hss.Add(swxtest.Subscriber{IMSI: imsi, K: k, OPc: opc}))
	hss.Start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
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

// startHome runs a server by the settings, with an HSS that has one subscriber
// and connects to it, and an access point.
func startHome(t *testing.T, imsi eap.IMSI, settings string) (*radiustest.AP, *swxtest.HSS, *syncBuffer) {
	t.Helper()
	_, ap, hss, out := startHomeServer(t, imsi, settings)
	return ap, hss, out
}

func startHomeServer(t *testing.T, imsi eap.IMSI, settings string, changes ...func(*config)) (*server, *radiustest.AP, *swxtest.HSS, *syncBuffer) {
	t.Helper()
	s, out := startServer(t, `
diameter:
  origin_host: aaa.example.org
  origin_realm: example.org
  listen: 127.0.0.1:0
  peers:
    - {host: hss.example.org, connect: wait}
radius:
  listen: 127.0.0.1:0
  secret: the secret of all clients
log:
  level: debug
`+settings, changes...)
	hss, err := swxtest.New(swxtest.Config{Node: diameter.Config{
		OriginHost: "hss.example.org", OriginRealm: "example.org",
		Peers: []diameter.PeerConfig{{Host: "aaa.example.org", Address: s.ports[0].Addr().String()}},
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, hss.Close()) })
	k, opc := provision.Keys{}.Of(imsi)
	require.NoError(t, hss.Add(swxtest.Subscriber{IMSI: imsi, K: k, OPc: opc, AMF: provision.AMF}))
	hss.Start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, s.node.WaitOpen(ctx, "hss.example.org"))
	ap, err := radiustest.NewAP(radiustest.Config{Server: s.address.String(), Secret: "the secret of all clients"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ap.Close()) })
	return s, ap, hss, out
}

// What phones are given for the next time, as they use it.
func TestServerTemporaryIdentities(t *testing.T) {
	const full, again, pseudonym = "full", "again", "pseudonym"
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	for _, tc := range []struct {
		name, settings string
		want           []string
	}{
		{"by default", "", []string{full, again, again}},
		{"count", "eap:\n  reauthentication: {count: 1}\n", []string{full, again, pseudonym, again, pseudonym}},
		{"no re-authentication", "eap:\n  reauthentication: {enabled: false}\n", []string{full, pseudonym, pseudonym}},
		{"no pseudonyms", "eap:\n  pseudonyms: {enabled: false}\n  reauthentication: {count: 1}\n", []string{full, again, full}},
		{"neither", "eap:\n  sealed_state: false\n  pseudonyms: {enabled: false}\n  reauthentication: {enabled: false}\n", []string{full, full}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ap, _, _ := startHome(t, imsi, tc.settings)
			u, err := ue.New(ue.Config{IMSI: imsi})
			require.NoError(t, err)
			for i, want := range tc.want {
				r, err := u.Login(t.Context(), ap)
				require.NoError(t, err)
				require.Equal(t, 2, r.Requests, "login %d", i)
				got := full
				switch {
				case u.Reauthenticated():
					got = again
				case u.Identity()[0] == '7':
					got = pseudonym
				}
				require.Equal(t, want, got, "login %d as %s", i, u.Identity())
			}
		})
	}
}

// A subscriber that the HSS deregisters has a full login next, for which the
// HSS is asked.
func TestServerDeregisters(t *testing.T) {
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	for _, settings := range []string{"", "eap:\n  reauthentication: {enabled: false}\n"} {
		ap, hss, out := startHome(t, imsi, settings)
		u, err := ue.New(ue.Config{IMSI: imsi})
		require.NoError(t, err)
		_, err = u.Login(t.Context(), ap)
		require.NoError(t, err)
		code, err := hss.Terminate(t.Context(), imsi, swx.ReasonPermanentTermination)
		require.NoError(t, err)
		require.Equal(t, uint32(swx.ResultSuccess), code)

		before := hss.Stats().Vectors
		_, err = u.Login(t.Context(), ap)
		require.NoError(t, err)
		require.False(t, u.Reauthenticated())
		require.Equal(t, before+1, hss.Stats().Vectors)
		waitFor(t, out, "HSS deregistered a subscriber")
		require.NotContains(t, out.String(), imsi.Digits())
	}
}

func TestServerForwardSecrecy(t *testing.T) {
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	for _, tc := range []struct {
		policy        string
		with, without bool
		group         string
	}{
		{"{policy: off}", false, true, ""},
		{"{policy: offered, groups: [x25519]}", true, true, "X25519"},
		{"{policy: required}", true, false, "P-256"},
	} {
		t.Run(tc.policy, func(t *testing.T) {
			ap, _, out := startHome(t, imsi, "eap:\n  methods: [aka-prime]\n  forward_secrecy: "+tc.policy+"\n")
			for fs, want := range map[aka.ForwardSecrecy]bool{aka.FSRequired: tc.with, aka.FSOff: tc.without} {
				u, err := ue.New(ue.Config{IMSI: imsi, ForwardSecrecy: fs})
				require.NoError(t, err)
				_, err = u.Login(t.Context(), ap)
				if want {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, radiustest.ErrRejected)
				}
			}
			if tc.with {
				waitFor(t, out, "forward_secrecy="+tc.group)
			}
		})
	}
}

// A phone that encrypts its IMSI, and one that nobody may ask for it.
func TestServerIdentityPrivacy(t *testing.T) {
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	file := filepath.Join(t.TempDir(), "identity.pem")
	key := writeRSAKey(t, file)
	usim := func() *eaptest.USIM {
		usim, err := ue.NewUSIM(imsi, provision.Keys{}, 0)
		require.NoError(t, err)
		return usim
	}
	ap, _, _ := startHome(t, imsi, "eap:\n  identity_keys: [{file: "+file+", attribute: serial=7}]\n")
	peer, err := eaptest.NewPeer(eaptest.PeerConfig{USIM: usim(), IMSI: imsi, IdentityKey: &key.PublicKey, IdentityKeyAttribute: "serial=7"})
	require.NoError(t, err)
	_, err = ap.Login(t.Context(), peer, "02-00-00-00-00-01")
	require.NoError(t, err)

	ap, _, _ = startHome(t, imsi, "eap:\n  refuse_permanent_identity: true\n")
	peer, err = eaptest.NewPeer(eaptest.PeerConfig{USIM: usim(), IMSI: imsi})
	require.NoError(t, err)
	_, err = ap.Login(t.Context(), peer, "02-00-00-00-00-01")
	require.NoError(t, err, "said unasked")
	peer.Forget()
	require.NoError(t, peer.SetPseudonym(eap.TypeAKAPrime, "7unknown"))
	_, err = ap.Login(t.Context(), peer, "02-00-00-00-00-01")
	require.ErrorIs(t, err, radiustest.ErrRejected)
}

// What the log says of keys.
func TestServerKeysInTheLog(t *testing.T) {
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	_, _, out := startHome(t, imsi, "")
	waitFor(t, out, "No keys are configured")
	secret := newSecret()
	ap, _, out := startHome(t, imsi, "keys: [{id: 1, secret: "+secret+"}]\n")
	u, err := ue.New(ue.Config{IMSI: imsi})
	require.NoError(t, err)
	_, err = u.Login(t.Context(), ap)
	require.NoError(t, err)
	waitFor(t, out, "Authentication ACCEPTED")
	require.NotContains(t, out.String(), "No keys are configured")
	require.NotContains(t, out.String(), secret)
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
