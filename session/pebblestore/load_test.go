package pebblestore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// load is writers that commit as fast as they can and remember what they were
// promised. Each has two records that it gives one version after the other,
// and with each change an entry in the journal.
type load struct {
	writers []writer
	acks    atomic.Int64
	stop    atomic.Bool
	wg      sync.WaitGroup
	// acked, if not nil, is called when a change has been acknowledged.
	acked func(writer int, version, seq uint64)
	// failed counts errors.
	uncertain, unavailable atomic.Int64
}

type writer struct {
	mu sync.Mutex
	// Guarded by mu:
	acked, tried uint64   // versions
	seqs         []uint64 // of the entries of acknowledged changes
}

func newLoad(writers int) *load { return &load{writers: make([]writer, writers)} }

func recordKey(writer, half int) session.Key {
	var id session.ID
	binary.BigEndian.PutUint32(id[:], uint32(writer)*0x9e3779b9)
	id[14], id[15] = byte(half), 1
	return session.Key{Kind: session.KindSession, ID: id}
}

func entryOf(writer int, version uint64) []byte {
	b := fmt.Appendf(nil, "%d/%d/", writer, version)
	return append(b, make([]byte, 50+(version*37+uint64(writer)*11)%500)...)
}

func change(writer int, version uint64) *session.Change {
	value := make([]byte, 200+(version*31)%300)
	binary.BigEndian.PutUint64(value, version)
	c := &session.Change{Journal: [][]byte{entryOf(writer, version)}}
	for half := range 2 {
		c.Puts = append(c.Puts, session.Put{
			Key: recordKey(writer, half), Expect: version - 1, Value: value,
			Terms: []session.Term{session.Term(writer)}, SameTerms: version > 1,
		})
	}
	return c
}

// start has the writers commit to s until end is called.
func (l *load) start(t testing.TB, s *Store) {
	l.stop.Store(false)
	for i := range l.writers {
		l.wg.Go(func() {
			for !l.stop.Load() {
				if err := l.step(t.Context(), s, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
}

func (l *load) end() {
	l.stop.Store(true)
	l.wg.Wait()
}

// step makes one change, or finds out whether the one before was made.
func (l *load) step(ctx context.Context, s *Store, i int) error {
	w := &l.writers[i]
	w.mu.Lock()
	version := w.acked + 1
	w.tried = version
	w.mu.Unlock()
	first, err := s.Commit(ctx, change(i, version))
	switch {
	case err == nil:
		w.mu.Lock()
		w.acked = version
		w.seqs = append(w.seqs, first)
		w.mu.Unlock()
		l.acks.Add(1)
		if l.acked != nil {
			l.acked(i, version, first)
		}
		return nil
	case errors.Is(err, session.ErrClosed):
		l.stop.Store(true)
		return nil
	case errors.Is(err, session.ErrUnavailable):
		l.unavailable.Add(1)
		time.Sleep(time.Millisecond)
		return nil
	case errors.Is(err, session.ErrUncertain):
		l.uncertain.Add(1)
	default:
		return fmt.Errorf("writer %d: %w", i, err)
	}
	for !l.stop.Load() {
		r, err := s.Get(ctx, recordKey(i, 0))
		switch {
		case errors.Is(err, session.ErrUnavailable), errors.Is(err, session.ErrClosed):
			time.Sleep(time.Millisecond)
			continue
		case err != nil && !errors.Is(err, session.ErrNotFound):
			return err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if r.Version != version && r.Version != version-1 {
			return fmt.Errorf("writer %d: version %d after %d was uncertain", i, r.Version, version)
		}
		w.acked = r.Version
		return nil
	}
	return nil
}

// promise is what a writer was promised at some moment.
type promise struct {
	acked uint64
	seqs  []uint64
}

func (l *load) promises() []promise {
	all := make([]promise, len(l.writers))
	for i := range l.writers {
		w := &l.writers[i]
		w.mu.Lock()
		all[i] = promise{w.acked, w.seqs[:len(w.seqs):len(w.seqs)]}
		w.mu.Unlock()
	}
	return all
}

// check requires that the promises were kept, and that there is no half change.
func (l *load) check(t testing.TB, s *Store, promised []promise) {
	t.Helper()
	entries := make([][]uint64, len(l.writers)) // sequence numbers of versions 1, 2, ...
	next := uint64(1)
	require.NoError(t, s.ReadJournal(t.Context(), 1, func(seq uint64, entry []byte) bool {
		if seq != next {
			require.Equal(t, next, seq, "a gap in the journal")
		}
		next++
		var i int
		var version uint64
		if _, err := fmt.Sscanf(string(entry), "%d/%d/", &i, &version); err != nil || !bytes.Equal(entryOf(i, version), entry) {
			require.FailNow(t, "a damaged entry", "%q", entry)
		}
		if version != uint64(len(entries[i])+1) {
			require.FailNow(t, "entries of a writer have a gap, or one twice", "writer %d, version %d", i, version)
		}
		entries[i] = append(entries[i], seq)
		return true
	}))
	last, err := s.Last(t.Context())
	require.NoError(t, err)
	require.Equal(t, next-1, last)
	for i := range l.writers {
		var versions [2]uint64
		for half := range 2 {
			r, err := s.Get(t.Context(), recordKey(i, half))
			if !errors.Is(err, session.ErrNotFound) {
				require.NoError(t, err)
				require.Equal(t, change(i, r.Version).Puts[half].Value, r.Value)
			}
			versions[half] = r.Version
		}
		require.Equal(t, versions[0], versions[1], "half a change of writer %d", i)
		require.Len(t, entries[i], int(versions[0]), "records and entries of writer %d", i)
		require.GreaterOrEqual(t, versions[0], promised[i].acked, "a lost change of writer %d", i)
		for _, seq := range promised[i].seqs {
			if _, there := slices.BinarySearch(entries[i], seq); !there {
				require.FailNow(t, "a lost entry", "writer %d, entry %d", i, seq)
			}
		}
		found := 0
		require.NoError(t, s.Find(t.Context(), session.Term(i), func(session.Record) bool { found++; return true }))
		require.Equal(t, min(int(versions[0]), 1)*2, found)
	}
}

// waitFor waits until cond is true: long, since how fast a machine is, is not what
// it is asked for.
func waitFor(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !cond(); time.Sleep(time.Millisecond) {
		require.False(t, time.Now().After(deadline), what)
	}
}

// progress waits for some more acknowledged changes.
func (l *load) progress(t testing.TB, n int64) {
	t.Helper()
	n += l.acks.Load()
	waitFor(t, "no progress", func() bool { return l.acks.Load() >= n })
}
