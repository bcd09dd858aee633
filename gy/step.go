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
	before := s.octets()
	s.count(at, i, c)
	if s.octets() > before {
		s.settleBy = 0
	}
	if !s.stopped {
		if s.cause == 0 {
			s.cause = cause
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
