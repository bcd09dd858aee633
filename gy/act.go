package gy

import "slices"

// fire is an event: every change of state goes through it.
func (s *Session) fire(now instant, ev event, out *Output) {
	c := table[s.state][ev][s.handling()]
	s.state = c.next
	s.act(now, c.action, out)
}

// handling is the row of the table by Credit-Control-Failure-Handling: the
// server's word counts more than configuration, and a failure during graceful
// service termination always ends the service (RFC 8506, section 5.7).
func (s *Session) handling() int {
	graceful := slices.ContainsFunc(s.groups, func(g group) bool { return g.status == groupFinal })
	switch {
	case s.m.cfg.Block, graceful:
		return int(FailureTerminate) - 1
	case s.failures != FailureDefault:
		return int(s.failures) - 1
	default:
		return int(s.m.cfg.FailureHandling) - 1
	}
}

func (s *Session) act(now instant, a action, out *Output) {
	switch a {
	case actUnexpected:
		out.Unexpected = true
	case actNone, actReauthorize:
	case actQueue:
		s.queued = s.stopped
	case actSendInitial:
		if s.number > 0 {
			// Not the first one: the old Session-Id has been used.
			s.epoch++
		}
		s.open()
		s.make(now, RequestInitial, out)
	case actSendUpdate:
		s.make(now, RequestUpdate, out)
	case actSendTermination:
		s.closeAt = 0
		s.make(now, RequestTermination, out)
	case actResend:
		s.again(now, out)
	case actOpen:
		s.settled(out, true)
		s.calm()
		s.closable = true
	case actGrantWaiting:
		s.trouble(now)
		s.grant(out)
	case actGrantStored:
		s.trouble(now)
		s.grant(out)
		s.store(now)
	case actGrantRefused:
		s.trouble(now)
		s.grant(out)
		s.refused(now, out)
	case actEndStored:
		s.endReason = EndFailure
		s.end(out)
		s.store(now)
	case actEndRefused:
		s.end(out)
		s.refused(now, out)
	case actFree:
		s.settled(out, true)
		s.calm()
		s.free, s.closable = true, false
		for i := range s.groups {
			s.groups[i].clearGrant()
			s.groups[i].status = groupFree
			s.groups[i].forgive()
			s.verdict(&s.groups[i], VerdictPass, out)
		}
		s.grant(out)
	case actEnd:
		s.end(out)
	case actEndClose:
		s.end(out)
		s.closeAt = now.after(s.m.cfg.StopWait)
		if s.stopped {
			s.closeAt = 0
			s.make(now, RequestTermination, out)
		}
	case actClosed:
		s.settled(out, true)
		s.calm()
		s.closable = false
	case actStored:
		s.store(now)
	case actRefused:
		s.refused(now, out)
		s.closable = false
	case actLost:
		// In answer to a repeated CCR-T: the first one has closed the session,
		// unless a refusal had done so before.
		s.settled(out, s.request.unsure && !s.request.doubtful)
		s.closable = false
	case actReopen:
		s.settled(out, false)
		s.epoch++
		s.open()
		s.make(now, RequestInitial, out)
	}
}

// open begins a credit-control session: what was granted in an earlier one is
// void.
func (s *Session) open() {
	s.number, s.host, s.closable = 0, nil, false
	s.failures, s.failover = FailureDefault, FailoverDefault
	for i := range s.groups {
		g := &s.groups[i]
		g.excuse()
		g.clearGrant()
		g.status, g.owing, g.changed = groupWanting, false, false
	}
}

// again sends the request once more, as one that the server may have had, and
// starts its timers.
func (s *Session) again(now instant, out *Output) {
	r := &s.request
	r.txAt = now.after(s.m.cfg.Tx)
	r.giveUpAt = now.after(s.m.cfg.RequestTimeout)
	r.failedOver, r.tries = false, 0
	s.retryAt = 0
	s.send(out)
}

