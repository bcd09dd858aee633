package main

import (
	"context"
	"sync"
)

// turns lets one at a time do something about a subscriber. It holds no more than those who do
// or wait. The zero value is free for all.
type turns struct {
	mu   sync.Mutex
	busy map[string]*turn
}

type turn struct {
	free chan struct{} // has one element while it is nobody's
	want int           // who have it or wait for it

	hurry int                // who have it or wait for it by take
	stop  context.CancelFunc // of who has borrowed it
}

// take waits for the subscriber to be free, or for ctx to end. done ends the turn.
func (t *turns) take(ctx context.Context, subscriber string) (done func(), err error) {
	own := t.join(subscriber, 1)
	if err := own.wait(ctx); err != nil {
		t.leave(subscriber, own, 1)
		return nil, err
	}
	return func() { own.free <- struct{}{}; t.leave(subscriber, own, 1) }, nil
}

// borrow is take for who can be broken off: the context that it returns ends when somebody takes
// the turn.
func (t *turns) borrow(ctx context.Context, subscriber string) (_ context.Context, done func(), err error) {
	own := t.join(subscriber, 0)
	if err := own.wait(ctx); err != nil {
		t.leave(subscriber, own, 0)
		return nil, nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	t.mu.Lock()
	own.stop = stop
	if own.hurry > 0 {
		stop()
	}
	t.mu.Unlock()
	return ctx, func() {
		stop()
		t.mu.Lock()
		own.stop = nil
		t.mu.Unlock()
		own.free <- struct{}{}
		t.leave(subscriber, own, 0)
	}, nil
}

func (t *turns) join(subscriber string, hurry int) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy == nil {
		t.busy = make(map[string]*turn)
	}
	own := t.busy[subscriber]
	if own == nil {
		own = &turn{free: make(chan struct{}, 1)}
		own.free <- struct{}{}
		t.busy[subscriber] = own
	}
	own.want++
	own.hurry += hurry
	if hurry > 0 && own.stop != nil {
		own.stop()
	}
	return own
}

func (t *turns) leave(subscriber string, own *turn, hurry int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own.hurry -= hurry
	if own.want--; own.want == 0 {
		delete(t.busy, subscriber)
	}
}

func (t *turn) wait(ctx context.Context) error {
	select {
	case <-t.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
