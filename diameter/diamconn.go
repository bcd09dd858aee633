package diameter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/fiorix/go-diameter/v4/diam"
	"github.com/fiorix/go-diameter/v4/diam/avp"
	"github.com/fiorix/go-diameter/v4/diam/datatype"
	"github.com/fiorix/go-diameter/v4/diam/dict"
	"github.com/fiorix/go-diameter/v4/diam/sm/smpeer"

	"github.com/opentwag/twag/diameter/wire"
)

// Do is Exchange for messages of go-diameter. The identifiers of m are left
// alone and are those of the answer, whatever was used on the wire.
func (n *Node) Do(ctx context.Context, m *diam.Message) (*diam.Message, error) {
	buf := messageBuffers.Get().(*[]byte)
	req, err := AppendMessage((*buf)[:0], m)
	if err != nil {
		return nil, err
	}
	req.SetEndToEnd(0)
	a, err := n.Exchange(ctx, req)
	if *buf = req[:0]; cap(req) <= bufferKeep {
		messageBuffers.Put(buf)
	}
	if err != nil {
		return nil, err
	}
	a.SetHopByHop(m.Header.HopByHopID)
	a.SetEndToEnd(m.Header.EndToEndID)
	return n.cfg.Dictionary.Decode(a)
}

// Answer returns the start of the answer to req: identifiers as they are, zero
// included, the P bit alone of the flags, Session-Id, Result-Code unless code
// is 0, Origin-Host, Origin-Realm and Proxy-Info. Use it in place of req's own
// Answer method, which keeps the T bit, replaces identifiers of 0 and leaves
// out the rest.
func (n *Node) Answer(req *diam.Message, code uint32) *diam.Message {
	h := req.Header
	flags := h.CommandFlags & diam.ProxiableFlag
	if code/1000 == 3 {
		flags |= diam.ErrorFlag
	}
	a := diam.NewMessage(h.CommandCode, flags, h.ApplicationID, 1, 1, req.Dictionary())
	a.Header.HopByHopID, a.Header.EndToEndID = h.HopByHopID, h.EndToEndID
	if sid, ok := Find(req, AVPSessionID, 0); ok {
		a.AddAVP(sid)
	}
	add := func(c uint32, data datatype.Type) { a.AddAVP(diam.NewAVP(c, avp.Mbit, 0, data)) }
	if code != 0 {
		add(AVPResultCode, datatype.Unsigned32(code))
	}
	add(AVPOriginHost, datatype.DiameterIdentity(n.cfg.OriginHost))
	add(AVPOriginRealm, datatype.DiameterIdentity(n.cfg.OriginRealm))
	for _, p := range req.AVP {
		if p.Code == AVPProxyInfo && p.VendorID == 0 {
			a.AddAVP(p)
		}
	}
	return a
}

// Find returns the first AVP of m itself, not of its groups, with the code and
// vendor. (m's own FindAVP searches groups too, and ignores the vendor.)
func Find(m *diam.Message, code, vendor uint32) (*diam.AVP, bool) {
	for _, a := range m.AVP {
		if a.Code == code && a.VendorID == vendor {
			return a, true
		}
	}
	return nil, false
}

// HandleDiam registers a handler of go-diameter. It is called concurrently,
// with messages decoded by [Dictionary.Decode] that are its own (their context
// ends when the handler returns), and writes its answer to the connection, now
// or later. A request it writes to the
// connection is matched with its answer, which is handed to the handler that
// is registered for the command; both see the identifiers that it wrote. The
// connection's context carries the smpeer.Metadata of its peer.
//
// Answers that req.Answer makes are wrong in some ways; see [Node.Answer].
func (n *Node) HandleDiam(app, cmd uint32, h diam.Handler) {
	if h == nil {
		panic("diameter: nil handler")
	}
	n.Handle(app, cmd, diamHandler{n, h})
}

type diamHandler struct {
	node *Node
	h    diam.Handler
}

// ServeDiameter decodes a request, or an answer, for the handler.
func (d diamHandler) ServeDiameter(ctx context.Context, r *Request) (wire.Message, error) {
	m, err := d.node.cfg.Dictionary.Decode(r.Message)
	if err != nil {
		re := avpResult(err)
		re.errorBit = true
		return nil, re
	}
	m.SetContext(ctx)
	c, h := r.conn.legacy(), r.Message.Header()
	if h.IsRequest() {
		c.begin(h)
		defer func() { r.written = c.end(h) }() // even if it panics
	}
	d.h.ServeDIAM(c, m)
	return nil, ErrNoAnswer
}

// diamConn is a connection as handlers of go-diameter see it.
type diamConn struct {
	conn *conn
	mu   sync.Mutex // guards the following
	ctx  context.Context
	// answers are those to requests whose handlers have not returned yet, by
	// their identifiers: nil until they are written.
	answers map[[2]uint32]wire.Message
}

var (
	_ diam.Conn          = (*diamConn)(nil)
	_ diam.CloseNotifier = (*diamConn)(nil)
)

// legacy returns the one diamConn of c.
func (c *conn) legacy() *diamConn {
	c.diamOnce.Do(func() {
		meta := new(smpeer.Metadata)
		if caps := c.caps.Load(); caps != nil {
			meta.OriginHost, meta.OriginRealm = datatype.DiameterIdentity(caps.host), datatype.DiameterIdentity(caps.realm)
			for _, a := range caps.applications {
				meta.Applications = append(meta.Applications, a.ID)
			}
		}
		c.diamConn = &diamConn{conn: c, ctx: smpeer.NewContext(c.ctx, meta)}
	})
	return c.diamConn
}

