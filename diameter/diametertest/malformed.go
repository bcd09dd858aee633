package diametertest

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// Input is a message that is wrong in one way, or looks as if it were.
type Input struct {
	Name   string
	Octets []byte
	// Framed: its Message-Length is right, so that the next message can be
	// found behind it and nothing but this one need suffer.
	Framed bool
	// Code is the Result-Code that RFC 6733 has for it in a request; 0: nothing
	// is wrong, and it has to be served.
	Code uint32
	// Typed: only who knows the type of an AVP can find fault with it.
	Typed bool
}

// Malformed returns, with the header h and behind the AVPs of lead, which may
// be nil, the inputs that Diameter stacks were seen to panic at, to allocate
// gigabytes for, to read wrongly, or to give up the connection for.
//
// In answers the identifiers of h are those of the request; Code does not apply.
func Malformed(h wire.Header, lead Part) []Input {
	if lead == nil {
		lead = func(*wire.Builder) {}
	}
	with := func(parts ...Part) []byte { return Build(h, append([]Part{lead}, parts...)...) }
	octets := func(b ...byte) Part { return Raw(b...) }
	list := []Input{}
	add := func(name string, code uint32, b []byte) {
		list = append(list, Input{Name: name, Octets: b, Framed: true, Code: code})
	}

	// The header.
	for _, n := range []int{0, 4, 19, 22} {
		b := Build(h)
		setLength(b, n)
		list = append(list, Input{Name: fmt.Sprintf("Message-Length %d", n), Octets: b, Code: diameter.ResultInvalidMessageLength})
	}
	b := Build(h)
	setLength(b, 1<<24-4)
	list = append(list, Input{Name: "Message-Length 16 MiB without a body", Octets: b, Code: diameter.ResultInvalidMessageLength})
	b = with()
	b[0] = 2
	add("version 2", diameter.ResultUnsupportedVersion, b)
	b = with()
	b[4] |= 1
	add("reserved header bit", 0, b)

	// The lengths of AVPs.
	for _, kb := range []int{1, 8, 16, 32, 60} {
		add(fmt.Sprintf("nested groups, %d KB", kb), diameter.ResultUnableToComply, with(octets(nested(kb*1024/8)...)))
	}
	add("nested groups, 256 KB", diameter.ResultInvalidMessageLength, with(octets(nested(256*1024/8)...)))
	add("8000 unknown empty AVPs", diameter.ResultUnableToComply, with(octets(bytes.Repeat([]byte{0, 0, 0x7f, 9, 0, 0, 0, 8}, 8000)...)))
	add("AVP of length 0", diameter.ResultInvalidAVPLength, with(octets(0, 0, 0, 1, 0x40, 0, 0, 0)))
	add("AVP of length 7", diameter.ResultInvalidAVPLength, with(octets(0, 0, 0, 1, 0x40, 0, 0, 7)))
	add("AVP beyond the end", diameter.ResultInvalidAVPLength, with(octets(0, 0, 0, 1, 0x40, 0, 0, 200)))
	add("AVP of 16 MiB", diameter.ResultInvalidAVPLength, with(octets(0, 0, 0, 1, 0x40, 0xff, 0xff, 0xff)))
	add("V bit with length 8", diameter.ResultInvalidAVPLength, with(octets(0, 0, 0, 1, 0xc0, 0, 0, 8)))
	add("stray trailing octets", diameter.ResultInvalidAVPLength, with(octets(0, 0, 0, 1)))
	add("padding missing at the end", diameter.ResultInvalidAVPLength, with(octets(0, 0, 0, 1, 0x40, 0, 0, 13, 'a', 'b', 'c', 'd')))
	add("truncated child", diameter.ResultInvalidAVPLength, with(octets(0, 0, 1, 4, 0x40, 0, 0, 16, 0, 0, 1, 10, 0x40, 0, 0, 12)))

	// What the type says.
	typed := func(name string, code uint32, parts ...Part) {
		list = append(list, Input{Name: name, Octets: with(parts...), Framed: true, Code: code, Typed: true})
	}
	typed("Address with 3 octets", diameter.ResultInvalidAVPLength, func(w *wire.Builder) {
		w.Octets(diameter.AVPHostIPAddress, 0, wire.FlagMandatory, []byte{0, 1, 10, 0, 0})
	})
	typed("Result-Code of 2 octets", diameter.ResultInvalidAVPLength, func(w *wire.Builder) {
		w.Octets(diameter.AVPResultCode, 0, wire.FlagMandatory, []byte{7, 0xd1})
	})
	typed("Enumerated of 16 octets that hide a Result-Code", diameter.ResultInvalidAVPLength, func(w *wire.Builder) {
		w.Octets(diameter.AVPAuthSessionState, 0, wire.FlagMandatory, append([]byte{0, 0, 0, 1}, Build(wire.Header{}, Result(2001))[wire.HeaderLen:]...))
	})
	typed("Time of 8 octets", diameter.ResultInvalidAVPLength, func(w *wire.Builder) {
		w.Octets(diameter.AVPEventTimestamp, 0, wire.FlagMandatory, make([]byte, 8))
	})

	// What looks wrong to who forgets the vendor.
	add("unknown vendor's AVP with the code of a group", 0, with(func(w *wire.Builder) { w.Octets(456, 9, 0, []byte{1, 2, 3}) }))
	add("unknown vendor's AVP with the code of an Unsigned32", 0, with(func(w *wire.Builder) {
		w.Octets(diameter.AVPResultCode, 9, 0, []byte{1, 2})
	}))
	return list
}

// nested returns groups in each other.
func nested(depth int) []byte {
	b := make([]byte, 0, 8*depth)
	for n := depth; n > 0; n-- {
		b = binary.BigEndian.AppendUint32(b, diameter.AVPVendorSpecificApplicationID)
		b = binary.BigEndian.AppendUint32(b, wire.FlagMandatory<<24|uint32(8*n))
	}
	return b
}

// setLength sets a Message-Length.
func setLength(m []byte, n int) {
	m[1], m[2], m[3] = byte(n>>16), byte(n>>8), byte(n)
}
