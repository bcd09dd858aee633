package diameter

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// ExchangeFunc is [Node.Exchange] for those who do not want a goroutine to wait
// for each answer. done is called once with what Exchange would return, by a goroutine of
// the node's, often a connection's reader: it must not block. It may be called
// before ExchangeFunc returns. m must not change until then. At deadline the error is
// context.DeadlineExceeded; the zero deadline is RequestTimeout from now.
//
// If ExchangeFunc returns an error, done is not called.
func (n *Node) ExchangeFunc(deadline time.Time, m wire.Message, done func(wire.Message, error)) error {
	h, err := n.checkOutgoing(m)
	if err != nil {
		return err
	}
	n.inFlight.Add(1)
	if n.draining.Load() {
		n.inFlight.Add(-1)
		return ErrClosed
	}
	now := time.Now()
	if deadline.IsZero() {
		deadline = now.Add(n.cfg.RequestTimeout)
	}
	if !now.Before(deadline) {
		n.inFlight.Add(-1)
		return context.DeadlineExceeded
	}
	if h.EndToEnd == 0 {
		h.EndToEnd = n.ids.nextEndToEnd()
	}
	a := &asyncCall{node: n, m: m, h: h, deadline: deadline, done: done}
	c, err := n.route(m, h, nil)
	if err != nil {
		if !n.cfg.WaitForPeer {
			n.inFlight.Add(-1)
			return err
		}
		a.failOver(func(ctx context.Context, f *failOver) (wire.Message, error) { return f.unsent(ctx, err) })
		return nil
	}
	a.conn = c
	a.call.fn, a.call.told = a.finish, a.tell
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(deadline.Sub(now), a.expire)
	if a.id, err = n.begin(c, &a.call, m, h, 0); err != nil {
		a.timer.Stop()
		a.failOver(func(ctx context.Context, f *failOver) (wire.Message, error) { return f.unsent(ctx, err) })
	}
	return nil
}

// asyncCall is a request of ExchangeFunc: a call on one connection for as long
// as nothing goes wrong, and a failOver on a goroutine of its own once
// something does.
type asyncCall struct {
	node     *Node
	m        wire.Message
	h        wire.Header
	deadline time.Time
	done     func(wire.Message, error)
	timer    *time.Timer
	over     atomic.Bool // done was called, or is about to be

	// mu is held until the request was sent, for those who need to know what
	// follows.
	mu   sync.Mutex
	conn *conn
	id   uint32

	call    call
	trouble atomic.Pointer[failOver] // set once something has gone wrong
}

// end calls done, unless it has been.
func (a *asyncCall) end(m wire.Message, err error) {
	if !a.over.CompareAndSwap(false, true) {
		return
	}
	if a.timer != nil {
		a.timer.Stop()
	}
	a.node.inFlight.Add(-1)
	a.done(m, err)
}

// finish is the call's outcome: it is the end if all is well.
func (a *asyncCall) finish(m wire.Message, err error) {
	if a.trouble.Load() == nil && err == nil && tryElsewhere(m) == 0 {
		a.end(m, nil)
		return
	}
	a.event(tryEvent{notice: noticeDone, msg: m, err: err})
}

// tell is told that the call is slow, or its peer suspect.
func (a *asyncCall) tell(what notice) { a.event(tryEvent{notice: what}) }

// event hands a notice to the failOver, which it starts if there is none. Two
// notices don't come at once: all but the last come under the lock of the
// connection's table, the last when the call is not in it any more.
func (a *asyncCall) event(e tryEvent) {
	if f := a.trouble.Load(); f != nil {
		f.events <- e
		return
	}
	f := a.node.newFailOver(a.m, a.h)
	f.events <- e
	a.trouble.Store(f)
	a.run(func(ctx context.Context) (wire.Message, error) {
		a.mu.Lock() // the request has been sent
		f.tries = append(f.tries, try{conn: a.conn, id: a.id, call: &a.call, live: true})
		a.mu.Unlock()
		f.unanswered = 1
		return f.run(ctx)
	})
}

// failOver goes on with a request that was not sent.
func (a *asyncCall) failOver(begin func(context.Context, *failOver) (wire.Message, error)) {
	f := a.node.newFailOver(a.m, a.h)
	a.run(func(ctx context.Context) (wire.Message, error) { return begin(ctx, f) })
}

// run lets a failOver decide, on a goroutine of its own.
func (a *asyncCall) run(run func(context.Context) (wire.Message, error)) {
	// Who comes here is a goroutine of the node's, or holds a connection's
	// table, or is inside ExchangeFunc: Close still waits for somebody.
	a.node.wg.Go(func() {
		ctx, cancel := context.WithDeadline(context.Background(), a.deadline)
		defer cancel()
		a.end(run(ctx))
	})
}

// expire ends a request whose time is up. If a failOver has it, that looks at
// the time itself.
func (a *asyncCall) expire() {
	a.mu.Lock()
	c, id := a.conn, a.id
	a.mu.Unlock()
	if a.trouble.Load() != nil || c.pending.take(id) == nil {
		return
	}
	c.peer.Load().timeouts.Add(1)
	a.end(nil, context.DeadlineExceeded)
}
