package diameter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// Node is a Diameter node: one identity and its connections to peers. It is
// safe for concurrent use.
type Node struct {
	cfg    Config
	ids    identifiers
	start  time.Time
	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // every goroutine of ours
	pool   *pool
	calls  callPool
	// replays is nil if answers are not kept.
	replays *replays

	handlers atomic.Pointer[map[commandKey]Handler]
	list     atomic.Pointer[[]*peer] // of peers, for readers
	draining atomic.Bool             // no more requests of ours
	inFlight atomic.Int64            // Exchanges and handlers
	waiting  atomic.Int64            // Exchanges that wait for a peer to be open

	nextWarning  atomic.Int64 // of a refused peer, as sinceStart
	donePanicked atomic.Bool  // one of ExchangeFunc has, and it was logged

	mu        sync.Mutex // guards the following
	started   bool
	closed    bool
	peers     map[string]*peer
	listeners map[net.Listener]struct{}
	accepted  int
	changed   chan struct{} // closed and replaced when a peer's state changes
}

// NewNode returns a node that does nothing yet: call Start, and Serve to be
// connected to.
func NewNode(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	now := time.Now()
	n := &Node{
		cfg: cfg.withDefaults(now), start: now,
		peers:     make(map[string]*peer),
		listeners: make(map[net.Listener]struct{}),
		changed:   make(chan struct{}),
	}
	n.ids.start(now)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.pool = newPool(n.cfg.MaxHandlers, n.cfg.MaxQueuedRequests, &n.wg, n.run)
	if n.cfg.KeepAnswers > 0 {
		n.replays = newReplays(n.cfg.KeepAnswers, n.cfg.MaxKeptAnswers, n.cfg.MaxKeptOctets, n.cfg.MaxQueuedRequests)
	}
	n.handlers.Store(&map[commandKey]Handler{})
	for _, pc := range n.cfg.Peers {
		n.peers[foldIdentity(pc.Host)] = n.newPeer(pc, false)
	}
	n.relist()
	return n, nil
}

// Origin returns the node's Origin-Host and Origin-Realm.
func (n *Node) Origin() (host, realm string) { return n.cfg.OriginHost, n.cfg.OriginRealm }

// NewSessionID returns a Session-Id that no other has, ever (RFC 6733, section
// 8.8).
func (n *Node) NewSessionID() string { return n.ids.nextSession(n.cfg.OriginHost) }

// Start connects to the peers that have an address, and goes on doing so
// whenever a connection is lost. It returns at once.
func (n *Node) Start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.started || n.closed {
		return
	}
	n.started = true
	for _, p := range n.peers {
		n.wg.Go(p.run)
	}
}

// Serve accepts connections from l until the node is closed, and returns
// ErrClosed then. It starts the node if Start has not. It closes l.
func (n *Node) Serve(l net.Listener) error {
	n.Start()
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		_ = l.Close()
		return ErrClosed
	}
	n.listeners[l] = struct{}{}
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		delete(n.listeners, l)
		n.mu.Unlock()
		_ = l.Close()
	}()
	var delay time.Duration
	for {
		nc, err := l.Accept()
		if err != nil {
			if n.isClosed() {
				return ErrClosed
			}
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() || isTemporary(err) {
				// Out of descriptors, or a client gone before its turn.
				delay = min(max(2*delay, 5*time.Millisecond), time.Second)
				select {
				case <-time.After(delay):
					continue
				case <-n.ctx.Done():
					return ErrClosed
				}
			}
			return err
		}
		delay = 0
		n.accept(nc)
	}
}

