package diameter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// Handler answers requests of peers. It is called concurrently, by at most
// MaxHandlers goroutines, and may block.
//
// ctx ends with the connection, at Close, and after RequestTimeout; Close waits
// for handlers to return. The answer
// is usually made with [Request.Answer]; its identifiers are set by the caller.
// With an error the answer is that of a [*ResultError], nothing for
// ErrNoAnswer, and else DIAMETER_UNABLE_TO_COMPLY, as for a panic; the error's
// text goes nowhere.
type Handler interface {
	ServeDiameter(ctx context.Context, r *Request) (wire.Message, error)
}

// HandlerFunc is a function that is a Handler.
type HandlerFunc func(ctx context.Context, r *Request) (wire.Message, error)

// ServeDiameter calls f.
func (f HandlerFunc) ServeDiameter(ctx context.Context, r *Request) (wire.Message, error) {
	return f(ctx, r)
}

// Request is a request of a peer. It, its message, and the builder of its
// answer are valid until the handler returns, and not safe for concurrent use.
type Request struct {
	// Message is the request. The lengths of its AVPs, and of those in the
	// groups the dictionary knows, have been checked.
	Message wire.Message

	node      *Node
	conn      *conn
	buf       []byte // for the answer
	builder   wire.Builder
	answering bool
	written   wire.Message // by a handler of go-diameter
}

// Peer returns the peer that sent the request: the last hop, not necessarily
// the request's Origin-Host.
func (r *Request) Peer() PeerInfo {
	info := PeerInfo{Host: r.conn.host(), Addr: r.conn.nc.RemoteAddr(), Transport: r.conn.transport()}
	if caps := r.conn.caps.Load(); caps != nil {
		info.Realm = caps.realm
	}
	return info
}

// Answer begins the answer: header, Session-Id, Result-Code unless code is 0,
// Origin-Host, Origin-Realm and Proxy-Info (RFC 6733, section 6.2). The E bit
// is set for codes of the 3000s. What the application adds is appended to the
// builder, and its Message returned from the handler.
func (r *Request) Answer(code uint32) *wire.Builder {
	r.builder = r.node.beginAnswer(r.buf[:0], r.Message, code, code/1000 == 3)
	r.answering = true
	return &r.builder
}

type commandKey struct{ app, cmd uint32 }

