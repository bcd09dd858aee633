package diameter

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// fsm is a script about one peer's state machine.
type fsm struct {
	*script
	host  string
	gate  chan error // what dialling waits for, and its outcome
	steps *stepRecorder
	i, r  *far         // the far ends of our connection and of theirs
	cer   wire.Message // of ours
}

// stepRecorder keeps the steps that the node logs, as "state, event -> next".
type stepRecorder struct {
	mu    sync.Mutex
	steps []string
}

func (r *stepRecorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *stepRecorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *stepRecorder) WithGroup(string) slog.Handler            { return r }
func (r *stepRecorder) Handle(_ context.Context, rec slog.Record) error {
	if rec.Message != logStep && rec.Message != logWatchdog {
		return nil
	}
	var state, event, next string
	rec.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "state":
			state = a.Value.String()
		case "event":
			event = a.Value.String()
		case "next":
			next = a.Value.String()
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec.Message == logWatchdog {
		next = ""
	}
	r.steps = append(r.steps, step(state, event, next))
	return nil
}

func step(state, event, next any) string { return fmt.Sprintf("%v, %v -> %v", state, event, next) }

// Ways into the states.

func (f *fsm) dialed() {
	f.gate <- nil
	f.i = <-f.dials
	f.cer = f.i.want(CmdCapabilitiesExchange, true)
}
func (f *fsm) refused() { f.gate <- errRefused; synctest.Wait() }
func (f *fsm) incoming() {
	f.r = f.connect()
	f.r.sendCER(f.host, swxApplication)
	synctest.Wait()
}
func (f *fsm) sendCEA(code uint32) {
	f.i.answer(f.cer, withResult(code), originOf(f.host), withCapabilities(swxApplication))
	synctest.Wait()
}
func (f *fsm) iOpen() { f.dialed(); f.sendCEA(ResultSuccess) }
func (f *fsm) rOpen() {
	f.refused()
	f.incoming()
	f.r.wantResult(CmdCapabilitiesExchange, ResultSuccess)
}
func (f *fsm) elect()     { f.incoming(); f.dialed() }
func (f *fsm) stop()      { go func() { _ = f.node.Shutdown(context.Background()) }(); synctest.Wait() }
func (f *fsm) iClosing()  { f.iOpen(); f.stop(); f.i.want(CmdDisconnectPeer, true) }
func (f *fsm) rClosing()  { f.rOpen(); f.stop(); f.r.want(CmdDisconnectPeer, true) }
func (f *fsm) handshake() { time.Sleep(12 * time.Second) }
func (f *fsm) closeI()    { f.i.close(); synctest.Wait() }
func (f *fsm) closeR()    { f.r.close(); synctest.Wait() }
func (f *fsm) another(code uint32) {
	c := f.connect()
	c.sendCER(f.host, swxApplication)
	c.wantResult(CmdCapabilitiesExchange, code)
}

func (f *fsm) dpa(x *far) {
	x.write(x.build(wire.Header{Command: CmdDisconnectPeer}, withResult(ResultSuccess), originOf(f.host)))
	synctest.Wait()
}

func (f *fsm) dpr(x *far) {
	x.request(wire.Header{Command: CmdDisconnectPeer})
	x.wantResult(CmdDisconnectPeer, ResultSuccess)
}

func (f *fsm) dwa(x *far) { x.sendDWA(x.want(CmdDeviceWatchdog, true)); synctest.Wait() }

// served sends a request to the node and wants it answered with the code.
func (f *fsm) served(x *far, code uint32) {
	f.node.Handle(swxApplication, cmdRTR, echo)
	x.request(rtr())
	x.wantResult(cmdRTR, code)
}

// asked has the node send a request.
func (f *fsm) asked(x *far) {
	m := mar(f.t, "x")
	wait := f.exchange(f.t.Context(), m)
	x.answer(x.want(cmdMAR, true), withResult(ResultSuccess))
	_, err := wait()
	require.NoError(f.t, err)
}

// Peers that win and lose the election against clientHost. The greater one of
// the two nodes wins.
const (
	lesser  = "a.example.net"
	greater = "hss.example.net"
)

