package radius

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	layeh "layeh.com/radius"
)

// Defaults of a [Server].
const (
	defaultAddr          = ":1812"
	defaultTimeout       = 10 * time.Second
	defaultWorkers       = 2048
	defaultQueue         = 8192
	defaultRemember      = 1 << 17
	defaultReplyLifetime = 10 * time.Second
	defaultReadBuffer    = 4 << 20
	// closeGrace is how long Close waits for handlers whose context it ended.
	closeGrace = 5 * time.Second
)

// Server answers RADIUS requests over UDP. Fill in Clients and Handler and
// call ListenAndServe or Serve.
//
// The fields must not be changed once the server has started. The methods are
// safe for concurrent use. A server that was shut down cannot be used again.
type Server struct {
	// Addr is the UDP address to listen on; empty is ":1812".
	Addr string

	// Clients tells who may send requests, and the secrets. Required;
	// usually [Subnets].
	Clients ClientSource

	// Handler answers the requests. Required. It is called on a goroutine of
	// its own and may block. The request's context ends at its deadline, and
	// when the server is cut off.
	Handler layeh.Handler

	// Codes are the requests to take: Access-Request, Accounting-Request,
	// CoA-Request, Disconnect-Request. Nil: the first two. A server on the
	// accounting port takes only Accounting-Request.
	Codes []layeh.Code

	// IgnoreStatusServer drops Status-Server requests. Otherwise the server
	// answers them itself: with Access-Accept if it takes Access-Requests,
	// else with Accounting-Response. RFC 5997.
	IgnoreStatusServer bool

	// Timeout is a request's deadline from its arrival: the handler's context
	// ends, and an answer is no longer sent. Zero is 10 s.
	Timeout time.Duration

	// Workers bounds the handlers that run at once; zero is 2048.
	Workers int

	// Queue bounds the requests that wait for a worker; zero is 8192. When
	// it is full, new requests are dropped; their clients send them again.
	Queue int

	// Remember bounds the requests that are remembered in order to recognise
	// their repetitions; zero is 131072. When it is full, the oldest answer
	// is forgotten first.
	Remember int

	// ReplyLifetime is how long an answer is remembered; RFC 5080, section
	// 2.2.2, speaks of 5 to 30 seconds. Zero is 10 s. Negative: a request is
	// forgotten when it has been answered, and its repetition is run again.
	ReplyLifetime time.Duration

	// Sockets is the number of sockets that ListenAndServe shares the
	// address between, where the system can do so (Linux). Zero is one per
	// core.
	Sockets int

	// ReadBuffer is the size of a socket's receive buffer in octets, as far
	// as the system allows. Zero is 4 MiB; negative leaves the system's.
	ReadBuffer int

	// DrainTimeout is how long ListenAndServe lets requests end after its
	// context has ended. Zero is Timeout; negative cuts them off at once.
	DrainTimeout time.Duration

	// Logger gets the server's log; nil is silence.
	Logger *slog.Logger

	// Hooks are called at certain points.
	Hooks Hooks

	mu     sync.Mutex
	eng    *engine
	closed bool
}

// engine returns the running part, and makes it the first time.
func (s *Server) engine() (*engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrServerClosed
	}
	if s.eng == nil {
		eng, err := newEngine(s)
		if err != nil {
			return nil, err
		}
		s.eng = eng
	}
	return s.eng, nil
}

// ListenAndServe listens on Addr and serves until ctx ends; then it takes no
// new requests, lets those at work end for at most DrainTimeout, and returns
// nil. After Shutdown or Close it returns [ErrServerClosed] at once.
func (s *Server) ListenAndServe(ctx context.Context) error {
	eng, err := s.engine()
	if err != nil {
		return err
	}
	addr := s.Addr
	if addr == "" {
		addr = defaultAddr
	}
	pcs, err := listen(ctx, addr, s.Sockets)
	if err != nil {
		return fmt.Errorf("radius: %w", err)
	}
	local := eng.newLocal()
	var wg sync.WaitGroup
	ended := make(chan error, len(pcs))
	eng.logListening(pcs[0].LocalAddr(), len(pcs))
	if eng.hooks.Listening != nil {
		eng.hooks.Listening(pcs[0].LocalAddr())
	}
	for _, pc := range pcs {
		wg.Go(func() { ended <- s.serve(eng, pc, local) })
	}
	select {
	case <-ctx.Done():
		err = s.drain()
	case err = <-ended:
		if !errors.Is(err, ErrServerClosed) {
			err = errors.Join(err, s.Close())
		}
	}
	wg.Wait()
	return err
}

// drain is the end of ListenAndServe.
func (s *Server) drain() error {
	timeout := orDefault(s.DrainTimeout, orDefault(s.Timeout, defaultTimeout))
	ctx, cancel := context.WithTimeout(context.Background(), max(timeout, 0))
	defer cancel()
	if s.Shutdown(ctx) == nil {
		return nil
	}
	return s.Close()
}

// Serve reads requests from pc and blocks until the server is shut down, then
// it returns [ErrServerClosed]; or until pc is closed by someone else. It may
// be called for several sockets. The server closes pc in the end.
//
// A *net.UDPConn is read in batches where the system can do so. Any other
// PacketConn must give its senders addresses of which [net/netip] can make
// sense.
func (s *Server) Serve(pc net.PacketConn) error {
	eng, err := s.engine()
	if err != nil {
		_ = pc.Close()
		return err
	}
	eng.logListening(pc.LocalAddr(), 1)
	if eng.hooks.Listening != nil {
		eng.hooks.Listening(pc.LocalAddr())
	}
	return s.serve(eng, pc, eng.newLocal())
}

func (s *Server) serve(eng *engine, pc net.PacketConn, local uint16) error {
	if b, ok := pc.(interface{ SetReadBuffer(int) error }); ok && s.ReadBuffer >= 0 {
		_ = b.SetReadBuffer(orDefault(s.ReadBuffer, defaultReadBuffer))
	}
	c := newCarrier(pc)
	if err := eng.attach(c); err != nil {
		_ = pc.Close()
		return err
	}
	defer eng.readers.Done()
	return eng.read(c, local)
}

// Shutdown ends the server gracefully: it reads no more, lets the requests
// that it has accepted end, and closes the sockets. An answer that a handler
// has left to another goroutine is not waited for. When ctx ends first, the
// requests go on, Shutdown returns ctx's error, and Close cuts them off.
func (s *Server) Shutdown(ctx context.Context) error {
	eng := s.close()
	if eng == nil {
		return nil
	}
	eng.stop()
	select {
	case <-eng.drained:
		return nil
	default:
	}
	select {
	case <-eng.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the server at once: requests in the queue are dropped, contexts
// of those at work end, sockets are closed. It waits for the handlers to
// return, but not for ever: after some seconds it returns an error that says
// how many are left.
func (s *Server) Close() error {
	eng := s.close()
	if eng == nil {
		return nil
	}
	eng.stop()
	eng.cut()
	t := time.NewTimer(closeGrace)
	defer t.Stop()
	select {
	case <-eng.drained:
		return nil
	case <-t.C:
		_, workers := eng.pool.load()
		return fmt.Errorf("radius: %d handlers are still running", workers)
	}
}

// close marks the server as closed and returns its engine, nil if it has never
// started.
func (s *Server) close() *engine {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.eng
}

// Stats returns the server's counters. They are all zero before it starts.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	eng := s.eng
	s.mu.Unlock()
	if eng == nil {
		return (&counters{}).snapshot()
	}
	st := eng.count.snapshot()
	st.Queued, st.Workers = eng.pool.load()
	st.Remembered = eng.dups.len()
	return st
}
