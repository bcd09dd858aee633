package session

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
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

func TestMemoryStoreSize(t *testing.T) {
	const sessions = 1_000_000
	before := heap()
	m := NewMemoryStore(MemoryConfig{})
	start := time.Now()
	fill(t, m, 0, sessions)
	took := time.Since(start)
	each := float64(heap()-before) / sessions
	t.Logf("%.0f octets live for each session; %v to fill", each, took)
	require.Equal(t, sessions, m.records.Len())
	runtime.KeepAlive(m)
}
