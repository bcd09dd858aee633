package accounting

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/opentwag/twag/session"
)

// fingerprint stands for an event: for all that its repetition has as well.
type fingerprint [6]byte

// known is an event that has its ticket.
type known struct {
	print fingerprint
	when  time.Time     // exact to the second
	delay time.Duration // Acct-Delay-Time that it came with
}

// past is an interim that has its ticket. A session has many, so they are small: times are in
// seconds since 1970, of which 32 bits are kept.
type past struct {
	when, arrived uint32
	print         fingerprint
	delay         uint16 // likewise
}

// A NAS repeats an interim until it is acknowledged, and may have sent later ones meanwhile: many, if
// all that it has gathered while no server was to be had comes at once. So the latest interims are
// remembered, ringLeast of them at least, and more, up to ringLen, if they have arrived within ringSpan.
// With interims of the least interval that there may be, these are ringLeast.
const (
	ringLeast = 5
	ringLen   = 32
	ringSpan  = ringLeast * minInterim
)

// Flags of a memory.
const (
	memStarted   = 1 << iota // the Start is known
	memStopped               // the NAS's Stop is known, and it is the end
	memArchived              // the session was closed from its latest interim
	memGigawords             // the NAS has sent gigawords
	memTimeReset             // Acct-Session-Time began again
	memSplit                 // counters began again: first, before and split count
	memLastStamp             // the latest event had an Event-Timestamp
	memKnown                 // all flags that there are
)

// Memory is what [Classify] remembers of a session: about a hundred octets when encoded,
// more while interims come fast. The zero value is that of a session of which nothing has been heard.
type Memory struct {
	flags uint8
	has   Has // counters that were ever seen

	start, stop known
	ring        [ringLen]past // interims, the last that arrived first
	ringed      int

	began clocks // of the Start
	clock time.Duration

	// raw are the counters at mark last, and base is what they had counted before they
	// began again. The totals are their sums.
	raw, base counts
	last      mark
	// Counters began again between before, where they were split, and first.
	first, before mark
	split         counts // plus 1; 0: this one did not
}

// mark is a point in a session's time.
type mark struct {
	when time.Time
	time uint64 // Acct-Session-Time in seconds
	has  bool   // time is known
}

// Usage returns the consolidated totals. They never go back.
func (m *Memory) Usage() session.Usage {
	var t counts
	for i := range t {
		t[i] = saturatingAdd(m.base[i], m.raw[i])
	}
	// Seconds that fit in a Duration.
	seconds := min(t[sessionTime], uint64(maxDuration/time.Second))
	return session.Usage{
		InputOctets: t[inputOctets], OutputOctets: t[outputOctets],
		InputPackets: t[inputPackets], OutputPackets: t[outputPackets],
		Time: max(time.Duration(seconds)*time.Second, m.clock),
	}
}

// Started returns when the session began, as far as can be told: by its Start, else by
// an event's time less its Acct-Session-Time. It is zero if nothing is known.
func (m *Memory) Started() time.Time {
	switch {
	case m.flags&memStarted != 0:
		return m.start.when
	case m.last.when.IsZero():
		return time.Time{}
	default:
		return m.last.when.Add(-m.Usage().Time)
	}
}

// Stopped reports whether the NAS's Stop is known.
func (m *Memory) Stopped() bool { return m.flags&memStopped != 0 }

// Archive notes that the session was closed from its latest interim.
func (m *Memory) Archive() { m.flags |= memArchived }

const memoryVersion = 2

// ErrMemory is a memory that can't be decoded.
var errMemory = errors.New("accounting: not a session's memory")

// Append appends the memory's encoding to b. Times are in milliseconds, those of known
// events in seconds, relative to one of them.
func (m *Memory) Append(b []byte) []byte {
	origin := m.origin()
	b = append(b, memoryVersion, m.flags, byte(m.has), byte(m.ringed))
	b = binary.AppendVarint(b, origin.UnixMilli())
	if m.flags&memStarted != 0 {
		b = m.start.append(b, origin)
		b = appendOptional(appendOptional(b, m.began.sent, origin), m.began.stamp, origin)
	}
	if m.stop != (known{}) {
		b = m.stop.append(append(b, 1), origin)
	} else {
		b = append(b, 0)
	}
	for i := range m.ringed {
		b = m.ring[i].append(b, origin)
	}
	b = binary.AppendUvarint(b, uint64(m.clock/time.Millisecond))
	b = m.raw.append(b)
	b = m.base.append(b)
	b = m.last.append(b, origin)
	if m.flags&memSplit != 0 {
		b = m.first.append(b, origin)
		b = m.before.append(b, origin)
		b = m.split.append(b)
	}
	return b
}

