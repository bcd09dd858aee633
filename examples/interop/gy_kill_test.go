package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy/gytest"
	"github.com/opentwag/twag/radius/radiustest"
)

// kills are 20 of each, twagd and the OCS, at random moments: now the one, now the other, or both.
type kills struct {
	t        *testing.T
	server   charger
	ocs      *chargingOCS
	launched []time.Time // of twagd
	longest  time.Duration
	both     int
}

// graceful settings let sessions go on while the OCS is away.
var graceful = []string{"tx: 1s", "failure_handling: continue", "grace_mib: 1000000"}

func (k *kills) restart() {
	k.server.Kill()
	at := time.Now()
	k.server.launch()
	k.server.ready(time.Minute)
	k.launched, k.longest = append(k.launched, at), max(k.longest, time.Since(at))
}

func (k *kills) run(n int, pause time.Duration) {
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, seed))
	wait := func() { time.Sleep(time.Duration(rng.Int64N(int64(pause)))) }
	for range n {
		wait()
		switch rng.IntN(3) {
		case 0:
			k.both++
			k.ocs.Kill()
			k.restart()
			k.ocs.launch()
		case 1:
			k.ocs.Kill()
			k.ocs.launch()
			wait()
			k.restart()
		default:
			k.restart()
			wait()
			k.ocs.Kill()
			k.ocs.launch()
		}
	}
}

// end demands that the OCS and twagd have nothing to complain of.
func (k *kills) end() {
	require.NotContains(k.t, k.server.ended(), "level=ERROR")
	code, err := k.ocs.Interrupt(time.Minute)
	require.NoError(k.t, err)
	require.Zero(k.t, code)
	k.t.Logf("both killed at once %d times; ready again after %.2f s at the longest; the last OCS process: %s", k.both, k.longest.Seconds(), tail(k.ocs.Output()))
}

// howMany returns how often to kill, and how long to wait between.
func howMany(t *testing.T) (n int, pause time.Duration) {
	t.Helper()
	if long(t, time.Hour) == time.Hour {
		return 20, 4 * time.Second
	}
	return 3, 2 * time.Second
}

// TestLongChargedKills: server and OCS are killed under sessions that are charged without a login. In
// the end OCS and tickets agree about every session, to the octet.
func TestLongChargedKills(t *testing.T) {
	n, pause := howMany(t)
	Need(t)
	ocs := startOCS(t, "-accounts", "800", "-chunk", "20M", "-fault", "delay=100ms")
	server := startCharger(t, diameterPeer(gytest.DefaultHost, ocs.addr), graceful)
	load := startAccounting(t, server.radiusServer, "-imsi", "-sessions", "200", "-interim", "1s", "-nases", "16",
		"-duration", (time.Duration(n+1) * pause).String(), "-close")
	k := kills{t: t, server: server, ocs: ocs}
	k.run(n, pause)
	r := load.report()
	longest := time.Duration(0)
	for _, first := range load.firstAfter(k.launched) {
		require.GreaterOrEqual(t, first, time.Duration(0))
		longest = max(longest, first)
	}
	t.Logf("%d requests, %d retransmissions, %d sessions in %.1f s; first acknowledgement after %.2f s at the longest",
		r.Requests, r.Retransmitted, r.Stopped, r.Seconds, longest.Seconds())
	ocs.settled(server, 5*time.Minute)
	k.end()
	load.checkTickets(filepath.Join(server.dir, "tickets"))
}

// TestLongChargedLoginKills is the same with subscribers who log in, whose credit control begins
// then.
func TestLongChargedLoginKills(t *testing.T) {
	n, pause := howMany(t)
	Need(t)
	const visitors = 200
	home := startHSS(t, "-subscribers", fmt.Sprint(visitors))
	ocs := startOCS(t, "-imsi-start", imsi(0).Digits(), "-accounts", fmt.Sprint(visitors), "-chunk", "20M", "-fault", "delay=100ms")
	server := startCharger(t, diameterPeer(gytest.DefaultHost, ocs.addr)+diameterPeer(hssHost, home.addr), graceful, "keys:\n"+clusterKey(1))
	ap, err := radiustest.NewAP(radiustest.Config{Server: server.auth.addr.String(), Secret: secret})
	require.NoError(t, err)
	defer func() { require.NoError(t, ap.Close()) }()
	all := make([]*visitor, visitors)
	var wg sync.WaitGroup
	ctx, leave := context.WithCancel(t.Context())
	for i := range all {
		all[i] = newVisitor(t, ap, server, i)
		wg.Go(func() { all[i].run(ctx) })
	}
	k := kills{t: t, server: server, ocs: ocs}
	k.run(n, pause)
	leave()
	wg.Wait()
	var octets uint64
	var logins, failed, sessions int
	for _, v := range all {
		require.NoError(t, v.conn.Close())
		octets, logins, failed, sessions = octets+v.octets, logins+v.logins, failed+v.failed, sessions+v.sessions
	}
	t.Logf("%d logins, %d that failed, %d sessions", logins, failed, sessions)
	c := ocs.settled(server, 5*time.Minute)
	require.EqualValues(t, octets, c.owed)
	k.end()
}
