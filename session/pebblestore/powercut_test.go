package pebblestore

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// TestPowerCut cuts the power at random moments while writers are at work,
// with none, some or all of what was not synced on the disk: every change that
// was acknowledged before is there, and no half one.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	const seed = 5
	rng := rand.New(rand.NewPCG(seed, seed))
	for range 4 {
		mem := vfs.NewCrashableMem()
		cfg := small(mem)
		cfg.MemTableOctets = minMemTable // many flushes, compactions and logs
		s := open(t, dbDir, cfg)
		l := newLoad(16)
		l.start(t, s)
		type cut struct {
			fs       *vfs.MemFS
			promised []promise
		}
		var cuts []cut
		for range 10 {
			l.progress(t, int64(rng.IntN(500)))
			percent := []int{0, 0, rng.IntN(101), 100}[rng.IntN(4)]
			promised := l.promises() // first: it is what was promised before the cut
			cuts = append(cuts, cut{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}), promised})
		}
		l.end()
		for _, c := range cuts {
			after := open(t, dbDir, small(c.fs))
			l.check(t, after, c.promised)
			require.NoError(t, after.Close())
		}
		require.NoError(t, s.Close())
	}
}

// TestPowerCutAgain cuts the power again and again, each time while the store
// works on what the last time has left, or opens it.
func TestPowerCutAgain(t *testing.T) {
	t.Parallel()
	const seed = 6
	rng := rand.New(rand.NewPCG(seed, seed))
	mem := vfs.NewCrashableMem()
	var promised []promise
	writers := 8
	for range 20 {
		cfg := small(mem)
		cfg.MemTableOctets = minMemTable
		s := open(t, dbDir, cfg)
		l := newLoad(writers)
		if promised != nil {
			l.check(t, s, promised)
		}
		for i := range l.writers { // goes on where the last one ended
			if r, err := s.Get(t.Context(), recordKey(i, 0)); err == nil {
				l.writers[i].acked = r.Version
			}
		}
		l.start(t, s)
		l.progress(t, int64(rng.IntN(800)))
		promised = l.promises()
		mem = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		l.end()
		require.NoError(t, s.Close())
		if rng.IntN(2) == 0 { // a cut while it is opened
			opened := make(chan *Store, 1)
			from := mem
			go func() {
				s, _ := Open(dbDir, cfgOn(from))
				opened <- s
			}()
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond)
			mem = from.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
			if s := <-opened; s != nil {
				require.NoError(t, s.Close())
			}
		}
	}
}

func cfgOn(mem *vfs.MemFS) Config {
	cfg := small(mem)
	cfg.MemTableOctets = minMemTable
	return cfg
}
