package diameter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// passive makes the node wait for its peer.
func passive(c *Config) { c.Peers[0].Dial, c.Peers[0].Address = nil, "" }

func TestPeerThatConnectsIsTakenIn(t *testing.T) {
	runScript(t, passive, func(t *testing.T, s *script) {
		f := s.connect()
		f.sendCER("HSS.example.net", ApplicationRelay) // case does not count
		a := f.wantResult(CmdCapabilitiesExchange, ResultSuccess)
		require.EqualValues(t, 11, a.Header().HopByHop)
		require.EqualValues(t, 12, a.Header().EndToEnd)
		s.wantState(PeerOpen)
		p := s.node.Peers()[0]
		require.Equal(t, "script", p.ProductName)
		require.EqualValues(t, 77, p.OriginStateID)
		require.False(t, p.Initiator)
		f.ping()
		f.close()
		s.wantState(PeerClosed)
		require.Len(t, s.node.Peers(), 1, "configured, so it stays")
	})
}

func TestConnectionThatIsNotAccepted(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		send   func(f *far)
		code   uint32
		failed []byte
	}{
		{"unknown peer", nil, func(f *far) { f.sendCER("who.example.net", swxApplication) }, ResultUnknownPeer, nil},
		{"not allowed", func(c *Config) { c.AllowPeer = func(PeerInfo) bool { return false } },
			func(f *far) { f.sendCER("who.example.net", swxApplication) }, ResultUnknownPeer, nil},
		{"our own name", func(c *Config) { c.AllowPeer = func(PeerInfo) bool { return true } },
			func(f *far) { f.sendCER("AAA.example.org", swxApplication) }, ResultUnknownPeer, nil},
		{"no common application", nil, func(f *far) { f.sendCER(serverHost, 4) }, ResultNoCommonApplication, nil},
		{"no Origin-Host", nil, func(f *far) {
			f.write(f.build(wire.Header{Flags: wire.FlagRequest, Command: CmdCapabilitiesExchange}, withCapabilities(swxApplication)))
		}, ResultMissingAVP, []byte{0, 0, 1, 8, 0x40, 0, 0, 8}},
		{"no Origin-Realm", nil, func(f *far) {
			f.write(f.build(wire.Header{Flags: wire.FlagRequest, Command: CmdCapabilitiesExchange}, func(w *wire.Builder) {
				w.String(AVPOriginHost, 0, 0, serverHost)
			}, withCapabilities(swxApplication)))
		}, ResultMissingAVP, []byte{0, 0, 1, 40, 0x40, 0, 0, 8}},
		{"unknown M-bit AVP", nil, func(f *far) {
			f.request(wire.Header{Command: CmdCapabilitiesExchange}, func(w *wire.Builder) { w.Uint32(99999, 0, wire.FlagMandatory, 1) })
		}, ResultAVPUnsupported, []byte{0, 1, 0x86, 0x9f, 0x40, 0, 0, 12}},
		{"unknown M-bit AVP of a vendor", nil, func(f *far) {
			f.request(wire.Header{Command: CmdCapabilitiesExchange}, func(w *wire.Builder) { w.Uint32(268, 9, wire.FlagMandatory, 1) })
		}, ResultAVPUnsupported, []byte{0, 0, 1, 12, 0xc0, 0, 0, 16, 0, 0, 0, 9}},
		{"Origin-Host with a line break", nil, func(f *far) { f.sendCER("a\nb", swxApplication) }, ResultInvalidAVPValue, nil},
		{"Result-Code of two octets", nil, func(f *far) {
			f.request(wire.Header{Command: CmdCapabilitiesExchange}, func(w *wire.Builder) { w.Octets(AVPVendorID, 0, wire.FlagMandatory, []byte{1, 2}) })
		}, ResultInvalidAVPLength, []byte{0, 0, 1, 10, 0x40, 0, 0, 12, 0, 0, 0, 0}},
		{"AVP beyond the end", nil, func(f *far) {
			f.request(wire.Header{Command: CmdCapabilitiesExchange}, func(w *wire.Builder) { w.Raw([]byte{0, 0, 1, 4, 0x40, 0, 0, 99}) })
		}, ResultInvalidAVPLength, []byte{0, 0, 1, 4, 0x40, 0, 0, 8}},
		{"nothing but TLS inside the connection", nil, func(f *far) {
			f.write(f.build(wire.Header{Flags: wire.FlagRequest, Command: CmdCapabilitiesExchange}, originOf(serverHost), withCapabilities(swxApplication),
				func(w *wire.Builder) { w.Uint32(AVPInbandSecurityID, 0, wire.FlagMandatory, 1) }))
		}, ResultNoCommonSecurity, nil},
		{"E bit", nil, func(f *far) {
			f.request(wire.Header{Flags: wire.FlagError, Command: CmdCapabilitiesExchange})
		}, ResultInvalidHeaderBits, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			runScript(t, func(cfg *Config) {
				passive(cfg)
				if c.change != nil {
					c.change(cfg)
				}
			}, func(t *testing.T, s *script) {
				f := s.connect()
				c.send(f)
				a := f.wantResult(CmdCapabilitiesExchange, c.code)
				if c.failed != nil {
					failed, ok := a.Find(AVPFailedAVP, 0)
					require.True(t, ok)
					require.Equal(t, c.failed, failed.Data[:len(c.failed)])
				}
				f.wantClosed()
				require.True(t, s.log.has("Diameter peer refused"), s.log.all())
				s.wantState(PeerClosed)
			})
		})
	}
}

