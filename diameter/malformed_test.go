package diameter_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/fiorix/go-diameter/v4/diam"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/diameter/wire"
)

// rig is a node on loopback, and the peer that misbehaves.
type rig struct {
	t       *testing.T
	node    *diameter.Node
	peer    *diametertest.Peer
	address string // where the node listens
}

// newRig returns a node that connects to the peer, or with wait waits for it.
func newRig(t *testing.T, wait, manual bool) *rig {
	t.Helper()
	r := &rig{t: t, peer: diametertest.NewPeer(t, diametertest.Config{Host: peerHost, Manual: manual})}
	pc := diameter.PeerConfig{Host: peerHost}
	if !wait {
		pc.Address = r.peer.Listen()
	}
	var err error
	r.node, err = diameter.NewNode(diameter.Config{
		OriginHost: ourHost, OriginRealm: "example.org",
		Applications: []diameter.Application{{ID: swxApp, Vendor: 10415}},
		Peers:        []diameter.PeerConfig{pc},
		AllowPeer:    func(diameter.PeerInfo) bool { return true },
		Reconnect:    10 * time.Millisecond,
	})
	require.NoError(t, err)
	r.node.Handle(swxApp, cmdRTR, diameter.HandlerFunc(func(_ context.Context, q *diameter.Request) (wire.Message, error) {
		return q.Answer(diameter.ResultSuccess).Message()
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.address = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- r.node.Serve(l) }()
	t.Cleanup(func() {
		_ = r.node.Close()
		require.ErrorIs(t, <-done, diameter.ErrClosed)
	})
	return r
}

// other returns an open link of a peer that has done no wrong.
func (r *rig) other() *diametertest.Link {
	r.t.Helper()
	return diametertest.NewPeer(r.t, diametertest.Config{Host: "honest.example.net"}).Dial(r.address).Open()
}

// ask sends a MAR to the peer; the function returned waits for the outcome.
func (r *rig) ask(ctx context.Context) func() (wire.Message, error) {
	r.t.Helper()
	require.NoError(r.t, r.node.WaitOpen(ctx, peerHost))
	type outcome struct {
		m   wire.Message
		err error
	}
	ch := make(chan outcome, 1)
	go func() {
		m, err := r.node.Exchange(ctx, diametertest.Build(wire.Header{Flags: wire.FlagRequest, Command: cmdMAR, Application: swxApp},
			func(w *wire.Builder) { w.String(diameter.AVPDestinationHost, 0, wire.FlagMandatory, peerHost) }))
		ch <- outcome{m, err}
	}()
	return func() (wire.Message, error) {
		o := <-ch
		return o.m, o.err
	}
}

func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var (
	headerCER = wire.Header{Flags: wire.FlagRequest, Command: diameter.CmdCapabilitiesExchange, HopByHop: 7, EndToEnd: 8}
	headerDWR = wire.Header{Flags: wire.FlagRequest, Command: diameter.CmdDeviceWatchdog, HopByHop: 7, EndToEnd: 8}
	headerRTR = wire.Header{Flags: wire.FlagRequest, Command: cmdRTR, Application: swxApp, HopByHop: 7, EndToEnd: 8}
)

// origin is what every request has.
func origin(w *wire.Builder) {
	w.String(diameter.AVPOriginHost, 0, wire.FlagMandatory, peerHost)
	w.String(diameter.AVPOriginRealm, 0, wire.FlagMandatory, "example.net")
}

// capabilities is what a CER has, and with a result a CEA.
func capabilities(result uint32) diametertest.Part {
	return func(w *wire.Builder) {
		if result != 0 {
			diametertest.Result(result)(w)
		}
		origin(w)
		w.Octets(diameter.AVPHostIPAddress, 0, wire.FlagMandatory, []byte{0, 1, 127, 0, 0, 1})
		w.Uint32(diameter.AVPVendorID, 0, wire.FlagMandatory, 0)
		w.String(diameter.AVPProductName, 0, 0, "malformed")
		w.Uint32(diameter.AVPAuthApplicationID, 0, wire.FlagMandatory, diameter.ApplicationRelay)
	}
}

// each runs f for every malformed input.
func each(t *testing.T, h wire.Header, lead diametertest.Part, f func(*testing.T, diametertest.Input)) {
	list := diametertest.Malformed(h, lead)
	require.GreaterOrEqual(t, len(list), 25)
	for _, in := range list {
		t.Run(in.Name, func(t *testing.T) { f(t, in) })
	}
}

// TestMalformedCER: a peer whose CER is malformed is told so or thrown out,
// the node and its other peers live on, and it may try again.
func TestMalformedCER(t *testing.T) {
	r := newRig(t, true, false)
	other := r.other()
	connected := func(want bool) {
		t.Helper()
		require.Eventually(t, func() bool { return r.node.Peers()[1].State.Connected() == want }, time.Minute, time.Millisecond)
	}
	each(t, headerCER, capabilities(0), func(t *testing.T, in diametertest.Input) {
		link := r.peer.Dial(r.address)
		_, _ = link.Write(in.Octets) // the node may close before it has taken all
		switch {
		case in.Code == 0:
			link.WantResult(diameter.CmdCapabilitiesExchange, diameter.ResultSuccess)
			link.Ping()
			connected(true) // or the state of before would do below
		case len(in.Octets) > 4096 || !in.Framed || in.Code == diameter.ResultUnsupportedVersion:
		case in.Typed:
			// Refused only if the AVP is of use to us. But it has to be answered
			// before the next attempt, which would be one too many.
			a, ok := link.Want(diameter.CmdCapabilitiesExchange, false).Find(diameter.AVPResultCode, 0)
			require.True(t, ok)
			if code, err := a.Uint32(); err == nil && code == diameter.ResultSuccess {
				connected(true)
			}
		default:
			a := link.WantResult(diameter.CmdCapabilitiesExchange, in.Code)
			require.EqualValues(t, 7, a.Header().HopByHop)
		}
		other.Ping()
		link.Close()
		connected(false)
		again := r.peer.Dial(r.address).Open()
		connected(true)
		again.Ping()
		again.Close()
		connected(false)
	})
}

// TestMalformedBeforeCER: what is not even a CER ends the connection, and
// nothing else.
func TestMalformedBeforeCER(t *testing.T) {
	r := newRig(t, true, false)
	other := r.other()
	each(t, headerRTR, origin, func(t *testing.T, in diametertest.Input) {
		link := r.peer.Dial(r.address)
		_, _ = link.Write(in.Octets)
		link.WantClosed()
		other.Ping()
	})
	r.peer.Dial(r.address).Open().Ping()
}

// TestMalformedCEA: a node that gets such an answer to its CER uses the
// connection only if nothing is wrong, and tries again.
func TestMalformedCEA(t *testing.T) {
	for _, in := range diametertest.Malformed(wire.Header{}, nil) {
		t.Run(in.Name, func(t *testing.T) {
			r := newRig(t, false, true)
			other := r.other()
			link := r.peer.Arrived()
			cer := link.Want(diameter.CmdCapabilitiesExchange, true).Header()
			cer.Flags = 0
			bad := named(t, diametertest.Malformed(cer, capabilities(diameter.ResultSuccess)), in.Name)
			_, _ = link.Write(bad.Octets)
			if bad.Code == 0 || bad.Name == "reserved header bit" {
				require.NoError(t, r.node.WaitOpen(limited(t), peerHost))
				link.Ping()
				return
			}
			if bad.Typed && bad.Name != "Result-Code of 2 octets" {
				// Of no use to us, so nobody looks.
				require.NoError(t, r.node.WaitOpen(limited(t), peerHost))
				return
			}
			link.WantClosed()
			other.Ping()
			again := r.peer.Arrived()
			again.Send(diametertest.Build(wire.Header{
				Command: diameter.CmdCapabilitiesExchange, HopByHop: again.Want(diameter.CmdCapabilitiesExchange, true).Header().HopByHop,
			}, capabilities(diameter.ResultSuccess)))
			require.NoError(t, r.node.WaitOpen(limited(t), peerHost))
			again.Ping()
		})
	}
}

func named(t *testing.T, list []diametertest.Input, name string) diametertest.Input {
	t.Helper()
	for _, in := range list {
		if in.Name == name {
			return in
		}
	}
	require.FailNow(t, "no such input", name)
	return diametertest.Input{}
}

// TestMalformedRequests: on an open connection each is answered with the
// Result-Code that RFC 6733 has for it, and wherever the next message can be
// found, the request of ours that waits meanwhile gets its answer.
func TestMalformedRequests(t *testing.T) {
	for _, c := range []struct {
		name   string
		h      wire.Header
		typed  bool // the receiver knows the types of AVPs
		handle func(*diameter.Node)
	}{
		{"native handler", headerRTR, false, func(*diameter.Node) {}},
		{"go-diameter handler", headerRTR, true, func(n *diameter.Node) {
			n.HandleDiam(swxApp, cmdRTR, diam.HandlerFunc(func(c diam.Conn, m *diam.Message) { _, _ = n.Answer(m, diam.Success).WriteTo(c) }))
		}},
		{"nobody's command", wire.Header{Flags: wire.FlagRequest, Command: 305, Application: swxApp, HopByHop: 7, EndToEnd: 8}, false, nil},
		{"DWR", headerDWR, false, func(*diameter.Node) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, c.h, origin, func(t *testing.T, in diametertest.Input) {
				r := newRig(t, false, false)
				if c.handle != nil {
					c.handle(r.node)
				}
				link, other := r.peer.Accept(), r.other()
				ctx, cancel := context.WithCancel(limited(t))
				defer cancel()
				wait := r.ask(ctx)
				mar := link.Want(cmdMAR, true)

				link.Send(in.Octets)
				want := in.Code
				switch {
				case in.Typed && !c.typed, want == 0:
					want = diameter.ResultSuccess
				}
				if c.handle == nil && want != diameter.ResultInvalidMessageLength && want != diameter.ResultUnsupportedVersion {
					want = diameter.ResultCommandUnsupported // without a look at its AVPs
				}
				a := link.WantResult(c.h.Command, want)
				require.EqualValues(t, 7, a.Header().HopByHop)
				require.EqualValues(t, 8, a.Header().EndToEnd)
				switch {
				case in.Framed:
				case in.Name == "Message-Length 16 MiB without a body":
					// What follows is taken for that body, until the watchdog ends it.
					other.Ping()
					cancel()
					_, err := wait()
					require.ErrorIs(t, err, context.Canceled)
					return
				default:
					// Nothing can be found behind it. The request goes elsewhere.
					link.WantClosed()
					other.Answer(other.Want(cmdMAR, true), diameter.ResultSuccess)
					_, err := wait()
					require.NoError(t, err)
					other.Ping()
					return
				}
				other.Ping()
				link.Answer(mar, diameter.ResultSuccess)
				answer, err := wait()
				require.NoError(t, err)
				require.EqualValues(t, diameter.ResultSuccess, diametertest.ResultOf(answer))
				link.Ping()
			})
		})
	}
}

