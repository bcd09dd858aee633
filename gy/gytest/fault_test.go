package gytest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy"
)

func nodeConfig(host string) diameter.Config { return diameter.Config{OriginHost: host} }

// TestFaults: what each fault does to the client, and to the account: a request
// that was seen is debited, and its copy is answered.
func TestFaults(t *testing.T) {
	none := func(t *testing.T, _ *gy.CCA, err error) {
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, gy.FailureTimeout, gy.FailureOf(err))
	}
	lost := func(t *testing.T, _ *gy.CCA, err error) {
		require.ErrorIs(t, err, diameter.ErrDisconnected)
		require.Equal(t, gy.FailureLost, gy.FailureOf(err))
	}
	code := func(want uint32) func(*testing.T, *gy.CCA, error) {
		return func(t *testing.T, a *gy.CCA, err error) {
			require.NoError(t, err)
			require.Equal(t, want, a.ResultCode)
		}
	}
	for _, tt := range []struct {
		name  string
		fault Fault
		seen  bool
		want  func(*testing.T, *gy.CCA, error)
	}{
		{"slow", Fault{Delay: 30 * time.Millisecond}, true, code(2001)},
		{"too slow", Fault{Delay: time.Minute}, true, none},
		{"silent", Fault{Silent: true}, true, none},
		{"unseen", Fault{Unseen: true}, false, none},
		{"disconnect", Fault{Disconnect: true}, true, lost},
		{"disconnect unseen", Fault{Disconnect: true, Unseen: true}, false, lost},
		{"slow disconnect", Fault{Disconnect: true, Delay: 30 * time.Millisecond}, true, lost},
		{"busy", Fault{ResultCode: gy.ResultTooBusy}, false, code(3004)},
		{"undeliverable", Fault{ResultCode: gy.ResultUnableToDeliver}, false, code(3002)},
		{"no such session", Fault{ResultCode: gy.ResultUnknownSessionID}, false, code(5002)},
		{"only updates", Fault{Type: gy.RequestUpdate, ResultCode: 5012}, false, code(5012)},
		{"twice", Fault{Rewrite: Twice}, true, code(2001)},
		{"garbage", Fault{Rewrite: Garbage}, true, func(t *testing.T, _ *gy.CCA, err error) { require.Error(t, err) }},
		{"wrong hop-by-hop", Fault{Rewrite: WrongHopByHop}, true, none},
		{"wrong session", Fault{Rewrite: WrongSession}, true, func(t *testing.T, a *gy.CCA, err error) {
			require.NoError(t, err)
			require.Equal(t, "nobody.example;1;1", string(a.SessionID))
			require.EqualValues(t, 2001, a.ResultCode)
		}},
		{"no results", Fault{Rewrite: OmitResults}, true, func(t *testing.T, a *gy.CCA, err error) {
			require.NoError(t, err)
			require.EqualValues(t, 2001, a.ResultCode)
			require.Zero(t, a.Services[0].ResultCode)
			require.EqualValues(t, 100, a.Services[0].Granted.Total)
		}},
		{"empty grants", Fault{Rewrite: EmptyGrants}, true, func(t *testing.T, a *gy.CCA, err error) {
			require.NoError(t, err)
			m := a.Services[0]
			require.True(t, m.HasGranted && m.HasFinal)
			require.Zero(t, m.Granted.Has)
			require.Equal(t, gy.FinalTerminate, m.Final.Action)
			require.EqualValues(t, 2001, m.ResultCode)
		}},
	} {
		inBubble(t, tt.name, func(t *testing.T) {
			o, addr := pipedOCS(t, Config{Plan: Plan{Chunk: 100}}, Account{Balance: 1000})
			node := newNode(t, addr, func(c *diameter.Config) { c.MaxAttempts = 1 })
			p := newPhone(t, node, "s;1")
			p.client = gy.NewClient(node, gy.ClientConfig{Timeout: 300 * time.Millisecond})
			p.ask(gy.RequestInitial, 0, 2001, wants(1))
			tt.fault.Times = 1
			o.Inject(tt.fault)
			p.ccr.Type, p.ccr.Number, p.ccr.Services = gy.RequestUpdate, 1, []gy.MSCC{uses(1, 40)}
			a, err := p.send()
			tt.want(t, a, err)
			debited := int64(0)
			if tt.seen {
				debited = 40
			}
			wantAccount(t, o, 1000-debited, 100, debited)
			require.EqualValues(t, 1, o.Stats().Faults)

			// The copy.
			waitOpen(t, node)
			p.ccr.Retransmitted = true
			wantGrant(t, p.ask(gy.RequestUpdate, 1, 2001, uses(1, 40)), 100, false)
			wantAccount(t, o, 960, 100, 40)
			if tt.seen {
				require.EqualValues(t, 1, o.Stats().Duplicates)
			}
			require.Empty(t, kinds(o))
			require.Zero(t, o.line.Outstanding())
		})
	}
}

