package accounting

import (
	"strconv"
	"strings"
	"time"
)

// The names of computed values in files. None is an attribute of RADIUS.
const (
	nameTicket        = "Twag-Ticket"         // "server/sequence number"
	nameSession       = "Twag-Session-Id"     // 32 hexadecimal digits
	nameVerdict       = "Twag-Verdict"        // Verdict.String
	nameArchival      = "Twag-Archival"       // Reason.String; only in archival tickets
	nameSource        = "Twag-Source"         // address that the packet came from
	nameArrived       = "Twag-Arrived"        // RFC 3339 with milliseconds, as the three below
	nameEventTime     = "Twag-Event-Time"     // when it happened
	nameStartTime     = "Twag-Start-Time"     // of the session
	nameStopTime      = "Twag-Stop-Time"      // of the session
	nameDuration      = "Twag-Duration"       // of the session, in seconds
	nameInputOctets   = "Twag-Input-Octets"   // of the session, 64 bits; so are the four below
	nameOutputOctets  = "Twag-Output-Octets"  //
	nameTotalOctets   = "Twag-Total-Octets"   // both directions
	nameInputPackets  = "Twag-Input-Packets"  //
	nameOutputPackets = "Twag-Output-Packets" //
	nameTimestamp     = "Timestamp"           // arrival, seconds since 1970, as FreeRADIUS writes

	computedPrefix = "Twag-"
)

// computed is a line's beginning.
func computed(name string) string { return "\t" + name + " = " }

var (
	lineTicket        = computed(nameTicket)
	lineSession       = computed(nameSession)
	lineVerdict       = computed(nameVerdict)
	lineArchival      = computed(nameArchival)
	lineSource        = computed(nameSource)
	lineArrived       = computed(nameArrived)
	lineEventTime     = computed(nameEventTime)
	lineStartTime     = computed(nameStartTime)
	lineStopTime      = computed(nameStopTime)
	lineDuration      = computed(nameDuration)
	lineInputOctets   = computed(nameInputOctets)
	lineOutputOctets  = computed(nameOutputOctets)
	lineTotalOctets   = computed(nameTotalOctets)
	lineInputPackets  = computed(nameInputPackets)
	lineOutputPackets = computed(nameOutputPackets)
	lineTimestamp     = computed(nameTimestamp)
	lineStatus        = computed("Acct-Status-Type")
)

const acctStatusType = 40

// AppendDetail appends the ticket in Livingston's detail layout: a line with the time of
// arrival in zone (nil: UTC), such as
//
//	Fri Jun 13 20:40:26 2008
//
// an indented line "Attribute = value" for each attribute in the order of the packet, for
// each fact of the Class under its own name, and for each computed value, and an empty line.
// zone should have one offset all the year, or an hour of each autumn comes twice.
//
// Text is quoted, and escaped so that no value can look like another line; numbers
// that have names are named; other octets are 0x and hexadecimal digits, and so
// is every value that has not its attribute's length. An attribute without a name is Attr-241 or
// Attr-26.9.250. Acct-Status-Type says what the ticket's Status says. A tag is behind the
// name: Tunnel-Type:1.
//
// Computed values:
//
//	Twag-Ticket              "server/sequence number": the ticket's name for ever
//	Twag-Session-Id          the session, 32 hexadecimal digits
//	Twag-Verdict             what classification said
//	Twag-Archival            why the server closed the session; in archival tickets only
//	Twag-Source              address that the packet came from
//	Twag-Arrived, Twag-Event-Time, Twag-Start-Time, Twag-Stop-Time
//	                         RFC 3339, up to milliseconds; left out if not known
//	Twag-Duration            of the session, in seconds
//	Twag-Input-Octets, Twag-Output-Octets, Twag-Total-Octets,
//	Twag-Input-Packets, Twag-Output-Packets
//	                         of the session, 64 bits
//	Timestamp                arrival in seconds since 1970, as FreeRADIUS writes it
//
// A fact whose name would be taken for something else is called Local- and its name.
func AppendDetail(b []byte, t *Ticket, zone *time.Location) []byte {
	if zone == nil {
		zone = time.UTC
	}
	b = t.Arrived.In(zone).AppendFormat(b, time.ANSIC)
	b = append(b, '\n')
	b = t.appendAttributes(b)
	for i := range t.Class {
		b = append(b, '\t')
		b = appendFactName(b, t.Class[i].Name)
		b = append(b, " = "...)
		b = appendQuoted(b, t.Class[i].Value)
		b = append(b, '\n')
	}
	b = appendQuotedTicketID(append(b, lineTicket...), t)
	if t.Session.IsValid() {
		b = append(b, '\n')
		b = append(b, lineSession...)
		b = append(b, '"')
		for _, c := range t.Session {
			b = append(b, hexDigits[c>>4], hexDigits[c&15])
		}
		b = append(b, '"')
	}
	b = append(b, '\n')
	b = append(b, lineVerdict...)
	b = append(b, t.Verdict.String()...)
	if t.Archival {
		b = append(b, '\n')
		b = append(b, lineArchival...)
		b = append(b, t.Reason.String()...)
	}
	if t.Source.IsValid() {
		b = append(b, '\n')
		b = append(b, lineSource...)
		b = t.Source.WithZone("").AppendTo(b)
	}
	b = appendTimeLine(b, lineArrived, t.Arrived, zone)
	b = appendTimeLine(b, lineEventTime, t.EventTime, zone)
	b = appendTimeLine(b, lineStartTime, t.Started, zone)
	b = appendTimeLine(b, lineStopTime, t.Stopped, zone)
	b = append(b, '\n')
	b = append(b, lineDuration...)
	b = appendSeconds(b, t.Usage.Time)
	b = appendNumberLine(b, lineInputOctets, t.Usage.InputOctets)
	b = appendNumberLine(b, lineOutputOctets, t.Usage.OutputOctets)
	b = appendNumberLine(b, lineTotalOctets, t.Usage.TotalOctets())
	b = appendNumberLine(b, lineInputPackets, t.Usage.InputPackets)
	b = appendNumberLine(b, lineOutputPackets, t.Usage.OutputPackets)
	b = append(b, '\n')
	b = append(b, lineTimestamp...)
	b = strconv.AppendInt(b, t.Arrived.Unix(), 10)
	return append(b, "\n\n"...)
}

