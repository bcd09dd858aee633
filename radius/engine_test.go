package radius

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"github.com/opentwag/twag/radius/internal/wire"
)

// bubble runs f in a synctest bubble with a server on a connection in memory.
func bubble(t *testing.T, s *Server, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, s)
		f(t, r)
		r.close()
	})
}

// counting returns a handler that accepts, and the number of its calls.
func counting() (layeh.Handler, *atomic.Int64) {
	var n atomic.Int64
	return layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		n.Add(1)
		acceptHandler(w, r)
	}), &n
}

func TestAccept(t *testing.T) {
	var got *layeh.Request
	s := &Server{Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		got = r
		p := r.Response(layeh.CodeAccessChallenge)
		require.NoError(t, rfc2865.State_SetString(p, "state"))
		p.Add(wire.AttrMessageAuthenticator, bytes.Repeat([]byte{7}, 16)) // not the handler's business
		require.NoError(t, w.Write(p))
	})}
	bubble(t, s, func(t *testing.T, r *rig) {
		req := accessRequest(t, 9, 1)
		r.send(req)
		b := r.want()
		p := r.reply(b, req)
		require.Equal(t, layeh.CodeAccessChallenge, p.Code)
		require.Equal(t, []byte{wire.AttrMessageAuthenticator, 18}, b[20:22], "first attribute")
		require.Len(t, p.Attributes, 2)

		want, err := layeh.Parse(req, []byte(testSecret))
		require.NoError(t, err)
		require.Equal(t, want, got.Packet)
		require.Equal(t, r.from, got.RemoteAddr)
		require.Equal(t, r.conn.LocalAddr(), got.LocalAddr)
	})
	require.Equal(t, uint64(1), s.Stats().Requests[layeh.CodeAccessRequest])
	require.Equal(t, uint64(1), s.Stats().Replies[layeh.CodeAccessChallenge])
	require.Empty(t, s.Stats().Dropped)
}

// TestPadded: octets after Length are padding, in a request of either kind of
// authenticator.
func TestPadded(t *testing.T) {
	handler := layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		code := layeh.CodeAccountingResponse
		if r.Code == layeh.CodeAccessRequest {
			code = layeh.CodeAccessReject
		}
		require.NoError(t, w.Write(r.Response(code)))
	})
	bubble(t, &Server{Handler: handler}, func(t *testing.T, r *rig) {
		req := accessRequest(t, 1, 1)
		r.send(append(bytes.Clone(req), 1, 2, 3))
		first := r.want()
		r.reply(first, req)
		r.send(append(bytes.Clone(req), 9))
		require.Equal(t, first, r.want(), "padding is not part of the packet")

		acct, err := SignRequest(layeh.New(layeh.CodeAccountingRequest, []byte(testSecret)))
		require.NoError(t, err)
		r.send(append(bytes.Clone(acct), make([]byte, 100)...))
		r.reply(r.want(), acct)
	})
}

