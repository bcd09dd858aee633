package diameter

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// Whatever the user's functions do, the node goes on, and says so once.
func TestPanicsInHooks(t *testing.T) {
	runScript(t, func(c *Config) {
		c.Hooks = Hooks{
			Message:       func(MessageInfo) { panic("message") },
			Dropped:       func(DropInfo) { panic("dropped") },
			PeerChange:    func(PeerChange) { panic("change") },
			PeerRestarted: func(PeerRestart) { panic("restarted") },
		}
	}, func(t *testing.T, s *script) {
		f := s.open()
		f.sendState(99)
		f.write(f.build(wire.Header{Command: cmdMAR, Application: swxApplication, HopByHop: 12345}))
		wait := s.exchange(t.Context(), mar(t, "x"))
		f.answer(f.want(cmdMAR, true), withResult(ResultSuccess))
		_, err := wait()
		require.NoError(t, err)
		for _, name := range []string{"Message", "Dropped", "PeerChange", "PeerRestarted"} {
			require.True(t, s.log.has(logCallbackPanic, "function="+name, "panic=string"), name)
		}
		require.Equal(t, 4, strings.Count(s.log.all(), logCallbackPanic))
	})
}

func TestPanicInAllowPeerRefuses(t *testing.T) {
	runScript(t, func(c *Config) { c.AllowPeer = func(PeerInfo) bool { panic("x") } }, func(t *testing.T, s *script) {
		f := s.connect()
		f.sendCER("stranger.example", swxApplication)
		f.wantResult(CmdCapabilitiesExchange, ResultUnknownPeer)
		require.True(t, s.log.has(logCallbackPanic, "AllowPeer"))
	})
}

func TestPanicInDialIsAFailedAttempt(t *testing.T) {
	for _, own := range []bool{true, false} {
		runScript(t, func(c *Config) {
			n := 0
			good := c.Peers[0].Dial
			dial := func(ctx context.Context) (net.Conn, error) {
				if n++; n < 3 {
					panic("x")
				}
				return good(ctx)
			}
			c.Peers[0].Dial = dial
			if !own {
				c.Peers[0].Dial = nil
				c.Dial = func(ctx context.Context, _ PeerConfig) (net.Conn, error) { return dial(ctx) }
			}
		}, func(t *testing.T, s *script) {
			synctest.Wait()
			require.Contains(t, s.node.Peers()[0].LastError, "panic in Dial")
			s.open()
			s.wantState(PeerOpen)
			require.Equal(t, 1, strings.Count(s.log.all(), logCallbackPanic))
		})
	}
}

func TestPeerTableIsBounded(t *testing.T) {
	runScript(t, func(c *Config) {
		c.MaxPeers = 3
		c.AllowPeer = func(PeerInfo) bool { return true }
	}, func(t *testing.T, s *script) {
		a := s.connectAs("a.example", testRealm, swxApplication)
		s.connectAs("b.example", testRealm, swxApplication)
		c := s.connect()
		c.sendCER("c.example", swxApplication)
		c.wantResult(CmdCapabilitiesExchange, ResultUnableToComply)
		a.close()
		time.Sleep(time.Second)
		s.connectAs("c.example", testRealm, swxApplication)
		require.Len(t, s.node.Peers(), 3)
	})
}

func TestAVPsAndDepthOfARequestAreBounded(t *testing.T) {
	runScript(t, func(c *Config) { c.MaxAVPs, c.MaxDepth = 12, 2 }, func(t *testing.T, s *script) {
		s.node.Handle(swxApplication, cmdRTR, echo)
		f := s.open()
		name := func(w *wire.Builder) { w.String(AVPUserName, 0, 0, "x") }
		for _, c := range []struct {
			avps, depth int
			code        uint32
		}{{8, 1, ResultSuccess}, {11, 1, ResultUnableToComply}, {1, 2, ResultSuccess}, {1, 3, ResultUnableToComply}} {
			f.request(rtr(), func(w *wire.Builder) {
				var groups []int
				for range c.depth - 1 {
					groups = append(groups, w.Begin(AVPFailedAVP, 0, 0))
				}
				for range c.avps {
					name(w)
				}
				for range groups {
					w.End(groups[len(groups)-1])
					groups = groups[:len(groups)-1]
				}
			})
			f.wantResult(cmdRTR, c.code)
		}
	})
}
