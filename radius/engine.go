package radius

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius/internal/wire"
)

// engine is the running part of a [Server]: made once, when the server starts,
// from a copy of its fields.
type engine struct {
	clients     ClientSource
	handler     layeh.Handler
	inline      bool // the readers call the handler
	codes       [256]bool
	statusReply byte
	timeout     time.Duration
	log         *slog.Logger
	hooks       Hooks
	start       time.Time

	pool  *pool
	dups  *duplicates
	open  openContexts
	count counters
	auth  limiter // log lines about failed authentication

	readers   sync.WaitGroup
	suspended atomic.Int64  // requests whose handlers go on later
	drained   chan struct{} // closed when nothing of ours runs any more
	drain     sync.Once

	mu       sync.Mutex
	carriers map[carrier]struct{}
	locals   uint16
	closed   bool
}

func newEngine(s *Server) (*engine, error) {
	if s.Handler == nil {
		return nil, errors.New("radius: Server.Handler is nil")
	}
	if s.Clients == nil {
		return nil, errors.New("radius: Server.Clients is nil")
	}
	e := &engine{
		clients:  s.Clients,
		handler:  s.Handler,
		timeout:  orDefault(s.Timeout, defaultTimeout),
		log:      s.Logger,
		hooks:    s.Hooks,
		start:    time.Now(),
		drained:  make(chan struct{}),
		carriers: make(map[carrier]struct{}),
	}
	if h, ok := s.Handler.(NonBlocking); ok {
		e.inline = h.NonBlocking()
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if subnets, ok := s.Clients.(Subnets); ok {
		t, err := NewClientTable(subnets)
		if err != nil {
			return nil, err
		}
		e.clients = t
	}
	codes := s.Codes
	if codes == nil {
		codes = []layeh.Code{layeh.CodeAccessRequest, layeh.CodeAccountingRequest}
	}
	for _, c := range codes {
		switch c {
		case layeh.CodeAccessRequest, layeh.CodeAccountingRequest,
			layeh.CodeCoARequest, layeh.CodeDisconnectRequest:
			e.codes[c] = true
		default:
			return nil, fmt.Errorf("radius: Server.Codes: %v is not a request that a handler can take", c)
		}
	}
	switch {
	case e.codes[wire.AccessRequest]:
		e.statusReply = wire.AccessAccept
	case e.codes[wire.AccountingRequest]:
		e.statusReply = wire.AccountingResponse
	}
	e.codes[wire.StatusServer] = e.statusReply != 0 && !s.IgnoreStatusServer

	workers := orDefault(s.Workers, defaultWorkers)
	queue := orDefault(s.Queue, defaultQueue)
	remember := orDefault(s.Remember, defaultRemember)
	if e.timeout < 0 || workers < 0 || queue < 0 || remember < 0 {
		return nil, errors.New("radius: Server.Timeout, Workers, Queue and Remember must not be negative")
	}
	e.pool = newPool(e.serve, e.send, workers, queue)
	e.dups = newDuplicates(remember, e.timeout, orDefault(s.ReplyLifetime, defaultReplyLifetime))
	return e, nil
}

func orDefault[T int | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// attach notes a carrier; it fails when the server is closed. The caller calls
// e.readers.Done when its reader has ended.
func (e *engine) attach(c carrier) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrServerClosed
	}
	e.carriers[c] = struct{}{}
	e.readers.Add(1)
	return nil
}

// newLocal returns a number for a local address, for the duplicate cache.
func (e *engine) newLocal() uint16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.locals++
	return e.locals
}

// Pauses after a read that failed, so that a broken socket costs no core.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// read is a reader's life: it ends with ErrServerClosed when the server is
// closed, or with the error of a socket that is closed under it.
func (e *engine) read(c carrier, local uint16) error {
	var (
		batch []*request
		pause time.Duration
		reply [wire.MaxLen]byte
	)
	for {
		n, err := c.read()
		if err != nil {
			if e.isClosed() {
				return ErrServerClosed
			}
			if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
				return err
			}
			// Such as an ICMP error that belongs to somebody else's
			// datagram: the socket is still good.
			pause = min(max(2*pause, minPause), maxPause)
			e.log.Warn("RADIUS read failed", "local", c.localAddr().String(), "error", err, "pause", pause)
			time.Sleep(pause)
			continue
		}
		pause = 0
		now := time.Now()
		e.count.datagrams.Add(uint64(n))
		if e.inline {
			e.readInline(c, local, n, now, reply[:0])
			continue
		}
		for i := range n {
			b, from := c.datagram(i)
			if r := e.receive(c, local, b, from, now, len(batch), reply[:0]); r != nil {
				batch = append(batch, r)
			}
		}
		if len(batch) > 0 {
			for _, r := range batch[e.pool.submit(batch):] {
				e.dropQueued(r, DropQueueFull)
			}
			clear(batch)
			batch = batch[:0]
		}
	}
}

