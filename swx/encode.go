package swx

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/opentwag/twag/diameter/wire"
)

// encoder appends AVPs of the table to a message. It does what wire.Builder
// does with less per AVP: an AVP's header is copied from a table, and only its
// length is filled in. Logins wait for these messages.
type encoder struct {
	b []byte // what it began with has whole AVPs, padding included
}

// maxMessage is what the length of a message can say (RFC 6733, section 3). An
// AVP that is too long makes the message too long.
const maxMessage = 1<<24 - 1

// avpHead is an AVP's header with no length, as the numbers on the wire.
type avpHead struct {
	code, flags, vendor uint32
	size                int // 8 octets, 12 with a vendor
}

// heads are the headers of avps.
var heads = func() (h [len(avps)]avpHead) {
	for i := range avps {
		d := &avps[i]
		h[i] = avpHead{code: d.Code, flags: uint32(d.Flags) << 24, vendor: d.Vendor, size: 8}
		if d.Vendor != 0 {
			h[i].size = 12
		}
	}
	return h
}()

// header appends the header of an AVP with n octets of data, and makes room for
// those, their padding and three octets more. It returns where the data begins:
// the caller sets it, and the length of e.b.
func (e *encoder) header(avp, n int) (b []byte, at int) {
	h := &heads[avp]
	at = len(e.b)
	b = e.b
	if cap(b)-at < 12+n+4 {
		b = slices.Grow(b, 12+n+4)
	}
	b = b[:at+12+n+4]
	head := (*[12]byte)(b[at:])
	binary.BigEndian.PutUint32(head[:], h.code)
	binary.BigEndian.PutUint32(head[4:], h.flags|uint32(h.size+n)&0xffffff)
	binary.BigEndian.PutUint32(head[8:], h.vendor)
	return b, at + h.size
}

// beginMessage starts a message in buf's memory, if that is large enough.
func beginMessage(buf []byte, h wire.Header) encoder {
	w := wire.MakeBuilder(buf[:0], h)
	m, _ := w.Message() // a header alone cannot be too long
	return encoder{b: m}
}

// beginRequest starts a request in buf's memory, if that is large enough.
func beginRequest(buf []byte, command uint32) encoder {
	return beginMessage(buf, wire.Header{
		Flags:       wire.FlagRequest | wire.FlagProxiable,
		Command:     command,
		Application: ApplicationID,
	})
}

// beginAnswer starts the answer to a request with the header req. Of flags
// only E counts.
func beginAnswer(buf []byte, command uint32, req wire.Header, flags uint8) encoder {
	return beginMessage(buf, wire.Header{
		Flags:       req.Flags&wire.FlagProxiable | flags&wire.FlagError,
		Command:     command,
		Application: ApplicationID,
		HopByHop:    req.HopByHop,
		EndToEnd:    req.EndToEnd,
	})
}

// message fills in the length, and returns the message or an error that names
// it.
func (e *encoder) message(name string) (wire.Message, error) {
	n := len(e.b)
	if n > maxMessage {
		return nil, fmt.Errorf("swx: %s: %w: %d to send", name, wire.ErrLength, n)
	}
	binary.BigEndian.PutUint32(e.b, 1<<24|uint32(n))
	return wire.Message(e.b), nil
}

func (e *encoder) octets(avp int, v []byte) {
	b, at := e.header(avp, len(v))
	at += copy(b[at:], v)
	binary.BigEndian.PutUint32(b[at:], 0)
	e.b = b[:(at+3)&^3]
}

var padding [3]byte

func (e *encoder) string(avp int, v string) {
	b, at := e.header(avp, len(v))
	at += copy(b[at:], v)
	binary.BigEndian.PutUint32(b[at:], 0)
	e.b = b[:(at+3)&^3]
}

// optional appends the AVP unless v is nil.
func (e *encoder) optional(avp int, v []byte) {
	if v != nil {
		e.octets(avp, v)
	}
}

// text appends the AVP unless v is empty.
func (e *encoder) text(avp int, v string) {
	if v != "" {
		e.string(avp, v)
	}
}

func (e *encoder) uint32(avp int, v uint32) {
	b, at := e.header(avp, 4)
	binary.BigEndian.PutUint32(b[at:], v)
	e.b = b[:at+4]
}

// number appends the AVP unless v is 0.
func (e *encoder) number(avp int, v uint32) {
	if v != 0 {
		e.uint32(avp, v)
	}
}

func (e *encoder) uint64(avp int, v uint64) {
	b, at := e.header(avp, 8)
	binary.BigEndian.PutUint64(b[at:], v)
	e.b = b[:at+8]
}

// begin opens a group; what is appended until end(mark) is inside it.
func (e *encoder) begin(avp int) (mark int) {
	mark = len(e.b)
	b, at := e.header(avp, 0)
	e.b = b[:at]
	return mark
}

func (e *encoder) end(mark int) {
	n := len(e.b) - mark
	e.b[mark+5], e.b[mark+6], e.b[mark+7] = byte(n>>16), byte(n>>8), byte(n)
}

// raw appends AVPs that are encoded already; the padding of the last may be
// missing.
func (e *encoder) raw(b []byte) { e.b = append(append(e.b, b...), padding[:-len(b)&3]...) }

// avp appends a as it is, its vendor deciding the V bit.
func (e *encoder) avp(a wire.AVP) { e.b = appendAVP(e.b, a) }

// appendAVP appends the octets of a, its vendor deciding the V bit.
func appendAVP(b []byte, a wire.AVP) []byte {
	n, flags := 8+len(a.Data), a.Flags&^wire.FlagVendor
	if a.Vendor != 0 {
		n, flags = n+4, flags|wire.FlagVendor
	}
	b = binary.BigEndian.AppendUint32(b, a.Code)
	b = append(b, flags, byte(n>>16), byte(n>>8), byte(n))
	if a.Vendor != 0 {
		b = binary.BigEndian.AppendUint32(b, a.Vendor)
	}
	return append(append(b, a.Data...), padding[:-n&3]...)
}

// blame appends a Failed-AVP with a, unless its Code is 0.
func (e *encoder) blame(a wire.AVP) {
	if a.Code != 0 {
		g := e.begin(avpFailedAVP)
		e.avp(a)
		e.end(g)
	}
}

func (e *encoder) proxyInfo(list [][]byte) {
	for _, p := range list {
		e.octets(avpProxyInfo, p)
	}
}

func (e *encoder) experimental(x ExperimentalResult) {
	if x.Code == 0 {
		return
	}
	g := e.begin(avpExperimentalResult)
	e.number(avpVendorID, x.Vendor)
	e.uint32(avpExperimentalCode, x.Code)
	e.end(g)
}
