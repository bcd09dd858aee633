package wire

import (
	"encoding/binary"
	"fmt"
)

// AVP flags (RFC 6733, section 4.1).
const (
	FlagVendor    = 0x80 // V
	FlagMandatory = 0x40 // M
	FlagProtected = 0x20 // P
)

const (
	avpHeaderLen       = 8
	avpVendorHeaderLen = 12
)

// AVP is one attribute-value pair. Data aliases the message.
type AVP struct {
	Code   uint32
	Vendor uint32 // 0 without the V bit
	Flags  uint8
	Data   []byte
}

// Reader walks a sequence of AVPs: those of a message or of a group. The zero
// Reader is empty. It is a value: a copy reads on from the same place.
type Reader struct {
	b   []byte
	off int
	err error
}

// NewReader returns a reader of the AVPs in b, such as a Grouped AVP's Data.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Next reads the next AVP into a. It returns false at the end, and for good
// at the first malformed AVP; Err tells which.
//
// The last AVP's padding may be missing: some stacks leave it out at the end
// of a group. Padding is not looked at (RFC 6733, section 4.1).
func (r *Reader) Next(a *AVP) bool {
	b := r.b[r.off:]
	if len(b) == 0 || r.err != nil {
		return false
	}
	if len(b) < avpHeaderLen {
		r.err = fmt.Errorf("%w: %d stray octets at %d", ErrAVPLength, len(b), r.off)
		return false
	}
	n := int(binary.BigEndian.Uint32(b[4:8]) & 0xffffff)
	h := avpHeaderLen
	a.Code, a.Flags, a.Vendor = binary.BigEndian.Uint32(b), b[4], 0
	if a.Flags&FlagVendor != 0 {
		h = avpVendorHeaderLen
	}
	if n < h || n > len(b) {
		r.err = fmt.Errorf("%w: AVP %d at %d: %d of %d octets", ErrAVPLength, a.Code, r.off, n, len(b))
		return false
	}
	if h == avpVendorHeaderLen {
		a.Vendor = binary.BigEndian.Uint32(b[8:12])
	}
	a.Data = b[h:n:n]
	r.off += min((n+3)&^3, len(b))
	return true
}

// Err returns why Next stopped before the end, if it did.
func (r *Reader) Err() error { return r.err }

// Rest returns the octets that have not been read yet: after a failed Next,
// from the malformed AVP's header on (for Failed-AVP).
func (r *Reader) Rest() []byte { return r.b[r.off:] }

// Find reads on until it finds an AVP with the code and vendor.
func (r *Reader) Find(code, vendor uint32) (AVP, bool) {
	var a AVP
	for r.Next(&a) {
		if a.Code == code && a.Vendor == vendor {
			return a, true
		}
	}
	return AVP{}, false
}

// Is reports whether a has the code and vendor.
func (a AVP) Is(code, vendor uint32) bool { return a.Code == code && a.Vendor == vendor }

// Group returns a reader of the AVPs in a Grouped AVP.
func (a AVP) Group() Reader { return Reader{b: a.Data} }

// Uint32 returns the value of an Unsigned32 or Enumerated AVP.
func (a AVP) Uint32() (uint32, error) {
	if len(a.Data) != 4 {
		return 0, a.lengthError(4)
	}
	return binary.BigEndian.Uint32(a.Data), nil
}

// Uint64 returns the value of an Unsigned64 AVP.
func (a AVP) Uint64() (uint64, error) {
	if len(a.Data) != 8 {
		return 0, a.lengthError(8)
	}
	return binary.BigEndian.Uint64(a.Data), nil
}

func (a AVP) lengthError(want int) error {
	return fmt.Errorf("%w: AVP %d has %d octets of data, not %d", ErrAVPLength, a.Code, len(a.Data), want)
}