func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// accept starts the goroutines of an accepted connection.
func (n *Node) accept(nc net.Conn) {
	n.mu.Lock()
	if n.closed || n.accepted >= n.cfg.MaxConns {
		n.mu.Unlock()
		_ = nc.Close()
		return
	}
	n.accepted++
	c := n.newConn(nc, false)
	n.wg.Go(func() {
		_ = nc.SetReadDeadline(time.Now().Add(n.cfg.HandshakeTimeout))
		n.readConn(c)
		if c.peer.Load() == nil {
			// No CER, so no peer; who connects at random is not worth a warning.
			level := slog.LevelDebug
			if te := (*TLSError)(nil); errors.As(c.err, &te) {
				level = n.refusalLevel() // who fails at this is mostly known
			}
			n.cfg.Logger.LogAttrs(n.ctx, level, logRefused, slog.Any("address", nc.RemoteAddr()), slog.Any("error", c.err))
		}
		n.mu.Lock()
		n.accepted--
		n.mu.Unlock()
	})
	n.mu.Unlock()
}

// readConn is a connection's reader goroutine.
func (n *Node) readConn(c *conn) {
	stop := context.AfterFunc(n.ctx, func() { c.close(ErrClosed) })
	defer stop()
	c.read()
	c.post(peerEvent{kind: kindGone, conn: c})
}

// acceptCER decides about a CER on an accepted connection: who it is, and
// whether there is a common application. The error is a [*ResultError] for the
// CEA.
func (n *Node) acceptCER(c *conn, m wire.Message, h wire.Header) (*peer, *capabilities, error) {
	caps, err := n.checkCER(m, h)
	if err == nil {
		err = n.allow(c, caps)
	}
	var p *peer
	switch {
	case err != nil:
	case !caps.commonWith(n.cfg.Applications):
		err = &ResultError{Code: ResultNoCommonApplication}
	case caps.inbandOnly && c.tls == nil:
		// TLS that begins after the exchange is RFC 3588's; not supported.
		err = &ResultError{Code: ResultNoCommonSecurity}
	default:
		p, err = n.peerFor(caps)
	}
	if err != nil {
		host := ""
		if caps != nil {
			host = caps.host
		}
		n.cfg.Logger.LogAttrs(n.ctx, n.refusalLevel(), logRefused,
			slog.String("peer", host), slog.Any("address", c.nc.RemoteAddr()), slog.Any("error", err))
		return nil, nil, err
	}
	return p, caps, nil
}

// refusalLevel is that of the log: a warning once a second, since anybody may
// come and be refused.
func (n *Node) refusalLevel() slog.Level {
	if now, next := n.sinceStart(), n.nextWarning.Load(); now >= next && n.nextWarning.CompareAndSwap(next, now+int64(time.Second)) {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (n *Node) checkCER(m wire.Message, h wire.Header) (*capabilities, error) {
	if err := checkRequestBits(h); err != nil {
		return nil, err
	}
	return parseCapabilities(m)
}

// allow decides whether a connecting peer may be one at all.
func (n *Node) allow(c *conn, caps *capabilities) error {
	key := foldIdentity(caps.host)
	if key == foldIdentity(n.cfg.OriginHost) {
		return &ResultError{Code: ResultUnknownPeer, Message: "that is my own name"}
	}
	n.mu.Lock()
	p := n.peers[key]
	n.mu.Unlock()
	if err := n.allowTransport(c, caps.host); err != nil {
		return err
	}
	info := PeerInfo{Host: caps.host, Realm: caps.realm, Addr: c.nc.RemoteAddr(), Transport: c.transport()}
	if p != nil && !p.passing || n.cfg.AllowPeer != nil && n.cfg.AllowPeer(info) {
		return nil
	}
	return &ResultError{Code: ResultUnknownPeer}
}

// peerFor finds the entry of the peer table for a peer that is taken in, or
// makes one that lasts as long as the connection (RFC 6733, section 5.3).
func (n *Node) peerFor(caps *capabilities) (*peer, error) {
	key := foldIdentity(caps.host)
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.peers[key]
	if p != nil {
		return p, nil
	}
	if n.closed {
		return nil, &ResultError{Code: ResultUnableToComply}
	}
	if len(n.peers) >= n.cfg.MaxPeers {
		return nil, &ResultError{Code: ResultUnableToComply, Message: "too many peers"}
	}
	p = n.newPeer(PeerConfig{Host: caps.host, Realm: caps.realm}, true)
	n.peers[key] = p
	n.relist()
	n.wg.Go(p.run)
	return p, nil
}

// forget removes a peer that was not configured. Its goroutine has ended.
func (n *Node) forget(p *peer) {
	if !p.passing {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if key := foldIdentity(p.cfg.Host); n.peers[key] == p {
		delete(n.peers, key)
		n.relist()
	}
}

// relist makes a list of the peers for those who don't want the lock: the
// configured ones in their order, then the others. n.mu is held, or n is new.
func (n *Node) relist() {
	list := make([]*peer, 0, len(n.peers))
	for _, pc := range n.cfg.Peers {
		list = append(list, n.peers[foldIdentity(pc.Host)])
	}
	for _, p := range n.peers {
		if p.passing {
			list = append(list, p)
		}
	}
	n.list.Store(&list)
}

func (n *Node) peerList() []*peer { return *n.list.Load() }

// notify wakes those who wait for a change of a peer's state.
func (n *Node) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.changed)
	n.changed = make(chan struct{})
}

// peersChanged returns a channel that is closed at the next change.
func (n *Node) peersChanged() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}

