package swxtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
)

// A client, a node, TCP, a node, the HSS and its authentication centre.

func TestVectors(t *testing.T) {
	h, c := newClient(t, Config{})
	u := newUSIM(t)
	var last uint64
	for _, tt := range []struct {
		scheme aka.Scheme
		name   string
	}{{aka.SchemeAKA, ""}, {aka.SchemeAKAPrime, "WLAN"}, {aka.SchemeAKAPrime, "HRPD"}} {
		req := request(tt.scheme)
		req.NetworkName = tt.name
		vectors, err := c.Vectors(t.Context(), req)
		require.NoError(t, err)
		require.Len(t, vectors, 1)
		require.Equal(t, tt.name != "", vectors[0].Primed)
		require.Equal(t, tt.name, vectors[0].NetworkName)
		sqn := u.verify(t, vectors[0], tt.name)
		require.Greater(t, sqn, last)
		last = sqn
	}
	state, ok := h.State(testIMSI)
	require.True(t, ok)
	require.Equal(t, State{SQN: last, AAAServer: "aaa1.example", Requests: 3}, state)
	require.Equal(t, Stats{Requests: 3, Vectors: 3}, h.Stats())
}

func TestManyVectors(t *testing.T) {
	_, c := newClient(t, Config{})
	u := newUSIM(t)
	req := request(aka.SchemeAKAPrime)
	req.Count = 5
	vectors, err := c.Vectors(t.Context(), req)
	require.NoError(t, err)
	require.Len(t, vectors, 5)
	var last uint64
	for _, v := range vectors {
		sqn := u.verify(t, v, "WLAN")
		require.Greater(t, sqn, last, "in the order of SQN")
		last = sqn
	}
}

// Peers.md item 7: an HSS may have one vector where more are asked for.
func TestFewerVectorsThanAsked(t *testing.T) {
	_, c := newClient(t, Config{AuC: auc.New(auc.Config{MaxVectors: 1})})
	req := request(aka.SchemeAKA)
	req.Count = 3
	vectors, err := c.Vectors(t.Context(), req)
	require.NoError(t, err)
	require.Len(t, vectors, 1)
}

func TestPlainKeys(t *testing.T) {
	h, addr := newHSS(t, Config{Dialect: swx.Profile{PlainKeys: true}})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	c := swx.NewClient(node, swx.Config{Profile: swx.Profile{PlainKeys: true}})
	vectors, err := c.Vectors(t.Context(), request(aka.SchemeAKAPrime))
	require.NoError(t, err)
	require.False(t, vectors[0].Primed)
	newUSIM(t).verify(t, vectors[0], "")
	require.True(t, aka.Separated(vectors[0].AUTN))
	require.EqualValues(t, 1, h.Stats().Vectors)
}

func TestNAIProfile(t *testing.T) {
	_, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	c := swx.NewClient(node, swx.Config{Profile: swx.Profile{UserName: swx.UserNameNAI, NAIRealm: "nai.example"}})
	for _, scheme := range []aka.Scheme{aka.SchemeAKA, aka.SchemeAKAPrime} {
		_, err := c.Vectors(t.Context(), request(scheme))
		require.NoError(t, err)
	}
}

func TestResync(t *testing.T) {
	for _, tt := range []struct {
		scheme aka.Scheme
		name   string
	}{{aka.SchemeAKA, ""}, {aka.SchemeAKAPrime, "WLAN"}} {
		t.Run(tt.scheme.String(), func(t *testing.T) {
			h, c := newClient(t, Config{})
			u := newUSIM(t)
			const far = 1 << 40
			require.NoError(t, h.SetSQN(testIMSI, 32))
			req := request(tt.scheme)
			req.Resync = u.auts(far)
			vectors, err := c.Vectors(t.Context(), req)
			require.NoError(t, err)
			require.Greater(t, u.verify(t, vectors[0], tt.name), uint64(far))

			req.Resync = u.auts(far)
			req.Resync.AUTS[13] ^= 1
			_, err = c.Vectors(t.Context(), req)
			require.ErrorIs(t, err, aka.ErrSyncFailure)
			require.EqualValues(t, 2, h.Stats().Resyncs)
		})
	}
}

