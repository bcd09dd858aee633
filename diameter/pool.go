package diameter

import "sync"

// job is a request that waits for, or is with, a handler.
type job struct {
	conn    *conn
	buf     *[]byte // of the message, from messageBuffers
	handler Handler
}

// pool runs jobs on a bounded number of goroutines. The one that became idle
// last is used first.
type pool struct {
	maxWorkers int
	maxQueue   int
	wg         *sync.WaitGroup
	run        func(*Request, job)

	mu      sync.Mutex // guards the following
	idle    []chan job
	queue   []job // only while all workers are busy
	head    int
	workers int
	closed  bool
}

// poolKeepIdle is how many workers stay when there's nothing to do.
const poolKeepIdle = 64

func newPool(maxWorkers, maxQueue int, wg *sync.WaitGroup, run func(*Request, job)) *pool {
	return &pool{maxWorkers: maxWorkers, maxQueue: maxQueue, wg: wg, run: run}
}

// submit returns false if there is no room for j.
func (p *pool) submit(j job) bool {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return false
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		w <- j
		return true
	}
	defer p.mu.Unlock()
	if p.workers < p.maxWorkers {
		p.workers++
		p.wg.Go(func() { p.work(j) })
		return true
	}
	if len(p.queue)-p.head >= p.maxQueue {
		return false
	}
	if p.head > 0 && len(p.queue) == cap(p.queue) {
		n := copy(p.queue, p.queue[p.head:])
		clear(p.queue[n:])
		p.queue, p.head = p.queue[:n], 0
	}
	p.queue = append(p.queue, j)
	return true
}

// work is a worker's goroutine.
func (p *pool) work(j job) {
	var r Request
	inbox := make(chan job, 1)
	for {
		p.run(&r, j)
		p.mu.Lock()
		if p.head < len(p.queue) {
			j = p.queue[p.head]
			p.queue[p.head] = job{}
			p.head++
			p.mu.Unlock()
			continue
		}
		if p.closed || len(p.idle) >= poolKeepIdle {
			p.workers--
			p.mu.Unlock()
			return
		}
		p.idle = append(p.idle, inbox)
		p.mu.Unlock()
		var ok bool
		if j, ok = <-inbox; !ok {
			return
		}
	}
}

// close ends the idle workers, and the others when they are done. What is
// queued is still run: its connection is closed, so it ends soon.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	for _, w := range p.idle {
		close(w)
	}
	p.workers -= len(p.idle)
	p.idle = nil
}