// TestMalformedAnswers: a malformed answer is the business of who asked, and
// an answer to somebody else on the same connection arrives.
func TestMalformedAnswers(t *testing.T) {
	for _, in := range diametertest.Malformed(wire.Header{}, nil) {
		t.Run(in.Name, func(t *testing.T) {
			r := newRig(t, false, false)
			link := r.peer.Accept()
			ctx, cancel := context.WithCancel(limited(t))
			defer cancel()
			wait := r.ask(ctx)
			first := link.Want(cmdMAR, true).Header()
			first.Flags &= wire.FlagProxiable
			waitOther := r.ask(ctx)
			second := link.Want(cmdMAR, true)
			bad := named(t, diametertest.Malformed(first, func(w *wire.Builder) {
				diametertest.Result(diameter.ResultSuccess)(w)
				origin(w)
			}), in.Name)
			link.Send(bad.Octets)
			if !bad.Framed {
				cancel()
				_, err := wait()
				require.Error(t, err)
				return
			}
			link.Answer(second, diameter.ResultSuccess)
			answer, err := waitOther()
			require.NoError(t, err)
			require.EqualValues(t, diameter.ResultSuccess, diametertest.ResultOf(answer))
			if answer, err = wait(); err == nil && bad.Code != 0 {
				// Handed over as it came. Who reads it finds out.
				_, err = diameter.DefaultDictionary().Decode(answer)
				if bad.Name == "reserved header bit" {
					require.NoError(t, err)
					return
				}
				require.Error(t, err)
				return
			}
			if bad.Code == 0 {
				require.NoError(t, err)
				return
			}
			var pe *diameter.PeerError
			require.ErrorAs(t, err, &pe)
			link.Ping()
		})
	}
}

