package session

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSeeAP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var news []AP
		var log bytes.Buffer
		m := newTestManager(t, newTestStore(), Config{
			Hooks:  Hooks{AP: func(a AP) { news = append(news, a) }},
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		start := time.Now()
		m.SeeAP(t.Context(), AP{NAS: testNAS, Name: testAP, SSID: "one", PortType: 19}, start)
		pass(time.Minute)
		// The same one, with the address that it did not tell before.
		nas := testNAS
		nas.Addr = netip.MustParseAddr("203.0.113.9")
		m.SeeAP(t.Context(), AP{NAS: nas, Name: testAP, SSID: "two", MTU: 1400}, time.Now())
		m.SeeAP(t.Context(), AP{NAS: testNAS, Name: testAP}, start) // late
		want := AP{NAS: nas, Name: testAP, SSID: "two", PortType: 19, MTU: 1400, FirstSeen: start, LastSeen: time.Now()}
		require.Equal(t, []AP{want}, m.APs())
		require.Len(t, news, 1)
		require.Equal(t, "one", news[0].SSID)
		require.Equal(t, 1, strings.Count(log.String(), "level=DEBUG msg=\""+logNewAP))

		m.SeeAP(t.Context(), AP{NAS: testNAS}, start)
		require.Len(t, m.APs(), 1, "one without a name is none")
		// The same name on other NASes is others.
		m.SeeAP(t.Context(), AP{NAS: NAS{Source: testNAS.Source, Identifier: "ap2"}, Name: testAP}, start)
		m.SeeAP(t.Context(), AP{NAS: NAS{Source: netip.MustParseAddr("192.0.2.2"), Identifier: "ap1"}, Name: testAP}, start)
		m.SeeAP(t.Context(), AP{NAS: NAS{Source: testNAS.Source, Addr: nas.Addr}, Name: testAP}, start)
		require.Len(t, m.APs(), 4)
	})
}

func TestClients(t *testing.T) {
	m := newTestManager(t, newTestStore(), Config{})
	begin(t, m, phone(imsi1, "a"))
	admit(t, m, phone("001010000000002", "b"))
	other := phone("001010000000003", "c")
	other.NAS.Identifier = "ap2"
	admit(t, m, other)
	nas := testNAS
	nas.Addr = netip.MustParseAddr("203.0.113.9")
	n, err := m.Clients(t.Context(), AP{NAS: nas, Name: testAP})
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

func TestRestartedNAS(t *testing.T) {
	m := newTestManager(t, newTestStore(), Config{})
	now := time.Now()
	for _, name := range []string{"a", "b", "c"} {
		m.SeeAP(t.Context(), AP{NAS: testNAS, Name: name}, now)
	}
	m.SeeAP(t.Context(), AP{NAS: NAS{Source: testNAS.Source, Identifier: "ap2"}, Name: "d"}, now)
	m.RestartedNAS(testNAS, now)
	m.RestartedNAS(testNAS, now.Add(1))
	m.RestartedNAS(NAS{Identifier: "unknown"}, now)
	for _, a := range m.APs() {
		if a.Name == "d" {
			require.Zero(t, a.Restarts)
			continue
		}
		require.Equal(t, uint32(2), a.Restarts)
		require.Equal(t, now.Add(1), a.Restarted)
	}
}

// Access points are written once a minute, however often they are seen, and at the end.
func TestAPsArePersisted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var puts atomic.Int64
		store := &wrapped{Store: newTestStore(), commit: func(c *Change) error { puts.Add(int64(len(c.Puts))); return nil }}
		m := newTestManager(t, store, Config{})
		stop := running(t, m)
		for range 600 {
			for i := range 3 {
				m.SeeAP(t.Context(), AP{NAS: testNAS, Name: strconv.Itoa(i), MTU: 1400}, time.Now().UTC())
			}
			pass(time.Second)
		}
		m.RestartedNAS(testNAS, time.Now().UTC())
		require.LessOrEqual(t, puts.Load(), int64(3*11))
		pass(10 * time.Minute)
		before := puts.Load()
		pass(10 * time.Minute)
		require.Equal(t, before, puts.Load(), "nothing was seen, nothing is written")
		m.SeeAP(t.Context(), AP{NAS: testNAS, Name: "last"}, time.Now().UTC())
		stop()
		want := m.APs()
		require.Len(t, want, 4)
		require.Equal(t, want, newTestManager(t, store, Config{}).APs())
	})
}