// appendAttributes appends the lines of the packet's attributes.
func (t *Ticket) appendAttributes(b []byte) []byte {
	statusShown := hasStatus(t.Attributes)
	if !statusShown {
		b = append(b, lineStatus...)
		b = append(b, t.Status.String()...)
		b = append(b, '\n')
	}
	w := walk{rest: t.Attributes}
	for {
		ref, v, ok := w.next()
		if !ok {
			return b
		}
		switch {
		case statusShown && ref.vendor == 0 && ref.number == acctStatusType:
			statusShown = false
			b = append(b, lineStatus...)
			b = append(b, t.Status.String()...)
		case ref.known == nil:
			b = append(b, '\t')
			b = ref.appendNumbers(b)
			b = append(b, " = "...)
			b = appendHex(b, v)
		default:
			if ref.tag, v = ref.known.tag(v); ref.tag < 0 {
				b = append(b, ref.known.line...)
			} else {
				b = append(b, '\t')
				b = ref.appendName(b)
				b = append(b, " = "...)
			}
			b = ref.known.appendValue(b, v, appendQuoted[[]byte])
		}
		b = append(b, '\n')
	}
}

// hasStatus reports whether there is an Acct-Status-Type.
func hasStatus(attributes []byte) bool {
	return has(attributes, attributeRef{number: acctStatusType})
}

// appendFactName appends the name that a fact has in files.
func appendFactName(b []byte, name string) []byte {
	if isTaken(name) {
		b = append(b, "Local-"...)
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !isNameOctet(c) {
			c = '_'
		}
		b = append(b, c)
	}
	return b
}

// isTaken reports whether something other than a fact has that name, or a fact
// can't have it.
func isTaken(name string) bool {
	if name == "" || name == nameTimestamp || strings.HasPrefix(name, computedPrefix) {
		return true
	}
	_, known := parseAttribute(name)
	return known
}

func isNameOctet(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == ':' || c == '/'
}

func appendQuotedTicketID(b []byte, t *Ticket) []byte {
	b = appendQuoted(b, t.Server)
	b[len(b)-1] = '/' // in place of the quotation mark
	b = strconv.AppendUint(b, t.Seq, 10)
	return append(b, '"')
}

// appendTimeLine ends the line before, and appends one with a time unless it is
// the zero time.
func appendTimeLine(b []byte, line string, at time.Time, zone *time.Location) []byte {
	if at.IsZero() {
		return b
	}
	b = append(b, '\n')
	b = append(b, line...)
	b = append(b, '"')
	b = at.In(zone).AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendNumberLine(b []byte, line string, n uint64) []byte {
	b = append(b, '\n')
	b = append(b, line...)
	return strconv.AppendUint(b, n, 10)
}

// appendSeconds appends a duration in seconds, with a fraction only if there
// is one.
func appendSeconds(b []byte, d time.Duration) []byte {
	b = strconv.AppendInt(b, int64(d/time.Second), 10)
	rest := d % time.Second
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for unit := time.Second / 10; rest > 0; unit /= 10 {
		b = append(b, '0'+byte(rest/unit))
		rest %= unit
	}
	return b
}
