package pebblestore

import (
	"crypto/rand"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// roomFS is a file system with as much room as a test says, which counts what compactions write.
type roomFS struct {
	vfs.FS
	avail     atomic.Uint64
	compacted atomic.Int64
}

func (f *roomFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	avail := f.avail.Load()
	return vfs.DiskUsage{AvailBytes: avail, TotalBytes: 1 << 40, UsedBytes: 1<<40 - avail}, nil
}

func (f *roomFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	if err == nil && category == compactionCategory {
		file = countedFile{file, &f.compacted}
	}
	return file, err
}

type countedFile struct {
	vfs.File
	octets *atomic.Int64
}

func (f countedFile) Write(p []byte) (int, error) {
	f.octets.Add(int64(len(p)))
	return f.File.Write(p)
}

const testReserve = reserveTables * minMemTable

func openWithRoom(t *testing.T, avail uint64) (*Store, *roomFS) {
	t.Helper()
	disk := &roomFS{FS: vfs.NewMem()}
	disk.avail.Store(avail)
	cfg := small(disk)
	cfg.ReserveOctets = testReserve
	cfg.look = time.Millisecond
	return open(t, "db", cfg), disk
}

func metrics(t *testing.T, s *Store) *pebble.Metrics {
	t.Helper()
	e, err := s.reader()
	require.NoError(t, err)
	e.reading.RLock()
	defer e.reading.RUnlock()
	return e.db.Metrics()
}

// overlapping makes tables that have to be compacted, which those of a store don't, by putting keys
// that nobody reads behind its back.
func overlapping(t *testing.T, s *Store, octets int) {
	t.Helper()
	e, err := s.reader()
	require.NoError(t, err)
	value := make([]byte, octets)
	_, _ = rand.Read(value)
	require.NoError(t, e.db.Set([]byte("z"), value, pebble.Sync))
	require.NoError(t, e.db.Set([]byte("zz"), value, pebble.Sync))
	require.NoError(t, e.db.Flush())
}

// TestCompactionsLeaveReserve: a disk with a little more than the reserve is not for compactions,
// and the store goes on. When there is room they are made up for.
func TestCompactionsLeaveReserve(t *testing.T) {
	t.Parallel()
	s, disk := openWithRoom(t, testReserve+testReserve/8)
	l := newLoad(16)
	l.start(t, s)
	defer l.end()
	for range 20 {
		overlapping(t, s, minMemTable/4)
	}
	waitFor(t, "nothing to compact", func() bool { return metrics(t, s).Compact.CancelledCount >= 3 })
	l.progress(t, 200)
	require.Equal(t, Ready, s.State())
	compacted, m := disk.compacted.Load(), metrics(t, s)
	require.LessOrEqual(t, compacted, (m.Compact.CancelledCount+1)*minMemTable/16)
	l.end()
	disk.avail.Store(1 << 30)
	waitFor(t, "no compaction", func() bool { return metrics(t, s).Levels[0].Sublevels < 16 })
	l.check(t, s, l.promises())
	require.Zero(t, l.uncertain.Load()+l.unavailable.Load())
}

// TestSmallTablesStayFew: each table in memory that had a trim in it leaves a small table, and
// those are compacted however little room there is.
func TestSmallTablesStayFew(t *testing.T) {
	t.Parallel()
	s, _ := openWithRoom(t, testReserve+testReserve/8)
	for n := range uint64(1100) {
		_, err := s.Commit(t.Context(), &session.Change{Journal: [][]byte{{1}}})
		require.NoError(t, err)
		require.NoError(t, s.TrimJournal(t.Context(), n+1))
		require.NoError(t, s.view.Load().db.Flush())
	}
	waitFor(t, "tables stay", func() bool { return metrics(t, s).Levels[0].Sublevels < 100 })
	require.Zero(t, s.view.Load().logged.Load(), "one had to give up") // others are called off for what is excised
}

// TestFullWhileIdle: a disk that somebody else fills to the last block between two changes is noticed by the next,
// and not by a write.
func TestFullWhileIdle(t *testing.T) {
	t.Parallel()
	f := &faults{match: isKind(errorfs.OpFileWrite), err: syscall.ENOSPC}
	disk := &roomFS{FS: faulty(vfs.NewMem(), f)}
	disk.avail.Store(1 << 30)
	cfg := small(disk)
	cfg.ReserveOctets = testReserve
	s := open(t, dbDir, cfg)
	l := newLoad(1)
	for range 10 {
		require.NoError(t, l.step(t.Context(), s, 0))
	}
	f.on.Store(true)
	disk.avail.Store(0)
	time.Sleep(2 * spaceInterval)
	_, err := s.Commit(t.Context(), change(0, 11))
	require.ErrorIs(t, err, session.ErrUnavailable)
	waitFor(t, "it does not notice", func() bool { return s.State() == NoSpace })
	r, err := s.Get(t.Context(), recordKey(0, 0))
	require.NoError(t, err)
	require.EqualValues(t, 10, r.Version)
	require.Zero(t, f.hits.Load())
	f.on.Store(false)
	disk.avail.Store(1 << 30)
	waitFor(t, "it does not go on", func() bool { return s.State() == Ready })
	_, err = s.Commit(t.Context(), change(0, 11))
	require.NoError(t, err)
}

// TestLowWhileTablesWait: while tables in memory can't be written, the disk becomes low. Who asks is told so, what frees
// room is done, and the store can be closed.
func TestLowWhileTablesWait(t *testing.T) {
	t.Parallel()
	t.Run("goes on", func(t *testing.T) { testLowWhileTablesWait(t, false) })
	t.Run("is closed", func(t *testing.T) { testLowWhileTablesWait(t, true) })
}

func testLowWhileTablesWait(t *testing.T, closed bool) {
	t.Parallel()
	f := &faults{match: on(".sst", errorfs.OpFileWrite), err: syscall.ENOSPC}
	disk := &roomFS{FS: faulty(vfs.NewMem(), f)}
	disk.avail.Store(1 << 30)
	cfg := small(disk)
	cfg.ReserveOctets = testReserve
	s := open(t, dbDir, cfg)
	f.on.Store(true)
	l := newLoad(1)
	for metrics(t, s).MemTable.Count < memTables {
		require.NoError(t, l.step(t.Context(), s, 0))
	}
	disk.avail.Store(testReserve / 4 * 3)
	time.Sleep(2 * spaceInterval)
	_, err := s.Commit(t.Context(), change(0, 1)) // it would take a minute to be overdue
	require.ErrorIs(t, err, errNoSpace)
	last, err := s.Last(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.TrimJournal(t.Context(), last/2))
	waitFor(t, "it does not say so", func() bool { return s.State() == NoSpace })
	if closed {
		require.NoError(t, s.Close())
		f.on.Store(false)
		s = open(t, dbDir, small(disk.FS))
	}
	f.on.Store(false)
	disk.avail.Store(1 << 30)
	l.start(t, s)
	l.progress(t, 10)
	l.end()
	_, err = s.Get(t.Context(), recordKey(0, 0))
	require.NoError(t, err)
}

// TestTrimGivesBack: while the disk is nearly full, what is trimmed leaves it without a
// compaction, also if it was trimmed before.
func TestTrimGivesBack(t *testing.T) {
	t.Parallel()
	for _, before := range []bool{false, true} {
		s, disk := openWithRoom(t, testReserve+testReserve/8) // no compaction
		l := newLoad(16)
		l.start(t, s)
		defer l.end()
		waitFor(t, "nothing on the disk", func() bool { return metrics(t, s).DiskSpaceUsage() > 8<<20 })
		trim := func() {
			last, err := s.Last(t.Context())
			require.NoError(t, err)
			require.NoError(t, s.TrimJournal(t.Context(), last))
		}
		l.end()
		if before {
			trim()
		}
		disk.avail.Store(testReserve / 16 * 9)
		l.start(t, s)
		waitFor(t, "it does not notice", func() bool { return l.unavailable.Load() > 0 && s.State() == NoSpace })
		l.end()
		promised := l.promises()
		if !before {
			l.check(t, s, promised)
			trim()
		}
		waitFor(t, "nothing is given back", func() bool { return metrics(t, s).DiskSpaceUsage() < 4<<20 })
		require.Less(t, disk.compacted.Load(), int64(1<<20))
		disk.avail.Store(1 << 30)
		waitFor(t, "it does not go on", func() bool { return s.State() == Ready })

		// What was kept is there, after a crash too.
		versions := func(s *Store) (v []uint64) {
			for i := range l.writers {
				r, err := s.Get(t.Context(), recordKey(i, 0))
				require.NoError(t, err)
				require.GreaterOrEqual(t, r.Version, promised[i].acked)
				v = append(v, r.Version)
			}
			return v
		}
		want, last := versions(s), s.Stats().JournalLast
		require.NoError(t, s.Close())
		again := open(t, "db", small(disk.FS))
		require.Equal(t, want, versions(again))
		require.Equal(t, last, again.Stats().JournalLast)
		l.start(t, again)
		l.progress(t, 200)
		l.end()
	}
}

// TestTablesApart: no table has keys of two kinds, and none has to be written twice.
func TestTablesApart(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "db"), small(vfs.Default))
	l := newLoad(16)
	l.start(t, s)
	defer l.end()
	waitFor(t, "nothing on the disk", func() bool { return metrics(t, s).Flush.Count > 20 })
	l.end()
	require.Zero(t, metrics(t, s).Total().TableBytesCompacted)
	e, err := s.reader()
	require.NoError(t, err)
	levels, err := e.db.SSTables()
	require.NoError(t, err)
	tables := 0
	for _, level := range levels {
		for _, table := range level {
			tables++
			require.Equal(t, table.Smallest.UserKey[0], table.Largest.UserKey[0])
		}
	}
	require.Greater(t, tables, 2)
}
