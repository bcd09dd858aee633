package interop

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/examples/internal/freeport"
	"github.com/opentwag/twag/swx"
)

// Names of the Diameter nodes.
const (
	diameterRealm = "epc.mnc001.mcc001.3gppnetwork.org"
	serverHost    = "twag1." + diameterRealm
	hssHost       = "hss1." + diameterRealm
	relayHost     = "dra1." + diameterRealm
)

// hss is the HSS simulator's process.
type hss struct {
	*Program
	addr netip.AddrPort
}

// startHSS starts the HSS simulator with the tests' subscribers.
func startHSS(t *testing.T, args ...string) hss {
	t.Helper()
	address := freePort(t)
	p := start(t, "hsssim", "serves", append([]string{
		"-listen", address.String(), "-host", hssHost, "-realm", diameterRealm, "-subscribers", fmt.Sprint(subscribers), "-log", "info",
	}, args...)...)
	return hss{p, address}
}

// startRelay starts freeDiameterd between serverHost, which connects to it,
// and the HSS, and returns its address.
func startRelay(t *testing.T, home hss) netip.AddrPort {
	t.Helper()
	address := netip.AddrPortFrom(netip.MustParseAddr(RelayAddress), freePort(t).Port())
	p, err := Relay{
		Identity: relayHost, Realm: diameterRealm, Port: int(address.Port()),
		Accept:  []string{serverHost},
		Connect: []RelayPeer{{Identity: hssHost, Address: home.addr.Addr().String(), Port: int(home.addr.Port())}},
	}.Start(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { relayEnded(t, p) })
	require.NoError(t, p.WaitFor(fmt.Sprintf("Connected to '%s'", hssHost), time.Minute))
	return address
}

// start starts a program of the project's, waits until it says ready, and
// ends it with the test, when it must end cleanly.
func start(t *testing.T, name, ready string, args ...string) *Program {
	t.Helper()
	p, err := Start(ProgramPath(name), args...)
	require.NoError(t, err)
	t.Cleanup(func() { stopped(t, p, 0) })
	require.NoError(t, p.WaitFor(ready, time.Minute))
	return p
}

// stopped interrupts a program and wants it to end with the exit code.
func stopped(t *testing.T, p *Program, want int) {
	t.Helper()
	code, err := p.Interrupt(time.Minute)
	if t.Failed() {
		t.Logf("%s ended with %d:\n%s", p.Name, code, tail(p.Output()))
	}
	require.NoError(t, err)
	require.Equal(t, want, code, "%s:\n%s", p.Name, tail(p.Output()))
}

// relayEnded interrupts freeDiameterd. That it ends is enough: on a busy machine it may
// crash in its own cleaning up.
func relayEnded(t *testing.T, p *Program) {
	t.Helper()
	code, err := p.Interrupt(time.Minute)
	if t.Failed() || code != 0 {
		t.Logf("%s ended with %d:\n%s", p.Name, code, tail(p.Output()))
	}
	require.NoError(t, err)
}

// freePort returns a loopback address whose port is free for UDP and TCP.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	addr, err := freeport.Loopback()
	require.NoError(t, err)
	return addr
}

// TestRelayCarriesSWx: our node and freeDiameterd exchange capabilities, it
// relays what we ask, and lets us go.
func TestRelayCarriesSWx(t *testing.T) {
	Need(t, FreeDiameter, OpenSSL)
	relay := startRelay(t, startHSS(t))
	node, err := diameter.NewNode(diameter.Config{
		OriginHost: serverHost, OriginRealm: diameterRealm, Applications: []diameter.Application{swx.Application},
		Peers: []diameter.PeerConfig{{Host: relayHost, Address: relay.String()}},
	})
	require.NoError(t, err)
	node.Start()
	t.Cleanup(func() { require.NoError(t, node.Shutdown(context.Background())) })
	require.Eventually(t, func() bool { return node.Peers()[0].State == diameter.PeerOpen }, time.Minute, 10*time.Millisecond)

	client := swx.NewClient(node, swx.Config{})
	for _, tc := range []struct {
		name   string
		number int
		want   error
	}{
		{"a subscriber", 0, nil},
		{"an unknown one", subscribers, aka.ErrUnknownSubscriber},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, scheme := range []aka.Scheme{aka.SchemeAKA, aka.SchemeAKAPrime} {
				_, err := client.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi(tc.number), Scheme: scheme, NetworkName: "WLAN"})
				require.ErrorIs(t, err, tc.want)
			}
		})
	}
}
