package diameter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

const cmdRTR, cmdPPR = 304, 305

func rtr() wire.Header {
	return wire.Header{Command: cmdRTR, Application: swxApplication, HopByHop: 21, EndToEnd: 22}
}

func TestRequestThatNobodyHandlesIsAnswered(t *testing.T) {
	for _, c := range []struct {
		name string
		h    wire.Header
		code uint32
	}{
		{"PPR", wire.Header{Command: cmdPPR, Application: swxApplication}, ResultCommandUnsupported},
		{"RTR", rtr(), ResultCommandUnsupported},
		{"RAR of the base protocol", wire.Header{Command: CmdReAuth}, ResultCommandUnsupported},
		{"DWR of another application", wire.Header{Command: CmdDeviceWatchdog, Application: swxApplication}, ResultCommandUnsupported},
		{"CCR", wire.Header{Command: 272, Application: 4}, ResultApplicationUnsupported},
		{"relay application", wire.Header{Command: 272, Application: ApplicationRelay}, ResultCommandUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			runScript(t, nil, func(t *testing.T, s *script) {
				f := s.open()
				wait := s.exchange(t.Context(), mar(t, "x"))
				req := f.want(cmdMAR, true)
				c.h.Flags = wire.FlagProxiable
				f.request(c.h, func(w *wire.Builder) { w.String(AVPSessionID, 0, wire.FlagMandatory, "sid") })
				a := f.wantResult(c.h.Command, c.code)
				require.EqualValues(t, wire.FlagProxiable|wire.FlagError, a.Header().Flags)
				require.Equal(t, c.h.Application, a.Header().Application)
				sid, _ := a.Find(AVPSessionID, 0)
				require.Equal(t, "sid", string(sid.Data))
				f.ping()
				f.answer(req, withResult(ResultSuccess))
				_, err := wait()
				require.NoError(t, err, "the others on the connection don't notice")
			})
		})
	}
}

func TestAnswerMirrorsTheRequest(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		s.node.Handle(swxApplication, cmdRTR, echo)
		f := s.open()
		f.request(wire.Header{
			Command: cmdRTR, Application: swxApplication, // identifiers 0
			Flags: wire.FlagProxiable | wire.FlagRetransmitted,
		}, func(w *wire.Builder) {
			w.String(AVPUserName, 0, wire.FlagMandatory, "u")
			for _, p := range []string{"one", "two"} {
				g := w.Begin(AVPProxyInfo, 0, wire.FlagMandatory)
				w.String(280, 0, wire.FlagMandatory, p)
				w.End(g)
			}
			w.String(AVPSessionID, 0, wire.FlagMandatory, "not the first")
		})
		a := f.wantResult(cmdRTR, ResultSuccess)
		require.Equal(t, wire.Header{Flags: wire.FlagProxiable, Command: cmdRTR, Application: swxApplication}, a.Header())
		var got []string
		var v wire.AVP
		for r := a.AVPs(); r.Next(&v); {
			switch v.Code {
			case AVPProxyInfo:
				g := v.Group()
				in, _ := g.Find(280, 0)
				got = append(got, "proxy "+string(in.Data))
			case AVPSessionID, AVPOriginHost, AVPOriginRealm, AVPUserName:
				got = append(got, string(v.Data))
			}
		}
		require.Equal(t, []string{"not the first", clientHost, "example.org", "proxy one", "proxy two", "u"}, got)
	})
}

func TestHandlerErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		h     HandlerFunc
		code  uint32
		flags uint8
	}{
		{"panic", func(context.Context, *Request) (wire.Message, error) { panic("secret") }, ResultUnableToComply, 0},
		{"panic half-way", func(_ context.Context, r *Request) (wire.Message, error) {
			r.Answer(ResultSuccess)
			panic("secret")
		}, ResultUnableToComply, 0},
		{"error", func(context.Context, *Request) (wire.Message, error) { return nil, errors.New("secret") }, ResultUnableToComply, 0},
		{"nothing", func(context.Context, *Request) (wire.Message, error) { return nil, nil }, ResultUnableToComply, wire.FlagError},
		{"the request itself", func(_ context.Context, r *Request) (wire.Message, error) { return r.Message, nil }, ResultUnableToComply, wire.FlagError},
		{"half a message", func(_ context.Context, r *Request) (wire.Message, error) {
			m, err := r.Answer(ResultSuccess).Message()
			return m[:len(m)-4], err
		}, ResultUnableToComply, wire.FlagError},
		{"too long", func(_ context.Context, r *Request) (wire.Message, error) {
			w := r.Answer(ResultSuccess)
			w.Octets(AVPUserName, 0, 0, make([]byte, 65536))
			return w.Message()
		}, ResultUnableToComply, wire.FlagError},
		{"result", func(context.Context, *Request) (wire.Message, error) {
			return nil, &ResultError{Code: ResultUnknownSessionID, Message: "unknown"}
		}, ResultUnknownSessionID, 0},
		{"protocol error", func(context.Context, *Request) (wire.Message, error) {
			return nil, &ResultError{Code: ResultTooBusy}
		}, ResultTooBusy, wire.FlagError},
	} {
		t.Run(c.name, func(t *testing.T) {
			runScript(t, nil, func(t *testing.T, s *script) {
				s.node.Handle(swxApplication, cmdRTR, c.h)
				f := s.open()
				for range 3 {
					f.request(rtr())
					a := f.wantResult(cmdRTR, c.code)
					require.Equal(t, c.flags, a.Header().Flags)
					require.EqualValues(t, 21, a.Header().HopByHop)
					require.EqualValues(t, 22, a.Header().EndToEnd)
					require.NotContains(t, string(a), "secret")
				}
				require.NotContains(t, s.log.all(), "secret")
				f.ping()
			})
		})
	}
}

func TestHandlerThatDoesNotAnswer(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		s.node.Handle(swxApplication, cmdRTR, HandlerFunc(func(context.Context, *Request) (wire.Message, error) {
			return nil, fmt.Errorf("as ordered: %w", ErrNoAnswer)
		}))
		f := s.open()
		f.request(rtr())
		f.wantIdle()
		f.ping()
	})
}

func TestSlowHandlersBlockNobodyAndAreBounded(t *testing.T) {
	runScript(t, func(c *Config) { c.MaxHandlers, c.MaxQueuedRequests = 4, 2 }, func(t *testing.T, s *script) {
		running := make(chan struct{}, 100)
		s.node.Handle(swxApplication, cmdRTR, HandlerFunc(func(ctx context.Context, r *Request) (wire.Message, error) {
			running <- struct{}{}
			time.Sleep(5 * time.Second)
			return echo(ctx, r)
		}))
		f := s.open()
		for range 6 {
			f.request(rtr())
		}
		synctest.Wait()
		require.Len(t, running, 4, "at once")
		f.wantIdle()
		f.request(rtr())
		f.wantResult(cmdRTR, ResultTooBusy)
		f.ping()
		start := time.Now()
		for range 6 {
			f.wantResult(cmdRTR, ResultSuccess)
		}
		require.Equal(t, 10*time.Second, time.Since(start))
		f.request(rtr())
		f.wantResult(cmdRTR, ResultSuccess)
	})
}

func TestHandlerMayAskThePeerItself(t *testing.T) {
	runScript(t, func(c *Config) { c.MaxHandlers = 1 }, func(t *testing.T, s *script) {
		s.node.Handle(swxApplication, cmdRTR, HandlerFunc(func(ctx context.Context, r *Request) (wire.Message, error) {
			if _, err := s.node.Exchange(ctx, mar(t, "x")); err != nil {
				return nil, err
			}
			return echo(ctx, r)
		}))
		f := s.open()
		f.request(rtr())
		f.answer(f.want(cmdMAR, true), withResult(ResultSuccess))
		f.wantResult(cmdRTR, ResultSuccess)
	})
}

