package gy

import (
	"time"
)

// Failure is why a request has no answer.
type Failure uint8

const (
	// FailureNotSent: no server could be reached; the request was not sent.
	FailureNotSent Failure = iota
	// FailureLost: the connection was lost before the answer; the server may
	// have had the request.
	FailureLost
	// FailureTimeout: no answer came; the server may have had the request.
	FailureTimeout
	// FailureBadAnswer: an answer came that cannot be read; the server has had
	// the request.
	FailureBadAnswer
)

// sendAgain is how long after a transport failure a request is sent again; it
// doubles up to sendAgainMax, for as long as an answer is awaited.
const (
	sendAgain    = time.Second
	sendAgainMax = 16 * time.Second
)

// Fail says that the request with the given Output.Seq was not answered, and
// why. One that is not pending any more is ignored.
func (s *Session) Fail(now time.Time, seq uint32, f Failure) Output {
	var out Output
	at := instantOf(now)
	r := &s.request
	if r.kind == 0 || r.seq != seq || !r.inHand {
		return s.finish(at, &out)
	}
	r.inHand = false
	r.unsure = r.unsure || f != FailureNotSent
	s.endReason, s.resultCode = EndFailure, 0
	switch {
	case s.state == Idle:
		s.store(at)
	case f == FailureBadAnswer:
		s.fire(at, evFailedAnswer, &out)
	case f == FailureTimeout:
		s.fire(at, evFailureToSend, &out)
	case r.kind != RequestInitial:
		// The service is on, so there is time: Tx, or the give-up time, tells
		// when this is a failure to send.
		r.byRealm = r.byRealm || s.mayMove()
		r.sendAt = at.after(min(sendAgain<<(min(r.tries, 8)-1), sendAgainMax))
	case f == FailureLost && !r.failedOver:
		r.failedOver = true
		s.send(&out)
	default:
		s.fire(at, evFailureToSend, &out)
	}
	return s.finish(at, &out)
}

// mayMove reports whether the request may go to another server (RFC 8506,
// section 5.7): that of a new session may.
func (s *Session) mayMove() bool {
	if s.request.kind == RequestInitial {
		return true
	}
	if s.failover != FailoverDefault {
		return s.failover == FailoverSupported
	}
	return s.m.cfg.Failover == FailoverSupported
}

// Answer takes the answer to the request with the given Output.Seq. One to a
// request that is not pending any more is ignored; a late one to a request
// that is stored is welcome. a is not kept.
func (s *Session) Answer(now time.Time, seq uint32, a *CCA) Output {
	var out Output
	at := instantOf(now)
	r := &s.request
	if r.kind == 0 || r.seq != seq {
		return s.finish(at, &out)
	}
	if s.state == Idle {
		s.fire(at, storedEvent(r.kind), &out)
		out.Send = false
	}
	r.inHand = false
	if a.FailureHandling != FailureDefault {
		s.failures = a.FailureHandling
	}
	if a.Failover != FailoverDefault {
		s.failover = a.Failover
	}
	ev, why := s.classify(a)
	s.endReason, s.resultCode = why, a.ResultCode
	kind := r.kind
	switch {
	case ev == evTemporaryError && s.mayMove() && !r.failedOver:
		// The server has not handled this copy of it.
		r.failedOver, r.byRealm = true, true
		s.send(&out)
	case ev == evUnknownSession && s.state == PendingU && s.m.cfg.TerminateLost:
		s.closable = false
		s.fire(at, evFailedAnswer, &out)
	default:
		if ev == evSuccess && kind != RequestTermination {
			s.pin(a)
		}
		s.fire(at, ev, &out)
		if ev == evSuccess && kind != RequestTermination {
			s.take(at, a, &out)
		}
	}
	return s.finish(at, &out)
}

// pin makes the server that answered the Destination-Host of what follows, if
// it has said its name.
func (s *Session) pin(a *CCA) {
	if s.m.cfg.Profile.ByRealm || len(a.OriginHost) == 0 || len(a.OriginHost) > 255 {
		return
	}
	if string(s.host) != string(a.OriginHost) {
		s.host = append(s.host[:0], a.OriginHost...)
	}
}

// classify turns the Result-Code at the command's level into an event, and why
// a service ends that ends for it.
func (s *Session) classify(a *CCA) (event, EndReason) {
	initial := s.request.kind == RequestInitial
	switch code := a.ResultCode; {
	case code/1000 == 2:
		return evSuccess, EndNone
	case code == 0 && len(a.Services) > 0:
		// Nothing said at this level, but at the services' own.
		return evSuccess, EndNone
	case code == ResultUnableToDeliver, code == ResultTooBusy, code == ResultLoopDetected:
		return evTemporaryError, EndFailure
	case code == ResultCreditControlNotApplicable:
		return evNotApplicable, EndNone
	case code == ResultCreditLimitReached:
		return evDenied, EndCredit
	case code == ResultEndUserServiceDenied, code == ResultAuthorizationRejected, code == ResultAuthenticationRejected,
		code == ResultUserUnknown && initial:
		return evDenied, EndDenied
	case code == ResultUnknownSessionID:
		return evUnknownSession, EndFailure
	case code == ResultUserUnknown:
		return evFailedAnswer, EndDenied
	default:
		return evFailedAnswer, EndFailure
	}
}