func TestRefusals(t *testing.T) {
	h, c := newClient(t, Config{})
	visited, err := eap.ParsePLMN("262", "01")
	require.NoError(t, err)
	for _, tt := range []struct {
		name    string
		s       Subscriber
		visited eap.PLMN
		scheme  aka.Scheme
		want    error
		code    uint32
	}{
		{"no subscription", Subscriber{NoNon3GPP: true}, eap.PLMN{}, aka.SchemeAKA, aka.ErrNoSubscription, 5450},
		{"barred", Subscriber{Barred: true}, eap.PLMN{}, aka.SchemeAKA, aka.ErrBarred, 5003},
		{"roaming", Subscriber{NoRoaming: true}, visited, aka.SchemeAKA, aka.ErrRoamingNotAllowed, 5004},
		{"not roaming", Subscriber{NoRoaming: true}, eap.PLMN{}, aka.SchemeAKA, nil, 0},
		{"roaming, and may", Subscriber{}, visited, aka.SchemeAKA, nil, 0},
		{"RAT", Subscriber{NoWLAN: true}, eap.PLMN{}, aka.SchemeAKA, aka.ErrRATNotAllowed, 5452},
		{"scheme", Subscriber{RefusedSchemes: []aka.Scheme{aka.SchemeAKAPrime}}, eap.PLMN{}, aka.SchemeAKAPrime, aka.ErrSchemeNotSupported, 5006},
		{"the other scheme", Subscriber{RefusedSchemes: []aka.Scheme{aka.SchemeAKAPrime}}, eap.PLMN{}, aka.SchemeAKA, nil, 0},
		{"the first reason counts", Subscriber{NoNon3GPP: true, NoWLAN: true, Barred: true}, eap.PLMN{}, aka.SchemeAKA, aka.ErrNoSubscription, 5450},
	} {
		t.Run(tt.name, func(t *testing.T) {
			add(t, h, tt.s)
			req := request(tt.scheme)
			req.Peer.VisitedPLMN = tt.visited
			vectors, err := c.Vectors(t.Context(), req)
			if tt.want == nil {
				require.NoError(t, err)
				require.NotEmpty(t, vectors)
				return
			}
			require.ErrorIs(t, err, tt.want)
			var re *swx.ResultError
			require.ErrorAs(t, err, &re)
			require.Equal(t, tt.code, re.Code)
			require.Equal(t, DefaultHost, re.Host)
		})
	}
	t.Run("unknown", func(t *testing.T) {
		req := request(aka.SchemeAKA)
		req.IMSI = eap.MustParseIMSI("001010000000002")
		_, err := c.Vectors(t.Context(), req)
		require.ErrorIs(t, err, aka.ErrUnknownSubscriber)
	})
	t.Run("removed", func(t *testing.T) {
		require.True(t, h.Remove(testIMSI))
		require.False(t, h.Remove(testIMSI))
		_, err := c.Vectors(t.Context(), request(aka.SchemeAKA))
		require.ErrorIs(t, err, aka.ErrUnknownSubscriber)
	})
	require.EqualValues(t, 8, h.Stats().Refusals)
}

func TestRegistration(t *testing.T) {
	h, addr := newHSS(t, Config{})
	first := swx.NewClient(newNode(t, "aaa1.example", addr, diameter.Hooks{}), swx.Config{})
	node := newNode(t, "aaa2.example", addr, diameter.Hooks{})
	second := swx.NewClient(node, swx.Config{})

	_, err := first.Vectors(t.Context(), request(aka.SchemeAKA))
	require.NoError(t, err)
	_, err = second.Vectors(t.Context(), request(aka.SchemeAKA))
	require.ErrorIs(t, err, swx.ErrRegisteredElsewhere)
	require.ErrorIs(t, err, aka.ErrUnavailable)
	var re *swx.ResultError
	require.ErrorAs(t, err, &re)
	require.Equal(t, "aaa1.example", re.AAAServerName)

	// AAA-Failure-Indication: the first one has failed.
	mar := marOf("aaa2.example")
	mar.AAAFailure = true
	maa := exchange(t, node, mar)
	require.EqualValues(t, swx.ResultSuccess, maa.ResultCode)
	_, err = first.Vectors(t.Context(), request(aka.SchemeAKA))
	require.ErrorIs(t, err, swx.ErrRegisteredElsewhere)

	require.NoError(t, h.Deregister(testIMSI))
	_, err = first.Vectors(t.Context(), request(aka.SchemeAKA))
	require.NoError(t, err)

	// A refusal registers nobody.
	add(t, h, Subscriber{Barred: true})
	_, err = first.Vectors(t.Context(), request(aka.SchemeAKA))
	require.ErrorIs(t, err, aka.ErrBarred)
	state, _ := h.State(testIMSI)
	require.Empty(t, state.AAAServer)
}

func TestAnyAAAServer(t *testing.T) {
	_, addr := newHSS(t, Config{AnyAAAServer: true})
	for _, host := range []string{"aaa1.example", "aaa2.example"} {
		_, err := swx.NewClient(newNode(t, host, addr, diameter.Hooks{}), swx.Config{}).Vectors(t.Context(), request(aka.SchemeAKA))
		require.NoError(t, err)
	}
}

