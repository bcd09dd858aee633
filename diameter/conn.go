package diameter

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// connPhase is how far a connection has come.
type connPhase uint32

const (
	// phaseCER: accepted; only a CER may come.
	phaseCER connPhase = iota
	// phaseElection: the CER came and is not answered yet; nothing may come.
	phaseElection
	// phaseCEA: our CER is on its way; only a CEA may come.
	phaseCEA
	// phaseOpen: capabilities are exchanged.
	phaseOpen
)

// conn is one transport connection: a reader and a writer goroutine, and the
// requests that wait for answers on it. It ends, for good, at the first error
// of either.
type conn struct {
	node      *Node
	nc        net.Conn
	tls       *tls.Conn // nc, if that is one
	initiator bool      // we connected
	ctx       context.Context
	cancel    context.CancelFunc

	phase    atomic.Uint32
	peer     atomic.Pointer[peer]         // set once it is known
	caps     atomic.Pointer[capabilities] // set before phaseOpen
	w        writer
	pending  pendingTable
	lastRecv atomic.Int64 // nanoseconds since the node was made
	// eager makes the reader report each batch of messages to the peer: while
	// the watchdog waits for any sign of life.
	eager     atomic.Bool
	avoid     atomic.Int64 // until when others are to be preferred, as sinceStart
	unmatched atomic.Uint64
	orphan    atomic.Bool // its CER came to a peer entry that was just ending

	wbuf []byte // the reader's, to build answers in

	diamOnce sync.Once
	diamConn *diamConn // for go-diameter handlers

	once sync.Once
	err  error // set before done is closed
	done chan struct{}
}

func (n *Node) newConn(nc net.Conn, initiator bool) *conn {
	nc = quick(nc)
	c := &conn{node: n, nc: nc, initiator: initiator, done: make(chan struct{})}
	c.tls, _ = nc.(*tls.Conn)
	c.ctx, c.cancel = context.WithCancel(n.ctx)
	c.w.init(nc, n.cfg.WriteTimeout, n.cfg.MaxQueuedOctets)
	c.pending.init(n.cfg.MaxPending, rand.Uint32(), n.cfg.AttemptTimeout, c.slow)
	c.lastRecv.Store(n.sinceStart())
	if initiator {
		c.phase.Store(uint32(phaseCEA))
	}
	n.wg.Go(func() {
		err, all := c.w.loop()
		if all && c.closeWrite() || !all && c.tls != nil && !c.open() {
			// In the latter case the reader may find an alert that says why.
			c.linger()
		}
		c.close(err)
	})
	return c
}

// lingerTime is how long a peer may take to close a connection.
const lingerTime = time.Second

// closeWrite tells the peer that nothing more comes. false: it can't be told.
func (c *conn) closeWrite() bool {
	hc, ok := c.nc.(interface{ CloseWrite() error })
	return !ok || hc.CloseWrite() == nil
}

// linger is called after the last octet was written: it waits a little for the
// peer to close, so that what was written is not lost to a reset (closing a
// TCP socket with unread data sends one).
func (c *conn) linger() {
	t := time.NewTimer(lingerTime)
	defer t.Stop()
	select {
	case <-c.done:
	case <-t.C:
	}
}

// finish ends the connection once everything queued was written.
func (c *conn) finish(err error) {
	c.w.end(err)
	c.pending.close(c.lost(err))
}

func (c *conn) lost(err error) error {
	return &PeerError{Host: c.host(), Err: fmt.Errorf("%w: %w", ErrDisconnected, err)}
}

// close ends the connection. Only the first error counts.
func (c *conn) close(err error) {
	c.once.Do(func() {
		c.err = err
		if c.tls != nil {
			_ = c.tls.NetConn().Close() // without an alert, which would block
		} else {
			_ = c.nc.Close()
		}
		c.w.stop(err)
		c.cancel()
		close(c.done)
		c.pending.close(c.lost(err))
	})
}