func (m *Memory) origin() time.Time {
	if !m.last.when.IsZero() {
		return m.last.when
	}
	return time.UnixMilli(0)
}

func (k *known) append(b []byte, origin time.Time) []byte {
	b = append(b, k.print[:]...)
	b = binary.AppendVarint(b, k.when.Unix()-origin.Unix())
	return binary.AppendUvarint(b, uint64(k.delay/time.Second))
}

func (p *past) append(b []byte, origin time.Time) []byte {
	b = append(b, p.print[:]...)
	b = binary.AppendVarint(b, int64(p.arrived)-origin.Unix())
	b = binary.AppendVarint(b, int64(int32(p.when-p.arrived)))
	return binary.AppendUvarint(b, uint64(p.delay))
}

func (k *mark) append(b []byte, origin time.Time) []byte {
	b = binary.AppendVarint(b, k.when.UnixMilli()-origin.UnixMilli())
	if !k.has {
		return append(b, 0)
	}
	return binary.AppendUvarint(b, k.time+1)
}

func (c *counts) append(b []byte) []byte {
	for _, v := range c {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// appendOptional appends a time or, as one octet of 0, that there is none.
func appendOptional(b []byte, t, origin time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	return binary.AppendVarint(append(b, 1), t.UnixMilli()-origin.UnixMilli())
}

// DecodeMemory returns the memory that Append wrote. Nothing at all is the zero memory.
func DecodeMemory(b []byte) (Memory, error) {
	var m Memory
	if err := m.decode(b); err != nil {
		return Memory{}, err
	}
	return m, nil
}

// decode is DecodeMemory into a zero memory. After an error it holds nothing useful.
func (m *Memory) decode(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if len(b) < 4 || b[0] != memoryVersion || int(b[3]) > ringLen {
		return errMemory
	}
	m.flags, m.has, m.ringed = b[1], Has(b[2]), int(b[3])
	d := memoryDecoder{rest: b[4:]}
	d.origin = d.varint()
	if m.flags&memStarted != 0 {
		m.start = d.known()
		m.began.sent, m.began.stamp = d.optional(), d.optional()
	}
	if d.octet() != 0 {
		m.stop = d.known()
	}
	for i := range m.ringed {
		m.ring[i] = d.past()
	}
	m.clock = time.Duration(min(d.uvarint(), uint64(maxDuration/time.Millisecond))) * time.Millisecond
	m.raw, m.base, m.last = d.counts(), d.counts(), d.mark()
	if m.flags&memSplit != 0 {
		m.first, m.before, m.split = d.mark(), d.mark(), d.counts()
	}
	if d.failed || len(d.rest) > 0 {
		return errMemory
	}
	return nil
}

// memoryDecoder reads what Append wrote, and remembers that it failed.
type memoryDecoder struct {
	rest   []byte
	origin int64 // in milliseconds
	failed bool
}

func (d *memoryDecoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	return v * int64(d.step(n))
}

func (d *memoryDecoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	return v * uint64(d.step(n))
}

// step goes on by n octets, or fails; it returns 1 or 0.
func (d *memoryDecoder) step(n int) int {
	if n <= 0 || n > len(d.rest) {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return 1
}

func (d *memoryDecoder) octet() byte {
	if len(d.rest) == 0 {
		d.failed = true
		return 0
	}
	v := d.rest[0]
	d.rest = d.rest[1:]
	return v
}

func (d *memoryDecoder) fingerprint() (f fingerprint) {
	if len(d.rest) < len(f) {
		d.failed, d.rest = true, nil
		return f
	}
	copy(f[:], d.rest)
	d.rest = d.rest[len(f):]
	return f
}

func (d *memoryDecoder) known() known {
	k := known{print: d.fingerprint()}
	seconds := time.UnixMilli(d.origin).Unix()
	k.when = time.Unix(seconds+d.varint(), 0)
	k.delay = time.Duration(min(d.uvarint(), 1<<32-1)) * time.Second
	return k
}

func (d *memoryDecoder) past() past {
	p := past{print: d.fingerprint()}
	p.arrived = uint32(time.UnixMilli(d.origin).Unix() + d.varint())
	p.when = p.arrived + uint32(d.varint())
	p.delay = uint16(d.uvarint())
	return p
}

func (d *memoryDecoder) mark() mark {
	k := mark{when: time.UnixMilli(d.origin + d.varint())}
	if v := d.uvarint(); v != 0 {
		k.time, k.has = v-1, true
	}
	return k
}

func (d *memoryDecoder) counts() counts {
	var c counts
	for i := range c {
		c[i] = d.uvarint()
	}
	return c
}

func (d *memoryDecoder) optional() time.Time {
	if d.octet() == 0 {
		return time.Time{}
	}
	return time.UnixMilli(d.origin + d.varint())
}
