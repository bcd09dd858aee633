package main

import (
	"encoding/binary"
	"time"
)

// burst is how many requests go from one socket before the next one has its turn: as many
// as one system call takes, so that sockets are used in turn and calls are few.
const burst = 32

func (l *acctLoad) nextSocket() { l.socket = (l.socket + 1) % len(l.sockets) }

// newOp returns an op that is in l.ops, and nowhere else.
func (l *acctLoad) newOp() *acctOp {
	var op *acctOp
	if n := len(l.idle); n > 0 {
		op, l.idle = l.idle[n-1], l.idle[:n-1]
	} else {
		op = &acctOp{pkt: make([]byte, 0, 320+len(l.fleet.class)+len(l.fleet.secret))}
	}
	*op = acctOp{pkt: op.pkt, socket: -1, inbox: len(l.ops)}
	l.ops = append(l.ops, op)
	return op
}

func (l *acctLoad) freeOp(op *acctOp) {
	last := len(l.ops) - 1
	l.ops[op.inbox] = l.ops[last]
	l.ops[op.inbox].inbox = op.inbox
	l.ops[last] = nil
	l.ops = l.ops[:last]
	op.due = 0
	l.idle = append(l.idle, op)
}

// transmit sends a request from a socket that has an Identifier for it. It returns
// false if no socket has.
func (l *acctLoad) transmit(op *acctOp, now time.Duration) bool {
	for range len(l.sockets) {
		s := &l.sockets[l.socket]
		if s.used == len(s.ops) {
			l.nextSocket()
			continue
		}
		for s.ops[s.next] != nil {
			s.next++
		}
		op.socket, op.id = l.socket, s.next
		s.ops[op.id] = op
		s.used++
		if s.next++; s.next%burst == 0 {
			l.nextSocket()
		}
		l.setDelay(op, now)
		l.fleet.sign(op.pkt, op.id)
		l.send(op, now)
		return true
	}
	return false
}

// setDelay says for how long the access point has been trying (RFC 2866, section 5.2).
func (l *acctLoad) setDelay(op *acctOp, now time.Duration) {
	if op.delayAt > 0 {
		binary.BigEndian.PutUint32(op.pkt[op.delayAt:], uint32((now-op.happened)/time.Second))
	}
}

// send hands a request that has its Identifier to the network, and sets the time of
// the next transmission (RFC 5080, section 2.2.1; MRC and MRD are 0: accounting is repeated
// until it is acknowledged).
func (l *acctLoad) send(op *acctOp, now time.Duration) {
	if op.sends++; op.sends == 1 {
		op.first = now
		op.wait = l.jitter(l.plan.firstRetransmission, l.plan.firstRetransmission)
	} else {
		l.tally.retransmitted++
		before := op.wait
		if op.wait = l.jitter(2*before, before); op.wait > l.plan.maxRetransmission {
			op.wait = l.jitter(l.plan.maxRetransmission, l.plan.maxRetransmission)
		}
	}
	op.due = now + min(op.wait, timerMax)
	l.timers.add(op, op.due)
	l.net.send(op.socket, op.pkt)
}

// jitter returns base + RAND*of.
func (l *acctLoad) jitter(base, of time.Duration) time.Duration {
	return base + time.Duration((l.rand.Float64()*0.2-0.1)*float64(of))
}

// again sends a request for which no answer has come.
func (l *acctLoad) again(op *acctOp, now time.Duration) {
	if l.fleet.repeats(l.fleet.nas(op.event.session)) {
		l.send(op, now)
		return
	}
	// Its old Identifier is taken until it has another one.
	socket, id := op.socket, op.id
	sent := l.held.len() == 0 && l.transmit(op, now)
	l.release(socket, id, true)
	if !sent {
		op.socket, op.due = -1, 0
		l.held.push(op)
	}
}

// release gives an Identifier back. late: an answer to the request may come yet.
func (l *acctLoad) release(socket int, id byte, late bool) {
	s := &l.sockets[socket]
	s.ops[id] = nil
	s.late[id] = s.late[id] || late
	s.used--
}

// receive takes a datagram from the server.
func (l *acctLoad) receive(socket int, b []byte, now time.Duration) {
	if len(b) < radiusHeader {
		l.tally.forged++
		return
	}
	s := &l.sockets[socket]
	op := s.ops[b[1]]
	switch {
	case op == nil && s.late[b[1]]:
		l.tally.stray++
	case op != nil && l.check.check(b, op.pkt):
		l.acknowledge(op, now)
	case op != nil && s.late[b[1]]:
		l.tally.stray++
	default:
		l.tally.forged++
	}
}

// acknowledge notes that the server has an event.
func (l *acctLoad) acknowledge(op *acctOp, now time.Duration) {
	l.release(op.socket, op.id, op.sends > 1)
	l.tally.acknowledged++
	l.tally.times.add(now - op.intended)
	l.write(op, max(now, 1))
	at := l.fleet.place(op.event.session)
	p := &l.places[at]
	p.waiting--
	switch op.event.status {
	case statusStart:
		l.tally.starts++
	case statusStop:
		l.tally.stops++
		l.open--
	}
	if p.stopped && p.waiting == 0 {
		p.follow(l.fleet.sessions)
	}
	l.freeOp(op)
	l.requeue(at)
}