// readInline handles the n datagrams that c has read. Their answers leave
// together.
func (e *engine) readInline(c carrier, local uint16, n int, now time.Time, scratch []byte) {
	e.pool.beginBurst()
	for i := range n {
		b, from := c.datagram(i)
		if r := e.receive(c, local, b, from, now, 0, scratch); r != nil {
			r.inline = true
			e.serve(r)
		}
	}
	if held := e.pool.endBurst(); held != nil {
		e.send(held)
	}
}

// receive takes a datagram through all checks. It returns the request that is
// to be queued, if any. ahead is the number of requests that wait to be
// queued; scratch has room for a reply.
func (e *engine) receive(c carrier, local uint16, b []byte, from *path, now time.Time, ahead int, scratch []byte) *request {
	pkt, err := wire.Cut(b)
	if err != nil {
		e.drop(DropLength, nil, from, len(b))
		return nil
	}
	client := e.clients.Client(from.remote.Addr())
	if client == nil {
		e.drop(DropUnknownSource, nil, from, len(b))
		return nil
	}
	if !e.codes[pkt[0]] {
		e.drop(DropCode, client, from, len(b))
		return nil
	}
	layout, err := wire.Scan(pkt)
	if err != nil {
		reason := DropMalformed
		if errors.Is(err, wire.ErrMessageAuthenticatorForm) {
			reason = DropBadMessageAuthenticator
		}
		e.drop(reason, client, from, len(b))
		return nil
	}
	if reason := client.authenticate(pkt, layout); reason != 0 {
		e.drop(reason, client, from, len(b))
		return nil
	}
	if pkt[0] == wire.StatusServer {
		e.status(c, client, pkt, from, now, scratch)
		return nil
	}

	since := now.Sub(e.start)
	state, ref, again := e.dups.begin(since, newDupKey(from.remote, local, pkt[0], pkt[1]), pkt, scratch)
	switch state {
	case dupInProgress:
		e.drop(DropInProgress, client, from, len(b))
		return nil
	case dupAnswered:
		e.resend(c, client, pkt, from, again)
		return nil
	}
	if !e.inline && !e.pool.room(ahead+1) {
		e.dups.forget(ref)
		e.drop(DropQueueFull, client, from, len(b))
		return nil
	}
	r := &request{
		eng:      e,
		carrier:  c,
		client:   client,
		pkt:      append(make([]byte, 0, len(pkt)), pkt...),
		layout:   layout,
		received: now,
		ref:      ref,
		back:     *from,
	}
	copy(r.auth[:], pkt[4:wire.HeaderLen])
	r.ctx.deadline = now.Add(e.timeout)
	r.ctx.open = &e.open

	e.count.requests[pkt[0]].Add(1)
	if e.hooks.Received != nil {
		e.hooks.Received(r.info())
	}
	if e.log.Enabled(context.Background(), slog.LevelDebug) {
		e.logReceived(r.info())
	}
	return r
}

// serve runs the handler for a request, or the rest of it; it is what workers
// do.
func (e *engine) serve(r *request) {
	rest := r.rest
	r.rest = nil // lest who keeps the request keeps what its handler had
	// What a reader has just read has not waited. A handler that has suspended its work gets
	// to end it, though it can't answer any more.
	waited := !r.inline || rest != nil
	if waited && !time.Now().Before(r.ctx.deadline) && !r.suspended.Load() {
		e.dropQueued(r, DropExpired)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			e.panicked(r, v)
			r.resume() // or nobody would
		}
		if rest == nil && r.handedOff.Load() {
			return // the handler goes on, on a worker
		}
		r.handled.Store(true)
		r.release()
	}()
	if rest != nil {
		rest()
		return
	}
	e.handler.ServeRADIUS(r, r.parse())
}

