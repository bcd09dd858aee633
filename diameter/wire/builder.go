package wire

import (
	"encoding/binary"
	"fmt"
)

const maxLen = 1<<24 - 1

// Builder appends one message to a buffer. Its methods may be chained with no
// error checks in between: the first error sticks and Message returns it.
//
//	b := wire.NewBuilder(buf[:0], wire.Header{…})
//	b.String(263, 0, wire.FlagMandatory, sid)
//	g := b.Begin(260, 0, wire.FlagMandatory)
//	b.Uint32(266, 0, wire.FlagMandatory, 10415)
//	b.End(g)
//	m, err := b.Message()
type Builder struct {
	b     []byte
	start int
	err   error
}

// NewBuilder begins a message with the header h at the end of b.
func NewBuilder(b []byte, h Header) *Builder {
	w := MakeBuilder(b, h)
	return &w
}

// MakeBuilder is NewBuilder as a value, for callers that want it on the stack.
func MakeBuilder(b []byte, h Header) Builder {
	w := Builder{start: len(b)}
	b = binary.BigEndian.AppendUint32(b, 1<<24)
	b = binary.BigEndian.AppendUint32(b, uint32(h.Flags)<<24|h.Command&0xffffff)
	b = binary.BigEndian.AppendUint32(b, h.Application)
	b = binary.BigEndian.AppendUint32(b, h.HopByHop)
	w.b = binary.BigEndian.AppendUint32(b, h.EndToEnd)
	return w
}

// Message fills in the length and returns the message, the octets appended
// since the builder was made. It aliases the buffer.
func (w *Builder) Message() (Message, error) {
	n := len(w.b) - w.start
	if w.err == nil && n > maxLen {
		w.err = fmt.Errorf("%w: %d to send", ErrLength, n)
	}
	if w.err != nil {
		return nil, w.err
	}
	binary.BigEndian.PutUint32(w.b[w.start:], 1<<24|uint32(n))
	return Message(w.b[w.start:]), nil
}

// head appends an AVP's header and returns where it starts. The V bit follows
// from the vendor.
func (w *Builder) head(code, vendor uint32, flags uint8) int {
	at := len(w.b)
	flags &^= FlagVendor
	if vendor != 0 {
		flags |= FlagVendor
	}
	w.b = binary.BigEndian.AppendUint32(w.b, code)
	w.b = binary.BigEndian.AppendUint32(w.b, uint32(flags)<<24)
	if vendor != 0 {
		w.b = binary.BigEndian.AppendUint32(w.b, vendor)
	}
	return at
}

// tail writes the length of the AVP at at, and pads it.
func (w *Builder) tail(at int) {
	n := len(w.b) - at
	if n > maxLen {
		if w.err == nil {
			w.err = fmt.Errorf("%w: %d octets to send", ErrAVPLength, n)
		}
		return
	}
	w.b[at+5], w.b[at+6], w.b[at+7] = byte(n>>16), byte(n>>8), byte(n)
	for ; n%4 != 0; n++ {
		w.b = append(w.b, 0)
	}
}

// Octets appends an AVP with the data v.
func (w *Builder) Octets(code, vendor uint32, flags uint8, v []byte) {
	at := w.head(code, vendor, flags)
	w.b = append(w.b, v...)
	w.tail(at)
}

// String appends an AVP with the data v.
func (w *Builder) String(code, vendor uint32, flags uint8, v string) {
	at := w.head(code, vendor, flags)
	w.b = append(w.b, v...)
	w.tail(at)
}

// Uint32 appends an Unsigned32, Enumerated or Time AVP.
func (w *Builder) Uint32(code, vendor uint32, flags uint8, v uint32) {
	at := w.head(code, vendor, flags)
	w.b = binary.BigEndian.AppendUint32(w.b, v)
	w.tail(at)
}

// Uint64 appends an Unsigned64 AVP.
func (w *Builder) Uint64(code, vendor uint32, flags uint8, v uint64) {
	at := w.head(code, vendor, flags)
	w.b = binary.BigEndian.AppendUint64(w.b, v)
	w.tail(at)
}

// AVP appends a as it is, its vendor deciding the V bit.
func (w *Builder) AVP(a AVP) { w.Octets(a.Code, a.Vendor, a.Flags, a.Data) }

// Begin opens a Grouped AVP; what is appended until End(mark) is inside it.
func (w *Builder) Begin(code, vendor uint32, flags uint8) (mark int) {
	return w.head(code, vendor, flags)
}

// End closes the Grouped AVP that Begin opened.
func (w *Builder) End(mark int) { w.tail(mark) }

// Raw appends AVPs that are encoded already, their padding included.
func (w *Builder) Raw(b []byte) { w.b = append(w.b, b...) }
