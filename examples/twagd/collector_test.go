package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGarbagePercent(t *testing.T) {
	g := garbage{128 << 20, 25}
	for alive, want := range map[uint64]int{
		0: 3200, 4 << 20: 3200, 64 << 20: 200, 128 << 20: 100, 512 << 20: 25, 4 << 30: 25,
	} {
		require.Equal(t, want, g.percent(alive), alive)
	}
}

// The collector is told less as more is found alive, and more again.
func TestGarbageKept(t *testing.T) {
	t.Setenv("GOGC", "")
	was := debug.SetGCPercent(100)
	defer debug.SetGCPercent(was)
	garbage{16 << 20, 25}.keep(t.Context())
	percent := func() (p int) {
		p = debug.SetGCPercent(math.MaxInt32)
		debug.SetGCPercent(p)
		return p
	}
	large := make([]byte, 256<<20)
	runtime.GC()
	require.Eventually(t, func() bool { return percent() == 25 }, time.Minute, 10*time.Millisecond)
	runtime.KeepAlive(large)
	large = nil
	require.Eventually(t, func() bool { runtime.GC(); return percent() > 25 }, time.Minute, 50*time.Millisecond)
}
