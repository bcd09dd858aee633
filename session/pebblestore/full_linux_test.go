package pebblestore

import (
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// tmpfs mounts a small file system, which takes root.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("no tmpfs can be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// ballast fills the disk to the last block.
func ballast(t *testing.T, dir string) (remove func()) {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	require.NoError(t, err)
	for _, size := range []int{1 << 20, 4096, 1} {
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
		err = nil
	}
	require.NoError(t, f.Close())
	return func() { require.NoError(t, os.Remove(name)) }
}

// TestFullDisk fills a small disk: by the store itself, which then keeps its
// reserve, and by somebody else, to the last block, with a reserve and without. Nothing
// that was acknowledged is lost, and it serves again soon after room has returned.
func TestFullDisk(t *testing.T) {
	for _, c := range []struct {
		name    string
		reserve int64
		timeout time.Duration
	}{
		{"reserve", 0, time.Minute},
		{"no reserve", -1, 500 * time.Millisecond}, // on a full disk Pebble's Commit may never return
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tmpfs(t, "48m")
			cfg := Config{
				ReserveOctets: c.reserve, CommitTimeout: c.timeout, look: 50 * time.Millisecond,
				Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
			}
			s := open(t, filepath.Join(dir, "db"), cfg)
			require.EqualValues(t, 1<<20, s.cfg.MemTableOctets)
			l := newLoad(16)
			l.start(t, s)
			defer l.end()
			for range 3 {
				l.progress(t, 200)
				remove := ballast(t, dir)
				waitFor(t, "it does not notice", func() bool { return s.State() != Ready })
				time.Sleep(300 * time.Millisecond)
				remove()
				began := time.Now()
				l.progress(t, 1)
				require.Less(t, time.Since(began), 15*time.Second)
				l.progress(t, 200)
			}
			if c.reserve == 0 { // the journal fills the disk; trimming helps
				// The ballast may have gone through the reserve between two looks at
				// the disk, but the store itself never does.
				before := l.uncertain.Load()
				waitFor(t, "the disk does not get full", func() bool { return s.State() == NoSpace })
				require.Equal(t, before, l.uncertain.Load(), "the reserve was not enough")
				l.end()
				l.check(t, s, l.promises())
				last, err := s.Last(t.Context())
				require.NoError(t, err)
				require.NoError(t, s.TrimJournal(t.Context(), last+1))
				l.start(t, s)
				began := time.Now()
				l.progress(t, 1)
				require.Less(t, time.Since(began), 15*time.Second)
				l.progress(t, 200)
				l.end()
				return
			}
			l.end()
			l.check(t, s, l.promises())
			require.NoError(t, s.Close())
			l.check(t, open(t, filepath.Join(dir, "db"), small(vfs.Default)), l.promises())
		})
	}
}
