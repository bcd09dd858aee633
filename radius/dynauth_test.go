package radius

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3576"
)

var testNAS = netip.MustParseAddr("192.0.2.7")

// dynAuthRig is a DynAuth whose NAS is the test.
type dynAuthRig struct {
	*testing.T
	d    *DynAuth
	conn *memConn
}

func runDynAuth(t *testing.T, cfg DynAuthConfig, f func(*dynAuthRig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &dynAuthRig{T: t, conn: newMemConn()}
		cfg.Conn, cfg.Clients = r.conn, Subnets{{Prefix: testPrefix, Secret: testSecret}}
		var err error
		r.d, err = NewDynAuth(cfg)
		require.NoError(t, err)
		f(r)
		require.NoError(t, r.d.Close())
	})
}

func disconnectRequest(t testing.TB) *layeh.Packet {
	p := &layeh.Packet{Code: layeh.CodeDisconnectRequest}
	require.NoError(t, rfc2866.AcctSessionID_SetString(p, "abc"))
	return p
}

type exchanged struct {
	p   *layeh.Packet
	err error
}

func (r *dynAuthRig) exchange(ctx context.Context, p *layeh.Packet) chan exchanged {
	ch := make(chan exchanged, 1)
	go func() {
		a, err := r.d.Exchange(ctx, testNAS, p)
		ch <- exchanged{a, err}
	}()
	return ch
}

// sent is the next datagram, which has to be an authentic request.
func (r *dynAuthRig) sent() *layeh.Packet {
	r.Helper()
	synctest.Wait()
	select {
	case d := <-r.conn.out:
		require.Equal(r, "192.0.2.7:3799", d.addr.String())
		require.True(r, layeh.IsAuthenticRequest(d.b, []byte(testSecret)))
		p, err := layeh.Parse(d.b, []byte(testSecret))
		require.NoError(r, err)
		return p
	default:
		require.FailNow(r, "nothing was sent")
		return nil
	}
}

func (r *dynAuthRig) answer(p *layeh.Packet) {
	b, err := p.Encode()
	require.NoError(r, err)
	r.conn.in <- memDatagram{b, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 3799}}
}

func TestDisconnectACK(t *testing.T) {
	runDynAuth(t, DynAuthConfig{}, func(r *dynAuthRig) {
		was := disconnectRequest(r)
		done := r.exchange(r.Context(), was)
		p := r.sent()
		require.Equal(r, "abc", rfc2866.AcctSessionID_GetString(p))
		require.Equal(r, time.Now().Unix(), rfc2869.EventTimestamp_Get(p).Unix())
		require.Len(r, rfc2869.MessageAuthenticator_Get(p), 16)
		require.Len(r, was.Attributes, 1, "the caller's packet is as it was")
		r.answer(p.Response(layeh.CodeDisconnectACK))
		got := <-done
		require.NoError(r, got.err)
		require.Equal(r, layeh.CodeDisconnectACK, got.p.Code)
		require.Empty(r, r.d.pending)
	})
}

func TestDisconnectNAK(t *testing.T) {
	runDynAuth(t, DynAuthConfig{OmitMessageAuthenticator: true}, func(r *dynAuthRig) {
		done := r.exchange(r.Context(), disconnectRequest(r))
		p := r.sent()
		require.Empty(r, rfc2869.MessageAuthenticator_Get(p))
		nak := p.Response(layeh.CodeDisconnectNAK)
		require.NoError(r, rfc3576.ErrorCause_Set(nak, rfc3576.ErrorCause_Value_SessionContextNotFound))
		r.answer(nak)
		var e *NAKError
		require.ErrorAs(r, (<-done).err, &e)
		require.Equal(r, rfc3576.ErrorCause_Value_SessionContextNotFound, e.Cause)
		require.Contains(r, e.Error(), "Session-Context-Not-Found")
	})
}

// TestDisconnectIsSentAgain: the same octets, more and more seldom, until
// attempts are used up.
func TestDisconnectIsSentAgain(t *testing.T) {
	runDynAuth(t, DynAuthConfig{}, func(r *dynAuthRig) {
		begun := time.Now()
		done := r.exchange(r.Context(), disconnectRequest(r))
		synctest.Wait()
		first := (<-r.conn.out).b
		for _, wait := range []time.Duration{2, 4, 8} {
			time.Sleep(wait * 12 / 10 * time.Second)
			synctest.Wait()
			require.Equal(r, first, (<-r.conn.out).b)
		}
		require.ErrorIs(r, (<-done).err, ErrNoAnswer)
		require.InDelta(r, 30, time.Since(begun).Seconds(), 5)
		require.Empty(r, r.conn.out)
	})
}

