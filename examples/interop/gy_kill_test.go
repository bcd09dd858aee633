package interop

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy/gytest"
)

// TestLongChargedKills: server and OCS are killed at random moments under charged sessions, now the
// one and now the other, and both. In the end OCS and tickets agree about every session, to
// the octet.
func TestLongChargedKills(t *testing.T) {
	kills, up := 20, 4*time.Second
	if long(t, time.Hour) != time.Hour {
		kills, up = 3, 2*time.Second
	}
	Need(t)
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, seed))
	ocs := startOCS(t, "-accounts", "800", "-chunk", "20M", "-fault", "delay=100ms")
	server := startCharger(t, chargingSettings(gytest.DefaultHost, ocs.addr, "tx: 1s", "failure_handling: continue", "grace_mib: 1000000"))
	load := startAccounting(t, server.radiusServer, "-imsi", "-sessions", "200", "-interim", "1s", "-nases", "16",
		"-duration", (time.Duration(kills+1) * up).String(), "-close")
	var launched, ready []time.Time
	both := 0
	restart := func() {
		server.Kill()
		launched = append(launched, time.Now())
		server.launch()
		server.ready(15 * time.Second)
		ready = append(ready, time.Now())
	}
	pause := func() { time.Sleep(time.Duration(rng.Int64N(int64(up / 2)))) }
	for range kills {
		pause()
		switch rng.IntN(3) {
		case 0:
			both++
			ocs.Kill()
			restart()
			ocs.launch()
		case 1:
			ocs.Kill()
			ocs.launch()
			pause()
			restart()
		default:
			restart()
			pause()
			ocs.Kill()
			ocs.launch()
		}
	}
	r := load.report()
	longest := time.Duration(0)
	for i, first := range load.firstAfter(launched) {
		require.GreaterOrEqual(t, first, time.Duration(0))
		longest = max(longest, first, ready[i].Sub(launched[i]))
	}
	t.Logf("%d requests, %d retransmissions, %d sessions in %.1f s; both killed at once %d times; first acknowledgement after %.2f s at the longest",
		r.Requests, r.Retransmitted, r.Stopped, r.Seconds, both, longest.Seconds())
	ocs.settled(server, 5*time.Minute)
	said := server.ended()
	require.NotContains(t, said, "level=ERROR")
	load.checkTickets(fmt.Sprint(server.dir, "/tickets"))
	code, err := ocs.Interrupt(10 * time.Second)
	require.NoError(t, err)
	require.Zero(t, code)
	t.Logf("the last OCS process: %s", tail(ocs.Output()))
}
