package diameter

import (
	"encoding/binary"
	"hash/maphash"
	"sync"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// replays remembers what peers were answered, so that a duplicate of a request
// gets the same answer and is not handled twice (RFC 6733, section 3 and
// appendix C).
//
// A duplicate has the Origin-Host and End-to-End identifier of another request,
// and its command, application and Session-Id; and one of the two has the T
// flag: the copy with it may overtake the first. Departure: without a T flag
// nothing is a duplicate, since there are peers whose identifiers repeat.
//
// When it is full, the oldest are forgotten, and their duplicates handled like
// any request. Entries and answers hold no pointers, and cost no allocation
// each.
type replays struct {
	seed      maphash.Seed
	age       int64 // nanoseconds
	max       int   // entries
	maxOctets int   // of slabs
	maxParked int

	mu      sync.Mutex        // guards the following
	index   map[uint64]uint64 // key to number of the latest entry
	entries []replayEntry     // a ring: number n is at n modulo its length, a power of two
	first   uint64            // number of the oldest entry; the first ever is 1
	next    uint64
	slabs   [][]byte // of answers, one after the other; only the last has room
	slab0   uint64   // number of slabs[0]
	octets  int      // capacity of all slabs
	spare   []byte   // a slab that was given up
	parked  map[uint64][]job
	nParked int
}

type replayEntry struct {
	key      uint64
	at       int64
	slab     uint64
	off, len uint32
	state    replayState
	again    bool // the copy that was handled had the T flag
}

type replayState uint8

const (
	replayWorking  replayState = iota // with its handler
	replayAnswered                    // the answer is in the slab, if that is still there
	replayVoid                        // no answer worth keeping
)

const (
	replayMinimum = 64
	replaySlab    = 64 << 10
)

func newReplays(age time.Duration, max, maxOctets, maxParked int) *replays {
	return &replays{
		seed: maphash.MakeSeed(), age: int64(age), max: max, maxOctets: maxOctets, maxParked: maxParked,
		index: make(map[uint64]uint64), entries: make([]replayEntry, replayMinimum),
		first: 1, next: 1,
		parked: make(map[uint64][]job),
	}
}

// key returns what duplicates of m have in common, if m can have any.
func (r *replays) key(m wire.Message, h wire.Header) (uint64, bool) {
	host, ok := m.Find(AVPOriginHost, 0)
	if !ok || len(host.Data) == 0 {
		return 0, false
	}
	session, _ := m.Find(AVPSessionID, 0)
	var ids [16]byte
	binary.BigEndian.PutUint32(ids[0:], h.EndToEnd)
	binary.BigEndian.PutUint32(ids[4:], h.Command)
	binary.BigEndian.PutUint32(ids[8:], h.Application)
	binary.BigEndian.PutUint32(ids[12:], uint32(len(host.Data)))
	var sum maphash.Hash
	sum.SetSeed(r.seed)
	_, _ = sum.Write(ids[:])
	_, _ = sum.Write(host.Data)
	_, _ = sum.Write(session.Data)
	return sum.Sum64(), true
}

// verdict is what to do with a request.
type verdict uint8

const (
	verdictHandle verdict = iota
	verdictReplay         // send the answer again
	verdictParked         // a copy of it is being handled: wait for that one's answer
	verdictRefuse         // and too many wait already
)

// begin decides about the request of j, of which now is the time. Its number
// is for finish, if it is to be handled; 0: not remembered. A replayed answer
// is appended to buf.
func (r *replays) begin(j job, now int64, buf []byte) (v verdict, number uint64, answer []byte) {
	m := wire.Message(*j.buf)
	h := m.Header()
	key, ok := r.key(m, h)
	if !ok {
		return verdictHandle, 0, nil
	}
	again := h.Flags&wire.FlagRetransmitted != 0
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.first < r.next && now-r.at(r.first).at > r.age {
		r.forget()
	}
	if n, ok := r.index[key]; ok {
		switch e := r.at(n); {
		case !again && !e.again:
		case e.state == replayWorking && r.nParked >= r.maxParked:
			return verdictRefuse, 0, nil
		case e.state == replayWorking:
			r.parked[n] = append(r.parked[n], j)
			r.nParked++
			return verdictParked, 0, nil
		case e.state == replayAnswered && e.slab >= r.slab0:
			s := r.slabs[e.slab-r.slab0]
			return verdictReplay, 0, append(buf, s[e.off:e.off+e.len]...)
		}
	}
	return verdictHandle, r.add(replayEntry{key: key, at: now, again: again}), nil
}

// at returns entry n, which is in the ring.
func (r *replays) at(n uint64) *replayEntry { return &r.entries[n&uint64(len(r.entries)-1)] }

// add makes a new entry. The lock is held.
func (r *replays) add(e replayEntry) uint64 {
	if held := int(r.next - r.first); held >= r.max {
		r.forget()
	} else if held == len(r.entries) {
		old := r.entries
		r.entries = make([]replayEntry, 2*len(old))
		for n := r.first; n < r.next; n++ {
			*r.at(n) = old[n&uint64(len(old)-1)]
		}
	}
	n := r.next
	r.next++
	*r.at(n) = e
	r.index[e.key] = n
	return n
}

// forget removes the oldest entry. Whoever is parked for it stays so until it
// is finished. The lock is held.
func (r *replays) forget() {
	if key := r.at(r.first).key; r.index[key] == r.first {
		delete(r.index, key)
	}
	r.first++
}

// finish ends the handling of request n. answer is what it was answered, or
// nil if duplicates are to be handled themselves. It returns the duplicates
// that came meanwhile.
func (r *replays) finish(n uint64, answer []byte) []job {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n >= r.first {
		e := r.at(n)
		e.state = replayVoid
		if answer != nil {
			r.store(e, answer)
		}
	}
	jobs, ok := r.parked[n]
	if ok {
		delete(r.parked, n)
		r.nParked -= len(jobs)
	}
	return jobs
}

// store keeps a copy of an answer. The lock is held.
func (r *replays) store(e *replayEntry, answer []byte) {
	last := len(r.slabs) - 1
	if last < 0 || cap(r.slabs[last])-len(r.slabs[last]) < len(answer) {
		size := max(min(replaySlab, r.maxOctets), len(answer))
		if size > r.maxOctets {
			return
		}
		for r.octets+size > r.maxOctets {
			s := r.slabs[0]
			r.slabs[0] = nil
			r.slabs = r.slabs[1:]
			r.slab0++
			r.octets -= cap(s)
			r.spare = s[:0]
		}
		s := r.spare
		r.spare = nil
		if cap(s) != size {
			s = make([]byte, 0, size)
		}
		r.slabs = append(r.slabs, s)
		r.octets += size
		last = len(r.slabs) - 1
	}
	s := r.slabs[last]
	e.state, e.slab, e.off, e.len = replayAnswered, r.slab0+uint64(last), uint32(len(s)), uint32(len(answer))
	r.slabs[last] = append(s, answer...)
}

// replay sends the answer to another copy of the request, req, on c.
func (n *Node) replay(c *conn, req, answer wire.Message) {
	m, err := answer, error(nil)
	_, asked := req.Find(AVPProxyInfo, 0)
	_, there := answer.Find(AVPProxyInfo, 0)
	if asked || there {
		// Those belong to the way that this copy came (section 6.2).
		m, err = reroute(req, answer)
	}
	h := req.Header()
	if err == nil {
		err = c.sendAs(m, m.Header(), 0, h.HopByHop, h.EndToEnd)
	}
	if err == ErrBusy {
		n.drop(c, h.Command, DropOverflow)
	}
	if p := c.peer.Load(); p != nil {
		p.duplicates.Add(1)
	}
}

// reroute returns answer with the Proxy-Info AVPs of req in place of its own.
func reroute(req, answer wire.Message) (wire.Message, error) {
	w := wire.MakeBuilder(nil, answer.Header())
	var a wire.AVP
	for r := answer.AVPs(); r.Next(&a); {
		if !a.Is(AVPProxyInfo, 0) {
			w.AVP(a)
		}
	}
	for r := req.AVPs(); r.Next(&a); {
		if a.Is(AVPProxyInfo, 0) {
			w.AVP(a)
		}
	}
	return w.Message()
}

// unpark deals with the duplicates that waited for a request that is finished
// now: they get its answer, or, if there's none, are handled themselves.
func (n *Node) unpark(jobs []job, answer wire.Message) {
	for _, j := range jobs {
		req := wire.Message(*j.buf)
		switch {
		case answer != nil:
			n.replay(j.conn, req, answer)
		case n.pool.submit(j):
			continue
		default:
			a, err := n.appendErrorAnswer(nil, req, &ResultError{Code: ResultTooBusy})
			j.conn.sendAnswer(a, err)
		}
		releaseBuffer(j.buf)
		n.inFlight.Add(-1)
	}
}

func releaseBuffer(b *[]byte) {
	if cap(*b) <= bufferKeep {
		messageBuffers.Put(b)
	}
}