func TestSlowHSS(t *testing.T) {
	h, c := newClient(t, Config{})
	h.Inject(Fault{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Vectors(ctx, request(aka.SchemeAKA))
	require.ErrorIs(t, err, aka.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	h.ClearFaults()
	h.Inject(Fault{Delay: 5 * time.Millisecond, Times: 1})
	start := time.Now()
	_, err = c.Vectors(t.Context(), request(aka.SchemeAKA))
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(start), 5*time.Millisecond)
}

func TestSilentHSS(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	c := swx.NewClient(node, swx.Config{Timeout: 20 * time.Millisecond})
	h.Inject(Fault{Silent: true})
	for range 2 {
		_, err := c.Vectors(t.Context(), request(aka.SchemeAKA))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	h.ClearFaults()
	_, err := swx.NewClient(node, swx.Config{}).Vectors(t.Context(), request(aka.SchemeAKA))
	require.NoError(t, err, "the link is as good as before")
}

// The connection goes in place of an answer, and comes back by itself.
func TestDisconnect(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	c := swx.NewClient(node, swx.Config{})
	h.Inject(Fault{Disconnect: true, Times: 1})
	// The node may have time to ask again on the new connection.
	if _, err := c.Vectors(t.Context(), request(aka.SchemeAKA)); err != nil {
		require.ErrorIs(t, err, aka.ErrUnavailable)
	}
	require.EqualValues(t, 1, h.Stats().Faults)
	require.Eventually(t, func() bool {
		_, err := c.Vectors(t.Context(), request(aka.SchemeAKA))
		return err == nil
	}, time.Minute, 10*time.Millisecond)
}

// The HSS is gone altogether: that is no time-out but known at once.
func TestNoHSS(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	c := swx.NewClient(node, swx.Config{})
	require.NoError(t, h.Shutdown(t.Context()))
	require.Eventually(t, func() bool {
		_, err := c.Vectors(t.Context(), request(aka.SchemeAKA))
		return errors.Is(err, aka.ErrUnavailable) && errors.Is(err, diameter.ErrNoPeer)
	}, time.Minute, 10*time.Millisecond)
}

// An HSS that connects to us, as it would to a relay.
func TestHSSConnects(t *testing.T) {
	l := listen(t)
	node, err := diameter.NewNode(diameter.Config{
		OriginHost:   "aaa1.example",
		OriginRealm:  DefaultRealm,
		Applications: []diameter.Application{swx.Application},
		Peers:        []diameter.PeerConfig{{Host: DefaultHost}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, node.Close()) })
	var serving sync.WaitGroup
	serving.Go(func() { _ = node.Serve(l) })
	t.Cleanup(func() { _ = node.Close(); serving.Wait() })

	h, err := New(Config{Node: diameter.Config{Peers: []diameter.PeerConfig{{Host: "aaa1.example", Address: l.Addr().String()}}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	add(t, h, Subscriber{})
	h.Start()
	waitOpen(t, node)
	c := swx.NewClient(node, swx.Config{})
	_, err = c.Vectors(t.Context(), request(aka.SchemeAKA))
	require.NoError(t, err)

	h.Inject(Fault{Rewrite: Twice, Times: 1})
	_, err = c.Vectors(t.Context(), request(aka.SchemeAKA))
	require.NoError(t, err, "faults work on connections of either direction")
	require.EqualValues(t, 1, h.Stats().Faults)
	require.Len(t, h.Node().Peers(), 1)
}

// MARs of one subscriber and of many, side by side: no SQN comes twice.
func TestConcurrentMARs(t *testing.T) {
	h, c := newClient(t, Config{})
	u := newUSIM(t)
	const workers, each = 16, 20
	var mu sync.Mutex
	seen := make(map[uint64]bool)
	var wg sync.WaitGroup
	for n := range workers {
		imsi := eap.MustParseIMSI(fmt.Sprintf("00101%010d", 100+n))
		require.NoError(t, h.Add(Subscriber{IMSI: imsi, K: testK, OPc: testOPc}))
		wg.Go(func() {
			for range each {
				vectors, err := c.Vectors(t.Context(), request(aka.SchemeAKA))
				if err != nil {
					t.Error(err)
					return
				}
				sqn := u.verify(t, vectors[0], "")
				mu.Lock()
				if seen[sqn] {
					t.Errorf("SQN %d twice", sqn)
				}
				seen[sqn] = true
				mu.Unlock()
				req := request(aka.SchemeAKAPrime)
				req.IMSI = imsi
				if _, err := c.Vectors(t.Context(), req); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, workers*each)
	require.EqualValues(t, 2*workers*each, h.Stats().Vectors)
}

func BenchmarkVectors(b *testing.B) {
	_, c := newClient(b, Config{})
	req := request(aka.SchemeAKAPrime)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Vectors(b.Context(), req); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
