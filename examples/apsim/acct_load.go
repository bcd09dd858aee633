package main

import (
	"math/rand/v2"
	"time"
)

// acctPlan says how much accounting load to make.
type acctPlan struct {
	rate     float64 // requests begun per second, whatever the server does; 0: closed loop
	window   int     // requests in flight in a closed loop
	requests int     // events after which to end; 0: no such limit
	overlap  int     // events of a session that may be without an answer
	interim  time.Duration
	lives    lives
	// Times of RFC 5080, section 2.2.1.
	firstRetransmission, maxRetransmission time.Duration
}

// spacing is the least time between two events of a session one of which may overtake the
// other: an access point has seconds between its interims.
const spacing = 3 * time.Second

// acctNet takes requests to the server. What is handed to send must stay as it is until flush.
type acctNet interface {
	send(socket int, b []byte)
	flush() error
	// wait hands what has arrived to receive; it waits for d at most, and not
	// at all if d is 0.
	wait(d time.Duration, receive func(socket int, b []byte)) error
	close() error
}

// acctOp is an event that has no answer yet.
type acctOp struct {
	event    acctEvent
	pkt      []byte
	delayAt  int
	socket   int // -1: it waits for an Identifier
	id       byte
	sends    int
	happened time.Duration // since the load began, as all times here
	intended time.Duration // when it was to happen
	first    time.Duration // when it was first sent
	wait     time.Duration // from the last transmission to the next
	due      time.Duration // of the next; 0: none
	inbox    int           // its index in acctLoad.ops
}

// acctSocket is a socket's Identifiers.
type acctSocket struct {
	ops  [256]*acctOp
	used int
	next byte
	// late tells Identifiers for which an answer may still come that is not for the
	// request that has it now.
	late [256]bool
}

// acctLoad makes the load. It has no clock and no goroutine of its own: everything
// happens in step and receive, which the one goroutine calls that owns it.
type acctLoad struct {
	fleet   *acctFleet
	plan    acctPlan
	net     acctNet
	check   *replyChecker
	journal *journalWriter // nil: none
	rand    *rand.Rand
	began   time.Time

	places  []place
	queue   queue[uint32] // of places
	ops     []*acctOp
	idle    []*acctOp // to be used again
	held    queue[*acctOp]
	sockets []acctSocket
	socket  int // from which requests go at present
	timers  timers

	paceFrom time.Duration // when this rate began
	paced    uint64        // events since then that are paid for
	closing  bool
	stopping bool // nothing new
	open     int  // sessions

	tally acctTally
	err   error
}

// acctTally is what a load counts.
type acctTally struct {
	times         histogram // from when an event was to happen to its acknowledgement
	sent          uint64    // events, each once
	acknowledged  uint64
	retransmitted uint64
	octets        uint64 // of first transmissions
	starts, stops uint64 // acknowledged
	stray         uint64 // answers to requests that have their answer or were replaced
	forged        uint64 // answers that are not authentic
	heldBack      uint64 // events that a rate wanted, and no session was ready
	maxWaiting    int
	kicked        uint64 // sessions that the server has ended
}

func newAcctLoad(f *acctFleet, p acctPlan, net acctNet, sockets int, seed uint64) *acctLoad {
	l := &acctLoad{
		fleet: f, plan: p, net: net, check: newReplyChecker(f.secret),
		rand:   rand.New(rand.NewPCG(seed, 1)),
		places: make([]place, f.sessions), sockets: make([]acctSocket, sockets),
	}
	for i := range l.places {
		l.places[i].session = uint64(i)
		l.enqueue(uint32(i))
	}
	return l
}

// step does all that is due.
func (l *acctLoad) step(now time.Duration) {
	l.timers.expire(now, func(op *acctOp) { l.again(op, now) })
	l.nextSocket()
	for l.held.len() > 0 && l.transmit(*l.held.front(), now) {
		l.held.pop()
	}
	if l.stopping {
		return
	}
	for n := l.allowed(now); n > 0; n-- {
		if !l.takeTurn(now) {
			if l.plan.rate > 0 {
				// What could not happen in its time does not happen later, all at once.
				l.paced += uint64(n)
				if l.plan.interim == 0 && !l.plan.lives.endless && !l.closing {
					l.tally.heldBack += uint64(n)
				}
			}
			return
		}
	}
}

// allowed is how many events may happen now.
func (l *acctLoad) allowed(now time.Duration) int {
	n := 1 << 30
	if l.plan.requests > 0 && !l.closing {
		n = max(l.plan.requests-int(l.tally.sent), 0)
	}
	if l.plan.rate > 0 {
		return min(n, int(uint64(l.plan.rate*(now-l.paceFrom).Seconds())-l.paced))
	}
	return min(n, l.plan.window-len(l.ops))
}

// repace begins the rate anew: what was not to happen until now is not made up for.
func (l *acctLoad) repace(now time.Duration) { l.paceFrom, l.paced = now, 0 }

