package session

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCommitIsWhole(t *testing.T) {
	store := newTestStore()
	m := newTestManager(t, store, Config{})
	now := time.Now()
	e := NewEntry(Session{ID: NewID(), State: Open, IMSI: imsi1, Seen: now})
	require.True(t, e.IsNew())
	require.Zero(t, e.Was().State)
	key := Key{KindMark, NewID()}
	var txn Txn
	txn.Put(e)
	txn.Journal([]byte("one"))
	txn.Journal([]byte("two"))
	txn.Task(Task{Kind: 200, Data: []byte("d")})
	txn.Record(Put{Key: key, Value: []byte("v")})
	first, err := m.Commit(t.Context(), &txn)
	require.NoError(t, err)
	require.Equal(t, uint64(1), first)
	require.False(t, e.IsNew())
	require.Equal(t, e.Session, e.Was())
	r, err := m.Record(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, "v", string(r.Value))
	require.Equal(t, 1, count(t, store, KindTask))

	// The entry goes on, with the version that it has now.
	e.Session.Group = "g"
	txn.Reset()
	txn.Put(e)
	_, err = m.Commit(t.Context(), &txn)
	require.NoError(t, err)

	// One conflict, and nothing is made.
	stale, err := m.Get(t.Context(), e.Session.ID)
	require.NoError(t, err)
	account(t, m, e.Session.ID, nil)
	txn.Reset()
	txn.Put(NewEntry(Session{ID: NewID(), State: Open}))
	txn.Put(stale)
	txn.Journal([]byte("three"))
	_, err = m.Commit(t.Context(), &txn)
	require.ErrorIs(t, err, ErrConflict)
	require.Equal(t, 1, count(t, store, KindSession))
	last, err := store.Last(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(2), last)
}

func TestCommitOfTheIncomplete(t *testing.T) {
	m := newTestManager(t, newTestStore(), Config{})
	for _, s := range []Session{{}, {ID: NewID()}, {State: Open}, {ID: NewID(), State: Ended + 1}} {
		var txn Txn
		txn.Put(NewEntry(s))
		_, err := m.Commit(t.Context(), &txn)
		require.ErrorIs(t, err, errIncomplete)
	}
	var txn Txn
	e := NewEntry(Session{ID: NewID(), State: Open})
	txn.Put(e)
	txn.Put(e)
	_, err := m.Commit(t.Context(), &txn)
	require.ErrorIs(t, err, ErrInvalid)
}

// Hooks tell of what was committed, and of nothing else.
func TestChanged(t *testing.T) {
	store := &wrapped{Store: newTestStore()}
	type change struct{ before, after State }
	var got []change
	m := newTestManager(t, store, Config{Hooks: Hooks{Changed: func(_ context.Context, before, after *Session) {
		got = append(got, change{before.State, after.State})
	}}})
	s := begin(t, m, phone(imsi1, "a"))
	require.Equal(t, []change{{0, Admitted}, {Admitted, Open}}, got)

	e, err := m.Get(t.Context(), s.ID)
	require.NoError(t, err)
	store.commit = func(*Change) error { return ErrUnavailable }
	require.ErrorIs(t, m.End(t.Context(), e, ReasonNetwork), ErrUnavailable)
	require.Len(t, got, 2)
	require.Equal(t, Counts{Open: 1}, m.Counts())

	// After an outcome that is not known the entry is what it was: reading again tells.
	store.commit, store.after = nil, func(*Change) error { return ErrUncertain }
	e, err = m.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.ErrorIs(t, m.End(t.Context(), e, ReasonNetwork), ErrUncertain)
	require.Equal(t, Open, e.was.State)
	store.after = nil
	require.Equal(t, Ended, get(t, m, s.ID).State)
	var txn Txn
	txn.Put(e)
	_, err = m.Commit(t.Context(), &txn)
	require.ErrorIs(t, err, ErrConflict)
}

// Two managers of one store lose no update, and the differences that their hooks
// see add up.
func TestNoLostUpdate(t *testing.T) {
	store := newTestStore()
	var seen atomic.Uint64
	cfg := Config{Hooks: Hooks{Changed: func(_ context.Context, before, after *Session) {
		seen.Add(after.Usage.InputOctets - before.Usage.InputOctets)
	}}}
	ms := []*Manager{newTestManager(t, store, cfg), newTestManager(t, store, cfg)}
	s := begin(t, ms[0], phone(imsi1, "a"))
	var wg sync.WaitGroup
	const goroutines, each = 8, 200
	for i := range goroutines {
		wg.Go(func() {
			for range each {
				for {
					err := ms[i%2].Update(t.Context(), s.ID, func(txn *Txn, s *Session) (bool, error) {
						s.Usage.InputOctets++
						txn.Journal([]byte{1})
						return true, nil
					})
					if err == nil {
						break
					}
					if !errors.Is(err, ErrConflict) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, uint64(goroutines*each), get(t, ms[0], s.ID).Usage.InputOctets)
	require.Equal(t, uint64(goroutines*each), seen.Load())
	last, err := store.Last(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(goroutines*each), last)
}

// A change's octets are the manager's again after the commit. What a store has
// copied, and what the sessions say, must not depend on them.
func TestCommitOctetsAreUsedAgain(t *testing.T) {
	store := &wrapped{Store: newTestStore()}
	m := newTestManager(t, store, Config{})
	store.after = func(c *Change) error {
		for _, p := range c.Puts {
			clear(p.Value)
		}
		return nil
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				// Several in one change, and together longer than what is kept.
				var txn Txn
				var want []Session
				for j := range 5 {
					s := Session{ID: NewID(), State: Open, Class: strings.Repeat(string(rune('a'+g)), 10*i*(j+1)), Seen: time.UnixMilli(1e12).UTC()}
					want = append(want, s)
					txn.Put(NewEntry(s))
				}
				if _, err := m.Commit(context.Background(), &txn); err != nil {
					t.Error(err)
					return
				}
				for _, s := range want {
					e, err := m.Get(context.Background(), s.ID)
					if err != nil {
						t.Error(err)
						return
					}
					if e.Session.Class != s.Class {
						t.Error("another's octets")
					}
				}
			}
		})
	}
	wg.Wait()
}

// A session that moves is found where it is, and not where it was.
func TestTermsFollow(t *testing.T) {
	m := newTestManager(t, newTestStore(), Config{})
	s := begin(t, m, phone(imsi1, "a"))
	account(t, m, s.ID, func(s *Session) { s.Usage.InputOctets = 1 }) // same terms
	for where, n := range map[string]int{testAP: 1, "B": 0} {
		found, err := m.ByAP(t.Context(), where, 0)
		require.NoError(t, err)
		require.Len(t, found, n, where)
	}
	account(t, m, s.ID, func(s *Session) { s.AP = "B" })
	for where, n := range map[string]int{testAP: 0, "B": 1} {
		found, err := m.ByAP(t.Context(), where, 0)
		require.NoError(t, err)
		require.Len(t, found, n, where)
	}
}
