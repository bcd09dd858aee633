package diameter

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func TestCERAdvertisesExactlyTheConfiguration(t *testing.T) {
	runScript(t, func(c *Config) {
		c.Applications = append(c.Applications, Application{ID: 4})
		c.FirmwareRevision = 9
	}, func(t *testing.T, s *script) {
		m := s.accept().want(CmdCapabilitiesExchange, true)
		require.EqualValues(t, wire.FlagRequest, m.Header().Flags)
		var got []uint32
		var a wire.AVP
		for r := m.AVPs(); r.Next(&a); {
			got = append(got, a.Code)
		}
		require.Equal(t, []uint32{264, 296, 257, 266, 269, 278, 265, 260, 258, 267}, got)
		ip, _ := m.Find(AVPHostIPAddress, 0)
		require.Equal(t, []byte{0, 1, 192, 0, 2, 10}, ip.Data)
		caps, err := parseCapabilities(m)
		require.NoError(t, err)
		require.Equal(t, []Application{testApp, {ID: 4}}, caps.applications)
	})
}

func TestSilentPeerIsSuspectThenClosedThenReopened(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		s.wantState(PeerOpen)
		f.want(CmdDeviceWatchdog, true) // after Tw
		time.Sleep(33 * time.Second)
		s.wantState(PeerSuspect)
		_, err := s.node.Exchange(t.Context(), mar(t, "x"))
		require.ErrorIs(t, err, ErrNoPeer)

		f.wantClosed()
		require.True(t, s.log.has("Diameter peer connection timeout", serverHost), s.log.all())
		f2 := s.open()
		s.wantState(PeerReopening)
		_, err = s.node.Exchange(t.Context(), mar(t, "x"))
		require.ErrorIs(t, err, ErrNoPeer)
		for range 3 {
			s.wantState(PeerReopening)
			f2.sendDWA(f2.want(CmdDeviceWatchdog, true))
		}
		s.wantState(PeerOpen)
	})
}

func TestSuspectPeerIsUsedAgainAtTheFirstSignOfLife(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		dwr := f.want(CmdDeviceWatchdog, true)
		time.Sleep(33 * time.Second)
		s.wantState(PeerSuspect)
		f.sendDWA(dwr)
		s.wantState(PeerOpen)
		require.False(t, f.isClosed())
	})
}

func TestTrafficMakesWatchdogNeedless(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		for range 20 {
			time.Sleep(20 * time.Second)
			f.ping() // the peer's DWRs are traffic, too
		}
		f.wantIdle()
		f.sendDWA(f.want(CmdDeviceWatchdog, true))
		f.wantIdle()
	})
}

func TestDWAThatComesAtOnce(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		for range 200 {
			f.sendDWA(f.want(CmdDeviceWatchdog, true))
		}
		s.wantState(PeerOpen)
		require.Equal(t, 1, len(s.changes)-1, "connecting, open")
	})
}

func TestDWAWithAnotherIdentifierIsNoAnswer(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		dwr := f.want(CmdDeviceWatchdog, true)
		h := dwr.Header()
		h.Flags, h.HopByHop = 0, h.HopByHop+1
		f.write(f.build(h, withResult(ResultSuccess), originOf(serverHost)))
		s.wantDrop(DropUnexpected)
	})
}

func TestSecondCEAIsDropped(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.accept()
		cer := f.want(CmdCapabilitiesExchange, true)
		f.sendCEA(cer, ResultSuccess)
		f.sendCEA(cer, ResultSuccess)
		s.wantDrop(DropUnmatched)
		f.ping()
		s.wantState(PeerOpen)
	})
}

func TestRequestRightBehindTheCEA(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		s.node.Handle(swxApplication, 304, echo)
		f := s.accept()
		cer := f.want(CmdCapabilitiesExchange, true)
		h := cer.Header()
		h.Flags = 0
		both := f.build(h, withResult(ResultSuccess), originOf(serverHost), withCapabilities(swxApplication))
		both = append(both, f.build(wire.Header{Flags: wire.FlagRequest, Command: 304, Application: swxApplication}, originOf(serverHost))...)
		f.write(both)
		f.wantResult(304, ResultSuccess)
	})
}

func TestPeerThatClosesRightAfterTheCEA(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		start := time.Now()
		for range 10 {
			f := s.accept()
			f.sendCEA(f.want(CmdCapabilitiesExchange, true), ResultSuccess)
			f.close()
		}
		require.Greater(t, time.Since(start), time.Minute, "backs off though each connection was open for a moment")
		require.Less(t, time.Since(start), 5*time.Minute)
	})
}

func TestReconnectBacksOff(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		s.setRefuse(errRefused)
		time.Sleep(10 * time.Minute)
		s.wantState(PeerClosed)
		require.True(t, s.log.has("Diameter peer connection failed", "refused"), s.log.all())
		n := len(s.log.lines)
		require.Greater(t, n, 20, "Tc is 30 s at most")
		require.Less(t, n, 60)
		require.Contains(t, s.node.Peers()[0].LastError, "refused")
		s.setRefuse(nil)
		s.open()
		s.wantState(PeerOpen)
	})
}

