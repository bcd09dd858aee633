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

// twoPeers are two ways to one realm. Requests go to a.example first.
var twoPeers = peerTable(PeerConfig{Host: "a.example"}, PeerConfig{Host: "b.example", Priority: 1})

func withConfig(fs ...func(*Config)) func(*Config) {
	return func(c *Config) {
		for _, f := range fs {
			f(c)
		}
	}
}

// runPair runs f with both of twoPeers open.
func runPair(t *testing.T, change func(*Config), f func(t *testing.T, s *script, a, b *far)) {
	t.Helper()
	if change == nil {
		change = func(*Config) {}
	}
	runBoth(t, withConfig(twoPeers, change), func(t *testing.T, s *script) {
		a := s.connectAs("a.example", testRealm, swxApplication)
		b := s.connectAs("b.example", testRealm, swxApplication)
		f(t, s, a, b)
	})
}

// wantAgain wants the copy of a request of which first was sent before.
func (f *far) wantAgain(first wire.Message) wire.Message {
	f.t.Helper()
	m := f.next()
	for m.Header().Command == CmdDeviceWatchdog {
		f.sendDWA(m)
		m = f.next()
	}
	require.EqualValues(f.t, cmdMAR, m.Header().Command)
	h, was := m.Header(), first.Header()
	require.NotZero(f.t, h.Flags&wire.FlagRetransmitted, "T")
	require.Equal(f.t, was.Flags|wire.FlagRetransmitted, h.Flags)
	require.Equal(f.t, was.EndToEnd, h.EndToEnd)
	require.Equal(f.t, first[wire.HeaderLen:], m[wire.HeaderLen:])
	return m
}

func (s *script) status(host string) PeerStatus {
	synctest.Wait()
	for _, p := range s.node.Peers() {
		if p.Host == host {
			return p
		}
	}
	require.FailNow(s.t, "no such peer")
	return PeerStatus{}
}

func TestLostRequestIsSentToAnotherPeer(t *testing.T) {
	runPair(t, nil, func(t *testing.T, s *script, a, b *far) {
		m := marTo(t, "", testRealm)
		was := append(wire.Message(nil), m...)
		wait := s.exchange(t.Context(), m)
		first := a.want(cmdMAR, true)
		require.Zero(t, first.Header().Flags&wire.FlagRetransmitted)
		start := time.Now()
		a.close()
		b.answer(b.wantAgain(first), withResult(ResultSuccess))
		got, err := wait()
		require.NoError(t, err)
		require.EqualValues(t, ResultSuccess, resultOf(t, got))
		require.Zero(t, time.Since(start), "at once")
		require.Equal(t, was, m, "the caller's message is as it was")
		require.EqualValues(t, 1, s.status("a.example").FailedOver)
		require.EqualValues(t, 1, s.status("a.example").Requests)
		require.EqualValues(t, 0, s.status("a.example").Answers)
		require.EqualValues(t, 1, s.status("b.example").Answers)
	})
}

func TestEveryPendingRequestFailsOver(t *testing.T) {
	runPair(t, nil, func(t *testing.T, s *script, a, b *far) {
		var waits []func() (wire.Message, error)
		for range 300 {
			waits = append(waits, s.exchange(t.Context(), marTo(t, "", testRealm)))
			a.want(cmdMAR, true)
		}
		a.close()
		hops, ends := map[uint32]bool{}, map[uint32]bool{}
		for range waits {
			m := b.want(cmdMAR, true)
			hops[m.Header().HopByHop], ends[m.Header().EndToEnd] = true, true
			b.answer(m, withResult(ResultSuccess))
		}
		for _, wait := range waits {
			_, err := wait()
			require.NoError(t, err)
		}
		require.Len(t, hops, 300)
		require.Len(t, ends, 300)
	})
}