// TestDropped is the table of datagrams that get nothing: each is counted by
// its reason, and a good request afterwards is answered.
func TestDropped(t *testing.T) {
	good := accessRequest(t, 1, 1)
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	acct, err := SignRequest(layeh.New(layeh.CodeAccountingRequest, []byte(testSecret)))
	require.NoError(t, err)
	unsigned := func(code layeh.Code, eap, proxyState bool) []byte {
		p := layeh.New(code, []byte(testSecret))
		require.NoError(t, rfc2865.UserName_SetString(p, "bob"))
		if eap {
			require.NoError(t, rfc2869.EAPMessage_Set(p, []byte{2, 1, 0, 5, 1}))
		}
		if proxyState {
			require.NoError(t, rfc2865.ProxyState_SetString(p, "x"))
		}
		b, err := p.MarshalBinary()
		require.NoError(t, err)
		return b
	}
	lax := ClientConfig{Secret: testSecret, AllowMissingMessageAuthenticator: true}
	laxer := lax
	laxer.AllowUnsignedProxyState = true
	strict := ClientConfig{Secret: testSecret}

	for _, c := range []struct {
		name   string
		client ClientConfig
		b      []byte
		reason DropReason
	}{
		{"empty", strict, nil, DropLength},
		{"19 octets", strict, good[:19], DropLength},
		{"Length 19", strict, change(func(b []byte) []byte { b[2], b[3] = 0, 19; return b }), DropLength},
		{"Length beyond the end", strict, good[:len(good)-1], DropLength},
		{"Length 4097", strict, change(func(b []byte) []byte {
			b = append(b, make([]byte, 4097)...)
			b[2], b[3] = 0x10, 0x01
			return b
		}), DropLength},
		{"code 0", strict, change(func(b []byte) []byte { b[0] = 0; return b }), DropCode},
		{"Access-Accept", strict, change(func(b []byte) []byte { b[0] = 2; return b }), DropCode},
		{"CoA-Request", strict, change(func(b []byte) []byte { b[0] = 43; return b }), DropCode},
		{"code 255", strict, change(func(b []byte) []byte { b[0] = 255; return b }), DropCode},
		{"attribute of length 0", strict, resign(append(bytes.Clone(good), 1, 0)), DropMalformed},
		{"attribute of length 1", strict, resign(append(bytes.Clone(good), 1, 1)), DropMalformed},
		{"attribute over the end", strict, resign(append(bytes.Clone(good), 1, 4, 0)), DropMalformed},
		{"half an attribute header", strict, resign(append(bytes.Clone(good), 1)), DropMalformed},
		{"no Message-Authenticator", strict, unsigned(layeh.CodeAccessRequest, false, false), DropNoMessageAuthenticator},
		{"EAP without Message-Authenticator", laxer, unsigned(layeh.CodeAccessRequest, true, false), DropNoMessageAuthenticator},
		{"Proxy-State without Message-Authenticator", lax, unsigned(layeh.CodeAccessRequest, false, true), DropNoMessageAuthenticator},
		{"Status-Server without Message-Authenticator", laxer, unsigned(layeh.CodeStatusServer, false, false), DropNoMessageAuthenticator},
		{"wrong Message-Authenticator", strict, change(func(b []byte) []byte { b[37] ^= 1; return b }), DropBadMessageAuthenticator},
		{"wrong Message-Authenticator, lax", laxer, change(func(b []byte) []byte { b[22] ^= 0x80; return b }), DropBadMessageAuthenticator},
		{"changed attribute", strict, change(func(b []byte) []byte { b[45] ^= 1; return b }), DropBadMessageAuthenticator},
		{"changed Identifier", strict, change(func(b []byte) []byte { b[1] ^= 1; return b }), DropBadMessageAuthenticator},
		{"two Message-Authenticators", strict, resign(append(bytes.Clone(good), good[20:38]...)), DropBadMessageAuthenticator},
		{"long Message-Authenticator", laxer, resign(append(unsigned(layeh.CodeAccessRequest, false, false), append([]byte{80, 19}, make([]byte, 17)...)...)), DropBadMessageAuthenticator},
		{"empty Message-Authenticator", laxer, resign(append(unsigned(layeh.CodeAccessRequest, false, false), 80, 2)), DropBadMessageAuthenticator},
		{"another secret", ClientConfig{Secret: "another secret of 20+"}, good, DropBadMessageAuthenticator},
		{"accounting with a wrong authenticator", strict, func() []byte { b := bytes.Clone(acct); b[4] ^= 1; return b }(), DropBadAuthenticator},
		{"accounting with another secret", ClientConfig{Secret: "another secret of 20+"}, acct, DropBadAuthenticator},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.client.Prefix = testPrefix
			handler, calls := counting()
			s := &Server{Clients: Subnets{c.client}, Handler: handler}
			bubble(t, s, func(t *testing.T, r *rig) {
				r.send(c.b)
				r.wantDropped(c.reason, 1)
				require.Zero(t, calls.Load())
				require.Zero(t, s.Stats().Remembered, "only authentic packets are remembered")
				if c.client.Secret != testSecret {
					return
				}
				r.send(good)
				r.reply(r.want(), good)
			})
		})
	}
}

