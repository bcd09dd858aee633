package session

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ending takes up the sessions that are due. It has the shape of tasks, but what is
// to be done is decided anew from the session as it is.
type ending struct {
	m     *Manager
	queue chan ID

	mu     sync.Mutex
	busy   map[ID]struct{} // queued or being looked at
	failed map[ID]failure  // to be tried later; at most sweepBatch
}

type failure struct {
	attempts uint32
	next     time.Time
}

const (
	maxEndWait = time.Minute
	// forgetFailure is how long after its time a failure that nobody tried again is
	// remembered: its session is no longer due.
	forgetFailure = time.Minute
)

// offer queues a session that is due, and reports whether there may be room
// for another. One that finds no room is found again by the next sweep, and so is
// one that failed a short while ago: it must not take the place of others.
func (q *ending) offer(id ID, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.busy[id]; ok || q.failed[id].next.After(now) {
		return true
	}
	select {
	case q.queue <- id:
		q.busy[id] = struct{}{}
		return true
	default:
		return false
	}
}

// work looks at queued sessions until ctx ends.
func (q *ending) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-q.queue:
			now := time.Now()
			err := q.m.endDue(ctx, id, now)
			if errors.Is(err, ErrConflict) {
				err = nil // somebody else was faster; the next sweep looks again
			}
			q.done(id, now, err)
			if err != nil {
				q.m.logFailed(ctx, now, id, err)
			}
		}
	}
}

func (q *ending) done(id ID, now time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, id)
	f, known := q.failed[id]
	switch {
	case err == nil:
		delete(q.failed, id)
	case known || len(q.failed) < sweepBatch:
		q.failed[id] = failure{f.attempts + 1, now.Add(backOff(f.attempts, maxEndWait))}
	}
}

// forget removes failures that nobody asks for any more.
func (q *ending) forget(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, f := range q.failed {
		if _, busy := q.busy[id]; !busy && now.Sub(f.next) > forgetFailure {
			delete(q.failed, id)
		}
	}
}
