package gy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// nodeFunc is a node that is one function.
type nodeFunc func(ctx context.Context, req wire.Message) (wire.Message, error)

func (f nodeFunc) Exchange(ctx context.Context, req wire.Message) (wire.Message, error) {
	return f(ctx, req)
}

func TestClientSend(t *testing.T) {
	x := begin(t, nil)
	x.start()
	var log bytes.Buffer
	var seen CCRInfo
	c := NewClient(nodeFunc(func(_ context.Context, req wire.Message) (wire.Message, error) {
		a := grant(mega)
		return a.Encode(nil, req.Header())
	}), ClientConfig{
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Hooks:  ClientHooks{CCR: func(_ context.Context, info CCRInfo) { seen = info }},
	})
	var a CCA
	require.NoError(t, c.Send(t.Context(), x.request(), &a))
	x.step(x.s.Answer(x.now, x.out.Seq, &a))
	x.wantService(ServiceGranted, EndNone)
	require.Equal(t, RequestInitial, seen.Type)
	require.EqualValues(t, ResultSuccess, seen.ResultCode)
	require.Contains(t, log.String(), "Gy CCR")
	require.NotContains(t, log.String(), "0010100")
}

func TestClientTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClient(nodeFunc(func(ctx context.Context, _ wire.Message) (wire.Message, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}), ClientConfig{})
		x := begin(t, nil)
		x.start()
		start := time.Now()
		err := c.Send(t.Context(), x.request(), new(CCA))
		require.Equal(t, FailureTimeout, FailureOf(err))
		require.Equal(t, 120*time.Second, time.Since(start))
	})
}

func TestFailureOf(t *testing.T) {
	for want, errs := range map[Failure][]error{
		FailureNotSent: {diameter.ErrNoPeer, diameter.ErrBusy, diameter.ErrClosed},
		FailureLost:    {&diameter.PeerError{Host: "ocs", Err: diameter.ErrDisconnected}, net.ErrClosed, context.Canceled, errors.New("what")},
		FailureTimeout: {context.DeadlineExceeded},
	} {
		for _, e := range errs {
			c := NewClient(nodeFunc(func(context.Context, wire.Message) (wire.Message, error) { return nil, e }), ClientConfig{})
			x := begin(t, nil)
			x.start()
			err := c.Send(t.Context(), x.request(), new(CCA))
			require.ErrorIs(t, err, e)
			require.Equal(t, want, FailureOf(err), e)
		}
	}
	for name, answer := range map[string]func(req wire.Message) wire.Message{
		"a request": func(req wire.Message) wire.Message { return req },
		"malformed": func(req wire.Message) wire.Message {
			b := wire.NewBuilder(nil, wire.Header{Command: CommandCreditControl})
			b.Octets(268, 0, 0, []byte{1})
			m, _ := b.Message()
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewClient(nodeFunc(func(_ context.Context, req wire.Message) (wire.Message, error) { return answer(req), nil }), ClientConfig{})
			x := begin(t, nil)
			x.start()
			require.Equal(t, FailureBadAnswer, FailureOf(c.Send(t.Context(), x.request(), new(CCA))))
		})
	}
}

// asyncNode is a node that needs nobody to wait.
type asyncNode struct {
	nodeFunc
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

func TestClientSendFunc(t *testing.T) {
	good := nodeFunc(func(_ context.Context, req wire.Message) (wire.Message, error) {
		a := grant(mega)
		return a.Encode(nil, req.Header())
	})
	silent := nodeFunc(func(ctx context.Context, _ wire.Message) (wire.Message, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	for name, tt := range map[string]struct {
		node Node
		want error
		wait time.Duration
	}{
		"answered":          {node: asyncNode{nodeFunc: good}},
		"somebody waits":    {node: good},
		"not answered":      {node: asyncNode{nodeFunc: silent}, want: context.DeadlineExceeded, wait: time.Second},
		"refused":           {node: asyncNode{refuse: diameter.ErrNoPeer}, want: diameter.ErrNoPeer},
		"waited in vain":    {node: silent, want: context.DeadlineExceeded, wait: time.Second},
		"answer unreadable": {node: asyncNode{nodeFunc: func(_ context.Context, req wire.Message) (wire.Message, error) { return req, nil }}, want: errCommand},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []CCRInfo
				c := NewClient(tt.node, ClientConfig{Timeout: time.Second, Hooks: ClientHooks{CCR: func(_ context.Context, i CCRInfo) { told = append(told, i) }}})
				x := begin(t, nil)
				x.start()
				var a CCA
				calls := 0
				err := c.SendFunc(t.Context(), x.request(), &a, func(e error) {
					calls++
					require.ErrorIs(t, e, tt.want)
				})
				require.ErrorIs(t, err, map[bool]error{true: diameter.ErrNoPeer}[name == "refused"])
				time.Sleep(2 * time.Second)
				synctest.Wait()
				require.Equal(t, map[bool]int{false: 1}[name == "refused"], calls)
				require.Len(t, told, 1)
				require.ErrorIs(t, told[0].Err, tt.want)
				require.Equal(t, RequestInitial, told[0].Type)
				require.Equal(t, tt.wait, told[0].Elapsed)
				if tt.want == nil {
					x.step(x.s.Answer(x.now, x.out.Seq, &a))
					x.wantService(ServiceGranted, EndNone)
				}
			})
		})
	}
}

