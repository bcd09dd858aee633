package radiustest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
	"layeh.com/radius/vendors/microsoft"

	"github.com/opentwag/twag/radius"
)

func TestLogin(t *testing.T) {
	for _, start := range []bool{false, true} {
		ap := newAP(t, Config{Server: serve(t, &radius.Server{Handler: twoRounds(t, nil)}), EAPStart: start})
		p := newPhone()
		res, err := ap.Login(t.Context(), p, "02-00-00-00-00-01")
		require.NoError(t, err)
		require.Equal(t, layeh.CodeAccessAccept, res.Code)
		require.Equal(t, p.msk, res.MSK)
		require.True(t, res.SignedFirst)
		requests := 3
		if start {
			requests = 4
		}
		require.Equal(t, requests, res.Requests)
		require.Len(t, p.received, 4)
		require.EqualValues(t, requests, ap.Stats().Requests)
		require.EqualValues(t, requests-1, ap.Stats().Challenges)
		require.EqualValues(t, 1, ap.Stats().Accepts)
		reply, err := layeh.Parse(res.Reply, []byte(secret))
		require.NoError(t, err)
		require.Equal(t, layeh.CodeAccessAccept, reply.Code)
	}
}

// TestRequestAttributes: what an access point says about itself.
func TestRequestAttributes(t *testing.T) {
	requests := make(chan *layeh.Request, 1)
	h := layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		requests <- r
		p := r.Response(layeh.CodeAccessReject)
		_ = rfc2869.EAPMessage_Set(p, []byte{4, 0, 0, 4})
		_ = w.Write(p)
	})
	ap := newAP(t, Config{Server: serve(t, &radius.Server{Handler: h}), NASIdentifier: "ap-1",
		NASIPAddress: netip.MustParseAddr("2001:db8::1"), CalledStationID: "called",
		Attributes: layeh.Attributes{{Type: 126, Attribute: layeh.Attribute("0TEST")}}})
	res, err := ap.Login(t.Context(), newPhone(), "calling")
	require.ErrorIs(t, err, ErrRejected)
	require.Equal(t, layeh.CodeAccessReject, res.Code)
	got := <-requests
	require.Equal(t, "ap-1", rfc2865.NASIdentifier_GetString(got.Packet))
	require.Equal(t, net.ParseIP("2001:db8::1"), rfc3162.NASIPv6Address_Get(got.Packet))
	require.Equal(t, "called", rfc2865.CalledStationID_GetString(got.Packet))
	require.Equal(t, "calling", rfc2865.CallingStationID_GetString(got.Packet))
	require.EqualValues(t, 19, rfc2865.NASPortType_Get(got.Packet))
	require.EqualValues(t, 1400, rfc2865.FramedMTU_Get(got.Packet))
	require.Equal(t, "0TEST", string(got.Get(126)))
	require.Equal(t, layeh.Type(80), got.Attributes[0].Type, "signed first")
}

// TestManyLogins: more logins at once than Identifiers, on few sockets.
func TestManyLogins(t *testing.T) {
	before := runtime.NumGoroutine()
	s := &radius.Server{Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		time.Sleep(time.Millisecond)
		twoRounds(t, nil).ServeRADIUS(w, r)
	})}
	t.Run("", func(t *testing.T) {
		ap := newAP(t, Config{Server: serve(t, s), Sockets: 2, Tries: 20, Patience: 5 * time.Minute})
		var wg sync.WaitGroup
		for range 700 {
			wg.Go(func() {
				p := newPhone()
				for range 2 {
					p.success = false
					if _, err := ap.Login(t.Context(), p, ""); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1400, ap.Stats().Accepts)
		if ap.Stats().Retransmissions == 0 {
			// Else a second answer may meet another's request.
			require.Zero(t, ap.Stats().Forged)
		}
	})
	for limit := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(limit), "goroutines are left")
	}
}

// lossy loses, doubles or changes datagrams on their way.
type lossy struct {
	net.Conn
	write func(b []byte, send func([]byte))
}

func (c *lossy) Write(b []byte) (int, error) {
	c.write(b, func(b []byte) { _, _ = c.Conn.Write(b) })
	return len(b), nil
}

// TestRetransmission: lost requests are sent again with the same octets, and
// those that are sent twice are answered twice.
func TestRetransmission(t *testing.T) {
	var calls atomic.Int64
	rounds := twoRounds(t, nil)
	addr := serve(t, &radius.Server{Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		calls.Add(1)
		rounds.ServeRADIUS(w, r)
	})})
	var mu sync.Mutex
	seen := map[[20]byte][]byte{}
	sent := map[[20]byte]int{}
	dial := func() (net.Conn, error) {
		c, err := net.Dial("udp", addr)
		return &lossy{Conn: c, write: func(b []byte, send func([]byte)) {
			mu.Lock()
			defer mu.Unlock()
			k := [20]byte(b)
			if sent[k]++; sent[k] == 1 {
				seen[k] = bytes.Clone(b)
				return // lost
			}
			if !bytes.Equal(seen[k], b) {
				t.Error("another packet under the same authenticator")
			}
			send(b)
			send(b)
		}}, err
	}
	ap := newAP(t, Config{Dial: dial, FirstRetransmission: 40 * time.Millisecond, Tries: 100, Patience: 5 * time.Minute})
	res, err := ap.Login(t.Context(), newPhone(), "")
	require.NoError(t, err)
	require.Equal(t, 3, res.Requests)
	require.GreaterOrEqual(t, res.Retransmissions, 3, "more if the machine is slow")
	require.EqualValues(t, 3, calls.Load(), "the server has run each once")
}

