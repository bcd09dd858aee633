package diameter

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func TestAnswersAreMatchedByHopByHopAlone(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		first, second := s.exchange(t.Context(), mar(t, "first")), s.exchange(t.Context(), mar(t, "second"))
		a, b := f.want(cmdMAR, true), f.want(cmdMAR, true)
		require.NotEqual(t, a.Header().HopByHop, b.Header().HopByHop)
		require.NotEqual(t, a.Header().EndToEnd, b.Header().EndToEnd)
		// Out of order; with an end-to-end identifier, command, application
		// and Session-Id of the peer's own.
		users := map[string]wire.Message{}
		for _, m := range []wire.Message{b, a} {
			u, _ := m.Find(AVPUserName, 0)
			users[string(u.Data)] = m
		}
		for _, name := range []string{"second", "first"} {
			f.write(f.build(wire.Header{Command: 999, HopByHop: users[name].Header().HopByHop, EndToEnd: 1}, func(w *wire.Builder) {
				w.String(AVPSessionID, 0, 0, "")
				w.String(AVPUserName, 0, 0, name)
			}))
		}
		for name, wait := range map[string]func() (wire.Message, error){"first": first, "second": second} {
			m, err := wait()
			require.NoError(t, err)
			u, _ := m.Find(AVPUserName, 0)
			require.Equal(t, name, string(u.Data))
		}
	})
}

func TestBareAnswer(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		wait := s.exchange(t.Context(), mar(t, "x"))
		req := f.want(cmdMAR, true)
		f.answer(req, withResult(ResultMissingAVP))
		m, err := wait()
		require.NoError(t, err)
		require.Len(t, m, 32)
		require.EqualValues(t, ResultMissingAVP, resultOf(t, m))
	})
}

func TestUnknownAnswerIsDroppedAndTheConnectionStays(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		f.write(f.build(wire.Header{Command: cmdMAR, Application: swxApplication, HopByHop: 12345}))
		s.wantDrop(DropUnmatched)
		require.EqualValues(t, 1, s.node.Peers()[0].Unmatched)
		f.ping()
	})
}

func TestLateAnswerIsHarmless(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.node.Exchange(ctx, mar(t, "x"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, s.node.Peers()[0].Pending)
		req := f.want(cmdMAR, true)
		for range 3 {
			f.answer(req, withResult(ResultSuccess))
		}
		s.wantDrop(DropUnmatched)
		f.ping()
		wait := s.exchange(t.Context(), mar(t, "y"))
		f.answer(f.want(cmdMAR, true), withResult(ResultSuccess))
		_, err = wait()
		require.NoError(t, err)
	})
}

func TestNothingIsAskedForACallerThatIsGone(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 10 {
			_, err := s.node.Exchange(ctx, mar(t, "x"))
			require.ErrorIs(t, err, context.Canceled)
		}
		f.wantIdle()
	})
}

func TestLostConnectionEndsPendingRequestsAtOnce(t *testing.T) {
	runBoth(t, func(c *Config) { c.PeerWait = -1 }, func(t *testing.T, s *script) {
		f := s.open()
		var waits []func() (wire.Message, error)
		for range 10 {
			waits = append(waits, s.exchange(t.Context(), mar(t, "x")))
		}
		synctest.Wait()
		require.Equal(t, 10, s.node.Peers()[0].Pending)
		start := time.Now()
		f.close()
		for _, w := range waits {
			_, err := w()
			require.ErrorIs(t, err, ErrDisconnected)
			var pe *PeerError
			require.ErrorAs(t, err, &pe)
			require.Equal(t, serverHost, pe.Host)
		}
		require.Zero(t, time.Since(start))
	})
}

func TestPendingRequestsAreBounded(t *testing.T) {
	runBoth(t, func(c *Config) { c.MaxPending = 3 }, func(t *testing.T, s *script) {
		f := s.open()
		var waits []func() (wire.Message, error)
		for range 3 {
			waits = append(waits, s.exchange(t.Context(), mar(t, "x")))
		}
		synctest.Wait()
		_, err := s.node.Exchange(t.Context(), mar(t, "y"))
		require.ErrorIs(t, err, ErrBusy)
		for range 3 {
			f.answer(f.want(cmdMAR, true), withResult(ResultSuccess))
		}
		for _, w := range waits {
			_, err := w()
			require.NoError(t, err)
		}
	})
}

