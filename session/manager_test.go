package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// wrapped is a store that does what a test wants. Unlike the store in memory it looks at contexts.
type wrapped struct {
	Store
	commit func(c *Change) error // nil or nil's result: as the store does
	after  func(c *Change) error // its result replaces nil
}

func (w *wrapped) Commit(ctx context.Context, c *Change) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if w.commit != nil {
		if err := w.commit(c); err != nil {
			return 0, err
		}
	}
	first, err := w.Store.Commit(ctx, c)
	if err == nil && w.after != nil {
		err = w.after(c)
	}
	return first, err
}

func newTestStore() *MemoryStore { return NewMemoryStore(MemoryConfig{MaxRecords: 1 << 17}) }

func newTestManager(tb testing.TB, store Store, cfg Config) *Manager {
	tb.Helper()
	m, err := NewManager(store, cfg)
	require.NoError(tb, err)
	require.NoError(tb, m.Load(tb.Context()))
	return m
}

// notes are what other goroutines have seen.
type notes[T any] struct {
	mu   sync.Mutex
	list []T
}

// add returns how many there are now.
func (n *notes[T]) add(v T) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, v)
	return len(n.list)
}

func (n *notes[T]) all() []T {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.list)
}

// output is what a log is written to.
type output struct {
	mu sync.Mutex
	bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.String()
}

// running runs m until the function returned is called.
func running(t *testing.T, m *Manager) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

// pass lets time pass, and what is to happen then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

var testNAS = NAS{Source: netip.MustParseAddr("192.0.2.1"), Identifier: "ap1"}

const testAP = "00-10-A4-23-19-C0"

// phone is a login of the subscriber from a station.
func phone(imsi, station string) Session {
	return Session{IMSI: imsi, Station: station, NAS: testNAS, AP: testAP, SSID: "carrier", Interim: 10 * time.Minute}
}

func admit(t *testing.T, m *Manager, s Session) Session {
	t.Helper()
	out, err := m.Admit(t.Context(), s)
	require.NoError(t, err)
	return out
}

// account commits what an accounting event would: change may be nil.
func account(t *testing.T, m *Manager, id ID, change func(s *Session)) {
	t.Helper()
	e, err := m.Get(t.Context(), id)
	require.NoError(t, err)
	s, now := &e.Session, time.Now()
	if s.State == Admitted {
		s.State, s.Started, s.Active = Open, now, now
		s.AccountID = "A-" + id.String()
	}
	s.Updated, s.Seen = now, now
	if change != nil {
		change(s)
	}
	var txn Txn
	txn.Put(e)
	_, err = m.Commit(t.Context(), &txn)
	require.NoError(t, err)
}

// begin admits a session and starts it.
func begin(t *testing.T, m *Manager, s Session) Session {
	t.Helper()
	s = admit(t, m, s)
	account(t, m, s.ID, nil)
	return get(t, m, s.ID)
}

func get(t *testing.T, m *Manager, id ID) Session {
	t.Helper()
	e, err := m.Get(t.Context(), id)
	require.NoError(t, err)
	return e.Session
}

func count(t *testing.T, s Store, kind Kind) int {
	t.Helper()
	n := 0
	require.NoError(t, s.Scan(t.Context(), kind, func(Record) bool { n++; return true }))
	return n
}

// putBad puts a record that can't be decoded.
func putBad(t *testing.T, s Store, kind Kind, terms ...Term) {
	t.Helper()
	_, err := s.Commit(t.Context(), &Change{Puts: []Put{{Key: Key{kind, NewID()}, Terms: terms, Value: []byte{99, byte(Open), 1}, Due: time.Now()}}})
	require.NoError(t, err)
}

