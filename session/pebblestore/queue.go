package pebblestore

import (
	"slices"
	"time"

	"github.com/opentwag/twag/session"
)

const (
	// gatherTarget is the number of changes in a batch from which on more of
	// them save little.
	gatherTarget = 64
	// maxBatch is how many changes are written at once.
	maxBatch = 1024
	// probeEvery is how many batches there are between two looks whether waiting
	// longer would bring more.
	probeEvery = 64
	// maxQueueOctets is how much may wait, a single change excepted.
	maxQueueOctets = 64 << 20
	// maxChangeOctets is what a change may have. Larger ones were hardly meant.
	maxChangeOctets = 256 << 20
)

// queue is where changes wait for the committer. The store's mu guards it.
type queue struct {
	waiting []*request
	octets  int
	// want is how many changes the committer sleeps for; 0: it is awake.
	want int
	kick chan struct{} // has one place
}

// put adds a request and wakes the committer if it has waited for that.
func (q *queue) put(r *request) {
	q.waiting = append(q.waiting, r)
	q.octets += r.octets
	if q.want > 0 && len(q.waiting) >= q.want {
		q.wake()
	}
}

func (q *queue) wake() {
	q.want = 0
	select {
	case q.kick <- struct{}{}:
	default:
	}
}

// take moves the oldest requests, at most maxBatch and maxOctets or a single
// one, to buf.
func (q *queue) take(buf []*request, maxOctets int) []*request {
	n, octets := 0, 0
	for n < len(q.waiting) && n < maxBatch {
		if octets += q.waiting[n].octets; n > 0 && octets > maxOctets {
			octets -= q.waiting[n].octets
			break
		}
		n++
	}
	buf = append(buf, q.waiting[:n]...)
	rest := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[rest:])
	q.waiting = q.waiting[:rest]
	q.octets -= octets
	return buf
}

// giveBack puts requests before all others.
func (q *queue) giveBack(held []*request) {
	q.waiting = slices.Insert(q.waiting, 0, held...)
	for _, r := range held {
		q.octets += r.octets
	}
}

// gatherer decides how long the committer waits for more changes. It waits for
// as many as lately came while it waited at most (ceiling). From time to time, under
// load, it tries whether more would come; a lone change finds a ceiling of 1.
type gatherer struct {
	delay   time.Duration
	ceiling int
	last    int // size of the batch before
	batches int
}

// want returns for how many changes to wait, given those that are there.
func (g *gatherer) want(waiting int) int {
	if g.delay <= 0 {
		return waiting
	}
	if g.last >= 2 && g.batches%probeEvery == 0 {
		return gatherTarget
	}
	return min(g.ceiling, gatherTarget)
}

// timedOut: no more than n came within the delay.
func (g *gatherer) timedOut(n int) { g.ceiling = max(n, 1) }

// idle: nothing at all came for longer than the delay.
func (g *gatherer) idle() { g.ceiling, g.last = 1, 0 }

// took: n changes were taken.
func (g *gatherer) took(n int) {
	g.ceiling = max(g.ceiling, min(n, gatherTarget))
	g.last = n
	g.batches++
}

// enqueue gives a request to the committer.
func (s *Store) enqueue(r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return session.ErrClosed
	case s.engine == nil:
		return errFailed
	case len(s.queue.waiting) >= s.cfg.MaxQueue, s.queue.octets > 0 && s.queue.octets+r.octets > maxQueueOctets:
		return errQueue
	case r.octets > maxChangeOctets:
		return errTooLarge
	}
	s.queue.put(r)
	return nil
}

// next waits for requests and returns those for the next batch, in buf; false
// when the engine is no longer the store's, or when the store is being closed and nothing waits.
func (s *Store) next(e *engine, g *gatherer, timer *time.Timer, buf []*request) ([]*request, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue.waiting) == 0 {
		if s.engine != e || s.closing {
			return buf, false
		}
		since := time.Now()
		s.sleep(1, nil)
		if time.Since(since) > 2*g.delay {
			g.idle()
		}
	}
	if n := len(s.queue.waiting); n < g.want(n) && !s.closing {
		timer.Reset(g.delay)
		if s.sleep(g.want(n), timer.C) {
			g.timedOut(len(s.queue.waiting))
		}
		timer.Stop()
	}
	if s.engine != e {
		return buf, false
	}
	buf = s.queue.take(buf, s.maxBatchOctets)
	g.took(len(buf))
	return buf, true
}

// sleep lets go of mu until there are n requests, somebody wakes the committer, or the
// time is over, which it reports.
func (s *Store) sleep(n int, after <-chan time.Time) (over bool) {
	select {
	case <-s.queue.kick: // an old one
	default:
	}
	s.queue.want = n
	s.mu.Unlock()
	select {
	case <-s.queue.kick:
	case <-after:
		over = true
	}
	s.mu.Lock()
	s.queue.want = 0
	return over
}