// maxPassedOver bounds the search for a place whose turn may be now.
const maxPassedOver = 32

// takeTurn lets the next place have its event. It returns false if none is ready.
func (l *acctLoad) takeTurn(now time.Duration) bool {
	for passed := 0; l.queue.len() > 0; {
		at := *l.queue.front()
		p := &l.places[at]
		t := p.turn(l.plan.lives, l.closing)
		if t != turnNone && l.due(p) > now {
			if p.waiting == 0 || passed == maxPassedOver {
				return false // those behind it are due later
			}
			l.queue.pop()
			l.queue.push(at)
			passed++
			continue
		}
		l.queue.pop()
		p.queued = false
		if t == turnNone {
			continue
		}
		intended := now
		if l.plan.rate > 0 {
			l.paced++
			intended = min(now, l.paceAt(l.paced))
		}
		l.happen(at, t, now, intended)
		return true
	}
	return false
}

// due is when a place may have its next event.
func (l *acctLoad) due(p *place) time.Duration {
	if p.number == 0 {
		return 0
	}
	gap := l.plan.interim
	if l.closing {
		gap = 0
	}
	if p.waiting > 0 {
		gap = max(gap, spacing)
	}
	return p.last + gap
}

// paceAt is when the n-th event at this rate is to happen.
func (l *acctLoad) paceAt(n uint64) time.Duration {
	return l.paceFrom + time.Duration(float64(n)/l.plan.rate*float64(time.Second))
}

// happen makes an event of a place, and sends it.
func (l *acctLoad) happen(at uint32, t turn, now, intended time.Duration) {
	p := &l.places[at]
	op := l.newOp()
	op.event = p.event(t, l.plan.lives, l.began.Add(now).Unix(), l.rand)
	op.happened, op.intended = now, intended
	op.pkt, op.delayAt = l.fleet.appendRequest(op.pkt[:0], &op.event)
	p.last = now
	p.waiting++
	if t == turnStart {
		l.open++
	}
	l.tally.sent++
	l.tally.octets += uint64(len(op.pkt))
	l.tally.maxWaiting = max(l.tally.maxWaiting, len(l.ops))
	if l.held.len() > 0 || !l.transmit(op, now) {
		l.held.push(op)
	}
	if l.plan.overlap > 1 {
		l.requeue(at)
	}
}

// requeue lets a place wait for its next turn, if it is to have one.
func (l *acctLoad) requeue(at uint32) {
	p := &l.places[at]
	if p.queued || int(p.waiting) >= l.plan.overlap || p.turn(l.plan.lives, l.closing) == turnNone {
		return
	}
	if p.number > 0 && l.plan.lives.endless && l.plan.interim == 0 && !l.closing && !p.kicked {
		return // it stays open, and is silent
	}
	l.enqueue(at)
}

func (l *acctLoad) enqueue(at uint32) {
	l.places[at].queued = true
	l.queue.push(at)
}

// close has all sessions end, and none begin.
func (l *acctLoad) close(now time.Duration) {
	l.closing = true
	l.repace(now)
	for i := range l.places {
		l.requeue(uint32(i))
	}
}

// done reports whether all that has happened is acknowledged; of a load that is closing,
// whether all sessions have ended too.
func (l *acctLoad) done() bool { return len(l.ops) == 0 && (!l.closing || l.open == 0) }

// idleFor is how long nothing needs to be done, if nothing arrives.
func (l *acctLoad) idleFor(now time.Duration) time.Duration {
	d := timerTick
	switch {
	case l.stopping || l.queue.len() == 0 || l.exhausted():
	case l.plan.rate > 0:
		d = min(d, l.paceAt(l.paced+1)-now)
	case len(l.ops) < l.plan.window:
		// Every turn that could be taken was: the first one is not due.
		d = min(d, l.due(&l.places[*l.queue.front()])-now)
	}
	return max(d, time.Millisecond/10)
}

// exhausted reports whether there have been as many events as there were to be.
func (l *acctLoad) exhausted() bool {
	return l.plan.requests > 0 && !l.closing && l.tally.sent >= uint64(l.plan.requests)
}

// finish writes what is left into the journal and ends it.
func (l *acctLoad) finish() error {
	if l.journal == nil {
		return nil
	}
	for _, op := range l.ops {
		l.write(op, 0)
	}
	return l.journal.end(l.tally.acknowledged, uint64(len(l.ops)))
}

// write notes in the journal what became of an event; acknowledged is 0 if it has no answer.
func (l *acctLoad) write(op *acctOp, acknowledged time.Duration) {
	if l.journal == nil {
		return
	}
	e := journalEntry{event: op.event, sends: op.sends}
	e.nas = l.fleet.nas(op.event.session)
	if op.sends > 0 {
		e.first = l.began.Add(op.first).UnixMicro()
	}
	if acknowledged > 0 {
		e.acknowledged = l.began.Add(acknowledged).UnixMicro()
	}
	if err := l.journal.write(l.fleet, &e); err != nil && l.err == nil {
		l.err = err
	}
}
