package session

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"time"
)

const (
	// admitAttempts bounds how often a login is decided again because another
	// manager of the store changed the subscriber's sessions meanwhile.
	admitAttempts = 8
	// loginStripes is how many logins can be decided at once, at most.
	loginStripes = 1 << 12
	// guardLife is how long the record that tells one login of a subscriber from
	// another is kept. No login takes that long.
	guardLife = time.Minute
)

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
// be committed, its ID set, and may change Charging, Wake, Timeout and Interim. It may be called again, after a
// conflict, and other logins of the subscriber wait for it. Its error is returned, and
// nothing is committed.
func (m *Manager) AdmitWith(ctx context.Context, s Session, prepare func(*Session) error) (Session, error) {
	if subscriber := cmp.Or(s.IMSI, s.User); subscriber != "" {
		// Logins of one subscriber are decided one after the other: each has to see
		// what the last one made.
		lock := &m.logins[maphash.String(m.seed, subscriber)%loginStripes]
		lock.Lock()
		defer lock.Unlock()
	}
	var err error
	for range admitAttempts {
		var out Session
		if out, err = m.admit(ctx, s, prepare); !errors.Is(err, ErrConflict) {
			return out, err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return Session{}, err
}

func (m *Manager) admit(ctx context.Context, s Session, prepare func(*Session) error) (Session, error) {
	now := time.Now()
	var txn Txn
	entry := newLogin(s)
	if s.IMSI != "" || s.User != "" {
		guard, err := m.guard(ctx, &s, now) // before the others are looked at
		if err != nil {
			return Session{}, err
		}
		others, err := m.ofSubscriber(ctx, &s)
		if err != nil && !errors.Is(err, ErrDecode) { // a broken record is no reason to refuse
			return Session{}, err
		}
		if i := slices.IndexFunc(others, func(e *Entry) bool { return continues(&e.Session, &s) }); i >= 0 {
			entry = others[i]
			renew(&entry.Session, &s)
		} else if err := m.limit(&txn, &s, others, now); err != nil {
			return Session{}, err
		} else if guard.Key.Kind != 0 {
			txn.Record(guard)
		}
	}
	entry.Session.Admitted = now
	if prepare != nil {
		if err := prepare(&entry.Session); err != nil {
			return Session{}, err
		}
		if len(txn.raw) > 0 && time.Since(now) >= guardLife {
			return Session{}, ErrConflict // the guard may be gone
		}
	}
	txn.Put(entry)
	if _, err := m.Commit(ctx, &txn); err != nil {
		return Session{}, err
	}
	return entry.Session, nil
}

// newLogin returns the session that the login s begins.
func newLogin(s Session) *Entry {
	s.ID, s.State, s.Usage = NewID(), Admitted, Usage{}
	for _, t := range [...]*time.Time{&s.Started, &s.Updated, &s.Seen, &s.Active, &s.Stopped, &s.ClosingAt} {
		*t = time.Time{}
	}
	s.Cause, s.Closing, s.Accounting = 0, 0, nil
	return NewEntry(s)
}

// guard returns the change of a record that makes the commit of a new session fail if
// another manager of the store has admitted the subscriber since now: the session alone
// would conflict with nothing. It is empty where nothing is bounded.
func (m *Manager) guard(ctx context.Context, s *Session, now time.Time) (Put, error) {
	if m.cfg.PerSubscriber == 0 {
		return Put{}, nil
	}
	key := Key{KindMark, NamedID("login\x00" + cmp.Or(s.IMSI, s.User))}
	r, err := m.store.Get(ctx, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Put{}, err
	}
	return Put{Key: key, Expect: r.Version, Expires: now.Add(2 * guardLife)}, nil
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
	// Logins and accounting of a NAS may differ in what they say of it.
	return old.State == Admitted || sameNAS(old.NAS, s.NAS) && old.AP == s.AP && (old.SSID == s.SSID || old.SSID == "" || s.SSID == "")
}

// renew gives a session what another login of its station decided. What the login
// doesn't know stays.
func renew(old *Session, s *Session) {
	if old.State == Admitted {
		old.NAS, old.AP, old.SSID, old.Port, old.PortType = s.NAS, s.AP, s.SSID, s.Port, s.PortType
		old.Address, old.AccountID, old.MultiID = s.Address, s.AccountID, s.MultiID
	}
	old.IMSI, old.User, old.Class = cmp.Or(s.IMSI, old.IMSI), cmp.Or(s.User, old.User), cmp.Or(s.Class, old.Class)
	old.Home = cmp.Or(s.Home, old.Home)
	old.Method, old.Realm, old.Visited, old.Service, old.Group = s.Method, s.Realm, s.Visited, s.Service, s.Group
	old.Timeout, old.Idle, old.Interim = s.Timeout, s.Idle, s.Interim
	if s.Charging != nil {
		old.Charging = s.Charging
	}
	if !s.Wake.IsZero() {
		old.Wake = s.Wake
	}
}

// limit makes room for the session s beside others, or refuses it. Those that are
// closing don't count, nor do those of the same station: s is in their place, and accounting will
// end them.
func (m *Manager) limit(txn *Txn, s *Session, others []*Entry, now time.Time) error {
	if m.cfg.PerSubscriber == 0 {
		return nil
	}
	others = slices.DeleteFunc(others, func(e *Entry) bool {
		return e.Session.Closing != 0 || s.Station != "" && e.Session.Station == s.Station
	})
	if len(others) < m.cfg.PerSubscriber {
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
