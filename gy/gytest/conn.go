package gytest

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// The node sends only what is well-formed and answers only what was asked. So
// what a fault does on the wire is done below it: the handler appends a mark
// to the answer, and the connection does what the mark stands for.

// mark is an AVP that begins with markHead and ends with the number of what is
// to be done. Its code is one that nobody has.
var markHead = []byte{0xfe, 0xed, 0xfa, 0x17, 0, 0, 0, markOctets}

const markOctets = 12

// marks has what is to be done, by number.
type marks struct {
	outstanding atomic.Int64 // marks on their way; 0 costs nothing

	mu   sync.Mutex
	last uint32
	todo map[uint32]Fault
}

// put appends to the answer a mark that stands for f.
func (m *marks) put(answer wire.Message, f Fault) wire.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.todo == nil {
		m.todo = make(map[uint32]Fault)
	}
	m.last++
	m.todo[m.last] = f
	m.outstanding.Add(1)
	answer = append(answer, markHead...)
	answer = binary.BigEndian.AppendUint32(answer, m.last)
	setLength(answer)
	return answer
}

// take returns what the mark on msg stands for, if it has one.
func (m *marks) take(msg []byte) (Fault, bool) {
	at := len(msg) - markOctets
	if at < wire.HeaderLen || !bytes.HasPrefix(msg[at:], markHead) {
		return Fault{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id := binary.BigEndian.Uint32(msg[len(msg)-4:])
	f, ok := m.todo[id]
	if ok {
		delete(m.todo, id)
		m.outstanding.Add(-1)
	}
	return f, ok
}

// conn does what marks say. The node writes whole messages, one or more at a
// time.
type conn struct {
	net.Conn
	marks *marks
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if c.marks.outstanding.Load() == 0 {
		return c.Conn.Write(b)
	}
	var out []byte
	for rest := b; len(rest) > 0; {
		n, err := wire.FrameLen(rest, len(rest))
		if err != nil {
			return 0, err
		}
		msg := bytes.Clone(rest[:n])
		rest = rest[n:]
		f, marked := c.marks.take(msg)
		switch {
		case !marked:
			out = append(out, msg...)
		case f.Disconnect:
			_, _ = c.Conn.Write(out)
			_ = c.Close()
			return 0, net.ErrClosed
		default:
			msg = msg[:len(msg)-markOctets]
			setLength(msg)
			out = append(out, f.Rewrite(msg)...)
		}
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// CloseWrite ends one direction, where the transport can.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// listener makes conns of what it accepts.
type listener struct {
	net.Listener
	marks *marks
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{nc, l.marks}, nil
}

// wrapDials makes conns of what cfg's Dial functions return.
func wrapDials(cfg *diameter.Config, m *marks) {
	dial := cfg.Dial
	if dial == nil {
		dial = func(ctx context.Context, p diameter.PeerConfig) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", p.Address)
		}
	}
	wrap := func(nc net.Conn, err error) (net.Conn, error) {
		if err != nil {
			return nil, err
		}
		return &conn{nc, m}, nil
	}
	cfg.Dial = func(ctx context.Context, p diameter.PeerConfig) (net.Conn, error) { return wrap(dial(ctx, p)) }
	peers := make([]diameter.PeerConfig, len(cfg.Peers))
	for i, p := range cfg.Peers {
		if own := p.Dial; own != nil {
			p.Dial = func(ctx context.Context) (net.Conn, error) { return wrap(own(ctx)) }
		}
		peers[i] = p
	}
	cfg.Peers = peers
}
