package diameter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newWatchdog returns one without jitter, and the time 0.
func newWatchdog(tw time.Duration) (*watchdog, time.Time) {
	return &watchdog{init: tw, jitter: func() float64 { return 0.5 }}, time.Unix(1e9, 0)
}

func TestWatchdogSilence(t *testing.T) {
	w, t0 := newWatchdog(30 * time.Second)
	require.Zero(t, w.deadline)
	require.Equal(t, wdFailBack, w.up(t0))
	require.Equal(t, wdOkay, w.state)

	require.Equal(t, t0.Add(30*time.Second), w.deadline)
	require.Equal(t, wdSend, w.expire(w.deadline))
	require.Equal(t, wdOkay, w.state)
	require.Equal(t, wdFailOver, w.expire(w.deadline))
	require.Equal(t, wdSuspect, w.state)
	require.Equal(t, t0.Add(90*time.Second), w.deadline)
	require.Equal(t, wdClose, w.expire(w.deadline))
	require.Equal(t, wdDown, w.state)
	require.Zero(t, w.deadline)
}

func TestWatchdogTrafficResetsTw(t *testing.T) {
	w, t0 := newWatchdog(30 * time.Second)
	w.up(t0)
	now := t0.Add(29 * time.Second)
	require.Equal(t, wdNothing, w.receive(now, false))
	require.Equal(t, now.Add(30*time.Second), w.deadline)
}

func TestWatchdogSuspectComesBack(t *testing.T) {
	w, t0 := newWatchdog(30 * time.Second)
	w.up(t0)
	w.expire(w.deadline)
	w.expire(w.deadline)
	require.Equal(t, wdSuspect, w.state)
	require.Equal(t, wdFailBack, w.receive(t0.Add(70*time.Second), false), "any message will do")
	require.Equal(t, wdOkay, w.state)
	require.True(t, w.pending, "the DWR is still not answered")
	require.Equal(t, wdNothing, w.receive(t0.Add(71*time.Second), true))
	require.False(t, w.pending)
}

func TestWatchdogReopens(t *testing.T) {
	w, t0 := newWatchdog(30 * time.Second)
	w.up(t0)
	require.Equal(t, wdFailOver, w.down())
	require.Equal(t, wdDown, w.state)

	require.Equal(t, wdSend, w.up(t0))
	require.Equal(t, wdReopen, w.state)
	require.Equal(t, wdNothing, w.receive(t0, false), "not a DWA")
	require.Equal(t, wdSend, w.receive(t0, true))
	require.Equal(t, wdSend, w.receive(t0, true))
	require.Equal(t, wdReopen, w.state)
	require.Equal(t, wdFailBack, w.receive(t0, true))
	require.Equal(t, wdOkay, w.state)
}

func TestWatchdogReopenFails(t *testing.T) {
	w, t0 := newWatchdog(30 * time.Second)
	w.up(t0)
	w.down()
	w.up(t0)
	require.Equal(t, wdNothing, w.expire(w.deadline))
	require.Equal(t, -1, w.numDWA)
	require.Equal(t, wdClose, w.expire(w.deadline))
	require.Equal(t, wdDown, w.state)
}

func TestWatchdogDownBeforeUpStaysInitial(t *testing.T) {
	w, t0 := newWatchdog(30 * time.Second)
	require.Equal(t, wdNothing, w.down())
	require.Equal(t, wdInitial, w.state)
	require.Equal(t, wdNothing, w.receive(t0, true))
	require.Equal(t, wdNothing, w.expire(t0))
}

func TestWatchdogProbe(t *testing.T) {
	w, t0 := newWatchdog(30 * time.Second)
	require.Equal(t, wdNothing, w.probe(t0))
	w.up(t0)
	require.Equal(t, wdSend, w.probe(t0))
	require.Equal(t, wdNothing, w.probe(t0), "one is enough")
}

func TestWatchdogJitter(t *testing.T) {
	for _, c := range []struct{ tw, spread time.Duration }{
		{30 * time.Second, 2 * time.Second},
		{60 * time.Second, 2 * time.Second},
		{6 * time.Second, 400 * time.Millisecond},
	} {
		w := &watchdog{init: c.tw}
		t0 := time.Unix(1e9, 0)
		least, most := time.Hour, time.Duration(0)
		for range 1000 {
			w.set(t0)
			d := w.deadline.Sub(t0)
			least, most = min(least, d), max(most, d)
		}
		require.GreaterOrEqual(t, least, c.tw-c.spread)
		require.LessOrEqual(t, most, c.tw+c.spread)
		require.Greater(t, most-least, c.spread, "random")
	}
}
