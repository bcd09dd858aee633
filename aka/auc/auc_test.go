package auc

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/milenage"
)

var imsi = eap.MustParseIMSI("001010000000001")

func testAlgorithm(t testing.TB) milenage.Algorithm {
	t.Helper()
	c, err := milenage.New([16]byte{1, 2, 3}, [16]byte{4, 5, 6})
	require.NoError(t, err)
	return c.Algorithm()
}

// newAuC has the one subscriber imsi, with the given last SQN.
func newAuC(t testing.TB, cfg Config, sqn uint64) (*AuC, milenage.Algorithm) {
	t.Helper()
	a, alg := New(cfg), testAlgorithm(t)
	require.NoError(t, a.Put(Subscriber{IMSI: imsi, Algorithm: alg, SQN: sqn}))
	return a, alg
}

// sqnOf takes the SQN out of a vector as a USIM does.
func sqnOf(alg milenage.Algorithm, v aka.Vector) uint64 {
	return sqnNumber(xor6([6]byte(v.AUTN[:6]), alg.F2345(v.RAND).AK))
}

func TestPut(t *testing.T) {
	a, alg := New(Config{}), testAlgorithm(t)
	require.ErrorIs(t, a.Put(Subscriber{Algorithm: alg}), ErrSubscriber)
	require.ErrorIs(t, a.Put(Subscriber{IMSI: imsi}), ErrSubscriber)
	require.ErrorIs(t, a.Put(Subscriber{IMSI: imsi, Algorithm: alg, SQN: MaxSQN + 1}), ErrSubscriber)
	_, found := a.SQN(imsi)
	require.False(t, found)
	require.False(t, a.SetSQN(imsi, 1))
	require.False(t, a.Delete(imsi))

	require.NoError(t, a.Put(Subscriber{IMSI: imsi, Algorithm: alg, SQN: MaxSQN}))
	require.NoError(t, a.Put(Subscriber{IMSI: imsi, Algorithm: alg, SQN: 64}))
	sqn, found := a.SQN(imsi)
	require.True(t, found)
	require.Equal(t, uint64(64), sqn, "the later Put counts")
	require.True(t, a.SetSQN(imsi, 128))
	sqn, _ = a.SQN(imsi)
	require.Equal(t, uint64(128), sqn)

	require.True(t, a.Delete(imsi))
	_, err := a.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA})
	require.ErrorIs(t, err, aka.ErrUnknownSubscriber)
}

func TestErrors(t *testing.T) {
	a, _ := newAuC(t, Config{}, 0)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	broken, _ := newAuC(t, Config{Rand: strings.NewReader("short")}, 0)
	for _, c := range []struct {
		name string
		a    *AuC
		ctx  context.Context
		req  aka.VectorRequest
		want error
	}{
		{"unknown", a, t.Context(), aka.VectorRequest{IMSI: eap.MustParseIMSI("001010000000002"), Scheme: aka.SchemeAKA}, aka.ErrUnknownSubscriber},
		{"no IMSI", a, t.Context(), aka.VectorRequest{Scheme: aka.SchemeAKA}, aka.ErrUnknownSubscriber},
		{"a scheme to come", a, t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeSIM + 1}, aka.ErrSchemeNotSupported},
		{"no scheme", a, t.Context(), aka.VectorRequest{IMSI: imsi}, aka.ErrSchemeNotSupported},
		{"no network name", a, t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKAPrime}, aka.ErrUnavailable},
		{"context ended", a, ended, aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA}, aka.ErrUnavailable},
		{"context ended, cause", a, ended, aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA}, context.Canceled},
		{"no random numbers", broken, t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA}, aka.ErrUnavailable},
		{"bad AUTS", a, t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA, Resync: &aka.Resync{}}, aka.ErrSyncFailure},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := c.a.Vectors(c.ctx, c.req)
			require.ErrorIs(t, err, c.want)
			require.Nil(t, v)
			require.NotContains(t, err.Error(), "0000000001")
			require.NotContains(t, err.Error(), "0000000002")
		})
	}
	for _, centre := range []*AuC{a, broken} {
		sqn, _ := centre.SQN(imsi)
		require.Zero(t, sqn, "a request that failed uses no number up")
	}
}

func TestCount(t *testing.T) {
	a, alg := newAuC(t, Config{MaxVectors: 3}, 0)
	for count, want := range map[int]int{-1: 1, 0: 1, 1: 1, 2: 2, 3: 3, 4: 3, 1 << 30: 3} {
		v, err := a.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA, Count: count})
		require.NoError(t, err)
		require.Len(t, v, want, count)
		for i := 1; i < len(v); i++ {
			require.Greater(t, sqnOf(alg, v[i]), sqnOf(alg, v[i-1]), "in ascending order")
			require.NotEqual(t, v[i].RAND, v[i-1].RAND)
		}
	}
}

// TestNoNumberTwice lets many requests for one subscriber race, some of them
// with an AUTS, among requests for others.
func TestNoNumberTwice(t *testing.T) {
	a, alg := newAuC(t, Config{}, 1000<<5)
	other := eap.MustParseIMSI("001010000000002")
	require.NoError(t, a.Put(Subscriber{IMSI: other, Algorithm: alg}))
	auts := makeAUTS(alg, [16]byte{9}, 1000<<5)

	var mu sync.Mutex
	seen := make(map[uint64]bool)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 50 {
				req := aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA, Count: 1 + i%3}
				if g%2 == 0 && i%5 == 0 {
					req.Resync = &aka.Resync{RAND: [16]byte{9}, AUTS: auts}
				}
				vectors, err := a.Vectors(context.Background(), req)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, v := range vectors {
					sqn := sqnOf(alg, v)
					if seen[sqn] {
						t.Errorf("SQN %d given out twice", sqn)
					}
					seen[sqn] = true
				}
				mu.Unlock()
				if _, err := a.Vectors(context.Background(), aka.VectorRequest{IMSI: other, Scheme: aka.SchemeAKA}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	last, _ := a.SQN(imsi)
	require.Len(t, seen, int(last>>5)-1000, "and none was left out")
	last, _ = a.SQN(other)
	require.Equal(t, uint64(16*50), last>>5)
}

func TestPrintsNoKey(t *testing.T) {
	alg := testAlgorithm(t)
	s := fmt.Sprintf("%+v %#v", Subscriber{IMSI: imsi, Algorithm: alg}, alg.F2345([16]byte{}))
	require.Contains(t, s, "00101**********")
	require.Contains(t, s, "milenage.Output[redacted]")
	require.NotContains(t, s, "0000000001")
}

func BenchmarkVectors(b *testing.B) {
	for _, scheme := range []aka.Scheme{aka.SchemeAKA, aka.SchemeAKAPrime} {
		b.Run(scheme.String(), func(b *testing.B) {
			a, _ := newAuC(b, Config{}, 0)
			req := aka.VectorRequest{IMSI: imsi, Scheme: scheme, NetworkName: "WLAN"}
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Vectors(ctx, req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVectorsParallel(b *testing.B) {
	a, alg := newAuC(b, Config{}, 0)
	imsis := make([]eap.IMSI, 1024)
	for i := range imsis {
		imsis[i] = eap.MustParseIMSI(fmt.Sprintf("00101%010d", i))
		require.NoError(b, a.Put(Subscriber{IMSI: imsis[i], Algorithm: alg}))
	}
	ctx := context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			_, _ = a.Vectors(ctx, aka.VectorRequest{IMSI: imsis[i%len(imsis)], Scheme: aka.SchemeAKA})
		}
	})
}