// TestExceptions: what a client's configuration may let in.
func TestExceptions(t *testing.T) {
	p := layeh.New(layeh.CodeAccessRequest, []byte(testSecret))
	require.NoError(t, rfc2865.UserName_SetString(p, "bob"))
	bare, err := p.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, rfc2865.ProxyState_SetString(p, "x"))
	p.Identifier++
	proxied, err := p.MarshalBinary()
	require.NoError(t, err)

	s := &Server{Clients: Subnets{{Prefix: testPrefix, Secret: testSecret,
		AllowMissingMessageAuthenticator: true, AllowUnsignedProxyState: true}}}
	bubble(t, s, func(t *testing.T, r *rig) {
		for _, b := range [][]byte{bare, proxied} {
			r.send(b)
			reply := r.want()
			require.Equal(t, byte(80), reply[20], "the answer is signed all the same")
			r.reply(reply, b)
		}
	})
}

func TestUnknownSource(t *testing.T) {
	handler, calls := counting()
	var dropped []DropInfo
	s := &Server{Handler: handler, Hooks: Hooks{Dropped: func(d DropInfo) { dropped = append(dropped, d) }}}
	bubble(t, s, func(t *testing.T, r *rig) {
		synctest.Wait()
		r.log.Reset()
		r.from.IP = net.IPv4(198, 51, 100, 1)
		for n := range uint64(100) {
			r.send(accessRequest(t, 1, n))
		}
		r.wantDropped(DropUnknownSource, 100)
		require.Zero(t, calls.Load())
		require.Empty(t, r.log.String(), "no log line")
		require.Len(t, dropped, 100)
		require.Nil(t, dropped[0].Client)
		require.Equal(t, netip.MustParseAddrPort("198.51.100.1:40000"), dropped[0].Remote)
	})
}

// TestRepeatedAfterAnswer: the same request gets the same octets, and the
// handler is not run again, until the answer's time is over.
func TestRepeatedAfterAnswer(t *testing.T) {
	handler, calls := counting()
	duplicates := 0
	s := &Server{Handler: handler, ReplyLifetime: 7 * time.Second,
		Hooks: Hooks{Duplicate: func(RequestInfo) { duplicates++ }}}
	bubble(t, s, func(t *testing.T, r *rig) {
		req := accessRequest(t, 1, 1)
		r.send(req)
		first := r.want()
		for range 3 {
			time.Sleep(2 * time.Second)
			r.send(req)
			require.Equal(t, first, r.want())
		}
		require.EqualValues(t, 1, calls.Load())
		require.Equal(t, 3, duplicates)
		require.EqualValues(t, 3, s.Stats().Resent)
		time.Sleep(2 * time.Second)
		r.send(req)
		r.want()
		require.EqualValues(t, 2, calls.Load(), "forgotten after ReplyLifetime")
	})
}

func TestReplyLifetimeNegative(t *testing.T) {
	handler, calls := counting()
	bubble(t, &Server{Handler: handler, ReplyLifetime: -1}, func(t *testing.T, r *rig) {
		req := accessRequest(t, 1, 1)
		r.send(req)
		r.want()
		r.send(req)
		r.want()
		require.EqualValues(t, 2, calls.Load())
	})
}

// TestRepeatedInProgress: a repetition of a request that is being worked on is
// dropped, and the one answer serves both.
func TestRepeatedInProgress(t *testing.T) {
	var calls atomic.Int64
	release := make(chan struct{})
	s := &Server{Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		calls.Add(1)
		<-release
		acceptHandler(w, r)
	})}
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		r := newRig(t, s)
		req := accessRequest(t, 1, 1)
		r.send(req)
		r.send(req)
		r.send(req)
		r.wantDropped(DropInProgress, 2)
		close(release)
		r.reply(r.want(), req)
		r.wantSilence("one answer")
		require.EqualValues(t, 1, calls.Load())
		r.close()
	})
}

// TestReusedIdentifier: another authenticator, or the same with other octets,
// makes a new request, be the old one answered or still in progress; the old
// one's late answer is not remembered for the new.
func TestReusedIdentifier(t *testing.T) {
	first := make(chan struct{})
	var calls atomic.Int64
	s := &Server{Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		if calls.Add(1) == 1 {
			<-first
		}
		acceptHandler(w, r)
	})}
	synctest.Test(t, func(t *testing.T) {
		first = make(chan struct{})
		r := newRig(t, s)
		a, b := accessRequest(t, 1, 1), accessRequest(t, 1, 2)
		r.send(a)
		r.send(b)
		reply := r.want()
		r.reply(reply, b)
		close(first)
		r.reply(r.want(), a)
		r.send(b)
		require.Equal(t, reply, r.want(), "the new request's answer is kept")
		require.EqualValues(t, 2, calls.Load())

		c := bytes.Clone(b)
		c[len(c)-1] ^= 1 // an EAP-Message octet
		c = resign(c)
		r.send(c)
		r.reply(r.want(), c)
		require.EqualValues(t, 3, calls.Load(), "same authenticator, other octets")
		require.Empty(t, s.Stats().Dropped)
		r.close()
	})
}

