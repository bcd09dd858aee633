package main

import (
	"math/rand/v2"
	"time"
)

// place is where one session is at a time, one after the other.
type place struct {
	session uint64 // the session that is open, or the next one
	volume  volume
	start   int64         // of the session, in seconds since 1970
	last    time.Duration // when it had its last event, since the load began
	number  uint32        // of its next event; 0: it has not begun
	left    uint32        // interims that are still to come
	waiting uint16        // events without an answer
	queued  bool          // it stands in the queue of places whose turn comes
	kicked  bool          // the server has asked for its end
	stopped bool          // its Stop has been sent
}

func (p *place) open() bool { return p.number > 0 && !p.stopped }

// lives is how long sessions are.
type lives struct {
	interims int  // interims of a session, on the average
	endless  bool // sessions end only when they are told to
}

// begin returns how many interims a session is to have: half to one and a half
// times the average.
func (l lives) begin(r *rand.Rand) uint32 {
	if l.interims == 0 {
		return 0
	}
	return uint32(l.interims - l.interims/2 + r.IntN(2*(l.interims/2)+1))
}

// Every eighth station moves so much that its counters pass 2^32 after a few
// interims.
const heavyStation = 8

// grow adds what a session uses between two events. It is never nothing, so that no two
// events of a session are alike.
func (v *volume) grow(heavy bool, r *rand.Rand) {
	in, out := 200+r.Uint64N(4<<20), 200+r.Uint64N(40<<20)
	if heavy {
		in, out = in+r.Uint64N(512<<20), out+1<<30+r.Uint64N(2<<30)
	}
	v.in, v.out = v.in+in, v.out+out
	v.inPackets += uint32(1 + in/700)
	v.outPackets += uint32(1 + out/1100)
}

// turn is what a place does when its turn has come.
type turn uint8

const (
	turnNone turn = iota // nothing: it is empty, and stays so
	turnStart
	turnInterim
	turnStop
)

// turn returns what comes next; closing: sessions end, and none begins.
func (p *place) turn(l lives, closing bool) turn {
	switch {
	case p.stopped: // the answer to its Stop makes room for another session
		return turnNone
	case p.number == 0 && closing:
		return turnNone
	case p.number == 0:
		return turnStart
	case closing || p.kicked || !l.endless && p.left == 0:
		return turnStop
	default:
		return turnInterim
	}
}

// event makes the event and notes it. now is in seconds since 1970.
func (p *place) event(t turn, l lives, now int64, r *rand.Rand) acctEvent {
	e := acctEvent{session: p.session, number: p.number, at: now}
	switch t {
	case turnStart:
		e.status = statusStart
		p.start, p.volume, p.left = now, volume{}, l.begin(r)
	case turnInterim:
		e.status = statusInterim
		p.left -= min(p.left, 1)
	default:
		e.status, e.cause = statusStop, causeUserRequest
		if p.kicked {
			e.cause = causeAdminReset
		}
		p.stopped = true
	}
	if t != turnStart {
		p.volume.grow(p.session%heavyStation == 0, r)
	}
	// A clock that is set back must not make a session's time negative.
	e.at = max(e.at, p.start)
	e.start, e.volume = p.start, p.volume
	p.number++
	return e
}

// follow makes the place ready for its next session.
func (p *place) follow(sessions int) {
	*p = place{session: p.session + uint64(sessions), queued: p.queued, last: p.last}
}
