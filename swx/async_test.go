package swx

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
)

// asyncNode is a fakeNode that needs nobody to wait.
type asyncNode struct {
	*fakeNode
	refuse error // of ExchangeFunc itself
}

func (n asyncNode) ExchangeFunc(deadline time.Time, req wire.Message, done func(wire.Message, error)) error {
	if n.refuse != nil {
		return n.refuse
	}
	go func() {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		done(n.Exchange(ctx, req))
	}()
	return nil
}

// vectorsAsync is Vectors by way of VectorsAsync.
func vectorsAsync(t *testing.T, c *Client, ctx context.Context, req aka.VectorRequest) ([]aka.Vector, error) {
	type result struct {
		vectors []aka.Vector
		err     error
	}
	ch := make(chan result, 2)
	require.True(t, c.VectorsAsync(ctx, req, func(v []aka.Vector, err error) { ch <- result{v, err} }))
	r := <-ch
	require.Empty(t, ch, "done is called once")
	return r.vectors, r.err
}

func TestVectorsAsync(t *testing.T) {
	req := testRequest(aka.SchemeAKAPrime)
	require.False(t, NewClient(answering(t, goodMAA(1)), Config{}).VectorsAsync(t.Context(), req, nil), "a node that can't")

	t.Run("with hook, then from the cache", func(t *testing.T) {
		var infos []MARInfo
		c := NewClient(asyncNode{fakeNode: answering(t, goodMAA(2))}, Config{
			VectorsPerRequest: 2, VectorAge: time.Minute,
			Hooks: Hooks{MAR: func(_ context.Context, i MARInfo) { i.Elapsed = 0; infos = append(infos, i) }},
		})
		for range 2 {
			v, err := vectorsAsync(t, c, t.Context(), req)
			require.NoError(t, err)
			require.Len(t, v, 1)
		}
		require.Equal(t, []MARInfo{
			{IMSI: req.IMSI, Scheme: req.Scheme, Vectors: 2},
			{IMSI: req.IMSI, Scheme: req.Scheme, Cached: 1},
		}, infos)
	})
	t.Run("refused", func(t *testing.T) {
		_, err := vectorsAsync(t, NewClient(asyncNode{fakeNode: answering(t, exp(Vendor3GPP, 5001))}, Config{}), t.Context(), req)
		requireOnly(t, err, aka.ErrUnknownSubscriber)
	})
	t.Run("no peer", func(t *testing.T) {
		_, err := vectorsAsync(t, NewClient(asyncNode{fakeNode: answering(t, goodMAA(1)), refuse: diameter.ErrNoPeer}, Config{}), t.Context(), req)
		requireOnly(t, err, aka.ErrUnavailable)
		require.ErrorIs(t, err, diameter.ErrNoPeer)
	})
	t.Run("no IMSI", func(t *testing.T) {
		_, err := vectorsAsync(t, NewClient(asyncNode{fakeNode: answering(t, goodMAA(1))}, Config{}), t.Context(), aka.VectorRequest{Scheme: aka.SchemeAKA})
		requireOnly(t, err, aka.ErrUnknownSubscriber)
	})
}

func TestVectorsAsyncTimes(t *testing.T) {
	silent := asyncNode{fakeNode: &fakeNode{answer: func(ctx context.Context, _ wire.Message) (wire.Message, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}}
	for name, tt := range map[string]struct{ cfg, caller, want time.Duration }{
		"configured":             {time.Second, 0, time.Second},
		"the caller's is sooner": {time.Minute, time.Second, time.Second},
		"the caller's is later":  {time.Second, time.Minute, time.Second},
		"only the caller's":      {-1, time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				if tt.caller > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.caller)
					defer cancel()
				}
				start := time.Now()
				_, err := vectorsAsync(t, NewClient(silent, Config{Timeout: tt.cfg}), ctx, testRequest(aka.SchemeAKA))
				require.Equal(t, tt.want, time.Since(start))
				requireOnly(t, err, aka.ErrUnavailable)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
}

func TestVectorsAsyncTakesOver(t *testing.T) {
	elsewhere := exp(Vendor3GPP, 5005)
	elsewhere.AAAServerName = []byte("aaa2.example")
	for _, take := range []bool{false, true} {
		var mars []bool
		node := asyncNode{fakeNode: &fakeNode{answer: func(_ context.Context, msg wire.Message) (wire.Message, error) {
			var mar MAR
			if err := mar.Decode(msg); err != nil {
				return nil, err
			}
			mars = append(mars, mar.AAAFailure)
			m := elsewhere
			if mar.AAAFailure {
				m = goodMAA(1)
			}
			return m.Encode(nil, msg.Header())
		}}}
		c := NewClient(node, Config{TakeOver: func(_ context.Context, _ eap.IMSI, server string) bool {
			return take && server == "aaa2.example"
		}})
		v, err := vectorsAsync(t, c, t.Context(), testRequest(aka.SchemeAKA))
		if take {
			require.NoError(t, err)
			require.Len(t, v, 1)
			require.Equal(t, []bool{false, true}, mars)
		} else {
			require.True(t, errors.Is(err, ErrRegisteredElsewhere))
			require.Equal(t, []bool{false}, mars)
		}
	}
}

// Whatever the functions of a configuration do, the caller is told.
func TestPanicsInCallbacks(t *testing.T) {
	elsewhere := exp(Vendor3GPP, 5005)
	elsewhere.AAAServerName = []byte("aaa2.example")
	var log bytes.Buffer
	c := NewClient(asyncNode{fakeNode: answering(t, elsewhere)}, Config{
		VectorAge: time.Minute,
		TakeOver:  func(context.Context, eap.IMSI, string) bool { panic(errors.New("secret")) },
		Hooks: Hooks{
			MAR: func(context.Context, MARInfo) { panic("secret") },
			SAR: func(context.Context, SARInfo) { panic("secret") },
		},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	_, err := vectorsAsync(t, c, t.Context(), testRequest(aka.SchemeAKA))
	require.ErrorIs(t, err, ErrRegisteredElsewhere)
	_, err = c.Vectors(t.Context(), testRequest(aka.SchemeAKA))
	require.ErrorIs(t, err, ErrRegisteredElsewhere)
	_, err = c.Assign(t.Context(), AssignmentRequest{IMSI: eap.MustParseIMSI(testIMSI), Type: Registration})
	require.Error(t, err)
	require.Empty(t, c.cache.asking)
	for _, want := range []string{"function=TakeOver panic=*errors.errorString", "function=MAR panic=string", "function=SAR panic=string"} {
		require.Contains(t, log.String(), want)
	}
	require.NotContains(t, log.String(), "secret")
}