func TestConnectionWithoutCERIsClosed(t *testing.T) {
	for _, c := range []struct {
		name string
		send func(f *far)
		wait time.Duration
	}{
		{"silence", func(*far) {}, 10 * time.Second},
		{"half a header", func(f *far) { f.write([]byte{1, 0, 0, 80}) }, 10 * time.Second},
		{"a DWR", func(f *far) { f.request(wire.Header{Command: CmdDeviceWatchdog}) }, 0},
		{"a CEA", func(f *far) { f.write(f.build(wire.Header{Command: CmdCapabilitiesExchange})) }, 0},
		{"a MAR", func(f *far) { f.request(wire.Header{Command: cmdMAR, Application: swxApplication}) }, 0},
		{"length 19", func(f *far) { f.write(append([]byte{1, 0, 0, 19}, make([]byte, 16)...)) }, 0},
		{"more than 4 KiB", func(f *far) { f.write(append([]byte{1, 0, 0x10, 4, 0x80, 0, 1, 1}, make([]byte, 12)...)) }, 0},
		{"text", func(f *far) { f.write([]byte("GET / HTTP/1.1\r\nHost: aaa\r\n\r\n")) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			runScript(t, passive, func(t *testing.T, s *script) {
				f := s.connect()
				start := time.Now()
				c.send(f)
				f.wantClosed()
				require.Equal(t, c.wait, time.Since(start))
				require.Empty(t, f.in)
			})
		})
	}
}

func TestDynamicPeersComeAndGo(t *testing.T) {
	runScript(t, func(c *Config) {
		passive(c)
		c.AllowPeer = func(p PeerInfo) bool { return p.Realm == testRealm }
	}, func(t *testing.T, s *script) {
		for i := range 20 {
			f := s.connect()
			f.sendCER(fmt.Sprintf("hss%d.example.net", i%3), swxApplication)
			f.wantResult(CmdCapabilitiesExchange, ResultSuccess)
			synctest.Wait()
			require.Len(t, s.node.Peers(), 2)
			f.ping()
			f.close()
			synctest.Wait()
			require.Len(t, s.node.Peers(), 1)
		}
	})
}

// A peer that is refused leaves no entry behind, however many names it has.
func TestRefusedPeersAreForgotten(t *testing.T) {
	runScript(t, func(c *Config) {
		passive(c)
		c.AllowPeer = func(PeerInfo) bool { return true }
	}, func(t *testing.T, s *script) {
		for i := range 20 {
			host := fmt.Sprintf("hss%d.example.net", i)
			f := s.connect()
			f.sendCER(host, 4)
			f.wantResult(CmdCapabilitiesExchange, ResultNoCommonApplication)
			f.wantClosed()
			f = s.connect()
			f.write(f.build(wire.Header{Flags: wire.FlagRequest, Command: CmdCapabilitiesExchange}, originOf(host), withCapabilities(swxApplication),
				func(w *wire.Builder) { w.Uint32(AVPInbandSecurityID, 0, wire.FlagMandatory, 1) }))
			f.wantResult(CmdCapabilitiesExchange, ResultNoCommonSecurity)
			f.wantClosed()
		}
		synctest.Wait()
		require.Len(t, s.node.Peers(), 1)
	})
}

