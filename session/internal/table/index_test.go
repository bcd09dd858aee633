package table

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// hashOf hashes badly, so that many items share places.
func hashOf(item uint32) uint64 {
	return uint64(item%3)<<56 | uint64(item%97)*0x0312_3456_789a<<8 | uint64(item)&0xff
}

func (x *Index) has(item uint32) bool {
	got, ok := x.Find(hashOf(item), func(i uint32) bool { return i == item })
	return ok && got == item
}

func TestIndexIsAMap(t *testing.T) {
	var x Index
	model := map[uint32]bool{}
	r := rand.New(rand.NewPCG(1, 2))
	for step := range 100_000 {
		// More come at first, more go at the end.
		item := r.Uint32N(3000)
		switch {
		case model[item] && (step > 50_000 || r.IntN(3) == 0):
			x.Remove(hashOf(item), item)
			delete(model, item)
		case !model[item] && r.IntN(2) == 0:
			x.Add(hashOf(item), item)
			model[item] = true
		}
		require.Equal(t, model[item], x.has(item))
		if step%10_000 == 0 {
			for item := range uint32(3000) {
				require.Equal(t, model[item], x.has(item), "item %d", item)
			}
		}
	}
	used := 0
	for i := range x.segments {
		s := &x.segments[i]
		used += s.used
		n := 0
		for _, p := range s.places {
			if p != 0 {
				n++
			}
		}
		require.Equal(t, s.used, n)
		require.LessOrEqual(t, 5*s.used, 4*len(s.places))
	}
	require.Equal(t, len(model), used)
	for _, item := range slices.Collect(maps.Keys(model)) {
		x.Remove(hashOf(item), item)
		require.False(t, x.has(item))
	}
}

func TestIndexOfOneHash(t *testing.T) {
	var x Index
	for item := range uint32(50) {
		x.Add(7, item)
	}
	for _, item := range []uint32{0, 49, 25, 1, 48} {
		x.Remove(7, item)
		_, ok := x.Find(7, func(i uint32) bool { return i == item })
		require.False(t, ok)
	}
	x.Replace(7, 30, 1000)
	n := 0
	_, ok := x.Find(7, func(i uint32) bool {
		require.NotContains(t, []uint32{0, 49, 25, 1, 48, 30}, i)
		n++
		return false
	})
	require.False(t, ok)
	require.Equal(t, 45, n)
	_, ok = x.Find(7|1<<30, func(uint32) bool { return true })
	require.False(t, ok, "another hash")
	_, ok = x.Find(1<<63, func(uint32) bool { return true })
	require.False(t, ok, "a segment without places")
	require.Panics(t, func() { x.Remove(7, 30) })
}

func TestIndexGrowsByAQuarter(t *testing.T) {
	var x Index
	r := rand.New(rand.NewPCG(3, 4))
	for item := range uint32(1_000_000) {
		x.Add(r.Uint64(), item)
	}
	places := 0
	for i := range x.segments {
		places += len(x.segments[i].places)
	}
	require.Less(t, places, 1_000_000*8/5+1000)
}