func TestSuspectPeersRequestsAreSentElsewhereAndItsAnswerStillCounts(t *testing.T) {
	for _, answers := range []string{"a", "b"} {
		t.Run("first answer from "+answers, func(t *testing.T) {
			runPair(t, func(c *Config) { c.AttemptTimeout = -1 }, func(t *testing.T, s *script, a, b *far) {
				wait := s.exchange(t.Context(), marTo(t, "", testRealm))
				first := a.want(cmdMAR, true)
				a.want(CmdDeviceWatchdog, true)
				again := b.wantAgain(first)
				require.Equal(t, PeerSuspect, s.status("a.example").State)
				from, late := a, b
				m, other := first, again
				if answers == "b" {
					from, late, m, other = b, a, again, first
				}
				from.answer(m, withResult(ResultSuccess), originOf(answers))
				got, err := wait()
				require.NoError(t, err)
				host, _ := got.Find(AVPOriginHost, 0)
				require.Equal(t, answers, string(host.Data))
				require.Zero(t, s.status("a.example").Pending+s.status("b.example").Pending)

				late.answer(other, withResult(ResultSuccess))
				s.wantDrop(DropUnmatched)
				late.ping()
			})
		})
	}
}

func TestRequestThatComesToAPeerJustSuspect(t *testing.T) {
	p := newPending(10, 0)
	p.setSuspect(true)
	c := newCall()
	_, err := p.add(c)
	require.NoError(t, err)
	require.Equal(t, noticeSuspect, <-c.ch)
	p.setSuspect(true)
	require.Empty(t, c.ch, "once")
	p.setSuspect(false)
	c = newCall()
	_, err = p.add(c)
	require.NoError(t, err)
	require.Empty(t, c.ch)
}