func TestFind(t *testing.T) {
	store := newTestStore()
	m := newTestManager(t, store, Config{})
	login := phone("001010000000001", "02-00-00-00-00-01")
	login.User, login.Address = "0001@wlan.example", netip.MustParseAddr("198.51.100.7")
	s := begin(t, m, login)
	other := begin(t, m, Session{IMSI: "001010000000002", User: "b", Station: "02-00-00-00-00-02", AP: "x", NAS: NAS{Source: testNAS.Source, Identifier: "ap2"}})

	ctx := t.Context()
	bySource := NAS{Source: testNAS.Source, Identifier: "ap1", Addr: netip.MustParseAddr("203.0.113.1")} // the same NAS
	for name, find := range map[string]func() ([]*Entry, error){
		"subscriber":                  func() ([]*Entry, error) { return m.BySubscriber(ctx, s.IMSI) },
		"user":                        func() ([]*Entry, error) { return m.ByUser(ctx, s.User) },
		"station in another notation": func() ([]*Entry, error) { return m.ByStation(ctx, "0200.0000.0001") },
		"AP with SSID":                func() ([]*Entry, error) { return m.ByAP(ctx, "00:10:a4:23:19:c0:carrier", 0) },
		"NAS":                         func() ([]*Entry, error) { return m.ByNAS(ctx, bySource, 0, nil) },
		"NAS and state": func() ([]*Entry, error) {
			return m.ByNAS(ctx, testNAS, 0, func(s *Session) bool { return s.State == Open })
		},
		"address":         func() ([]*Entry, error) { return m.ByAddress(ctx, netip.MustParseAddr("::ffff:198.51.100.7")) },
		"Acct-Session-Id": func() ([]*Entry, error) { return m.ByAccount(ctx, bySource, s.AccountID) },
	} {
		found, err := find()
		require.NoError(t, err, name)
		require.Len(t, found, 1, name)
		require.Equal(t, s.ID, found[0].Session.ID, name)
		require.Equal(t, found[0].Session, found[0].Was(), name)
	}
	none, err := m.ByNAS(ctx, testNAS, 0, func(s *Session) bool { return s.State == Admitted })
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = m.Get(ctx, NewID())
	require.ErrorIs(t, err, ErrNotFound)

	// One that has ended is found by what its NAS may repeat, and by nothing else.
	e, err := m.Get(ctx, s.ID)
	require.NoError(t, err)
	require.NoError(t, m.End(ctx, e, ReasonNetwork))
	for _, find := range []func() ([]*Entry, error){
		func() ([]*Entry, error) { return m.BySubscriber(ctx, s.IMSI) },
		func() ([]*Entry, error) { return m.ByStation(ctx, s.Station) },
		func() ([]*Entry, error) { return m.ByAP(ctx, testAP, 0) },
	} {
		found, err := find()
		require.NoError(t, err)
		require.Empty(t, found)
	}
	found, err := m.ByAccount(ctx, testNAS, s.AccountID)
	require.NoError(t, err)
	require.Len(t, found, 1)

	var all []ID
	require.NoError(t, m.All(ctx, func(s *Session) bool { all = append(all, s.ID); return true }))
	require.Equal(t, []ID{other.ID}, all)

	// It goes on after all, and is found again.
	account(t, m, s.ID, func(s *Session) { s.State, s.Closing = Open, 0 })
	found, err = m.BySubscriber(ctx, s.IMSI)
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestFindIsBounded(t *testing.T) {
	m := newTestManager(t, newTestStore(), Config{})
	for i := range 5 {
		admit(t, m, phone("00101000000000"+string(rune('1'+i)), "station "+string(rune('1'+i))))
	}
	found, err := m.ByAP(t.Context(), testAP, 3)
	require.NoError(t, err)
	require.Len(t, found, 3)
	found, err = m.ByNAS(t.Context(), testNAS, 2, nil)
	require.NoError(t, err)
	require.Len(t, found, 2)
}

// What can't be read hides nothing else; and the store's own failure is not
// mistaken for it.
func TestBadRecord(t *testing.T) {
	var log output
	store := newTestStore()
	m := newTestManager(t, store, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	s := admit(t, m, phone("001010000000001", "x"))
	putBad(t, store, KindSession, NewTerm(IndexIMSI, s.IMSI))

	found, err := m.BySubscriber(t.Context(), s.IMSI)
	require.ErrorIs(t, err, ErrDecode)
	require.Len(t, found, 1)
	n := 0
	require.NoError(t, m.All(t.Context(), func(*Session) bool { n++; return true }))
	require.Equal(t, 1, n)
	require.Contains(t, log.String(), logBadRecord)
	require.Equal(t, s.ID, admit(t, m, phone("001010000000001", "x")).ID)

	require.NoError(t, store.Close())
	_, err = m.BySubscriber(t.Context(), s.IMSI)
	require.ErrorIs(t, err, ErrClosed)
	require.NotErrorIs(t, err, ErrDecode)
}

func TestCounts(t *testing.T) {
	store := newTestStore()
	m := newTestManager(t, store, Config{})
	require.Equal(t, Counts{}, m.Counts())
	a := admit(t, m, phone("001010000000001", "a"))
	b := begin(t, m, phone("001010000000002", "b"))
	begin(t, m, phone("001010000000003", "c"))
	require.Equal(t, Counts{Admitted: 1, Open: 2}, m.Counts())
	for _, id := range []ID{a.ID, b.ID} {
		e, err := m.Get(t.Context(), id)
		require.NoError(t, err)
		require.NoError(t, m.End(t.Context(), e, ReasonNetwork))
		require.NoError(t, m.End(t.Context(), e, ReasonNetwork)) // has ended
	}
	require.Equal(t, Counts{Open: 1}, m.Counts())
	require.Equal(t, Counts{Open: 1}, newTestManager(t, store, Config{}).Counts())
	require.NoError(t, m.Load(t.Context()))
	require.Equal(t, Counts{Open: 1}, m.Counts(), "loading again counts nothing twice")

	// What another manager admitted and this one ends must not count below nothing.
	late := newTestManager(t, newTestStore(), Config{})
	late.changed(t.Context(), &Session{State: Open}, &Session{State: Ended})
	require.Equal(t, Counts{}, late.Counts())
}

func TestConfig(t *testing.T) {
	for field, cfg := range map[string]Config{
		"AdmitTimeout": {AdmitTimeout: -1}, "Grace": {Grace: -1}, "Linger": {Linger: -1}, "TaskAge": {TaskAge: -1}, "Sweep": {Sweep: -1},
		"PerSubscriber": {PerSubscriber: -1}, "Silence": {Silence: -1}, "Workers": {Workers: -1}, "MaxAPs": {MaxAPs: -1}, "OnLimit": {OnLimit: 2},
	} {
		_, err := NewManager(newTestStore(), cfg)
		require.ErrorContains(t, err, field)
	}
	_, err := NewManager(newTestStore(), Config{MaxSilence: -1})
	require.NoError(t, err)
	for r := Reason(0); r <= ReasonCredit; r++ {
		require.NotEqual(t, "invalid", r.String())
	}
	require.Equal(t, "invalid", (ReasonCredit + 1).String())
	require.Equal(t, "admitted open ended invalid", strings.Join([]string{Admitted.String(), Open.String(), Ended.String(), State(0).String()}, " "))
}

func TestIDText(t *testing.T) {
	id := NewID()
	got, err := ParseID(id.String())
	require.NoError(t, err)
	require.Equal(t, id, got)
	for _, bad := range []string{"", id.String()[1:], "x" + id.String()[1:]} {
		_, err := ParseID(bad)
		require.Error(t, err, bad)
	}
}

// After Run nothing is left running, whatever the store does.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		var log output
		m := newTestManager(t, store, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		require.NoError(t, store.Close())
		stop := running(t, m)
		pass(30 * time.Minute)
		stop()
		lines := strings.Count(log.String(), logSweepFailed)
		require.Greater(t, lines, 1)
		require.LessOrEqual(t, lines, 31, "once a minute is enough")
	})
}

