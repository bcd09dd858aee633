package interop

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy/gytest"
)

// TestChargedThroughRelay: what the built server says on Gy of sessions that use up their credit is
// read by a freeDiameterd with its dictionaries, and by tshark, without a complaint; the access points
// are asked to disconnect, and what is debited is what the tickets say, the overshoot included.
func TestChargedThroughRelay(t *testing.T) {
	Need(t, FreeDiameter, OpenSSL, Tshark, Dumpcap)
	capture, err := StartCapture(t.TempDir())
	require.NoError(t, err)
	ocs := startOCS(t, "-accounts", "80", "-balance", "100M", "-chunk", "20M", "-validity", "1h", "-failover", "yes", "-failure-handling", "continue")
	address := netip.AddrPortFrom(netip.MustParseAddr(RelayAddress), freePort(t).Port())
	p, err := Relay{
		Identity: relayHost, Realm: diameterRealm, Port: int(address.Port()),
		Accept:     []string{serverHost},
		Connect:    []RelayPeer{{Identity: gytest.DefaultHost, Address: "127.0.0.1", Port: int(ocs.addr.Port())}},
		Extensions: []string{"dict_nasreq", "dict_dcca", "dict_dcca_3gpp", "dbg_msg_dumps"},
	}.Start(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { relayEnded(t, p) })
	require.NoError(t, p.WaitFor("'STATE_OPEN'\t'"+gytest.DefaultHost+"'", time.Minute))

	dynauth := freePort(t)
	server := startCharger(t, diameterPeer(relayHost, address), nil, fmt.Sprintf("coa: {port: %d}", dynauth.Port()))
	require.NoError(t, server.WaitFor("Diameter peer connected", time.Minute))
	load := startAccounting(t, server.radiusServer, "-imsi", "-sessions", "20", "-interim", "300ms", "-nases", "4",
		"-duration", "5s", "-close", "-coa", dynauth.String())
	r := load.report()
	c := ocs.settled(server, 5*time.Minute)
	said := server.ended()
	require.Contains(t, said, "radius_disconnect_request_count=")
	// Nobody has restarted, so what was used beyond grants is what twagd has counted.
	var overshoot uint64
	for _, s := range c.Audit.Sessions {
		for _, g := range s.Groups {
			overshoot += g.Overshoot
		}
	}
	require.NotZero(t, overshoot)
	require.Contains(t, said, fmt.Sprintf("gy_overshoot_octets=%d ", overshoot))
	require.NotContains(t, said, "level=ERROR")
	load.checkTickets(fmt.Sprint(server.dir, "/tickets"))
	t.Logf("%d requests of %d sessions", r.Requests, r.Stopped)

	require.NoError(t, capture.Stop())
	for _, port := range []int{int(address.Port()), int(ocs.addr.Port())} {
		wantOnWire(t, capture.File, port, []string{"272 1 ", "272 0 2001"})
	}
	require.Contains(t, p.Output(), "'Multiple-Services-Credit-Control'(456)")
	for line := range strings.Lines(p.Output()) {
		// TWAN-User-Location-Info is younger than its dictionary.
		if strings.Contains(line, " ERROR ") && !strings.Contains(line, "ERROR: in '") && !strings.Contains(line, "AVP: 2714(not found in dictionary)") {
			t.Error(strings.TrimSpace(line))
		}
	}
}