// host returns the peer's Origin-Host, if it is known.
func (c *conn) host() string {
	if p := c.peer.Load(); p != nil {
		return p.cfg.Host
	}
	return ""
}

// send queues m, whose Hop-by-Hop and End-to-End identifiers are already
// right.
func (c *conn) send(m wire.Message) error {
	h := m.Header()
	return c.sendAs(m, h, 0, h.HopByHop, h.EndToEnd)
}

// sendAs queues m, whose header is h, with flags added and other identifiers.
func (c *conn) sendAs(m wire.Message, h wire.Header, flags uint8, hopByHop, endToEnd uint32) error {
	if err := c.w.send(m, flags, hopByHop, endToEnd); err != nil {
		return err
	}
	if hook := c.node.cfg.Hooks.Message; hook != nil {
		hook(MessageInfo{Peer: c.host(), Application: h.Application, Command: h.Command, Request: h.IsRequest(), Sent: true})
	}
	return nil
}

// sendAnswer queues an answer, and counts it if there is no room.
func (c *conn) sendAnswer(m wire.Message, err error) {
	if err == nil {
		err = c.send(m)
	}
	if errors.Is(err, ErrBusy) {
		c.node.drop(c, m.Header().Command, DropOverflow)
	}
}

// read is the reader goroutine.
func (c *conn) read() {
	if err := c.secure(); err != nil {
		c.close(err)
		return
	}
	c.close(c.readMessages())
}

func (c *conn) readMessages() error {
	buf := make([]byte, handshakeMaximum)
	var start, end int
	skip := 0 // octets of a message that is too long
	for {
		n, err := c.nc.Read(buf[end:])
		if err != nil {
			if end > start && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return c.explain(err, buf[start:end])
		}
		end += n
		whole := false
		for {
			if skip > 0 {
				k := min(skip, end-start)
				start, skip = start+k, skip-k
			}
			if end-start < wire.HeaderLen {
				break
			}
			head := buf[start:end]
			size, err := c.frame(head)
			if err != nil {
				return err
			}
			if size < 0 { // too long; refused already
				skip = -size
				continue
			}
			if size > end-start {
				break
			}
			if err := c.message(wire.Message(buf[start : start+size : start+size])); err != nil {
				return err
			}
			whole = true
			start += size
		}
		if whole {
			c.lastRecv.Store(c.node.sinceStart())
			if c.avoid.Load() == avoidSilent {
				c.avoid.Store(0)
			}
			if c.eager.Load() {
				c.post(peerEvent{kind: kindActivity, conn: c})
			}
		}
		buf, start, end = c.room(buf, start, end)
	}
}

// room makes space to read on: at least for the rest of the message that
// begins at start.
func (c *conn) room(buf []byte, start, end int) ([]byte, int, int) {
	if start == end {
		start, end = 0, 0
	}
	want := 1
	if c.open() {
		// Once the peer is known it's worth reading many messages at once.
		want = c.node.cfg.MaxMessage
	}
	if len(buf) < want {
		bigger := make([]byte, want)
		end = copy(bigger, buf[start:end])
		return bigger, 0, end
	}
	if start > 0 && end > len(buf)-len(buf)/4 || end == len(buf) {
		end = copy(buf, buf[start:end])
		start = 0
	}
	return buf, start, end
}

func (c *conn) open() bool { return connPhase(c.phase.Load()) == phaseOpen }