func TestHandlerContext(t *testing.T) {
	type key struct{}
	for _, c := range []struct {
		name string
		end  func(s *script, f *far)
		want error
	}{
		{"deadline", func(*script, *far) { time.Sleep(31 * time.Second) }, context.DeadlineExceeded},
		{"connection lost", func(_ *script, f *far) { f.close() }, context.Canceled},
		{"closed", func(s *script, _ *far) { _ = s.node.Close() }, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			runScript(t, func(c *Config) { c.Watchdog = 5 * time.Minute }, func(t *testing.T, s *script) {
				got := make(chan error, 2)
				var kept context.Context
				s.node.Handle(swxApplication, cmdRTR, HandlerFunc(func(ctx context.Context, r *Request) (wire.Message, error) {
					kept = ctx
					got <- ctx.Err()
					deadline, ok := ctx.Deadline()
					require.True(t, ok)
					require.Equal(t, 30*time.Second, time.Until(deadline))
					require.Nil(t, ctx.Value(key{}))
					child, cancel := context.WithCancel(ctx)
					defer cancel()
					<-child.Done()
					got <- ctx.Err()
					return nil, ErrNoAnswer
				}))
				f := s.open()
				f.request(rtr())
				synctest.Wait()
				c.end(s, f)
				require.NoError(t, <-got)
				require.ErrorIs(t, <-got, c.want)
				synctest.Wait()
				require.Error(t, kept.Err())
			})
		})
	}
}

func TestHandlerContextIsOverAfterwards(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		var kept context.Context
		s.node.Handle(swxApplication, cmdRTR, HandlerFunc(func(ctx context.Context, r *Request) (wire.Message, error) {
			kept = ctx
			return echo(ctx, r)
		}))
		f := s.open()
		f.request(rtr())
		f.wantResult(cmdRTR, ResultSuccess)
		synctest.Wait()
		require.ErrorIs(t, kept.Err(), context.Canceled)
		<-kept.Done()
		require.ErrorIs(t, kept.Err(), context.Canceled)
	})
}

func TestRequestForAnotherHost(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		s.node.Handle(swxApplication, cmdRTR, echo)
		f := s.open()
		f.request(rtr(), func(w *wire.Builder) { w.String(AVPDestinationHost, 0, wire.FlagMandatory, "bbb.example.org") })
		f.wantResult(cmdRTR, ResultUnableToDeliver)
		f.request(rtr(), func(w *wire.Builder) { w.String(AVPDestinationHost, 0, wire.FlagMandatory, "AAA.example.ORG") })
		f.wantResult(cmdRTR, ResultSuccess)
	})
}

