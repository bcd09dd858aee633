package faulttest

import (
	"context"
	"net"
	"sync"
)

// Pipe is a listener in memory: in a bubble of package testing/synctest what goes
// through it takes none of the bubble's time, whatever the machine does meanwhile.
type Pipe struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

var _ net.Listener = (*Pipe)(nil)

// NewPipe returns a listener that [Pipe.Dial] connects to.
func NewPipe() *Pipe { return &Pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

// Dial connects to whoever accepts, as a Dial function of a diameter.PeerConfig. When
// the listener is closed it is refused.
func (p *Pipe) Dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	var err error
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		err = net.ErrClosed
	case <-ctx.Done():
		err = ctx.Err()
	}
	_ = near.Close()
	return nil, err
}

// Accept implements net.Listener.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case nc := <-p.conns:
		return nc, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr returns an address of no meaning.
func (p *Pipe) Addr() net.Addr { return &net.TCPAddr{} }
