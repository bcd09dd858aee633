package faulttest

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Queue has the faults, of type F, that were ordered. They strike in that
// order, one at a time. The zero value is empty; it costs an atomic load while
// it is. It is safe for concurrent use.
type Queue[F any] struct {
	some atomic.Bool

	mu    sync.Mutex
	queue []entry[F]
}

type entry[F any] struct {
	fault F
	left  int // how often it strikes yet; 0: for ever
}

// Add orders a fault that strikes so many times; 0 times: until Clear.
func (q *Queue[F]) Add(f F, times int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, entry[F]{f, times})
	q.some.Store(true)
}

// Clear drops all faults.
func (q *Queue[F]) Clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = nil
	q.some.Store(false)
}

// Empty reports whether there is no fault.
func (q *Queue[F]) Empty() bool { return !q.some.Load() }

// Next returns the first fault that matches, which has then struck once, if
// there is one. matches is called with the queue locked.
func (q *Queue[F]) Next(matches func(F) bool) (f F, struck bool) {
	if q.Empty() {
		return f, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.queue, func(e entry[F]) bool { return matches(e.fault) })
	if i < 0 {
		return f, false
	}
	e := &q.queue[i]
	f = e.fault
	if e.left > 0 {
		if e.left--; e.left == 0 {
			q.queue = slices.Delete(q.queue, i, i+1)
			q.some.Store(len(q.queue) > 0)
		}
	}
	return f, true
}