// TestMalformed is what RFC 6733 section 7.1 has names for. Wherever the
// framing allows, the connection and the other requests on it live on.
func TestMalformed(t *testing.T) {
	raw := func(b ...byte) func(*wire.Builder) { return func(w *wire.Builder) { w.Raw(b) } }
	header := func(f *far, change func(b []byte)) []byte {
		b := f.build(wire.Header{Flags: wire.FlagRequest, Command: cmdRTR, Application: swxApplication, HopByHop: 21, EndToEnd: 22}, originOf(serverHost))
		change(b)
		return b
	}
	for _, c := range []struct {
		name   string
		send   func(f *far)
		cmd    uint32
		code   uint32
		failed []byte // the start of what Failed-AVP holds
		closes bool
	}{
		{"AVP of length 0", func(f *far) { f.request(rtr(), raw(0, 0, 0, 1, 0x40, 0, 0, 0)) }, cmdRTR, ResultInvalidAVPLength,
			[]byte{0, 0, 0, 1, 0x40, 0, 0, 8}, false},
		{"AVP of length 7", func(f *far) { f.request(rtr(), raw(0, 0, 0, 1, 0x40, 0, 0, 7)) }, cmdRTR, ResultInvalidAVPLength,
			[]byte{0, 0, 0, 1, 0x40, 0, 0, 8}, false},
		{"AVP beyond the end", func(f *far) { f.request(rtr(), raw(0, 0, 1, 12, 0x40, 0, 0, 200)) }, cmdRTR, ResultInvalidAVPLength,
			[]byte{0, 0, 1, 12, 0x40, 0, 0, 12, 0, 0, 0, 0}, false},
		{"V bit with length 8", func(f *far) { f.request(rtr(), raw(0, 0, 0, 1, 0xc0, 0, 0, 8)) }, cmdRTR, ResultInvalidAVPLength,
			[]byte{0, 0, 0, 1, 0x40, 0, 0, 8}, false},
		{"stray octets", func(f *far) { f.request(rtr(), raw(0, 0, 0, 1)) }, cmdRTR, ResultInvalidAVPLength,
			[]byte{0, 0, 0, 1, 0, 0, 0, 8}, false},
		{"truncated child", func(f *far) { f.request(rtr(), raw(0, 0, 1, 4, 0x40, 0, 0, 16, 0, 0, 1, 10, 0x40, 0, 0, 12)) }, cmdRTR, ResultInvalidAVPLength,
			[]byte{0, 0, 1, 10, 0x40, 0, 0, 12, 0, 0, 0, 0}, false},
		{"nested groups, 60 KB", func(f *far) { f.request(rtr(), raw(nestedGroups(60000/8)...)) }, cmdRTR, ResultUnableToComply, nil, false},
		{"5000 AVPs", func(f *far) { f.request(rtr(), raw(bytes.Repeat([]byte{0, 0, 0x7f, 9, 0, 0, 0, 8}, 5000)...)) }, cmdRTR, ResultUnableToComply, nil, false},
		{"E bit in a request", func(f *far) { f.write(header(f, func(b []byte) { b[4] |= wire.FlagError })) }, cmdRTR, ResultInvalidHeaderBits, nil, false},
		{"version 2", func(f *far) { f.write(header(f, func(b []byte) { b[0] = 2 })) }, cmdRTR, ResultUnsupportedVersion, nil, false},
		{"too long", func(f *far) {
			b := header(f, func(b []byte) { b[1], b[2], b[3] = 1, 0, 4 })
			f.write(append(b, make([]byte, 65540-len(b))...))
		},
			cmdRTR, ResultInvalidMessageLength, nil, false},
		{"length 19", func(f *far) { f.write(header(f, func(b []byte) { b[3] = 19 })[:20]) }, cmdRTR, ResultInvalidMessageLength, nil, true},
		{"length 0", func(f *far) { f.write(header(f, func(b []byte) { b[3] = 0 })[:20]) }, cmdRTR, ResultInvalidMessageLength, nil, true},
		{"length 22", func(f *far) { f.write(header(f, func(b []byte) { b[3] = 22 })[:20]) }, cmdRTR, ResultInvalidMessageLength, nil, true},
		{"unknown M-bit AVP in a DWR", func(f *far) {
			f.request(wire.Header{Command: CmdDeviceWatchdog}, func(w *wire.Builder) { w.Uint32(456, 9, wire.FlagMandatory, 1) })
		}, CmdDeviceWatchdog, ResultAVPUnsupported, []byte{0, 0, 1, 200, 0xc0, 0, 0, 16, 0, 0, 0, 9, 0, 0, 0, 1}, false},
		{"broken DWR", func(f *far) { f.request(wire.Header{Command: CmdDeviceWatchdog}, raw(0, 0, 1, 22, 0x40, 0, 0, 2)) },
			CmdDeviceWatchdog, ResultInvalidAVPLength, []byte{0, 0, 1, 22, 0x40, 0, 0, 12, 0, 0, 0, 0}, false},
		{"unknown M-bit AVP in a DPR", func(f *far) {
			f.request(wire.Header{Command: CmdDisconnectPeer}, func(w *wire.Builder) { w.Uint32(9999, 0, wire.FlagMandatory, 1) })
		}, CmdDisconnectPeer, ResultAVPUnsupported, []byte{0, 0, 0x27, 0x0f}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			runScript(t, nil, func(t *testing.T, s *script) {
				s.node.Handle(swxApplication, cmdRTR, echo)
				f := s.open()
				wait := s.exchange(t.Context(), mar(t, "x"))
				req := f.want(cmdMAR, true)
				c.send(f)
				a := f.wantResult(c.cmd, c.code)
				if c.cmd == cmdRTR {
					require.EqualValues(t, 21, a.Header().HopByHop)
					require.NotZero(t, a.Header().Flags&wire.FlagError)
				}
				failed, ok := a.Find(AVPFailedAVP, 0)
				require.Equal(t, c.failed != nil, ok)
				if ok {
					require.True(t, bytes.HasPrefix(failed.Data, c.failed), "%x", failed.Data)
				}
				if c.closes {
					f.wantClosed()
					_, err := wait()
					require.ErrorIs(t, err, ErrDisconnected)
					return
				}
				f.ping()
				f.answer(req, withResult(ResultSuccess))
				_, err := wait()
				require.NoError(t, err)
			})
		})
	}
}