// TestForgedAnswersAreNobodys: of another source, secret, Identifier, code, or
// broken.
func TestForgedAnswersAreNobodys(t *testing.T) {
	runDynAuth(t, DynAuthConfig{}, func(r *dynAuthRig) {
		done := r.exchange(r.Context(), disconnectRequest(r))
		p := r.sent()
		good, err := p.Response(layeh.CodeDisconnectACK).Encode()
		require.NoError(r, err)
		nas := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 3799}
		send := func(b []byte, from net.Addr) { r.conn.in <- memDatagram{b, from} }
		edit := func(i int) []byte { b := bytes.Clone(good); b[i] ^= 1; return b }
		send(good, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 8), Port: 3799})
		send(good, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1813})
		send(edit(1), nas)
		send(edit(10), nas)
		send(good[:19], nas)
		wrong := *p
		wrong.Secret = []byte("another")
		forged, err := wrong.Response(layeh.CodeDisconnectACK).Encode()
		require.NoError(r, err)
		send(forged, nas)
		coa, err := p.Response(layeh.CodeCoAACK).Encode()
		require.NoError(r, err)
		send(coa, nas)
		synctest.Wait()
		require.Empty(r, done)
		send(good, nas)
		require.NoError(r, (<-done).err)
	})
}

func TestDynAuthRefuses(t *testing.T) {
	runDynAuth(t, DynAuthConfig{}, func(r *dynAuthRig) {
		_, err := r.d.Exchange(r.Context(), testNAS, layeh.New(layeh.CodeAccessRequest, nil))
		require.ErrorContains(r, err, "no dynamic authorization request")
		_, err = r.d.Exchange(r.Context(), netip.MustParseAddr("198.51.100.1"), disconnectRequest(r))
		require.ErrorContains(r, err, "no client")
		ctx, cancel := context.WithCancel(r.Context())
		done := r.exchange(ctx, disconnectRequest(r))
		synctest.Wait()
		cancel()
		require.ErrorIs(r, (<-done).err, context.Canceled)
		long := disconnectRequest(r)
		for range 20 {
			long.Add(rfc2865.ReplyMessage_Type, make([]byte, 253))
		}
		_, err = r.d.Exchange(r.Context(), testNAS, long)
		require.ErrorIs(r, err, ErrPacket)
	})
	_, err := NewDynAuth(DynAuthConfig{})
	require.Error(t, err)
	_, err = NewDynAuth(DynAuthConfig{Clients: Subnets{{}}})
	require.Error(t, err)
}

// TestIdentifiersAreUsedOnce: 256 at a time, and Close ends them all.
func TestIdentifiersAreUsedOnce(t *testing.T) {
	runDynAuth(t, DynAuthConfig{}, func(r *dynAuthRig) {
		var wg sync.WaitGroup
		errs := make(chan error, 256)
		for range 256 {
			wg.Go(func() {
				_, err := r.d.Exchange(r.Context(), testNAS, disconnectRequest(r))
				errs <- err
			})
		}
		synctest.Wait()
		seen := make(map[byte]bool)
		for range 256 {
			d := <-r.conn.out
			require.EqualValues(r, len(d.b), binary.BigEndian.Uint16(d.b[2:]))
			seen[d.b[1]] = true
		}
		require.Len(r, seen, 256)
		_, err := r.d.Exchange(r.Context(), testNAS, disconnectRequest(r))
		require.ErrorIs(r, err, ErrTooMany)
		require.NoError(r, r.d.Close())
		wg.Wait()
		for range 256 {
			require.ErrorIs(r, <-errs, ErrServerClosed)
		}
		_, err = r.d.Exchange(r.Context(), testNAS, disconnectRequest(r))
		require.ErrorIs(r, err, ErrServerClosed)
	})
}

// TestDynAuthOverUDP: against our own server in the NAS's place.
func TestDynAuthOverUDP(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	clients := Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: testSecret}}
	nas := &Server{Clients: clients, Codes: []layeh.Code{layeh.CodeDisconnectRequest, layeh.CodeCoARequest},
		Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
			_ = w.Write(r.Response(r.Code + 1)) // the ACK
		})}
	done := make(chan error, 1)
	go func() { done <- nas.Serve(pc) }()
	d, err := NewDynAuth(DynAuthConfig{Clients: clients, Port: pc.LocalAddr().(*net.UDPAddr).AddrPort().Port()})
	require.NoError(t, err)
	for _, code := range []layeh.Code{layeh.CodeDisconnectRequest, layeh.CodeCoARequest} {
		a, err := d.Exchange(t.Context(), netip.MustParseAddr("127.0.0.1"), &layeh.Packet{Code: code})
		require.NoError(t, err)
		require.Equal(t, code+1, a.Code)
	}
	require.NoError(t, d.Close())
	require.NoError(t, nas.Close())
	require.ErrorIs(t, <-done, ErrServerClosed)
}
