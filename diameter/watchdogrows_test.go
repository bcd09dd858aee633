package diameter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// suspect leaves the peer silent until it is suspect: less than three Tw.
func (f *fsm) suspect() { f.iOpen(); time.Sleep(68 * time.Second); f.i.want(CmdDeviceWatchdog, true) }

// reopen lets the peer come back after a connection is lost.
func (f *fsm) reopen() { f.iOpen(); f.closeI(); f.iOpen() }

// watchdogScripts drive a node into each state and let each event happen there.
var watchdogScripts = []struct {
	state watchdogState
	event watchdogEvent
	next  PeerState
	do    func(f *fsm)
}{
	{wdInitial, wdUp, PeerOpen, func(f *fsm) { f.iOpen() }},
	{wdInitial, wdGone, PeerClosed, func(f *fsm) { f.refused() }},

	{wdOkay, wdGone, PeerClosed, func(f *fsm) { f.iOpen(); f.closeI() }},
	{wdOkay, wdDWA, PeerOpen, func(f *fsm) { f.iOpen(); f.dwa(f.i) }},
	{wdOkay, wdMessage, PeerOpen, func(f *fsm) { f.iOpen(); time.Sleep(20 * time.Second); f.i.ping(); time.Sleep(13 * time.Second) }},
	{wdOkay, wdTw, PeerOpen, func(f *fsm) { f.iOpen(); f.i.want(CmdDeviceWatchdog, true) }},
	{wdOkay, wdTwAgain, PeerSuspect, func(f *fsm) { f.suspect() }},
	{wdOkay, wdProbe, PeerOpen, func(f *fsm) {
		f.iOpen()
		f.another(ResultUnableToComply)
		synctest.Wait()
		require.Len(f.t, f.i.in, 1, "a DWR at once")
	}},

	{wdSuspect, wdGone, PeerClosed, func(f *fsm) { f.suspect(); f.closeI() }},
	{wdSuspect, wdDWA, PeerOpen, func(f *fsm) {
		f.iOpen()
		dwr := f.i.want(CmdDeviceWatchdog, true)
		time.Sleep(33 * time.Second)
		f.wantState(PeerSuspect)
		f.i.sendDWA(dwr)
	}},
	{wdSuspect, wdMessage, PeerOpen, func(f *fsm) { f.suspect(); f.i.ping() }},
	{wdSuspect, wdTwAgain, PeerClosed, func(f *fsm) { f.suspect(); f.i.wantClosed() }},
	{wdSuspect, wdProbe, PeerSuspect, func(f *fsm) { f.suspect(); f.another(ResultUnableToComply) }},

	{wdDown, wdUp, PeerReopening, func(f *fsm) { f.reopen() }},
	{wdDown, wdGone, PeerClosed, func(f *fsm) { f.iOpen(); f.closeI(); f.refused() }},

	{wdReopen, wdGone, PeerClosed, func(f *fsm) { f.reopen(); f.closeI() }},
	{wdReopen, wdDWA, PeerOpen, func(f *fsm) {
		f.reopen()
		for range 3 {
			f.wantState(PeerReopening)
			f.dwa(f.i)
		}
	}},
	{wdReopen, wdMessage, PeerReopening, func(f *fsm) {
		f.reopen()
		f.i.want(CmdDeviceWatchdog, true)
		time.Sleep(time.Second)
		f.i.ping()
		time.Sleep(33 * time.Second)
	}},
	{wdReopen, wdTwAgain, PeerClosed, func(f *fsm) {
		f.reopen()
		f.i.want(CmdDeviceWatchdog, true)
		time.Sleep(40 * time.Second)
		f.i.wantClosed()
	}},
	{wdReopen, wdProbe, PeerReopening, func(f *fsm) { f.reopen(); f.another(ResultUnableToComply) }},
}

// What a node never lets happen: another connection before the last has gone,
// and anything but a connection while there is none.
var watchdogNever = map[watchdogState][]watchdogEvent{
	wdInitial: {wdDWA, wdMessage, wdTw, wdProbe},
	wdOkay:    {wdUp},
	wdSuspect: {wdUp},
	wdDown:    {wdDWA, wdMessage, wdTw, wdProbe},
	wdReopen:  {wdUp},
}

func TestEveryWatchdogEventOfANode(t *testing.T) {
	covered := map[watchdogState]map[watchdogEvent]bool{}
	for s := wdInitial; s <= wdReopen; s++ {
		covered[s] = map[watchdogEvent]bool{}
		for _, e := range watchdogNever[s] {
			covered[s][e] = true
		}
		if e, ok := watchdogImpossible[s]; ok {
			covered[s][e] = true
		}
	}
	for _, row := range watchdogScripts {
		require.False(t, covered[row.state][row.event], "twice, or after all possible")
		covered[row.state][row.event] = true
		t.Run(row.state.String()+" "+row.event.String(), func(t *testing.T) {
			runFSM(t, "", func(t *testing.T, f *fsm) {
				row.do(f)
				f.wantState(row.next)
				require.Contains(t, f.steps.steps, step(row.state, row.event, ""))
			})
		})
	}
	for s := wdInitial; s <= wdReopen; s++ {
		for e := range numWatchdogEvents {
			require.True(t, covered[s][e], "%v, %v", s, e)
		}
	}
}
