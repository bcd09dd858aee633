package swx

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
)

// countingNode answers each MAR with as many vectors as are asked for; their
// RANDs count up, as sequence numbers would.
type countingNode struct {
	fakeNode
	mars   int
	last   byte
	asked  []uint32
	refuse MAA // if it has a result
}

func newCountingNode(t testing.TB) *countingNode {
	n := new(countingNode)
	n.answer = func(_ context.Context, msg wire.Message) (wire.Message, error) {
		n.mars++
		var mar MAR
		require.NoError(t, mar.Decode(msg))
		n.asked = append(n.asked, mar.NumberAuthItems)
		m := MAA{ResultCode: ResultSuccess}
		for i := range mar.NumberAuthItems {
			n.last++
			it := testItem(1)
			it.Scheme, it.Number = nil, i
			it.Authenticate[0] = n.last
			m.Items = append(m.Items, it)
		}
		if n.refuse.Experimental.Code != 0 {
			m = n.refuse
		}
		return m.Encode(nil, msg.Header())
	}
	return n
}

func TestVectorCache(t *testing.T) {
	visited, err := eap.ParsePLMN("262", "01")
	require.NoError(t, err)
	const age = time.Minute
	// Each step is a request; want is the first octet of the RANDs that come,
	// mars how many MARs there have been then.
	type step struct {
		edit func(*aka.VectorRequest)
		wait time.Duration // before it
		want []byte
		mars int
	}
	plain := func(*aka.VectorRequest) {}
	for _, tt := range []struct {
		name  string
		cfg   Config
		steps []step
	}{
		{"no cache by default", Config{VectorsPerRequest: 2}, []step{
			{plain, 0, []byte{1, 2}, 1}, {plain, 0, []byte{3, 4}, 2},
		}},
		{"one is asked for by default", Config{VectorAge: age}, []step{
			{plain, 0, []byte{1}, 1}, {plain, 0, []byte{2}, 2},
		}},
		{"surplus in the order in which it came", Config{VectorAge: age, VectorsPerRequest: 3}, []step{
			{plain, 0, []byte{1}, 1}, {plain, 0, []byte{2}, 1}, {plain, 0, []byte{3}, 1}, {plain, 0, []byte{4}, 2},
		}},
		{"no longer than it is fresh", Config{VectorAge: age, VectorsPerRequest: 3}, []step{
			{plain, 0, []byte{1}, 1}, {plain, age, []byte{2}, 1}, {plain, time.Nanosecond, []byte{4}, 2},
		}},
		{"fewer than are wanted", Config{VectorAge: age, VectorsPerRequest: 5}, []step{
			{func(r *aka.VectorRequest) { r.Count = 3 }, 0, []byte{1, 2, 3}, 1},
			{func(r *aka.VectorRequest) { r.Count = 3 }, 0, []byte{4, 5}, 1},
		}},
		{"dropped on resync", Config{VectorAge: age, VectorsPerRequest: 3}, []step{
			{plain, 0, []byte{1}, 1},
			{func(r *aka.VectorRequest) { r.Resync = new(aka.Resync) }, 0, []byte{4}, 2},
			{plain, 0, []byte{5}, 2},
		}},
		{"another scheme uses numbers up", Config{VectorAge: age, VectorsPerRequest: 2}, []step{
			{plain, 0, []byte{1}, 1},
			{func(r *aka.VectorRequest) { r.Scheme = aka.SchemeAKA }, 0, []byte{3}, 2},
			{plain, 0, []byte{5}, 3},
		}},
		{"another access network", Config{VectorAge: age, VectorsPerRequest: 2}, []step{
			{plain, 0, []byte{1}, 1}, {func(r *aka.VectorRequest) { r.NetworkName = "HRPD" }, 0, []byte{3}, 2},
		}},
		{"another visited network", Config{VectorAge: age, VectorsPerRequest: 2}, []step{
			{plain, 0, []byte{1}, 1}, {func(r *aka.VectorRequest) { r.Peer.VisitedPLMN = visited }, 0, []byte{3}, 2},
		}},
		{"another subscriber", Config{VectorAge: age, VectorsPerRequest: 2}, []step{
			{plain, 0, []byte{1}, 1},
			{func(r *aka.VectorRequest) { r.IMSI = eap.MustParseIMSI("001010000000002") }, 0, []byte{3}, 2},
			{plain, 0, []byte{2}, 2},
		}},
		{"the oldest goes when it is full", Config{VectorAge: age, VectorsPerRequest: 2, MaxCached: 1}, []step{
			{plain, 0, []byte{1}, 1},
			{func(r *aka.VectorRequest) { r.IMSI = eap.MustParseIMSI("001010000000002") }, 0, []byte{3}, 2},
			{plain, 0, []byte{5}, 3},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := newCountingNode(t)
				c := NewClient(node, tt.cfg)
				seen := make(map[[16]byte]bool)
				for i, s := range tt.steps {
					time.Sleep(s.wait)
					req := testRequest(aka.SchemeAKAPrime)
					s.edit(&req)
					vectors, err := c.Vectors(t.Context(), req)
					require.NoError(t, err)
					var got []byte
					for _, v := range vectors {
						got = append(got, v.RAND[0])
						require.False(t, seen[v.RAND], "never twice")
						seen[v.RAND] = true
					}
					require.Equal(t, s.want, got, i)
					require.Equal(t, s.mars, node.mars, i)
				}
				if c.cache != nil {
					require.Equal(t, len(c.cache.entries), c.cache.order.Len())
				}
			})
		})
	}
}