func TestSlowRequestIsSentElsewhereOnce(t *testing.T) {
	runBoth(t, withConfig(twoPeers, func(c *Config) {
		c.Peers = append(c.Peers, PeerConfig{Host: "c.example", Priority: 2})
	}), func(t *testing.T, s *script) {
		a := s.connectAs("a.example", testRealm, swxApplication)
		b := s.connectAs("b.example", testRealm, swxApplication)
		c := s.connectAs("c.example", testRealm, swxApplication)
		wait := s.exchange(t.Context(), marTo(t, "", testRealm))
		first := a.want(cmdMAR, true)
		start := time.Now()
		time.Sleep(2 * time.Second)
		a.ping() // the peer lives, only the answer does not come
		b.wantIdle()
		again := b.wantAgain(first)
		require.InDelta(t, 3.2, time.Since(start).Seconds(), 0.25)
		time.Sleep(10 * time.Second)
		require.Empty(t, c.in)
		require.EqualValues(t, 1, s.status("a.example").Pending, "its answer would still count")
		b.answer(again, withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
		require.Zero(t, s.status("a.example").Pending)
	})
}

// A peer from which nothing comes while requests wait gets no more of them, if
// there are others, and is probed, before the watchdog is sure.
func TestSilentPeerIsAvoided(t *testing.T) {
	runPair(t, nil, func(t *testing.T, s *script, a, b *far) {
		wait := s.exchange(t.Context(), marTo(t, "", testRealm))
		first := a.want(cmdMAR, true)
		again := b.wantAgain(first)
		require.Equal(t, PeerOpen, s.status("a.example").State)
		dwr := a.want(CmdDeviceWatchdog, true)
		b.answer(again, withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
		for range 5 {
			s.goes(b, marTo(t, "", testRealm))
		}
		a.sendDWA(dwr)
		synctest.Wait()
		s.goes(a, marTo(t, "", testRealm))
	})
}

func TestSlownessIsOff(t *testing.T) {
	runPair(t, func(c *Config) { c.AttemptTimeout = -1 }, func(t *testing.T, s *script, a, b *far) {
		wait := s.exchange(t.Context(), marTo(t, "", testRealm))
		first := a.want(cmdMAR, true)
		time.Sleep(20 * time.Second)
		b.wantIdle()
		a.answer(first, withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
	})
}

func TestSlowRequestWithoutAnotherPeerGoesOnWaiting(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		wait := s.exchange(t.Context(), mar(t, "x"))
		req := f.want(cmdMAR, true)
		time.Sleep(20 * time.Second)
		f.sendDWA(f.want(CmdDeviceWatchdog, true))
		f.wantIdle()
		f.answer(req, withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
	})
}

// The only peer restarts: what was pending is asked again.
func TestLostRequestWaitsForThePeerToComeBack(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		wait := s.exchange(t.Context(), mar(t, "x"))
		first := f.want(cmdMAR, true)
		f.close()
		f = s.open()
		for range 3 {
			f.sendDWA(f.want(CmdDeviceWatchdog, true))
		}
		f.answer(f.wantAgain(first), withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
	})
}

func TestLostRequestWaitsNoLongerThanItMay(t *testing.T) {
	for _, c := range []struct {
		name     string
		peerWait time.Duration
		deadline time.Duration
		want     time.Duration
		err      []error
	}{
		{"default", 0, time.Hour, 30 * time.Second, []error{ErrDisconnected}},
		{"PeerWait", 7 * time.Second, time.Hour, 7 * time.Second, []error{ErrDisconnected}},
		{"not at all", -1, time.Hour, 0, []error{ErrDisconnected}},
		{"the caller's deadline", 0, 5 * time.Second, 5 * time.Second, []error{context.DeadlineExceeded, ErrDisconnected}},
	} {
		t.Run(c.name, func(t *testing.T) {
			runBoth(t, func(cfg *Config) { cfg.PeerWait = c.peerWait }, func(t *testing.T, s *script) {
				f := s.open()
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				start := time.Now()
				wait := s.exchange(ctx, mar(t, "x"))
				f.want(cmdMAR, true)
				s.setRefuse(errRefused)
				f.close()
				_, err := wait()
				for _, want := range c.err {
					require.ErrorIs(t, err, want)
				}
				require.Equal(t, c.want, time.Since(start))
				require.Zero(t, s.node.waiting.Load())
			})
		})
	}
}

func TestFirstRequestWaitsIfItIsTold(t *testing.T) {
	runBoth(t, func(c *Config) { c.WaitForPeer = true }, func(t *testing.T, s *script) {
		wait := s.exchange(t.Context(), mar(t, "x"))
		f := s.open()
		req := f.want(cmdMAR, true)
		require.Zero(t, req.Header().Flags&wire.FlagRetransmitted, "the first copy")
		f.answer(req, withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)

		s.setRefuse(errRefused)
		f.close()
		synctest.Wait()
		start := time.Now()
		_, err = s.node.Exchange(t.Context(), mar(t, "y"))
		require.ErrorIs(t, err, ErrNoPeer)
		require.Equal(t, 30*time.Second, time.Since(start))
	})
}

// A request that has waited for a peer and was sent at last is not said to have
// found none: its sender has to mark the next copy.
func TestRequestThatWaitedIsSent(t *testing.T) {
	runBoth(t, func(c *Config) { c.WaitForPeer = true }, func(t *testing.T, s *script) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		wait := s.exchange(ctx, mar(t, "x"))
		f := s.open()
		f.want(cmdMAR, true)
		_, err := wait()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, ErrNoPeer)
	})
}

func TestWaitingRequestsAreBounded(t *testing.T) {
	runBoth(t, func(c *Config) { c.WaitForPeer, c.MaxPending = true, 3 }, func(t *testing.T, s *script) {
		s.setRefuse(errRefused)
		var waits []func() (wire.Message, error)
		for range 3 {
			waits = append(waits, s.exchange(t.Context(), mar(t, "x")))
		}
		synctest.Wait()
		start := time.Now()
		_, err := s.node.Exchange(t.Context(), mar(t, "y"))
		require.ErrorIs(t, err, ErrNoPeer)
		require.Zero(t, time.Since(start))
		for _, wait := range waits {
			_, err := wait()
			require.ErrorIs(t, err, ErrNoPeer)
		}
		require.Equal(t, 30*time.Second, time.Since(start))
	})
}