// settled ends the request. Its usage is confirmed, or is to be reported
// again.
func (s *Session) settled(out *Output, confirmed bool) {
	for i := range s.groups {
		g := &s.groups[i]
		if confirmed {
			g.confirm()
		}
		g.pending = false
	}
	s.request = request{body: s.request.body[:0]}
	out.Send = false
}

// refused ends a request that the server has refused. RFC 8506 has its usage
// debited (section 7, Table 6; section 9.1). A new attempt comes later.
func (s *Session) refused(now instant, out *Output) {
	s.settled(out, !s.m.cfg.Profile.DropsRefusedUsage)
	s.retry(now)
}

// store keeps the request for later.
func (s *Session) store(now instant) {
	r := &s.request
	if r.inHand {
		r.unsure = true
	} else {
		r.giveUpAt = 0
	}
	r.txAt, r.sendAt = 0, 0
	if r.kind == RequestInitial && s.service == serviceOff && !s.reporting() {
		// Only a late answer to it matters: the session must then be closed.
		if !r.inHand {
			s.request = request{body: r.body[:0]}
		}
		return
	}
	s.retry(now)
}

// retry sets the time of the next attempt, ever later.
func (s *Session) retry(now instant) {
	d := s.m.cfg.Retry << min(s.retries, 20)
	if d <= 0 || d > s.m.cfg.RetryMax {
		d = s.m.cfg.RetryMax
	}
	s.retries = min(s.retries+1, 20)
	s.retryAt = now.after(d)
}

// trouble begins the grace.
func (s *Session) trouble(now instant) {
	if s.troubleAt == 0 {
		s.troubleAt, s.troubleFrom = now, s.octets()
	}
}

// calm ends the grace: the server has answered.
func (s *Session) calm() {
	s.troubleAt, s.troubleFrom = 0, 0
	s.retryAt = 0
	if !s.stopped {
		// What can only be settled by one success after another must not try
		// for ever at the shortest interval.
		s.retries = 0
	}
}

func (s *Session) octets() (n uint64) {
	for i := range s.groups {
		n += s.groups[i].total.Octets()
	}
	return n
}

// reporting reports whether there is usage to report.
func (s *Session) reporting() bool {
	if s.free {
		return false
	}
	units := s.m.cfg.Profile.Report
	for i := range s.groups {
		s.groups[i].excuse()
		d := s.groups[i].unreported()
		if d.Octets() != 0 || d.Seconds != 0 && (units|s.groups[i].granted)&UnitTime != 0 {
			return true
		}
	}
	return false
}

// grant lets the service begin, if it was asked for.
func (s *Session) grant(out *Output) {
	if s.service == serviceAsked {
		s.service = serviceOn
		out.Service = ServiceGranted
	}
}

// end refuses the service or ends it.
func (s *Session) end(out *Output) {
	switch s.service {
	case serviceAsked:
		out.Service = ServiceRefused
		s.stopped = true // there will be no counters
	case serviceOn:
		out.Service = ServiceEnded
	default:
		return
	}
	s.service = serviceOff
	out.Reason, out.ResultCode = s.endReason, s.resultCode
	if s.cause == 0 {
		switch s.endReason {
		case EndBadAnswer:
			s.cause = CauseBadAnswer
		case EndFailure, EndGrace:
			s.cause = CauseLinkBroken
		default:
			s.cause = CauseAdministrative
		}
	}
}

// verdict tells of a change in what may be done with the group's traffic.
func (s *Session) verdict(g *group, v Verdict, out *Output) {
	if g.verdict == v {
		return
	}
	g.verdict = v
	out.Groups = append(out.Groups, g.change())
}

// change is what may be done with the group's traffic.
func (g *group) change() GroupChange {
	c := GroupChange{RatingGroup: g.ratingGroup, Verdict: g.verdict}
	if g.final != nil && (g.verdict == VerdictRedirect || g.verdict == VerdictRestrict) {
		c.Final = *g.final
	}
	return c
}

// storedEvent is the event that goes on with a stored request.
func storedEvent(kind RequestType) event {
	switch kind {
	case RequestInitial:
		return evStoredInitial
	case RequestTermination:
		return evStoredTermination
	default:
		return evStoredUpdate
	}
}
