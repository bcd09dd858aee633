package aka

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

func testContext(n int) ReauthContext {
	return ReauthContext{
		Username: fmt.Sprintf("4name%d", n), Method: eap.TypeAKA, IMSI: eap.MustParseIMSI(fmt.Sprintf("0010100000%05d", n/2)),
		Counter: 1, Expires: time.Now().Add(time.Hour),
	}
}

// The contract is tested by package akatest; here is what is of this store.
func TestMemoryReauthStoreBound(t *testing.T) {
	s := NewMemoryReauthStore(4)
	for n := range 10 {
		require.NoError(t, s.Put(t.Context(), testContext(n)))
		require.Equal(t, min(n+1, 4), s.Len())
	}
	for n := range 10 {
		_, err := s.Get(t.Context(), testContext(n).Username)
		require.Equal(t, n < 6, err != nil, "the oldest go")
	}
	// A swap leads to the back.
	next := testContext(6)
	next.Username, next.Counter = "4next", 2
	require.NoError(t, s.Swap(t.Context(), "4name6", 1, &next))
	require.NoError(t, s.Put(t.Context(), testContext(10)))
	_, err := s.Get(t.Context(), "4name7")
	require.ErrorIs(t, err, ErrNoReauth)
	_, err = s.Get(t.Context(), "4next")
	require.NoError(t, err)
	require.Len(t, s.byIMSI, 3)
	for n := range 11 {
		require.NoError(t, s.Drop(t.Context(), testContext(n).IMSI))
	}
	require.Zero(t, s.Len())
	require.Empty(t, s.byName)
	require.Empty(t, s.byIMSI)
	require.Nil(t, s.oldest)
	require.Nil(t, s.newest)

	require.Equal(t, DefaultReauthContexts, NewMemoryReauthStore(0).max)
	require.Panics(t, func() { NewMemoryReauthStore(-1) })
}

// A phone that never re-authenticates, logging in over and over, keeps neither
// memory nor other subscribers' contexts from them.
func TestMemoryReauthStoreBoundsSubscriber(t *testing.T) {
	s := NewMemoryReauthStore(10)
	other := testContext(100)
	require.NoError(t, s.Put(t.Context(), other))
	for n := range 100 {
		c := testContext(0)
		c.Username = fmt.Sprintf("4again%d", n)
		require.NoError(t, s.Put(t.Context(), c))
	}
	require.Equal(t, 1+maxSubscriberContexts, s.Len())
	chain := 0
	for e := s.byIMSI[testContext(0).IMSI]; e != nil; e = e.older {
		chain++
	}
	require.Equal(t, maxSubscriberContexts, chain)
	_, err := s.Get(t.Context(), other.Username)
	require.NoError(t, err)
	_, err = s.Get(t.Context(), "4again99")
	require.NoError(t, err)
	_, err = s.Get(t.Context(), fmt.Sprintf("4again%d", 99-maxSubscriberContexts))
	require.ErrorIs(t, err, ErrNoReauth, "his oldest go")
}

// Expired contexts make room without being asked for.
func TestMemoryReauthStoreExpires(t *testing.T) {
	s := NewMemoryReauthStore(100)
	for n := range 10 {
		c := testContext(n)
		c.Expires = time.Now().Add(-time.Second)
		require.NoError(t, s.Put(t.Context(), c))
	}
	require.Equal(t, 1, s.Len())
}

func TestReauthContextPrintsNothing(t *testing.T) {
	c := testContext(1)
	c.Keys.KAut = [32]byte([]byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
	s := NewMemoryReauthStore(1)
	require.NoError(t, s.Put(t.Context(), c))
	require.Equal(t, "1 re-authentication contexts", fmt.Sprintf("%+v", s))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, v := range []any{c, &c, c.Keys, &NeedReauth{Context: &c}, ReauthAnswer{Context: c}} {
			out := fmt.Sprintf(verb, v)
			require.NotContains(t, out, "AAAA")
			require.NotContains(t, out, "4141")
			require.NotContains(t, out, "65 65")
			require.NotContains(t, out, "4name")
		}
	}
}

func TestReauthLimitsValidate(t *testing.T) {
	for want, l := range map[string]ReauthLimits{
		"ReauthLimits.Count: -1":    {Count: -1},
		"ReauthLimits.Count: 65535": {Count: 65535},
		"ReauthLimits.Age: -1ns":    {Age: -1},
	} {
		require.ErrorContains(t, (&Config{ReauthLimits: l}).Validate(), want)
	}
	require.NoError(t, (&Config{ReauthLimits: ReauthLimits{Count: 65534, Age: time.Hour}}).Validate())
	m := newTest(eap.TypeAKA, Config{})
	require.Equal(t, ReauthLimits{Count: 16, Age: time.Hour}, m.cfg.ReauthLimits)
	// Leading digits that are ours may not mean something else.
	bad := Config{Rules: &eap.IdentityRules{Leading: map[byte]eap.Leading{'4': {Kind: eap.KindPermanent, Method: eap.TypeAKA}}}}
	require.ErrorContains(t, bad.Validate(), "Config.Rules")
	good := Config{Rules: &eap.IdentityRules{Leading: map[byte]eap.Leading{
		'4': {Kind: eap.KindReauth, Method: eap.TypeAKA}, '9': {Kind: eap.KindPermanent, Method: eap.TypeAKA},
	}}}
	require.NoError(t, good.Validate())
}

// What ReauthOp can't be is answered, not crashed on.
func TestNeedReauth(t *testing.T) {
	for op, name := range map[ReauthOp]string{ReauthGet: "get", ReauthSwap: "swap", ReauthPut: "put", 9: "ReauthOp(9)"} {
		require.Equal(t, name, op.String())
	}
	a := (&NeedReauth{Op: 9}).Resolve(t.Context()).(ReauthAnswer)
	require.ErrorIs(t, a.Err, errNotNow)
}

// What is removed is out of both lists, wherever it stood in them.
func TestMemoryReauthStoreLists(t *testing.T) {
	put := func(s *MemoryReauthStore, n int) {
		c := testContext(n % 3 * 2) // three subscribers
		c.Username = fmt.Sprintf("4n%d", n)
		require.NoError(t, s.Put(t.Context(), c))
	}
	for gone := range 9 {
		s := NewMemoryReauthStore(0)
		for n := range 9 {
			put(s, n)
		}
		require.NoError(t, s.Swap(t.Context(), fmt.Sprintf("4n%d", gone), 1, nil))
		put(s, 9)
		var got, back, mine []string
		for e := s.oldest; e != nil; e = e.next {
			got = append(got, e.Username)
		}
		for e := s.newest; e != nil; e = e.prev {
			back = append([]string{e.Username}, back...)
		}
		for n := range 3 {
			for e := s.byIMSI[testContext(n*2).IMSI]; e != nil; e = e.older {
				mine = append(mine, e.Username)
			}
		}
		var want []string
		for n := range 10 {
			if n != gone {
				want = append(want, fmt.Sprintf("4n%d", n))
			}
		}
		require.Equal(t, want, got)
		require.Equal(t, want, back)
		require.ElementsMatch(t, want, mine)
		require.Len(t, s.byName, 9)
	}
}

func BenchmarkMemoryReauthStore(b *testing.B) {
	s := NewMemoryReauthStore(0)
	names := make([]string, 4096)
	for i := range names {
		names[i] = fmt.Sprintf("4name%d", i)
	}
	c := testContext(0)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		c.Username = names[i%len(names)]
		if err := s.Put(b.Context(), c); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
