package main

import (
	"context"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy/gytest"
	"github.com/opentwag/twag/swx/swxtest"
)

// stalls measures for how long nothing got to run, from now until it is asked.
func stalls(t *testing.T) func() time.Duration {
	const beat = 10 * time.Millisecond
	stop, sum := make(chan struct{}), make(chan time.Duration, 1)
	end := sync.OnceFunc(func() { close(stop) })
	t.Cleanup(end)
	go func() {
		var all time.Duration
		for last := time.Now(); ; {
			select {
			case <-stop:
				sum <- all
				return
			case <-time.After(beat):
			}
			now := time.Now()
			if late := now.Sub(last) - beat; late > beat {
				all += late
			}
			last = now
		}
	}()
	return func() time.Duration { end(); return <-sum }
}

// TestPrepaid: thirty megaoctets in chunks of ten. The grants cover the credit, the last with
// Final-Unit-Indication; the access point is told to disconnect within an interim of using it up;
// what is debited is what the ticket says.
func TestPrepaid(t *testing.T) {
	out := new(syncBuffer)
	l := &lab{w: out}
	l.log, l.buffer = newLogger(logConfig{Level: "debug", Format: formatText}, out)
	require.NoError(t, l.open())
	defer func() { require.NoError(t, l.close()) }()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.server.run(ctx) }()
	<-l.server.listening
	for _, host := range []string{swxtest.DefaultHost, gytest.DefaultHost} {
		require.NoError(t, l.server.node.WaitOpen(ctx, host))
	}
	s, err := newStreet(l.server.address, l.log, l.visits)
	require.NoError(t, err)
	l.visits.start(ctx, netip.MustParseAddrPort(l.server.cfg.Accounting.Listen))

	const rate = 5 << 20 // the credit lasts for six seconds
	l.visits.rate = rate
	phone := s.phones[labPrepaid]
	stalled := stalls(t)
	begun := time.Now()
	s.login(phone)
	require.Equal(t, 1, s.accepted, "%s", out)
	require.True(t, l.visits.has(phone.Station()))
	time.Sleep(time.Second)
	s.login(phone) // again, as phones do, without ending the session
	require.Equal(t, 2, s.accepted)
	require.Eventually(t, func() bool { return !l.visits.has(phone.Station()) }, 2*time.Minute, 10*time.Millisecond)
	took := time.Since(begun)
	over := stalled()
	t.Logf("disconnected after %v, in which the machine stalled for %v", took, over)
	require.Equal(t, 1, l.visits.disconnected)
	// Used up after 6 s; seen with the next report, at most 2 s later; then the request.
	require.Less(t, took, 9500*time.Millisecond+3*over)

	who := gytest.Identity(phone.IMSI().Digits())
	require.Eventually(t, func() bool { a, _ := l.ocs.Account(who); return a.Open == 0 }, time.Minute, 10*time.Millisecond)
	a, _ := l.ocs.Account(who)
	require.Equal(t, l.visits.octets[phone.IMSI()], uint64(a.Debited))
	require.Equal(t, int64(labCredit)-a.Debited, a.Balance)
	require.Negative(t, a.Balance, "the overshoot is a debt")
	require.Less(t, -a.Balance, int64((3+3*over.Seconds())*rate), "of one interim, more or less")

	var debited int64 // before the last grant
	var granted uint64
	var final int
	audit := l.ocs.Audit()
	require.Empty(t, audit.Violations)
	for id := range audit.Sessions {
		for _, e := range l.ocs.Requests(id) {
			t.Logf("%v %d: %+v", e.Type, e.Number, e.Groups)
			for _, g := range e.Groups {
				if final == 0 {
					debited += g.Debited
					granted = g.Granted
				}
				if g.Final {
					final++
				}
			}
		}
	}
	require.EqualValues(t, labCredit, debited+int64(granted))
	require.Equal(t, 1, final)

	// Nothing is left: the next login is refused, with a notification.
	s.login(phone)
	require.Equal(t, 1, s.refused)

	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, s.close())
	tickets, err := ticketOctets(filepath.Join(l.data, "tickets"))
	require.NoError(t, err)
	require.Equal(t, uint64(a.Debited), tickets[phone.IMSI().Digits()])
}
