package gy

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// encoder is a builder that knows the AVPs of the table.
type encoder struct{ wire.Builder }

func (e *encoder) octets(avp int, v []byte) {
	d := &avps[avp]
	e.Octets(d.Code, d.Vendor, d.Flags, v)
}

// optional appends the AVP unless v is nil.
func (e *encoder) optional(avp int, v []byte) {
	if v != nil {
		e.octets(avp, v)
	}
}

func (e *encoder) uint32(avp int, v uint32) {
	d := &avps[avp]
	e.Uint32(d.Code, d.Vendor, d.Flags, v)
}

func (e *encoder) uint64(avp int, v uint64) {
	d := &avps[avp]
	e.Uint64(d.Code, d.Vendor, d.Flags, v)
}

// time appends a Time AVP unless t is zero.
func (e *encoder) time(avp int, t time.Time) {
	if !t.IsZero() {
		e.uint32(avp, ntpSeconds(t))
	}
}

// address appends an Address AVP (RFC 6733, section 4.3.1) unless a is the
// zero Addr.
func (e *encoder) address(avp int, a netip.Addr) {
	var b [18]byte
	switch {
	case !a.IsValid():
	case a.Is4():
		binary.BigEndian.PutUint16(b[:], familyIPv4)
		v := a.As4()
		e.octets(avp, append(b[:2], v[:]...))
	default:
		binary.BigEndian.PutUint16(b[:], familyIPv6)
		v := a.As16()
		e.octets(avp, append(b[:2], v[:]...))
	}
}

func (e *encoder) begin(avp int) (mark int) {
	d := &avps[avp]
	return e.Begin(d.Code, d.Vendor, d.Flags)
}

// Address families (RFC 6733, section 4.3.1).
const (
	familyIPv4 = 1
	familyIPv6 = 2
)

// decodeAddress reads an Address AVP. Families other than IP give the zero
// Addr.
func decodeAddress(a wire.AVP) (netip.Addr, error) {
	if len(a.Data) < 2 {
		return netip.Addr{}, badAVP(a, ResultInvalidAVPLength, errLength)
	}
	v := a.Data[2:]
	switch binary.BigEndian.Uint16(a.Data) {
	case familyIPv4:
		if len(v) != 4 {
			return netip.Addr{}, badAVP(a, ResultInvalidAVPLength, errLength)
		}
	case familyIPv6:
		if len(v) != 16 {
			return netip.Addr{}, badAVP(a, ResultInvalidAVPLength, errLength)
		}
	default:
		return netip.Addr{}, nil
	}
	addr, _ := netip.AddrFromSlice(v)
	return addr, nil
}

// ntpEpoch is 1 January 1970 in seconds since 1900.
const ntpEpoch = 2208988800

// ntpSeconds returns t as a Time AVP has it: the low 32 bits of the seconds
// since 1900.
func ntpSeconds(t time.Time) uint32 { return uint32(t.Unix() + ntpEpoch) }

// decodeTime reads a Time AVP: with the first bit clear it is of the era that
// begins in 2036 (RFC 6733, section 4.3.1).
func decodeTime(a wire.AVP) (time.Time, error) {
	n, err := a.Uint32()
	if err != nil {
		return time.Time{}, err
	}
	s := int64(n) - ntpEpoch
	if n < 1<<31 {
		s += 1 << 32
	}
	return time.Unix(s, 0), nil
}

// first sets *field to v if it is still absent.
func first(field *[]byte, v []byte) {
	if *field == nil {
		*field = v
	}
}
