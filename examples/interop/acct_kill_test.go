package interop

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLongKills: the server is killed at random moments under load, starting among them, and
// started again each time. All that was acknowledged has one ticket, and in the end all is.
func TestLongKills(t *testing.T) {
	kills, rate, up := 20, 10000, 5*time.Second
	if long(t, time.Hour) != time.Hour {
		kills, rate, up = 3, 1000, 2*time.Second
	}
	Need(t)
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, seed))
	// A new file every few seconds.
	server := startBookkeeper(t, "twag1", filepath.Join(t.TempDir(), "data"), fmt.Sprintf("  tickets: {max_mib: %d}", rate/250))
	load := startAccounting(t, server.radiusServer, "-rate", fmt.Sprint(rate), "-sessions", fmt.Sprint(4*rate), "-nases", "64",
		"-duration", (time.Duration(kills+1) * up).String(), "-close")
	var launched, ready []time.Time
	for i := range kills {
		time.Sleep(time.Duration(rng.Int64N(int64(3*up))) / 2)
		server.Kill()
		if i%4 == 3 { // and again before it can be ready
			server.launch()
			time.Sleep(time.Duration(rng.Int64N(int64(200 * time.Millisecond))))
			server.Kill()
		}
		launched = append(launched, time.Now())
		server.launch()
		server.ready(15 * time.Second)
		ready = append(ready, time.Now())
	}
	r := load.report()
	said := server.ended()
	for i, first := range load.firstAfter(launched) {
		t.Logf("kill %2d: ready after %.2f s, first acknowledgement after %.2f s", i+1, ready[i].Sub(launched[i]).Seconds(), first.Seconds())
		require.GreaterOrEqual(t, first, time.Duration(0))
		require.Less(t, first, 15*time.Second)
	}
	t.Logf("%d requests, %d retransmissions, %d sessions, in %.1f s, the longest %.2f s, at most %d without an answer",
		r.Requests, r.Retransmitted, r.Stopped, r.Seconds, r.MaxMillis/1000, r.MostWaiting)
	require.NotContains(t, said, "level=ERROR")
	require.Greater(t, len(server.ticketFiles()), 2)
	load.checkTickets(filepath.Join(server.dir, "tickets"))
}
