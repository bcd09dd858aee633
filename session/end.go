package session

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// due returns when a session is to be looked at, and why.
//
//	admitted           AdmitTimeout after admission: never used
//	closing            Grace after it was decided: ended for that reason
//	open               Session-Timeout, Idle-Timeout: asked to end, Grace after the NAS
//	                   should have done it; silent: ended at once
func (m *Manager) due(s *Session) (time.Time, Reason) {
	switch {
	case s.Closing != 0:
		return s.ClosingAt.Add(m.cfg.Grace), s.Closing
	case s.State == Admitted:
		return s.Admitted.Add(m.cfg.AdmitTimeout), ReasonNeverUsed
	case s.State != Open:
		return time.Time{}, 0
	}
	var at time.Time
	var why Reason
	earliest := func(t time.Time, r Reason) {
		if at.IsZero() || t.Before(at) {
			at, why = t, r
		}
	}
	if s.Timeout > 0 {
		earliest(s.Started.Add(s.Timeout+m.cfg.Grace), ReasonTimeout)
	}
	if s.Idle > 0 {
		// Use is seen at interims only.
		earliest(s.Active.Add(s.Idle+s.Interim+m.cfg.Grace), ReasonIdle)
	}
	switch {
	case s.Interim > 0:
		earliest(s.Seen.Add(time.Duration(m.cfg.Silence)*s.Interim+m.cfg.Grace), ReasonSilent)
	case m.cfg.MaxSilence > 0:
		earliest(s.Seen.Add(m.cfg.MaxSilence), ReasonSilent)
	}
	return at, why
}

// Close decides that the session e is to end: its NAS is asked to disconnect it, and
// if it doesn't report the end within Grace, the session is ended from its
// latest interim. The change is added to txn, with the task of asking.
func (m *Manager) closing(txn *Txn, e *Entry, why Reason, now time.Time) {
	if e.Session.State == Admitted {
		// Nothing has been counted, and the NAS may know nothing of it.
		e.Session.Closing, e.Session.ClosingAt = why, now.Add(-m.cfg.Grace)
	} else {
		e.Session.Closing, e.Session.ClosingAt = why, now
	}
	txn.Put(e)
	txn.Task(Task{Kind: TaskDisconnect, Session: e.Session.ID, Data: []byte{byte(why)}})
}

// Disconnect has the session ended: its NAS is asked to, and if it doesn't
// report the end within Grace, the session is ended from its latest interim. A session that
// is closing or has ended is left alone.
func (m *Manager) Disconnect(ctx context.Context, id ID, why Reason) error {
	for range admitAttempts {
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

// endDue does what is to be done about a session that is due.
func (m *Manager) endDue(ctx context.Context, id ID, now time.Time) error {
	e, err := m.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if wake := e.Session.Wake; m.cfg.Wake != nil && !wake.IsZero() && !wake.After(now) {
		if err := m.cfg.Wake(ctx, e); err != nil {
			return err
		}
	}
	at, why := m.due(&e.Session)
	if at.IsZero() || at.After(now) {
		return nil // it has changed meanwhile
	}
	if e.Session.Closing == 0 && (why == ReasonTimeout || why == ReasonIdle) {
		var txn Txn
		m.closing(&txn, e, why, now)
		_, err = m.Commit(ctx, &txn)
		return err
	}
	return m.End(ctx, e, why)
}

// End ends the session e from its latest interim, at once.
func (m *Manager) End(ctx context.Context, e *Entry, why Reason) error {
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
}

func (m *Manager) logSweep(ctx context.Context, err error) {
	if ctx.Err() == nil {
		m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logSweepFailed, slog.Any("error", err))
	}
}
