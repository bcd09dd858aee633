package swx

import (
	"encoding/binary"
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// encoder appends AVPs of the table to a message. It does what wire.Builder
// does with less per AVP: an AVP's header is copied from a table, and only its
// length is filled in. Logins wait for these messages.
type encoder struct {
	b     []byte
	start int // of the message
}

// maxMessage is what the length of a message can say (RFC 6733, section 3). An
// AVP that is too long makes the message too long.
const maxMessage = 1<<24 - 1

// avpHead is an AVP's header with no length.
type avpHead struct {
	octets [12]byte
	size   int
}

// heads are the headers of avps.
var heads = func() (h [len(avps)]avpHead) {
	for i := range avps {
		d := &avps[i]
		binary.BigEndian.PutUint32(h[i].octets[:], d.code)
		h[i].octets[4] = d.flags
		h[i].size = 8
		if d.vendor != 0 {
			binary.BigEndian.PutUint32(h[i].octets[8:], d.vendor)
			h[i].size = 12
		}
	}
	return h
}()

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
	n := len(e.b) - e.start
	if n > maxMessage {
		return nil, fmt.Errorf("swx: %s: %w: %d to send", name, wire.ErrLength, n)
	}
	binary.BigEndian.PutUint32(e.b[e.start:], 1<<24|uint32(n))
	return wire.Message(e.b[e.start:]), nil
}

func (e *encoder) octets(avp int, v []byte) {
	h := &heads[avp]
	at := len(e.b)
	n := h.size + len(v)
	b := append(e.b, h.octets[:h.size]...)
	b[at+5], b[at+6], b[at+7] = byte(n>>16), byte(n>>8), byte(n)
	e.b = append(append(b, v...), padding[:-n&3]...)
}

var padding [3]byte

func (e *encoder) string(avp int, v string) {
	h := &heads[avp]
	at := len(e.b)
	n := h.size + len(v)
	b := append(e.b, h.octets[:h.size]...)
	b[at+5], b[at+6], b[at+7] = byte(n>>16), byte(n>>8), byte(n)
	e.b = append(append(b, v...), padding[:-n&3]...)
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
	h := &heads[avp]
	at := len(e.b)
	b := append(e.b, h.octets[:h.size]...)
	b[at+7] = byte(h.size + 4)
	e.b = binary.BigEndian.AppendUint32(b, v)
}

// number appends the AVP unless v is 0.
func (e *encoder) number(avp int, v uint32) {
	if v != 0 {
		e.uint32(avp, v)
	}
}

func (e *encoder) uint64(avp int, v uint64) {
	h := &heads[avp]
	at := len(e.b)
	b := append(e.b, h.octets[:h.size]...)
	b[at+7] = byte(h.size + 8)
	e.b = binary.BigEndian.AppendUint64(b, v)
}

// begin opens a group; what is appended until end(mark) is inside it.
func (e *encoder) begin(avp int) (mark int) {
	h := &heads[avp]
	mark = len(e.b)
	e.b = append(e.b, h.octets[:h.size]...)
	return mark
}

func (e *encoder) end(mark int) {
	n := len(e.b) - mark
	e.b[mark+5], e.b[mark+6], e.b[mark+7] = byte(n>>16), byte(n>>8), byte(n)
}

// raw appends AVPs that are encoded already.
func (e *encoder) raw(b []byte) { e.b = append(e.b, b...) }

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
