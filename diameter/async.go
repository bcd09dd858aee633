package diameter

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// ExchangeFunc is [Node.Exchange] for those who do not want a goroutine to wait
// for each answer. done is called once with what Exchange would return, by a
// goroutine of the node's, often a connection's reader: it must not block, and
// a panic in it is logged the first time. It may be called before ExchangeFunc
// returns. m must not change until then. At deadline the error is
// context.DeadlineExceeded; the zero deadline is RequestTimeout from now.
// Shutdown and Close wait for done, which must not call them.
//
// If ExchangeFunc returns an error, done is not called.
func (n *Node) ExchangeFunc(deadline time.Time, m wire.Message, done func(wire.Message, error)) error {
	h, err := n.checkOutgoing(m)
	if err != nil {
		return err
	}
	n.inFlight.Add(1)
	if err = n.exchangeFunc(deadline, m, h, done); err != nil {
		n.inFlight.Add(-1)
	}
	return err
}

func (n *Node) exchangeFunc(deadline time.Time, m wire.Message, h wire.Header, done func(wire.Message, error)) error {
	if n.draining.Load() {
		return ErrClosed
	}
	now := time.Now()
	if deadline.IsZero() {
		deadline = now.Add(n.cfg.RequestTimeout)
	}
	if !now.Before(deadline) {
		return context.DeadlineExceeded
	}
	if h.EndToEnd == 0 {
		h.EndToEnd = n.ids.nextEndToEnd()
	}
	a := &asyncCall{node: n, m: m, h: h, deadline: deadline, done: done}
	if a.conn, a.unsent = n.route(m, h, nil); a.unsent != nil {
		if !n.cfg.WaitForPeer {
			return a.unsent
		}
		return a.failOver()
	}
	a.call.fn, a.call.told = a.finish, a.tell
	a.mu.Lock()
	a.timer = time.AfterFunc(deadline.Sub(now), a.expire)
	a.id, a.unsent = n.begin(a.conn, &a.call, m, h, 0)
	stuck := a.unsent != nil
	a.mu.Unlock()
	if !stuck || a.trouble.Load() != nil {
		return nil
	}
	a.timer.Stop()
	return a.failOver()
}

// asyncCall is a request of ExchangeFunc: a call on one connection for as long
// as nothing goes wrong, and a failOver on a goroutine of its own once
// something does.
//
// It ends once: with the outcome of the call if there is no trouble, at the
// deadline if there is none and the call is still in its connection's table,
// else with the outcome of the failOver.
type asyncCall struct {
	node     *Node
	m        wire.Message
	h        wire.Header
	deadline time.Time
	done     func(wire.Message, error)
	timer    *time.Timer

	// mu is held until it is known whether the request was sent, for those who
	// need to know what follows.
	mu     sync.Mutex
	conn   *conn
	id     uint32
	unsent error // why it was not

	call    call
	trouble atomic.Pointer[failOver] // set once something has gone wrong
}

// end calls done.
func (a *asyncCall) end(m wire.Message, err error) {
	if a.timer != nil {
		a.timer.Stop()
	}
	defer a.node.inFlight.Add(-1)
	defer rescue(a.node.cfg.Logger, "ExchangeFunc", &a.node.donePanicked, nil)
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
	// Who comes here is one of the connection's goroutines, or holds its table,
	// for which they wait: Close still waits for them.
	a.node.wg.Go(func() { a.run(f) })
}

// failOver goes on with a request that was not sent.
func (a *asyncCall) failOver() error {
	if !a.node.enter() {
		return ErrClosed
	}
	go func() {
		defer a.node.wg.Done()
		a.run(a.node.newFailOver(a.m, a.h))
	}()
	return nil
}

// run lets a failOver decide, on a goroutine of its own.
func (a *asyncCall) run(f *failOver) {
	ctx, cancel := context.WithDeadline(context.Background(), a.deadline)
	defer cancel()
	a.mu.Lock()
	c, id, unsent := a.conn, a.id, a.unsent
	a.mu.Unlock()
	if unsent != nil {
		a.end(f.unsent(ctx, unsent))
		return
	}
	f.tries = append(f.tries, try{conn: c, id: id, call: &a.call, live: true})
	f.unanswered = 1
	a.end(f.run(ctx))
}

// expire ends a request whose time is up. If a failOver has it, that looks at
// the time itself; and if the node is being closed, so does the connection.
func (a *asyncCall) expire() {
	a.mu.Lock()
	c, id, unsent := a.conn, a.id, a.unsent
	a.mu.Unlock()
	if unsent != nil || a.trouble.Load() != nil || !a.node.enter() {
		return
	}
	defer a.node.wg.Done()
	// No notice comes once the call is taken.
	if c.pending.take(id) == nil || a.trouble.Load() != nil {
		return
	}
	c.peer.Load().timeouts.Add(1)
	a.end(nil, context.DeadlineExceeded)
}