func TestRefusedRequestIsTriedElsewhere(t *testing.T) {
	for _, code := range []uint32{ResultUnableToDeliver, ResultTooBusy} {
		runPair(t, nil, func(t *testing.T, s *script, a, b *far) {
			wait := s.exchange(t.Context(), marTo(t, "", testRealm))
			first := a.want(cmdMAR, true)
			a.answer(first, withResult(code), originOf("a.example"))
			again := b.want(cmdMAR, true)
			require.Zero(t, again.Header().Flags&wire.FlagRetransmitted, "an error answer is an answer: no T")
			require.Equal(t, first.Header().EndToEnd, again.Header().EndToEnd)
			b.answer(again, withResult(ResultSuccess))
			got, err := wait()
			require.NoError(t, err)
			require.EqualValues(t, ResultSuccess, resultOf(t, got))

			next := a
			if code == ResultTooBusy {
				next = b // a is left alone for a while
			}
			s.goes(next, marTo(t, "", testRealm))
			time.Sleep(2 * time.Second)
			s.goes(a, marTo(t, "", testRealm))
		})
	}
}

func TestRefusalOfAllIsTheAnswer(t *testing.T) {
	runPair(t, nil, func(t *testing.T, s *script, a, b *far) {
		wait := s.exchange(t.Context(), marTo(t, "", testRealm))
		a.answer(a.want(cmdMAR, true), withResult(ResultTooBusy), originOf("a.example"))
		b.answer(b.want(cmdMAR, true), withResult(ResultUnableToDeliver), originOf("b.example"))
		got, err := wait()
		require.NoError(t, err)
		require.EqualValues(t, ResultUnableToDeliver, resultOf(t, got), "the last, as it came")
		a.wantIdle()
	})
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		for range 2 { // there is nobody else, so busy or not, it's asked
			wait := s.exchange(t.Context(), mar(t, "x"))
			f.answer(f.want(cmdMAR, true), withResult(ResultTooBusy))
			got, err := wait()
			require.NoError(t, err)
			require.EqualValues(t, ResultTooBusy, resultOf(t, got))
		}
	})
}

