package radius

import (
	"sync"
	"time"
)

// pool runs requests on goroutines of its own: at most max of them, each with
// one request at a time, with a bounded queue before them.
//
// A request never waits behind one that blocks, as long as there are workers
// to be had; yet one worker can serve a whole burst when nothing blocks. To
// that end a worker that takes a request while others are queued first wakes
// another worker, and there is at most one such wake under way: if the first
// worker blocks, the second takes over, else the first has often emptied the
// queue before the second comes to look.
//
// Answers take part in this. As long as a wake is under way they may be held
// back, to be sent in one go: the worker that comes to look at the queue will
// send them, or leave them to the next if it wakes another. So nothing is held
// while a handler blocks, unless a worker is on its way.
//
// Idle workers are reused last in, first out. Those that were not needed for a
// whole period retire.
type pool struct {
	run  func(*request)
	send func(*outBatch)
	max  int

	wg sync.WaitGroup

	mu      sync.Mutex
	queue   []*request // ring
	head, n int
	idle    []*worker
	workers int
	waking  bool // a worker was told to look at the queue and has not yet
	closed  bool
	bursts  int       // readers that are handling what they have read
	held    *outBatch // answers that are held back; nil is none
	minIdle int       // lowest len(idle) in this period
	retire  *time.Timer
}

// retirePeriod is how long a worker is kept that is not needed.
const retirePeriod = 10 * time.Second

type worker struct {
	wake chan bool // true: look at the queue; false: end
}

func newPool(run func(*request), send func(*outBatch), workers, queue int) *pool {
	return &pool{run: run, send: send, max: workers, queue: make([]*request, queue)}
}

// submit queues as many of the requests as there is room for, and returns how
// many. The order is kept.
func (p *pool) submit(rs []*request) int {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return 0
	}
	n := min(len(rs), len(p.queue)-p.n)
	for _, r := range rs[:n] {
		p.queue[(p.head+p.n)%len(p.queue)] = r
		p.n++
	}
	w := p.wakeLocked()
	p.mu.Unlock()
	if w != nil {
		w.wake <- true
	}
	return n
}

// room tells whether the queue has room for n more.
func (p *pool) room(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closed && p.n+n <= len(p.queue)
}

// wakeLocked sees to it that somebody looks at the queue if it is not empty.
// The caller wakes the worker that it returns, if any, after unlocking.
func (p *pool) wakeLocked() *worker {
	if p.n == 0 || p.waking {
		return nil
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.minIdle = min(p.minIdle, n-1)
		p.waking = true
		return w
	}
	if p.workers < p.max {
		p.workers++
		p.waking = true
		w := &worker{wake: make(chan bool, 1)}
		if p.retire == nil {
			p.retire = time.AfterFunc(retirePeriod, p.tick)
		}
		p.wg.Go(func() { p.work(w) })
	}
	return nil
}

// work is a worker's life. It starts as if it had just been woken.
func (p *pool) work(w *worker) {
	defer func() {
		// Also when a handler ended the goroutine with runtime.Goexit.
		p.mu.Lock()
		p.workers--
		next := p.wakeLocked()
		held := p.takeHeldLocked()
		p.mu.Unlock()
		if next != nil {
			next.wake <- true
		}
		if held != nil {
			p.send(held)
		}
	}()
	look := true
	for look {
		for r := p.next(w, look); r != nil; r = p.next(w, false) {
			p.run(r)
		}
		look = <-w.wake
	}
}

// next returns the next request for worker w, nil if there is none; then w is
// idle, and is told by w.wake what to do. woken tells that w comes because it
// was woken.
func (p *pool) next(w *worker, woken bool) *request {
	p.mu.Lock()
	if woken {
		p.waking = false
	}
	if p.n == 0 {
		if p.closed {
			w.wake <- false
		} else {
			p.idle = append(p.idle, w)
		}
		held := p.takeHeldLocked()
		p.mu.Unlock()
		if held != nil {
			p.send(held)
		}
		return nil
	}
	r := p.queue[p.head]
	p.queue[p.head] = nil
	p.head = (p.head + 1) % len(p.queue)
	p.n--
	another := p.wakeLocked()
	held := p.takeHeldLocked()
	p.mu.Unlock()
	if another != nil {
		another.wake <- true
	}
	if held != nil {
		p.send(held)
	}
	return r
}

// hold takes an answer that is to be sent. direct tells the caller to send it
// at once; batch, if not nil, to send that, which it is part of.
func (p *pool) hold(o outgoing) (direct bool, batch *outBatch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.holdingLocked() && p.held == nil {
		return true, nil
	}
	if p.held == nil {
		p.held = outBatches.Get().(*outBatch)
	}
	p.held.o[p.held.n] = o
	p.held.n++
	if p.holdingLocked() && p.held.n < maxHeld {
		return false, nil
	}
	batch, p.held = p.held, nil
	return false, batch
}

// beginBurst tells that a reader handles what it has read itself: answers are
// held back until endBurst.
func (p *pool) beginBurst() {
	p.mu.Lock()
	p.bursts++
	p.mu.Unlock()
}

// endBurst ends what beginBurst began, and returns what is to be sent.
func (p *pool) endBurst() *outBatch {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bursts--
	return p.takeHeldLocked()
}

// holdingLocked tells whether somebody is on his way who will send what is
// held back.
func (p *pool) holdingLocked() bool { return p.waking || p.bursts > 0 }

// takeHeldLocked returns what is held back, unless somebody is on his way who
// will see to it.
func (p *pool) takeHeldLocked() *outBatch {
	if p.holdingLocked() {
		return nil
	}
	held := p.held
	p.held = nil
	return held
}

// tick ends the workers that were idle for the whole of the last period: those
// at the bottom of the stack.
func (p *pool) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	n := min(p.minIdle, len(p.idle))
	for _, w := range p.idle[:n] {
		w.wake <- false
	}
	p.idle = append(p.idle[:0], p.idle[n:]...)
	p.minIdle = len(p.idle)
	p.retire.Reset(retirePeriod)
}

// close refuses new requests. The workers finish what is queued and end;
// wg.Wait waits for them.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	if p.retire != nil {
		p.retire.Stop()
	}
	for _, w := range p.idle {
		w.wake <- false
	}
	p.idle = nil
}

// empty takes all requests out of the queue.
func (p *pool) empty() []*request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var rs []*request
	for ; p.n > 0; p.n-- {
		rs = append(rs, p.queue[p.head])
		p.queue[p.head] = nil
		p.head = (p.head + 1) % len(p.queue)
	}
	return rs
}

// load returns the length of the queue and the number of workers.
func (p *pool) load() (queued, workers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n, p.workers
}
