package diameter

import (
	"sync"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// call is a request of ours that waits for its answer on one connection.
type call struct {
	ch  chan notice // has room for each notice once
	msg wire.Message
	err error
	// fn, if not nil, is called instead of noticeDone, by the connection's
	// reader. It must not block.
	fn func(wire.Message, error)
	// told, with fn, is called for the other notices, if it is not nil. It must
	// not block, nor use the table.
	told    func(notice)
	noticed [noticeDone]bool // of the table
}

// notice is what is said about a call that waits. All but the last may come
// once each, and leave it waiting.
type notice uint8

const (
	noticeSlow    notice = iota // AttemptTimeout has passed
	noticeSuspect               // the peer gives no sign of life
	noticeDone                  // msg or err is set
)

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
	for len(c.ch) > 0 {
		<-c.ch
	}
	*c = call{ch: c.ch}
	p.pool.Put(c)
}

func newCall() *call { return &call{ch: make(chan notice, noticeDone+1)} }

// finish hands over the outcome. It is called exactly once for a call, by
// whoever took it out of the table.
func (c *call) finish(m wire.Message, err error) {
	if c.fn != nil {
		c.fn(m, err)
		return
	}
	c.msg, c.err = m, err
	c.ch <- noticeDone
}

// wait waits for the outcome of a call that somebody is just finishing.
func (c *call) wait() {
	for <-c.ch != noticeDone {
	}
}

// tell gives notice, and reports whether that was new. The table's lock is
// held, so the call is not finished before.
func (c *call) tell(n notice) bool {
	if c.noticed[n] {
		return false
	}
	c.noticed[n] = true
	switch {
	case c.fn == nil:
		c.ch <- n
	case c.told != nil:
		c.told(n)
	}
	return true
}

type pendingEntry struct {
	id   uint32
	tick uint32 // when it was added
	call *call
}

// pendingTable maps the Hop-by-Hop identifiers of one connection to calls. The
// identifiers are a counter, so one is used again only after 2^32 requests;
// its low bits are the place in the table, which is at most half full.
//
// Time is measured in ticks of an eighth of the time after which a call is
// slow. They stand still while no call waits.
type pendingTable struct {
	max    int
	tick   time.Duration // 0: calls may wait for ever
	onSlow func()        // told, without the lock, that calls have become slow

	mu      sync.Mutex     // guards the following
	entries []pendingEntry // a power of two
	next    uint32
	count   int
	closed  error
	suspect bool
	timer   *time.Timer
	running bool // timer is
	now     uint32
}

const (
	pendingMinimum = 64
	slowTicks      = 8
)

func (t *pendingTable) init(most int, first uint32, slow time.Duration, onSlow func()) {
	t.max = most
	t.next = first
	t.entries = make([]pendingEntry, pendingMinimum)
	if slow > 0 {
		t.tick, t.onSlow = max(slow/slowTicks+1, time.Millisecond), onSlow
	}
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
			*e = pendingEntry{id, t.now, c}
			t.count++
			if t.suspect {
				c.tell(noticeSuspect) // it came for the last open door
			}
			if t.tick > 0 && !t.running {
				t.run()
			}
			return id, nil
		}
	}
}

// run starts the ticks. The lock is held.
func (t *pendingTable) run() {
	t.running = true
	if t.timer == nil {
		t.timer = time.AfterFunc(t.tick, t.ticked)
		return
	}
	t.timer.Reset(t.tick)
}

// ticked finds the calls that have become slow.
func (t *pendingTable) ticked() {
	t.mu.Lock()
	if t.closed != nil {
		t.mu.Unlock()
		return
	}
	t.now++
	slow := false
	for i := range t.entries {
		if e := &t.entries[i]; e.call != nil && t.now-e.tick > slowTicks {
			slow = e.call.tell(noticeSlow) || slow
		}
	}
	if t.running = t.count > 0; t.running {
		t.timer.Reset(t.tick)
	}
	t.mu.Unlock()
	if slow {
		t.onSlow()
	}
}

// setSuspect gives notice to all who wait, and, while it is set, to those who
// come.
func (t *pendingTable) setSuspect(suspect bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.suspect = suspect; !suspect {
		return
	}
	for i := range t.entries {
		if c := t.entries[i].call; c != nil {
			c.tell(noticeSuspect)
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
	if t.timer != nil {
		t.timer.Stop()
	}
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
