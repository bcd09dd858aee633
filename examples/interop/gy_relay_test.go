package interop

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
)

// TestRelayReadsGy: a freeDiameterd that knows credit control and 3GPP's AVPs,
// and checks them, passes all that we say on Gy both ways, and nothing is lost
// or changed.
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
		Accept:       []string{serverHost},
		Connect:      []RelayPeer{{Identity: gytest.DefaultHost, Address: "127.0.0.1", Port: home.(*net.TCPAddr).Port}},
		Dictionaries: []string{"dict_nasreq", "dict_dcca", "dict_dcca_3gpp"},
	}.Start(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { stopped(t, p, 0) })
	require.NoError(t, p.WaitFor("Connected to '"+gytest.DefaultHost+"'", 20*time.Second))

	node := gatewayNode(t, relayHost, address.String())
	said := gyConversations(t, ocs, node)
	require.NoError(t, capture.Stop())
	for _, port := range []int{int(address.Port()), home.(*net.TCPAddr).Port} {
		wantOnWire(t, capture.File, port, said)
	}
}
