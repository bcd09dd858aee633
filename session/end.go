package session

import (
	"context"
	"errors"
	"time"
)

// due returns when a session is to be looked at, and why.
//
//	admitted           AdmitTimeout after admission: never used
//	closing            Grace after it was decided: ended for that reason
//	open               Session-Timeout, from the start or the latest login; Idle-Timeout:
//	                   asked to end, Grace after the NAS should have done it;
//	                   silent: ended at once
func (m *Manager) due(s *Session) (time.Time, Reason) {
	switch {
	case s.State == Ended:
		return time.Time{}, 0
	case s.Closing != 0:
		return s.ClosingAt.Add(m.cfg.Grace), s.Closing
	case s.State == Admitted:
		return s.Admitted.Add(m.cfg.AdmitTimeout), ReasonNeverUsed
	}
	var at time.Time
	var why Reason
	earliest := func(t time.Time, r Reason) {
		if at.IsZero() || t.Before(at) {
			at, why = t, r
		}
	}
	if s.Timeout > 0 {
		// A NAS counts it from the latest Access-Accept.
		from := s.Started
		if s.Admitted.After(from) {
			from = s.Admitted
		}
		earliest(from.Add(s.Timeout+m.cfg.Grace), ReasonTimeout)
	}
	if s.Idle > 0 && s.Updated.Sub(s.Active) >= s.Idle {
		// Use is seen at interims only: the latest one says that there was none.
		// Where there are no interims, the NAS alone knows.
		earliest(s.Seen.Add(m.cfg.Grace), ReasonIdle)
	}
	switch {
	case s.Interim > 0:
		earliest(s.Seen.Add(time.Duration(m.cfg.Silence)*s.Interim+m.cfg.Grace), ReasonSilent)
	case m.cfg.MaxSilence > 0:
		earliest(s.Seen.Add(m.cfg.MaxSilence), ReasonSilent)
	}
	return at, why
}

// wake returns when the session's Wake is, if it counts.
func (m *Manager) wake(s *Session) time.Time {
	if m.cfg.Wake == nil {
		return time.Time{}
	}
	return s.Wake
}

// next returns when something is to be done about a session; zero: never.
func (m *Manager) next(s *Session) time.Time {
	at, _ := m.due(s)
	if wake := m.wake(s); !wake.IsZero() && (at.IsZero() || wake.Before(at)) {
		return wake
	}
	return at
}

// come tells a time that is not after now from a later one, and from never.
func come(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// closing decides that the session e is to end: its NAS is asked to disconnect it, if
// somebody here can do that, and if it doesn't report the end within Grace, the session is ended
// from its latest interim. The change is added to txn, with the task of asking.
func (m *Manager) closing(txn *Txn, e *Entry, why Reason, now time.Time) {
	e.Session.Closing, e.Session.ClosingAt = why, now
	if e.Session.State == Admitted {
		// Nothing has been counted, and the NAS may know nothing of it.
		e.Session.ClosingAt = now.Add(-m.cfg.Grace)
	}
	txn.Put(e)
	if m.lane(TaskDisconnect).handlers[TaskDisconnect] != nil {
		txn.Task(Task{Kind: TaskDisconnect, Session: e.Session.ID, Data: []byte{byte(why)}})
	}
}

// Disconnect has the session ended: its NAS is asked to, and if it doesn't
// report the end within Grace, the session is ended from its latest interim. A session that
// is closing or has ended is left alone.
func (m *Manager) Disconnect(ctx context.Context, id ID, why Reason) error {
	for range updateAttempts {
		e, err := m.Get(ctx, id)
		if err != nil {
			return err
		}
		if e.Session.State == Ended || e.Session.Closing != 0 {
			return nil
		}
		var txn Txn
		m.closing(&txn, e, why, time.Now())
		if _, err = m.Commit(ctx, &txn); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// errAwake is the mistake of a Config.Wake that leaves the session's Wake.
var errAwake = errors.New("session: Wake is still due")

// endDue does what is to be done about a session that is due.
func (m *Manager) endDue(ctx context.Context, id ID, now time.Time) error {
	key := Key{KindSession, id}
	r, err := m.store.Get(ctx, key)
	if err != nil {
		return ignoreNotFound(err)
	}
	e, err := newEntry(r)
	if err != nil {
		return err
	}
	var awake error
	if come(m.wake(&e.Session), now) {
		// Who charges may fail for hours; the session's own time goes on.
		awake = m.cfg.Wake(ctx, e)
		if r, err = m.store.Get(ctx, key); err != nil {
			return errors.Join(awake, ignoreNotFound(err))
		}
		if e, err = newEntry(r); err != nil {
			return err
		}
		if awake == nil && come(m.wake(&e.Session), now) {
			awake = errAwake
		}
	}
	at, why := m.due(&e.Session)
	switch {
	case come(at, now) && e.Session.Closing == 0 && (why == ReasonTimeout || why == ReasonIdle):
		var txn Txn
		m.closing(&txn, e, why, now)
		_, err = m.Commit(ctx, &txn)
	case come(at, now):
		err = m.End(ctx, e, why)
	case come(r.Due, now) && !come(m.next(&e.Session), now):
		// It was committed under other settings; no sweep is to find it again.
		var txn Txn
		txn.Put(e)
		_, err = m.Commit(ctx, &txn)
	default:
		err = nil // it has changed meanwhile
	}
	return errors.Join(awake, err)
}

func ignoreNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// End ends the session e from its latest interim, at once. One that has ended is left
// alone.
func (m *Manager) End(ctx context.Context, e *Entry, why Reason) error {
	if e.Session.State == Ended {
		return nil
	}
	if m.cfg.End != nil {
		return m.cfg.End(ctx, e, why)
	}
	var txn Txn
	e.Session.Finish(why, time.Now())
	txn.Put(e)
	_, err := m.Commit(ctx, &txn)
	return err
}

// Finish makes the session an ended one, as of its latest event.
func (s *Session) Finish(why Reason, now time.Time) {
	s.State, s.Closing = Ended, why
	if s.Stopped.IsZero() {
		s.Stopped = s.Updated
	}
	if s.Seen.IsZero() || now.After(s.Seen) {
		s.Seen = now
	}
	s.ClosingAt = s.Seen
}

// isArchival reports whether an ended session was ended by Finish, and its NAS has not been
// heard of since. One that has no number for its NAS to repeat never began.
func (s *Session) isArchival() bool {
	return s.Closing != 0 && s.AccountID != "" && !s.ClosingAt.Before(s.Seen)
}
