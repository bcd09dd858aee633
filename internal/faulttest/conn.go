package faulttest

import (
	"bytes"
	"context"
	"net"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// Listener returns a listener whose connections, those that nl accepts, are of
// the line.
func (l *Line) Listener(nl net.Listener) net.Listener { return &listener{nl, l} }

// WrapDials makes the connections that cfg's Dial functions return, or the
// node's own would, ones of the line. The slice of peers that cfg had stays as
// it is.
func (l *Line) WrapDials(cfg *diameter.Config) {
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
		return &conn{nc, l}, nil
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

// listener makes conns of what it accepts.
type listener struct {
	net.Listener
	line *Line
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{nc, l.line}, nil
}

// conn does what marks say. The node writes whole messages, one or more at a
// time.
type conn struct {
	net.Conn
	line *Line
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if c.line.outstanding.Load() == 0 {
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
		rewrite, marked := c.line.take(msg)
		switch {
		case !marked:
			out = append(out, msg...)
		case rewrite == nil:
			_, _ = c.Conn.Write(out)
			_ = c.Close()
			return 0, net.ErrClosed
		default:
			msg = msg[:len(msg)-markOctets]
			setLength(msg)
			out = append(out, rewrite(msg)...)
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
