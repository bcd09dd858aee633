package pebblestore

import (
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// openWithoutTables opens a store on a disk with room that can't write tables while f is on.
func openWithoutTables(t *testing.T, closeTimeout time.Duration) (*Store, *roomFS, *faults) {
	t.Helper()
	f := &faults{match: on(".sst", errorfs.OpFileWrite), err: syscall.ENOSPC}
	disk := &roomFS{FS: faulty(vfs.NewMem(), f)}
	disk.avail.Store(1 << 30)
	cfg := small(disk)
	cfg.ReserveOctets, cfg.closeTimeout, cfg.look = testReserve, closeTimeout, time.Millisecond
	return open(t, dbDir, cfg), disk, f
}

// fillMemory commits until Pebble would wait with another table in memory, while tables can't be written.
func fillMemory(t *testing.T, s *Store) {
	t.Helper()
	l := newLoad(1)
	for metrics(t, s).MemTable.Count < memTables {
		require.NoError(t, l.step(t.Context(), s, 0))
	}
}

func trimAll(t *testing.T, s *Store) {
	t.Helper()
	last, err := s.Last(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.TrimJournal(t.Context(), last+1))
}

// waitForNoJournal waits until the database has nothing of the journal, in memory or on the disk.
func waitForNoJournal(t *testing.T, s *Store) {
	t.Helper()
	waitFor(t, "the journal stays", func() bool {
		it, err := s.view.Load().db.NewIter(nil)
		require.NoError(t, err)
		defer it.Close()
		return !it.SeekGE(journalBegin) || it.Key()[0] != prefixJournal
	})
}

// TestLowAndTrimmed: what was trimmed while there was room is given back when there is little, though
// nobody asks the store for anything.
func TestLowAndTrimmed(t *testing.T) {
	t.Parallel()
	s, disk, _ := openWithoutTables(t, time.Minute)
	l := newLoad(1)
	for range 100 {
		require.NoError(t, l.step(t.Context(), s, 0))
	}
	trimAll(t, s)
	require.Zero(t, metrics(t, s).Flush.Count)
	disk.avail.Store(testReserve / 4 * 3)
	waitForNoJournal(t, s)
}

// TestFlushIsMadeUpFor: a table in memory that could not be written without waiting is written after those
// before it.
func TestFlushIsMadeUpFor(t *testing.T) {
	t.Parallel()
	s, disk, f := openWithoutTables(t, time.Minute)
	f.on.Store(true)
	fillMemory(t, s)
	disk.avail.Store(testReserve / 4 * 3)
	waitFor(t, "it does not notice", func() bool { return s.State() == NoSpace })
	trimAll(t, s)
	waitFor(t, "nobody wants to", func() bool {
		e := s.view.Load()
		return e.flushWanted.Load() && !e.flushing.Load()
	})
	f.on.Store(false)
	waitForNoJournal(t, s)
}

// TestCloseHasALimit: Close does not wait for a flush that waits for a disk.
func TestCloseHasALimit(t *testing.T) {
	t.Parallel()
	s, _, f := openWithoutTables(t, 50*time.Millisecond)
	f.on.Store(true)
	fillMemory(t, s)
	e := s.view.Load()
	stuck := make(chan error, 1)
	go func() { // as flush would if tables had come to wait after it looked
		stuck <- e.whileOpen(func() error {
			_, err := e.db.AsyncFlush()
			return err
		})
	}()
	waitFor(t, "the database is not in use", func() bool {
		if e.reading.TryLock() {
			e.reading.Unlock()
			return false
		}
		return true
	})
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		require.NoError(t, err)
	case <-time.After(2 * time.Minute):
		f.on.Store(false)
		require.Fail(t, "Close waits")
	}
	require.NoError(t, <-stuck)
}

// TestFailedOpenEndsWhatItBegan: no goroutine offers compactions to a database that was not opened.
func TestFailedOpenEndsWhatItBegan(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := open(t, dbDir, small(mem))
	l := newLoad(4)
	l.start(t, s)
	l.progress(t, 500)
	l.end()
	require.NoError(t, s.Close())
	failed := 0
	for n := int64(1); n < 200; n++ {
		var count atomic.Int64
		f := &faults{err: syscall.EIO, match: func(op errorfs.Op, _ string) bool {
			return op.Kind != errorfs.OpLock && count.Add(1) >= n
		}}
		f.on.Store(true)
		s, err := Open(dbDir, small(faulty(mem.CrashClone(vfs.CrashCloneCfg{}), f)))
		f.on.Store(false)
		if err == nil {
			require.NoError(t, s.Close())
			continue
		}
		failed++
	}
	require.Positive(t, failed)
	waitFor(t, "goroutines stay", func() bool {
		var b strings.Builder
		require.NoError(t, pprof.Lookup("goroutine").WriteTo(&b, 1))
		return !strings.Contains(b.String(), "(*compactor)")
	})
}
