package pebblestore

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
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

// TestCompactionsLeaveReserve: a disk with a little more than the reserve is not for compactions,
// and the store goes on. When there is room they are made up for. What is compacted is where the
// journal was trimmed, which is in many tables: everything else is not written twice.
func TestCompactionsLeaveReserve(t *testing.T) {
	t.Parallel()
	s, disk := openWithRoom(t, testReserve+testReserve/8)
	l := newLoad(16)
	l.start(t, s)
	defer l.end()
	trim := func() {
		last, err := s.Last(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.TrimJournal(t.Context(), max(last, 1000)-1000))
	}
	waitFor(t, "nothing to compact", func() bool { trim(); return metrics(t, s).Compact.FailedCount >= 3 })
	l.progress(t, 200)
	require.Equal(t, Ready, s.State())
	require.Zero(t, disk.compacted.Load())
	disk.avail.Store(1 << 30)
	waitFor(t, "no compaction", func() bool {
		m := metrics(t, s)
		return disk.compacted.Load() > 0 && m.Compact.Count > m.Compact.FailedCount
	})
	l.end()
	require.Zero(t, l.uncertain.Load()+l.unavailable.Load())
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
		disk.avail.Store(testReserve / 16 * 9) // nor now
		l.start(t, s)
		waitFor(t, "it does not notice", func() bool { return l.unavailable.Load() > 0 && s.State() == NoSpace })
		l.end()
		promised := l.promises()
		if !before {
			l.check(t, s, promised)
			trim()
		}
		waitFor(t, "nothing is given back", func() bool { return metrics(t, s).DiskSpaceUsage() < 4<<20 })
		require.Zero(t, disk.compacted.Load())
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
