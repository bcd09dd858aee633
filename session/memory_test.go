package session

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// filler makes records that look like sessions: random ID, about 300 octets, and
// seven terms, five of them nobody else's.
type filler struct {
	rand  *rand.Rand
	value [360]byte
	terms [7]Term
}

func newFiller() *filler { return &filler{rand: rand.New(rand.NewPCG(1, 2))} }

func (f *filler) id(i int) Key {
	k := Key{Kind: KindSession}
	x := uint64(i+1) * 0x9e3779b97f4a7c15
	binary.LittleEndian.PutUint64(k.ID[:], x)
	binary.LittleEndian.PutUint64(k.ID[8:], x^x>>29)
	return k
}

func (f *filler) put(i int) Put {
	for t := range f.terms {
		f.terms[t] = Term(uint64(i*8+t+1) * 0xd1342543de82ef95)
	}
	f.terms[3] = Term(1000 + i%20_000) // access point
	f.terms[5] = Term(1 + i%500)       // NAS
	return Put{
		Key: f.id(i), Terms: f.terms[:], Value: f.value[:250+i%101],
		Due: time.Now().Add(time.Hour), Expires: time.Now().Add(24 * time.Hour),
	}
}

func fill(tb testing.TB, s Store, from, to int) {
	f := newFiller()
	for i := from; i < to; i++ {
		_, err := s.Commit(context.Background(), &Change{Puts: []Put{f.put(i)}})
		require.NoError(tb, err)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A million sessions in half a KiB each and a little, so that with what the
// collector lets lie they are within one (requirement: at most 1 KiB resident).
func TestMemoryStoreSize(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("a million sessions take seconds, under the race detector a minute")
	}
	const sessions = 1_000_000
	before := heap()
	m := NewMemoryStore(MemoryConfig{})
	fill(t, m, 0, sessions)
	each := float64(heap()-before) / sessions
	t.Logf("%.0f octets live for each session with a value of 300", each)
	require.Equal(t, sessions, m.records.Len())
	require.Less(t, each, 600.0)
	runtime.KeepAlive(m)
}

// What comes and goes leaves nothing behind, whether it is deleted or expires.
func TestMemoryStoreKeepsItsSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const open, come = 2000, 100_000
		m := NewMemoryStore(MemoryConfig{MaxRecords: 2 * open})
		f := newFiller()
		var then uint64
		for i := range come {
			p := f.put(i)
			p.Expires = time.Now().Add(open * time.Second)
			c := Change{Puts: []Put{p}, Journal: [][]byte{p.Value}}
			if i%2 == 0 && i >= open/2 {
				c.Puts = append(c.Puts, Put{Key: f.id(i - open/2), Expect: 1, Delete: true})
			}
			first, err := m.Commit(t.Context(), &c)
			require.NoError(t, err)
			require.NoError(t, m.TrimJournal(t.Context(), first-min(first, 100)))
			time.Sleep(time.Second)
			if i == come/2 {
				then = heap()
			}
		}
		require.Less(t, float64(heap()), 1.02*float64(then))
		require.LessOrEqual(t, m.records.slots, uint32(2*open))
		require.LessOrEqual(t, len(m.records.blocks), 1)
		require.Less(t, m.records.Len(), open)
		runtime.KeepAlive(m)
	})
}

func TestMemoryStoreIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f, ctx := NewMemoryStore(MemoryConfig{MaxRecords: 10, JournalOctets: 1 << 10}), newFiller(), t.Context()
		commit := func(c Change) error {
			_, err := m.Commit(ctx, &c)
			return err
		}
		fill(t, m, 0, 9)
		require.ErrorIs(t, commit(Change{Puts: []Put{f.put(9), {Key: f.id(10)}}}), ErrUnavailable)
		require.Equal(t, 9, m.records.Len())
		last := f.put(9)
		last.Expires = time.Now().Add(time.Second)
		require.NoError(t, commit(Change{Puts: []Put{last}}))
		require.ErrorIs(t, commit(Change{Puts: []Put{f.put(10)}}), ErrUnavailable)
		require.NoError(t, commit(Change{Puts: []Put{f.put(10), {Key: f.id(1), Expect: 1, Delete: true}}}), "one for another")
		same := f.put(2)
		same.Expect = 1
		require.NoError(t, commit(Change{Puts: []Put{same}}), "an update")
		time.Sleep(2 * time.Second)
		require.NoError(t, commit(Change{Puts: []Put{f.put(11)}}), "in place of what has expired")
		require.ErrorIs(t, commit(Change{Puts: []Put{f.put(12)}}), ErrUnavailable)

		ticket := make([]byte, 100)
		n := 0
		for ; commit(Change{Journal: [][]byte{ticket}}) == nil; n++ {
			require.Less(t, n, 11)
		}
		require.Equal(t, 9, n)
		err := commit(Change{Puts: []Put{{Key: f.id(2), Expect: 2, Value: []byte("x")}}, Journal: [][]byte{ticket}})
		require.ErrorIs(t, err, ErrUnavailable)
		rec, err := m.Get(ctx, f.id(2))
		require.NoError(t, err)
		require.Equal(t, uint64(2), rec.Version, "nothing was changed")
		require.NoError(t, commit(Change{Puts: []Put{{Key: f.id(2), Expect: 2}}}), "without entries")
		require.NoError(t, m.TrimJournal(ctx, 4))
		for range 3 {
			require.NoError(t, commit(Change{Journal: [][]byte{ticket}}))
		}
		require.ErrorIs(t, commit(Change{Journal: [][]byte{ticket}}), ErrUnavailable)
		newest, err := m.Last(ctx)
		require.NoError(t, err)
		require.EqualValues(t, 12, newest)
	})
}

func TestMemoryConfig(t *testing.T) {
	for _, bad := range []MemoryConfig{{MaxRecords: -1}, {MaxRecords: limitRecords + 1}, {JournalOctets: -1}} {
		require.Error(t, bad.Validate())
		require.Panics(t, func() { NewMemoryStore(bad) })
	}
	require.NoError(t, new(MemoryConfig).Validate())
}

// A context that ends ends a long read.
func TestReadsEndWithTheContext(t *testing.T) {
	m := NewMemoryStore(MemoryConfig{})
	fill(t, m, 0, 100)
	_, err := m.Commit(t.Context(), &Change{Journal: [][]byte{nil, nil}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	require.ErrorIs(t, m.Scan(ctx, KindSession, func(Record) bool {
		if calls++; calls == 10 {
			cancel()
		}
		return true
	}), context.Canceled)
	require.Equal(t, 10, calls)
	require.ErrorIs(t, m.ReadJournal(ctx, 1, func(uint64, []byte) bool { t.Error("shown"); return true }), context.Canceled)
}
