package swx

import (
	"context"
	"log/slog"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter/wire"
)

// AsyncNode is what a [Node] adds that needs no goroutine to wait for an
// answer. *diameter.Node is one.
type AsyncNode interface {
	Node
	// ExchangeFunc is Exchange, but for handing the outcome to done, which does
	// not block, and for needing the request's memory until then. If it fails
	// at once, done is not called.
	ExchangeFunc(deadline time.Time, req wire.Message, done func(wire.Message, error)) error
}

var _ aka.AsyncVectorSource = (*Client)(nil)

// VectorsAsync implements aka.AsyncVectorSource, if the node is an
// [AsyncNode].
func (c *Client) VectorsAsync(ctx context.Context, req aka.VectorRequest, done func([]aka.Vector, error)) bool {
	if c.async == nil {
		return false
	}
	a := &asyncVectors{c: c, req: req, done: done, info: MARInfo{IMSI: req.IMSI, Scheme: req.Scheme, Resync: req.Resync != nil}}
	if a.told = c.cfg.Hooks.MAR != nil || c.log.Enabled(ctx, slog.LevelDebug); a.told {
		a.begun = time.Now()
	}
	if left := c.cache.take(&req, time.Now()); left != nil {
		a.info.Cached = len(left)
		a.tell(left, nil)
		return true
	}
	a.deadline = time.Now().Add(c.cfg.Timeout)
	if d, ok := ctx.Deadline(); ok && (c.cfg.Timeout <= 0 || d.Before(a.deadline)) {
		a.deadline = d
	} else if c.cfg.Timeout <= 0 {
		a.deadline = time.Time{} // the node's own
	}
	msg, err := c.request(make([]byte, 0, requestRoom), &req, false)
	if err == nil {
		if err = c.async.ExchangeFunc(a.deadline, msg, a.answered); err != nil {
			err = unavailable("MAR", err)
		}
	}
	if err != nil {
		a.received(nil, err)
	}
	return true
}

// requestRoom is room enough for nearly every MAR.
const requestRoom = 448

// asyncVectors is a request for vectors that nobody waits for.
type asyncVectors struct {
	c        *Client
	req      aka.VectorRequest
	deadline time.Time
	done     func([]aka.Vector, error)
	info     MARInfo
	told     bool // somebody wants to know info
	begun    time.Time
}

func (a *asyncVectors) answered(ans wire.Message, err error) {
	if err != nil {
		a.received(nil, unavailable("MAR", err))
		return
	}
	vectors, err := a.c.answer(&a.req, ans)
	if server, ok := registeredAt(err); ok && a.c.cfg.TakeOver != nil {
		// It happens once in a server's failure, and TakeOver may want to think.
		go a.takeOver(server, err)
		return
	}
	a.received(vectors, err)
}

func (a *asyncVectors) takeOver(server string, err error) {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if !a.deadline.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, a.deadline)
	}
	defer cancel()
	var vectors []aka.Vector
	if a.c.takesOver(ctx, a.req.IMSI, server) {
		a.info.TookOver = true
		vectors, err = a.c.ask(ctx, &a.req, true)
	}
	a.received(vectors, err)
}

// received ends a request to the HSS.
func (a *asyncVectors) received(vectors []aka.Vector, err error) {
	a.info.Vectors = len(vectors)
	a.tell(a.c.cache.put(&a.req, vectors, time.Now()), err)
}

// tell tells those who want to know.
func (a *asyncVectors) tell(vectors []aka.Vector, err error) {
	if a.told {
		a.info.Elapsed, a.info.Err = time.Since(a.begun), err
		a.c.tell(context.Background(), a.info)
	}
	a.done(vectors, err)
}
