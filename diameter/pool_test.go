package diameter

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPoolRunsWhatItTakes(t *testing.T) {
	var wg sync.WaitGroup
	var ran, busy, most atomic.Int64
	p := newPool(8, 50, &wg, func(*Request, job) {
		n := busy.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		ran.Add(1)
		busy.Add(-1)
	})
	taken := 0
	for range 100000 {
		if p.submit(job{}) {
			taken++
		}
	}
	p.close()
	require.False(t, p.submit(job{}))
	p.close()
	wg.Wait()
	require.EqualValues(t, taken, ran.Load())
	require.LessOrEqual(t, most.Load(), int64(8))
	require.Zero(t, p.workers)
	require.LessOrEqual(t, cap(p.queue), 200)
}
