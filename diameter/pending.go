package diameter

import (
	"sync"

	"github.com/opentwag/twag/diameter/wire"
)

// call is a request of ours that waits for its answer.
type call struct {
	ch  chan struct{} // one token: msg or err is set
	msg wire.Message
	err error
	// fn, if not nil, is called instead, by the connection's reader. It must
	// not block.
	fn func(wire.Message, error)
}

// callPool holds calls to be used again. Each node has its own.
type callPool struct{ pool sync.Pool }

func (p *callPool) get() *call {
	if c, ok := p.pool.Get().(*call); ok {
		return c
	}
	return newCall()
}

// put gives c back. Nobody may finish it any more.
func (p *callPool) put(c *call) {
	c.msg, c.err, c.fn = nil, nil, nil
	p.pool.Put(c)
}

func newCall() *call { return &call{ch: make(chan struct{}, 1)} }

// finish hands over the outcome. It is called exactly once for a call, by
// whoever took it out of the table.
func (c *call) finish(m wire.Message, err error) {
	if c.fn != nil {
		c.fn(m, err)
		return
	}
	c.msg, c.err = m, err
	c.ch <- struct{}{}
}

type pendingEntry struct {
	id   uint32
	call *call
}

// pendingTable maps the Hop-by-Hop identifiers of one connection to calls. The
// identifiers are a counter, so one is used again only after 2^32 requests;
// its low bits are the place in the table, which is at most half full.
type pendingTable struct {
	max int

	mu      sync.Mutex
	entries []pendingEntry // a power of two
	next    uint32
	count   int
	closed  error
}

const pendingMinimum = 64

func (t *pendingTable) init(max int, first uint32) {
	t.max = max
	t.next = first
	t.entries = make([]pendingEntry, pendingMinimum)
}

// add registers c and returns its identifier.
func (t *pendingTable) add(c *call) (uint32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed != nil {
		return 0, t.closed
	}
	if t.count >= t.max {
		return 0, ErrBusy
	}
	if 2*t.count >= len(t.entries) {
		t.grow()
	}
	mask := uint32(len(t.entries) - 1)
	for {
		id := t.next
		t.next++
		if e := &t.entries[id&mask]; e.call == nil {
			*e = pendingEntry{id, c}
			t.count++
			return id, nil
		}
	}
}

// id returns an identifier that no call has, for a request whose answer is
// recognised otherwise.
func (t *pendingTable) id() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next++
	return t.next - 1
}

// grow doubles the table. Identifiers in different places stay so.
func (t *pendingTable) grow() {
	old := t.entries
	t.entries = make([]pendingEntry, 2*len(old))
	mask := uint32(len(t.entries) - 1)
	for _, e := range old {
		if e.call != nil {
			t.entries[e.id&mask] = e
		}
	}
}

// take removes the call with the identifier and returns it, or nil.
func (t *pendingTable) take(id uint32) *call {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := &t.entries[id&uint32(len(t.entries)-1)]
	if e.call == nil || e.id != id {
		return nil
	}
	c := e.call
	*e = pendingEntry{}
	t.count--
	return c
}

// len returns how many calls wait.
func (t *pendingTable) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// close refuses further calls with err, and finishes those that wait.
func (t *pendingTable) close(err error) {
	t.mu.Lock()
	if t.closed != nil {
		t.mu.Unlock()
		return
	}
	t.closed = err
	var left []*call
	for i := range t.entries {
		if c := t.entries[i].call; c != nil {
			left = append(left, c)
			t.entries[i] = pendingEntry{}
		}
	}
	t.count = 0
	t.mu.Unlock()
	for _, c := range left {
		c.finish(nil, err)
	}
}
