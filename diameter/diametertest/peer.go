package diametertest

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/opentwag/twag/diameter"
)

// Config configures a Peer. The zero value is a relay in the realm
// example.net.
type Config struct {
	Host  string // Origin-Host; default "peer.example.net"
	Realm string // Origin-Realm; default "example.net"
	// Applications are advertised. Default: those of a relay.
	Applications []diameter.Application
	// TLS is for connections on either side; nil: none. See [Authority.Config].
	TLS *tls.Config
	// Manual leaves CER, DWR and DPR, too, to the test.
	Manual bool
	// Timeout is how long an expectation waits. Default one minute.
	Timeout time.Duration
}

// Peer is a Diameter node in the hands of a test. It is closed with the test.
type Peer struct {
	t     testing.TB
	cfg   Config
	links chan *Link // accepted
	done  chan struct{}
	wg    sync.WaitGroup

	mu        sync.Mutex // guards the following
	closed    bool
	all       []*Link
	listeners []net.Listener
}

// NewPeer returns a peer that has no connections yet.
func NewPeer(t testing.TB, cfg Config) *Peer {
	if cfg.Host == "" {
		cfg.Host = "peer.example.net"
	}
	if cfg.Realm == "" {
		cfg.Realm = "example.net"
	}
	if cfg.Applications == nil {
		cfg.Applications = []diameter.Application{{ID: diameter.ApplicationRelay}}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute
	}
	p := &Peer{t: t, cfg: cfg, links: make(chan *Link, 64), done: make(chan struct{})}
	t.Cleanup(p.Close)
	return p
}

// Host is the peer's Origin-Host.
func (p *Peer) Host() string { return p.cfg.Host }

// Listen accepts connections on a free TCP port of 127.0.0.1, and returns the
// address. [Peer.Accept] has them.
func (p *Peer) Listen() string {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = l.Close()
		p.t.Fatal("diametertest: the peer is closed")
	}
	p.listeners = append(p.listeners, l)
	p.wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			p.arrived(nc)
		}
	})
	return l.Addr().String()
}

// arrived makes a link of a connection that the other side has opened.
func (p *Peer) arrived(nc net.Conn) bool {
	if p.cfg.TLS != nil {
		nc = tls.Server(nc, p.cfg.TLS)
	}
	l := p.newLink(nc, false)
	if l == nil {
		return false
	}
	select {
	case p.links <- l:
		return true
	default: // the test accepts none
		l.Close()
		return false
	}
}

// Pipe is a connection in memory, as a Dial function of a
// [diameter.PeerConfig]. [Peer.Accept] has the peer's end.
func (p *Peer) Pipe(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	if !p.arrived(far) {
		_ = near.Close()
		return nil, net.ErrClosed
	}
	return near, nil
}

// Arrived returns the next connection that the other side has opened, as it
// is: there may be no CER yet.
func (p *Peer) Arrived() *Link {
	p.t.Helper()
	select {
	case l := <-p.links:
		return l
	case <-time.After(p.cfg.Timeout):
		p.t.Fatal("diametertest: nobody connects")
		return nil
	}
}

// Accept returns the next connection that the other side has opened, when it
// has sent its CER and, unless the peer is Manual, has been answered.
// Connections that end before that are left out.
func (p *Peer) Accept() *Link {
	p.t.Helper()
	deadline := time.After(p.cfg.Timeout)
	for {
		select {
		case l := <-p.links:
			select {
			case <-l.cer:
				return l
			case <-l.closed:
			case <-deadline:
				p.t.Fatal("diametertest: no CER")
			}
		case <-deadline:
			p.t.Fatal("diametertest: nobody connects")
		}
	}
}

// Dial connects to a listening node by TCP, and TLS if the peer has it.
func (p *Peer) Dial(address string) *Link {
	p.t.Helper()
	nc, err := net.DialTimeout("tcp", address, p.cfg.Timeout)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.connected(nc)
}

// connected makes a link of a connection of ours.
func (p *Peer) connected(nc net.Conn) *Link {
	p.t.Helper()
	if p.cfg.TLS != nil {
		nc = tls.Client(nc, p.cfg.TLS)
	}
	l := p.newLink(nc, true)
	if l == nil {
		p.t.Fatal("diametertest: the peer is closed")
	}
	return l
}

// PipeListener is a listener for a node to Serve; [PipeListener.Dial] connects
// to it in memory.
type PipeListener struct {
	peer  *Peer
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

var _ net.Listener = (*PipeListener)(nil)

// PipeListener returns a listener that only this peer can connect to.
func (p *Peer) PipeListener() *PipeListener {
	return &PipeListener{peer: p, conns: make(chan net.Conn), done: make(chan struct{})}
}

// Dial connects to whoever listens.
func (l *PipeListener) Dial() *Link {
	l.peer.t.Helper()
	near, far := net.Pipe()
	select {
	case l.conns <- near:
		return l.peer.connected(far)
	case <-l.done:
	case <-time.After(l.peer.cfg.Timeout):
	}
	l.peer.t.Fatal("diametertest: nobody listens")
	return nil
}

// Accept returns the next connection.
func (l *PipeListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (l *PipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr returns an address of no meaning.
func (l *PipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// Close closes all connections and waits until nothing of the peer runs.
func (p *Peer) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.done)
	}
	for _, l := range p.listeners {
		_ = l.Close()
	}
	all := p.all
	p.mu.Unlock()
	for _, l := range all {
		l.Close()
	}
	p.wg.Wait()
}
