package interop

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// long skips a test of the second tier unless TWAG_LONG is set, and returns
// how long it is to run: whole if TWAG_LONG is 1, else what TWAG_LONG says.
func long(t *testing.T, whole time.Duration) time.Duration {
	t.Helper()
	switch s := os.Getenv("TWAG_LONG"); s {
	case "":
		t.Skip("TWAG_LONG is not set")
	case "1":
		return whole
	default:
		d, err := time.ParseDuration(s)
		require.NoError(t, err, "TWAG_LONG")
		return d
	}
	return 0
}

// TestLongLoadThroughRelay: 64 phones log in again and again, in both methods,
// through server, freeDiameterd and HSS, and nobody is ever refused.
func TestLongLoadThroughRelay(t *testing.T) {
	d := long(t, 10*time.Minute)
	Need(t, FreeDiameter, OpenSSL)
	server := startServer(t, relayHost, startRelay(t, startHSS(t)), quiet)
	load(t, server, d)
}

// TestLongLoad is the same without the relay, faster.
func TestLongLoad(t *testing.T) {
	d := long(t, 10*time.Minute)
	Need(t)
	server := startServer(t, hssHost, startHSS(t).addr, quiet)
	load(t, server, d)
}

// load runs apsim, which checks every key and every MAC and fails when a login
// does.
func load(t *testing.T, server twagd, d time.Duration) {
	t.Helper()
	p, err := Start(ProgramPath("apsim"), "-server", server.addr.String(), "-secret", server.secret, "-ues", "64",
		"-duration", d.String(), "-method", "mix")
	require.NoError(t, err)
	code, err := p.Wait(t.Context())
	require.NoError(t, err)
	t.Log(p.Output())
	require.Zero(t, code, "%s", p.Output())
}
