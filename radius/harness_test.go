package radius

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius/internal/wire"
)

// memConn is a net.PacketConn in memory, which a synctest bubble can wait for.
type memConn struct {
	in, out chan memDatagram
	once    sync.Once
	stop    chan struct{}
	closed  chan struct{}
	closing sync.Once
}

type memDatagram struct {
	b    []byte
	addr net.Addr
}

func newMemConn() *memConn {
	return &memConn{
		in: make(chan memDatagram, 1<<12), out: make(chan memDatagram, 1<<12),
		stop: make(chan struct{}), closed: make(chan struct{}),
	}
}

func (c *memConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-c.stop:
		return 0, nil, os.ErrDeadlineExceeded
	default:
	}
	select {
	case d := <-c.in:
		return copy(b, d.b), d.addr, nil
	case <-c.stop:
		return 0, nil, os.ErrDeadlineExceeded
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

func (c *memConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	c.out <- memDatagram{bytes.Clone(b), addr}
	return len(b), nil
}

func (c *memConn) SetReadDeadline(time.Time) error {
	c.once.Do(func() { close(c.stop) })
	return nil
}

func (c *memConn) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return nil
}

func (c *memConn) LocalAddr() net.Addr              { return &net.UDPAddr{IP: net.IPv4zero, Port: 1812} }
func (c *memConn) SetDeadline(time.Time) error      { return nil }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }

// rig is a server on a memConn, for use in a synctest bubble.
type rig struct {
	t    testing.TB
	s    *Server
	conn *memConn
	from *net.UDPAddr
	log  *bytes.Buffer
	done chan error
}

var testPrefix = netip.MustParsePrefix("192.0.2.0/24")

// newRig starts s, with what it lacks filled in.
func newRig(t testing.TB, s *Server) *rig {
	r := &rig{
		t: t, s: s, conn: newMemConn(), log: new(bytes.Buffer), done: make(chan error, 1),
		from: &net.UDPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 40000},
	}
	if s.Clients == nil {
		s.Clients = Subnets{{Prefix: testPrefix, Name: "ap", Secret: testSecret}}
	}
	if s.Handler == nil {
		s.Handler = layeh.HandlerFunc(acceptHandler)
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	go func() { r.done <- s.Serve(r.conn) }()
	return r
}

// close shuts the server down and checks that this works.
func (r *rig) close() {
	r.t.Helper()
	require.NoError(r.t, r.s.Shutdown(context.Background()))
	require.ErrorIs(r.t, <-r.done, ErrServerClosed)
}

func (r *rig) send(b []byte) { r.conn.in <- memDatagram{bytes.Clone(b), r.from} }

// want returns the one datagram that the server sends.
func (r *rig) want() []byte {
	r.t.Helper()
	synctest.Wait()
	select {
	case d := <-r.conn.out:
		require.Equal(r.t, r.from, d.addr)
		return d.b
	default:
		r.t.Fatal("no answer")
		return nil
	}
}

// wantSilence fails if the server sends anything.
func (r *rig) wantSilence(why string) {
	r.t.Helper()
	synctest.Wait()
	require.Empty(r.t, r.conn.out, why)
}

// wantDropped fails unless the server has sent nothing and counted exactly n
// drops, all for this reason.
func (r *rig) wantDropped(reason DropReason, n uint64) {
	r.t.Helper()
	r.wantSilence(reason.String())
	require.Equal(r.t, map[DropReason]uint64{reason: n}, r.s.Stats().Dropped)
}

// reply checks a reply to a request as a client does.
func (r *rig) reply(b, request []byte) *layeh.Packet {
	r.t.Helper()
	p, err := CheckReply(b, request, []byte(testSecret))
	require.NoError(r.t, err)
	return p
}

// accessRequest returns a signed request that differs for each n.
func accessRequest(t testing.TB, id byte, n uint64) []byte {
	p := eapRequest(t, id, 40)
	binary.BigEndian.PutUint64(p.Authenticator[:], n)
	b, err := SignRequest(p)
	require.NoError(t, err)
	return b
}

// resign makes octets that were changed authentic again.
func resign(b []byte) []byte {
	b = bytes.Clone(b)
	wire.SetLength(b)
	l, err := wire.Scan(b)
	at := 0
	if err == nil {
		at = l.MessageAuthenticator
	}
	wire.NewKey([]byte(testSecret)).SignRequest(b, at)
	return b
}
