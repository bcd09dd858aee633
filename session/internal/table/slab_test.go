package table

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClasses(t *testing.T) {
	last, lastStride := uint8(1), uint32(fineStep)
	for n := 1; n <= MaxString+ownerOctets; n++ {
		c, stride := classOf(n)
		require.GreaterOrEqual(t, stride, uint32(n))
		require.LessOrEqual(t, int(stride), max(n+fineStep-1, n+n/8), "little is wasted")
		require.Less(t, int(c), classes)
		require.GreaterOrEqual(t, pageOctets/stride, uint32(3))
		switch {
		case c == last:
			require.Equal(t, lastStride, stride)
		default:
			require.Equal(t, last+1, c)
			require.Greater(t, stride, lastStride)
		}
		last, lastStride = c, stride
	}
	require.Equal(t, classes-1, int(last), "no class is too many")
}

// TestSlabIsAMap has strings come, change and go, and looks after those that
// move.
func TestSlabIsAMap(t *testing.T) {
	var s Slab
	const owners = 3000
	refs := make([]Ref, owners)
	model := make([][]byte, owners)
	r := rand.New(rand.NewPCG(1, 2))
	free := func(owner int) {
		if other, item, moved := s.Free(refs[owner]); moved {
			require.NotEqual(t, owner, int(other))
			refs[other].Item = item
		}
		refs[owner], model[owner] = Ref{}, nil
	}
	for range 60_000 {
		owner := r.IntN(owners)
		size := r.IntN(700)
		if r.IntN(50) == 0 {
			size = r.IntN(MaxString + 1)
		}
		v := bytes.Repeat([]byte{byte(r.Uint32())}, size)
		switch r.IntN(3) {
		case 0:
			free(owner)
		default:
			if model[owner] == nil {
				refs[owner] = s.Put(uint32(owner), v)
			} else if ref, fits := s.Set(refs[owner], v); fits {
				refs[owner] = ref
			} else {
				free(owner)
				refs[owner] = s.Put(uint32(owner), v)
			}
			model[owner] = v
		}
	}
	for owner, v := range model {
		require.True(t, bytes.Equal(v, s.Get(refs[owner])), "owner %d", owner)
	}
	for owner := range model {
		free(owner)
	}
	for _, c := range s.classes {
		require.Zero(t, c.items)
		require.LessOrEqual(t, len(c.pages), 2)
	}
	require.LessOrEqual(t, len(s.spare), maxSpare)
}

// TestSlabUsesPagesAgain: what one class gave back, another takes.
func TestSlabUsesPagesAgain(t *testing.T) {
	var s Slab
	most := 0
	for size := 100; size < 3000; size += 100 {
		var refs []Ref
		for owner := range uint32(400) {
			refs = append(refs, s.Put(owner, make([]byte, size)))
		}
		pages := len(s.spare)
		for _, c := range s.classes {
			pages += len(c.pages)
		}
		most = max(most, pages)
		for owner := len(refs) - 1; owner >= 0; owner-- { // the last, so that none moves
			_, _, moved := s.Free(refs[owner])
			require.False(t, moved)
		}
	}
	// 400 strings of 3000 octets, and two pages at the most for each class.
	require.LessOrEqual(t, most, 400/(pageOctets/3100)+1+2*30)
}

func TestEmptyStrings(t *testing.T) {
	var s Slab
	ref := s.Put(1, nil)
	require.Equal(t, Ref{}, ref)
	require.Empty(t, s.Get(ref))
	ref, fits := s.Set(ref, []byte{})
	require.True(t, fits)
	_, fits = s.Set(ref, []byte("a"))
	require.False(t, fits)
	_, _, moved := s.Free(ref)
	require.False(t, moved)
	ref = s.Put(1, []byte("a"))
	_, fits = s.Set(ref, nil)
	require.False(t, fits)
}