// frame returns the length of the message that begins with b, which holds at
// least a header. If it is longer than we take, that is answered, and the
// result is the negative of what has to be skipped. An error means that the
// stream can't be followed any more; it has been answered, too.
func (c *conn) frame(b []byte) (int, error) {
	limit := c.node.cfg.MaxMessage
	if !c.open() {
		limit = handshakeMaximum
	}
	size, err := wire.FrameLen(b, limit)
	if err == nil {
		return size, nil
	}
	head := wire.Message(b[:wire.HeaderLen])
	if !c.open() {
		return 0, c.explain(err, b)
	}
	size = int(binary.BigEndian.Uint32(b) & 0xffffff)
	if errors.Is(err, wire.ErrVersion) && size >= wire.HeaderLen && size%4 == 0 {
		// Another version may have another header, but the length is where it
		// always was: answered and left out (RFC 6733, 5011).
		c.refuse(head, &ResultError{Code: ResultUnsupportedVersion, errorBit: true})
		return -size, nil
	}
	c.refuse(head, &ResultError{Code: ResultInvalidMessageLength, Message: err.Error(), errorBit: true})
	if errors.Is(err, wire.ErrLength) && size > limit && size%4 == 0 {
		return -size, nil
	}
	c.finish(err)
	c.drain()
	return 0, err
}

// refuse answers a request with an error of the base protocol. An answer that
// is no better fails the call that waits for it.
func (c *conn) refuse(m wire.Message, re *ResultError) {
	h := m.Header()
	if h.IsRequest() {
		m, err := c.node.appendErrorAnswer(c.wbuf[:0], m, re)
		c.wbuf = m[:0]
		c.sendAnswer(m, err)
		return
	}
	c.node.drop(c, h.Command, DropMalformed)
	if call := c.pending.take(h.HopByHop); call != nil {
		call.finish(nil, &PeerError{Host: c.host(), Err: re})
	}
}

// message handles one message. m aliases the read buffer.
func (c *conn) message(m wire.Message) error {
	h := m.Header()
	if hook := c.node.cfg.Hooks.Message; hook != nil {
		hook(MessageInfo{Peer: c.host(), Application: h.Application, Command: h.Command, Request: h.IsRequest()})
	}
	switch connPhase(c.phase.Load()) {
	case phaseCER:
		return c.onCER(m, h)
	case phaseElection:
		return fmt.Errorf("command %d before the CEA", h.Command)
	case phaseCEA:
		return c.onCEA(m, h)
	case phaseOpen:
	}
	if !h.IsRequest() {
		c.onAnswer(m, h)
		return nil
	}
	if err := checkRequestBits(h); err != nil {
		c.refuse(m, err)
		return nil
	}
	switch h.Command {
	case CmdCapabilitiesExchange, CmdDeviceWatchdog, CmdDisconnectPeer:
		if h.Application == applicationBase {
			c.onBaseRequest(m, h)
			return nil
		}
	}
	c.node.serve(c, m, h)
	return nil
}

// checkRequestBits refuses the E bit in a request. Reserved bits are not looked
// at (RFC 6733, section 3, which section 7.1.5 contradicts in its 5013).
func checkRequestBits(h wire.Header) *ResultError {
	if h.Flags&wire.FlagError != 0 {
		return &ResultError{Code: ResultInvalidHeaderBits}
	}
	return nil
}

// onCER handles the first message of an accepted connection.
func (c *conn) onCER(m wire.Message, h wire.Header) error {
	if h.Command != CmdCapabilitiesExchange || !h.IsRequest() {
		return fmt.Errorf("command %d instead of a CER", h.Command)
	}
	var err error
	for try := 0; err == nil; try++ {
		var p *peer
		var caps *capabilities
		if p, caps, err = c.node.acceptCER(c, m, h); err != nil {
			break
		}
		c.phase.Store(uint32(phaseElection))
		c.peer.Store(p)
		c.caps.Store(caps)
		c.orphan.Store(false)
		if c.post(peerEvent{kind: kindCER, conn: c, header: h, ack: make(chan struct{})}) && !c.orphan.Load() {
			return nil
		}
		// The entry was about to go, with the peer's last connection; there
		// will be a new one, unless the node is closing.
		if c.node.isClosed() || try == 3 {
			err = &ResultError{Code: ResultUnableToComply, Message: "shutting down"}
		}
	}
	c.sendAnswer(c.node.cea(nil, h, c.nc.LocalAddr(), err))
	c.finish(err)
	c.drain()
	return err
}

