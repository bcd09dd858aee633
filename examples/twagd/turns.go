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
}

// take waits for the subscriber to be free, or for ctx to end. done ends the turn.
func (t *turns) take(ctx context.Context, subscriber string) (done func(), err error) {
	t.mu.Lock()
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
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.want--; own.want == 0 {
			delete(t.busy, subscriber)
		}
	}
	select {
	case <-own.free:
		return func() { own.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