func TestLostConnectionIsOpenedAgainSoon(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		time.Sleep(20 * time.Second)
		start := time.Now()
		f.close()
		s.accept()
		require.LessOrEqual(t, time.Since(start), 500*time.Millisecond)
		require.True(t, s.log.has("Diameter peer disconnected"), s.log.all())
	})
}

func TestConnectionThatIsNotAnswered(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.accept()
		f.want(CmdCapabilitiesExchange, true)
		time.Sleep(11 * time.Second)
		require.True(t, f.isClosed())
		require.True(t, s.log.has("Diameter peer connection timeout"), s.log.all())
	})
}

func TestDialThatHangs(t *testing.T) {
	runScript(t, func(c *Config) {
		c.Peers[0].Dial = nil
		c.Dial = hangingDial
	}, func(t *testing.T, s *script) {
		time.Sleep(15 * time.Second)
		require.True(t, s.log.has("Diameter peer connection timeout"), s.log.all())
	})
}

func TestCEAOfAHostInCapitals(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.accept()
		f.answer(f.want(CmdCapabilitiesExchange, true), withResult(ResultSuccess), originOf("HSS.Example.NET"), withCapabilities(swxApplication))
		s.wantState(PeerOpen)
		require.Equal(t, serverHost, s.node.Peers()[0].Host, "as configured")
	})
}

func TestDialThatReturnsNothing(t *testing.T) {
	runScript(t, func(c *Config) {
		c.Peers[0].Dial = func(context.Context) (net.Conn, error) { return nil, nil }
	}, func(t *testing.T, s *script) {
		s.wantState(PeerClosed)
		require.Contains(t, s.node.Peers()[0].LastError, "no connection")
	})
}

func TestCEAThatIsNotAcceptable(t *testing.T) {
	for _, c := range []struct {
		name string
		send func(f *far, cer wire.Message)
		why  string
	}{
		{"refused", func(f *far, cer wire.Message) { f.sendCEA(cer, ResultUnknownPeer) }, "Result-Code 3010"},
		{"refused in short", func(f *far, cer wire.Message) { f.answer(cer, withResult(ResultNoCommonApplication)) }, "Result-Code 5010"},
		{"another host", func(f *far, cer wire.Message) {
			f.answer(cer, withResult(ResultSuccess), originOf("else.example.net"), withCapabilities(swxApplication))
		}, "the peer is else.example.net"},
		{"no common application", func(f *far, cer wire.Message) {
			f.answer(cer, withResult(ResultSuccess), originOf(serverHost), withCapabilities(4))
		}, "no common application"},
		{"no Result-Code", func(f *far, cer wire.Message) {
			f.answer(cer, originOf(serverHost), withCapabilities(swxApplication))
		}, "Result-Code 0"},
		{"malformed", func(f *far, cer wire.Message) {
			f.answer(cer, func(w *wire.Builder) { w.Raw([]byte{0, 0, 1, 12, 0, 0, 0, 7}) })
		}, "5014"},
		{"not a CEA", func(f *far, _ wire.Message) { f.request(wire.Header{Command: CmdDeviceWatchdog}) }, "instead of a CEA"},
		{"a CER", func(f *far, cer wire.Message) { f.write(cer) }, "instead of a CEA"},
		{"junk", func(f *far, _ wire.Message) { f.write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, "version"},
		{"length 19", func(f *far, _ wire.Message) { f.write(append([]byte{1, 0, 0, 19}, make([]byte, 16)...)) }, "length"},
		{"length 16 MiB", func(f *far, _ wire.Message) { f.write(append([]byte{1, 0xff, 0xff, 0xfc}, make([]byte, 16)...)) }, "at most 4096"},
	} {
		t.Run(c.name, func(t *testing.T) {
			runScript(t, nil, func(t *testing.T, s *script) {
				f := s.accept()
				c.send(f, f.want(CmdCapabilitiesExchange, true))
				f.wantClosed()
				synctest.Wait()
				require.Contains(t, s.node.Peers()[0].LastError, c.why)
				s.open()
				s.wantState(PeerOpen)
			})
		})
	}
}

func TestRelayIsInCommonWithEverything(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.accept()
		f.answer(f.want(CmdCapabilitiesExchange, true), withResult(ResultSuccess), originOf(serverHost), withCapabilities(ApplicationRelay))
		s.wantState(PeerOpen)
		wait := s.exchange(t.Context(), mar(t, "x"))
		f.answer(f.want(cmdMAR, true), withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
	})
}

