package session

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProjectionLoads(t *testing.T) {
	p, f, ctx := NewProjection(10), newFiller(), t.Context()
	due := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	for i := range 20 { // more than there may be, for they were stored already
		put := f.put(i)
		require.NoError(t, p.Load(Record{Key: put.Key, Version: 7, Due: due, Expires: put.Expires, Value: put.Value}, put.Terms))
	}
	require.Equal(t, 20, p.Len())
	require.ErrorIs(t, p.Check(&Change{Puts: []Put{f.put(20)}}), ErrUnavailable)
	require.ErrorIs(t, p.Load(Record{}, nil), ErrInvalid)
	require.ErrorIs(t, p.Load(Record{Key: f.id(30), Value: make([]byte, MaxValue+1)}, nil), ErrInvalid)

	put := f.put(3)
	rec, err := p.Get(ctx, put.Key)
	require.NoError(t, err)
	require.Equal(t, Record{Key: put.Key, Version: 7, Due: due, Expires: rec.Expires, Value: put.Value}, rec)
	require.Equal(t, put.Terms, p.Terms(put.Key, nil))
	require.EqualValues(t, 7, p.Version(put.Key))
	require.Zero(t, p.Version(f.id(99)))
	require.Empty(t, p.Terms(f.id(99), nil))

	// Again, in place of it.
	require.NoError(t, p.Load(Record{Key: put.Key, Version: 9}, []Term{5, 5, 6}))
	rec, err = p.Get(ctx, put.Key)
	require.NoError(t, err)
	require.Equal(t, Record{Key: put.Key, Version: 9}, rec)
	require.Equal(t, []Term{4, 5, 6}, p.Terms(put.Key, []Term{4}))
	require.Equal(t, 20, p.Len())
}

// A driver takes what has expired from where it keeps it, and then has it
// forgotten, whatever was made anew in between.
func TestProjectionForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := NewProjection(0), newFiller()
		for i := range 10_000 {
			put := f.put(i)
			put.Expires = time.Now().Add(time.Hour)
			if i%100 == 0 {
				put.Expires = time.Now().Add(time.Second)
			}
			p.Apply(&Change{Puts: []Put{put}})
		}
		require.Empty(t, p.Expired(make([]Key, 0, 50)))
		time.Sleep(time.Second)
		var keys []Key
		for range 5 {
			keys = append(keys, p.Expired(make([]Key, 0, 50))...)
		}
		seen := map[Key]bool{}
		for _, k := range keys {
			seen[k] = true
		}
		require.Len(t, seen, 100, "a round finds them all")
		require.Equal(t, 10_000, p.Len(), "and removes none")

		again := f.put(100)
		require.NoError(t, p.Check(&Change{Puts: []Put{again}}))
		p.Apply(&Change{Puts: []Put{again}})
		p.Forget(append(keys, f.id(1), f.id(20_000)))
		require.Equal(t, 9901, p.Len())
		_, err := p.Get(t.Context(), f.id(100))
		require.NoError(t, err, "made anew")
		_, err = p.Get(t.Context(), f.id(1))
		require.NoError(t, err, "has not expired")
		require.Empty(t, p.Expired(make([]Key, 0, 50)))
		require.Empty(t, p.Expired(nil))
	})
}

func TestSeconds(t *testing.T) {
	for _, c := range []struct {
		t    time.Time
		want uint32
	}{
		{time.Time{}, 0},
		{time.Unix(0, 0), 1},
		{time.Unix(-5, 0), 1},
		{time.Unix(5, 0), 5},
		{time.Unix(5, 1), 6},
		{time.Unix(math.MaxUint32, 1), math.MaxUint32},
		{time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxUint32},
	} {
		require.Equal(t, c.want, seconds(c.t), "%v", c.t)
	}
	require.True(t, timeOf(0).IsZero())
	require.Equal(t, time.Unix(6, 0).UTC(), timeOf(6))
	require.False(t, isPast(0, math.MaxUint32), "never")
	require.True(t, isPast(7, 7))
	require.False(t, isPast(8, 7))
	require.EqualValues(t, 0, wholeSeconds(time.Time{}))
}

// Nothing waits for a long list of one term: adding to it, and taking from it,
// is a matter of its ends.
func TestTermOfAll(t *testing.T) {
	p := NewProjection(0)
	const many = 50_000
	key := func(i int) Key { return newFiller().id(i) }
	for i := range many {
		p.Apply(&Change{Puts: []Put{{Key: key(i), Terms: []Term{1}}}})
	}
	for i := range many {
		if i%10 != 0 {
			p.Apply(&Change{Puts: []Put{{Key: key(i), Expect: 1, Delete: true}}})
		}
	}
	shown := map[Key]bool{}
	require.NoError(t, p.Find(t.Context(), 1, func(r Record) bool {
		require.False(t, shown[r.Key])
		shown[r.Key] = true
		return true
	}))
	require.Len(t, shown, many/10)
}
