package radiustest

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/radius/internal/wire"
)

// AP is a simulated access point. It is safe for concurrent use.
type AP struct {
	cfg     Config
	key     *wire.Key
	static  []byte
	sockets []*socket
	next    atomic.Uint32
	stats   counters

	wg        sync.WaitGroup
	closeOnce sync.Once
	closed    chan struct{}
}

// Stats are an AP's counters.
type Stats struct {
	// Requests and Retransmissions count the datagrams sent, each once.
	Requests, Retransmissions uint64
	// Accepts, Rejects and Challenges count authentic answers.
	Accepts, Rejects, Challenges uint64
	// Stray counts answers to no request that is waiting, such as the second
	// one to a request that was sent twice.
	Stray uint64
	// Forged counts datagrams that are malformed or not authentic. The second
	// answer to a request that was sent twice is among them if its Identifier
	// is another request's by then.
	Forged uint64
}

type counters struct {
	requests, retransmissions, accepts, rejects, challenges, stray, forged atomic.Uint64
}

// NewAP opens an AP's sockets. The caller closes it.
func NewAP(cfg Config) (*AP, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ap := &AP{cfg: cfg, key: wire.NewKey([]byte(cfg.Secret)), closed: make(chan struct{})}
	if ap.static, err = cfg.fixed(); err != nil {
		return nil, err
	}
	for range cfg.Sockets {
		conn, err := cfg.Dial()
		if err != nil {
			return nil, errors.Join(err, ap.Close())
		}
		s := &socket{ap: ap, conn: conn, tokens: make(chan struct{}, 256)}
		ap.sockets = append(ap.sockets, s)
		ap.wg.Go(s.read)
	}
	ap.wg.Go(ap.retransmit)
	return ap, nil
}

// Close ends all logins with [ErrClosed] and closes the sockets.
func (ap *AP) Close() error {
	ap.closeOnce.Do(func() {
		close(ap.closed)
		for _, s := range ap.sockets {
			_ = s.conn.Close()
		}
		ap.wg.Wait()
	})
	return nil
}

// Stats returns the counters.
func (ap *AP) Stats() Stats {
	c := &ap.stats
	return Stats{
		Requests: c.requests.Load(), Retransmissions: c.retransmissions.Load(),
		Accepts: c.accepts.Load(), Rejects: c.rejects.Load(), Challenges: c.challenges.Load(),
		Stray: c.stray.Load(), Forged: c.forged.Load(),
	}
}

// Login logs a phone in and blocks until that has ended, one way or the other.
// stationID is what the AP says in Calling-Station-Id; empty leaves it out.
//
// The result is filled in as far as the login came, whatever the error:
// [ErrRejected], [ErrNoAnswer], [ErrPhone], [ErrKeys], [ErrProtocol], or that
// of ctx. The phone is in use until Login returns, by one goroutine at a time.
func (ap *AP) Login(ctx context.Context, phone Phone, stationID string) (Result, error) {
	if len(stationID) > wire.MaxValueLen {
		return Result{}, errors.New("radiustest: station id too long")
	}
	s := ap.sockets[ap.next.Add(1)%uint32(len(ap.sockets))]
	select {
	case s.tokens <- struct{}{}:
		defer func() { <-s.tokens }()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	case <-ap.closed:
		return Result{}, ErrClosed
	}
	l := &login{ap: ap, s: s, phone: phone, station: stationID, done: make(chan struct{})}
	l.begin()
	select {
	case <-l.done:
	case <-ctx.Done():
		l.abort(ctx.Err())
	case <-ap.closed:
		l.abort(ErrClosed)
	}
	return l.result, l.err
}

// socket is one of an AP's sockets, with a login for each Identifier in use.
type socket struct {
	ap   *AP
	conn net.Conn
	// tokens bounds the logins on this socket by the number of Identifiers.
	tokens chan struct{}

	mu    sync.Mutex
	slots [256]*login
	next  uint8
}

// take gives l an Identifier that was not in use for as long as possible.
// There is one: a login has at most one request in flight.
func (s *socket) take(l *login) uint8 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.slots[s.next] != nil {
		s.next++
	}
	id := s.next
	s.slots[id] = l
	s.next++
	return id
}

func (s *socket) release(id uint8) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots[id] = nil
}

func (s *socket) at(id uint8) *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slots[id]
}

// read takes answers to their logins until the AP is closed. The phones run
// here, so that a login costs its caller one change of goroutine in all.
func (s *socket) read() {
	buf := make([]byte, 1<<16)
	for {
		n, err := s.conn.Read(buf)
		if err != nil {
			select {
			case <-s.ap.closed:
				return
			default:
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Such as "connection refused": the server may come back.
			time.Sleep(time.Millisecond)
			continue
		}
		s.handle(buf[:n])
	}
}

func (s *socket) handle(b []byte) {
	pkt, err := wire.Cut(b)
	if err != nil {
		s.ap.stats.forged.Add(1)
		return
	}
	if l := s.at(pkt[1]); l != nil {
		l.receive(pkt)
	} else {
		s.ap.stats.stray.Add(1)
	}
}

// retransmit looks after requests that wait for an answer.
func (ap *AP) retransmit() {
	t := time.NewTicker(max(ap.cfg.FirstRetransmission/20, time.Millisecond))
	defer t.Stop()
	var waiting []*login
	for {
		select {
		case <-ap.closed:
			return
		case now := <-t.C:
			for _, s := range ap.sockets {
				s.mu.Lock()
				for _, l := range s.slots {
					if l != nil {
						waiting = append(waiting, l)
					}
				}
				s.mu.Unlock()
				for _, l := range waiting {
					l.tick(now)
				}
				clear(waiting)
				waiting = waiting[:0]
			}
		}
	}
}