// A relay that passes on that somebody behind it is busy is not busy itself.
func TestBusyServerBehindARelay(t *testing.T) {
	runPair(t, nil, func(t *testing.T, s *script, a, b *far) {
		wait := s.exchange(t.Context(), marTo(t, "", testRealm))
		a.answer(a.want(cmdMAR, true), withResult(ResultTooBusy), originOf("hss.example"))
		b.answer(b.want(cmdMAR, true), withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
		s.goes(a, marTo(t, "", testRealm))
	})
}

// T means that an earlier copy may have been handled: after one lost and one
// refused it still may.
func TestRefusedAfterLostIsStillAPossibleDuplicate(t *testing.T) {
	runBoth(t, withConfig(twoPeers, func(c *Config) {
		c.Peers = append(c.Peers, PeerConfig{Host: "c.example", Priority: 2})
	}), func(t *testing.T, s *script) {
		a := s.connectAs("a.example", testRealm, swxApplication)
		b := s.connectAs("b.example", testRealm, swxApplication)
		c := s.connectAs("c.example", testRealm, swxApplication)
		wait := s.exchange(t.Context(), marTo(t, "", testRealm))
		first := a.want(cmdMAR, true)
		a.close()
		b.answer(b.wantAgain(first), withResult(ResultUnableToDeliver))
		c.answer(c.wantAgain(first), withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
	})
}

func TestAttemptsAreBounded(t *testing.T) {
	for _, most := range []int{1, 2, 4} {
		runBoth(t, func(c *Config) { c.MaxAttempts = most }, func(t *testing.T, s *script) {
			f := s.open()
			wait := s.exchange(t.Context(), mar(t, "poison"))
			for i := range most {
				f.want(cmdMAR, true)
				f.close()
				if i == most-1 {
					break
				}
				f = s.open()
				for range 3 {
					f.sendDWA(f.want(CmdDeviceWatchdog, true))
				}
			}
			start := time.Now()
			_, err := wait()
			require.ErrorIs(t, err, ErrDisconnected)
			require.Zero(t, time.Since(start))
		})
	}
}

// A request for the host that has gone waits for it, unless a relay takes it.
func TestFailOverOfARequestForOneHost(t *testing.T) {
	runPair(t, func(c *Config) {
		c.Peers = append(c.Peers, PeerConfig{Host: "dra.example", Realm: "hub.example"})
	}, func(t *testing.T, s *script, a, b *far) {
		wait := s.exchange(t.Context(), marTo(t, "a.example", testRealm))
		first := a.want(cmdMAR, true)
		a.close()
		time.Sleep(time.Second)
		b.wantIdle()
		dra := s.connectAs("dra.example", "hub.example", ApplicationRelay)
		dra.answer(dra.wantAgain(first), withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
	})
}

func TestFullConnectionIsPassedOver(t *testing.T) {
	runPair(t, func(c *Config) { c.MaxPending = 1 }, func(t *testing.T, s *script, a, b *far) {
		one := s.exchange(t.Context(), marTo(t, "", testRealm))
		first := a.want(cmdMAR, true)
		two := s.exchange(t.Context(), marTo(t, "", testRealm))
		second := b.want(cmdMAR, true)
		require.Zero(t, second.Header().Flags&wire.FlagRetransmitted)
		_, err := s.node.Exchange(t.Context(), marTo(t, "", testRealm))
		require.ErrorIs(t, err, ErrBusy)
		// Fail-over to a connection that is full waits for room.
		a.close()
		synctest.Wait()
		b.wantIdle()
		b.answer(second, withResult(ResultSuccess))
		_, err = two()
		require.NoError(t, err)
		b.answer(b.wantAgain(first), withResult(ResultSuccess))
		_, err = one()
		require.NoError(t, err)
	})
}

func TestAnswerThatIsTooLongIsAnOutcome(t *testing.T) {
	runPair(t, nil, func(t *testing.T, s *script, a, b *far) {
		wait := s.exchange(t.Context(), marTo(t, "", testRealm))
		h := a.want(cmdMAR, true).Header()
		long := a.build(wire.Header{Command: cmdMAR, Application: swxApplication, HopByHop: h.HopByHop}, func(w *wire.Builder) {
			w.Octets(AVPErrorMessage, 0, 0, make([]byte, 70000))
		})
		a.write(long)
		_, err := wait()
		var re *ResultError
		require.ErrorAs(t, err, &re)
		b.wantIdle()
	})
}

func TestShutdownEndsTheWaitForAPeer(t *testing.T) {
	runBoth(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		wait := s.exchange(t.Context(), mar(t, "x"))
		f.want(cmdMAR, true)
		s.setRefuse(errRefused)
		f.close()
		synctest.Wait()
		require.EqualValues(t, 1, s.node.waiting.Load())
		require.NoError(t, s.node.Shutdown(t.Context()))
		_, err := wait()
		require.ErrorIs(t, err, ErrDisconnected)
	})
}

func TestCloseEndsFailOver(t *testing.T) {
	runBoth(t, func(c *Config) { c.WaitForPeer = true }, func(t *testing.T, s *script) {
		s.setRefuse(errRefused)
		wait := s.exchange(t.Context(), mar(t, "x"))
		synctest.Wait()
		require.NoError(t, s.node.Close())
		_, err := wait()
		require.Error(t, err)
	})
}

func TestCallerThatGivesUpDuringFailOver(t *testing.T) {
	runPair(t, nil, func(t *testing.T, s *script, a, b *far) {
		if s.async {
			return // it has no context that could end
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait := s.exchange(ctx, marTo(t, "", testRealm))
		first := a.want(cmdMAR, true)
		again := b.wantAgain(first)
		cancel()
		_, err := wait()
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, s.status("a.example").Pending+s.status("b.example").Pending)
		require.EqualValues(t, 1, s.status("a.example").Timeouts)
		require.EqualValues(t, 1, s.status("b.example").Timeouts)
		a.answer(first, withResult(ResultSuccess))
		b.answer(again, withResult(ResultSuccess))
		s.wantDrop(DropUnmatched)
		a.want(CmdDeviceWatchdog, true)
		s.goes(a, marTo(t, "", testRealm))
	})
}

// FuzzFailOver has three peers do as the octets say with what they get, for
// many requests, of either kind: each has one outcome, in time, and nothing
// stays behind.
func FuzzFailOver(f *testing.F) {
	for _, async := range []bool{false, true} {
		f.Add(async, []byte{0, 1, 2, 3, 4, 5, 6})
		f.Add(async, []byte{3, 3, 3, 3, 3, 3})
		f.Add(async, []byte{1, 2, 1, 2, 4, 4, 4, 4, 0, 5})
	}
	f.Fuzz(func(t *testing.T, async bool, actions []byte) {
		if len(actions) > 64 {
			actions = actions[:64]
		}
		runScriptAs(t, async, withConfig(twoPeers, func(c *Config) {
			c.Peers = append(c.Peers, PeerConfig{Host: "c.example"})
			c.Watchdog = time.Hour
		}), func(t *testing.T, s *script) { fuzzFailOver(t, s, actions) })
	})
}

func fuzzFailOver(t *testing.T, s *script, actions []byte) {
	var fars []*far
	for _, host := range []string{"a.example", "b.example", "c.example"} {
		fars = append(fars, s.connectAs(host, testRealm, swxApplication))
	}
	next := func() byte {
		if len(actions) == 0 {
			return 0
		}
		a := actions[0]
		actions = actions[1:]
		return a
	}
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		outcome := make(chan error, 1)
		wait := s.exchange(ctx, marTo(t, "", testRealm))
		go func() { _, err := wait(); outcome <- err }()
		copies, end := 0, uint32(0)
		for done := false; !done; {
			synctest.Wait()
			select {
			case err := <-outcome:
				require.True(t, err == nil || copies < 4 || errors.Is(err, ErrDisconnected), "%v", err)
				done = true
				continue
			default:
			}
			var got wire.Message
			var from *far
			for _, f := range fars {
				select {
				case got = <-f.in:
					from = f
				default:
				}
				if from != nil {
					break
				}
			}
			if from == nil {
				time.Sleep(500 * time.Millisecond)
				continue
			}
			if got.Header().Command != cmdMAR {
				continue
			}
			if copies++; copies == 1 {
				end = got.Header().EndToEnd
			}
			require.Equal(t, end, got.Header().EndToEnd)
			require.LessOrEqual(t, copies, 4)
			switch next() % 7 {
			case 0:
				from.answer(got, withResult(ResultSuccess))
			case 1:
				from.answer(got, withResult(ResultTooBusy))
			case 2:
				from.answer(got, withResult(ResultUnableToDeliver))
			case 3:
				from.close()
			case 4: // nothing
			case 5:
				from.answer(got, withResult(ResultTooBusy))
				from.answer(got, withResult(ResultSuccess))
			case 6:
				from.answer(got)
			}
		}
		require.LessOrEqual(t, time.Since(start), 10*time.Second)
		synctest.Wait()
		require.Zero(t, s.node.waiting.Load())
		require.Zero(t, s.node.inFlight.Load())
		for _, st := range s.node.Peers() {
			require.Zero(t, st.Pending)
		}
	}
}