// The registry is bounded, in memory and in the store, and costs little while strange names
// come and go.
func TestAPsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 300
		store := newTestStore()
		m := newTestManager(t, store, Config{MaxAPs: bound})
		stop := running(t, m)
		see := func(from, to int) {
			for i := from; i < to; i++ {
				m.SeeAP(t.Context(), AP{NAS: testNAS, Name: strconv.Itoa(i)}, time.Now())
			}
		}
		see(0, bound)
		pass(2 * time.Minute)
		require.Equal(t, bound, count(t, store, KindAP))
		m.SeeAP(t.Context(), AP{NAS: testNAS, Name: "0"}, time.Now()) // so it is not the oldest
		see(bound, 2*bound-1)
		names := make(map[string]bool)
		for _, a := range m.APs() {
			names[a.Name] = true
		}
		require.Len(t, names, bound)
		require.True(t, names["0"])
		require.False(t, names["1"])
		pass(2 * time.Minute)
		require.Equal(t, bound, count(t, store, KindAP), "what is forgotten is removed")

		// Who comes back at once is known still.
		first := m.APs()[0]
		see(5000, 5000+bound)
		m.SeeAP(t.Context(), first, time.Now())
		i := 0
		for _, a := range m.APs() {
			if a.Name == first.Name {
				require.Equal(t, first.FirstSeen, a.FirstSeen)
				i++
			}
		}
		require.Equal(t, 1, i)
		see(10_000, 110_000)
		stop()
		require.Equal(t, bound, count(t, store, KindAP))

		// A lower bound forgets the oldest of them.
		m = newTestManager(t, store, Config{MaxAPs: 10})
		require.Len(t, m.APs(), 10)
		running(t, m)()
		require.Equal(t, 10, count(t, store, KindAP))
	})
}

// The lists of the table against its map, in random order.
func TestAPLists(t *testing.T) {
	m := newTestManager(t, newTestStore(), Config{MaxAPs: 20})
	r := rand.New(rand.NewPCG(1, 2))
	now := time.Now()
	for range 5000 {
		now = now.Add(time.Second)
		nas := NAS{Source: testNAS.Source, Identifier: strconv.Itoa(r.IntN(4))}
		m.SeeAP(t.Context(), AP{NAS: nas, Name: strconv.Itoa(r.IntN(12))}, now)
		byAge := 0
		for row := m.aps.newest; row != nil; row = row.older {
			byAge++
			require.Same(t, row, m.aps.known[row.key])
			if row.older != nil {
				require.Same(t, row, row.older.newer)
				require.False(t, row.older.LastSeen.After(row.LastSeen))
			} else {
				require.Same(t, row, m.aps.oldest)
			}
		}
		byNAS := 0
		for key, row := range m.aps.ofNAS {
			require.Nil(t, row.prev)
			for ; row != nil; row = row.next {
				byNAS++
				require.Equal(t, key, row.key.nas)
			}
		}
		require.Len(t, m.aps.known, byAge)
		require.Len(t, m.aps.known, byNAS)
		require.LessOrEqual(t, byAge, 20)
	}
}