// WaitOpen waits until the peer with that Origin-Host is open, or any peer if
// host is empty.
func (n *Node) WaitOpen(ctx context.Context, host string) error {
	for {
		n.mu.Lock()
		changed, closed := n.changed, n.closed
		n.mu.Unlock()
		if closed {
			return ErrClosed
		}
		for _, p := range n.peerList() {
			if p.usable.Load() != nil && (host == "" || foldIdentity(host) == foldIdentity(p.cfg.Host)) {
				return nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ctx.Done():
			return ErrClosed
		}
	}
}

// enter has Close wait for one goroutine more, which calls n.wg.Done at its
// end; false means that Close has begun. It is for those that no goroutine of
// the node's starts.
func (n *Node) enter() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		return false
	}
	n.wg.Add(1)
	return true
}

func (n *Node) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}

// Shutdown ends the node in order: no more connections and requests, an answer
// to what is pending either way, a DPR to each peer. If ctx ends first, the
// rest is cut off as by Close, and ctx's error returned. Nothing of the node
// runs any more when it returns.
func (n *Node) Shutdown(ctx context.Context) error {
	n.draining.Store(true)
	n.notify() // nobody waits for a peer any more
	n.closeListeners()
	err := n.drain(ctx)
	if err == nil {
		err = n.stopPeers(ctx)
	}
	n.Close()
	return err
}

// drain waits until no request is pending, either way.
func (n *Node) drain(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n.inFlight.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ctx.Done():
			return nil
		}
	}
	return nil
}

func (n *Node) stopPeers(ctx context.Context) error {
	n.mu.Lock()
	started := n.started
	n.mu.Unlock()
	if !started {
		return nil
	}
	for _, p := range n.peerList() {
		p.post(peerEvent{kind: kindStop})
	}
	for _, p := range n.peerList() {
		select {
		case <-p.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (n *Node) closeListeners() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for l := range n.listeners {
		_ = l.Close()
	}
}

// Close cuts all connections and waits until nothing of the node runs any
// more, handlers included: so it must not be called by one, or by a hook.
// Pending requests end with an error.
func (n *Node) Close() error {
	n.draining.Store(true)
	n.closeListeners()
	n.mu.Lock()
	n.cancel() // from here on, enter lets nobody in
	n.mu.Unlock()
	n.pool.close()
	n.wg.Wait()
	return nil
}

// sinceStart is a clock reading that fits an atomic integer.
func (n *Node) sinceStart() int64 { return int64(time.Since(n.start)) }

func (n *Node) drop(c *conn, command uint32, reason DropReason) {
	if h := n.cfg.Hooks.Dropped; h != nil {
		h(DropInfo{Peer: c.host(), Command: command, Reason: reason})
	}
}
