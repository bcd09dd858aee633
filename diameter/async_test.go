package diameter

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// A notice may come about a request that then turns out not to be sent.
func TestAsyncRequestThatIsNotSentAfterANotice(t *testing.T) {
	runScriptAs(t, true, twoPeers, func(t *testing.T, s *script) {
		s.connectAs("a.example", testRealm, swxApplication)
		b := s.connectAs("b.example", testRealm, swxApplication)
		c := s.node.peerList()[0].usable.Load()
		c.pending.setSuspect(true)
		c.w.end(errors.New("full"))

		wait := s.exchange(t.Context(), mar(t, "x"))
		m := b.want(cmdMAR, true)
		require.Zero(t, m.Header().Flags&wire.FlagRetransmitted, "nobody has seen it yet")
		b.answer(m, withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
		b.wantIdle()
	})
}

// What runs at the end of a request belongs to the node: it is waited for.
func TestNodeEndsAfterDone(t *testing.T) {
	for name, end := range map[string]func(*Node) error{
		"Shutdown": func(n *Node) error { return n.Shutdown(context.Background()) },
		"Close":    (*Node).Close,
	} {
		t.Run(name, func(t *testing.T) {
			runScript(t, func(c *Config) { c.AttemptTimeout = -1 }, func(t *testing.T, s *script) {
				f := s.open()
				begun, release := make(chan error, 1), make(chan struct{})
				require.NoError(t, s.node.ExchangeFunc(time.Now().Add(time.Second), mar(t, "x"), func(_ wire.Message, err error) {
					begun <- err
					<-release
				}))
				f.want(cmdMAR, true)
				require.ErrorIs(t, <-begun, context.DeadlineExceeded)
				ended := make(chan error, 1)
				go func() { ended <- end(s.node) }()
				synctest.Wait()
				require.Empty(t, ended)
				close(release)
				if name == "Shutdown" {
					f.answer(f.want(CmdDisconnectPeer, true), withResult(ResultSuccess))
				}
				require.NoError(t, <-ended)
			})
		})
	}
}

func TestPanicInDone(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		require.NoError(t, s.node.ExchangeFunc(time.Time{}, mar(t, "x"), func(wire.Message, error) { panic("x") }))
		f.answer(f.want(cmdMAR, true), withResult(ResultSuccess))
		synctest.Wait()
		require.True(t, s.log.has(logCallbackPanic, "ExchangeFunc", "panic=string"))
		require.Zero(t, s.node.inFlight.Load())
		s.goes(f, mar(t, "x"))
	})
}

// A request whose time is over is not sent again.
func TestNothingIsSentAfterTheDeadline(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		m := mar(t, "x")
		_, err := s.node.newFailOver(m, m.Header()).unsent(ctx, ErrNoPeer)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		f.wantIdle()
	})
}

// Nothing begins once the node has ended.
func TestAsyncRequestOfAClosedNode(t *testing.T) {
	runScript(t, func(c *Config) { c.WaitForPeer = true }, func(t *testing.T, s *script) {
		require.NoError(t, s.node.Close())
		refused := func(wire.Message, error) { t.Error("done is called") }
		require.ErrorIs(t, s.node.ExchangeFunc(time.Time{}, mar(t, "x"), refused), ErrClosed)
		s.node.draining.Store(false) // as for one that was just ahead of Close
		require.ErrorIs(t, s.node.ExchangeFunc(time.Time{}, mar(t, "x"), refused), ErrClosed)
		require.Zero(t, s.node.inFlight.Load())
	})
}

// Nor does such a notice harm the attempts that follow.
func TestAttemptThatIsNotMadeAfterANotice(t *testing.T) {
	runBoth(t, peerTable(PeerConfig{Host: "a.example"}, PeerConfig{Host: "b.example", Priority: 1}, PeerConfig{Host: "c.example", Priority: 2}), func(t *testing.T, s *script) {
		a := s.connectAs("a.example", testRealm, swxApplication)
		s.connectAs("b.example", testRealm, swxApplication)
		c := s.connectAs("c.example", testRealm, swxApplication)
		full := s.node.peerList()[1].usable.Load()
		full.pending.setSuspect(true)
		full.w.end(errors.New("full"))

		wait := s.exchange(t.Context(), mar(t, "x"))
		first := a.want(cmdMAR, true)
		a.close()
		c.answer(c.wantAgain(first), withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
		c.wantIdle()
	})
}