func TestDPRIsAnsweredAndThePeerLeftToClose(t *testing.T) {
	for _, c := range []struct {
		name  string
		cause uint32
		least time.Duration
		most  time.Duration
	}{
		{"rebooting", DisconnectRebooting, 0, 2 * time.Second},
		{"busy", DisconnectBusy, 150 * time.Second, 300 * time.Second},
		{"unwanted", DisconnectDoNotWantToTalkToYou, 150 * time.Second, 300 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			runScript(t, nil, func(t *testing.T, s *script) {
				f := s.open()
				f.request(wire.Header{Command: CmdDisconnectPeer, HopByHop: 5}, func(w *wire.Builder) {
					w.Uint32(AVPDisconnectCause, 0, wire.FlagMandatory, c.cause)
				})
				f.wantResult(CmdDisconnectPeer, ResultSuccess)
				s.wantState(PeerClosing)
				_, err := s.node.Exchange(t.Context(), mar(t, "x"))
				require.ErrorIs(t, err, ErrNoPeer)
				require.False(t, f.isClosed())
				f.close()
				start := time.Now()
				f = <-s.dials
				require.GreaterOrEqual(t, time.Since(start), c.least)
				require.LessOrEqual(t, time.Since(start), c.most)
				f.close()
			})
		})
	}
}

// A peer that was left alone as it wished and is not back yet is tried as any
// other then.
func TestBusyPeerIsLeftAloneOnce(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		s.setRefuse(errRefused)
		f.request(wire.Header{Command: CmdDisconnectPeer}, func(w *wire.Builder) {
			w.Uint32(AVPDisconnectCause, 0, wire.FlagMandatory, DisconnectBusy)
		})
		f.wantResult(CmdDisconnectPeer, ResultSuccess)
		f.close()
		time.Sleep(301 * time.Second)
		require.True(t, s.log.has("refused"), "tried after 300 s at most")
		s.setRefuse(nil)
		start := time.Now()
		s.open()
		require.LessOrEqual(t, time.Since(start), 30*time.Second)
	})
}

func TestDPRWithoutClosing(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		wait := s.exchange(t.Context(), mar(t, "x"))
		req := f.want(cmdMAR, true)
		f.request(wire.Header{Command: CmdDisconnectPeer})
		f.wantResult(CmdDisconnectPeer, ResultSuccess)
		// What was asked before is still answered, either way.
		f.answer(req, withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
		f.ping()
		time.Sleep(4 * time.Second)
		require.True(t, f.isClosed(), "after DisconnectTimeout")
	})
}

// Whoever goes on disconnecting does not put off the end of it.
func TestDPRAgainDoesNotKeepTheConnection(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		dpr := f.build(wire.Header{Flags: wire.FlagRequest, Command: CmdDisconnectPeer}, originOf(serverHost))
		f.write(dpr)
		time.Sleep(2 * time.Second)
		f.write(dpr)
		f.wantResult(CmdDisconnectPeer, ResultSuccess)
		f.wantResult(CmdDisconnectPeer, ResultSuccess)
		time.Sleep(2 * time.Second)
		require.True(t, f.isClosed(), "DisconnectTimeout after the first")
	})
}

func TestShutdownDisconnectsInOrder(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		wait := s.exchange(t.Context(), mar(t, "x"))
		req := f.want(cmdMAR, true)
		done := make(chan error, 1)
		go func() { done <- s.node.Shutdown(t.Context()) }()
		f.wantIdle()
		_, err := s.node.Exchange(t.Context(), mar(t, "y"))
		require.ErrorIs(t, err, ErrClosed)
		require.ErrorIs(t, s.node.WaitOpen(t.Context(), ""), ErrClosed)
		s.node.Handle(swxApplication, cmdRTR, echo)
		f.request(rtr())
		f.wantResult(cmdRTR, ResultTooBusy)
		f.answer(req, withResult(ResultSuccess))
		_, err = wait()
		require.NoError(t, err, "what is pending is waited for")
		dpr := f.want(CmdDisconnectPeer, true)
		cause, _ := dpr.Find(AVPDisconnectCause, 0)
		require.Equal(t, []byte{0, 0, 0, 0}, cause.Data)
		f.answer(dpr, withResult(ResultSuccess), originOf(serverHost))
		f.wantClosed()
		require.NoError(t, <-done)
		require.NoError(t, s.node.Shutdown(t.Context()), "again")
	})
}

func TestShutdownOfAPeerThatDoesNotAnswer(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		start := time.Now()
		require.NoError(t, s.node.Shutdown(t.Context()))
		require.Equal(t, 3*time.Second, time.Since(start), "DisconnectTimeout")
		f.want(CmdDisconnectPeer, true)
		f.wantClosed()
	})
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		wait := s.exchange(t.Context(), mar(t, "x"))
		f.want(cmdMAR, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.node.Shutdown(ctx), context.DeadlineExceeded)
		_, err := wait()
		require.ErrorIs(t, err, ErrDisconnected)
		f.wantClosed()
	})
}

func TestWaitOpen(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.node.WaitOpen(ctx, serverHost), context.DeadlineExceeded)
		done := make(chan error, 1)
		go func() { done <- s.node.WaitOpen(t.Context(), "HSS.example.net") }()
		synctest.Wait()
		require.Empty(t, done)
		s.open()
		require.NoError(t, <-done)
		require.NoError(t, s.node.WaitOpen(t.Context(), ""))
	})
}