func TestFaultsInOrder(t *testing.T) {
	o, addr := newOCS(t, Config{}, Account{Balance: 1000})
	p := newPhone(t, newNode(t, addr), "s;1")
	o.Inject(Fault{ResultCode: 3004, Times: 2})
	o.Inject(Fault{Type: gy.RequestTermination, ResultCode: 5012})
	require.NoError(t, o.InjectFor(testIMSI, Fault{ResultCode: 4010, Times: 1}))
	for _, want := range []uint32{4010, 3004, 3004, 2001} {
		p.ask(gy.RequestInitial, 0, want, wants(1))
	}
	for range 2 {
		p.ask(gy.RequestTermination, 1, 5012)
	}
	require.NoError(t, o.InjectFor(testIMSI, Fault{ResultCode: 4012})) // known by the session
	p.ccr.Subscriptions = nil
	p.ask(gy.RequestTermination, 1, 4012)
	o.ClearFaults()
	p.ask(gy.RequestTermination, 1, 2001)
	p.ccr.ServiceContextID = nil
	require.NoError(t, o.InjectFor(testIMSI, Fault{ResultCode: 4012}))
	p.ask(gy.RequestTermination, 1, 5005)
}

// Push: RAR and ASR reach the client, and its answers come back.
func TestPush(t *testing.T) {
	o, addr := newOCS(t, Config{}, Account{Balance: 1000})
	node := newNode(t, addr)
	told := make(chan string, 8)
	gy.Handle(node, listener{told})
	p := newPhone(t, node, "s;1")
	ctx := t.Context()
	_, err := o.Reauthorize(ctx, "s;1", nil)
	require.ErrorIs(t, err, ErrUnknown)
	_, err = o.Abort(ctx, "s;1")
	require.ErrorIs(t, err, ErrUnknown)
	p.ask(gy.RequestInitial, 0, 2001, wants(1))
	rg := uint32(7)
	for _, tt := range []struct {
		do   func() (uint32, error)
		told string
		code uint32
	}{
		{func() (uint32, error) { return o.Reauthorize(ctx, "s;1", nil) }, "RAR s;1", 2001},
		{func() (uint32, error) { return o.Reauthorize(ctx, "s;1", &rg) }, "RAR s;1 for one", 2002},
		{func() (uint32, error) { return o.Abort(ctx, "s;1") }, "ASR s;1", 5002},
	} {
		code, err := tt.do()
		require.NoError(t, err)
		require.Equal(t, tt.code, code)
		require.Equal(t, tt.told, <-told)
	}
	p.ask(gy.RequestTermination, 1, 2001)
	_, err = o.Abort(ctx, "s;1")
	require.ErrorIs(t, err, ErrUnknown)

	require.NoError(t, o.TopUp(testIMSI, 500))
	wantAccount(t, o, 1500, 0, 0)
	require.NoError(t, o.Close())
	_, err = o.exchange(ctx, nil)
	require.Error(t, err)
	require.False(t, errors.Is(err, ErrUnknown))
}

// listener is a gateway's ear.
type listener struct{ told chan string }

func (l listener) Reauthorize(_ context.Context, id string, rg *uint32) uint32 {
	if rg != nil && *rg == 7 {
		l.told <- "RAR " + id + " for one"
		return gy.ResultLimitedSuccess
	}
	l.told <- "RAR " + id
	return gy.ResultSuccess
}

func (l listener) Abort(_ context.Context, id string) uint32 {
	l.told <- "ASR " + id
	return gy.ResultUnknownSessionID
}
