package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// ErrDecode is wrapped by the errors of [Decode].
var ErrDecode = errors.New("session: not a session record")

// encodingVersion is the first octet of an encoded session. A later version
// adds to the end, so that an older record still decodes.
const (
	encodingVersion     = 1
	encodingVersionHome = 2 // Home at the end: of those that have one
)

// Append appends the session's encoding to b: compact, since a million of them
// live in memory.
func (s *Session) Append(b []byte) []byte {
	version := byte(encodingVersion)
	if s.Home != "" {
		version = encodingVersionHome
	}
	b = append(b, version, byte(s.State))
	b = append(b, s.ID[:]...)
	for _, v := range [...]string{s.IMSI, s.User, s.Station, s.NAS.Identifier, s.AP, s.SSID, s.Port,
		s.AccountID, s.MultiID, s.Method, s.Realm, s.Visited, s.Service, s.Group, s.Class} {
		b = appendString(b, v)
	}
	for _, a := range [...]netip.Addr{s.NAS.Source, s.NAS.Addr, s.Address} {
		b = appendAddr(b, a)
	}
	for _, d := range [...]time.Duration{s.Timeout, s.Idle, s.Interim, s.Usage.Time} {
		b = binary.AppendVarint(b, int64(d))
	}
	for _, t := range [...]time.Time{s.Admitted, s.Started, s.Updated, s.Seen, s.Active, s.Stopped, s.ClosingAt, s.Wake} {
		b = appendTime(b, t)
	}
	for _, v := range [...]uint64{s.Usage.InputOctets, s.Usage.OutputOctets, s.Usage.InputPackets, s.Usage.OutputPackets,
		uint64(s.PortType), uint64(s.Cause), uint64(s.Closing)} {
		b = binary.AppendUvarint(b, v)
	}
	b = appendString(b, s.Accounting)
	b = appendString(b, s.Charging)
	if version == encodingVersionHome {
		b = appendString(b, s.Home)
	}
	return b
}

func appendString[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendAddr(b []byte, a netip.Addr) []byte {
	raw := a.AsSlice()
	b = append(b, byte(len(raw)))
	return append(b, raw...)
}

// appendTime appends milliseconds, 0 for the zero time.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	return binary.AppendVarint(b, t.UnixMilli())
}

// Decode returns the session that Append wrote. The result does not alias b.
func Decode(b []byte) (Session, error) {
	var s Session
	if err := s.decode(b); err != nil {
		return Session{}, err
	}
	s.Accounting, s.Charging = slices.Clone(s.Accounting), slices.Clone(s.Charging)
	return s, nil
}

// decode is Decode into a session, which keeps b. It sets each of its fields; after an error
// they are nothing useful.
func (s *Session) decode(b []byte) error {
	if len(b) < 2+len(s.ID) || b[0] < encodingVersion || b[0] > encodingVersionHome {
		return fmt.Errorf("%w: version or length", ErrDecode)
	}
	s.State = State(b[1])
	copy(s.ID[:], b[2:])
	// One string for all: a session has a dozen, and each would be an allocation.
	d := decoder{rest: string(b[2+len(s.ID):])}
	for _, v := range [...]*string{&s.IMSI, &s.User, &s.Station, &s.NAS.Identifier, &s.AP, &s.SSID, &s.Port,
		&s.AccountID, &s.MultiID, &s.Method, &s.Realm, &s.Visited, &s.Service, &s.Group, &s.Class} {
		*v = d.string()
	}
	for _, a := range [...]*netip.Addr{&s.NAS.Source, &s.NAS.Addr, &s.Address} {
		*a = d.addr()
	}
	for _, v := range [...]*time.Duration{&s.Timeout, &s.Idle, &s.Interim, &s.Usage.Time} {
		*v = time.Duration(d.varint())
	}
	for _, t := range [...]*time.Time{&s.Admitted, &s.Started, &s.Updated, &s.Seen, &s.Active, &s.Stopped, &s.ClosingAt, &s.Wake} {
		*t = d.time()
	}
	for _, v := range [...]*uint64{&s.Usage.InputOctets, &s.Usage.OutputOctets, &s.Usage.InputPackets, &s.Usage.OutputPackets} {
		*v = d.uvarint()
	}
	s.PortType, s.Cause = uint32(d.uvarint()), uint32(d.uvarint())
	closing := d.uvarint()
	s.Closing = Reason(closing)
	s.Accounting, s.Charging = d.octets(b), d.octets(b)
	s.Home = ""
	if b[0] == encodingVersionHome {
		s.Home = d.string()
	}
	switch {
	case d.failed:
		return fmt.Errorf("%w: cut short", ErrDecode)
	case s.State < Admitted || s.State > Ended:
		return fmt.Errorf("%w: state %d", ErrDecode, s.State)
	case closing > uint64(ReasonCredit):
		return fmt.Errorf("%w: reason %d", ErrDecode, closing)
	case !s.ID.IsValid():
		return fmt.Errorf("%w: no ID", ErrDecode)
	}
	return nil
}

// decoder reads what Append wrote, and remembers the first failure.
type decoder struct {
	rest   string
	failed bool
}

func (d *decoder) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64; i++ {
		c := d.rest[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.rest = d.rest[i+1:]
			return v
		}
	}
	d.fail()
	return 0
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

func (d *decoder) time() time.Time {
	if ms := d.varint(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

func (d *decoder) take(n uint64) string {
	if n > uint64(len(d.rest)) {
		d.fail()
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) string() string { return d.take(d.uvarint()) }

// octets returns a part of b, whose end is rest.
func (d *decoder) octets(b []byte) []byte {
	s := d.string()
	if s == "" {
		return nil
	}
	end := len(b) - len(d.rest)
	return b[end-len(s) : end : end]
}

func (d *decoder) addr() netip.Addr {
	n := d.take(1)
	if n == "" || n[0] == 0 {
		return netip.Addr{}
	}
	raw := d.take(uint64(n[0]))
	a, ok := netip.AddrFromSlice([]byte(raw))
	if !ok {
		d.fail()
	}
	return a
}

func (d *decoder) fail() { d.failed, d.rest = true, "" }