// TestForgeryTouchesNoEntry: a packet that is not authentic neither finds nor
// removes the entry of the request that it imitates.
func TestForgeryTouchesNoEntry(t *testing.T) {
	handler, calls := counting()
	bubble(t, &Server{Handler: handler}, func(t *testing.T, r *rig) {
		req := accessRequest(t, 1, 1)
		r.send(req)
		reply := r.want()
		forged := bytes.Clone(req)
		forged[10] ^= 1
		r.send(forged)
		r.wantSilence("forged")
		r.send(req)
		require.Equal(t, reply, r.want())
		require.EqualValues(t, 1, calls.Load())
	})
}

func TestHandlerPanics(t *testing.T) {
	var calls atomic.Int64
	var hook any
	s := &Server{
		Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
			switch calls.Add(1) {
			case 1:
				panic("handler's mistake")
			case 2:
				runtime.Goexit()
			}
			acceptHandler(w, r)
		}),
		Hooks: Hooks{Panic: func(_ RequestInfo, v any) { hook = v }},
	}
	bubble(t, s, func(t *testing.T, r *rig) {
		req := accessRequest(t, 1, 1)
		r.send(req)
		r.wantSilence("panicked")
		require.EqualValues(t, 1, s.Stats().Panics)
		require.Equal(t, "handler's mistake", hook)
		require.Equal(t, 1, strings.Count(r.log.String(), "RADIUS handler panicked"))

		r.send(accessRequest(t, 2, 2))
		r.wantSilence("its goroutine has ended")

		r.send(req)
		r.reply(r.want(), req)
		require.EqualValues(t, 3, calls.Load(), "the repetition is tried anew")
		require.Equal(t, 1, s.Stats().Workers)
	})
}

func TestProxyStateOrder(t *testing.T) {
	p := eapRequest(t, 1, 10)
	want := []layeh.Attribute{layeh.Attribute("one"), layeh.Attribute("two"), layeh.Attribute("one"), nil}
	for _, v := range want {
		p.Add(rfc2865.ProxyState_Type, v)
	}
	req, err := SignRequest(p)
	require.NoError(t, err)
	states := func(p *layeh.Packet) (s []layeh.Attribute) {
		for _, a := range p.Attributes {
			if a.Type == rfc2865.ProxyState_Type {
				s = append(s, a.Attribute)
			}
		}
		return s
	}
	t.Run("copied", func(t *testing.T) {
		bubble(t, &Server{}, func(t *testing.T, r *rig) {
			r.send(req)
			require.Equal(t, want, states(r.reply(r.want(), req)))
		})
	})
	// Such as the first one, which is all that layeh's getters return.
	t.Run("handler's own", func(t *testing.T) {
		s := &Server{Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
			p := r.Response(layeh.CodeAccessReject)
			p.Add(rfc2865.ProxyState_Type, rfc2865.ProxyState_Get(r.Packet))
			p.Add(rfc2865.ProxyState_Type, layeh.Attribute("mine"))
			require.NoError(t, w.Write(p))
		})}
		bubble(t, s, func(t *testing.T, r *rig) {
			r.send(req)
			require.Equal(t, want, states(r.reply(r.want(), req)))
			bare := accessRequest(t, 2, 1)
			r.send(bare)
			require.Empty(t, states(r.reply(r.want(), bare)))
		})
	})
}

