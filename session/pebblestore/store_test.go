package pebblestore

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/sessiontest"
)

// dbDir is where the database is in file systems in memory.
const dbDir = "data"

// small is for tests: little memory, and no long waits; but a write may take as long as it does
// on a machine that stalls.
func small(fs vfs.FS) Config {
	return Config{
		fs:             fs,
		MemTableOctets: minMemTable,
		ReserveOctets:  -1,
		CommitTimeout:  time.Minute,
		firstRetry:     time.Millisecond,
		maxRetry:       20 * time.Millisecond,
	}
}

func open(t testing.TB, dir string, cfg Config) *Store {
	t.Helper()
	s, err := Open(dir, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestContract has the contract of stores tested on files, with a store that is
// closed and opened.
func TestContract(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, sessiontest.Harness{
		Async: true,
		Open:  func(t testing.TB) session.Store { return open(t, t.TempDir(), small(vfs.Default)) },
		Reopen: func(t testing.TB, s session.Store) session.Store {
			require.NoError(t, s.Close())
			return open(t, s.(*Store).dir, small(vfs.Default))
		},
	})
}

// TestContractPowerCut has it tested in memory that forgets, when the power is cut, some of
// what was not synced, and that can be full.
func TestContractPowerCut(t *testing.T) {
	t.Parallel()
	cfg := func(mem *vfs.MemFS) Config {
		cfg := small(mem)
		cfg.ReserveOctets = 1 << 20
		cfg.look = 5 * time.Millisecond
		mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 30})
		return cfg
	}
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(1, 1))
	sessiontest.Run(t, sessiontest.Harness{
		Async: true,
		Open:  func(t testing.TB) session.Store { return open(t, dbDir, cfg(vfs.NewCrashableMem())) },
		Reopen: func(t testing.TB, s session.Store) session.Store {
			mu.Lock()
			defer mu.Unlock()
			crash := vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(2) * rng.IntN(101), RNG: rng}
			return open(t, dbDir, cfg(s.(*Store).cfg.fs.(*vfs.MemFS).CrashClone(crash)))
		},
		Break: func(t testing.TB, s session.Store) (mend func()) {
			mem := s.(*Store).cfg.fs.(*vfs.MemFS)
			mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1000, TotalBytes: 1 << 30})
			time.Sleep(2 * spaceInterval)
			return func() { mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 30}) }
		},
	})
}

// TestOpenTwice: a directory has one store.
func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, small(vfs.Default))
	_, err := Open(dir, Config{})
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	open(t, dir, small(vfs.Default))

	blocked := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(blocked, "LOCK"), 0o700))
	_, err = Open(blocked, Config{})
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrLocked)
}

// TestOtherFormat: what another version wrote is left alone.
func TestOtherFormat(t *testing.T) {
	for _, other := range []byte{format - 1, format + 1} {
		mem := vfs.NewMem()
		s := open(t, dbDir, small(mem))
		e := s.view.Load()
		require.NoError(t, e.db.Set(formatKey, []byte{other}, nil))
		require.NoError(t, s.Close())
		_, err := Open(dbDir, small(mem))
		require.ErrorIs(t, err, ErrFormat)
		require.ErrorContains(t, err, "another version")
	}
}

// TestDamage: a record that can't be read is an error, not a record less.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name       string
		key, value []byte
		want       error
	}{
		{"record", appendLogKey(nil, 7), appendLogged(nil, loggedChange{recordKey(1, 1), []byte{1}}), errBadRecord},
		{"record's terms", appendLogKey(nil, 7), appendLogged(nil, loggedChange{recordKey(1, 1), append(make([]byte, recordHead-1), 1)}), errBadRecord},
		{"log", appendLogKey(nil, 7), appendRemoval(nil, recordKey(1, 1))[:17], errBadLog},
		{"log's key", logBegin, nil, errBadLog},
		{"journal", appendJournalKey(nil, 7), []byte{9, 1}, errBadJournal},
		{"journal's key", journalBegin, []byte{1, 1}, errBadJournal},
		{"trim", trimKey, []byte{1}, errBadState},
		{"format", formatKey, []byte{0}, ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewMem()
			s := open(t, dbDir, small(mem))
			require.NoError(t, s.view.Load().db.Set(c.key, c.value, nil))
			require.NoError(t, s.Close())
			_, err := Open(dbDir, small(mem))
			require.ErrorIs(t, err, c.want)
		})
	}
}

