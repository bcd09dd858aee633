package radius

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/opentwag/twag/radius/internal/wire"
)

// duplicates remembers requests and their answers, so that a repetition is not
// worked on twice and gets the identical answer (RFC 5080, section 2.2.2).
//
// An entry's key is where the request came from and went to, its code and its
// Identifier. A request is a repetition only if it is the same in all its
// octets; another one with the same key is a new request and takes the place
// of the old, whose answer then is of no use to anybody. Only authentic
// requests get here.
//
// States of an entry:
//
//	(none) --begin--> in progress --finish--> answered --lifetime--> (none)
//	                     |   |                   |
//	                     |   +--forget, timeout--+--replaced, evicted--> (none)
//
// Cost matters, since every request passes here: entries and the octets of
// answers are reused, keys have no pointers, and expiry costs no timer: each
// call looks at the oldest entries.
type duplicates struct {
	seed     maphash.Seed
	inWork   time.Duration // how long a request may stay in progress
	lifetime time.Duration // how long an answer is kept
	shards   [dupShards]dupShard
}

const (
	dupShards = 16
	// keepReply bounds the buffer that an idle entry keeps.
	keepReply = 1024
)

// dupKey is a key without pointers: the sender's address and port, the number
// of the local socket, code and Identifier.
type dupKey struct {
	hi, lo uint64 // the address in its 16-octet form
	rest   uint64 // port(16) | local(16) | zone(16) | code(8) | identifier(8)
}

// dupPrint tells requests with the same key apart. The hash is over the whole
// packet, with a random seed: together with the authenticator it stands for
// all octets.
type dupPrint struct {
	authenticator [wire.AuthenticatorLen]byte
	hash          uint64
}

// dupRef names an entry to its request. It goes stale when the entry does.
type dupRef struct {
	shard uint32
	slot  int32
	gen   uint32
}

type dupState uint8

const (
	dupFree dupState = iota
	dupInProgress
	dupAnswered
)

type dupEntry struct {
	key     dupKey
	print   dupPrint
	state   dupState
	gen     uint32
	expires time.Duration
	reply   []byte
	prev    int32 // neighbours in the list of its state; none is -1
	next    int32
}

// dupList is a list of entries in the order in which they expire.
type dupList struct{ head, tail int32 }

type dupShard struct {
	mu      sync.Mutex
	max     int
	index   map[dupKey]int32
	entries []dupEntry
	free    []int32
	lists   [dupAnswered + 1]dupList
	_       [64]byte // keeps neighbours off the cache line
}

// newDuplicates returns a cache of at most max entries.
func newDuplicates(max int, inWork, lifetime time.Duration) *duplicates {
	d := &duplicates{seed: maphash.MakeSeed(), inWork: inWork, lifetime: lifetime}
	for i := range d.shards {
		s := &d.shards[i]
		s.max = (max + dupShards - 1) / dupShards
		s.index = make(map[dupKey]int32)
		for l := range s.lists {
			s.lists[l] = dupList{-1, -1}
		}
	}
	return d
}

func newDupKey(remote netip.AddrPort, local uint16, code, identifier byte) dupKey {
	a := remote.Addr().As16()
	var zone uint16
	if z := remote.Addr().Zone(); z != "" {
		zone = uint16(maphash.String(zoneSeed, z))
	}
	return dupKey{
		hi: binary.BigEndian.Uint64(a[:8]),
		lo: binary.BigEndian.Uint64(a[8:]),
		rest: uint64(remote.Port())<<48 | uint64(local)<<32 | uint64(zone)<<16 |
			uint64(code)<<8 | uint64(identifier),
	}
}

var zoneSeed = maphash.MakeSeed()