// TestMalformedAnswersForGoDiameter: Do decodes, and says what is wrong.
func TestMalformedAnswersForGoDiameter(t *testing.T) {
	r := newRig(t, false, false)
	link := r.peer.Accept()
	require.NoError(t, r.node.WaitOpen(limited(t), peerHost))
	for _, in := range diametertest.Malformed(wire.Header{}, nil) {
		if !in.Framed {
			continue
		}
		t.Run(in.Name, func(t *testing.T) {
			failed := make(chan error, 1)
			go func() {
				_, err := r.node.Do(limited(t), diam.NewMessage(cmdMAR, diam.RequestFlag, swxApp, 1, 1, nil))
				failed <- err
			}()
			h := link.Want(cmdMAR, true).Header()
			h.Flags &= wire.FlagProxiable
			bad := named(t, diametertest.Malformed(h, origin), in.Name)
			link.Send(bad.Octets)
			err := <-failed
			if bad.Code == 0 || bad.Name == "reserved header bit" {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
				require.False(t, errors.Is(err, context.DeadlineExceeded))
			}
			link.Ping()
		})
	}
}

// TestMalformedInputIsNotAmplified: what the process allocates for a malformed
// message, this test's end included, is at most four times its size beyond what
// an ordinary message costs in its place, and 2 KiB for the words of the
// refusal.
func TestMalformedInputIsNotAmplified(t *testing.T) {
	const words, rounds = 2 << 10, 8
	bound := func(t *testing.T, in diametertest.Input, ordinary, bad func()) {
		t.Helper()
		ordinary()
		bad()
		best := int64(1) << 62
		for range 3 { // something else of the process may allocate, too
			base := allocated(func() {
				for range rounds {
					ordinary()
				}
			})
			used := allocated(func() {
				for range rounds {
					bad()
				}
			})
			best = min(best, (used-base)/rounds)
		}
		require.LessOrEqual(t, best, int64(4*len(in.Octets)+words), "octets allocated for %d", len(in.Octets))
		t.Logf("%d octets: %d more than an ordinary message", len(in.Octets), best)
	}
	for _, c := range []struct {
		name string
		h    wire.Header
	}{{"request", headerRTR}, {"DWR", headerDWR}} {
		t.Run(c.name, func(t *testing.T) {
			each(t, c.h, origin, func(t *testing.T, in diametertest.Input) {
				r := newRig(t, true, false)
				good := diametertest.Build(c.h, origin)
				if in.Framed {
					link := r.peer.Dial(r.address).Open()
					send := func(b []byte) func() {
						return func() { link.Send(b); link.Want(c.h.Command, false) }
					}
					bound(t, in, send(good), send(in.Octets))
					return
				}
				// It costs the connection, so each has its own; their peers are
				// not known, so that they need not wait for each other.
				n := 0
				send := func(b []byte) func() {
					return func() {
						n++
						p := diametertest.NewPeer(t, diametertest.Config{Host: fmt.Sprintf("peer%04d.example.net", n)})
						link := p.Dial(r.address).Open()
						link.Send(b)
						link.Want(c.h.Command, false)
						link.Close()
					}
				}
				bound(t, in, send(good), send(in.Octets))
			})
		})
	}
	t.Run("before the CER", func(t *testing.T) {
		r := newRig(t, true, false)
		each(t, headerRTR, origin, func(t *testing.T, in diametertest.Input) {
			send := func(b []byte) func() {
				return func() {
					link := r.peer.Dial(r.address)
					_, _ = link.Write(b)
					link.WantClosed()
				}
			}
			bound(t, in, send(diametertest.Build(headerDWR, origin)), send(in.Octets))
		})
	})
	t.Run("answer", func(t *testing.T) {
		r := newRig(t, false, false)
		link := r.peer.Accept()
		require.NoError(t, r.node.WaitOpen(limited(t), peerHost))
		for _, in := range diametertest.Malformed(wire.Header{}, nil) {
			if !in.Framed {
				continue // as for requests: the header alone decides
			}
			t.Run(in.Name, func(t *testing.T) {
				send := func(b []byte) func() {
					return func() {
						done := make(chan struct{})
						go func() {
							defer close(done)
							_, _ = r.node.Exchange(limited(t), diametertest.Build(wire.Header{Flags: wire.FlagRequest, Command: cmdMAR, Application: swxApp}))
						}()
						b := append([]byte(nil), b...)
						m := wire.Message(b)
						m.SetHopByHop(link.Want(cmdMAR, true).Header().HopByHop)
						link.Send(b)
						<-done
					}
				}
				bad := named(t, diametertest.Malformed(wire.Header{Command: cmdMAR, Application: swxApp}, origin), in.Name)
				bound(t, bad, send(diametertest.Build(wire.Header{Command: cmdMAR, Application: swxApp}, origin)), send(bad.Octets))
			})
		}
	})
}

// allocated returns the octets that the process allocates while f runs.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}
