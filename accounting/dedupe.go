package accounting

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/opentwag/twag/session"
)

// eventKey is what tickets of one event have in common: a hash of what the NAS said, and
// roughly when it happened. That two events have one by chance does not happen: 2^-64 for a hash of 16 octets and 2^32 tickets.
type eventKey struct {
	hash   [16]byte
	period int64
}

// seenEvent is a ticket that was kept.
type seenEvent struct {
	key     eventKey
	at      int64  // event time, milliseconds
	arrived int64  // milliseconds
	servers uint64 // that have a ticket of this event, a bit each
	before  uint64 // an earlier one of this key; 0 for none
}

// window remembers the tickets that were kept lately: a time and a number bound
// it. Entries are numbered from 1 on.
type window struct {
	max     int
	entries []seenEvent // from number begin on; those before first are forgotten
	begin   uint64
	first   uint64 // the oldest that is remembered
	byKey   map[eventKey]uint64
	crowded uint64 // forgotten for want of room
}

func newWindow(size int) *window {
	return &window{max: size, begin: 1, first: 1, byKey: make(map[eventKey]uint64)}
}

// entry returns an entry by its number; nil if it is forgotten.
func (w *window) entry(n uint64) *seenEvent {
	if n < w.first {
		return nil
	}
	return &w.entries[n-w.begin]
}

// next is the number of the next entry.
func (w *window) next() uint64 { return w.begin + uint64(len(w.entries)) }

func (w *window) add(e seenEvent) {
	next := w.next()
	if next-w.first == uint64(w.max) {
		w.forget()
		w.crowded++
	}
	// Room is used again rather than grown when half of it is for what is forgotten.
	if forgotten := w.first - w.begin; len(w.entries) == cap(w.entries) && forgotten > uint64(len(w.entries)/2) {
		w.entries = w.entries[:copy(w.entries, w.entries[forgotten:])]
		w.begin = w.first
	}
	e.before = w.byKey[e.key]
	w.byKey[e.key] = next
	w.entries = append(w.entries, e)
}

func (w *window) forget() {
	if e := w.entry(w.first); w.byKey[e.key] == w.first {
		delete(w.byKey, e.key)
	}
	w.first++
}

// expire forgets what arrived before a time.
func (w *window) expire(before int64) {
	for w.first < w.next() && w.entry(w.first).arrived < before {
		w.forget()
	}
}

// dedupe tells tickets of events that had one already.
type dedupe struct {
	time, tolerance int64 // milliseconds
	events, tickets *window
	servers         map[string]uint64 // a bit each
	newest          int64
	buf             []byte
}

func newDedupe(c *MergeConfig) *dedupe {
	return &dedupe{
		time: c.Window.Milliseconds(), tolerance: c.Tolerance.Milliseconds(),
		events: newWindow(c.MaxWindow), tickets: newWindow(c.MaxWindow), servers: map[string]uint64{},
	}
}

// seen reports whether the record's event has a ticket already, and remembers it.
func (d *dedupe) seen(r *Record, arrived int64) bool {
	d.newest = max(d.newest, arrived)
	d.events.expire(d.newest - d.time)
	d.tickets.expire(d.newest - d.time)
	server := uint64(0)
	if name, seq, ok := r.TicketID(); ok {
		key := eventKey{hash: d.ticketHash(name, seq)}
		if d.tickets.byKey[key] != 0 {
			return true // the same file twice, or two that overlap
		}
		d.tickets.add(seenEvent{key: key, arrived: arrived})
		server = d.bit(name)
	}
	at := r.EventTime().UnixMilli()
	hash := d.eventHash(r)
	size := d.tolerance + 1
	period := floorDiv(at, size)
	for p := period - 1; p <= period+1; p++ {
		for n := d.events.byKey[eventKey{hash, p}]; n != 0; {
			e := d.events.entry(n)
			if e == nil {
				break
			}
			// A server that has a ticket of the event has no second one: it knows its events
			// apart, and these are two.
			if diff := e.at - at; -d.tolerance <= diff && diff <= d.tolerance && (server == 0 || e.servers&server == 0) {
				e.servers |= server
				return true
			}
			n = e.before
		}
	}
	d.events.add(seenEvent{key: eventKey{hash, period}, at: at, arrived: arrived, servers: server})
	return false
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// maxServers is how many servers are told apart; tickets of further ones are taken as
// those of other programs.
const maxServers = 64

func (d *dedupe) bit(server string) uint64 {
	bit, ok := d.servers[server]
	if !ok && len(d.servers) < maxServers {
		bit = 1 << len(d.servers)
		d.servers[server] = bit
	}
	return bit
}

func (d *dedupe) ticketHash(server string, seq uint64) [16]byte {
	d.buf = append(d.buf[:0], server...)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(d.buf, seq))
	return [16]byte(sum[:16])
}

// What the NAS said of the event, beside its name and the station's: the same in each
// transmission of it, to whatever server. Acct-Delay-Time and what proxies add are not.
var eventAttributes = [...]string{
	"Acct-Session-Id", "User-Name", "Acct-Session-Time", "Acct-Input-Octets", "Acct-Output-Octets", "Acct-Input-Gigawords",
	"Acct-Output-Gigawords", "Acct-Input-Packets", "Acct-Output-Packets", "Acct-Terminate-Cause",
}

// nasNames are what a NAS is known by, the best first.
var nasNames = [...]string{"NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address", nameSource, "Client-IP-Address"}

func (d *dedupe) eventHash(r *Record) [16]byte {
	b := append(d.buf[:0], byte(r.Status()))
	if _, archival := r.Lookup(nameArchival); archival {
		b = append(b, 1) // what a server made up is not what a NAS sent
	} else {
		b = append(b, 0)
	}
	for _, name := range nasNames {
		if v, ok := r.Lookup(name); ok {
			b = appendText(appendText(b, name), v)
			break
		}
	}
	station, _ := r.Lookup("Calling-Station-Id")
	b = appendText(b, session.NormalStation(station))
	for _, name := range eventAttributes {
		v, _ := r.Lookup(name)
		b = appendText(b, v)
	}
	d.buf = b
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// milliArrived returns the time of arrival, as exactly as the record says.
func (r *Record) milliArrived() int64 {
	if s, ok := r.Lookup(nameArrived); ok {
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return at.UnixMilli()
		}
	}
	return r.arrived().UnixMilli()
}
