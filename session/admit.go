package session

import (
	"context"
	"errors"
	"slices"
	"time"
)

// admitAttempts bounds how often a login is decided again because somebody else
// changed the subscriber's sessions meanwhile.
const admitAttempts = 4

// Admit makes a session for a login, or goes on with the one that the login
// belongs to: a station that authenticates again on the access point where its session is
// has the same session, with what the login decided anew. s has the login's facts;
// its ID, State, times and usage are set here. The result has them.
//
// It fails with ErrLimit if the subscriber has as many sessions as allowed and they
// are not to be replaced.
func (m *Manager) Admit(ctx context.Context, s Session) (Session, error) {
	return m.AdmitWith(ctx, s, nil)
}

// AdmitWith is Admit with a last word: prepare is called with the session as it is going to
// be committed, its ID set, and may change Charging and Wake. It may be called again, after a
// conflict. Its error is returned, and nothing is committed.
func (m *Manager) AdmitWith(ctx context.Context, s Session, prepare func(*Session) error) (Session, error) {
	var err error
	for range admitAttempts {
		var out Session
		if out, err = m.admit(ctx, s, prepare); !errors.Is(err, ErrConflict) {
			return out, err
		}
	}
	return Session{}, err
}

func (m *Manager) admit(ctx context.Context, s Session, prepare func(*Session) error) (Session, error) {
	now := time.Now()
	var txn Txn
	entry := NewEntry(s)
	if s.IMSI != "" || s.User != "" {
		others, err := m.ofSubscriber(ctx, &s)
		if err != nil {
			return Session{}, err
		}
		if i := slices.IndexFunc(others, func(e *Entry) bool { return continues(&e.Session, &s) }); i >= 0 {
			entry = others[i]
			others = slices.Delete(others, i, i+1)
			renew(&entry.Session, &s)
		}
		if err := m.limit(&txn, others, now); err != nil {
			return Session{}, err
		}
	}
	if entry.IsNew() {
		entry.Session.ID, entry.Session.State = NewID(), Admitted
		entry.Session.Usage = Usage{}
	}
	entry.Session.Admitted = now
	if prepare != nil {
		if err := prepare(&entry.Session); err != nil {
			return Session{}, err
		}
	}
	txn.Put(entry)
	if _, err := m.Commit(ctx, &txn); err != nil {
		return Session{}, err
	}
	return entry.Session, nil
}

func (m *Manager) ofSubscriber(ctx context.Context, s *Session) ([]*Entry, error) {
	if s.IMSI != "" {
		return m.BySubscriber(ctx, s.IMSI)
	}
	return m.ByUser(ctx, s.User)
}

// continues reports whether the login s belongs to the session old.
func continues(old, s *Session) bool {
	if old.Station != s.Station || old.Closing != 0 {
		return false
	}
	return old.State == Admitted || old.NAS == s.NAS && old.AP == s.AP && old.SSID == s.SSID
}

// renew gives a session what another login of its station decided.
func renew(old *Session, s *Session) {
	if old.State == Admitted {
		old.NAS, old.AP, old.SSID, old.Port, old.PortType = s.NAS, s.AP, s.SSID, s.Port, s.PortType
		old.Address, old.AccountID, old.MultiID = s.Address, s.AccountID, s.MultiID
	}
	old.IMSI, old.User = s.IMSI, s.User
	old.Method, old.Realm, old.Visited, old.Service, old.Group, old.Class = s.Method, s.Realm, s.Visited, s.Service, s.Group, s.Class
	old.Timeout, old.Idle, old.Interim = s.Timeout, s.Idle, s.Interim
	if s.Charging != nil {
		old.Charging = s.Charging
	}
}

// limit makes room for one more session beside others, or refuses it.
func (m *Manager) limit(txn *Txn, others []*Entry, now time.Time) error {
	others = slices.DeleteFunc(others, func(e *Entry) bool { return e.Session.Closing != 0 })
	if m.cfg.PerSubscriber == 0 || len(others) < m.cfg.PerSubscriber {
		return nil
	}
	if m.cfg.OnLimit == LimitRefuse {
		return ErrLimit
	}
	slices.SortFunc(others, func(a, b *Entry) int { return a.Session.Admitted.Compare(b.Session.Admitted) })
	for _, e := range others[:len(others)+1-m.cfg.PerSubscriber] {
		m.closing(txn, e, ReasonLimit, now)
	}
	return nil
}