// Handle registers h for requests with the application and command, in place
// of an earlier one. It may be called at any time.
func (n *Node) Handle(app, cmd uint32, h Handler) {
	if h == nil {
		panic("diameter: nil handler")
	}
	if app == applicationBase && (cmd == CmdCapabilitiesExchange || cmd == CmdDeviceWatchdog || cmd == CmdDisconnectPeer) {
		panic(fmt.Sprintf("diameter: command %d is the node's own", cmd))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	m := maps.Clone(*n.handlers.Load())
	m[commandKey{app, cmd}] = h
	n.handlers.Store(&m)
}

// unhandled says why there's no handler: is it the application or the command
// that we don't support?
func (n *Node) unhandled(h wire.Header) *ResultError {
	if h.Application != applicationBase && h.Application != ApplicationRelay {
		known := false
		for _, a := range n.cfg.Applications {
			known = known || a.ID == h.Application
		}
		for k := range *n.handlers.Load() {
			known = known || k.app == h.Application
		}
		if !known {
			return &ResultError{Code: ResultApplicationUnsupported}
		}
	}
	return &ResultError{Code: ResultCommandUnsupported}
}

var messageBuffers = sync.Pool{New: func() any { return new([]byte) }}

// serve gives a request to a worker, or refuses it. m aliases the read buffer.
func (n *Node) serve(c *conn, m wire.Message, h wire.Header) {
	handler, ok := (*n.handlers.Load())[commandKey{h.Application, h.Command}]
	if !ok {
		c.refuse(m, n.unhandled(h))
		return
	}
	if n.draining.Load() {
		c.refuse(m, &ResultError{Code: ResultTooBusy, Message: "shutting down"})
		return
	}
	buf := messageBuffers.Get().(*[]byte)
	*buf = append((*buf)[:0], m...)
	n.inFlight.Add(1)
	if !n.pool.submit(job{conn: c, buf: buf, handler: handler}) {
		n.inFlight.Add(-1)
		messageBuffers.Put(buf)
		c.refuse(m, &ResultError{Code: ResultTooBusy})
	}
}

// run is the pool's: it has one request handled and answered.
func (n *Node) run(r *Request, j job) {
	defer n.inFlight.Add(-1)
	r.Message, r.node, r.conn = wire.Message(*j.buf), n, j.conn
	now := time.Now()
	var number uint64
	if r.Message.Header().IsRequest() && n.replays != nil {
		what, num, answer := n.replays.begin(j, int64(now.Sub(n.start)), r.buf[:0])
		switch number = num; what {
		case verdictReplay:
			n.replay(j.conn, r.Message, answer)
			r.buf = answer[:0]
			n.release(r, j)
			return
		case verdictRefuse:
			m, err := n.appendErrorAnswer(r.buf[:0], r.Message, &ResultError{Code: ResultTooBusy})
			r.buf = m[:0]
			j.conn.sendAnswer(m, err)
			n.release(r, j)
			return
		case verdictParked:
			n.inFlight.Add(1) // whoever is waited for takes it over
			r.Message, r.conn = nil, nil
			return
		case verdictHandle:
		}
	}
	kept := n.serveRequest(r, j, now)
	if number != 0 {
		n.unpark(n.replays.finish(number, kept), kept)
	}
	if r.answering {
		if m, err := r.builder.Message(); err == nil {
			r.buf = m[:0]
		}
	}
	n.release(r, j)
}

// release makes ready for the next request.
func (n *Node) release(r *Request, j job) {
	releaseBuffer(j.buf)
	if cap(r.buf) > bufferKeep {
		r.buf = nil
	}
	r.Message, r.conn, r.builder, r.answering, r.written = nil, nil, wire.Builder{}, false, nil
}

// serveRequest calls the handler and sends the answer. It returns the answer if
// duplicates of the request are to get it too: not if there was none, nor if the
// connection ended, which ends the handler's context.
func (n *Node) serveRequest(r *Request, j job, now time.Time) wire.Message {
	h := r.Message.Header()
	ctx := &requestContext{parent: j.conn.ctx, deadline: now.Add(n.cfg.RequestTimeout)}
	m, err := n.handle(ctx, r, j.handler)
	ctx.finish()
	if !h.IsRequest() {
		return nil // it was an answer
	}
	if err == nil && !n.isAnswer(m) {
		err = &ResultError{Code: ResultUnableToComply, errorBit: true}
	}
	if errors.Is(err, ErrNoAnswer) {
		return r.written
	}
	keep := true
	if err != nil {
		keep = j.conn.ctx.Err() == nil
		r.answering = false
		if m, err = n.appendErrorAnswer(r.buf[:0], r.Message, err); err != nil {
			return nil
		}
		r.buf = m[:0]
	}
	if err = j.conn.sendAs(m, m.Header(), 0, h.HopByHop, h.EndToEnd); err == ErrBusy {
		n.drop(j.conn, h.Command, DropOverflow)
	}
	if !keep {
		return nil
	}
	return m
}

// isAnswer reports whether what a handler returned can be sent: one message, or
// it would take the peer's next ones with it.
func (n *Node) isAnswer(m wire.Message) bool {
	size, err := wire.FrameLen(m, n.cfg.MaxMessage)
	return err == nil && size == len(m) && !m.Header().IsRequest()
}

// bufferKeep is the size above which a buffer is not used again.
const bufferKeep = 16 << 10

// handle calls the handler, if the request is for us and well-formed. A panic
// costs one answer.
func (n *Node) handle(ctx context.Context, r *Request, h Handler) (m wire.Message, err error) {
	defer func() {
		if v := recover(); v != nil {
			head := r.Message.Header()
			n.cfg.Logger.LogAttrs(ctx, slog.LevelError, logHandlerPanic,
				slog.Uint64("application", uint64(head.Application)), slog.Uint64("command", uint64(head.Command)),
				slog.String("panic", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
			m, err = nil, &ResultError{Code: ResultUnableToComply}
		}
	}()
	if r.Message.Header().IsRequest() {
		if err := n.checkRequest(r.Message); err != nil {
			return nil, err
		}
	}
	return h.ServeDiameter(ctx, r)
}

// checkRequest looks for what a handler should not be bothered with: AVPs that
// don't fit, and a Destination-Host that is not us (RFC 6733, section 6.1.4;
// we relay nothing).
func (n *Node) checkRequest(m wire.Message) error {
	app := m.Header().Application
	limits := wire.Limits{AVPs: n.cfg.MaxAVPs, Depth: n.cfg.MaxDepth, Grouped: n.cfg.Dictionary.groupedIn(app)}
	if err := wire.Check(m, limits); err != nil {
		re := avpResult(err)
		re.errorBit = true
		return re
	}
	if a, ok := m.Find(AVPDestinationHost, 0); ok && !equalFoldASCII(a.Data, n.cfg.OriginHost) {
		return &ResultError{Code: ResultUnableToDeliver, Message: "not the destination host"}
	}
	return nil
}

func equalFoldASCII(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		x, y := b[i], s[i]
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// requestContext is the context of a handler. Most handlers never wait for it,
// so its timer is made only when they do.
type requestContext struct {
	parent   context.Context
	deadline time.Time

	mu     sync.Mutex // guards the following
	ctx    context.Context
	cancel context.CancelFunc
	over   bool
}

var _ context.Context = (*requestContext)(nil)

func (c *requestContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithDeadline(c.parent, c.deadline)
		if c.over {
			c.cancel()
		}
	}
	return c.ctx.Done()
}

func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ctx != nil:
		return c.ctx.Err()
	case c.over:
		return context.Canceled
	case c.parent.Err() != nil:
		return c.parent.Err()
	case !time.Now().Before(c.deadline):
		return context.DeadlineExceeded
	}
	return nil
}

func (c *requestContext) Value(key any) any {
	c.mu.Lock()
	ctx := c.ctx
	c.mu.Unlock()
	if ctx == nil {
		ctx = c.parent
	}
	return ctx.Value(key)
}

// finish ends the context: the handler has returned.
func (c *requestContext) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}
