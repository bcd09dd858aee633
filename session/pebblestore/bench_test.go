package pebblestore

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// usedCPU is what the process has used of the processors.
func usedCPU() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// text fills b with what looks like identities: digits and some letters.
func text(r *rand.Rand, b []byte) []byte {
	const letters = "0123456789-0123456789.wlan"
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return b
}

// BenchmarkCommit commits accounting events, each a new state of one of 100 000
// sessions and a ticket of 370 octets both, by 1 to 256 writers at once.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchmarkCommit(b, writers, 0) })
	}
}

// BenchmarkCommit25000 commits 25 000 events a second, as a server under load does.
func BenchmarkCommit25000(b *testing.B) { benchmarkCommit(b, 256, 25_000) }

func benchmarkCommit(b *testing.B, writers, rate int) {
	s, err := Open(b.TempDir(), Config{})
	require.NoError(b, err)
	defer s.Close()
	const sessions = 100_000
	random := rand.New(rand.NewPCG(1, 2))
	value, ticket := text(random, make([]byte, 370)), text(random, make([]byte, 370))
	var next atomic.Int64
	versions := make([]uint64, sessions)
	b.ReportAllocs()
	began := time.Now()
	before, cpu := s.Stats(), usedCPU()
	b.SetParallelism((writers + 1) / 2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var id session.ID
		for pb.Next() {
			n := next.Add(1)
			if rate > 0 {
				time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate))))
			}
			i := int(n % sessions)
			binary.BigEndian.PutUint64(id[:], (uint64(i)+1)*0x9e3779b97f4a7c15)
			c := session.Change{
				Puts:    []session.Put{{Key: session.Key{Kind: session.KindSession, ID: id}, Expect: versions[i], Value: value, SameTerms: versions[i] > 0, Terms: []session.Term{session.Term(i), 1 << 40, session.Term(i) << 20}}},
				Journal: [][]byte{ticket},
			}
			if _, err := s.Commit(b.Context(), &c); err != nil {
				b.Error(err)
				return
			}
			versions[i]++
		}
	})
	b.StopTimer()
	after := s.Stats()
	n := float64(after.Changes - before.Changes)
	b.ReportMetric(float64((usedCPU()-cpu).Microseconds())/n, "cpu-µs/commit")
	b.ReportMetric(n/b.Elapsed().Seconds(), "commits/s")
	b.ReportMetric(n/float64(after.Batches-before.Batches), "changes/batch")
}

// BenchmarkOpen opens a store with a million sessions of 370 octets, each written twice.
func BenchmarkOpen(b *testing.B) {
	const sessions = 1_000_000
	dir := b.TempDir()
	s, err := Open(dir, Config{})
	require.NoError(b, err)
	value := text(rand.New(rand.NewPCG(1, 2)), make([]byte, 370))
	for version := range uint64(2) {
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for n := w; n < sessions; n += 8 * 100 {
					var c session.Change
					for i := n; i < min(sessions, n+8*100); i += 8 {
						var id session.ID
						binary.BigEndian.PutUint64(id[:], (uint64(i)+1)*0x9e3779b97f4a7c15)
						terms := make([]session.Term, 7)
						for t := range terms {
							terms[t] = session.Term(uint64(i+1)*uint64(t+1)*0x9e3779b97f4a7c15 | 1)
						}
						c.Puts = append(c.Puts, session.Put{Key: session.Key{Kind: session.KindSession, ID: id}, Expect: version, Value: value, Terms: terms})
					}
					if _, err := s.Commit(b.Context(), &c); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	require.NoError(b, s.Close())
	for b.Loop() {
		s, err := Open(dir, Config{})
		require.NoError(b, err)
		require.Equal(b, sessions, s.Stats().Records)
		b.StopTimer()
		require.NoError(b, s.Close())
		b.StartTimer()
	}
}