// TestVectorCacheForgets: what ends a registration, or is refused, leaves
// nothing.
func TestVectorCacheForgets(t *testing.T) {
	for name, act := range map[string]func(c *Client, node *countingNode){
		"Forget": func(c *Client, _ *countingNode) { c.Forget(eap.MustParseIMSI(testIMSI)) },
		"a deregistration": func(c *Client, node *countingNode) {
			node.answer = func(_ context.Context, msg wire.Message) (wire.Message, error) { return nil, context.Canceled }
			_, _ = c.Assign(context.Background(), AssignmentRequest{IMSI: eap.MustParseIMSI(testIMSI), Type: UserDeregistration})
		},
		"a refusal": func(c *Client, node *countingNode) {
			node.refuse = exp(Vendor3GPP, 5001)
			_, err := c.Vectors(context.Background(), testRequest(aka.SchemeAKA))
			require.ErrorIs(t, err, aka.ErrUnknownSubscriber)
		},
	} {
		node := newCountingNode(t)
		c := NewClient(node, Config{VectorAge: time.Minute, VectorsPerRequest: 5})
		_, err := c.Vectors(t.Context(), testRequest(aka.SchemeAKAPrime))
		require.NoError(t, err)
		require.Len(t, c.cache.entries, 1)
		act(c, node)
		require.Empty(t, c.cache.entries, name)
		require.Zero(t, c.cache.order.Len())
	}
}

// TestVectorCacheIsBounded: many subscribers do not add up, and what is too old
// goes by itself as others come.
func TestVectorCacheIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClient(newCountingNode(t), Config{VectorAge: time.Minute, VectorsPerRequest: 2, MaxCached: 10})
		ask := func(n int) {
			req := testRequest(aka.SchemeAKA)
			req.IMSI = eap.MustParseIMSI(fmt.Sprintf("00101%010d", n))
			_, err := c.Vectors(t.Context(), req)
			require.NoError(t, err)
		}
		for n := range 100 {
			ask(n)
			require.LessOrEqual(t, len(c.cache.entries), 10)
		}
		require.Len(t, c.cache.entries, 10)
		time.Sleep(2 * time.Minute)
		ask(1000)
		require.Len(t, c.cache.entries, 1)
	})
}

func TestHookTellsWhereVectorsCameFrom(t *testing.T) {
	var infos []MARInfo
	c := NewClient(newCountingNode(t), Config{VectorAge: time.Minute, VectorsPerRequest: 2, Hooks: Hooks{
		MAR: func(_ context.Context, info MARInfo) { infos = append(infos, info) },
	}})
	for range 2 {
		_, err := c.Vectors(t.Context(), testRequest(aka.SchemeAKA))
		require.NoError(t, err)
	}
	require.Len(t, infos, 2)
	require.Equal(t, []int{2, 0, 0, 1}, []int{infos[0].Vectors, infos[0].Cached, infos[1].Vectors, infos[1].Cached})
}

// pausedNode lets the test decide when an answer comes.
type pausedNode struct {
	*countingNode
	pause chan chan struct{}
}

func (n pausedNode) Exchange(ctx context.Context, req wire.Message) (wire.Message, error) {
	ans, err := n.countingNode.Exchange(ctx, req)
	gate := make(chan struct{})
	n.pause <- gate
	<-gate
	return ans, err
}

// What the HSS says while a request is on its way is not undone by the answer,
// and of two answers nobody knows whose numbers are the later ones.
func TestVectorCacheKeepsNothingThatWasOvertaken(t *testing.T) {
	req := testRequest(aka.SchemeAKA)
	for name, during := range map[string]func(*Client, pausedNode){
		"forgotten": func(c *Client, _ pausedNode) { c.Forget(req.IMSI) },
		"asked again": func(c *Client, n pausedNode) {
			go func() { _, _ = c.Vectors(context.Background(), req) }()
			close(<-n.pause)
			synctest.Wait()
		},
	} {
		for _, async := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, async %v", name, async), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := pausedNode{newCountingNode(t), make(chan chan struct{}, 1)}
					c := NewClient(pausedAsyncNode{n}, Config{VectorsPerRequest: 3, VectorAge: time.Minute})
					done := make(chan struct{})
					go func() {
						defer close(done)
						var v []aka.Vector
						var err error
						if async {
							v, err = vectorsAsync(t, c, t.Context(), req)
						} else {
							v, err = c.Vectors(t.Context(), req)
						}
						require.NoError(t, err)
						require.Len(t, v, 1)
					}()
					gate := <-n.pause
					during(c, n)
					close(gate)
					<-done
					require.Empty(t, c.cache.entries)
					require.Empty(t, c.cache.asking)
				})
			})
		}
	}
}

type pausedAsyncNode struct{ pausedNode }

func (n pausedAsyncNode) ExchangeFunc(_ time.Time, req wire.Message, done func(wire.Message, error)) error {
	go func() { done(n.Exchange(context.Background(), req)) }()
	return nil
}

// A failure leaves nothing behind either.
func TestVectorCacheAfterFailures(t *testing.T) {
	req := testRequest(aka.SchemeAKA)
	cfg := Config{VectorsPerRequest: 3, VectorAge: time.Minute}
	for name, node := range map[string]Node{
		"refused":   asyncNode{fakeNode: answering(t, exp(Vendor3GPP, 5001))},
		"no peer":   asyncNode{fakeNode: answering(t, goodMAA(1)), refuse: diameter.ErrNoPeer},
		"no answer": asyncNode{fakeNode: &fakeNode{answer: func(context.Context, wire.Message) (wire.Message, error) { return nil, diameter.ErrDisconnected }}},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewClient(node, cfg)
			_, err := vectorsAsync(t, c, t.Context(), req)
			require.Error(t, err)
			_, _ = c.Vectors(t.Context(), req)
			require.Empty(t, c.cache.asking)
		})
	}
}