// Strangers can't flood the log.
func TestRefusedPeersAreLoggedOnceASecond(t *testing.T) {
	runScript(t, passive, func(t *testing.T, s *script) {
		for range 50 {
			s.connect().sendCER("else.example.net", swxApplication)
		}
		synctest.Wait()
		require.Equal(t, 1, strings.Count(s.log.all(), logRefused), s.log.all())
		time.Sleep(time.Second)
		s.connect().sendCER("other.example.net", swxApplication)
		synctest.Wait()
		require.True(t, s.log.has(logRefused, "other.example.net"), s.log.all())
	})
}

func TestDynamicPeerThatComesBackAtOnce(t *testing.T) {
	runScript(t, func(c *Config) {
		passive(c)
		c.AllowPeer = func(PeerInfo) bool { return true }
	}, func(t *testing.T, s *script) {
		for range 300 {
			f := s.connect()
			f.sendCER("hss7.example.net", swxApplication)
			a := f.want(CmdCapabilitiesExchange, false)
			// The node may not have noticed that the last one is closed.
			require.Contains(t, []uint32{ResultSuccess, ResultUnableToComply}, resultOf(t, a))
			f.close()
		}
		synctest.Wait()
		f := s.connect()
		f.sendCER("hss7.example.net", swxApplication)
		f.wantResult(CmdCapabilitiesExchange, ResultSuccess)
		require.False(t, s.log.has("shutting down"))
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	runScript(t, func(c *Config) { passive(c); c.MaxConns = 2 }, func(t *testing.T, s *script) {
		a, b := s.connect(), s.connect()
		synctest.Wait()
		s.connect().wantClosed()
		a.close()
		b.sendCER(serverHost, swxApplication)
		b.wantResult(CmdCapabilitiesExchange, ResultSuccess)
		s.connect().wantIdle()
	})
}

func TestSecondConnectionIsRejectedAndTheFirstProbed(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		again := s.connect()
		again.sendCER(serverHost, swxApplication)
		again.wantResult(CmdCapabilitiesExchange, ResultUnableToComply)
		again.wantClosed()
		f.sendDWA(f.want(CmdDeviceWatchdog, true))
		f.wantIdle()
		s.wantState(PeerOpen)

		// The peer had restarted: the old connection turns out to be dead.
		f.close()
		s.wantState(PeerClosed)
		again = s.connect()
		again.sendCER(serverHost, swxApplication)
		again.wantResult(CmdCapabilitiesExchange, ResultSuccess)
	})
}

func TestElectionWon(t *testing.T) {
	runScript(t, func(c *Config) { c.OriginHost = "zzz.example.org" }, func(t *testing.T, s *script) {
		ours := s.accept()
		ours.want(CmdCapabilitiesExchange, true)
		theirs := s.connect()
		theirs.sendCER(serverHost, swxApplication)
		ours.wantClosed()
		theirs.wantResult(CmdCapabilitiesExchange, ResultSuccess)
		s.wantState(PeerOpen)
		require.False(t, s.node.Peers()[0].Initiator)
	})
}

func TestElectionLost(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		ours := s.accept()
		cer := ours.want(CmdCapabilitiesExchange, true)
		theirs := s.connect()
		theirs.sendCER(serverHost, swxApplication)
		theirs.wantIdle()
		ours.sendCEA(cer, ResultSuccess)
		theirs.wantResult(CmdCapabilitiesExchange, ResultElectionLost)
		theirs.wantClosed()
		s.wantState(PeerOpen)
		require.True(t, s.node.Peers()[0].Initiator)
		ours.ping()
	})
}

func TestElectionWhosePeerGivesUp(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		ours := s.accept()
		cer := ours.want(CmdCapabilitiesExchange, true)
		theirs := s.connect()
		theirs.sendCER(serverHost, swxApplication)
		synctest.Wait()
		ours.answer(cer, withResult(ResultElectionLost), originOf(serverHost))
		ours.wantClosed()
		theirs.wantResult(CmdCapabilitiesExchange, ResultSuccess)
		theirs.ping()
	})
}

func TestElectionWhoseConnectionGoes(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		ours := s.accept()
		cer := ours.want(CmdCapabilitiesExchange, true)
		theirs := s.connect()
		theirs.sendCER(serverHost, swxApplication)
		synctest.Wait()
		theirs.close()
		synctest.Wait()
		ours.sendCEA(cer, ResultSuccess)
		s.wantState(PeerOpen)
		ours.ping()
	})
}