// Two managers of one store that see the same access points: each writes what it knows, and
// nothing is lost by the other.
func TestAPsOfTwoManagers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		a, b := newTestManager(t, store, Config{}), newTestManager(t, store, Config{})
		start := time.Now()
		stopA, stopB := running(t, a), running(t, b)
		a.SeeAP(t.Context(), AP{NAS: testNAS, Name: "x", SSID: "s"}, start)
		pass(90 * time.Second)
		for range 5 {
			b.SeeAP(t.Context(), AP{NAS: testNAS, Name: "x", SSID: "s"}, time.Now())
			b.SeeAP(t.Context(), AP{NAS: testNAS, Name: "only b"}, time.Now())
			a.SeeAP(t.Context(), AP{NAS: testNAS, Name: "x", SSID: "s"}, time.Now().Add(-time.Second))
			pass(time.Minute)
		}
		latest := time.Now()
		b.SeeAP(t.Context(), AP{NAS: testNAS, Name: "x", SSID: "s"}, latest)
		a.SeeAP(t.Context(), AP{NAS: testNAS, Name: "x", SSID: "s"}, latest.Add(-time.Second))
		stopB()
		stopA()
		got := newTestManager(t, store, Config{}).APs()
		require.Len(t, got, 2)
		require.Equal(t, "x", got[1].Name)
		require.Equal(t, start.UnixMilli(), got[1].FirstSeen.UnixMilli())
		require.Equal(t, latest.UnixMilli(), got[1].LastSeen.UnixMilli())
	})
}

// While the store fails nothing is forgotten, and afterwards all is written.
func TestAPsWhileTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing atomic.Bool
		failing.Store(true)
		var uncertain atomic.Int64
		store := &wrapped{Store: newTestStore(), commit: func(*Change) error {
			if failing.Load() {
				return ErrUnavailable
			}
			return nil
		}, after: func(*Change) error {
			if uncertain.Add(-1) >= 0 {
				return ErrUncertain
			}
			return nil
		}}
		m := newTestManager(t, store, Config{MaxAPs: 500})
		stop := running(t, m)
		for i := range 500 {
			m.SeeAP(t.Context(), AP{NAS: testNAS, Name: strconv.Itoa(i)}, time.Now())
		}
		pass(3 * time.Minute)
		require.Zero(t, count(t, store, KindAP))
		uncertain.Store(2)
		failing.Store(false)
		pass(2 * time.Minute)
		require.Equal(t, 500, count(t, store, KindAP))
		// Removals too are made up for.
		failing.Store(true)
		for i := range 200 {
			m.SeeAP(t.Context(), AP{NAS: testNAS, Name: "new " + strconv.Itoa(i)}, time.Now())
		}
		pass(3 * time.Minute)
		failing.Store(false)
		stop()
		require.Equal(t, 500, count(t, store, KindAP))
	})
}

func TestAPCodec(t *testing.T) {
	at := time.UnixMilli(1e12).UTC()
	want := AP{NAS: NAS{Source: testNAS.Source, Identifier: "i", Addr: netip.MustParseAddr("2001:db8::1")}, Name: "n", SSID: "s",
		PortType: 19, MTU: 1400, FirstSeen: at, LastSeen: at.Add(time.Hour), Restarts: 3, Restarted: at.Add(time.Minute)}
	b := want.append(nil)
	got, err := decodeAP(b)
	require.NoError(t, err)
	require.Equal(t, want, got)
	for n := range b {
		_, err := decodeAP(b[:n])
		require.ErrorIs(t, err, ErrDecode, n)
	}
	// One that can't be read hides no other.
	store := newTestStore()
	putBad(t, store, KindAP)
	m := newTestManager(t, store, Config{})
	m.SeeAP(t.Context(), want, at)
	require.NoError(t, m.saveAPs(context.Background(), at, true))
	require.Len(t, newTestManager(t, store, Config{}).APs(), 1)
}

func BenchmarkSeeAP(b *testing.B) {
	for name, names := range map[string]int{"known": 1 << 10, "churn": 1 << 18} {
		b.Run(name, func(b *testing.B) {
			m := newTestManager(b, newTestStore(), Config{MaxAPs: 1 << 16})
			aps := make([]AP, names)
			for i := range aps {
				aps[i] = AP{NAS: NAS{Source: testNAS.Source, Identifier: strconv.Itoa(i)}, Name: strconv.Itoa(i)}
			}
			now := time.Now()
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				m.SeeAP(b.Context(), aps[i%names], now)
			}
		})
	}
}
