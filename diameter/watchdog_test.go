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

// watchdogRows are those of RFC 3539, appendix A, and ours: what each event
// does in each state. reach brings a new machine to the state.
var watchdogRows = []struct {
	state  watchdogState
	event  watchdogEvent
	reach  string // letters of watchdogScript
	action watchdogAction
	next   watchdogState
}{
	{wdInitial, wdUp, "", wdFailBack, wdOkay},
	{wdInitial, wdGone, "", wdNothing, wdInitial},
	{wdInitial, wdDWA, "", wdNothing, wdInitial},
	{wdInitial, wdMessage, "", wdNothing, wdInitial},
	{wdInitial, wdTw, "", wdNothing, wdInitial},
	{wdInitial, wdProbe, "", wdNothing, wdInitial},

	{wdOkay, wdUp, "u", wdSend, wdReopen}, // another connection in its place
	{wdOkay, wdGone, "u", wdFailOver, wdDown},
	{wdOkay, wdDWA, "ut", wdNothing, wdOkay},
	{wdOkay, wdMessage, "ut", wdNothing, wdOkay},
	{wdOkay, wdTw, "u", wdSend, wdOkay},
	{wdOkay, wdTwAgain, "ut", wdFailOver, wdSuspect},
	{wdOkay, wdProbe, "u", wdSend, wdOkay},
	{wdOkay, wdProbe, "ut", wdNothing, wdOkay},

	{wdSuspect, wdUp, "utt", wdSend, wdReopen},
	{wdSuspect, wdGone, "utt", wdNothing, wdDown},
	{wdSuspect, wdDWA, "utt", wdFailBack, wdOkay},
	{wdSuspect, wdMessage, "utt", wdFailBack, wdOkay},
	{wdSuspect, wdTwAgain, "utt", wdClose, wdDown},
	{wdSuspect, wdProbe, "utt", wdNothing, wdSuspect},

	{wdDown, wdUp, "ug", wdSend, wdReopen},
	{wdDown, wdGone, "ug", wdNothing, wdDown},
	{wdDown, wdDWA, "ug", wdNothing, wdDown},
	{wdDown, wdMessage, "ug", wdNothing, wdDown},
	{wdDown, wdTw, "ug", wdNothing, wdDown},
	{wdDown, wdProbe, "ug", wdNothing, wdDown},

	{wdReopen, wdUp, "ugu", wdSend, wdReopen},
	{wdReopen, wdGone, "ugu", wdNothing, wdDown},
	{wdReopen, wdDWA, "ugu", wdSend, wdReopen},
	{wdReopen, wdDWA, "ugud", wdSend, wdReopen},
	{wdReopen, wdDWA, "ugudd", wdFailBack, wdOkay},
	{wdReopen, wdMessage, "ugu", wdNothing, wdReopen},
	{wdReopen, wdTwAgain, "ugu", wdNothing, wdReopen}, // NumDWA = -1
	{wdReopen, wdTwAgain, "ugut", wdClose, wdDown},
	{wdReopen, wdDWA, "ugutddd", wdFailBack, wdOkay}, // a late answer makes up for it
	{wdReopen, wdProbe, "ugu", wdNothing, wdReopen},
}

func watchdogScript(w *watchdog, now time.Time, letters string) {
	for _, l := range letters {
		switch l {
		case 'u':
			w.up(now)
		case 'g':
			w.down()
		case 'd':
			w.receive(now, true)
		case 't':
			w.expire(now)
		}
	}
}

// A DWR is out in SUSPECT, and after each step into REOPEN; none is without a
// connection.
var watchdogImpossible = map[watchdogState]watchdogEvent{
	wdInitial: wdTwAgain, wdSuspect: wdTw, wdDown: wdTwAgain, wdReopen: wdTw,
}

func TestEveryRowOfTheWatchdog(t *testing.T) {
	covered := map[watchdogState]map[watchdogEvent]bool{}
	for _, row := range watchdogRows {
		if covered[row.state] == nil {
			covered[row.state] = map[watchdogEvent]bool{}
		}
		covered[row.state][row.event] = true
		t.Run(row.state.String()+" "+row.event.String()+" "+row.reach, func(t *testing.T) {
			w, now := newWatchdog(30 * time.Second)
			watchdogScript(w, now, row.reach)
			require.Equal(t, row.state, w.state)
			var stepped []watchdogEvent
			w.stepped = func(s watchdogState, e watchdogEvent) {
				require.Equal(t, row.state, s)
				stepped = append(stepped, e)
			}
			var got watchdogAction
			switch row.event {
			case wdUp:
				got = w.up(now)
			case wdGone:
				got = w.down()
			case wdDWA, wdMessage:
				got = w.receive(now, row.event == wdDWA)
			case wdTw, wdTwAgain:
				got = w.expire(now)
			case wdProbe:
				got = w.probe(now)
			}
			require.Equal(t, []watchdogEvent{row.event}, stepped)
			require.Equal(t, row.action, got)
			require.Equal(t, row.next, w.state)
			require.Equal(t, w.state == wdInitial || w.state == wdDown, w.deadline.IsZero(), "a deadline while connected")
		})
	}
	for s := wdInitial; s <= wdReopen; s++ {
		for e := range numWatchdogEvents {
			require.NotEqual(t, covered[s][e], watchdogImpossible[s] == e && e != wdUp, "%v, %v", s, e)
		}
	}
}
