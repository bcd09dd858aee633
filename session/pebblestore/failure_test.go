package pebblestore

import (
	"errors"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// faults fails what its match says while it is on.
type faults struct {
	on    atomic.Bool
	match func(op errorfs.Op, file string) bool
	hits  atomic.Int64
	err   error
}

func (f *faults) String() string { return "faults" }

func (f *faults) MaybeError(op errorfs.Op) error {
	if f.on.Load() && f.match(op, path.Base(op.Path)) {
		f.hits.Add(1)
		return f.err
	}
	return nil
}

// faulty wraps fs. Package errorfs does not wrap files that are used again.
func faulty(fs vfs.FS, f *faults) vfs.FS { return reusing{errorfs.Wrap(fs, f)} }

type reusing struct{ vfs.FS }

func (r reusing) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := r.Rename(oldname, newname); err != nil {
		return nil, err
	}
	return r.OpenReadWrite(newname, category)
}

func isKind(kinds ...errorfs.OpKind) func(errorfs.Op, string) bool {
	return func(op errorfs.Op, _ string) bool {
		for _, k := range kinds {
			if op.Kind == k {
				return true
			}
		}
		return false
	}
}

func on(suffix string, kinds ...errorfs.OpKind) func(errorfs.Op, string) bool {
	is := isKind(kinds...)
	return func(op errorfs.Op, file string) bool {
		return is(op, file) && (strings.HasSuffix(file, suffix) || strings.HasPrefix(file, suffix))
	}
}

var failureCases = []struct {
	name  string
	match func(errorfs.Op, string) bool
	err   error
	// survives: the database does not end by it.
	survives bool
}{
	{name: "log write", match: on(".log", errorfs.OpFileWrite), err: syscall.ENOSPC},
	{name: "log sync", match: on(".log", errorfs.OpFileSync, errorfs.OpFileSyncData), err: syscall.EIO},
	{name: "log create", match: on(".log", errorfs.OpCreate, errorfs.OpRename), err: syscall.ENOSPC},
	{name: "manifest write", match: on("MANIFEST", errorfs.OpFileWrite), err: syscall.ENOSPC},
	{name: "manifest sync", match: on("MANIFEST", errorfs.OpFileSync, errorfs.OpFileSyncData), err: syscall.EIO},
	{name: "directory sync", match: on(dbDir, errorfs.OpFileSync), err: syscall.EIO},
	{name: "table create", match: on(".sst", errorfs.OpCreate), err: syscall.ENOSPC, survives: true},
	{name: "table write", match: on(".sst", errorfs.OpFileWrite), err: syscall.ENOSPC, survives: true},
	{name: "table sync", match: on(".sst", errorfs.OpFileSync, errorfs.OpFileSyncData), err: syscall.EIO, survives: true},
	{name: "every write", match: func(op errorfs.Op, _ string) bool {
		return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpLock
	}, err: syscall.EROFS},
	{name: "everything", match: func(op errorfs.Op, _ string) bool { return op.Kind != errorfs.OpLock }, err: syscall.EIO},
}

// TestFailures has parts of the disk fail under writers, and mends them: the store serves again,
// and every change that was acknowledged is there, also after a power cut.
func TestFailures(t *testing.T) {
	for _, c := range failureCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mem := vfs.NewCrashableMem()
			f := &faults{match: c.match, err: c.err}
			cfg := small(faulty(mem, f))
			cfg.MemTableOctets = minMemTable
			var states stateLog
			cfg.Hooks.StateChanged = states.add
			s := open(t, dbDir, cfg)
			l := newLoad(8)
			l.start(t, s)
			defer l.end()
			for range 2 {
				l.progress(t, 500)
				hits := f.hits.Load()
				f.on.Store(true)
				waitFor(t, "the fault is not met", func() bool { return f.hits.Load() > hits })
				if !c.survives {
					waitFor(t, "the failure is not noticed", func() bool { return s.State() == Failed })
				}
				time.Sleep(50 * time.Millisecond)
				f.on.Store(false)
				waitFor(t, "it does not serve again", func() bool { return s.State() == Ready })
				l.progress(t, 500)
			}
			l.end()
			l.check(t, s, l.promises())
			after := open(t, dbDir, small(mem.CrashClone(vfs.CrashCloneCfg{})))
			l.check(t, after, l.promises())
			require.NoError(t, s.Close())
			if !c.survives {
				require.Positive(t, l.unavailable.Load()+l.uncertain.Load())
				require.Equal(t, []State{Failed, Ready, Failed, Ready, Closed}, states.all())
			}
		})
	}
}