// rows has a script for each row of the table of RFC 6733, section 5.6, and for
// each that we add: how to come to the state and make the event happen, and
// what follows. What doesn't go through the machine, since senders and readers
// do it themselves, is marked.
var rows = []struct {
	state peerState
	event event
	next  peerState
	do    func(f *fsm)
	host  string // default greater
	self  bool   // not the machine's
}{
	{state: stateClosed, event: evStart, next: stateWaitConnAck, do: func(f *fsm) { f.refused(); time.Sleep(time.Second) }},
	{state: stateClosed, event: evRConnCER, next: stateROpen, do: func(f *fsm) { f.rOpen() }},
	{state: stateClosed, event: evStop, next: stateClosed, do: func(f *fsm) { f.refused(); f.stop() }},

	{state: stateWaitConnAck, event: evIRcvConnAck, next: stateWaitICEA, do: func(f *fsm) { f.dialed() }},
	{state: stateWaitConnAck, event: evIRcvConnNack, next: stateClosed, do: func(f *fsm) { f.refused() }},
	{state: stateWaitConnAck, event: evRConnCER, next: stateWaitConnAckElect, do: func(f *fsm) { f.incoming(); f.r.wantIdle() }},
	{state: stateWaitConnAck, event: evTimeout, next: stateClosed, do: func(f *fsm) { f.hang(); f.handshake() }},
	{state: stateWaitConnAck, event: evStop, next: stateClosed, do: func(f *fsm) { f.stop() }},

	{state: stateWaitICEA, event: evIRcvCEA, next: stateIOpen, do: func(f *fsm) { f.iOpen() }},
	{state: stateWaitICEA, event: evRConnCER, next: stateWaitReturns, do: func(f *fsm) { f.dialed(); f.incoming(); f.r.wantIdle() }},
	{state: stateWaitICEA, event: evIPeerDisc, next: stateClosed, do: func(f *fsm) { f.dialed(); f.closeI() }},
	{state: stateWaitICEA, event: evIRcvNonCEA, next: stateClosed, do: func(f *fsm) { f.dialed(); f.sendCEA(ResultUnknownPeer); f.i.wantClosed() }},
	{state: stateWaitICEA, event: evTimeout, next: stateClosed, do: func(f *fsm) { f.dialed(); f.handshake(); f.i.wantClosed() }},
	{state: stateWaitICEA, event: evStop, next: stateClosed, do: func(f *fsm) { f.dialed(); f.stop(); f.i.wantClosed() }},

	{state: stateWaitConnAckElect, event: evIRcvConnAck, next: stateWaitReturns, do: func(f *fsm) { f.elect() }},
	{state: stateWaitConnAckElect, event: evIRcvConnNack, next: stateROpen, do: func(f *fsm) {
		f.incoming()
		f.refused()
		f.r.wantResult(CmdCapabilitiesExchange, ResultSuccess)
	}},
	{state: stateWaitConnAckElect, event: evRPeerDisc, next: stateWaitConnAck, do: func(f *fsm) { f.incoming(); f.closeR() }},
	{state: stateWaitConnAckElect, event: evRConnCER, next: stateWaitConnAckElect, do: func(f *fsm) { f.incoming(); f.another(ResultUnableToComply) }},
	{state: stateWaitConnAckElect, event: evTimeout, next: stateClosed, do: func(f *fsm) {
		f.hang()
		time.Sleep(5 * time.Second) // or the connection that was accepted would time out first
		f.incoming()
		f.handshake()
	}},
	{state: stateWaitConnAckElect, event: evStop, next: stateClosed, do: func(f *fsm) { f.incoming(); f.stop() }},

	{state: stateWaitReturns, event: evWinElection, next: stateROpen, host: lesser, do: func(f *fsm) {
		f.incoming()
		f.gate <- nil
		f.i = <-f.dials
		f.i.wantClosed() // at once, perhaps before our CER is out
		f.r.wantResult(CmdCapabilitiesExchange, ResultSuccess)
	}},
	{state: stateWaitReturns, event: evIPeerDisc, next: stateROpen, do: func(f *fsm) {
		f.elect()
		f.closeI()
		f.r.wantResult(CmdCapabilitiesExchange, ResultSuccess)
	}},
	{state: stateWaitReturns, event: evIRcvNonCEA, next: stateROpen, do: func(f *fsm) {
		f.elect()
		f.sendCEA(ResultElectionLost)
		f.r.wantResult(CmdCapabilitiesExchange, ResultSuccess)
	}},
	{state: stateWaitReturns, event: evIRcvCEA, next: stateIOpen, do: func(f *fsm) {
		f.elect()
		f.sendCEA(ResultSuccess)
		f.r.wantResult(CmdCapabilitiesExchange, ResultElectionLost)
	}},
	{state: stateWaitReturns, event: evRPeerDisc, next: stateWaitICEA, do: func(f *fsm) { f.elect(); f.closeR() }},
	{state: stateWaitReturns, event: evRConnCER, next: stateWaitReturns, do: func(f *fsm) { f.elect(); f.another(ResultUnableToComply) }},
	{state: stateWaitReturns, event: evTimeout, next: stateClosed, do: func(f *fsm) { f.elect(); f.handshake(); f.i.wantClosed() }},
	{state: stateWaitReturns, event: evStop, next: stateClosed, do: func(f *fsm) { f.elect(); f.stop(); f.i.wantClosed() }},

	{state: stateROpen, event: evSendMessage, next: stateROpen, self: true, do: func(f *fsm) { f.rOpen(); f.asked(f.r) }},
	{state: stateROpen, event: evRRcvMessage, next: stateROpen, self: true, do: func(f *fsm) { f.rOpen(); f.served(f.r, ResultSuccess) }},
	{state: stateROpen, event: evRRcvDWR, next: stateROpen, self: true, do: func(f *fsm) { f.rOpen(); f.r.ping() }},
	{state: stateROpen, event: evRRcvDWA, next: stateROpen, do: func(f *fsm) { f.rOpen(); f.dwa(f.r) }},
	{state: stateROpen, event: evRConnCER, next: stateROpen, do: func(f *fsm) { f.rOpen(); f.another(ResultUnableToComply) }},
	{state: stateROpen, event: evStop, next: stateClosing, do: func(f *fsm) { f.rClosing() }},
	{state: stateROpen, event: evRRcvDPR, next: stateClosing, do: func(f *fsm) { f.rOpen(); f.dpr(f.r) }},
	{state: stateROpen, event: evRPeerDisc, next: stateClosed, do: func(f *fsm) { f.rOpen(); f.closeR() }},

	{state: stateIOpen, event: evSendMessage, next: stateIOpen, self: true, do: func(f *fsm) { f.iOpen(); f.asked(f.i) }},
	{state: stateIOpen, event: evIRcvMessage, next: stateIOpen, self: true, do: func(f *fsm) { f.iOpen(); f.served(f.i, ResultSuccess) }},
	{state: stateIOpen, event: evIRcvDWR, next: stateIOpen, self: true, do: func(f *fsm) { f.iOpen(); f.i.ping() }},
	{state: stateIOpen, event: evIRcvDWA, next: stateIOpen, do: func(f *fsm) { f.iOpen(); f.dwa(f.i) }},
	{state: stateIOpen, event: evRConnCER, next: stateIOpen, do: func(f *fsm) { f.iOpen(); f.another(ResultUnableToComply) }},
	{state: stateIOpen, event: evStop, next: stateClosing, do: func(f *fsm) { f.iClosing() }},
	{state: stateIOpen, event: evIRcvDPR, next: stateClosing, do: func(f *fsm) { f.iOpen(); f.dpr(f.i) }},
	{state: stateIOpen, event: evIPeerDisc, next: stateClosed, do: func(f *fsm) { f.iOpen(); f.closeI() }},

	{state: stateClosing, event: evIRcvDPA, next: stateClosed, do: func(f *fsm) { f.iClosing(); f.dpa(f.i); f.i.wantClosed() }},
	{state: stateClosing, event: evRRcvDPA, next: stateClosed, do: func(f *fsm) { f.rClosing(); f.dpa(f.r); f.r.wantClosed() }},
	{state: stateClosing, event: evTimeout, next: stateClosed, do: func(f *fsm) { f.iClosing(); time.Sleep(4 * time.Second); f.i.wantClosed() }},
	{state: stateClosing, event: evIPeerDisc, next: stateClosed, do: func(f *fsm) { f.iClosing(); f.closeI() }},
	{state: stateClosing, event: evRPeerDisc, next: stateClosed, do: func(f *fsm) { f.rClosing(); f.closeR() }},
	{state: stateClosing, event: evIRcvDPR, next: stateClosing, do: func(f *fsm) { f.iClosing(); f.dpr(f.i) }},
	{state: stateClosing, event: evRRcvDPR, next: stateClosing, do: func(f *fsm) { f.rClosing(); f.dpr(f.r) }},
	{state: stateClosing, event: evIRcvDWR, next: stateClosing, self: true, do: func(f *fsm) { f.iClosing(); f.i.ping() }},
	{state: stateClosing, event: evRRcvDWR, next: stateClosing, self: true, do: func(f *fsm) { f.rClosing(); f.r.ping() }},
	{state: stateClosing, event: evIRcvMessage, next: stateClosing, self: true, do: func(f *fsm) { f.iClosing(); f.served(f.i, ResultTooBusy) }},
	{state: stateClosing, event: evRRcvMessage, next: stateClosing, self: true, do: func(f *fsm) { f.rClosing(); f.served(f.r, ResultTooBusy) }},
	{state: stateClosing, event: evRConnCER, next: stateClosing, do: func(f *fsm) {
		// After the peer's own DPR: we are still listening then.
		f.iOpen()
		f.dpr(f.i)
		f.another(ResultUnableToComply)
	}},
}

