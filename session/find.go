package session

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// Get returns the session with the ID, or ErrNotFound.
func (m *Manager) Get(ctx context.Context, id ID) (*Entry, error) {
	r, err := m.store.Get(ctx, Key{KindSession, id})
	if err != nil {
		return nil, err
	}
	return newEntry(r)
}

// Record returns a record that is no session, or ErrNotFound; [Txn.Record]
// changes it.
func (m *Manager) Record(ctx context.Context, key Key) (Record, error) { return m.store.Get(ctx, key) }

// sameNAS reports whether a and b are one NAS, by what ID says.
func sameNAS(a, b NAS) bool {
	return a.Source == b.Source && (a.Identifier != "" && a.Identifier == b.Identifier || a.Name() == b.Name())
}

// newEntry returns the session that a record is. It keeps the record's value.
func newEntry(r Record) (*Entry, error) {
	e := new(Entry)
	if err := e.read(r); err != nil {
		return nil, err
	}
	return e, nil
}

// read makes e the session that a record is. It keeps the record's value.
func (e *Entry) read(r Record) error {
	if err := e.Session.decode(r.Value); err != nil {
		return err
	}
	e.was, e.version = e.Session, r.Version
	return nil
}

// find returns the sessions with a term that match, at most limit; 0 is
// no bound. With an error that is ErrDecode, it returns the others that match.
func (m *Manager) find(ctx context.Context, term Term, limit int, match func(*Session) bool) ([]*Entry, error) {
	var out []*Entry
	var bad error
	err := m.store.Find(ctx, term, func(r Record) bool {
		if r.Key.Kind != KindSession {
			return true
		}
		r.Value = slices.Clone(r.Value)
		e, err := newEntry(r)
		if err != nil {
			bad = err
			return true
		}
		if match(&e.Session) {
			out = append(out, e)
		}
		return limit == 0 || len(out) < limit
	})
	if err != nil {
		return nil, err
	}
	return out, bad
}

// ByAccount returns the sessions that the NAS calls accountID, ended ones that are
// still remembered included. There is hardly ever more than one.
func (m *Manager) ByAccount(ctx context.Context, nas NAS, accountID string) ([]*Entry, error) {
	return m.ByAccountIn(ctx, new(Entries), nas, accountID)
}

// BySubscriber returns the sessions of an IMSI that have not ended.
func (m *Manager) BySubscriber(ctx context.Context, imsi string) ([]*Entry, error) {
	return m.find(ctx, NewTerm(IndexIMSI, imsi), 0, func(s *Session) bool { return s.IMSI == imsi && s.State != Ended })
}

// ByUser returns the sessions of a user name that have not ended.
func (m *Manager) ByUser(ctx context.Context, user string) ([]*Entry, error) {
	return m.find(ctx, NewTerm(IndexUser, user), 0, func(s *Session) bool { return s.User == user && s.State != Ended })
}

// ByStation returns the sessions of a station, in any notation, that have not
// ended.
func (m *Manager) ByStation(ctx context.Context, station string) ([]*Entry, error) {
	station = NormalStation(station)
	return m.find(ctx, NewTerm(IndexStation, station), 0, func(s *Session) bool { return s.Station == station && s.State != Ended })
}

// ByAP returns the sessions on an access point that have not ended, at most
// limit; 0 is no bound.
func (m *Manager) ByAP(ctx context.Context, ap string, limit int) ([]*Entry, error) {
	ap, _ = SplitCalled(ap)
	return m.find(ctx, NewTerm(IndexAP, ap), limit, func(s *Session) bool { return s.AP == ap && s.State != Ended })
}

// ByNAS returns the sessions on a NAS that have not ended, at most limit; 0 is
// no bound.
func (m *Manager) ByNAS(ctx context.Context, nas NAS, limit int, match func(*Session) bool) ([]*Entry, error) {
	return m.find(ctx, NASTerm(nas), limit, func(s *Session) bool {
		return sameNAS(s.NAS, nas) && s.State != Ended && (match == nil || match(s))
	})
}

// ByAddress returns the sessions whose station has the IP address and that have not
// ended.
func (m *Manager) ByAddress(ctx context.Context, a netip.Addr) ([]*Entry, error) {
	a = a.Unmap()
	return m.find(ctx, NewTerm(IndexAddress, a.String()), 0, func(s *Session) bool { return s.Address == a && s.State != Ended })
}

// Waking calls f for each session whose Wake is set and not after the time given, until f returns
// false. The session must not be kept.
func (m *Manager) Waking(ctx context.Context, before time.Time, f func(*Session) bool) error {
	return m.store.Due(ctx, KindSession, before, func(r Record) bool {
		s, err := Decode(r.Value)
		if err != nil {
			return true // the sweep tells
		}
		return s.Wake.IsZero() || s.Wake.After(before) || f(&s)
	})
}

// All calls f for each session that has not ended, until f returns false. The
// session must not be kept.
func (m *Manager) All(ctx context.Context, f func(*Session) bool) error {
	return m.store.Scan(ctx, KindSession, func(r Record) bool {
		if len(r.Value) > 1 && State(r.Value[1]) == Ended {
			return true
		}
		s, err := Decode(r.Value)
		if err != nil {
			m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logBadRecord, slog.String("session", r.Key.ID.String()), slog.Any("error", err))
			return true
		}
		return f(&s)
	})
}
