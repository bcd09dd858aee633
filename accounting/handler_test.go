package accounting

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
)

// server runs a handler behind the engine on loopback.
type server struct {
	t    testing.TB
	conn net.Conn
	log  *bytes.Buffer
	info chan RequestInfo
}

func newServer(t testing.TB, store session.Store) *server {
	return startServer(t, store, RecorderConfig{}, &radius.Server{})
}

// startServer starts srv, with what it lacks filled in.
func startServer(t testing.TB, store session.Store, cfg RecorderConfig, srv *radius.Server) *server {
	m, err := session.NewManager(store, session.Config{})
	require.NoError(t, err)
	s := &server{t: t, log: new(bytes.Buffer), info: make(chan RequestInfo, 16)}
	srv.Handler = NewHandler(NewRecorder(m, cfg), HandlerConfig{
		Logger: slog.New(slog.NewTextHandler(s.log, nil)),
		Hooks:  HandlerHooks{Request: func(i RequestInfo) { s.info <- i }},
	})
	srv.Clients = radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: testSecret}}
	srv.Codes = []layeh.Code{layeh.CodeAccountingRequest, layeh.CodeAccessRequest}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = srv.Serve(pc) }()
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	s.conn, err = net.Dial("udp", pc.LocalAddr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.conn.Close() })
	return s
}

// ask sends a request; the answer is nil if there was none.
func (s *server) ask(p *layeh.Packet) (*layeh.Packet, RequestInfo) {
	s.t.Helper()
	return s.hear(s.send(p))
}

// send sends a request, and returns its octets.
func (s *server) send(p *layeh.Packet) []byte {
	s.t.Helper()
	b, err := radius.SignRequest(p)
	require.NoError(s.t, err)
	_, err = s.conn.Write(b)
	require.NoError(s.t, err)
	return b
}

// hear returns the answer to a request that was sent.
func (s *server) hear(b []byte) (*layeh.Packet, RequestInfo) {
	s.t.Helper()
	var info RequestInfo
	select {
	case info = <-s.info:
	case <-time.After(time.Minute):
		s.t.Fatal("the handler was not called")
	}
	if info.Err != nil {
		require.NoError(s.t, s.conn.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		_, err := s.conn.Read(make([]byte, 4096))
		require.ErrorContains(s.t, err, "timeout", "no answer")
		return nil, info
	}
	require.NoError(s.t, s.conn.SetReadDeadline(time.Now().Add(time.Minute)))
	buf := make([]byte, 4096)
	n, err := s.conn.Read(buf)
	require.NoError(s.t, err)
	reply, err := radius.CheckReply(buf[:n], b, []byte(testSecret))
	require.NoError(s.t, err)
	return reply, info
}

func TestHandler(t *testing.T) {
	s := newServer(t, session.NewMemoryStore(session.MemoryConfig{}))
	p := packet(Start, "A", says1{typeProxyState, layeh.Attribute("proxy")})
	reply, info := s.ask(p)
	require.Equal(t, layeh.CodeAccountingResponse, reply.Code)
	require.Equal(t, "proxy", string(reply.Get(typeProxyState)))
	require.Equal(t, Start, info.Status)
	require.Equal(t, New, info.Verdict)
	require.Equal(t, netip.MustParseAddr("127.0.0.1"), info.Source)

	// The NAS did not hear it, and asks again with another identifier.
	p = packet(Start, "A", delay(2))
	p.Identifier++
	reply, info = s.ask(p)
	require.NotNil(t, reply)
	require.Equal(t, Retransmission, info.Verdict)
}

// TestNotAcknowledged: what can't be an event gets no answer, and a counter by its reason.
func TestNotAcknowledged(t *testing.T) {
	s := newServer(t, session.NewMemoryStore(session.MemoryConfig{}))
	without := func(typ layeh.Type) *layeh.Packet {
		p := packet(Start, "A")
		p.Del(typ)
		return p
	}
	for _, c := range []struct {
		want Refusal
		p    *layeh.Packet
	}{
		{RefusedNoStatus, without(typeStatus)},
		{RefusedNoSessionID, without(typeAccountID)},
		{RefusedNoSessionID, packet(Interim, "")},
		{RefusedStatus, packet(15, "A")},
		{RefusedMalformed, packet(Stop, "A", str(typeInputOctets, "123"))},
	} {
		for range 2 { // the second is no repetition to be ignored
			_, info := s.ask(c.p)
			require.Equal(t, c.want, info.Refusal)
			var e *EventError
			require.ErrorAs(t, info.Err, &e)
		}
	}
}

// TestStoreFailure: no record, no answer; told once; and the repetition is recorded as soon as the
// store serves again.
func TestStoreFailure(t *testing.T) {
	mem := session.NewMemoryStore(session.MemoryConfig{})
	store := &raceStore{Store: mem, err: session.ErrUnavailable}
	s := newServer(t, store)
	p := packet(Start, "A")
	for range 3 {
		_, info := s.ask(p)
		require.ErrorIs(t, info.Err, session.ErrUnavailable)
		require.Zero(t, info.Refusal)
	}
	require.Equal(t, 1, strings.Count(s.log.String(), logFailing))
	store.fail(nil, false)
	reply, info := s.ask(p)
	require.NotNil(t, reply)
	require.Equal(t, New, info.Verdict)
	_, _ = s.ask(packet(Interim, "A"))
	require.Equal(t, 1, strings.Count(s.log.String(), logServing))
	last, err := mem.Last(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(2), last)
}

// TestOtherRequests go to whom they are for.
func TestOtherRequests(t *testing.T) {
	m, err := session.NewManager(session.NewMemoryStore(session.MemoryConfig{}), session.Config{})
	require.NoError(t, err)
	rec := NewRecorder(m, RecorderConfig{})
	r := &layeh.Request{Packet: layeh.New(layeh.CodeAccessRequest, []byte(testSecret))}
	w := &writer{}
	NewHandler(rec, HandlerConfig{}).ServeRADIUS(w, r)
	require.True(t, w.discarded)
	called := false
	NewHandler(rec, HandlerConfig{Next: layeh.HandlerFunc(func(layeh.ResponseWriter, *layeh.Request) { called = true })}).ServeRADIUS(w, r)
	require.True(t, called)
}

// writer is a ResponseWriter that has no network.
type writer struct {
	written   int
	discarded bool
}

func (w *writer) Write(*layeh.Packet) error { w.written++; return nil }
func (w *writer) Discard()                  { w.discarded = true }

func TestSourceOf(t *testing.T) {
	v4 := netip.MustParseAddr("192.0.2.1")
	require.Equal(t, v4, sourceOf(&net.UDPAddr{IP: net.ParseIP("192.0.2.1"), Port: 1}), "not as IPv6")
	require.Equal(t, v4, sourceOf(&net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 1}))
	require.Equal(t, netip.Addr{}, sourceOf(nil))
	require.Equal(t, netip.Addr{}, sourceOf(&net.UnixAddr{Name: "x"}))
}

// TestCancelled: a request whose time is over says nothing about the store.
func TestCancelled(t *testing.T) {
	var log bytes.Buffer
	h := NewHandler(nil, HandlerConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.noteStore(ctx, context.Canceled)
	h.noteStore(t.Context(), session.ErrConflict)
	require.Empty(t, log.String())
	h.noteStore(t.Context(), errors.New("broken"))
	require.Contains(t, log.String(), logFailing)
}
