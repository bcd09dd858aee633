package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHistogramQuantiles(t *testing.T) {
	var h, other histogram
	require.Zero(t, h.quantile(0.5))

	rnd := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for i := range 20000 {
		d := time.Duration(rnd.ExpFloat64() * float64(3*time.Millisecond))
		all = append(all, d)
		if i%2 == 0 {
			h.add(d)
		} else {
			other.add(d)
		}
	}
	h.merge(&other)
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.95, 0.99, 0.999} {
		want := all[int(q*float64(len(all)))]
		require.InDelta(t, float64(want), float64(h.quantile(q)), float64(want/100+2*time.Microsecond), "quantile %v", q)
	}
	require.Equal(t, all[len(all)-1], h.quantile(1))
	require.Equal(t, all[len(all)-1], h.max)
}

func TestHistogramBuckets(t *testing.T) {
	last := -1
	for us := uint64(0); us < 1<<20; us += 1 + us/1000 {
		i := bucket(us)
		require.GreaterOrEqual(t, i, last)
		last = i
		low, high := lowest(i), lowest(i+1)
		d := time.Duration(us) * time.Microsecond
		require.LessOrEqual(t, low, d)
		require.Greater(t, high, d)
		require.LessOrEqual(t, float64(high-low), float64(low)/127+float64(time.Microsecond))
	}
	var h histogram
	h.add(-time.Second)
	h.add(1000 * time.Hour)
	require.Equal(t, uint64(1), h.counts[0])
	require.Equal(t, uint64(1), h.counts[len(h.counts)-1])
	require.Equal(t, 1000*time.Hour, h.quantile(0.99))
}

func BenchmarkHistogramAdd(b *testing.B) {
	var h histogram
	b.ReportAllocs()
	for b.Loop() {
		h.add(1234567)
	}
}
