package eapradius

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/eap"
)

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, e := fixture(t, Config{})
		a := newAP(t, h)
		req := a.login()
		// Each request starts the time anew.
		for range 3 {
			time.Sleep(DefaultConversationTimeout)
			req = a.sendFor(layeh.CodeAccessChallenge, order(req, orderRequest))
		}
		time.Sleep(DefaultConversationTimeout + 1)
		a.sendFor(layeh.CodeAccessReject, order(req, orderSucceed))
		require.ErrorIs(t, e.last().err, ErrUnknownState)
		require.Equal(t, 1, h.Conversations(), "it is forgotten when there is need")
	})
}

func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 3
		h, e := fixture(t, Config{MaxConversations: n})
		station := func(i int) *ap {
			a := newAP(t, h)
			a.station = fmt.Sprintf("02-00-00-00-00-%02X", i)
			return a
		}
		var aps []*ap
		for i := range n {
			time.Sleep(time.Second)
			a := station(i)
			a.login()
			aps = append(aps, a)
		}
		late := station(n)
		require.Equal(t, []byte{4, 7, 0, 4}, late.sendFor(layeh.CodeAccessReject, response(7, eap.TypeIdentity, fakeIdentity)))
		require.ErrorIs(t, e.last().err, ErrFull)
		require.Equal(t, "02-00-00-00-00-03", e.last().info.Peer.StationID)
		require.Equal(t, n, h.Conversations())
		e.take()

		// The two oldest go as soon as they are over their time, whichever shards
		// they are in; the third does not.
		time.Sleep(DefaultConversationTimeout - time.Second + 1)
		late.login()
		require.Equal(t, 2, h.Conversations())
		require.Equal(t, 2, e.all[0].n)
		require.Equal(t, []string{"expired", "challenge"}, e.take())
		for _, a := range aps[:2] {
			a.sendFor(layeh.CodeAccessReject, response(8, eap.TypeAKA, "s"))
		}
		aps[2].sendFor(layeh.CodeAccessAccept, response(8, eap.TypeAKA, "s"))
		late.sendFor(layeh.CodeAccessAccept, response(8, eap.TypeAKA, "s"))
		require.Zero(t, h.Conversations())
	})
}

// TestExpiredWhileBusy: a need takes longer than the conversation may wait,
// and its place is taken by others.
func TestExpiredWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &events{}
		hold := make(chan struct{})
		h := New(eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA, hold: hold}), Config{
			MaxConversations: 1, ConversationTimeout: time.Second, Hooks: e.hooks(),
		})
		a, b := newAP(t, h), newAP(t, h)
		b.station = "02-00-00-00-00-02"
		req := a.login()
		done := make(chan []byte)
		go func() { done <- a.sendFor(layeh.CodeAccessReject, order(req, orderNeed)) }()
		time.Sleep(2 * time.Second)
		req = b.login()
		require.Equal(t, 1, h.Conversations())
		close(hold)
		<-done
		require.ErrorIs(t, e.last().err, ErrUnknownState)
		require.Equal(t, 1, h.Conversations(), "it has not taken the other's place away")
		b.sendFor(layeh.CodeAccessAccept, order(req, orderSucceed))
		require.Zero(t, h.Conversations())
	})
}

// TestConcurrent: many stations at once, each of which sends everything twice
// at the same time. One of the two is answered, and all get in.
func TestConcurrent(t *testing.T) {
	h := New(eap.NewAuthenticator(fakeMethod{typ: eap.TypeAKA}), Config{})
	var accepted atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			a := newAP(t, h)
			a.station = fmt.Sprint(i)
			req := a.login()
			for round := range 10 {
				what := byte(orderRequest)
				if round == 9 {
					what = orderSucceed
				}
				var replies [2]*layeh.Packet
				var twice sync.WaitGroup
				for k := range replies {
					twice.Go(func() {
						b := *a
						_, replies[k] = b.send(order(req, what))
					})
				}
				twice.Wait()
				for _, reply := range replies {
					switch {
					case reply == nil:
					case reply.Code == layeh.CodeAccessChallenge:
						req = eapOf(t, reply)
						a.state = reply.Get(24)
					case reply.Code == layeh.CodeAccessAccept:
						accepted.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(64), accepted.Load())
	require.Zero(t, h.Conversations())
}

// TestListOrder checks the list of a shard against a plain one.
func TestListOrder(t *testing.T) {
	now := time.Unix(0, 0)
	cfg := Config{MaxConversations: 1000}.withDefaults()
	cfg.Rand = zeros{} // all in one shard, told apart by hand
	tab := newTable(&cfg)
	var all []*session
	for i := range 5 {
		s := &session{}
		require.NoError(t, tab.begin(s, now))
		delete(tab.shards[0].sessions, s.slot.token)
		s.slot.token[1] = byte(i)
		tab.shards[0].sessions[s.slot.token] = s
		all = append(all, s)
	}
	for _, i := range []int{2, 4, 0} {
		_, err := tab.park(nil, all[i], false, now.Add(time.Duration(i+1)))
		require.NoError(t, err)
	}
	tab.end(all[3], now)
	tab.end(all[3], now) // twice is once
	var order []byte
	var back []byte
	for s := tab.shards[0].first; s != nil; s = s.slot.next {
		order = append(order, s.slot.token[1])
	}
	for s := tab.shards[0].last; s != nil; s = s.slot.prev {
		back = append([]byte{s.slot.token[1]}, back...)
	}
	require.Equal(t, []byte{1, 2, 4, 0}, order)
	require.Equal(t, order, back)
	require.Equal(t, 4, tab.len())
	require.Equal(t, 4, tab.shards[0].expire(now.Add(DefaultConversationTimeout*2)))
	require.Nil(t, tab.shards[0].first)
	require.Nil(t, tab.shards[0].last)
	require.Empty(t, tab.shards[0].sessions)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