// TestManyAttributes: more than a slab holds.
func TestManyAttributes(t *testing.T) {
	p := layeh.New(layeh.CodeAccessRequest, []byte(testSecret))
	for range (4096 - 20 - 18) / 2 {
		p.Add(1, nil)
	}
	req, err := SignRequest(p)
	require.NoError(t, err)
	require.Len(t, req, 4096)
	got := 0
	s := &Server{Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		got = len(r.Attributes)
		acceptHandler(w, r)
	})}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.send(req)
		r.reply(r.want(), req)
		require.Equal(t, len(p.Attributes)+1, got)
	})
}

// TestSlowHandlerBlocksNobody: with one handler stuck, others are served.
func TestSlowHandlerBlocksNobody(t *testing.T) {
	s := &Server{Timeout: 20 * time.Second, Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		if r.Identifier == 0 {
			<-r.Context().Done()
			return
		}
		acceptHandler(w, r)
	})}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.send(accessRequest(t, 0, 0))
		for id := range 200 {
			req := accessRequest(t, byte(id+1), 1)
			r.send(req)
			r.reply(r.want(), req)
		}
		time.Sleep(21 * time.Second)
	})
}

// TestBurstOfSlowHandlers: requests that arrive together and block each get a
// worker, none waits for another.
func TestBurstOfSlowHandlers(t *testing.T) {
	s := &Server{Workers: 100, Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		time.Sleep(time.Second)
		acceptHandler(w, r)
	})}
	bubble(t, s, func(t *testing.T, r *rig) {
		for id := range 100 {
			r.send(accessRequest(t, byte(id), 1))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, r.conn.out, 100)
		require.LessOrEqual(t, s.Stats().Workers, 100)
	})
}

// TestFloodIsBounded: what is beyond workers and queue is dropped and counted,
// is not remembered, and the rest is served.
func TestFloodIsBounded(t *testing.T) {
	release := make(chan struct{})
	s := &Server{Workers: 4, Queue: 8, Timeout: time.Minute,
		Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
			<-release
			acceptHandler(w, r)
		})}
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		r := newRig(t, s)
		var reqs [][]byte
		for n := range 1000 {
			reqs = append(reqs, accessRequest(t, byte(n), uint64(n)))
			r.from.Port = 40000 + n/256
			r.conn.in <- memDatagram{reqs[n], &net.UDPAddr{IP: r.from.IP, Port: 40000 + n/256}}
			synctest.Wait()
		}
		r.wantDropped(DropQueueFull, 1000-4-8)
		st := s.Stats()
		require.Equal(t, []int{8, 4, 12}, []int{st.Queued, st.Workers, st.Remembered})
		close(release)
		synctest.Wait()
		require.Len(t, r.conn.out, 12)
		for range 12 {
			<-r.conn.out
		}
		r.from.Port = 40000 + 999/256
		r.send(reqs[999])
		r.reply(r.want(), reqs[999])
		time.Sleep(10 * retirePeriod)
		synctest.Wait()
		require.Zero(t, s.Stats().Workers, "idle workers retire")
		r.send(accessRequest(t, 1, 5000))
		r.want()
		r.close()
	})
}

// TestExpiredInQueue: a request that has waited too long is not worth a
// handler.
func TestExpiredInQueue(t *testing.T) {
	s := &Server{Workers: 1, Timeout: time.Second,
		Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
			time.Sleep(1500 * time.Millisecond)
			require.ErrorIs(t, w.Write(r.Response(layeh.CodeAccessReject)), ErrTooLate)
		})}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.send(accessRequest(t, 1, 1))
		synctest.Wait()
		r.send(accessRequest(t, 2, 1))
		time.Sleep(2 * time.Second)
		r.wantDropped(DropExpired, 1)
	})
}

