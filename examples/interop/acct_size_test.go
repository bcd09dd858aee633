package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// needOwnProc skips the test where /proc does not show the sandbox's processes, whose memory is
// to be looked at.
func needOwnProc(t *testing.T) {
	t.Helper()
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		t.Skip("/proc is not the sandbox's: ", self, err)
	}
}

// aClass is as long as that of a login.
var aClass = fmt.Sprintf("0x%0220d", 7)

// TestLongOpenSessions: a million sessions are open, each costs at most a KiB of memory, and a
// server that was killed has them again within 15 s.
func TestLongOpenSessions(t *testing.T) {
	sessions := 1_000_000
	whole := long(t, time.Hour) == time.Hour
	Need(t)
	needOwnProc(t)
	if !whole {
		sessions = 30_000
	}
	server := startBookkeeper(t, "twag1", filepath.Join(t.TempDir(), "data"))
	load := startAccounting(t, server.radiusServer, "-open", strconv.Itoa(sessions), "-nases", "256", "-window", "1024", "-class", aClass,
		"-duration", "1s", "-settle", "3s", "-pid", strconv.Itoa(server.PID()))
	r := load.report()
	require.EqualValues(t, sessions, r.Acknowledged)
	require.NotNil(t, r.Memory)
	require.NotNil(t, r.Memory.PerSession)
	t.Logf("%.0f octets a session", *r.Memory.PerSession)
	if whole { // few have to share what the store always has
		require.LessOrEqual(t, *r.Memory.PerSession, 1024.0)
	}
	server.Kill()
	begun := time.Now()
	server.launch()
	server.ready(15 * time.Second)
	t.Logf("ready again after %.1f s", time.Since(begun).Seconds())
	require.Contains(t, server.Output(), fmt.Sprintf(" sessions=%d ", sessions))
	server.ended()
	load.checkTickets(filepath.Join(server.dir, "tickets"))
}

// TestLongSoak: sessions come and go, and the server's memory does not grow.
func TestLongSoak(t *testing.T) {
	d := long(t, 10*time.Minute)
	Need(t)
	needOwnProc(t)
	linger := max(d/10, 30*time.Second) // a Stop may be repeated until then
	server := startBookkeeper(t, "twag1", filepath.Join(t.TempDir(), "data"), fmt.Sprintf("sessions: {linger: %v}", linger))
	load := startAccounting(t, server.radiusServer, "-rate", "2000", "-sessions", "20000", "-nases", "256", "-class", aClass,
		"-duration", d.String(), "-close", "-pid", strconv.Itoa(server.PID()))
	r := load.report()
	const mib = 1 << 20
	t.Logf("%d requests; resident before %d MiB, warm %d, last %d, peak %d", r.Requests,
		r.Memory.Before/mib, r.Memory.First/mib, r.Memory.Last/mib, r.Memory.Peak/mib)
	if d >= 5*time.Minute { // until then Pebble's tables in memory fill for the first time
		require.Less(t, r.Memory.Peak, r.Memory.First+r.Memory.First/4)
	}
	server.ended()
	load.checkTickets(filepath.Join(server.dir, "tickets"))
}