func TestUpdate(t *testing.T) {
	store := &wrapped{Store: newTestStore()}
	m := newTestManager(t, store, Config{})
	s := admit(t, m, phone("001010000000001", "a"))
	conflicts := 0
	store.commit = func(*Change) error {
		if conflicts++; conflicts <= 2 {
			return ErrConflict
		}
		return nil
	}
	calls := 0
	require.NoError(t, m.Update(t.Context(), s.ID, func(_ *Txn, s *Session) (bool, error) {
		calls++
		require.Empty(t, s.Group, "as it is in the store")
		s.Group = "g"
		return true, nil
	}))
	require.Equal(t, 3, calls)
	require.Equal(t, "g", get(t, m, s.ID).Group)
	require.NoError(t, m.Update(t.Context(), s.ID, func(_ *Txn, s *Session) (bool, error) { s.Group = "no"; return false, nil }))
	require.Equal(t, "g", get(t, m, s.ID).Group)
	mine := errors.New("mine")
	require.ErrorIs(t, m.Update(t.Context(), s.ID, func(*Txn, *Session) (bool, error) { return true, mine }), mine)
	require.ErrorIs(t, m.Update(t.Context(), NewID(), nil), ErrNotFound)
	store.commit = func(*Change) error { return ErrConflict }
	require.ErrorIs(t, m.Update(t.Context(), s.ID, func(*Txn, *Session) (bool, error) { return true, nil }), ErrConflict)
}