// TestWrite: the rules of a ResponseWriter.
func TestWrite(t *testing.T) {
	s := &Server{Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		p := r.Response(layeh.CodeAccessReject)
		for _, bad := range []*layeh.Packet{
			nil,
			r.Response(layeh.CodeAccountingResponse),
			r.Response(layeh.CodeAccessRequest),
			r.Response(layeh.Code(258)),
			r.Response(layeh.Code(-1)),
			layeh.New(layeh.CodeAccessReject, r.Secret),
		} {
			require.ErrorIs(t, w.Write(bad), ErrPacket)
		}
		for _, a := range []layeh.Attributes{
			{nil},
			{{Type: 256}},
			{{Type: -1}},
			{{Type: 1, Attribute: make([]byte, 254)}},
			slicesRepeat(&layeh.AVP{Type: 1, Attribute: make([]byte, 253)}, 16),
		} {
			bad := r.Response(layeh.CodeAccessReject)
			bad.Attributes = a
			require.ErrorIs(t, w.Write(bad), ErrPacket)
		}
		require.NoError(t, w.Write(p), "after failures")
		require.ErrorIs(t, w.Write(p), ErrAnswered)
		Discard(w) // too late to do anything
	})}
	bubble(t, s, func(t *testing.T, r *rig) {
		req := accessRequest(t, 1, 1)
		r.send(req)
		reply := r.want()
		require.Equal(t, layeh.CodeAccessReject, r.reply(reply, req).Code)
		r.send(req)
		require.Equal(t, reply, r.want())
	})
}

func slicesRepeat(a *layeh.AVP, n int) (s layeh.Attributes) {
	for range n {
		s = append(s, a)
	}
	return s
}

// TestLateWrite: the answer may come after the handler has returned, until the
// deadline; the context lasts as long.
func TestLateWrite(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		err   error
	}{{2 * time.Second, nil}, {4 * time.Second, ErrTooLate}} {
		var got, ctxErr error
		s := &Server{Timeout: 3 * time.Second, Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
			done := r.Context().Done()
			time.AfterFunc(c.after, func() {
				ctxErr = r.Context().Err()
				got = w.Write(r.Response(layeh.CodeAccessReject))
				<-done
			})
		})}
		bubble(t, s, func(t *testing.T, r *rig) {
			req := accessRequest(t, 1, 1)
			r.send(req)
			r.wantSilence("not yet")
			time.Sleep(c.after)
			synctest.Wait()
			require.ErrorIs(t, got, c.err)
			if c.err == nil {
				require.NoError(t, ctxErr)
				r.reply(r.want(), req)
			} else {
				require.ErrorIs(t, ctxErr, context.DeadlineExceeded)
				r.wantSilence("too late")
			}
		})
	}
}

// TestUnanswered: a request without an answer is in progress until its
// deadline, or until it is discarded; then its repetition is a new one.
func TestUnanswered(t *testing.T) {
	var calls atomic.Int64
	discard := false
	s := &Server{Timeout: 3 * time.Second, Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		calls.Add(1)
		if discard {
			Discard(w)
			require.ErrorIs(t, w.Write(r.Response(layeh.CodeAccessReject)), ErrAnswered)
		}
	})}
	bubble(t, s, func(t *testing.T, r *rig) {
		req := accessRequest(t, 1, 1)
		r.send(req)
		synctest.Wait()
		time.Sleep(2 * time.Second)
		r.send(req)
		r.wantDropped(DropInProgress, 1)
		time.Sleep(time.Second)
		r.send(req)
		synctest.Wait()
		require.EqualValues(t, 2, calls.Load(), "past the deadline")

		discard = true
		req = accessRequest(t, 1, 2)
		for range 3 {
			r.send(req)
			r.wantSilence("discarded")
		}
		require.EqualValues(t, 5, calls.Load())
	})
	Discard(nil)
}

// TestStatusServer: the engine answers by itself. RFC 5997.
func TestStatusServer(t *testing.T) {
	for _, c := range []struct {
		codes []layeh.Code
		want  layeh.Code
	}{
		{nil, layeh.CodeAccessAccept},
		{[]layeh.Code{layeh.CodeAccessRequest}, layeh.CodeAccessAccept},
		{[]layeh.Code{layeh.CodeAccountingRequest}, layeh.CodeAccountingResponse},
	} {
		handler, calls := counting()
		bubble(t, &Server{Codes: c.codes, Handler: handler}, func(t *testing.T, r *rig) {
			p := layeh.New(layeh.CodeStatusServer, []byte(testSecret))
			require.NoError(t, rfc2865.ProxyState_SetString(p, "x"))
			req, err := SignRequest(p)
			require.NoError(t, err)
			r.send(req)
			b := r.want()
			require.Equal(t, byte(80), b[20])
			reply := r.reply(b, req)
			require.Equal(t, c.want, reply.Code)
			require.Equal(t, "x", rfc2865.ProxyState_GetString(reply))
			require.Zero(t, calls.Load())
		})
	}
	bubble(t, &Server{IgnoreStatusServer: true}, func(t *testing.T, r *rig) {
		req, err := SignRequest(layeh.New(layeh.CodeStatusServer, []byte(testSecret)))
		require.NoError(t, err)
		r.send(req)
		r.wantDropped(DropCode, 1)
	})
}