// begin lets the answer to the request with the header h be remembered when it
// is written.
func (d *diamConn) begin(h wire.Header) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.answers == nil {
		d.answers = make(map[[2]uint32]wire.Message)
	}
	d.answers[[2]uint32{h.HopByHop, h.EndToEnd}] = nil
}

// end returns the answer that was written since begin, or nil.
func (d *diamConn) end(h wire.Header) wire.Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := [2]uint32{h.HopByHop, h.EndToEnd}
	m := d.answers[key]
	delete(d.answers, key)
	return m
}

func (d *diamConn) written(m wire.Message, h wire.Header) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := [2]uint32{h.HopByHop, h.EndToEnd}
	if was, ok := d.answers[key]; ok && was == nil {
		d.answers[key] = append(wire.Message(nil), m...)
	}
}

// Write sends one whole message, of which it keeps a copy.
func (d *diamConn) Write(b []byte) (int, error) {
	m, err := wire.Parse(b)
	if err != nil {
		return 0, err
	}
	h := m.Header()
	if !h.IsRequest() {
		d.written(m, h)
		if err := d.conn.send(m); err != nil {
			return 0, d.conn.sendError(err)
		}
		return len(b), nil
	}
	if _, err := d.conn.node.checkOutgoing(m); err != nil {
		return 0, err
	}
	if err := d.request(m, h); err != nil {
		return 0, err
	}
	return len(b), nil
}

// request sends a request whose answer goes to a handler.
func (d *diamConn) request(m wire.Message, h wire.Header) error {
	c, n := d.conn, d.conn.node
	n.inFlight.Add(1)
	done := sync.OnceFunc(func() { n.inFlight.Add(-1) })
	if n.draining.Load() {
		done()
		return ErrClosed
	}
	var mu sync.Mutex // guards over and timer
	var over bool
	var timer *time.Timer
	waiting := &call{fn: func(a wire.Message, err error) {
		mu.Lock()
		over = true
		if timer != nil {
			timer.Stop()
		}
		mu.Unlock()
		if err == nil {
			a.SetHopByHop(h.HopByHop)
			a.SetEndToEnd(h.EndToEnd)
			n.serveAnswer(c, a)
		}
		done()
	}}
	sent := h
	sent.EndToEnd = n.ids.nextEndToEnd() // go-diameter's random ones may repeat
	id, err := n.begin(c, waiting, m, sent, 0)
	if err != nil {
		done()
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	if !over {
		timer = time.AfterFunc(n.cfg.RequestTimeout, func() {
			if c.pending.take(id) != nil {
				done()
			}
		})
	}
	return nil
}

// serveAnswer gives the answer to a request of a go-diameter handler to a
// worker.
func (n *Node) serveAnswer(c *conn, m wire.Message) {
	h := m.Header()
	handler, ok := (*n.handlers.Load())[commandKey{h.Application, h.Command}].(diamHandler)
	if !ok {
		n.drop(c, h.Command, DropUnmatched)
		return
	}
	buf := []byte(m)
	n.inFlight.Add(1)
	if !n.pool.submit(job{conn: c, buf: &buf, handler: handler}) {
		n.inFlight.Add(-1)
		n.drop(c, h.Command, DropOverflow)
	}
}

// WriteStream is Write: TCP has one stream.
func (d *diamConn) WriteStream(b []byte, _ uint) (int, error) { return d.Write(b) }

// Close closes the connection. The node connects again if it is its part.
func (d *diamConn) Close() { d.conn.close(net.ErrClosed) }

// LocalAddr returns the local address.
func (d *diamConn) LocalAddr() net.Addr { return d.conn.nc.LocalAddr() }

// RemoteAddr returns the peer's address.
func (d *diamConn) RemoteAddr() net.Addr { return d.conn.nc.RemoteAddr() }

// TLS returns the state of a TLS connection, or nil.
func (d *diamConn) TLS() *tls.ConnectionState {
	if t, ok := d.conn.nc.(interface{ ConnectionState() tls.ConnectionState }); ok {
		s := t.ConnectionState()
		return &s
	}
	return nil
}

// Dictionary returns the parser that messages refer to.
func (d *diamConn) Dictionary() *dict.Parser {
	if p := d.conn.node.cfg.Dictionary.parser; p != nil {
		return p
	}
	return dict.Default
}

// Context returns the connection's context, or what SetContext put in its
// place.
func (d *diamConn) Context() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctx
}

// SetContext replaces the context.
func (d *diamConn) SetContext(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ctx = ctx
}

// Connection returns the connection for its addresses; it can't be read from
// or written to, which would break the framing.
func (d *diamConn) Connection() net.Conn { return noIO{d.conn.nc} }

// CloseNotify returns a channel that is closed when the connection is.
func (d *diamConn) CloseNotify() <-chan struct{} { return d.conn.done }

type noIO struct{ net.Conn }

var errNoIO = errors.New("diameter: the connection belongs to the node")

func (noIO) Read([]byte) (int, error)  { return 0, errNoIO }
func (noIO) Write([]byte) (int, error) { return 0, errNoIO }

func (d *diamConn) String() string { return fmt.Sprintf("diameter connection of %s", d.conn.host()) }