func TestNoAnswer(t *testing.T) {
	silent := layeh.HandlerFunc(func(layeh.ResponseWriter, *layeh.Request) {})
	addr := serve(t, &radius.Server{Handler: silent})
	ap := newAP(t, Config{Server: addr, FirstRetransmission: 20 * time.Millisecond, MaxRetransmission: 30 * time.Millisecond, Tries: 3})
	res, err := ap.Login(t.Context(), newPhone(), "")
	require.ErrorIs(t, err, ErrNoAnswer)
	require.Equal(t, 2, res.Retransmissions)
	require.Zero(t, res.Code)

	ap = newAP(t, Config{Server: addr, FirstRetransmission: 20 * time.Millisecond, Tries: 1000, Patience: 50 * time.Millisecond})
	_, err = ap.Login(t.Context(), newPhone(), "")
	require.ErrorIs(t, err, ErrNoAnswer)

	ap = newAP(t, Config{Server: addr})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = ap.Login(ctx, newPhone(), "")
	require.ErrorIs(t, err, context.DeadlineExceeded)

	time.AfterFunc(20*time.Millisecond, func() { _ = ap.Close() })
	_, err = ap.Login(t.Context(), newPhone(), "")
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = ap.Login(t.Context(), newPhone(), "")
	require.ErrorIs(t, err, ErrClosed)
}

// TestForgedAnswers: they are ignored, and the right one is waited for.
func TestForgedAnswers(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer pc.Close()
	go func() {
		var b [4096]byte
		n, addr, err := pc.ReadFrom(b[:])
		if err != nil {
			return
		}
		req, _ := layeh.Parse(b[:n], []byte(secret))
		plain := req.Response(layeh.CodeAccessAccept)
		unsigned, _ := plain.Encode()
		other := req.Response(layeh.CodeAccessAccept)
		other.Secret = []byte("another")
		forged, _ := other.Encode()
		wrongID := bytes.Clone(unsigned)
		wrongID[1]++
		for _, b := range [][]byte{{1}, unsigned, forged, wrongID, append(bytes.Clone(unsigned), 1, 0), {2, b[1], 0, 20, 19: 0}} {
			_, _ = pc.WriteTo(b, addr)
		}
	}()
	ap := newAP(t, Config{Server: pc.LocalAddr().String(), Tries: 1, Patience: 5 * time.Minute, FirstRetransmission: 5 * time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := ap.Login(ctx, newPhone(), "")
		ended <- err
	}()
	for limit := time.Now().Add(time.Minute); ap.Stats().Forged+ap.Stats().Stray < 6 && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled, "it still waited")
	require.EqualValues(t, 5, ap.Stats().Forged)
	require.EqualValues(t, 1, ap.Stats().Stray)
}

// TestServerBreaksProtocol: authentic answers that are wrong.
func TestServerBreaksProtocol(t *testing.T) {
	accept := func(f func(p *layeh.Packet)) func(p *layeh.Packet) {
		return func(p *layeh.Packet) {
			if p.Code == layeh.CodeAccessAccept {
				f(p)
			}
		}
	}
	delKeys := func(p *layeh.Packet) { p.Del(rfc2865.VendorSpecific_Type) }
	zero := make([]byte, 32)
	for _, c := range []struct {
		name   string
		change func(p *layeh.Packet)
		want   error
	}{
		{"no keys", accept(delKeys), ErrKeys},
		{"other keys", accept(func(p *layeh.Packet) {
			delKeys(p)
			_ = microsoft.MSMPPERecvKey_Add(p, zero)
			_ = microsoft.MSMPPESendKey_Add(p, zero)
		}), ErrKeys},
		{"short key", accept(func(p *layeh.Packet) {
			delKeys(p)
			_ = microsoft.MSMPPERecvKey_Add(p, zero[:16])
			_ = microsoft.MSMPPESendKey_Add(p, zero)
		}), ErrProtocol},
		{"key twice", accept(func(p *layeh.Packet) { _ = microsoft.MSMPPERecvKey_Add(p, zero) }), ErrProtocol},
		{"same salt twice", accept(func(p *layeh.Packet) {
			vsas := p.Attributes[len(p.Attributes)-2:]
			copy(vsas[1].Attribute[6:8], vsas[0].Attribute[6:8])
		}), ErrProtocol},
		{"salt without its bit", accept(func(p *layeh.Packet) { p.Attributes[len(p.Attributes)-1].Attribute[6] &= 0x7f }), ErrProtocol},
		{"broken vendor attribute", accept(func(p *layeh.Packet) { p.Attributes[len(p.Attributes)-1].Attribute[5] = 200 }), ErrProtocol},
		{"no EAP", func(p *layeh.Packet) { p.Del(79) }, ErrProtocol},
		{"no EAP-Success", accept(func(p *layeh.Packet) { p.Del(79) }), ErrProtocol},
		{"EAP-Failure in Accept", accept(func(p *layeh.Packet) { p.Set(79, layeh.Attribute{4, 2, 0, 4}) }), ErrProtocol},
		{"short EAP", func(p *layeh.Packet) { p.Set(79, layeh.Attribute{1, 2}) }, ErrProtocol},
		{"EAP and more", accept(func(p *layeh.Packet) { p.Set(79, layeh.Attribute{3, 2, 0, 4, 0}) }), ErrProtocol},
		{"EAP in parts", func(p *layeh.Packet) {
			p.Add(18, layeh.Attribute("between"))
			p.Add(79, layeh.Attribute{0})
		}, ErrProtocol},
		{"State twice", func(p *layeh.Packet) { p.Add(24, layeh.Attribute("x")) }, ErrProtocol},
		{"keys in a challenge", func(p *layeh.Packet) { _ = microsoft.MSMPPERecvKey_Add(p, zero) }, ErrProtocol},
	} {
		t.Run(c.name, func(t *testing.T) {
			ap := newAP(t, Config{Server: serve(t, &radius.Server{Handler: twoRounds(t, c.change)})})
			res, err := ap.Login(t.Context(), newPhone(), "")
			require.ErrorIs(t, err, c.want)
			require.NotEmpty(t, res.Reply)
		})
	}
}

