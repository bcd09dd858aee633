package interop

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
)

// TestRelayReadsGy: a freeDiameterd that reads all that we say on Gy by its
// dictionaries of credit control and of 3GPP's AVPs finds no fault with it, and
// passes it on both ways with nothing lost or changed.
func TestRelayReadsGy(t *testing.T) {
	Need(t, FreeDiameter, OpenSSL, Tshark, Dumpcap)
	capture, err := StartCapture(t.TempDir())
	require.NoError(t, err)
	ocs, err := gytest.New(gytest.Config{FailureHandling: gy.FailureContinue, Failover: gy.FailoverSupported})
	require.NoError(t, err)
	defer ocs.Close()
	home, err := ocs.Listen("127.0.0.1:0")
	require.NoError(t, err)
	address := netip.AddrPortFrom(netip.MustParseAddr(RelayAddress), freePort(t).Port())
	p, err := Relay{
		Identity: relayHost, Realm: diameterRealm, Port: int(address.Port()),
		Accept:  []string{serverHost},
		Connect: []RelayPeer{{Identity: gytest.DefaultHost, Address: "127.0.0.1", Port: home.(*net.TCPAddr).Port}},
		// A relay has no need to read what it passes on. To print it, it has.
		Extensions: []string{"dict_nasreq", "dict_dcca", "dict_dcca_3gpp", "dbg_msg_dumps"},
	}.Start(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { relayEnded(t, p) })
	require.NoError(t, p.WaitFor("'STATE_OPEN'\t'"+gytest.DefaultHost+"'", time.Minute))

	node := gatewayNode(t, relayHost, address.String())
	said := gyConversations(t, ocs, node)
	require.NoError(t, capture.Stop())
	for _, port := range []int{int(address.Port()), home.(*net.TCPAddr).Port} {
		wantOnWire(t, capture.File, port, said)
	}

	require.Contains(t, p.Output(), "'Multiple-Services-Credit-Control'(456)")
	require.Contains(t, p.Output(), "'Volume-Quota-Threshold'")
	for line := range strings.Lines(p.Output()) {
		// TWAN-User-Location-Info is younger than its dictionary.
		if strings.Contains(line, " ERROR ") && !strings.Contains(line, "ERROR: in '") && !strings.Contains(line, "AVP: 2714(not found in dictionary)") {
			t.Error(strings.TrimSpace(line))
		}
	}
}
