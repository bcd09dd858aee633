package interop

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	// What the built programs are made of. A test's result is cached by what
	// its package is compiled from, and without these a change to the library
	// would not count.
	_ "github.com/opentwag/twag/eap/eapradius"
	_ "github.com/opentwag/twag/radius"
	_ "github.com/opentwag/twag/swx/swxtest"
)

const secret = "shared-by-the-tests-and-the-server"

// twagd is the built reference server.
type twagd struct {
	*Program
	radiusServer
}

// Settings of twagd's log: all there is, or what operators must look at.
const (
	verbose = "log:\n  level: debug\n"
	quiet   = "log:\n  level: warn\n"
)

// startServer starts twagd with the HSS, or a relay, at address. settings are
// more lines for the configuration, each with its section.
func startServer(t *testing.T, peerHost string, peer netip.AddrPort, settings ...string) twagd {
	t.Helper()
	return startServerAs(t, serverHost, peerHost, peer, settings...)
}

// startServerAs is startServer with another Origin-Host.
func startServerAs(t *testing.T, host, peerHost string, peer netip.AddrPort, settings ...string) twagd {
	t.Helper()
	return startServerWith(t, host, fmt.Sprintf("  peers:\n    - host: %s\n      address: %s\n      port: %d\n", peerHost, peer.Addr(), peer.Port()), settings...)
}

// startServerWith is startServerAs with more of the section "diameter".
func startServerWith(t *testing.T, host, diameter string, settings ...string) twagd {
	t.Helper()
	address := freePort(t)
	config := fmt.Sprintf(`
diameter:
  origin_host: %s
  origin_realm: %s
%s
radius:
  listen: %q
  clients:
    - name: tests
      subnet: 127.0.0.1
      secret: %s
%s
`, host, diameterRealm, diameter, address, secret, strings.Join(settings, "\n"))
	ready := fmt.Sprintf("RADIUS server listening on port %d", address.Port())
	if slices.Contains(settings, quiet) {
		ready = "" // it does not say
	} else {
		config += verbose
	}
	file := filepath.Join(t.TempDir(), "twagd.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	p := start(t, "twagd", ready, "-config", file)
	require.NoError(t, p.WaitFor("Diameter peer connected", time.Minute))
	return twagd{p, radiusServer{address, secret}}
}

// ended interrupts the server and returns all that it has said.
func (s twagd) ended(t *testing.T) string {
	t.Helper()
	_, err := s.Interrupt(time.Minute)
	require.NoError(t, err)
	return s.Output()
}

// TestLogins: a real supplicant logs in to the built server, whose vectors
// come over Diameter from the HSS simulator's process.
func TestLogins(t *testing.T) {
	Need(t, EapolTest)
	server := startServer(t, hssHost, startHSS(t).addr)
	for _, l := range append(logins, negotiations...) {
		t.Run(l.name, func(t *testing.T) {
			l.run(t, server.radiusServer)
		})
	}
	said := server.ended(t)
	accepted := 0
	for _, l := range append(logins, negotiations...) {
		if !l.rejected {
			accepted++
		}
		require.NotContains(t, said, imsi(l.subscriber).Digits(), "the log shows a whole IMSI")
	}
	require.Equal(t, accepted, strings.Count(said, "Authentication ACCEPTED"), "%s", tail(said))
	require.Equal(t, len(logins)+len(negotiations)-accepted, strings.Count(said, "Authentication REJECTED"), "%s", tail(said))
	require.NotContains(t, said, secret)
}

// TestLoginsThroughRelay: the same, with freeDiameterd between server and HSS.
func TestLoginsThroughRelay(t *testing.T) {
	Need(t, EapolTest, FreeDiameter, OpenSSL)
	server := startServer(t, relayHost, startRelay(t, startHSS(t)))
	for _, l := range logins {
		t.Run(l.name, func(t *testing.T) { l.run(t, server.radiusServer) })
	}
}

// TestServerPrefersAKA: a server that would rather have AKA takes it from a
// supplicant that knows both.
func TestServerPrefersAKA(t *testing.T) {
	Need(t, EapolTest)
	server := startServer(t, hssHost, startHSS(t).addr, "eap:\n  methods: [aka, aka-prime]")
	for i, digit := range []string{"0", "6"} {
		login{methods: "AKA' AKA", digit: digit, subscriber: i}.run(t, server.radiusServer)
	}
}

// TestSilentHSS: the phone is told within the configured time, in a
// notification and not by silence.
func TestSilentHSS(t *testing.T) {
	Need(t, EapolTest)
	server := startServer(t, hssHost, startHSS(t, "-silent").addr, "swx:\n  timeout: 1s")
	for _, methods := range []string{"AKA", "AKA'"} {
		t.Run(methods, func(t *testing.T) {
			quickest := time.Hour
			for range 3 { // where the machine has no time for the supplicant once, or twice
				begun := time.Now()
				r := login{methods: methods, subscriber: subscribers, rejected: true}.run(t, server.radiusServer)
				took := time.Since(begun)
				require.Greater(t, took, time.Second)
				require.Contains(t, r.Log, "subtype Notification")
				if quickest = min(quickest, took); quickest < 4*time.Second {
					return
				}
			}
			require.Fail(t, "the phone waits", "%v", quickest)
		})
	}
}

// TestRefusals: whatever the HSS has against a subscriber, the phone gets the
// same notification.
func TestRefusals(t *testing.T) {
	Need(t, EapolTest)
	for name, fault := range map[string][]string{
		"no subscription":     {"-experimental", "5450"},
		"roaming not allowed": {"-experimental", "5004"},
		"RAT not allowed":     {"-experimental", "5452"},
		"unable to comply":    {"-result", "5012"},
		"too busy":            {"-result", "3004"},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, hssHost, startHSS(t, fault...).addr)
			r := login{methods: "AKA'", subscriber: subscribers, rejected: true}.run(t, server.radiusServer)
			require.Contains(t, r.Log, "subtype Notification")
		})
	}
}

