package session

import (
	"hash/maphash"
	"math"
	"slices"
	"time"
)

// This file has what a Projection does with slots, under its lock. n is a
// slot's number, from 0; node numbers are too, except where a node names
// another.

func (p *Projection) block(n uint32) (b *block, i uint32) {
	return p.blocks[n/blockSlots], n % blockSlots
}

func (p *Projection) slot(n uint32) *slot {
	b, i := p.block(n)
	return &b.slot[i]
}

func (p *Projection) node(n uint32) *node {
	return &p.blocks[n/(blockSlots*MaxTerms)].node[n%(blockSlots*MaxTerms)]
}

func (s *slot) key() Key { return Key{Kind: s.kind, ID: s.id} }

func (p *Projection) termsOf(n uint32) uint32 {
	b, i := p.block(n)
	return uint32(b.terms[i])
}

func (p *Projection) hashKey(k Key) uint64   { return maphash.Comparable(p.seed, k) }
func (p *Projection) hashTerm(t Term) uint64 { return maphash.Comparable(p.seed, t) }

// find returns the slot of the record, which may have expired.
func (p *Projection) find(k Key) (n uint32, exists bool) {
	return p.keys.Find(p.hashKey(k), func(n uint32) bool { return p.slot(n).key() == k })
}

// add gives a new record its slot.
func (p *Projection) add(k Key) (n uint32) {
	if p.free != 0 {
		n = p.free - 1
		s := p.slot(n)
		p.free, s.item = s.item, 0
	} else {
		n = p.slots
		if n%blockSlots == 0 {
			p.blocks = append(p.blocks, new(block))
		}
		p.slots++
	}
	b, i := p.block(n)
	b.kind[i] = k.Kind
	b.slot[i].kind, b.slot[i].id = k.Kind, k.ID
	p.keys.Add(p.hashKey(k), n)
	p.live++
	return n
}

// write sets all of a record but its key and terms.
func (p *Projection) write(n uint32, version uint64, due, expires time.Time, value []byte) {
	b, i := p.block(n)
	s := &b.slot[i]
	s.version, s.due, s.expires = version, seconds(due), seconds(expires)
	b.due[i], b.expires[i] = s.due, s.expires
	ref, fits := p.values.Set(s.value(), value)
	if !fits {
		p.freeValue(s)
		ref = p.values.Put(n, value)
	}
	s.setValue(ref)
}

func (p *Projection) freeValue(s *slot) {
	if owner, item, moved := p.values.Free(s.value()); moved {
		p.slot(owner).item = item
	}
}

// remove frees a slot.
func (p *Projection) remove(n uint32) {
	p.setTerms(n, nil)
	b, i := p.block(n)
	s := &b.slot[i]
	p.keys.Remove(p.hashKey(s.key()), n)
	p.freeValue(s)
	*s = slot{item: p.free}
	b.due[i], b.expires[i], b.kind[i] = 0, 0, 0
	p.free = n + 1
	p.live--
}

// setTerms makes terms the record's; what stays the same is left alone.
func (p *Projection) setTerms(n uint32, terms []Term) {
	var buf [MaxTerms]Term
	want := buf[:0]
	for _, t := range terms {
		if !slices.Contains(want, t) { // once is enough
			want = append(want, t)
		}
	}
	b, i := p.block(n)
	have, first := b.node[i*MaxTerms:][:b.terms[i]], n*MaxTerms
	var same [MaxTerms]bool
	for j := range min(len(have), len(want)) {
		same[j] = have[j].term == want[j]
	}
	for j := range have {
		if !same[j] {
			p.unlink(first + uint32(j))
		}
	}
	for j, t := range want {
		if !same[j] {
			p.link(first+uint32(j), t)
		}
	}
	b.terms[i] = uint8(len(want))
}

// first returns the first node of a term.
func (p *Projection) first(t Term) (n uint32, ok bool) {
	return p.terms.Find(p.hashTerm(t), func(n uint32) bool { return p.node(n).term == t })
}

func (p *Projection) link(n uint32, t Term) {
	first, ok := p.first(t)
	if !ok {
		*p.node(n) = node{term: t}
		p.terms.Add(p.hashTerm(t), n)
		return
	}
	// Second, not first, so that the index stays as it is.
	before := p.node(first)
	*p.node(n) = node{term: t, prev: first + 1, next: before.next}
	if before.next != 0 {
		p.node(before.next - 1).prev = n + 1
	}
	before.next = n + 1
}

func (p *Projection) unlink(n uint32) {
	gone := *p.node(n)
	if gone.next != 0 {
		p.node(gone.next - 1).prev = gone.prev
	}
	switch {
	case gone.prev != 0:
		p.node(gone.prev - 1).next = gone.next
	case gone.next != 0:
		p.terms.Replace(p.hashTerm(gone.term), n, gone.next-1)
	default:
		p.terms.Remove(p.hashTerm(gone.term), n)
	}
}

// seconds returns t in whole seconds, not before t; 0 for the zero time.
func seconds(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return uint32(min(max(s, 1), math.MaxUint32))
}

// secondsNow returns the last whole second.
func secondsNow() uint32 { return wholeSeconds(time.Now()) }

func wholeSeconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }

// isPast tells a time that is not after now from a later one, and from never.
func isPast(s, now uint32) bool { return s-1 < now } // never becomes the greatest

// timeOf is the reverse of seconds.
func timeOf(s uint32) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}
