package diameter

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// script is a test in a synctest bubble: a node, and the far ends of its
// connections in the test's hands.
type script struct {
	async bool // exchange uses ExchangeFunc
	t     *testing.T
	cfg   Config
	node  *Node
	l     *memListener
	dials chan *far // the far ends of connections that the node has opened
	log   *logRecorder

	mu      sync.Mutex
	refuse  error // what dialling returns instead
	drops   []DropInfo
	changes []PeerChange
}

// runScript runs f in a bubble. The node initiates to serverHost.
func runScript(t *testing.T, change func(*Config), f func(*testing.T, *script)) {
	t.Helper()
	runScriptAs(t, false, change, f)
}

// runBoth runs a script twice: with requests that wait in a goroutine, and with
// those that don't.
func runBoth(t *testing.T, change func(*Config), f func(*testing.T, *script)) {
	t.Helper()
	t.Run("Exchange", func(t *testing.T) { runScriptAs(t, false, change, f) })
	t.Run("ExchangeFunc", func(t *testing.T) { runScriptAs(t, true, change, f) })
}

func runScriptAs(t *testing.T, async bool, change func(*Config), f func(*testing.T, *script)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, async: async, dials: make(chan *far, 100), l: newMemListener(), log: new(logRecorder)}
		cfg := clientConfig()
		cfg.HostIPs = []netip.Addr{netip.MustParseAddr("192.0.2.10")}
		cfg.Peers = []PeerConfig{{Host: serverHost, Address: "hss:3868", Dial: s.dial}}
		cfg.Logger = slog.New(s.log)
		cfg.Hooks.Dropped = func(d DropInfo) { s.mu.Lock(); s.drops = append(s.drops, d); s.mu.Unlock() }
		cfg.Hooks.PeerChange = func(c PeerChange) { s.mu.Lock(); s.changes = append(s.changes, c); s.mu.Unlock() }
		if change != nil {
			change(&cfg)
		}
		s.cfg = cfg
		n, err := NewNode(cfg)
		require.NoError(t, err)
		s.node = n
		served := make(chan error, 1)
		go func() { served <- n.Serve(s.l) }()
		defer func() {
			require.NoError(t, n.Close())
			require.ErrorIs(t, <-served, ErrClosed)
		}()
		f(t, s)
	})
}