// TestExpiredAreRemoved: what has expired leaves memory, and is not there again, whether the store
// was open meanwhile or not.
func TestExpiredAreRemoved(t *testing.T) {
	t.Parallel()
	mem := vfs.NewCrashableMem()
	s := open(t, dbDir, small(mem))
	const many = 200
	for n := range many {
		c := change(n, 1)
		c.Puts[0].Expires = time.Now().Add(time.Second)
		_, err := s.Commit(t.Context(), c)
		require.NoError(t, err)
	}
	before := mem.CrashClone(vfs.CrashCloneCfg{})
	waitFor(t, "expired records stay", func() bool { return s.Stats().Records == many })
	after := mem.CrashClone(vfs.CrashCloneCfg{})
	for _, disk := range []vfs.FS{before, after} {
		require.Equal(t, many, open(t, dbDir, small(disk)).Stats().Records)
	}
}

// TestTrimFreesTheDisk: trimming takes whole tables away, and shows no entry of
// those that it had to leave, also once the database has been opened again.
func TestTrimFreesTheDisk(t *testing.T) {
	mem := vfs.NewMem()
	s := open(t, dbDir, small(mem))
	for range 2 {
		for range 25 {
			_, err := s.Commit(t.Context(), &session.Change{Journal: [][]byte{{1}, {2}, {3}, {4}}})
			require.NoError(t, err)
		}
		require.NoError(t, s.view.Load().db.Flush())
	}
	kept := func(first uint64) {
		t.Helper()
		next := first
		require.NoError(t, s.ReadJournal(t.Context(), 0, func(seq uint64, entry []byte) bool {
			require.Equal(t, next, seq)
			require.Equal(t, byte((seq-1)%4+1), entry[0])
			next++
			return true
		}))
		require.EqualValues(t, 201, next)
		st := s.Stats()
		require.Equal(t, first, st.JournalFirst)
		require.EqualValues(t, 200, st.JournalLast)
		require.Positive(t, st.DiskOctets)
	}
	onDisk := func() uint64 {
		it, err := s.view.Load().db.NewIter(nil)
		require.NoError(t, err)
		defer it.Close()
		require.True(t, it.SeekGE(journalBegin))
		first, err := parseJournalKey(it.Key())
		require.NoError(t, err)
		return first
	}
	require.NoError(t, s.TrimJournal(t.Context(), 102))
	kept(102)
	waitFor(t, "it stays on the disk", func() bool { return onDisk() == 101 })
	require.NoError(t, s.TrimJournal(t.Context(), 150))
	kept(150)
	require.NoError(t, s.Close())
	s = open(t, dbDir, small(mem))
	kept(150)
	require.EqualValues(t, 101, onDisk())
	require.NoError(t, s.TrimJournal(t.Context(), 201))
	waitFor(t, "it stays on the disk", func() bool {
		levels, err := s.view.Load().db.SSTables()
		require.NoError(t, err)
		return !slices.ContainsFunc(slices.Concat(levels...), func(table pebble.SSTableInfo) bool {
			return table.Largest.UserKey[0] == prefixJournal
		})
	})
	require.NoError(t, s.Close())
	s = open(t, dbDir, small(mem))
	require.EqualValues(t, 200, s.Stats().JournalLast)
}

func TestValidate(t *testing.T) {
	require.NoError(t, Config{}.Validate())
	for field, c := range map[string]Config{
		"MaxRecords":     {MaxRecords: -1},
		"MaxQueue":       {MaxQueue: -1},
		"CommitTimeout":  {CommitTimeout: -1},
		"MemTableOctets": {MemTableOctets: 1},
	} {
		require.ErrorContains(t, c.Validate(), field)
		_, err := Open(t.TempDir(), c)
		require.Error(t, err)
	}
	// A small disk gets small tables, and a reserve to go with them.
	require.EqualValues(t, 64<<20, Config{}.withDefaults(1<<40).MemTableOctets)
	require.EqualValues(t, 256<<20, Config{}.withDefaults(0).ReserveOctets)
	require.EqualValues(t, 1<<20, Config{}.withDefaults(64<<20).MemTableOctets)
	require.EqualValues(t, 4<<20, Config{}.withDefaults(64<<20).ReserveOctets)
}
