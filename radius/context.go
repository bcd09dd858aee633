package radius

import (
	"context"
	"sync"
	"time"
)

// requestContext is the context of one request. It ends at the request's
// deadline, when the server is cut off, or when the request is over.
//
// Most requests are over before anyone asks for Done, so nothing is set up
// until then: a context.WithDeadline for every request would cost as much as
// the rest of the engine.
type requestContext struct {
	deadline time.Time
	open     *openContexts

	mu     sync.Mutex
	err    error
	done   chan struct{}
	timer  *time.Timer
	afters *after

	prev, next *requestContext // in open, guarded by its mu
}

// after is a function to call at the end. There is hardly ever more than one, so
// those that were stopped stay in the list.
type after struct {
	f    func() // nil: stopped, or called
	next *after
}

var _ context.Context = (*requestContext)(nil)

// closedChan is Done of a context that had ended before it was asked for.
var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Deadline implements context.Context.
func (c *requestContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Value implements context.Context; there are no values.
func (c *requestContext) Value(any) any { return nil }

// Err implements context.Context.
func (c *requestContext) Err() error {
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if err = c.open.err(); err == nil && !time.Now().Before(c.deadline) {
		err = context.DeadlineExceeded
	}
	if err == nil {
		return nil
	}
	return c.cancel(err)
}

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	if c.done != nil {
		defer c.mu.Unlock()
		return c.done
	}
	if c.err != nil {
		c.done = closedChan
		defer c.mu.Unlock()
		return c.done
	}
	done := make(chan struct{})
	c.done = done
	c.timer = time.AfterFunc(time.Until(c.deadline), func() { c.cancel(context.DeadlineExceeded) })
	c.mu.Unlock()
	if err := c.open.add(c); err != nil {
		c.cancel(err)
	}
	c.mu.Lock()
	over := c.err != nil
	c.mu.Unlock()
	if over { // perhaps before it was added
		c.open.remove(c)
	}
	return done
}

// AfterFunc is what context.WithCancel and its kin look for in a foreign
// parent, to follow it without a goroutine.
func (c *requestContext) AfterFunc(f func()) (stop func() bool) {
	c.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	a := &after{f, c.afters}
	c.afters = a
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		waiting := a.f != nil
		a.f = nil
		return waiting
	}
}

// cancel ends the context with err, unless it has ended, and returns the error
// that it ended with.
func (c *requestContext) cancel(err error) error {
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	c.err = err
	asked := c.done != nil
	if asked {
		close(c.done)
		c.timer.Stop()
	}
	for a := c.afters; a != nil; a = a.next {
		if a.f != nil {
			go a.f()
			a.f = nil
		}
	}
	c.afters = nil
	c.mu.Unlock()
	if asked {
		c.open.remove(c)
	}
	return err
}

// openContexts are the contexts of a server whose Done somebody waits for.
type openContexts struct {
	mu     sync.Mutex
	first  *requestContext
	closed error
}

func (o *openContexts) err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// add notes c, or returns why it has to end at once.
func (o *openContexts) add(c *requestContext) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed != nil {
		return o.closed
	}
	if c.next = o.first; c.next != nil {
		c.next.prev = c
	}
	o.first = c
	return nil
}

func (o *openContexts) remove(c *requestContext) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case c.prev != nil:
		c.prev.next = c.next
	case o.first == c:
		o.first = c.next
	default:
		return // it was never added
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
}

// close ends all contexts, and those to come, with err.
func (o *openContexts) close(err error) {
	o.mu.Lock()
	if o.closed == nil {
		o.closed = err
	}
	o.mu.Unlock()
	for {
		o.mu.Lock()
		c := o.first
		o.mu.Unlock()
		if c == nil {
			return
		}
		c.cancel(err)
		o.remove(c)
	}
}
