package diametertest

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// Link is one connection of a Peer.
type Link struct {
	peer      *Peer
	nc        net.Conn
	initiator bool
	in        chan wire.Message
	cer       chan struct{} // closed when a CER has come
	closed    chan struct{} // closed when nothing can be read any more
	err       error         // why; set before closed

	write sync.Mutex

	mu     sync.Mutex    // guards the following
	gate   chan struct{} // closed: read on
	manual bool
}

// newLink returns nil if the peer is closed.
func (p *Peer) newLink(nc net.Conn, initiator bool) *Link {
	l := &Link{
		peer: p, nc: nc, initiator: initiator, manual: p.cfg.Manual,
		in: make(chan wire.Message, 1024), cer: make(chan struct{}), closed: make(chan struct{}),
		gate: make(chan struct{}),
	}
	close(l.gate)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = nc.Close()
		return nil
	}
	p.all = append(p.all, l)
	p.wg.Go(l.read)
	return l
}

// gated is the connection to read from: it stops where the link stalls.
type gated struct{ *Link }

// Read waits for the gate, then reads.
func (g gated) Read(b []byte) (int, error) {
	g.mu.Lock()
	gate := g.gate
	g.mu.Unlock()
	select {
	case <-gate:
	case <-g.peer.done:
		return 0, net.ErrClosed
	}
	return g.nc.Read(b)
}

// read reads messages, answers what it is to answer, and keeps the rest. A
// connection that can't be followed is closed.
func (l *Link) read() {
	defer close(l.closed)
	defer l.Close()
	for {
		m, err := readMessage(gated{l})
		if err != nil {
			l.err = err
			return
		}
		if l.base(m) {
			continue
		}
		select {
		case l.in <- m:
		case <-l.peer.done:
			l.err = net.ErrClosed
			return
		}
	}
}

// readMessage reads one message, of any length.
func readMessage(r io.Reader) (wire.Message, error) {
	b := make([]byte, wire.HeaderLen)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	n, err := wire.FrameLen(b, 0)
	if err != nil {
		return nil, err
	}
	b = append(b, make([]byte, n-len(b))...)
	_, err = io.ReadFull(r, b[wire.HeaderLen:])
	return b, err
}

// base answers a request of the base protocol, and reports whether it did.
func (l *Link) base(m wire.Message) bool {
	h := m.Header()
	l.mu.Lock()
	manual := l.manual
	l.mu.Unlock()
	if !h.IsRequest() || h.Application != 0 {
		return false
	}
	switch h.Command {
	case diameter.CmdCapabilitiesExchange:
		select {
		case <-l.cer:
		default:
			defer close(l.cer)
		}
		if manual {
			return false
		}
		_, _ = l.Write(l.reply(m, Result(diameter.ResultSuccess), l.Capabilities()))
	case diameter.CmdDeviceWatchdog:
		if manual {
			return false
		}
		_, _ = l.Write(l.reply(m, Result(diameter.ResultSuccess), l.Origin()))
	case diameter.CmdDisconnectPeer:
		if manual {
			return false
		}
		_, _ = l.Write(l.reply(m, Result(diameter.ResultSuccess), l.Origin()))
	default:
		return false
	}
	return true
}

// Write sends octets as they are. The other side has the peer's Timeout to
// take them.
func (l *Link) Write(b []byte) (int, error) {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.nc.SetWriteDeadline(time.Now().Add(l.peer.cfg.Timeout)); err != nil {
		return 0, err
	}
	return l.nc.Write(b)
}

// Send is Write that wants all to be taken.
func (l *Link) Send(b []byte) {
	l.peer.t.Helper()
	if _, err := l.Write(b); err != nil {
		l.peer.t.Fatalf("diametertest: sending: %v", err)
	}
}

// Manual leaves CER, DWR and DPR to the test from here on, or no longer.
func (l *Link) Manual(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.manual = on
}

// Stall stops reading: one read that has begun may still end. Resume goes on.
func (l *Link) Stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.gate:
		l.gate = make(chan struct{})
	default:
	}
}

// Resume ends a Stall.
func (l *Link) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.gate:
	default:
		close(l.gate)
	}
}

// raw is the connection below TLS.
func (l *Link) raw() net.Conn {
	if tc, ok := l.nc.(*tls.Conn); ok {
		return tc.NetConn()
	}
	return l.nc
}

// Close closes the connection. It may be called again.
func (l *Link) Close() { _ = l.raw().Close() }

// Reset closes the connection with a TCP reset: what was not read by the other
// side is lost.
func (l *Link) Reset() {
	if tc, ok := l.raw().(*net.TCPConn); ok {
		_ = tc.SetLinger(0)
	}
	l.Close()
}

// Err returns why the connection ended, nil while it has not.
func (l *Link) Err() error {
	select {
	case <-l.closed:
		return l.err
	default:
		return nil
	}
}
