package accounting

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/opentwag/twag/session"
)

// Record is a ticket as a file has it, whoever wrote it.
type Record struct {
	// Line is the number of the record's first line in its file.
	Line int
	// Time is the time of arrival.
	Time time.Time
	// Pairs are the attributes, in order.
	Pairs []Pair
	// Raw are the octets of the record in the file, with what ends it.
	Raw []byte
}

// Pair is an attribute's name and its value, without quotation marks and
// escapes.
type Pair struct {
	Name, Value string
	// Text: the value was quoted.
	Text bool
}

// ErrNoAttribute: a record has no such attribute.
var ErrNoAttribute = errors.New("accounting: no such attribute")

// Lookup returns the value of the first attribute of a name.
func (r *Record) Lookup(name string) (string, bool) {
	for i := range r.Pairs {
		if r.Pairs[i].Name == name {
			return r.Pairs[i].Value, true
		}
	}
	return "", false
}

// Number returns the value of the first attribute of a name as a number.
//
// The error wraps [ErrNoAttribute] if there is none.
func (r *Record) Number(name string) (uint64, error) {
	s, ok := r.Lookup(name)
	if !ok {
		return 0, fmt.Errorf("%w: %s", ErrNoAttribute, name)
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("accounting: %s: %q is not a number", name, s)
	}
	return n, nil
}

// Status returns what the event is; 0 if the record does not say.
func (r *Record) Status() Status {
	s, _ := r.Lookup("Acct-Status-Type")
	for _, v := range [...]Status{Start, Stop, Interim, AccountingOn, AccountingOff} {
		if s == v.String() || s == strconv.Itoa(int(v)) || s == "Alive" && v == Interim {
			return v
		}
	}
	return 0
}

// TicketID returns the server and sequence number of a ticket of ours.
func (r *Record) TicketID() (server string, seq uint64, ok bool) {
	s, _ := r.Lookup(nameTicket)
	slash := strings.LastIndexByte(s, '/')
	if slash < 0 {
		return "", 0, false
	}
	seq, err := strconv.ParseUint(s[slash+1:], 10, 64)
	return s[:slash], seq, err == nil
}

// EventTime returns when it happened: as the server computed it, else
// Event-Timestamp, else the time of arrival less Acct-Delay-Time.
func (r *Record) EventTime() time.Time {
	if s, ok := r.Lookup(nameEventTime); ok {
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return at
		}
	}
	if s, ok := r.Lookup("Event-Timestamp"); ok {
		if n, err := strconv.ParseUint(s, 10, 32); err == nil {
			return time.Unix(int64(n), 0).UTC()
		}
		if at, err := parseDate(s); err == nil {
			return at
		}
	}
	delay, err := r.Number("Acct-Delay-Time")
	if err != nil {
		delay = 0
	}
	return r.arrived().Add(-time.Duration(min(delay, 1<<32)) * time.Second)
}

// arrived is the time of arrival; Timestamp knows it without a zone.
func (r *Record) arrived() time.Time {
	if n, err := r.Number(nameTimestamp); err == nil && n < 1<<33 {
		return time.Unix(int64(n), 0).UTC()
	}
	return r.Time
}

// parseDate reads the form in which FreeRADIUS writes dates. The letters of other zones than UTC
// say nothing that one could rely on.
func parseDate(s string) (time.Time, error) {
	return time.Parse("Jan _2 2006 15:04:05 UTC", s)
}

// Ticket returns the ticket that [AppendDetail] or [AppendJSON] wrote. What is
// no attribute of RADIUS and not computed is a fact. Of other programs'
// records it makes what can be made: Verdict is New, and usage zero.
//
// It fails if the record has no Acct-Status-Type, or a value is not of its
// attribute's kind.
func (r *Record) Ticket() (Ticket, error) {
	t := Ticket{Status: r.Status(), Verdict: New, Arrived: r.Time.UTC()}
	if t.Status == 0 {
		return Ticket{}, fmt.Errorf("accounting: record of line %d: no Acct-Status-Type", r.Line)
	}
	t.Server, t.Seq, _ = r.TicketID()
	for _, p := range r.Pairs {
		if err := t.set(p); err != nil {
			return Ticket{}, fmt.Errorf("accounting: record of line %d: %w", r.Line, err)
		}
	}
	return t, nil
}

// set takes what one line says.
func (t *Ticket) set(p Pair) (err error) {
	switch p.Name {
	case nameTicket, nameTotalOctets, nameTimestamp:
	case nameSession:
		t.Session, err = session.ParseID(p.Value)
	case nameVerdict:
		for t.Verdict = New; t.Verdict.String() != p.Value; t.Verdict++ {
			if t.Verdict > Reused {
				return fmt.Errorf("%s: %q", p.Name, p.Value)
			}
		}
	case nameArchival:
		t.Archival = true
		for t.Reason = 0; t.Reason.String() != p.Value; t.Reason++ {
			if t.Reason == 255 {
				return fmt.Errorf("%s: %q", p.Name, p.Value)
			}
		}
	case nameSource:
		t.Source, err = netip.ParseAddr(p.Value)
	case nameArrived:
		t.Arrived, err = parseTime(p.Value)
	case nameEventTime:
		t.EventTime, err = parseTime(p.Value)
	case nameStartTime:
		t.Started, err = parseTime(p.Value)
	case nameStopTime:
		t.Stopped, err = parseTime(p.Value)
	case nameDuration:
		t.Usage.Time, err = time.ParseDuration(p.Value + "s")
	case nameInputOctets:
		t.Usage.InputOctets, err = strconv.ParseUint(p.Value, 10, 64)
	case nameOutputOctets:
		t.Usage.OutputOctets, err = strconv.ParseUint(p.Value, 10, 64)
	case nameInputPackets:
		t.Usage.InputPackets, err = strconv.ParseUint(p.Value, 10, 64)
	case nameOutputPackets:
		t.Usage.OutputPackets, err = strconv.ParseUint(p.Value, 10, 64)
	default:
		ref, ok := parseAttribute(p.Name)
		if !ok {
			t.Class = append(t.Class, Fact{p.Name, p.Value})
			return nil
		}
		value, err := ref.encode(nil, p)
		if err != nil {
			return err
		}
		if t.Attributes, ok = appendAttribute(t.Attributes, ref, value); !ok {
			return fmt.Errorf("%s: %d octets", p.Name, len(value))
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}

func parseTime(s string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, s)
	return at.UTC(), err
}
