package accounting

import "encoding/binary"

// walk goes through a packet's attributes. Those of vendors that the dictionary knows come one by
// one out of their Vendor-Specific attribute (RFC 2865, section 5.26); so does a
// single one of another vendor. Whatever does not have that form is attribute 26 as it is.
type walk struct {
	rest []byte

	inner  []byte // what is left of a Vendor-Specific attribute
	vendor uint32
	names  *[256]*attribute
}

const vendorSpecific = 26

// next returns the next attribute and its value, which aliases the packet. It ends where
// the attributes are not well formed, which those of a ticket always are.
func (w *walk) next() (ref attributeRef, value []byte, ok bool) {
	if len(w.inner) == 0 {
		if len(w.rest) < 2 || w.rest[1] < 2 || int(w.rest[1]) > len(w.rest) {
			return attributeRef{}, nil, false
		}
		number, value := w.rest[0], w.rest[2:w.rest[1]]
		w.rest = w.rest[w.rest[1]:]
		if number != vendorSpecific || !w.enter(value) {
			return attributeRef{number: number, known: standard[number], tag: -1}, value, true
		}
	}
	number, value := w.inner[0], w.inner[2:w.inner[1]]
	w.inner = w.inner[w.inner[1]:]
	ref = attributeRef{vendor: w.vendor, number: number, tag: -1}
	if w.names != nil {
		ref.known = w.names[number]
	}
	return ref, value, true
}

// enter goes into a Vendor-Specific attribute, if it can be taken apart and
// put together again.
func (w *walk) enter(value []byte) bool {
	if len(value) < 4+2 {
		return false
	}
	vendor, inner := binary.BigEndian.Uint32(value), value[4:]
	names := vendorAttributes(vendor)
	if vendor == 0 || !wellFormed(inner) || names == nil && int(inner[1]) != len(inner) {
		return false
	}
	w.vendor, w.names, w.inner = vendor, names, inner
	return true
}

// appendAttribute appends an attribute as it is on the wire. It reports false, and
// appends nothing, if the value is too long for that.
func appendAttribute(b []byte, ref attributeRef, value []byte) ([]byte, bool) {
	switch {
	case ref.vendor == 0 && len(value) <= 253:
		b = append(b, ref.number, byte(2+len(value)))
	case ref.vendor != 0 && len(value) <= 253-6:
		b = append(b, vendorSpecific, byte(8+len(value)))
		b = binary.BigEndian.AppendUint32(b, ref.vendor)
		b = append(b, ref.number, byte(2+len(value)))
	default:
		return b, false
	}
	return append(b, value...), true
}
