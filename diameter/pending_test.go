package diameter

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func newPending(max int, first uint32) *pendingTable {
	t := new(pendingTable)
	t.init(max, first, 0, nil)
	return t
}

func TestPendingIsBounded(t *testing.T) {
	p := newPending(200, 0xffffff00)
	ids := make(map[uint32]*call)
	for range 200 {
		c := newCall()
		id, err := p.add(c)
		require.NoError(t, err)
		require.NotContains(t, ids, id)
		ids[id] = c
	}
	_, err := p.add(newCall())
	require.ErrorIs(t, err, ErrBusy)
	for id, c := range ids {
		require.Same(t, c, p.take(id))
		require.Nil(t, p.take(id), "only once")
	}
	require.Zero(t, p.len())
}

func TestPendingKeepsLongWaiters(t *testing.T) {
	p := newPending(1000, 7)
	slow := newCall()
	first, err := p.add(slow)
	require.NoError(t, err)
	want := make(map[uint32]*call)
	for range 100000 {
		if c := newCall(); rand.IntN(2) == 0 && len(want) < 900 {
			id, err := p.add(c)
			require.NoError(t, err)
			want[id] = c
		}
		for id, c := range want {
			if rand.IntN(2) == 0 {
				require.Same(t, c, p.take(id))
				delete(want, id)
			}
			break
		}
	}
	require.Nil(t, p.take(first+1<<20))
	require.Same(t, slow, p.take(first))
}

func TestPendingClose(t *testing.T) {
	p := newPending(10, 0)
	c := newCall()
	_, err := p.add(c)
	require.NoError(t, err)
	gone := errors.New("gone")
	p.close(gone)
	p.close(errors.New("twice"))
	<-c.ch
	require.Equal(t, gone, c.err)
	_, err = p.add(newCall())
	require.Equal(t, gone, err)
}