// drain reads and forgets until the peer closes, or the writer's linger ends.
func (c *conn) drain() {
	_ = c.nc.SetReadDeadline(time.Now().Add(c.node.cfg.DisconnectTimeout))
	discard(c.nc)
}

// discard reads until an error comes.
func discard(nc net.Conn) {
	var b [512]byte
	for {
		if _, err := nc.Read(b[:]); err != nil {
			return
		}
	}
}

// onCEA handles the first message on a connection of ours. If it is not a CEA
// with success and a common application, the connection is of no use.
func (c *conn) onCEA(m wire.Message, h wire.Header) error {
	p := c.peer.Load()
	caps, err := p.acceptCEA(m, h)
	if err != nil {
		c.post(peerEvent{kind: kindNonCEA, conn: c, err: err, ack: make(chan struct{})})
		return err
	}
	c.caps.Store(caps)
	c.post(peerEvent{kind: kindCEA, conn: c, ack: make(chan struct{})})
	return nil
}

// onAnswer gives an answer to the call that waits for it. Nothing but the
// Hop-by-Hop identifier decides (RFC 6733, section 6.2.1).
func (c *conn) onAnswer(m wire.Message, h wire.Header) {
	if h.Command == CmdDeviceWatchdog && h.Application == applicationBase {
		c.originState(m)
		c.post(peerEvent{kind: kindDWA, conn: c, header: h})
		return
	}
	if h.Command == CmdDisconnectPeer && h.Application == applicationBase {
		c.post(peerEvent{kind: kindDPA, conn: c, header: h})
		return
	}
	call := c.pending.take(h.HopByHop)
	if call == nil {
		c.unmatched.Add(1)
		c.node.drop(c, h.Command, DropUnmatched)
		return
	}
	if p := c.peer.Load(); p != nil {
		p.answers.Add(1)
	}
	call.finish(append(wire.Message(nil), m...), nil)
}

// onBaseRequest handles CER, DWR and DPR on an open connection.
func (c *conn) onBaseRequest(m wire.Message, h wire.Header) {
	if err := checkBase(m); err != nil {
		a, err := c.node.appendErrorAnswer(c.wbuf[:0], m, err)
		c.wbuf = a[:0]
		c.sendAnswer(a, err)
		return
	}
	switch h.Command {
	case CmdCapabilitiesExchange:
		// RFC 6733 knows no CER on an open connection; RFC 3588 answered it.
		// What was agreed stays.
		c.sendAnswer(c.node.cea(nil, h, c.nc.LocalAddr(), nil))
	case CmdDeviceWatchdog:
		c.originState(m)
		a, err := c.node.dwa(c.wbuf[:0], m)
		c.wbuf = a[:0]
		c.sendAnswer(a, err)
	case CmdDisconnectPeer:
		cause := uint32(DisconnectRebooting)
		if a, ok := m.Find(AVPDisconnectCause, 0); ok {
			if v, err := a.Uint32(); err == nil {
				cause = v
			}
		}
		c.post(peerEvent{kind: kindDPR, conn: c, cause: cause, message: append(wire.Message(nil), m...)})
	}
}

// checkBase looks for what makes a DWR or DPR unacceptable: AVPs whose length
// does not fit, groups in groups without end, and mandatory ones that the base
// protocol does not know.
func checkBase(m wire.Message) error {
	if err := wire.Check(m, baseLimits); err != nil {
		return avpResult(err)
	}
	var a wire.AVP
	for r := m.AVPs(); r.Next(&a); {
		if a.Flags&wire.FlagMandatory != 0 && (a.Vendor != 0 || !isBaseAVP(a.Code)) {
			return unsupportedAVP(a)
		}
	}
	return nil
}

// post hands an event to the peer, and waits for it to be taken in if it has
// an ack. It returns false if the peer or the connection ended first.
func (c *conn) post(e peerEvent) bool {
	p := c.peer.Load()
	if p == nil || !p.post(e) {
		return false
	}
	if e.ack == nil {
		return true
	}
	select {
	case <-e.ack:
		return true
	case <-p.done:
		return false
	}
}
