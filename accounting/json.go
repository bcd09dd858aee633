package accounting

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the ticket as one line of JSON (RFC 8259), which says what
// [AppendDetail] says:
//
//	ticket, server, seq     the ticket's name, and its parts
//	session                 32 hexadecimal digits
//	status, verdict         as in detail files
//	archival                why the server closed the session; in archival tickets only
//	source                  address that the packet came from
//	arrived, eventTime, startTime, stopTime
//	                        RFC 3339, up to milliseconds; left out if not known
//	duration                in seconds
//	inputOctets, outputOctets, totalOctets, inputPackets, outputPackets
//	                        numbers of up to 64 bits
//	class                   object of the facts
//	attributes              object of the packet's attributes, by the names of the dictionary
//
// An attribute is a string; one that comes several times is an array of
// strings. Text that is not UTF-8 is an object with its octets, {"base64": "..."}. What has no name, or not
// the length of its kind, is as in detail files. Members come in this order.
func AppendJSON(b []byte, t *Ticket, zone *time.Location) []byte {
	if zone == nil {
		zone = time.UTC
	}
	b = append(b, `{"ticket":`...)
	b = appendJSONString(b, t.Server+"/"+strconv.FormatUint(t.Seq, 10))
	b = append(b, `,"server":`...)
	b = appendJSONString(b, t.Server)
	b = appendJSONNumber(b, `,"seq":`, t.Seq)
	if t.Session.IsValid() {
		b = appendJSONString(append(b, `,"session":`...), t.Session.String())
	}
	b = appendJSONString(append(b, `,"status":`...), t.Status.String())
	b = appendJSONString(append(b, `,"verdict":`...), t.Verdict.String())
	if t.Archival {
		b = appendJSONString(append(b, `,"archival":`...), t.Reason.String())
	}
	if t.Source.IsValid() {
		b = append(b, `,"source":"`...)
		b = append(t.Source.WithZone("").AppendTo(b), '"')
	}
	b = appendJSONTime(b, `,"arrived":"`, t.Arrived, zone)
	b = appendJSONTime(b, `,"eventTime":"`, t.EventTime, zone)
	b = appendJSONTime(b, `,"startTime":"`, t.Started, zone)
	b = appendJSONTime(b, `,"stopTime":"`, t.Stopped, zone)
	b = appendSeconds(append(b, `,"duration":`...), t.Usage.Time)
	b = appendJSONNumber(b, `,"inputOctets":`, t.Usage.InputOctets)
	b = appendJSONNumber(b, `,"outputOctets":`, t.Usage.OutputOctets)
	b = appendJSONNumber(b, `,"totalOctets":`, t.Usage.TotalOctets())
	b = appendJSONNumber(b, `,"inputPackets":`, t.Usage.InputPackets)
	b = appendJSONNumber(b, `,"outputPackets":`, t.Usage.OutputPackets)
	b = t.appendJSONClass(append(b, `,"class":{`...))
	b = t.appendJSONAttributes(append(b, `},"attributes":{`...))
	return append(b, "}}\n"...)
}

// appendJSONClass appends the members of class. Names that come
// twice would be lost in the reader: the later ones get a number.
func (t *Ticket) appendJSONClass(b []byte) []byte {
	for i, f := range t.Class {
		if i > 0 {
			b = append(b, ',')
		}
		name := string(appendFactName(nil, f.Name))
		for n := range i {
			if string(appendFactName(nil, t.Class[n].Name)) == name {
				name += "/" + strconv.Itoa(i)
				break
			}
		}
		b = append(appendJSONString(b, name), ':')
		b = appendJSONText(b, []byte(f.Value))
	}
	return b
}

// walked is an attribute on its way into JSON.
type walked struct {
	ref   attributeRef
	value []byte
	done  bool
}

func (t *Ticket) appendJSONAttributes(b []byte) []byte {
	var room [64]walked
	all := room[:0]
	for w := (walk{rest: t.Attributes}); ; {
		ref, v, ok := w.next()
		if !ok {
			break
		}
		if ref.known != nil {
			ref.tag, v = ref.known.tag(v)
		}
		all = append(all, walked{ref: ref, value: v})
	}
	// Acct-Status-Type is the member status, which says more of an archival
	// ticket; here, as in detail files, it says the same.
	first := true
	if !hasStatus(t.Attributes) {
		b = appendJSONString(append(b, `"Acct-Status-Type":`...), t.Status.String())
		first = false
	}
	for i := range all {
		if all[i].done {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, '"')
		b = all[i].ref.appendName(b)
		b = append(b, `":`...)
		begin, several := len(b), false
		for n := i; n < len(all); n++ {
			if all[n].done || all[n].ref != all[i].ref {
				continue
			}
			if n > i {
				if !several {
					b = append(b, 0)
					copy(b[begin+1:], b[begin:])
					b[begin], several = '[', true
				}
				b = append(b, ',')
			}
			all[n].done = true
			if n == i && all[n].ref.vendor == 0 && all[n].ref.number == acctStatusType {
				b = appendJSONString(b, t.Status.String())
				continue
			}
			b = all[n].appendJSON(b)
		}
		if several {
			b = append(b, ']')
		}
	}
	return b
}

func (w *walked) appendJSON(b []byte) []byte {
	a := w.ref.known
	if a != nil && (a.kind == text || a.kind == taggedText) {
		return appendJSONText(b, w.value)
	}
	b = append(b, '"')
	if a != nil {
		b = a.appendValue(b, w.value, nil)
	} else {
		b = appendHex(b, w.value)
	}
	return append(b, '"')
}

// appendJSONText appends text, whatever its octets are.
func appendJSONText(b, v []byte) []byte {
	if utf8.Valid(v) {
		return appendJSONString(b, string(v))
	}
	b = append(b, `{"base64":"`...)
	b = base64.StdEncoding.AppendEncode(b, v)
	return append(b, `"}`...)
}

// appendJSONString appends a string; what is not UTF-8 becomes the replacement
// character.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f || r > 0x7f && !isPlain(r, 2) && r <= 0xffff:
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

func appendJSONNumber(b []byte, member string, n uint64) []byte {
	return strconv.AppendUint(append(b, member...), n, 10)
}

func appendJSONTime(b []byte, member string, at time.Time, zone *time.Location) []byte {
	if at.IsZero() {
		return b
	}
	b = append(b, member...)
	b = at.In(zone).AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}
