package swx

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"

	"github.com/opentwag/twag/diameter/wire"
)

// The fields of a profile are read with functions that report whether they
// could take the AVP. One that is not taken is kept as it is, beside the
// fields: it is not known, it comes a second time, or its value is the one
// that an empty field stands for. So a profile loses nothing on its way
// through our hands.

// eachAVP has take read the AVPs of the group a, and appends those that it does
// not take to other.
func eachAVP(a wire.AVP, other *[]byte, take func(wire.AVP) (bool, error)) error {
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		taken, err := take(sub)
		if err != nil {
			return err
		}
		if !taken {
			*other = appendAVP(*other, sub)
		}
	}
	if err := r.Err(); err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	return nil
}

func text(f *string, a wire.AVP) bool {
	if *f != "" || len(a.Data) == 0 {
		return false
	}
	*f = string(a.Data)
	return true
}

func octetsOf(f *[]byte, a wire.AVP) bool {
	if *f != nil {
		return false
	}
	*f = append([]byte{}, a.Data...)
	return true
}

func uint32Of[T ~uint32](f *T, a wire.AVP) (bool, error) {
	n, err := a.Uint32()
	if err != nil {
		return false, badAVP(a, ResultInvalidAVPLength, err)
	}
	if *f != 0 || n == 0 {
		return false, nil
	}
	*f = T(n)
	return true, nil
}

// enumOf reads an Enumerated AVP into a type whose zero value means that there
// is none: it is one more than what is on the wire.
func enumOf[T ~uint32](f *T, a wire.AVP) (bool, error) {
	n, err := a.Uint32()
	if err != nil {
		return false, badAVP(a, ResultInvalidAVPLength, err)
	}
	if *f != 0 || n == math.MaxUint32 {
		return false, nil
	}
	*f = T(n + 1)
	return true, nil
}

// enum appends what enumOf reads.
func enum[T ~uint32](e *encoder, avp int, v T) {
	if v != 0 {
		e.uint32(avp, uint32(v)-1)
	}
}

func uint64Of(f *uint64, a wire.AVP) (bool, error) {
	n, err := a.Uint64()
	if err != nil {
		return false, badAVP(a, ResultInvalidAVPLength, err)
	}
	if *f != 0 || n == 0 {
		return false, nil
	}
	*f = n
	return true, nil
}

// Address families (RFC 6733, section 4.3.1).
const (
	familyIPv4 = 1
	familyIPv6 = 2
)

// addressOf reads an Address AVP. Families other than those of IP are not
// taken.
func addressOf(a wire.AVP) (addr netip.Addr, taken bool, err error) {
	if len(a.Data) < 2 {
		return addr, false, badAVP(a, ResultInvalidAVPLength, errLength)
	}
	family, octets := binary.BigEndian.Uint16(a.Data), a.Data[2:]
	switch {
	case family == familyIPv4 && len(octets) == 4, family == familyIPv6 && len(octets) == 16:
		addr, _ = netip.AddrFromSlice(octets)
		return addr, true, nil
	case family == familyIPv4, family == familyIPv6:
		return addr, false, badAVP(a, ResultInvalidAVPLength, errLength)
	}
	return addr, false, nil
}

// addressesOf reads one more Address AVP into a list.
func addressesOf(f *[]netip.Addr, a wire.AVP) (bool, error) {
	addr, ok, err := addressOf(a)
	if err != nil || !ok {
		return false, err
	}
	if len(*f) == maxRepeats {
		return false, badAVP(a, ResultAVPOccursTooManyTimes, errRepeated)
	}
	*f = append(*f, addr)
	return true, nil
}

// address appends the AVP unless addr is invalid. An IPv4-mapped address goes
// out as the IPv6 address that it is.
func (e *encoder) address(avp int, addr netip.Addr) {
	if !addr.IsValid() {
		return
	}
	var b [18]byte
	v := binary.BigEndian.AppendUint16(b[:0], familyIPv6)
	if addr.Is4() {
		v = binary.BigEndian.AppendUint16(b[:0], familyIPv4)
	}
	e.octets(avp, append(v, addr.AsSlice()...))
}

// maxRepeats bounds how often an AVP that may repeat does: more than any
// profile has (an HSS gives 50 APNs at most, TS 29.272, clause 7.3.34), and few
// enough for the memory that they cost.
const maxRepeats = 64

// grow appends an element for one more AVP a, or returns the error that there
// are too many.
func grow[T any](list []T, a wire.AVP) ([]T, error) {
	if len(list) == maxRepeats {
		return list, badAVP(a, ResultAVPOccursTooManyTimes, errRepeated)
	}
	var zero T
	return append(slices.Grow(list, 1), zero), nil
}
