package accounting

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"github.com/opentwag/twag/session"
)

// found is what is known of the session that an event is about.
type found struct {
	entry *session.Entry // nil: a new session
	// login is the session whose login this one has, if that is another one: the NAS has
	// begun accounting anew without a new login.
	login *session.Session
	// others are sessions that had the event's Acct-Session-Id before. They can't go on.
	others []*session.Entry
	// id is what a new session is called: the name that its Class gives it, if another
	// process admitted it. Zero: it has no name yet.
	id session.ID
}

// adoptSlack is how much earlier than the login a session may seem to have begun.
const adoptSlack = time.Minute

// find finds the session of an event: the one that the Class names, if the NAS calls it by the event's
// Acct-Session-Id, or is about to; else one that the NAS calls so, if its station doesn't contradict
// (NASes use their numbers again); else the station's login that waits for
// accounting to begin. room is for what it reads.
func (r *Recorder) find(ctx context.Context, e *Event, c *opened, room *session.Entries) (found, error) {
	var f found
	var waiting *session.Entry
	if id := c.login(); id.IsValid() {
		en, err := r.m.GetIn(ctx, room, id)
		switch {
		case err == nil:
			s := &en.Session
			switch {
			case contradicts(s, e):
			case s.AccountID == e.AccountID && sameNAS(s.NAS, e.NAS):
				return found{entry: en}, nil
			case s.State == session.Admitted && s.AccountID == "":
				waiting = en
			default:
				f.login = s
			}
		case errors.Is(err, session.ErrNotFound):
			f.id = id
		case !errors.Is(err, session.ErrDecode):
			return f, err
		}
	}
	same, err := r.m.ByAccountIn(ctx, room, e.NAS, e.AccountID)
	if err != nil && !errors.Is(err, session.ErrDecode) {
		return f, err
	}
	if waiting != nil && len(same) > 0 && !beganAfter(e, &waiting.Session) {
		waiting = nil // a login in the middle of the session that counts
	}
	for _, en := range same {
		switch {
		case contradicts(&en.Session, e) || waiting != nil:
			f.others = append(f.others, en)
		case f.entry == nil || better(&en.Session, &f.entry.Session):
			f.entry = en
		}
	}
	if f.entry != nil {
		f.others = nil // it has made an end of them
		return f, nil
	}
	if waiting == nil && f.login == nil {
		if waiting, err = r.waiting(ctx, e); err != nil {
			return f, err
		}
	}
	f.entry = waiting
	return f, nil
}

func sameNAS(a, b session.NAS) bool { return a.Source == b.Source && a.Name() == b.Name() }

// contradicts reports whether an event can't be of the session s: the station is another one; or
// there is none, and the user or the port is another one. Where the station is the same, those
// may change: a pseudonym, a movement.
func contradicts(s *session.Session, e *Event) bool {
	if s.Station != "" && e.Station != "" {
		return s.Station != e.Station
	}
	return differ(s.User, e.User) || differ(s.Port, e.Port)
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

// better orders sessions of one name: those that go on first, then the newest.
func better(a, b *session.Session) bool {
	if (a.State == session.Ended) != (b.State == session.Ended) {
		return b.State == session.Ended
	}
	return a.Seen.After(b.Seen)
}

// waiting returns the login of the event's station, on its NAS, that waits for accounting to
// begin: for NASes that don't repeat Class. The event's session must not have begun before it.
func (r *Recorder) waiting(ctx context.Context, e *Event) (*session.Entry, error) {
	if e.Station == "" || e.Status != Start && e.Counters.Has&HasSessionTime == 0 {
		return nil, nil
	}
	logins, err := r.m.ByStation(ctx, e.Station)
	if err != nil && !errors.Is(err, session.ErrDecode) {
		return nil, err
	}
	var newest *session.Entry
	for _, en := range logins {
		s := &en.Session
		if s.State == session.Admitted && s.AccountID == "" && s.NAS.Source == e.NAS.Source && s.Closing == 0 &&
			beganAfter(e, s) && (newest == nil || s.Admitted.After(newest.Session.Admitted)) {
			newest = en
		}
	}
	return newest, nil
}

// beganAfter reports whether the event's session has begun after the login that s is, by
// our clock. Otherwise it can't be that login's: what it counts is older.
func beganAfter(e *Event, s *session.Session) bool {
	return !e.sent().Add(-e.Counters.SessionTime).Before(s.Admitted.Add(-adoptSlack))
}

// newSessionID returns the ID of a session that begins with the event. Two servers that get the
// event at once make the same, and only one of them can commit it.
func newSessionID(e *Event, others []*session.Entry) session.ID {
	b := make([]byte, 0, 256)
	b = append(b, "event\x00"...)
	b = append(b, e.NAS.Source.String()...)
	for _, s := range [...]string{e.NAS.Name(), e.AccountID, e.Station, string(e.print[:])} {
		b = append(append(b, 0), s...)
	}
	when := e.Stamp
	if when.IsZero() {
		when = e.sent().Truncate(time.Hour)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(when.Unix()))
	for _, o := range others {
		b = append(b, o.Session.ID[:]...)
	}
	return session.NamedID(string(b))
}

// maxReplaced bounds the older sessions of a station that one event closes.
const maxReplaced = 8

// closeOthers adds to the commit what the event says of other sessions. Those that had its number end at
// once. Those that its station still has will end, unless they show that they
// go on; their Stop may come yet.
func (r *Recorder) closeOthers(ctx context.Context, e *Event, f found, b *buffers) error {
	reused := false
	for _, en := range f.others {
		if en.Session.State != session.Open {
			continue
		}
		if err := r.archive(ctx, &b.txn, &b.then, en, reasonOfReuse(&en.Session, e), e.Arrived); err != nil {
			return err
		}
		reused = true
		r.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, logClosedOther, slog.String("nas", e.NAS.Name()), slog.Any("session", en.Session.ID))
	}
	if reused {
		if err := r.noteReuse(ctx, e, b); err != nil {
			return err
		}
	}
	s := &f.entry.Session
	if e.Status != Start || e.Station == "" || s.State != session.Open {
		return nil
	}
	all, err := r.m.ByStation(ctx, e.Station)
	if err != nil && !errors.Is(err, session.ErrDecode) {
		return err
	}
	replaced := 0
	for _, en := range all {
		o := &en.Session
		if o.ID == s.ID || o.State != session.Open || o.Closing != 0 || isAmong(f.others, o.ID) {
			continue
		}
		if o.Started.After(s.Started) {
			continue // this is the older one, and its Start comes late
		}
		if replaced++; replaced > maxReplaced {
			break
		}
		o.Closing, o.ClosingAt = session.ReasonReplaced, e.Arrived
		b.txn.Put(en)
	}
	return nil
}

func isAmong(entries []*session.Entry, id session.ID) bool {
	for _, en := range entries {
		if en.Session.ID == id {
			return true
		}
	}
	return false
}

func reasonOfReuse(s *session.Session, e *Event) session.Reason {
	if s.Station == e.Station {
		return session.ReasonReplaced
	}
	return session.ReasonRestart
}
