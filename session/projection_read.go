package session

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Get is [Store]'s Get.
func (p *Projection) Get(_ context.Context, key Key) (Record, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	n, exists := p.find(key)
	if !exists || isPast(p.slot(n).expires, secondsNow()) {
		return Record{}, ErrNotFound
	}
	r, _ := p.record(n, nil)
	return r, nil
}

// record returns the record in a slot; its value is appended to buf.
func (p *Projection) record(n uint32, buf []byte) (Record, []byte) {
	s := p.slot(n)
	buf = append(buf, p.values.Get(s.value())...)
	return Record{
		Key:     s.key(),
		Version: s.version,
		Due:     timeOf(s.due),
		Expires: timeOf(s.expires),
		Value:   slices.Clip(buf),
	}, buf
}

// Find is [Store]'s Find. It holds changes up while it goes through the list of
// those that have the term, some 100 ns each, but not while f runs.
func (p *Projection) Find(ctx context.Context, term Term, f func(Record) bool) error {
	s := newShow()
	defer s.free()
	p.mu.RLock()
	if n, ok := p.first(term); ok {
		for n++; n != 0; n = p.node(n - 1).next {
			s.slots = append(s.slots, (n-1)/MaxTerms)
		}
	}
	p.mu.RUnlock()
	_, err := p.show(ctx, s, f, func(b *block, i uint32) bool {
		nodes := b.node[i*MaxTerms:][:b.terms[i]]
		return slices.ContainsFunc(nodes, func(n node) bool { return n.term == term })
	})
	return err
}

// Scan is [Store]'s Scan.
func (p *Projection) Scan(ctx context.Context, kind Kind, f func(Record) bool) error {
	if kind == 0 {
		return nil // that of free slots
	}
	return p.walk(ctx, f, func(b *block, i uint32) bool { return b.kind[i] == kind })
}

// Due is [Store]'s Due.
func (p *Projection) Due(ctx context.Context, kind Kind, now time.Time, f func(Record) bool) error {
	seconds := wholeSeconds(now)
	return p.walk(ctx, f, func(b *block, i uint32) bool { return isPast(b.due[i], seconds) && b.kind[i] == kind })
}

// walk shows the records that are wanted, a block at a time.
func (p *Projection) walk(ctx context.Context, f func(Record) bool, wanted func(b *block, i uint32) bool) error {
	s := newShow()
	defer s.free()
	for first := uint32(0); ; first += blockSlots {
		p.mu.RLock()
		if first >= p.slots {
			p.mu.RUnlock()
			return nil
		}
		b := p.blocks[first/blockSlots]
		s.slots = s.slots[:0]
		for i := range min(blockSlots, p.slots-first) {
			if wanted(b, i) {
				s.slots = append(s.slots, first+i)
			}
		}
		p.mu.RUnlock()
		if more, err := p.show(ctx, s, f, wanted); err != nil || !more {
			return err
		}
	}
}

// A show is the slots of records that f is to be called for, without the lock,
// since f may use the store: each is looked at again when it is its turn.
type show struct {
	slots []uint32
	value []byte
}

var shows = sync.Pool{New: func() any { return new(show) }}

func newShow() *show {
	s := shows.Get().(*show)
	s.slots = s.slots[:0]
	return s
}

// keepSlots is up to what size a show is used again.
const keepSlots = 4 * blockSlots

func (s *show) free() {
	if cap(s.slots) <= keepSlots {
		shows.Put(s)
	}
}

// show calls f for the records in the slots that are still wanted. It says
// whether f wants more.
func (p *Projection) show(ctx context.Context, s *show, f func(Record) bool, wanted func(b *block, i uint32) bool) (more bool, err error) {
	for _, n := range s.slots {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		p.mu.RLock()
		b, i := p.block(n)
		ok := b.kind[i] != 0 && !isPast(b.expires[i], secondsNow()) && wanted(b, i)
		var r Record
		if ok {
			r, s.value = p.record(n, s.value[:0])
		}
		p.mu.RUnlock()
		if ok && !f(r) {
			return false, nil
		}
	}
	return true, nil
}