// TestCodes: a server takes only what it is told to.
func TestCodes(t *testing.T) {
	bubble(t, &Server{Codes: []layeh.Code{layeh.CodeAccountingRequest}}, func(t *testing.T, r *rig) {
		r.send(accessRequest(t, 1, 1))
		r.wantDropped(DropCode, 1)
	})
}

func TestHooksAndLog(t *testing.T) {
	var events []string
	s := &Server{Hooks: Hooks{
		Listening: func(a net.Addr) { events = append(events, "listening "+a.String()) },
		Received: func(r RequestInfo) {
			events = append(events, "received "+r.Code.String()+" "+r.Client.Name()+" "+r.Remote.String())
		},
		Sent: func(r ReplyInfo) {
			require.NoError(t, r.Err)
			events = append(events, "sent "+r.Code.String())
		},
	}}
	bubble(t, s, func(t *testing.T, r *rig) {
		req := accessRequest(t, 1, 1)
		r.send(req)
		r.want()
		bad := bytes.Clone(req)
		bad[22] ^= 1
		for range 50 {
			r.send(bad)
		}
		r.wantSilence("bad")
		time.Sleep(2 * time.Second)
		r.send(bad)
		r.wantSilence("bad")
		require.Equal(t, []string{
			"listening 0.0.0.0:1812", "received Access-Request ap 192.0.2.7:40000", "sent Access-Accept",
		}, events)
		log := r.log.String()
		require.Contains(t, log, `msg="RADIUS server listening on port 1812"`)
		require.Contains(t, log, `msg="From 192.0.2.7: Access-Request received"`)
		require.Equal(t, 2, strings.Count(log, `msg="Message-Authenticator validation failed"`), "rate-limited")
		require.Contains(t, log, "suppressed=49")
		require.NotContains(t, log, testSecret)
	})
}

// TestKeptByHandler: what a handler was given stays its own.
func TestKeptByHandler(t *testing.T) {
	var kept []*layeh.Request
	s := &Server{Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		kept = append(kept, r)
		acceptHandler(w, r)
	})}
	bubble(t, s, func(t *testing.T, r *rig) {
		var reqs [][]byte
		for n := range 50 {
			reqs = append(reqs, accessRequest(t, byte(n), uint64(n)))
			r.send(reqs[n])
			r.want()
		}
		for n, k := range kept {
			want, err := layeh.Parse(reqs[n], []byte(testSecret))
			require.NoError(t, err)
			require.Equal(t, want, k.Packet)
			// Appending to one value does not run into the next.
			k.Attributes[1].Attribute = append(k.Attributes[1].Attribute, 0xff)
			require.Equal(t, want.Attributes[2], k.Attributes[2])
		}
	})
}

func TestServeErrors(t *testing.T) {
	require.ErrorContains(t, new(Server).Serve(newMemConn()), "Handler")
	s := &Server{Handler: layeh.HandlerFunc(acceptHandler)}
	require.ErrorContains(t, s.Serve(newMemConn()), "Clients")
	s.Clients = Subnets{{Prefix: testPrefix}}
	require.ErrorIs(t, s.Serve(newMemConn()), errNoSecret)
	s.Clients = Subnets{{Prefix: testPrefix, Secret: testSecret}}
	s.Codes = []layeh.Code{layeh.CodeAccessAccept}
	require.ErrorContains(t, s.Serve(newMemConn()), "Access-Accept")
	s.Codes, s.Queue = nil, -1
	require.ErrorContains(t, s.Serve(newMemConn()), "negative")
	s.Queue = 0
	require.NoError(t, s.Close())
	require.NoError(t, s.Shutdown(context.Background()))
	err := s.Serve(newMemConn())
	require.ErrorIs(t, err, ErrServerClosed)
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, s.ListenAndServe(context.Background()), ErrServerClosed)
	require.True(t, errors.Is(ErrServerClosed, net.ErrClosed))
}