// TestDiameterPeerReturns: an HSS that goes and comes back is used again, and
// in between logins fail instead of hanging.
func TestDiameterPeerReturns(t *testing.T) {
	Need(t, EapolTest)
	address := freePort(t)
	run := func() *Program {
		p, err := Start(ProgramPath("hsssim"), "-listen", address.String(), "-host", hssHost, "-realm", diameterRealm)
		require.NoError(t, err)
		t.Cleanup(p.Kill)
		require.NoError(t, p.WaitFor("serves", time.Minute))
		return p
	}
	home := run()
	server := startServer(t, hssHost, address, "swx:\n  timeout: 2s")
	good := login{methods: "AKA'", subscriber: 0}
	good.run(t, server.radiusServer)

	home.Kill()
	require.NoError(t, server.WaitFor("Diameter peer disconnected", time.Minute))
	login{methods: "AKA'", subscriber: subscribers, rejected: true}.run(t, server.radiusServer)

	run()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for strings.Count(server.Output(), "Diameter peer connected") < 2 {
		require.NoError(t, ctx.Err(), "no new connection:\n%s", tail(server.Output()))
		time.Sleep(50 * time.Millisecond)
	}
	// The simulator has forgotten its sequence numbers.
	login{methods: "AKA'", subscriber: 1}.run(t, server.radiusServer)
}

// TestCapturedLogins: tshark finds nothing wrong with what the server, its
// Diameter peer and the supplicant say to each other.
func TestCapturedLogins(t *testing.T) {
	Need(t, EapolTest, Tshark, Dumpcap)
	capture, err := StartCapture(t.TempDir())
	require.NoError(t, err)
	home := startHSS(t)
	server := startServer(t, hssHost, home.addr)
	for _, l := range logins {
		t.Run(l.name, func(t *testing.T) { l.run(t, server.radiusServer) })
	}
	server.ended(t) // a DPR and its answer belong to it
	require.NoError(t, capture.Stop())

	decoder := Decoder{
		RADIUSPorts: []int{int(server.addr.Port())}, DiameterPorts: []int{int(home.addr.Port())}, Secret: secret,
	}
	complaints, err := decoder.Complaints(capture.File)
	require.NoError(t, err)
	require.Empty(t, strings.Join(complaints, "\n"))
	for filter, least := range map[string]int{
		"radius.code == 1":  2 * len(logins),
		"radius.code == 2":  4,
		"radius.code == 3":  6,
		"radius.code == 11": len(logins),
		"radius.code == 2 && radius.Message_Authenticator":                       4,
		"radius.code == 3 && radius.Message_Authenticator":                       6,
		"radius.code == 2 && radius.MS_MPPE_Recv_Key && radius.MS_MPPE_Send_Key": 4,
		"eap.code == 3":                          4,
		"eap.code == 4":                          6,
		"eap.type == 23 && eap.aka.subtype == 1": 1,
		"eap.type == 50":                         1,
		"diameter.cmd.code == 257":               2,
		"diameter.cmd.code == 303 && diameter.flags.request == 1": 8,
		"diameter.cmd.code == 303 && diameter.flags.request == 0": 8,
		"diameter.cmd.code == 282":                                2,
	} {
		n, err := decoder.Count(capture.File, filter)
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, least, "%s", filter)
	}
	// Every answer has a Message-Authenticator, and has it first.
	lines, err := decoder.Run(capture.File, "-Y", "radius.code == 2 || radius.code == 3 || radius.code == 11",
		"-T", "fields", "-e", "radius.avp.type", "-E", "occurrence=f")
	require.NoError(t, err)
	require.NotEmpty(t, lines)
	for _, first := range lines {
		require.Equal(t, "80", first)
	}
}