// TestTwoNodesThatConnectToEachOther: whatever the order of things, one
// connection is left, and it's the same one.
func TestTwoNodesThatConnectToEachOther(t *testing.T) {
	for i := range 50 {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			delays := [4]time.Duration{}
			for i := range delays {
				delays[i] = time.Duration(rng.IntN(5)) * time.Millisecond
			}
			la, lb := newMemListener(), newMemListener()
			dial := func(to *memListener, delay, slow time.Duration) func(ctx context.Context) (net.Conn, error) {
				return func(context.Context) (net.Conn, error) {
					time.Sleep(delay)
					near, end := net.Pipe()
					to.conns <- slowConn{end, slow}
					return near, nil
				}
			}
			ca, cb := clientConfig(), serverConfig()
			ca.Peers = []PeerConfig{{Host: serverHost, Dial: dial(lb, delays[0], delays[1])}}
			cb.Peers = []PeerConfig{{Host: clientHost, Dial: dial(la, delays[2], delays[3])}}
			a, b := newNode(t, ca), newNode(t, cb)
			a.Handle(swxApplication, cmdMAR, echo)
			b.Handle(swxApplication, cmdMAR, echo)
			ends := make(chan error, 2)
			go func() { ends <- a.Serve(la) }()
			go func() { ends <- b.Serve(lb) }()
			time.Sleep(5 * time.Second)
			pa, pb := a.Peers()[0], b.Peers()[0]
			require.Equal(t, PeerOpen, pa.State)
			require.Equal(t, PeerOpen, pb.State)
			require.NotEqual(t, pa.Initiator, pb.Initiator)
			_, err := a.Exchange(t.Context(), mar(t, "x"))
			require.NoError(t, err)
			_, err = b.Exchange(t.Context(), mar(t, "x"))
			require.NoError(t, err)
			time.Sleep(10 * time.Minute)
			require.Equal(t, pa.Since, a.Peers()[0].Since, "stays so")
			require.NoError(t, a.Shutdown(t.Context()))
			require.NoError(t, b.Shutdown(t.Context()))
			<-ends
			<-ends
		})
	}
}

// slowConn delays the first read.
type slowConn struct {
	net.Conn
	delay time.Duration
}

func (c slowConn) Read(b []byte) (int, error) {
	time.Sleep(c.delay)
	return c.Conn.Read(b)
}

// TestNothingIsLeft: after Close no goroutine of a node runs, whatever it was
// at. (In the scripts the bubble sees to that; this is with real sockets.)
func TestNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		s, err := NewNode(serverConfig())
		require.NoError(t, err)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		cfg := clientConfig()
		cfg.Peers = []PeerConfig{
			{Host: serverHost, Address: l.Addr().String()},
			{Host: "nobody.example.net", Address: "127.0.0.1:1"},
			{Host: "passive.example.net"},
		}
		c, err := NewNode(cfg)
		require.NoError(t, err)
		c.Start()
		require.NoError(t, c.WaitOpen(testContext(t), serverHost))
		s.Handle(swxApplication, cmdMAR, echo)
		_, err = c.Exchange(testContext(t), mar(t, "x"))
		require.NoError(t, err)
		idle, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, c.Shutdown(testContext(t)))
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-served, ErrClosed)
		_ = idle.Close()
	}
	for range 6000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	require.FailNow(t, "left behind", "%s", buf[:runtime.Stack(buf, true)])
}

// Each connection of a peer that is not configured needs AllowPeer's consent,
// also beside one that has it: who is first to be heard would be the peer.
func TestEveryConnectionOfADynamicPeerNeedsConsent(t *testing.T) {
	allow := true
	runScript(t, func(c *Config) {
		passive(c)
		c.AllowPeer = func(PeerInfo) bool { return allow }
	}, func(t *testing.T, s *script) {
		f := s.connect()
		f.sendCER("b.example.net", swxApplication)
		f.wantResult(CmdCapabilitiesExchange, ResultSuccess)
		allow = false
		again := s.connect()
		again.sendCER("b.example.net", swxApplication)
		again.wantResult(CmdCapabilitiesExchange, ResultUnknownPeer)
		f.wantIdle()
	})
}