// hang makes the attempt to connect last beyond its context, as a Dial may that
// does not look at it.
func (f *fsm) hang() { close(f.gate) }

// runFSM runs f with a node that is connecting to the peer, by default greater.
func runFSM(t *testing.T, host string, do func(t *testing.T, f *fsm)) {
	if host == "" {
		host = greater
	}
	f := &fsm{host: host, steps: new(stepRecorder)}
	runScript(t, func(c *Config) {
		f.gate = make(chan error)
		c.Logger = slog.New(f.steps)
		c.Peers = []PeerConfig{{Host: f.host, Address: "hss:3868", Dial: f.dial}}
	}, func(t *testing.T, s *script) {
		f.script = s
		synctest.Wait()
		do(t, f)
	})
}

func TestEveryRowOfThePeerMachine(t *testing.T) {
	covered := map[peerState]map[event]bool{}
	for _, row := range rows {
		if covered[row.state] == nil {
			covered[row.state] = map[event]bool{}
		}
		require.False(t, covered[row.state][row.event], "twice")
		covered[row.state][row.event] = true
		t.Run(row.state.String()+" "+row.event.String(), func(t *testing.T) {
			runFSM(t, row.host, func(t *testing.T, f *fsm) {
				row.do(f)
				synctest.Wait()
				want := step(row.state, row.event, row.next)
				if row.self {
					require.NotContains(t, f.steps.steps, want, "so the script is to be looked at again")
					require.Equal(t, row.state, row.next)
				} else {
					require.Contains(t, f.steps.steps, want)
				}
				require.Equal(t, row.next, transitions[row.state][row.event].next)
			})
		})
	}
	// Each pair is a row with a script, or one of those without any effect.
	for s := range numStates {
		for e := range numEvents {
			require.NotEqual(t, covered[s][e], slices.Contains(droppedEvents[s], e), "%v, %v", s, e)
		}
	}
}

// Events that belong to no connection or timer of the state change nothing.
func TestDroppedEvents(t *testing.T) {
	for s, events := range droppedEvents {
		for _, e := range events {
			m := machine{state: s}
			m.do = func(a action) { require.Fail(t, "action", "%v, %v: %v", s, e, a) }
			m.changed = func(_, to peerState) { require.Fail(t, "change", "%v, %v: %v", s, e, to) }
			m.step(e)
			require.Equal(t, s, m.state)
		}
	}
}

// dial waits for the test's decision.
func (f *fsm) dial(ctx context.Context) (net.Conn, error) {
	select {
	case err, ok := <-f.gate:
		if !ok {
			<-time.After(time.Minute)
			return nil, errRefused
		}
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	near, end := net.Pipe()
	f.dials <- newFar(f.t, end)
	return near, nil
}