// TestPhone: one that does not respond ends the login; one that refuses with a
// response goes on.
func TestPhone(t *testing.T) {
	ap := newAP(t, Config{Server: serve(t, &radius.Server{Handler: twoRounds(t, nil)})})
	why := errors.New("why")
	_, err := ap.Login(t.Context(), &phone{mute: true}, "")
	require.ErrorIs(t, err, ErrPhone)
	_, err = ap.Login(t.Context(), &phone{mute: true, err: why}, "")
	require.ErrorIs(t, err, why)
	p := newPhone()
	p.err = why
	res, err := ap.Login(t.Context(), p, "")
	require.NoError(t, err)
	require.Equal(t, why, res.PhoneErr)
	// The server rejects what the phone refuses; the phone's reason stays.
	ap = newAP(t, Config{Server: serve(t, &radius.Server{Handler: twoRounds(t, func(p *layeh.Packet) {
		if p.Code == layeh.CodeAccessAccept {
			p.Code, p.Attributes = layeh.CodeAccessReject, nil
			p.Add(79, layeh.Attribute{4, 2, 0, 4})
		}
	})})})
	res, err = ap.Login(t.Context(), p, "")
	require.ErrorIs(t, err, ErrRejected)
	require.Equal(t, why, res.PhoneErr)
	_, err = ap.Login(t.Context(), p, string(make([]byte, 254)))
	require.ErrorContains(t, err, "too long")
}

// TestHostileDatagrams: the server drops each for the reason that the table
// says, and still answers afterwards.
func TestHostileDatagrams(t *testing.T) {
	dropped := make(chan radius.DropReason, 1)
	s := &radius.Server{
		Handler: twoRounds(t, nil),
		Hooks:   radius.Hooks{Dropped: func(d radius.DropInfo) { dropped <- d.Reason }},
	}
	addr := serve(t, s)
	conn, err := net.Dial("udp", addr)
	require.NoError(t, err)
	defer conn.Close()
	table := HostileDatagrams(secret)
	require.Len(t, table, 32)
	for _, h := range table {
		t.Run(h.Name, func(t *testing.T) {
			_, err := conn.Write(h.Octets)
			require.NoError(t, err)
			select {
			case r := <-dropped:
				require.Equal(t, h.Reason, r)
			case <-time.After(time.Minute):
				t.Fatal("not dropped")
			}
		})
	}
	require.Empty(t, s.Stats().Requests)
	require.Empty(t, s.Stats().Replies)
	_, err = newAP(t, Config{Server: addr}).Login(t.Context(), newPhone(), "")
	require.NoError(t, err)
}

func TestConfigErrors(t *testing.T) {
	for _, cfg := range []Config{
		{},
		{Secret: secret},
		{Secret: secret, Server: "127.0.0.1:1", Sockets: -1},
		{Secret: secret, Server: "not an address"},
		{Secret: secret, Server: "127.0.0.1:1", NASIdentifier: string(make([]byte, 254))},
		{Secret: secret, Server: "127.0.0.1:1", Attributes: layeh.Attributes{{Type: 300}}},
	} {
		_, err := NewAP(cfg)
		require.Error(t, err)
	}
}

// BenchmarkLogin is a login of three requests, server and client in one
// process, with as many at once as 64 phones make.
func BenchmarkLogin(b *testing.B) {
	ap := newAP(b, Config{Server: serve(b, &radius.Server{Handler: twoRounds(b, nil)})})
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		p := newPhone()
		for pb.Next() {
			p.success, p.received = false, p.received[:0]
			if _, err := ap.Login(b.Context(), p, "02-00-00-00-00-01"); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