// take applies what a successful answer says of each rating group.
func (s *Session) take(now instant, a *CCA, out *Output) {
	for i := range s.groups {
		g := &s.groups[i]
		var found *MSCC
		for j := range a.Services {
			m := &a.Services[j]
			if !m.For(g.ratingGroup) {
				continue
			}
			// Of two quotas, for before and after a tariff change, the smaller
			// one is asked about again early enough.
			if found == nil || m.HasGranted && found.HasGranted && m.Granted.Total < found.Granted.Total {
				found = m
			}
		}
		var own MSCC
		switch {
		case found != nil:
		case g.asked || a.HasGranted || a.HasFinal:
			// The command's own level, or silence about what was asked.
			own = MSCC{
				Granted: a.Granted, HasGranted: a.HasGranted,
				Final: a.Final, HasFinal: a.HasFinal,
				ValidityTime: a.ValidityTime,
			}
			found = &own
		default:
			if s.mode == ModeAuthorize && g.status == groupWanting && s.service != serviceOff {
				g.status = groupUnlimited
			}
			continue
		}
		if s.service == serviceOff {
			if s.mode != ModeAuthorize {
				g.setUnits(&found.Granted) // CCR-T, the only one to come, reports what was used of them
			}
			continue
		}
		if found.ValidityTime == 0 {
			found.ValidityTime = a.ValidityTime
		}
		if !found.HasFinal && a.HasFinal {
			found.HasFinal, found.Final = true, a.Final
		}
		s.takeGroup(now, g, found, out)
	}
}

// minValidity is the shortest Validity-Time that is believed: less would be a
// storm of requests.
const minValidity = 5 * time.Second

func (s *Session) takeGroup(now instant, g *group, m *MSCC, out *Output) {
	asked := g.asked
	g.asked = false
	validity := instant(0)
	if m.ValidityTime != 0 {
		validity = now.after(max(minValidity, time.Duration(m.ValidityTime)*time.Second))
	}
	final := m.HasFinal && m.Final.Action != FinalTerminate
	switch code := m.ResultCode; {
	case code == 0, code/1000 == 2:
	case code == ResultCreditControlNotApplicable:
		g.clearGrant()
		g.status = groupFree
		g.forgive()
		s.verdict(g, VerdictPass, out)
		return
	case code == ResultCreditLimitReached && final:
		s.keepFinal(g, m)
		g.owing = g.unreported() != (Counters{})
		s.finalAction(g, out)
		g.validUntil = validity
		return
	default:
		why := EndDenied
		if code == ResultCreditLimitReached {
			why = EndCredit
		}
		g.clearGrant()
		s.block(g, why, code, out)
		g.validUntil = validity
		return
	}

	has := m.Granted.Has
	zero := has&UnitTime != 0 && m.Granted.Time == 0 || has&UnitTotal != 0 && m.Granted.Total == 0 ||
		has&UnitInput != 0 && m.Granted.Input == 0 || has&UnitOutput != 0 && m.Granted.Output == 0
	switch {
	case has&^supportedUnits != 0:
		// What cannot be metered must not be used (RFC 8506, section 8.17).
		g.clearGrant()
		s.block(g, EndBadAnswer, 0, out)
	case has != 0 && !zero && s.mode == ModeAuthorize:
		g.status = groupUnlimited
	case has != 0 && !zero:
		s.grantUnits(now, g, m)
		g.validUntil = validity
		s.verdict(g, VerdictPass, out)
	case m.HasFinal:
		// The final units are used up as they come.
		s.keepFinal(g, m)
		g.owing = g.unreported() != (Counters{})
		s.finalAction(g, out)
		g.validUntil = validity
	case s.mode == ModeAuthorize && !zero, asked && !zero && s.m.cfg.Profile.EmptyGrantUnlimited:
		g.clearGrant()
		g.status = groupUnlimited
		g.validUntil = validity
		s.verdict(g, VerdictPass, out)
	case asked:
		g.clearGrant()
		s.block(g, EndCredit, 0, out)
		g.validUntil = validity
	default:
		// A report without a question: quota and grant are gone.
		status, final := g.status, g.final
		g.clearGrant()
		g.status, g.final, g.validUntil = status, final, validity
	}
}

// keepFinal notes a Final-Unit-Indication, in memory of its own.
func (s *Session) keepFinal(g *group, m *MSCC) {
	g.clearGrant()
	g.finalAction = m.Final.Action
	if m.Final.Action != FinalTerminate {
		g.final = m.Final.keep()
	}
}

// grantUnits takes a quota. It takes the place of the one before.
func (s *Session) grantUnits(now instant, g *group, m *MSCC) {
	s.keepFinal(g, m)
	g.last = m.HasFinal
	g.status = groupGranted
	g.setUnits(&m.Granted)
	g.timeThreshold, g.volumeThreshold = uint64(m.TimeThreshold), uint64(m.VolumeThreshold)
	g.consumption = m.ConsumptionTime
	g.holding = uint32(s.m.cfg.HoldingTime / time.Second)
	if m.HasHoldingTime {
		g.holding = m.HoldingTime
	}
	g.activeAt = max(g.activeAt, now)
	if t := m.Granted.TariffChange; !t.IsZero() {
		if at := instantOf(t); at > now {
			g.tariffAt = at
		}
	}
}
