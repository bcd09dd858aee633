package pebblestore

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/opentwag/twag/session"
)

// committer writes the changes of one engine, many at a time: the only one
// who writes to its database and to its records.
type committer struct {
	store *Store
	e     *engine
	batch *pebble.Batch

	reqs   []*request // taken from the queue
	held   []*request // that touch a record which the batch changes: for the next one
	staged []*request // that are in the batch
	first  uint64     // oldest journal entry after the batch
	low    bool       // too little room on the disk
	lowest bool       // and too little to free some
	// flushed: that has been done since there is too little.
	flushed bool
	keys    map[session.Key]struct{}
	terms   []session.Term
	key     []byte
	block   []byte // journal entries of the batch
	log     []byte // changes of records
	logged  int    // how many
	next    uint64 // sequence number
}

// keepBatch is how large a batch's memory is kept for the next one: that of maxBatch sessions that are
// charged. Pebble keeps 1 MiB, and a larger one would grow by copying each time.
const keepBatch = 4 << 20

// run commits until the store has another engine or is closed.
func (c *committer) run() {
	defer close(c.e.committed)
	c.batch = c.e.db.NewBatch(pebble.WithInitialSizeBytes(64<<10), pebble.WithMaxRetainedSizeBytes(keepBatch))
	c.keys = make(map[session.Key]struct{}, gatherTarget)
	gather := gatherer{delay: c.store.cfg.CommitDelay, ceiling: 1}
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	for {
		var ok bool
		if c.reqs, ok = c.store.next(c.e, &gather, timer, c.reqs[:0]); !ok {
			return
		}
		if c.stage(); len(c.staged) > 0 && !c.write() {
			return
		}
	}
}

// again returns b, empty, unless it is larger than what is kept.
func again(b []byte) []byte {
	if cap(b) > keepBatch {
		return nil
	}
	return b[:0]
}

// stage puts into the batch what can be changed. Nothing here waits for the disk.
func (c *committer) stage() {
	c.batch.Reset()
	c.held, c.staged, c.block, c.log, c.logged = c.held[:0], c.staged[:0], again(c.block), again(c.log), 0
	clear(c.keys)
	c.first, c.next = c.e.first.Load(), c.e.last.Load()+1
	_, low, lowest := c.store.space.look()
	c.low, c.lowest = low, lowest
	c.flushed = c.flushed && low
	if !c.flushed && low && !lowest { // what nobody uses can be reclaimed once it is in tables
		c.flushed = true
		c.e.flush()
	}
	c.store.setLow(low)
	for _, r := range c.reqs {
		switch err := c.refuse(r, low, lowest); {
		case err != nil:
			r.finish(err)
		case r.trim != 0:
			c.stageTrim(r)
		case c.touched(r.change):
			c.held = append(c.held, r)
		default:
			c.stageChange(r)
		}
	}
	if len(c.block) > 0 {
		c.key = appendJournalKey(c.key[:0], c.e.last.Load()+1)
		_ = c.batch.Set(c.key, c.block, nil)
	}
	clear(c.reqs)
}

// stageLog puts the changes of records into the batch. It may wait for the disk. If it fails, so will
// the batch.
func (c *committer) stageLog() {
	if err := c.clearLog(); err != nil {
		c.e.guard.kill(err)
	}
	c.key = appendLogKey(c.key[:0], c.e.log.next)
	_ = c.batch.Set(c.key, c.log, nil)
	c.e.log.added(c.logged, len(c.log))
}

// refuse returns why a request can't be made now.
func (c *committer) refuse(r *request, low, lowest bool) error {
	if low && (lowest || !r.frees) {
		return errNoSpace
	}
	return nil
}

// touched reports whether the change has a record that the batch changes. Its
// expectations can be checked only when the batch is durable.
func (c *committer) touched(change *session.Change) bool {
	for i := range change.Puts {
		if _, ok := c.keys[change.Puts[i].Key]; ok {
			return true
		}
	}
	return false
}

func (c *committer) stageChange(r *request) {
	if err := c.e.records.Check(r.change); err != nil {
		r.finish(err)
		return
	}
	for i := range r.change.Puts {
		put := &r.change.Puts[i]
		c.keys[put.Key] = struct{}{}
		c.logged++
		if put.Delete {
			c.log = appendRemoval(c.log, put.Key)
			continue
		}
		terms := put.Terms
		if put.SameTerms {
			c.terms = c.terms[:0]
			if put.Expect != 0 {
				c.terms = c.e.records.Terms(put.Key, c.terms)
			}
			terms = c.terms
		}
		c.log = appendChange(c.log, &session.Record{
			Key: put.Key, Version: put.Expect + 1, Due: put.Due, Expires: put.Expires, Value: put.Value,
		}, terms)
	}
	if len(r.change.Journal) > 0 {
		r.first = c.next
		c.next += uint64(len(r.change.Journal))
		for _, entry := range r.change.Journal {
			c.block = appendEntry(c.block, entry)
		}
	}
	c.staged = append(c.staged, r)
}

// stageTrim notes that the entries before r.trim count no longer. Once that is durable, those
// before r.block, which is the first of its block, are removed.
func (c *committer) stageTrim(r *request) {
	if r.trim <= c.first {
		r.finish(nil)
		return
	}
	c.first, c.e.used = r.trim, r.block
	_ = c.batch.Set(trimKey, appendTrim(nil, r.trim, c.e.last.Load()), nil)
	c.staged = append(c.staged, r)
}

// write makes the batch durable and tells those who wait. It returns false
// when the engine is at its end; who waits has then been, or will be, told by the
// supervisor.
func (c *committer) write() bool {
	began := time.Now()
	if !c.store.takeOff(c.e, c.staged, c.held, began) {
		for _, r := range append(c.staged, c.held...) {
			r.finish(errFailed)
		}
		return false
	}
	if len(c.log) > 0 {
		c.stageLog()
	}
	octets := c.batch.Len()
	if err := commitBatch(c.batch); err != nil {
		c.e.guard.kill(err)
	}
	// If the guard is dead, the batch may be one of those that only seem to be written.
	if c.e.guard.dead.Load() || !c.store.land(c.e) {
		return false
	}
	for _, r := range c.staged {
		c.e.records.Apply(r.change)
	}
	c.e.first.Store(c.first)
	c.e.last.Store(c.next - 1)
	c.store.count(CommitInfo{Changes: len(c.staged), Octets: octets, Duration: time.Since(began)})
	c.e.reclaimer.use(c.e.used, c.e.log.first)
	if c.low && !c.lowest { // only what frees room: Pebble is not to wait with it
		c.e.flush()
	}
	for _, r := range c.staged {
		r.finish(nil)
	}
	clear(c.staged)
	return true
}

// commitBatch makes an error of a panic: Pebble answers some errors in that way.
func commitBatch(b *pebble.Batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebblestore: commit: %v", r)
		}
	}()
	return b.Commit(pebble.Sync)
}

// takeOff notes that the changes are being written from now on, and gives those
// that are held back to the queue; false if the engine is no longer the store's.
func (s *Store) takeOff(e *engine, changes, held []*request, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine != e {
		return false
	}
	s.flight, s.since = changes, now
	s.queue.giveBack(held)
	return true
}

// land notes that they have been written; false if the supervisor has given
// them up before.
func (s *Store) land(e *engine) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine != e {
		return false
	}
	s.flight = nil
	return true
}