// panicked gives up a request whose handler has panicked with v.
func (e *engine) panicked(r *request, v any) {
	r.Discard()
	e.count.panics.Add(1)
	e.log.Error("RADIUS handler panicked", "nas", r.back.remote.Addr(), "client", r.client.Name(),
		"code", layeh.Code(r.pkt[0]).String(), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	if e.hooks.Panic != nil {
		e.hooks.Panic(r.info(), v)
	}
}

// resend answers a repetition with the octets of the first answer.
func (e *engine) resend(c carrier, client *Client, pkt []byte, from *path, reply []byte) {
	e.count.resent.Add(1)
	if err := c.write(reply, from); err != nil {
		e.count.sendErrors.Add(1)
	}
	if e.hooks.Duplicate != nil {
		e.hooks.Duplicate(requestInfo(client, pkt, from))
	}
}

// status answers a Status-Server, which is not repeated and goes to no
// handler. RFC 5997, section 4.2.
func (e *engine) status(c carrier, client *Client, pkt []byte, from *path, now time.Time, b []byte) {
	var auth [wire.AuthenticatorLen]byte
	copy(auth[:], pkt[4:wire.HeaderLen])
	e.count.requests[wire.StatusServer].Add(1)
	info := requestInfo(client, pkt, from)
	if e.hooks.Received != nil {
		e.hooks.Received(info)
	}
	b = wire.AppendHeader(b, e.statusReply, pkt[1], &auth)
	b = wire.AppendMessageAuthenticator(b)
	mac := len(b) - wire.AuthenticatorLen
	b, err := appendProxyState(b, pkt)
	if err != nil {
		return // Proxy-State of 4 KiB: not a monitor
	}
	wire.SetLength(b)
	client.key.SignReply(b, mac, &auth)
	err = c.write(b, from)
	e.sent(info, b, time.Since(now), err)
}

func (e *engine) sent(req RequestInfo, reply []byte, elapsed time.Duration, err error) {
	if err != nil {
		e.count.sendErrors.Add(1)
	} else {
		e.count.replies[reply[0]].Add(1)
	}
	if e.hooks.Sent != nil {
		e.hooks.Sent(ReplyInfo{Request: req, Code: layeh.Code(reply[0]), Octets: len(reply), Elapsed: elapsed, Err: err})
	}
}

// drop counts a datagram that gets no answer.
func (e *engine) drop(reason DropReason, client *Client, from *path, octets int) {
	e.count.dropped[reason].Add(1)
	switch reason {
	case DropNoMessageAuthenticator, DropBadMessageAuthenticator, DropBadAuthenticator:
		e.logNotAuthentic(reason, client, from)
	}
	if e.hooks.Dropped != nil {
		e.hooks.Dropped(DropInfo{Reason: reason, Client: client, Remote: from.remote, Octets: octets})
	}
}

// dropQueued drops a request that had passed all checks.
func (e *engine) dropQueued(r *request, reason DropReason) {
	if r.state.CompareAndSwap(reqOpen, reqOver) {
		e.dups.forget(r.ref)
	}
	e.drop(reason, r.client, &r.back, len(r.pkt))
}

func requestInfo(client *Client, pkt []byte, from *path) RequestInfo {
	return RequestInfo{
		Client:     client,
		Remote:     from.remote,
		Code:       layeh.Code(pkt[0]),
		Identifier: pkt[1],
		Octets:     len(pkt),
	}
}

func (e *engine) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// stop ends reading; what was accepted goes on. drained is closed when it is
// all over.
func (e *engine) stop() {
	e.mu.Lock()
	e.closed = true
	for c := range e.carriers {
		c.stopReading()
	}
	e.mu.Unlock()
	e.drain.Do(func() {
		go func() {
			e.readers.Wait()
			e.awaitSuspended()
			e.pool.close()
			e.pool.wg.Wait()
			e.cut()
			close(e.drained)
		}()
	})
}

// awaitSuspended waits for the handlers that go on later: until their
// requests' time is up, or the server is cut off.
func (e *engine) awaitSuspended() {
	for end := time.Now().Add(e.timeout); e.suspended.Load() > 0 && time.Now().Before(end) && e.open.err() == nil; {
		time.Sleep(2 * time.Millisecond)
	}
}

// cut ends the contexts of all requests, drops those in the queue, and closes
// the sockets.
func (e *engine) cut() {
	e.open.close(context.Canceled)
	for _, r := range e.pool.empty() {
		e.dropQueued(r, DropExpired)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.carriers {
		_ = c.close()
		delete(e.carriers, c)
	}
}