// nestedGroups returns groups in each other.
func nestedGroups(depth int) []byte {
	b := make([]byte, 0, 8*depth)
	for n := depth; n > 0; n-- {
		size := 8 * n
		b = append(b, 0, 0, 1, 4, 0x40, byte(size>>16), byte(size>>8), byte(size))
	}
	return b
}

func TestMalformedAnswers(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		// With flags that nobody should set, or AVPs that don't fit: the
		// caller's business, not the connection's.
		wait := s.exchange(t.Context(), mar(t, "x"))
		h := f.want(cmdMAR, true).Header()
		h.Flags = wire.FlagRetransmitted | 1
		f.write(f.build(h, func(w *wire.Builder) { w.Raw([]byte{0, 0, 0, 1, 0, 0, 0, 99}) }))
		m, err := wait()
		require.NoError(t, err)
		require.Error(t, wire.Check(m, wire.Limits{}))

		// One that is too long fails its caller and is skipped.
		wait = s.exchange(t.Context(), mar(t, "x"))
		h = f.want(cmdMAR, true).Header()
		h.Flags = 0
		f.write(f.build(h, func(w *wire.Builder) { w.Octets(1, 0, 0, make([]byte, 100000)) }))
		_, err = wait()
		var pe *PeerError
		require.ErrorAs(t, err, &pe)
		s.wantDrop(DropMalformed)
		f.ping()
	})
}

func TestMessagesInPieces(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		b := f.build(wire.Header{Flags: wire.FlagRequest, Command: CmdDeviceWatchdog, HopByHop: 1}, originOf(serverHost))
		for i := range b {
			f.write(b[i : i+1])
		}
		f.wantResult(CmdDeviceWatchdog, ResultSuccess)
		var many []byte
		for range 100 {
			many = append(many, b...)
		}
		for len(many) > 0 {
			n := min(len(many), 77)
			f.write(many[:n])
			many = many[n:]
		}
		for range 100 {
			f.wantResult(CmdDeviceWatchdog, ResultSuccess)
		}
	})
}

func TestCERAgainIsAnswered(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		f := s.open()
		f.sendCER(serverHost, swxApplication)
		f.wantResult(CmdCapabilitiesExchange, ResultSuccess)
		f.ping()
	})
}

// Reserved header bits are ignored, and not returned (RFC 6733, section 3).
func TestReservedHeaderBitsAreIgnored(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		s.node.Handle(swxApplication, cmdRTR, echo)
		f := s.open()
		b := f.build(wire.Header{Flags: wire.FlagRequest | 0x0f, Command: cmdRTR, Application: swxApplication}, originOf(serverHost))
		f.write(b)
		require.Zero(t, f.wantResult(cmdRTR, ResultSuccess).Header().Flags)
	})
}
