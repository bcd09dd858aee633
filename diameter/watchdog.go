package diameter

import (
	"math/rand/v2"
	"time"
)

// watchdogState is the Status of RFC 3539, appendix A.
//
//	            up                 Tw, pending          Tw
//	INITIAL ---------> OKAY -----------------> SUSPECT -----> DOWN
//	                    ^  ^                      |            | up
//	                    |  +------- any message --+            v
//	                    +----------- 3 DWAs -------------- REOPEN
type watchdogState uint8

const (
	// wdInitial: never connected yet. Up leads to OKAY.
	wdInitial watchdogState = iota
	// wdOkay: in use. Tw expires in silence: a DWR is sent; expires again
	// without any message: SUSPECT.
	wdOkay
	// wdSuspect: not used for new requests. Any message: OKAY. Tw expires:
	// DOWN, and the connection is closed.
	wdSuspect
	// wdDown: was connected once. Up leads to REOPEN.
	wdDown
	// wdReopen: connected again, not used for new requests until three DWRs
	// have been answered. Tw expires twice without an answer: DOWN.
	wdReopen
)

func (s watchdogState) String() string {
	switch s {
	case wdInitial:
		return "INITIAL"
	case wdOkay:
		return "OKAY"
	case wdSuspect:
		return "SUSPECT"
	case wdDown:
		return "DOWN"
	case wdReopen:
		return "REOPEN"
	default:
		return "?"
	}
}

// watchdogEvent is what happens to the machine.
type watchdogEvent uint8

const (
	wdUp      watchdogEvent = iota // capabilities are exchanged
	wdGone                         // the connection has ended
	wdDWA                          // the DWR was answered
	wdMessage                      // anything else came
	wdTw                           // Tw expired, and no DWR is out
	wdTwAgain                      // Tw expired, and a DWR is not answered
	wdProbe                        // there is reason to look at once

	numWatchdogEvents
)

func (e watchdogEvent) String() string {
	return [numWatchdogEvents]string{"up", "gone", "DWA", "message", "Tw", "Tw, DWR pending", "probe"}[e]
}

// watchdogAction is what the machine asks for.
type watchdogAction uint8

const (
	wdNothing  watchdogAction = iota
	wdSend                    // send a DWR
	wdFailOver                // use another peer
	wdFailBack                // use this one again
	wdClose                   // close the connection
)

// watchdog is the algorithm of RFC 3539, section 3.4.1 and appendix A, without
// a clock or a connection: it is told what happens and when, and says what is
// to be done and, in deadline, when it wants to be told that Tw expired. It is
// not safe for concurrent use.
//
// Departures: while INITIAL or DOWN there is no deadline, because reopening is
// the business of the peer state machine and its own timer Tc. While REOPEN
// the next DWR follows an answer at once instead of a whole Tw later: three
// answers are what the algorithm wants to see, and with 30 s in between a
// lone peer would stay out of use for over a minute.
type watchdog struct {
	init     time.Duration // Twinit
	state    watchdogState
	pending  bool      // a DWR is not answered yet
	numDWA   int       // while REOPEN; -1 after Tw expired once
	since    time.Time // when Tw was set
	deadline time.Time // when expire is due; zero for never
	// jitter returns a number in [0,1); nil means a random one.
	jitter func() float64
	// stepped, if not nil, is told of each event before what it does.
	stepped func(watchdogState, watchdogEvent)
}

func (w *watchdog) step(e watchdogEvent) {
	if w.stepped != nil {
		w.stepped(w.state, e)
	}
}

// set is SetWatchdog: Tw begins anew at now.
func (w *watchdog) set(now time.Time) {
	r := w.jitter
	if r == nil {
		r = rand.Float64
	}
	spread := min(2*time.Second, w.init/15)
	w.since = now
	w.deadline = now.Add(w.init - spread + time.Duration(r()*float64(2*spread)))
}

// up is OnConnectionUp.
func (w *watchdog) up(now time.Time) watchdogAction {
	w.step(wdUp)
	w.pending = false
	w.set(now)
	if w.state == wdInitial {
		w.state = wdOkay
		return wdFailBack
	}
	w.state = wdReopen
	w.numDWA = 0
	w.pending = true
	return wdSend
}

// down is OnConnectionDown.
func (w *watchdog) down() watchdogAction {
	w.step(wdGone)
	w.pending = false
	w.deadline = time.Time{}
	was := w.state
	if was != wdInitial {
		w.state = wdDown
	}
	if was == wdOkay {
		return wdFailOver
	}
	return wdNothing
}

// receive is OnReceive: a message came at now; dwa says that it answers our
// DWR.
func (w *watchdog) receive(now time.Time, dwa bool) watchdogAction {
	if dwa {
		w.step(wdDWA)
		w.pending = false
	} else {
		w.step(wdMessage)
	}
	switch w.state {
	case wdOkay:
		w.set(now)
	case wdSuspect:
		w.state = wdOkay
		w.set(now)
		return wdFailBack
	case wdReopen:
		if !dwa {
			break
		}
		w.set(now)
		if w.numDWA++; w.numDWA >= 3 {
			w.state = wdOkay
			return wdFailBack
		}
		w.pending = true
		return wdSend
	case wdInitial, wdDown:
	}
	return wdNothing
}

// expire is OnTimerElapsed.
func (w *watchdog) expire(now time.Time) watchdogAction {
	if w.pending {
		w.step(wdTwAgain)
	} else {
		w.step(wdTw)
	}
	switch w.state {
	case wdOkay:
		w.set(now)
		if !w.pending {
			w.pending = true
			return wdSend
		}
		w.state = wdSuspect
		return wdFailOver
	case wdSuspect:
		w.state = wdDown
		w.deadline = time.Time{}
		return wdClose
	case wdReopen:
		w.set(now) // there is always a DWR out
		if w.numDWA < 0 {
			w.state = wdDown
			w.deadline = time.Time{}
			return wdClose
		}
		w.numDWA = -1
	case wdInitial, wdDown:
		w.deadline = time.Time{}
	}
	return wdNothing
}

// probe asks for a DWR out of turn, if none is pending.
func (w *watchdog) probe(now time.Time) watchdogAction {
	w.step(wdProbe)
	if w.state != wdOkay || w.pending {
		return wdNothing
	}
	w.pending = true
	w.set(now)
	return wdSend
}