// stateLog is what StateChanged said.
type stateLog struct {
	mu     sync.Mutex
	states []State
}

func (l *stateLog) add(i StateInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states = append(l.states, i.New)
}

func (l *stateLog) all() []State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.states
}

// TestHang has writes hang: callers learn in time that it is not known what
// became of their changes, and the store opens its database only when the
// disk has let go of the old one.
func TestHang(t *testing.T) {
	mem := vfs.NewCrashableMem()
	release := make(chan struct{})
	f := &faults{err: nil}
	var hang atomic.Bool
	f.match = func(op errorfs.Op, file string) bool {
		if hang.Load() && strings.HasSuffix(file, ".log") && (op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSync) {
			<-release
		}
		return false
	}
	f.on.Store(true)
	cfg := small(faulty(mem, f))
	cfg.CommitTimeout = time.Second
	s := open(t, dbDir, cfg)
	letGo := sync.OnceFunc(func() {
		hang.Store(false)
		close(release)
	})
	t.Cleanup(letGo) // or a failed test would hang in Close
	l := newLoad(4)
	for i := range l.writers {
		for l.writers[i].acked == 0 { // the machine may stall for as long
			require.NoError(t, l.step(t.Context(), s, i))
		}
	}
	hang.Store(true)
	began := time.Now()
	_, err := s.Commit(t.Context(), change(0, 2))
	require.ErrorIs(t, err, session.ErrUncertain)
	require.Less(t, time.Since(began), time.Minute)
	_, err = s.Commit(t.Context(), change(1, 2))
	require.ErrorIs(t, err, session.ErrUnavailable)
	_, err = s.Get(t.Context(), recordKey(0, 0))
	require.ErrorIs(t, err, session.ErrUnavailable, "what was uncertain is not shown as undone")
	require.ErrorIs(t, s.ReadJournal(t.Context(), 1, func(uint64, []byte) bool { return true }), session.ErrUnavailable)
	time.Sleep(100 * time.Millisecond)
	require.Equal(t, Failed, s.State())
	letGo()
	waitFor(t, "it does not serve again", func() bool { return s.State() == Ready })
	l.check(t, s, l.promises())
	_, err = s.Commit(t.Context(), change(1, 2))
	require.NoError(t, err)
}

// TestScanEndsWithTheEngine: who was reading when the store failed is told.
func TestScanEndsWithTheEngine(t *testing.T) {
	f := &faults{match: on(".log", errorfs.OpFileWrite), err: syscall.EIO}
	s := open(t, dbDir, small(faulty(vfs.NewMem(), f)))
	l := newLoad(4)
	for i := range l.writers {
		require.NoError(t, l.step(t.Context(), s, i))
	}
	shown := 0
	err := s.Scan(t.Context(), session.KindSession, func(session.Record) bool {
		if shown++; shown == 1 {
			f.on.Store(true)
			_, err := s.Commit(t.Context(), change(0, 2))
			require.ErrorIs(t, err, session.ErrUncertain)
		}
		return true
	})
	require.ErrorIs(t, err, session.ErrUnavailable)
	require.Equal(t, 1, shown)
}

