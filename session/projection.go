package session

import (
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/opentwag/twag/session/internal/table"
)

// Projection is the records of a [Store], in memory, without a journal: what a
// driver whose records live elsewhere reads from. Such a driver checks a
// change, makes it durable, and applies it; when it opens it loads.
//
//	if err := p.Check(c); err != nil {
//		return 0, err
//	}
//	// ... write and sync
//	p.Apply(c)
//
// A Projection is safe for concurrent use, but it is the driver who sees to it
// that between Check and Apply no other change of the same records is applied.
// It removes nothing by itself: see Expired.
//
// A record of 300 octets with seven terms costs about 560 octets, in memory
// that has no pointers and that grows piece by piece; what is freed is used
// again. Times are kept in seconds, rounded up, from 1970 to 2106.
type Projection struct {
	maxRecords int
	seed       maphash.Seed

	mu sync.RWMutex
	// Guarded by mu:
	blocks []*block // of slots
	slots  uint32   // that were ever used
	free   uint32   // first of the free slots, plus 1
	live   int      // slots in use
	hand   uint32   // where the search for expired records goes on
	keys   table.Index
	terms  table.Index // the first node of each term
	values table.Slab
}

const (
	blockSlots        = 4096
	defaultMaxRecords = 4 << 20
	// limitRecords keeps the numbers of nodes within 32 bits.
	limitRecords = 1 << 28
)

// A block is many slots. A slot is a record's place as long as it exists. What
// is searched for is there a second time, apart, so that a search of all
// reads little.
type block struct {
	due     [blockSlots]uint32
	expires [blockSlots]uint32
	kind    [blockSlots]Kind
	terms   [blockSlots]uint8 // how many
	slot    [blockSlots]slot
	node    [blockSlots * MaxTerms]node // MaxTerms for each slot
}

// A slot has 40 octets.
type slot struct {
	id      ID
	version uint64
	due     uint32 // seconds; 0: never
	expires uint32

	// Where the value is, as a table.Ref. Item of a free slot is the next free
	// one, plus 1.
	item  uint32
	size  uint16
	class uint8

	kind Kind // 0: free
}

func (s *slot) value() table.Ref {
	return table.Ref{Item: s.item, Size: s.size, Class: s.class}
}

func (s *slot) setValue(r table.Ref) { s.item, s.size, s.class = r.Item, r.Size, r.Class }

// A node is a term of a record. The nodes of one term are a list, the first of
// which is in the index.
type node struct {
	term       Term
	next, prev uint32 // numbers of nodes, plus 1
}

// NewProjection returns an empty projection that holds maxRecords; 0 means four
// million (4 << 20).
func NewProjection(maxRecords int) *Projection {
	if maxRecords <= 0 {
		maxRecords = defaultMaxRecords
	}
	return &Projection{maxRecords: min(maxRecords, limitRecords), seed: maphash.MakeSeed()}
}

// errFull is what a change gets that would be one record too many.
var errFull = fmt.Errorf("%w: too many records", ErrUnavailable)

// Check returns nil if the change can be applied: ErrInvalid, ErrConflict, or
// ErrUnavailable if there would be too many records.
func (p *Projection) Check(c *Change) error {
	if err := c.Validate(); err != nil {
		return err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.check(c, secondsNow())
}

func (p *Projection) check(c *Change, now uint32) error {
	more := 0
	for i := range c.Puts {
		put := &c.Puts[i]
		n, exists := p.find(put.Key)
		var version uint64
		if exists && !isPast(p.slot(n).expires, now) {
			version = p.slot(n).version
		}
		if version != put.Expect {
			return ErrConflict
		}
		switch {
		case put.Delete && exists:
			more--
		case !put.Delete && !exists:
			more++
		}
	}
	if more > 0 && p.live+more > p.maxRecords {
		return errFull
	}
	return nil
}

// Apply makes the change, which Check found good. Changes that were checked
// before others were applied may exceed the number of records.
func (p *Projection) Apply(c *Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apply(c)
}

func (p *Projection) apply(c *Change) {
	for i := range c.Puts {
		put := &c.Puts[i]
		n, exists := p.find(put.Key)
		switch {
		case put.Delete && exists:
			p.remove(n)
			continue
		case put.Delete:
			continue
		case !exists:
			n = p.add(put.Key)
		}
		p.write(n, put.Expect+1, put.Due, put.Expires, put.Value)
		switch {
		case !put.SameTerms:
			p.setTerms(n, put.Terms)
		case put.Expect == 0: // those that are there are an expired record's
			p.setTerms(n, nil)
		}
	}
}

// Load puts a record as it is, and in place of what has its key, for a driver
// that opens. The number of records is not bounded here, so that what
// was stored under another bound loads too.
func (p *Projection) Load(r Record, terms []Term) error {
	c := Change{Puts: []Put{{Key: r.Key, Terms: terms, Value: r.Value}}}
	if err := c.Validate(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n, exists := p.find(r.Key)
	if !exists {
		n = p.add(r.Key)
	}
	p.write(n, r.Version, r.Due, r.Expires, r.Value)
	p.setTerms(n, terms)
	return nil
}

// Terms appends the terms of a record to buf: those that a change with
// SameTerms keeps.
func (p *Projection) Terms(key Key, buf []Term) []Term {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if n, exists := p.find(key); exists {
		for i := range p.termsOf(n) {
			buf = append(buf, p.node(n*MaxTerms+i).term)
		}
	}
	return buf
}

// Version returns a record's version, also if it has expired; 0 if there is none.
func (p *Projection) Version(key Key) uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if n, exists := p.find(key); exists {
		return p.slot(n).version
	}
	return 0
}

// Len returns how many records there are, expired ones that are still to be
// forgotten included.
func (p *Projection) Len() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.live
}

// expiredLook is how many slots Expired looks at.
const expiredLook = 4096

// Expired appends keys of records that have expired to keys, until it is at
// its capacity or has looked at some thousand records; the next call goes on
// from there. A driver removes such records where it keeps them, before it
// writes changes that were checked since, and then has them forgotten.
func (p *Projection) Expired(keys []Key) []Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(expiredLook, secondsNow(), func(n uint32) bool {
		if len(keys) == cap(keys) {
			return false
		}
		keys = append(keys, p.slot(n).key())
		return true
	})
	return keys
}

// Forget removes those of the records that have expired and were not made
// anew since. It must not come between Check and Apply of a change of one of
// them.
func (p *Projection) Forget(keys []Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := secondsNow()
	for _, key := range keys {
		if n, exists := p.find(key); exists && isPast(p.slot(n).expires, now) {
			p.remove(n)
		}
	}
}

// sweep looks at the next slots and calls f for each record that has expired;
// if f returns false, it goes on with that one next time. f may remove it.
func (p *Projection) sweep(look int, now uint32, f func(n uint32) bool) {
	for look = min(look, int(p.slots)); look > 0; {
		if p.hand >= p.slots {
			p.hand = 0
		}
		b, first := p.block(p.hand)
		some := b.expires[first:min(int(first)+look, blockSlots, int(first+p.slots-p.hand))]
		for i, s := range some {
			if isPast(s, now) && !f(p.hand+uint32(i)) {
				p.hand += uint32(i)
				return
			}
		}
		p.hand += uint32(len(some))
		look -= len(some)
	}
}