func TestQueuedOctetsAreBoundedAndAStalledPeerIsLeft(t *testing.T) {
	runBoth(t, func(c *Config) { c.MaxQueuedOctets, c.PeerWait = 10000, -1 }, func(t *testing.T, s *script) {
		near, end := net.Pipe()
		f := &far{t: t, nc: end, in: make(chan wire.Message, 10), closed: make(chan struct{})}
		first := s.accept()
		first.close()
		s.setRefuse(errRefused) // the node's own attempts
		// A peer that connects, reads its CEA, and then reads no more.
		time.Sleep(time.Second)
		s.l.conns <- near
		f.sendCER(serverHost, swxApplication)
		b := make([]byte, 4096)
		_, err := end.Read(b)
		require.NoError(t, err)
		s.wantState(PeerOpen)

		var waits []func() (wire.Message, error)
		for range 200 {
			waits = append(waits, s.exchange(t.Context(), mar(t, "x")))
		}
		start, busy := time.Now(), 0
		for _, w := range waits {
			_, err := w()
			if require.Error(t, err); err == ErrBusy {
				busy++
			} else {
				require.ErrorIs(t, err, ErrDisconnected)
			}
		}
		require.Greater(t, busy, 20)
		require.Equal(t, 10*time.Second, time.Since(start), "WriteTimeout")
		synctest.Wait()
		require.True(t, s.log.has("Diameter peer connection timeout"), s.log.all())
		_ = end.Close()
	})
}

func TestExchangeRefusesWhatIsNoRequest(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		s.open()
		m := mar(t, "x")
		m.SetFlags(0)
		_, err := s.node.Exchange(t.Context(), m)
		require.ErrorContains(t, err, "not a request")
		_, err = s.node.Exchange(t.Context(), m[:10])
		require.ErrorIs(t, err, wire.ErrLength)
		_, err = s.node.Exchange(t.Context(), (&far{t: t}).build(wire.Header{Flags: wire.FlagRequest, Command: CmdDeviceWatchdog}))
		require.ErrorContains(t, err, "node's own")
		_, err = s.node.Exchange(t.Context(), mar(t, string(make([]byte, 66000))))
		require.ErrorIs(t, err, wire.ErrLength)
		_, err = s.node.Exchange(t.Context(), (&far{t: t}).build(wire.Header{Flags: wire.FlagRequest, Command: 272, Application: 4}))
		require.ErrorIs(t, err, ErrNoPeer)
		require.ErrorContains(t, err, "application 4")
	})
}

func TestExchangeLeavesTheRequestAlone(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		m := mar(t, "x")
		m.SetEndToEnd(0x12345678)
		was := append(wire.Message(nil), m...)
		wait := s.exchange(t.Context(), m)
		req := f.want(cmdMAR, true)
		require.EqualValues(t, 0x12345678, req.Header().EndToEnd, "kept where the caller set it")
		f.answer(req, withResult(ResultSuccess))
		a, err := wait()
		require.NoError(t, err)
		require.Equal(t, was, m)
		clear(a)
		f.ping()
	})
}

func TestMessageHook(t *testing.T) {
	var mu sync.Mutex
	var got []MessageInfo
	hook := func(m MessageInfo) { mu.Lock(); got = append(got, m); mu.Unlock() }
	runScript(t, func(c *Config) { c.Hooks.Message = hook }, func(t *testing.T, s *script) {
		f := s.open()
		wait := s.exchange(t.Context(), mar(t, "x"))
		f.answer(f.want(cmdMAR, true), withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
		f.ping()
	})
	require.Equal(t, []MessageInfo{
		{Peer: serverHost, Command: 257, Request: true, Sent: true},
		{Peer: serverHost, Command: 257},
		{Peer: serverHost, Application: swxApplication, Command: cmdMAR, Request: true, Sent: true},
		{Peer: serverHost, Application: swxApplication, Command: cmdMAR},
		{Peer: serverHost, Command: 280, Request: true},
		{Peer: serverHost, Command: 280, Sent: true},
	}, got)
}

func TestIdentifiers(t *testing.T) {
	n := newNode(t, clientConfig())
	id := n.NewSessionID()
	require.Regexp(t, `^aaa\.example\.org;[0-9]{10};1$`, id)
	require.NotEqual(t, id, n.NewSessionID())

	var i identifiers
	i.start(time.Unix(0x12345678, 0))
	require.EqualValues(t, 0x678, i.nextEndToEnd()>>20, "low 12 bits of the time, unless the random part overflows")
	i.endToEnd.Store(0xffffffff)
	require.EqualValues(t, 1, i.nextEndToEnd(), "0 means none")
}
