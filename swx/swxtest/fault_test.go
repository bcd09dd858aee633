package swxtest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
)

func TestFaultsInOrder(t *testing.T) {
	h, c := newClient(t, Config{})
	h.Inject(Fault{ResultCode: 3004, Times: 2})
	h.Inject(Fault{Experimental: swx.ExperimentalResult{Vendor: swx.Vendor3GPP, Code: 5452}, Times: 1})
	require.NoError(t, h.InjectFor(testIMSI, Fault{ResultCode: 5012, Times: 1}))
	code := func() uint32 {
		_, err := c.Vectors(t.Context(), request(aka.SchemeAKA))
		var re *swx.ResultError
		if err == nil {
			return 0
		}
		require.ErrorAs(t, err, &re)
		return re.Code
	}
	for i, want := range []uint32{5012, 3004, 3004, 5452, 0} {
		require.Equal(t, want, code(), i)
	}
	require.EqualValues(t, 4, h.Stats().Faults)

	h.Inject(Fault{ResultCode: 3004})
	require.NoError(t, h.InjectFor(testIMSI, Fault{ResultCode: 5012}))
	for range 3 {
		require.EqualValues(t, 5012, code())
	}
	h.ClearFaults()
	require.Zero(t, code())
	require.ErrorIs(t, h.InjectFor(eap.MustParseIMSI("999990000000000"), Fault{}), ErrUnknown)
	require.ErrorIs(t, h.SetSQN(eap.MustParseIMSI("999990000000000"), 1), ErrUnknown)
	require.ErrorIs(t, h.Deregister(eap.MustParseIMSI("999990000000000")), ErrUnknown)
}

// A fault strikes MARs of unknown subscribers, too.
func TestFaultForAnybody(t *testing.T) {
	h, c := newClient(t, Config{})
	h.Inject(Fault{ResultCode: 3002, Times: 1})
	req := request(aka.SchemeAKA)
	req.IMSI = eap.MustParseIMSI("999990000000000")
	_, err := c.Vectors(t.Context(), req)
	require.ErrorContains(t, err, "UNABLE_TO_DELIVER")
}

// TestLinkSurvives: whatever one answer is like, the connection and the other
// requests on it are none the worse.
func TestLinkSurvives(t *testing.T) {
	states := func(at uint32) func([]byte) []byte {
		return func(answer []byte) []byte {
			b := wire.NewBuilder(nil, wire.Message(answer).Header())
			r := wire.Message(answer).AVPs()
			var a wire.AVP
			for r.Next(&a) {
				b.AVP(a)
			}
			b.Uint32(278, 0, wire.FlagMandatory, at)
			msg, _ := b.Message()
			return msg
		}
	}
	for _, tt := range []struct {
		name    string
		rewrite func([]byte) []byte
		fails   bool // the request that is struck
		drops   uint64
	}{
		{"wrong hop-by-hop", WrongHopByHop, true, 1},
		{"twice", Twice, false, 1},
		{"garbage", Garbage, true, 0},
		{"truncated", Truncate, true, 0},
		{"a restart's Origin-State-Id", states(0xfffffff0), false, 0},
		{"Origin-State-Id that goes back", states(1), false, 0},
		{"32 octets", func(answer []byte) []byte {
			h := wire.Message(answer).Header()
			b := wire.NewBuilder(nil, wire.Header{Command: h.Command, Application: h.Application, HopByHop: h.HopByHop, EndToEnd: h.EndToEnd})
			b.Uint32(268, 0, wire.FlagMandatory, 5005)
			msg, _ := b.Message()
			return msg
		}, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, addr := newHSS(t, Config{})
			var dropped, gone atomic.Uint64
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			node := newNode(t, "aaa1.example", addr, diameter.Hooks{
				Dropped: func(diameter.DropInfo) {
					if dropped.Add(1) == tt.drops && tt.fails {
						cancel() // its answer never comes
					}
				},
				PeerChange: func(c diameter.PeerChange) {
					if c.Err != nil {
						gone.Add(1)
					}
				},
			})
			c := swx.NewClient(node, swx.Config{Timeout: time.Minute}) // however busy the machine is
			other := eap.MustParseIMSI("001010000000002")
			require.NoError(t, h.Add(Subscriber{IMSI: other, K: testK, OPc: testOPc}))
			require.NoError(t, h.InjectFor(testIMSI, Fault{Rewrite: tt.rewrite, Delay: 10 * time.Millisecond, Times: 1}))

			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					req := request(aka.SchemeAKAPrime)
					req.IMSI = other
					for range 10 {
						if _, err := c.Vectors(t.Context(), req); err != nil {
							t.Errorf("another's request: %v", err)
						}
					}
				})
			}
			_, err := c.Vectors(ctx, request(aka.SchemeAKA))
			if tt.fails {
				require.ErrorIs(t, err, aka.ErrUnavailable)
			} else {
				require.NoError(t, err)
			}
			wg.Wait()
			_, err = c.Vectors(t.Context(), request(aka.SchemeAKA))
			require.NoError(t, err)
			require.Equal(t, tt.drops, dropped.Load())
			require.Zero(t, gone.Load())
			require.Zero(t, h.line.Outstanding())
			require.EqualValues(t, 1, h.Stats().Faults)
		})
	}
}
