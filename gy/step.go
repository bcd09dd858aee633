package gy

import (
	"slices"
	"time"
)

// Start asks for credit: the user wants the service. In any state but Idle, or
// a second time, it is unexpected.
func (s *Session) Start(now time.Time) Output {
	var out Output
	if s.started {
		out.Unexpected = true
		return s.finish(instantOf(now), &out)
	}
	s.started = true
	s.fire(instantOf(now), evStart, &out)
	return s.finish(instantOf(now), &out)
}

// Account takes the cumulative counters of rating group i, by its place in
// Info.RatingGroups, as they were at now. What decreases is ignored.
func (s *Session) Account(now time.Time, i int, c Counters) Output {
	var out Output
	s.count(instantOf(now), i, c)
	return s.finish(instantOf(now), &out)
}

func (s *Session) count(now instant, i int, c Counters) {
	if i < 0 || i >= len(s.groups) {
		return
	}
	g := &s.groups[i]
	g.account(now, c, s.m.cfg.Profile.SplitTariff)
	if s.free {
		g.forgive()
	}
}

// Stop says that the service has ended, why, and that the counters of rating
// group i are final; those of other groups have to be given before, with
// Account. A second Stop can only add usage.
func (s *Session) Stop(now time.Time, i int, c Counters, cause TerminationCause) Output {
	var out Output
	at := instantOf(now)
	s.count(at, i, c)
	if !s.stopped {
		if s.cause == 0 {
			s.cause = cause
		}
		s.settleBy = 0
		if d := s.m.cfg.SettleTime; d >= 0 {
			s.settleBy = at.after(d)
		}
		s.stopped, s.service = true, serviceOff
		s.retryAt, s.retries = 0, 0
		switch s.state {
		case PendingI, PendingU:
			s.fire(at, evTerminated, &out)
		case PendingT:
			if s.request.kind == 0 {
				s.fire(at, evTerminated, &out)
			}
		}
	}
	return s.finish(at, &out)
}

// Change says that the session's facts have changed: location, address. The
// subscriber and the rating groups stay. The server is told at once if report
// is true, else with the next request.
func (s *Session) Change(now time.Time, info *Info, report bool) Output {
	var out Output
	at := instantOf(now)
	facts := s.m.appendFacts(nil, info)
	if facts == nil {
		facts = []byte{}
	}
	if s.request.kind == 0 {
		s.facts, s.nextFacts = facts, nil
	} else {
		s.nextFacts = facts
	}
	if report && s.mode == ModeFull {
		for i := range s.groups {
			s.groups[i].changed = true
		}
		if s.state != Open && s.state != Idle {
			s.queuedChange = true
			s.fire(at, evRatingChange, &out)
		}
	}
	return s.finish(at, &out)
}

// Timer is to be called at an output's Deadline. Earlier or later calls do no
// harm.
func (s *Session) Timer(now time.Time) Output {
	var out Output
	at := instantOf(now)
	r := &s.request
	if s.state != Idle && r.kind != 0 {
		if r.txAt.reached(at) {
			r.txAt = 0
			s.resultCode = 0
			s.fire(at, evTxExpired, &out)
		}
		if s.state != Idle && r.giveUpAt.reached(at) {
			r.unsure, r.inHand = r.unsure || r.inHand, false
			s.resultCode = 0
			s.fire(at, evFailureToSend, &out)
		}
		if s.state != Idle && r.sendAt.reached(at) {
			s.send(&out)
		}
	}
	if s.state == Idle && r.inHand && r.giveUpAt.reached(at) {
		r.inHand = false
		s.store(at)
	}
	if s.state == PendingT && r.kind == 0 && s.closeAt.reached(at) {
		s.fire(at, evTerminated, &out)
	}
	return s.finish(at, &out)
}

// Resume sends the pending request again after the session was restored: it is
// not known whether it ever was sent.
func (s *Session) Resume(now time.Time) Output {
	var out Output
	at := instantOf(now)
	if r := &s.request; r.kind != 0 && !r.inHand {
		if s.state != Idle {
			s.again(at, &out)
		} else if s.store(at); r.kind != 0 {
			s.fire(at, storedEvent(r.kind), &out)
		}
	}
	return s.finish(at, &out)
}

// Reauthorize takes a RAR about one rating group, or, with a nil
// ratingGroup, about all. It returns the Result-Code of the answer (RFC 8506,
// section 5.5).
//
// A rating group that the session has not is taken for all: a top-up that
// triggers nothing is worse than a request too many.
func (s *Session) Reauthorize(now time.Time, ratingGroup *uint32) (resultCode uint32, out Output) {
	at := instantOf(now)
	switch {
	case s.mode == ModeAuthorize:
		return ResultUnableToComply, s.finish(at, &out)
	case s.state == Idle && s.service == serviceOn && !s.free && s.request.kind != 0:
		// The server is back, and knows the session.
		s.force(ratingGroup)
		s.retryAt = at
		return ResultLimitedSuccess, s.finish(at, &out)
	case s.state == Idle, s.state == PendingT:
		return ResultUnknownSessionID, s.finish(at, &out)
	case s.state == PendingU:
		s.fire(at, evRAR, &out)
		return ResultSuccess, s.finish(at, &out)
	}
	s.force(ratingGroup)
	if s.state == PendingI {
		s.fire(at, evRAR, &out)
	}
	return ResultLimitedSuccess, s.finish(at, &out)
}

// force has credit asked for, for one group or all.
func (s *Session) force(ratingGroup *uint32) {
	one := -1
	if ratingGroup != nil {
		one = slices.IndexFunc(s.groups, func(g group) bool { return g.ratingGroup == *ratingGroup })
	}
	for i := range s.groups {
		if g := &s.groups[i]; one < 0 || one == i {
			g.forced = g.status != groupFree
		}
	}
}

// Abort takes an ASR and returns the Result-Code of the answer.
func (s *Session) Abort(now time.Time) (resultCode uint32, out Output) {
	at := instantOf(now)
	if s.service == serviceOff || !s.started || s.state == Idle && s.free {
		return ResultUnknownSessionID, s.finish(at, &out)
	}
	s.endReason, s.resultCode = EndAborted, 0
	s.cause = CauseAdministrative
	s.fire(at, evAbort, &out)
	return ResultSuccess, s.finish(at, &out)
}

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
	c := GroupChange{RatingGroup: g.ratingGroup, Verdict: v}
	if g.final != nil && (v == VerdictRedirect || v == VerdictRestrict) {
		c.Final = *g.final
	}
	out.Groups = append(out.Groups, c)
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
	if s.settleBy.reached(now) && s.stopped {
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
