package interop

import (
	"os"
	"os/exec"
	"testing"
)

// envRequire makes a missing peer a failure instead of a reason to skip.
const envRequire = "TWAG_REQUIRE_PEERS"

// A Peer is a program that the tests talk to, and the Debian package that has
// it.
type Peer struct{ Command, Package string }

// The peers.
var (
	EapolTest    = Peer{"eapol_test", "eapoltest"}
	Radclient    = Peer{"radclient", "freeradius-utils"}
	FreeDiameter = Peer{"freeDiameterd", "freediameter"}
	Tshark       = Peer{"tshark", "tshark"}
	Dumpcap      = Peer{"dumpcap", "wireshark-common"}
	OpenSSL      = Peer{"openssl", "openssl"}
	Hostapd      = Peer{"hostapd", "hostapd"}
)

// Need skips the test in short mode, outside of the sandbox, and where one of
// the peers is not installed. With TWAG_REQUIRE_PEERS set, what is missing
// fails it.
func Need(t testing.TB, peers ...Peer) {
	t.Helper()
	if testing.Short() {
		t.Skip("real peers are left out of short mode")
	}
	missing := t.Skipf
	if os.Getenv(envRequire) != "" {
		missing = t.Fatalf
	}
	if os.Getenv(envInside) == "" {
		missing("no network namespace to run in")
	}
	for _, p := range peers {
		if _, err := exec.LookPath(p.Command); err != nil {
			missing("no %s (package %s)", p.Command, p.Package)
		}
	}
}
