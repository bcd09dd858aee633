package gy

import "time"

// maxRounds bounds how often a step may go on by itself.
const maxRounds = 8

// finish goes on for as long as there is something to do, and completes the
// output.
func (s *Session) finish(now instant, out *Output) Output {
	for range maxRounds {
		if !s.proceed(now, out) {
			break
		}
	}
	if s.stopped && s.settleBy == 0 && s.m.cfg.SettleTime >= 0 {
		s.settleBy = now.after(s.m.cfg.SettleTime)
	}
	if s.stopped && s.settleBy.reached(now) {
		s.writeOff(out)
	}
	s.grace(now, out)
	out.Done = s.done()
	if d := s.deadline(); d != 0 {
		out.Deadline = time.UnixMilli(int64(d))
	}
	return *out
}

// done reports whether the session is over.
func (s *Session) done() bool {
	return s.state == Idle && s.stopped && s.request.kind == 0 && !s.reporting()
}

// proceed does the next thing that is due, and tells whether it did any.
func (s *Session) proceed(now instant, out *Output) bool {
	switch s.state {
	case Open:
		return s.proceedOpen(now, out)
	case Idle:
		return s.proceedIdle(now, out)
	default:
		return false
	}
}

func (s *Session) proceedOpen(now instant, out *Output) bool {
	switch {
	case s.stopped && s.m.cfg.Profile.IgnoresFinalUsage && s.mode == ModeFull && s.reporting():
		s.fire(now, evRatingChange, out)
		return true
	case s.stopped && s.queued:
		s.queued = false
		s.fire(now, evQueuedTerminated, out)
		return true
	case s.stopped:
		s.fire(now, evTerminated, out)
		return true
	case s.service == serviceOff:
		s.fire(now, evFinalElapsed, out)
		return true
	}
	if s.mode == ModeFull {
		s.exhaust(now, out)
	}
	live, wanting := false, false
	for i := range s.groups {
		g := &s.groups[i]
		live = live || g.live() || g.forced
		wanting = wanting || g.status == groupWanting
	}
	if !live {
		s.fire(now, evFinalElapsed, out)
		return true
	}
	if !wanting {
		s.grant(out)
	}
	if s.mode != ModeFull {
		return false
	}
	for i := range s.groups {
		if ev, _ := s.groups[i].want(now, &s.m.cfg); ev != evStart {
			if s.queuedChange {
				ev = evQueuedRatingChange
			}
			s.queuedChange = false
			s.fire(now, ev, out)
			return true
		}
	}
	return false
}

// exhaust does what is to be done to groups whose final units are used.
func (s *Session) exhaust(now instant, out *Output) {
	for i := range s.groups {
		g := &s.groups[i]
		if ev, _ := g.want(now, &s.m.cfg); ev == evFinalElapsed {
			g.owing = true
			s.finalAction(g, out)
		}
	}
}

// finalAction is the action of Final-Unit-Indication.
func (s *Session) finalAction(g *group, out *Output) {
	switch {
	case g.finalAction == FinalRedirect:
		g.status = groupFinal
		s.verdict(g, VerdictRedirect, out)
	case g.finalAction == FinalRestrict:
		g.status = groupFinal
		s.verdict(g, VerdictRestrict, out)
	default:
		s.block(g, EndCredit, 0, out)
	}
	g.validUntil = 0
}

// block ends a rating group.
func (s *Session) block(g *group, why EndReason, code uint32, out *Output) {
	g.status = groupBlocked
	s.endReason, s.resultCode = why, code
	s.verdict(g, VerdictBlock, out)
}

func (s *Session) proceedIdle(now instant, out *Output) bool {
	if s.free || !s.started || s.request.inHand || s.retryAt != 0 && !s.retryAt.reached(now) {
		return false
	}
	switch {
	case s.request.kind != 0:
		s.fire(now, storedEvent(s.request.kind), out)
	case s.service == serviceOn:
		s.fire(now, evStart, out)
	case s.stopped && s.reporting() && s.closable:
		s.fire(now, evTerminated, out)
		s.request.doubtful = true
	case s.stopped && s.reporting():
		s.fire(now, evStart, out)
	default:
		s.retryAt = 0
		return false
	}
	return true
}

// writeOff gives up what is unreported, and with it the session.
func (s *Session) writeOff(out *Output) {
	if s.state == Idle && s.request.kind == 0 && !s.reporting() {
		return
	}
	for i := range s.groups {
		g := &s.groups[i]
		d := g.unreported()
		g.writtenOff.Seconds += d.Seconds
		g.writtenOff.Input += d.Input
		g.writtenOff.Output += d.Output
		g.mark = g.total
		g.settle(g.total)
		out.WrittenOff += d.Octets()
	}
	s.settled(out, true)
	s.state = Idle
}

// grace ends a service that went on without the server for too long.
func (s *Session) grace(now instant, out *Output) {
	if s.troubleAt == 0 || s.service != serviceOn {
		return
	}
	c := &s.m.cfg
	over := c.GraceOctets >= 0 && s.octets()-s.troubleFrom >= uint64(c.GraceOctets) && s.octets() > s.troubleFrom
	if over || c.GraceTime >= 0 && s.troubleAt.after(c.GraceTime).reached(now) {
		s.endReason, s.resultCode = EndGrace, 0
		s.end(out)
	}
}

// deadline is when something is due.
func (s *Session) deadline() (d instant) {
	next := func(i instant) {
		if i != 0 && (d == 0 || i < d) {
			d = i
		}
	}
	if s.done() {
		return 0
	}
	if s.request.kind != 0 && s.state == Idle && s.request.inHand {
		next(s.request.giveUpAt)
	}
	if s.request.kind != 0 && s.state != Idle {
		next(s.request.txAt)
		next(s.request.sendAt)
		next(s.request.giveUpAt)
	}
	if s.state == Idle && !s.request.inHand {
		next(s.retryAt)
	}
	if s.state == PendingT {
		next(s.closeAt)
	}
	if s.stopped {
		next(s.settleBy)
	}
	if s.troubleAt != 0 && s.service == serviceOn && s.m.cfg.GraceTime >= 0 {
		next(s.troubleAt.after(s.m.cfg.GraceTime))
	}
	if s.state == Open && s.mode == ModeFull {
		for i := range s.groups {
			next(s.groups[i].validUntil)
		}
	}
	return d
}