// TestOpenFails: a disk that fails while the store is opened is an error, and no
// harm.
func TestOpenFails(t *testing.T) {
	mem := vfs.NewCrashableMem()
	l := newLoad(4)
	func() {
		s := open(t, dbDir, small(mem))
		l.start(t, s)
		l.progress(t, 2000)
		l.end()
		require.NoError(t, s.Close())
	}()
	failures := 0
	for n := int64(1); ; n++ {
		f := &faults{err: syscall.ENOSPC}
		var count atomic.Int64
		f.match = func(op errorfs.Op, _ string) bool {
			return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpLock && count.Add(1) >= n
		}
		f.on.Store(true)
		clone := mem.CrashClone(vfs.CrashCloneCfg{})
		s, err := Open(dbDir, small(faulty(clone, f)))
		if err == nil {
			require.NoError(t, s.Close())
		} else {
			failures++
			require.ErrorIs(t, err, syscall.ENOSPC)
		}
		s = open(t, dbDir, small(clone))
		l.check(t, s, l.promises())
		require.NoError(t, s.Close())
		if f.hits.Load() == 0 {
			break
		}
	}
	require.Greater(t, failures, 5)
}

// TestTooLittleRoom: below the reserve changes are refused, reading goes on, and
// trimming is possible down to half of it.
func TestTooLittleRoom(t *testing.T) {
	mem := vfs.NewMem()
	room := func(avail uint64) {
		mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: avail, TotalBytes: 1 << 30})
		time.Sleep(2 * spaceInterval)
	}
	room(1 << 20)
	cfg := small(mem)
	cfg.ReserveOctets = 8 << 10
	cfg.look = 5 * time.Millisecond
	var states stateLog
	cfg.Hooks.StateChanged = states.add
	s := open(t, dbDir, cfg)
	l := newLoad(2)
	for range 10 {
		require.NoError(t, l.step(t.Context(), s, 0))
	}
	room(8<<10 - 1)
	_, err := s.Commit(t.Context(), change(0, 11))
	require.ErrorIs(t, err, session.ErrUnavailable)
	waitFor(t, "no state", func() bool { return s.State() == NoSpace })
	require.EqualValues(t, 8<<10-1, s.Stats().FreeOctets)
	l.check(t, s, l.promises())
	require.NoError(t, s.TrimJournal(t.Context(), 3))
	room(4<<10 - 1)
	require.ErrorIs(t, s.TrimJournal(t.Context(), 5), session.ErrUnavailable)
	room(8 << 10)
	_, err = s.Commit(t.Context(), change(0, 11))
	require.ErrorIs(t, err, session.ErrUnavailable, "it waits for a little more")
	room(16 << 10)
	waitFor(t, "not ready", func() bool { return s.State() == Ready })
	require.NoError(t, l.step(t.Context(), s, 0))
	require.NoError(t, s.Close())
	require.Equal(t, []State{NoSpace, Ready, Closed}, states.all())
}

// TestReopenWaitsForRoom: a database that failed is not opened while there is
// less room than the reserve.
func TestReopenWaitsForRoom(t *testing.T) {
	mem := vfs.NewMem()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20, TotalBytes: 1 << 30})
	f := &faults{match: on(".log", errorfs.OpFileWrite), err: syscall.ENOSPC}
	cfg := small(faulty(mem, f))
	cfg.ReserveOctets = 8 << 10
	s := open(t, dbDir, cfg)
	mem.TestingSetDiskUsage(vfs.DiskUsage{TotalBytes: 1 << 30}) // within spaceInterval, by luck
	f.on.Store(true)
	_, err := s.Commit(t.Context(), change(0, 1))
	require.Error(t, err)
	require.True(t, errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrUncertain))
	f.on.Store(false)
	waitFor(t, "it does not notice", func() bool { return s.State() != Ready })
	time.Sleep(50 * time.Millisecond)
	require.NotEqual(t, Ready, s.State())
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20, TotalBytes: 1 << 30})
	l := newLoad(1)
	waitFor(t, "it does not serve again", func() bool {
		require.NoError(t, l.step(t.Context(), s, 0))
		return l.acks.Load() > 0
	})
}