// shardOf spreads the keys over the shards; the Identifier and the port are
// what differs most.
func (k dupKey) shardOf() uint32 {
	h := (k.rest ^ k.rest>>48 ^ k.lo*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
	return uint32(h>>60) % dupShards
}

// begin looks for a request at time now. When it is new, begin notes it as in
// progress and returns (dupFree, ref, b). When it is in progress, it returns
// dupInProgress. When it has been answered, it returns dupAnswered and the
// answer appended to b.
func (d *duplicates) begin(now time.Duration, key dupKey, pkt, b []byte) (dupState, dupRef, []byte) {
	fp := dupPrint{hash: maphash.Bytes(d.seed, pkt)}
	copy(fp.authenticator[:], pkt[4:wire.HeaderLen])

	shard := key.shardOf()
	s := &d.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)

	if slot, ok := s.index[key]; ok {
		e := &s.entries[slot]
		if e.print == fp && e.expires > now {
			if e.state == dupAnswered {
				b = append(b, e.reply...)
			}
			return e.state, dupRef{}, b
		}
		s.remove(slot)
	}
	slot := s.take()
	e := &s.entries[slot]
	e.key, e.print, e.expires = key, fp, now+d.inWork
	s.push(slot, dupInProgress)
	s.index[key] = slot
	return dupFree, dupRef{shard: shard, slot: slot, gen: e.gen}, b
}

// finish keeps the answer of a request, unless its entry is gone. It copies
// reply.
func (d *duplicates) finish(now time.Duration, ref dupRef, reply []byte) {
	s := &d.shards[ref.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.lookup(ref); e != nil {
		e.reply = append(e.reply[:0], reply...)
		e.expires = now + d.lifetime
		s.unlink(ref.slot)
		s.push(ref.slot, dupAnswered)
	}
}

// forget drops the entry of a request that will not be answered, so that its
// repetition is a new request.
func (d *duplicates) forget(ref dupRef) {
	s := &d.shards[ref.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lookup(ref) != nil {
		s.remove(ref.slot)
	}
}

// len returns the number of entries.
func (d *duplicates) len() int {
	n := 0
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.Lock()
		n += len(s.index)
		s.mu.Unlock()
	}
	return n
}

// lookup returns the entry in progress that ref names, nil if it is gone.
func (s *dupShard) lookup(ref dupRef) *dupEntry {
	e := &s.entries[ref.slot]
	if e.gen != ref.gen || e.state != dupInProgress {
		return nil
	}
	return e
}

// take returns a slot that is in no list. When the shard is full it evicts the
// oldest answer, and only if there is none the oldest request in progress.
func (s *dupShard) take() int32 {
	if len(s.free) == 0 && len(s.entries) >= s.max {
		oldest := s.lists[dupAnswered].head
		if oldest < 0 {
			oldest = s.lists[dupInProgress].head
		}
		s.remove(oldest)
	}
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot
	}
	s.entries = append(s.entries, dupEntry{})
	return int32(len(s.entries) - 1)
}

// expire removes what is past its time. Each call does a bounded amount, more
// than the one entry that it makes room for.
func (s *dupShard) expire(now time.Duration) {
	for state := dupInProgress; state <= dupAnswered; state++ {
		for range 4 {
			head := s.lists[state].head
			if head < 0 || s.entries[head].expires > now {
				break
			}
			s.remove(head)
		}
	}
}

// remove frees a slot.
func (s *dupShard) remove(slot int32) {
	s.unlink(slot)
	e := &s.entries[slot]
	delete(s.index, e.key)
	e.state = dupFree
	e.gen++
	if cap(e.reply) > keepReply {
		e.reply = nil
	}
	s.free = append(s.free, slot)
}

func (s *dupShard) push(slot int32, state dupState) {
	l := &s.lists[state]
	e := &s.entries[slot]
	e.state, e.prev, e.next = state, l.tail, -1
	if l.tail >= 0 {
		s.entries[l.tail].next = slot
	} else {
		l.head = slot
	}
	l.tail = slot
}

func (s *dupShard) unlink(slot int32) {
	e := &s.entries[slot]
	l := &s.lists[e.state]
	if e.prev >= 0 {
		s.entries[e.prev].next = e.next
	} else {
		l.head = e.next
	}
	if e.next >= 0 {
		s.entries[e.next].prev = e.prev
	} else {
		l.tail = e.prev
	}
}
