package auc

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
)

func TestIndexed(t *testing.T) {
	for _, c := range []struct {
		name       string
		scheme     Indexed
		last, next uint64
	}{
		{"usual profile", Indexed{}, 0x20 | 7, 0x40 | 7},
		{"rotating", Indexed{Rotate: true}, 0x20 | 7, 0x40 | 8},
		{"rotating around", Indexed{Rotate: true}, 0x20 | 31, 0x40},
		{"shorter IND", Indexed{INDBits: 2}, 7, 11},
		{"IND too long", Indexed{INDBits: 60}, 5, 1<<16 | 5},
		{"last number of all", Indexed{}, MaxSQN, 31},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.scheme.Next(c.scheme.Set(c.last, time.Time{}), time.Time{})
			require.Equal(t, SQNState{Last: c.next}, s)
		})
	}
	require.Equal(t, uint64(3), Indexed{}.SEQ(3<<5|31))
}

func TestCounter(t *testing.T) {
	s := Counter{}.Set(41, time.Time{})
	s = Counter{}.Next(s, time.Time{})
	require.Equal(t, SQNState{Last: 42}, s)
	require.Equal(t, SQNState{}, Counter{}.Next(SQNState{Last: MaxSQN}, time.Time{}))
	require.Equal(t, uint64(42), Counter{}.SEQ(42))
}

func TestTimeBased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, alg := newAuC(t, Config{Scheme: TimeBased{}}, 100<<5|9)
		next := func(resync *aka.Resync) uint64 {
			v, err := a.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA, Resync: resync})
			require.NoError(t, err)
			return sqnOf(alg, v[0])
		}
		require.Equal(t, uint64(101<<5|9), next(nil), "within the first tick")
		require.Equal(t, uint64(102<<5|9), next(nil))
		time.Sleep(time.Second)
		require.Equal(t, uint64(110<<5|9), next(nil), "ten ticks later")
		rand := [16]byte{5}
		require.Equal(t, uint64(5001<<5|2), next(&aka.Resync{RAND: rand, AUTS: makeAUTS(alg, rand, 5000<<5|2)}))
		time.Sleep(2 * time.Second)
		require.Equal(t, uint64(5020<<5|2), next(nil), "the new distance to the clock holds")
	})
	t.Run("clock put back", func(t *testing.T) {
		scheme, now := TimeBased{Tick: time.Second}, time.Unix(1e9, 0)
		s := scheme.Set(500<<5, now)
		s = scheme.Next(s, now.Add(time.Hour))
		require.Equal(t, uint64(4100<<5), s.Last)
		s = scheme.Next(s, now.Add(-time.Hour))
		require.Equal(t, uint64(4101<<5), s.Last)
	})
}