func (s *script) dial(ctx context.Context) (net.Conn, error) {
	s.mu.Lock()
	err := s.refuse
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	near, end := net.Pipe()
	select {
	case s.dials <- newFar(s.t, end):
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *script) setRefuse(err error) { s.mu.Lock(); s.refuse = err; s.mu.Unlock() }

// accept returns the far end of the next connection of the node's making,
// within a minute.
func (s *script) accept() *far {
	s.t.Helper()
	for {
		select {
		case f := <-s.dials:
			if !f.isClosed() {
				return f
			}
		case <-time.After(time.Minute):
			require.FailNow(s.t, "the node does not connect")
			return nil
		}
	}
}

// connect opens a connection to the node.
func (s *script) connect() *far {
	near, end := net.Pipe()
	s.l.conns <- near
	return newFar(s.t, end)
}

// open takes the node's connection through the capabilities exchange.
func (s *script) open() *far {
	s.t.Helper()
	f := s.accept()
	f.sendCEA(f.want(CmdCapabilitiesExchange, true), ResultSuccess)
	synctest.Wait()
	return f
}

func (s *script) state() PeerState { synctest.Wait(); return s.node.Peers()[0].State }

func (s *script) wantState(want PeerState) {
	s.t.Helper()
	require.Equal(s.t, want.String(), s.state().String())
}

func (s *script) wantDrop(want DropReason) {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(s.t, s.drops)
	require.Equal(s.t, want, s.drops[len(s.drops)-1].Reason)
}

// exchange starts a request; the function returned waits for its outcome.
func (s *script) exchange(ctx context.Context, m wire.Message) func() (wire.Message, error) {
	type outcome struct {
		m   wire.Message
		err error
	}
	ch := make(chan outcome, 1)
	wait := func() (wire.Message, error) { o := <-ch; return o.m, o.err }
	if s.async {
		deadline, ok := ctx.Deadline()
		if !ok {
			deadline = time.Now().Add(24 * time.Hour)
		}
		if err := s.node.ExchangeFunc(deadline, m, func(m wire.Message, err error) { ch <- outcome{m, err} }); err != nil {
			ch <- outcome{nil, err}
		}
		return wait
	}
	go func() {
		m, err := s.node.Exchange(ctx, m)
		ch <- outcome{m, err}
	}()
	return wait
}

// far is the far end of a connection, read all the time.
type far struct {
	t      *testing.T
	nc     net.Conn
	in     chan wire.Message
	closed chan struct{}
}

func newFar(t *testing.T, nc net.Conn) *far {
	f := &far{t: t, nc: nc, in: make(chan wire.Message, 1000), closed: make(chan struct{})}
	go func() {
		defer close(f.closed)
		for {
			b := make([]byte, wire.HeaderLen)
			if _, err := io.ReadFull(nc, b); err != nil {
				return
			}
			n, err := wire.FrameLen(b, 0)
			if err != nil {
				return
			}
			b = append(b, make([]byte, n-len(b))...)
			if _, err := io.ReadFull(nc, b[wire.HeaderLen:]); err != nil {
				return
			}
			f.in <- b
		}
	}()
	return f
}

// want returns the next message, which has to come within a minute.
func (f *far) want(cmd uint32, request bool) wire.Message {
	f.t.Helper()
	m := f.next()
	h := m.Header()
	require.Equal(f.t, cmd, h.Command)
	require.Equal(f.t, request, h.IsRequest())
	require.NoError(f.t, h.CheckBits())
	require.NoError(f.t, wire.Check(m, wire.Limits{Grouped: DefaultDictionary().groupedIn(h.Application)}))
	return m
}

func (f *far) next() wire.Message {
	f.t.Helper()
	select {
	case m := <-f.in:
		return m
	case <-f.closed:
	case <-time.After(time.Minute):
	}
	select {
	case m := <-f.in:
		return m
	default:
		require.FailNow(f.t, "no message", "closed: %v", f.isClosed())
		return nil
	}
}

func (f *far) wantResult(cmd, code uint32) wire.Message {
	f.t.Helper()
	m := f.want(cmd, false)
	require.Equal(f.t, code, resultOf(f.t, m))
	require.Equal(f.t, code/1000 == 3, m.Header().Flags&wire.FlagError != 0 && code/1000 == 3, "E bit")
	return m
}

func (f *far) wantIdle() {
	f.t.Helper()
	synctest.Wait()
	select {
	case m := <-f.in:
		require.FailNow(f.t, "unexpected", "%+v", m.Header())
	case <-f.closed:
		require.FailNow(f.t, "closed")
	default:
	}
}

func (f *far) wantClosed() {
	f.t.Helper()
	select {
	case <-f.closed:
	case <-time.After(time.Minute):
		require.FailNow(f.t, "still open")
	}
}

func (f *far) isClosed() bool {
	synctest.Wait()
	select {
	case <-f.closed:
		return true
	default:
		return false
	}
}

// write sends octets as they are.
func (f *far) write(b []byte) {
	f.t.Helper()
	_, err := f.nc.Write(b)
	require.NoError(f.t, err)
}

func (f *far) close() { _ = f.nc.Close() }

// build builds a message of the far end.
func (f *far) build(h wire.Header, add ...func(*wire.Builder)) wire.Message {
	f.t.Helper()
	w := wire.NewBuilder(nil, h)
	for _, a := range add {
		a(w)
	}
	m, err := w.Message()
	require.NoError(f.t, err)
	return m
}

// origin adds the far end's Origin-Host and Origin-Realm.
func originOf(host string) func(*wire.Builder) {
	return func(w *wire.Builder) {
		w.String(AVPOriginHost, 0, wire.FlagMandatory, host)
		w.String(AVPOriginRealm, 0, wire.FlagMandatory, testRealm)
	}
}

func withResult(code uint32) func(*wire.Builder) {
	return func(w *wire.Builder) { w.Uint32(AVPResultCode, 0, wire.FlagMandatory, code) }
}

// withCapabilities adds what else a CER or CEA has, advertising app.
func withCapabilities(app uint32) func(*wire.Builder) {
	return func(w *wire.Builder) {
		w.Octets(AVPHostIPAddress, 0, wire.FlagMandatory, []byte{0, 1, 192, 0, 2, 20})
		w.Uint32(AVPVendorID, 0, wire.FlagMandatory, vendor3GPP)
		w.String(AVPProductName, 0, 0, "script")
		w.Uint32(AVPOriginStateID, 0, wire.FlagMandatory, 77)
		if app == ApplicationRelay {
			w.Uint32(AVPAuthApplicationID, 0, wire.FlagMandatory, app)
			return
		}
		g := w.Begin(AVPVendorSpecificApplicationID, 0, wire.FlagMandatory)
		w.Uint32(AVPAuthApplicationID, 0, wire.FlagMandatory, app)
		w.Uint32(AVPVendorID, 0, wire.FlagMandatory, vendor3GPP)
		w.End(g)
	}
}

// answer sends an answer to req, with the given AVPs after the origin.
func (f *far) answer(req wire.Message, add ...func(*wire.Builder)) {
	f.t.Helper()
	h := req.Header()
	h.Flags &= wire.FlagProxiable
	f.write(f.build(h, add...))
}

func (f *far) sendCEA(cer wire.Message, code uint32) {
	f.t.Helper()
	f.answer(cer, withResult(code), originOf(serverHost), withCapabilities(swxApplication))
}

// sendCER sends a CER of the named host.
func (f *far) sendCER(host string, app uint32) {
	f.t.Helper()
	f.write(f.build(wire.Header{Flags: wire.FlagRequest, Command: CmdCapabilitiesExchange, HopByHop: 11, EndToEnd: 12},
		originOf(host), withCapabilities(app)))
}

// sendDWA answers a DWR.
func (f *far) sendDWA(dwr wire.Message) {
	f.t.Helper()
	f.answer(dwr, withResult(ResultSuccess), originOf(serverHost))
}

// request sends a request and returns it.
func (f *far) request(h wire.Header, add ...func(*wire.Builder)) wire.Message {
	f.t.Helper()
	h.Flags |= wire.FlagRequest
	m := f.build(h, append([]func(*wire.Builder){originOf(serverHost)}, add...)...)
	f.write(m)
	return m
}

// ping shows that the connection is alive and served.
func (f *far) ping() {
	f.t.Helper()
	m := f.request(wire.Header{Command: CmdDeviceWatchdog, HopByHop: 0xfeed, EndToEnd: 0xbeef})
	a := f.wantResult(CmdDeviceWatchdog, ResultSuccess)
	require.Equal(f.t, m.Header().HopByHop, a.Header().HopByHop)
	require.Equal(f.t, m.Header().EndToEnd, a.Header().EndToEnd)
}

// memListener is a listener for connections that are made in the test.
type memListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newMemListener() *memListener {
	return &memListener{conns: make(chan net.Conn, 10), done: make(chan struct{})}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *memListener) Addr() net.Addr { return &net.TCPAddr{} }

// logRecorder keeps the messages at Warn and above.
type logRecorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *logRecorder) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (r *logRecorder) Handle(_ context.Context, rec slog.Record) error {
	var b strings.Builder
	b.WriteString(rec.Message)
	rec.Attrs(func(a slog.Attr) bool {
		b.WriteString(" " + a.String())
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, b.String())
	return nil
}

func (r *logRecorder) WithAttrs([]slog.Attr) slog.Handler { return r }
func (r *logRecorder) WithGroup(string) slog.Handler      { return r }

// has reports whether a line holds all the words.
func (r *logRecorder) has(words ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
next:
	for _, l := range r.lines {
		for _, w := range words {
			if !strings.Contains(l, w) {
				continue next
			}
		}
		return true
	}
	return false
}

func (r *logRecorder) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

var errRefused = errors.New("connection refused")