// sessionsFunc answers for both of the OCS's requests.
type sessionsFunc func(what, id string, rg *uint32) uint32

func (f sessionsFunc) Reauthorize(_ context.Context, id string, rg *uint32) uint32 {
	return f("RAR", id, rg)
}
func (f sessionsFunc) Abort(_ context.Context, id string) uint32 { return f("ASR", id, nil) }

// TestServerRequests has two nodes on loopback: the OCS's sends RAR and ASR.
func TestServerRequests(t *testing.T) {
	node := func(host string, peers ...diameter.PeerConfig) *diameter.Node {
		n, err := diameter.NewNode(diameter.Config{
			OriginHost: host, OriginRealm: "example.net", Applications: []diameter.Application{Application}, Peers: peers,
		})
		require.NoError(t, err)
		t.Cleanup(func() { _ = n.Close() })
		return n
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ocs := node("ocs.example.net", diameter.PeerConfig{Host: "twag.example.net"})
	go func() { _ = ocs.Serve(l) }()
	twag := node("twag.example.net", diameter.PeerConfig{Host: "ocs.example.net", Address: l.Addr().String()})
	Handle(twag, sessionsFunc(func(what, id string, rg *uint32) uint32 {
		if id != "h;1;2" {
			return ResultUnknownSessionID
		}
		if rg != nil && *rg == 100 {
			return ResultLimitedSuccess
		}
		return ResultSuccess
	}))
	twag.Start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, ocs.WaitOpen(ctx, "twag.example.net"))

	ask := func(msg wire.Message, err error) ServerAnswer {
		t.Helper()
		require.NoError(t, err)
		raw, err := ocs.Exchange(ctx, msg)
		require.NoError(t, err)
		var a ServerAnswer
		require.NoError(t, a.Decode(raw))
		require.Equal(t, "twag.example.net", string(a.OriginHost))
		return a
	}
	rar := RAR{SessionID: []byte("h;1;2;r3"), OriginHost: []byte("ocs.example.net"), OriginRealm: []byte("example.net"),
		DestinationRealm: []byte("example.net"), DestinationHost: []byte("twag.example.net"), RatingGroup: 100, HasRatingGroup: true}
	a := ask(rar.Encode(nil))
	require.EqualValues(t, ResultLimitedSuccess, a.ResultCode)
	require.Equal(t, "h;1;2;r3", string(a.SessionID))
	rar.HasRatingGroup = false
	require.EqualValues(t, ResultSuccess, ask(rar.Encode(nil)).ResultCode)
	rar.SessionID = []byte("of the server's own making")
	require.EqualValues(t, ResultUnknownSessionID, ask(rar.Encode(nil)).ResultCode)
	rar.SessionID = nil
	require.EqualValues(t, ResultMissingAVP, ask(rar.Encode(nil)).ResultCode)
	asr := ASR{SessionID: []byte("h;1;2"), OriginHost: []byte("ocs.example.net"), OriginRealm: []byte("example.net"),
		DestinationRealm: []byte("example.net"), DestinationHost: []byte("twag.example.net")}
	require.EqualValues(t, ResultSuccess, ask(asr.Encode(nil)).ResultCode)
	asr.SessionID = nil
	require.EqualValues(t, ResultMissingAVP, ask(asr.Encode(nil)).ResultCode)
}

func ExampleMachine() {
	m := NewMachine(Config{OriginHost: "twag1.example.net", OriginRealm: "example.net"})
	s := m.NewSession("twag1.example.net;1700000000;1", &Info{
		Subscriptions: []Subscription{{SubscriptionIMSI, []byte("001010000000001")}},
	})
	client := NewClient(nodeFunc(func(_ context.Context, req wire.Message) (wire.Message, error) {
		a := CCA{ResultCode: ResultSuccess, Services: []MSCC{{
			RatingGroup: 1, HasRatingGroup: true,
			Granted: Units{Has: UnitTotal, Total: 10 << 20}, HasGranted: true,
		}}}
		return a.Encode(nil, req.Header())
	}), ClientConfig{})

	run := func(out Output) {
		for {
			_ = s.AppendState(nil) // to be stored before anything is done
			if out.Service == ServiceGranted {
				fmt.Println("granted")
			}
			if !out.Send {
				fmt.Println(s.State(), out.Done)
				return
			}
			msg, _ := s.AppendRequest(nil)
			fmt.Println("sent", typeOf(msg))
			var a CCA
			if err := client.Send(context.Background(), msg, &a); err != nil {
				out = s.Fail(time.Now(), out.Seq, FailureOf(err))
			} else {
				out = s.Answer(time.Now(), out.Seq, &a)
			}
		}
	}
	run(s.Start(time.Now()))
	run(s.Account(time.Now(), 0, Counters{Seconds: 60, Input: 1 << 20, Output: 8 << 20}))
	run(s.Stop(time.Now(), 0, Counters{Seconds: 70, Input: 2 << 20, Output: 8 << 20}, CauseLogout))
	// Output:
	// sent INITIAL_REQUEST
	// granted
	// Open false
	// sent UPDATE_REQUEST
	// Open false
	// sent TERMINATION_REQUEST
	// Idle true
}
