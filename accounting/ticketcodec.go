package accounting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/opentwag/twag/session"
)

// Errors of the journal entry's encoding.
var (
	// ErrDecode is wrapped by the errors of [DecodeTicket].
	ErrDecode = errors.New("accounting: not a ticket")
	// ErrEncode is wrapped by the errors of [Ticket.Append]: the ticket has values
	// that no ticket may have, and none of it is written.
	ErrEncode = errors.New("accounting: ticket cannot be encoded")
)

// ticketVersion is the first octet of an encoded ticket. A later version has another
// one, and DecodeTicket reads both.
const ticketVersion = 1

// Flags of the encoding.
const (
	flagArchival = 1 << iota
	flagSession  // a session ID follows
	flagsKnown   = flagArchival | flagSession
)

// maxFacts bounds the facts of a ticket.
const maxFacts = 64

// Times are kept in milliseconds, between the years 1 and 9999: what text
// can say.
var (
	minMilli = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxMilli = time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// Append appends the ticket's encoding, which is what the journal keeps, to b.
// Seq is left out: the journal gives it. Times lose what is less than
// a millisecond, and the address its zone.
//
// The error wraps [ErrEncode], and b is returned as it was: the status or
// verdict is none, the attributes are not well formed, a time is outside of what
// can be written, or the entry is longer than [session.MaxValue].
func (t *Ticket) Append(b []byte) ([]byte, error) {
	if why := t.invalid(); why != "" {
		return b, fmt.Errorf("%w: %s", ErrEncode, why)
	}
	begin := len(b)
	flags := byte(0)
	if t.Archival {
		flags |= flagArchival
	}
	if t.Session.IsValid() {
		flags |= flagSession
	}
	b = append(b, ticketVersion, byte(t.Status), byte(t.Verdict), byte(t.Reason), flags)
	if flags&flagSession != 0 {
		b = append(b, t.Session[:]...)
	}
	switch {
	case t.Source.Is4():
		a := t.Source.As4()
		b = append(append(b, 4), a[:]...)
	case t.Source.IsValid():
		a := t.Source.As16()
		b = append(append(b, 16), a[:]...)
	default:
		b = append(b, 0)
	}
	for _, at := range [...]time.Time{t.Arrived, t.EventTime, t.Started, t.Stopped} {
		b = binary.AppendVarint(b, milli(at))
	}
	u := &t.Usage
	for _, v := range [...]uint64{u.InputOctets, u.OutputOctets, u.InputPackets, u.OutputPackets, uint64(u.Time)} {
		b = binary.AppendUvarint(b, v)
	}
	b = appendText(b, t.Server)
	b = binary.AppendUvarint(b, uint64(len(t.Attributes)))
	b = append(b, t.Attributes...)
	b = binary.AppendUvarint(b, uint64(len(t.Class)))
	for i := range t.Class {
		b = appendText(b, t.Class[i].Name)
		b = appendText(b, t.Class[i].Value)
	}
	if n := len(b) - begin; n > session.MaxValue {
		return b[:begin], fmt.Errorf("%w: %d octets", ErrEncode, n)
	}
	return b, nil
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// milli returns the milliseconds that stand for at; 0 is the zero time.
func milli(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

// invalid returns what is wrong with the ticket, or "".
func (t *Ticket) invalid() string {
	switch {
	case t.Status.String() == "invalid":
		return "status"
	case t.Verdict < New || t.Verdict > Reused:
		return "verdict"
	case !wellFormed(t.Attributes):
		return "attributes"
	case len(t.Class) > maxFacts:
		return "too many facts"
	case t.Usage.Time < 0:
		return "negative time"
	}
	for _, at := range [...]time.Time{t.Arrived, t.EventTime, t.Started, t.Stopped} {
		if m := milli(at); m < minMilli || m > maxMilli {
			return "time"
		}
	}
	return ""
}

// wellFormed reports whether b is a sequence of attributes: type, length, value.
func wellFormed(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return false
		}
		b = b[b[1]:]
	}
	return true
}

// DecodeTicket returns the ticket that [Ticket.Append] wrote, without its Seq. The result
// does not alias b. Times are in UTC.
//
// The error wraps [ErrDecode].
func DecodeTicket(b []byte) (Ticket, error) {
	var t Ticket
	if err := t.decode(b); err != nil {
		return Ticket{}, err
	}
	t.Attributes = slices.Clone(t.Attributes)
	return t, nil
}

// decode is DecodeTicket into a ticket that has been used before: it aliases
// b in Attributes, takes the room that Class has, and makes no string again that
// t has already. After an error t holds nothing useful.
func (t *Ticket) decode(b []byte) error {
	server, class := t.Server, t.Class[:0]
	*t = Ticket{}
	if len(b) < 5 || b[0] != ticketVersion {
		return fmt.Errorf("%w: version or length", ErrDecode)
	}
	flags := b[4]
	if flags&^byte(flagsKnown) != 0 {
		return fmt.Errorf("%w: flags %#x", ErrDecode, flags)
	}
	t.Status, t.Verdict, t.Reason = Status(b[1]), Verdict(b[2]), session.Reason(b[3])
	t.Archival = flags&flagArchival != 0
	d := ticketDecoder{rest: b[5:]}
	if flags&flagSession != 0 {
		copy(t.Session[:], d.take(uint64(len(t.Session))))
		if !t.Session.IsValid() {
			d.failed = true
		}
	}
	t.Source = d.addr()
	for _, at := range [...]*time.Time{&t.Arrived, &t.EventTime, &t.Started, &t.Stopped} {
		*at = d.time()
	}
	u := &t.Usage
	for _, v := range [...]*uint64{&u.InputOctets, &u.OutputOctets, &u.InputPackets, &u.OutputPackets} {
		*v = d.uvarint()
	}
	u.Time = time.Duration(d.uvarint())
	if raw := d.octets(); string(raw) == server {
		t.Server = server
	} else {
		t.Server = string(raw)
	}
	if raw := d.octets(); len(raw) > 0 {
		t.Attributes = raw
	}
	t.Class = d.facts(class)
	switch {
	case d.failed || len(d.rest) > 0:
		return fmt.Errorf("%w: length", ErrDecode)
	default:
		if why := t.invalid(); why != "" {
			return fmt.Errorf("%w: %s", ErrDecode, why)
		}
		return nil
	}
}

// ticketDecoder reads what Append wrote, and remembers that it failed.
type ticketDecoder struct {
	rest   []byte
	failed bool
}

func (d *ticketDecoder) fail() { d.failed, d.rest = true, nil }

func (d *ticketDecoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *ticketDecoder) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	v := d.rest[:n:n]
	d.rest = d.rest[n:]
	return v
}

func (d *ticketDecoder) octets() []byte { return d.take(d.uvarint()) }

func (d *ticketDecoder) addr() netip.Addr {
	n := d.take(1)
	if len(n) == 0 || n[0] == 0 {
		return netip.Addr{}
	}
	a, ok := netip.AddrFromSlice(d.take(uint64(n[0])))
	if !ok {
		d.fail()
	}
	return a
}

func (d *ticketDecoder) time() time.Time {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail()
		return time.Time{}
	}
	d.rest = d.rest[n:]
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMilli(v).UTC()
}

// facts reads into class. All names and values are parts of one string.
func (d *ticketDecoder) facts(class []Fact) []Fact {
	n := d.uvarint()
	if n == 0 || n > maxFacts {
		d.failed = d.failed || n != 0
		return nil
	}
	text, at := string(d.rest), 0
	next := func() string {
		raw := d.octets()
		end := len(text) - len(d.rest)
		if d.failed {
			return ""
		}
		at = end - len(raw)
		return text[at:end]
	}
	for range n {
		name := next()
		class = append(class, Fact{Name: name, Value: next()})
	}
	return class
}
