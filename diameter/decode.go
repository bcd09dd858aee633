package diameter

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/fiorix/go-diameter/v4/diam"
	"github.com/fiorix/go-diameter/v4/diam/datatype"

	"github.com/opentwag/twag/diameter/wire"
)

// errValue: an AVP's data has the right length and makes no sense. Result-Code
// 5004.
var errValue = errors.New("diameter: invalid AVP value")

// Decode returns m as a message of go-diameter, for handlers and callers that
// want one. It is that module's own decoder made safe: at most 4096 AVPs and
// 16 levels of groups; an AVP is what application, code and vendor say
// together, else datatype.Unknown; a fixed-size type has its size; nothing is
// read beyond what its length says, and the next AVP is where the length on
// the wire says. Memory is linear in the message's size, and not shared with m.
//
// The error is a [*wire.AVPError], as a whole: there's no half a message.
func (d *Dictionary) Decode(m wire.Message) (*diam.Message, error) {
	h := m.Header()
	grouped := d.groupedIn(h.Application)
	n, err := wire.Count(m, wire.Limits{Grouped: grouped})
	if err != nil {
		return nil, err
	}
	// The identifiers are set below: NewMessage replaces 0.
	dm := diam.NewMessage(h.Command, h.Flags, h.Application, 1, 1, d.parser)
	dm.Header.Version = m[0]
	dm.Header.MessageLength = uint32(len(m))
	dm.Header.HopByHopID, dm.Header.EndToEndID = h.HopByHop, h.EndToEnd
	dec := decoder{
		defs: d.of(h.Application),
		text: string(m), raw: m,
		avps: make([]diam.AVP, n), list: make([]*diam.AVP, n),
	}
	if dm.AVP, err = dec.level(wire.HeaderLen, len(m)); err != nil {
		return nil, err
	}
	return dm, nil
}

// decoder decodes one message whose lengths have been checked. AVPs and the
// lists of them come from one allocation each, and texts are parts of one copy
// of the message.
type decoder struct {
	defs map[avpKey]AVPDefinition
	raw  []byte
	text string
	own  []byte // a second copy, for types that are slices; made when needed
	avps []diam.AVP
	list []*diam.AVP
}

// level decodes the AVPs in the octets from from up to end.
func (d *decoder) level(from, end int) ([]*diam.AVP, error) {
	n := 0
	var a wire.AVP
	for r := wire.NewReader(d.raw[from:end]); r.Next(&a); {
		n++
	}
	list := d.list[:n:n]
	d.list = d.list[n:]
	r := wire.NewReader(d.raw[from:end])
	for i := range list {
		at := end - len(r.Rest())
		r.Next(&a)
		head := 8
		if a.Flags&wire.FlagVendor != 0 {
			head = 12
		}
		out := &d.avps[0]
		d.avps = d.avps[1:]
		*out = diam.AVP{Code: a.Code, Flags: a.Flags, VendorID: a.Vendor, Length: head + len(a.Data)}
		data, err := d.data(a, at+head)
		if err != nil {
			var inner *wire.AVPError
			if errors.As(err, &inner) {
				return nil, err
			}
			return nil, &wire.AVPError{AVP: a, Offset: at, Err: fmt.Errorf("AVP %d of vendor %d: %w", a.Code, a.Vendor, err)}
		}
		out.Data = data
		list[i] = out
	}
	return list, nil
}

// data decodes a's data, which is at the offset at.
func (d *decoder) data(a wire.AVP, at int) (datatype.Type, error) {
	b, text := a.Data, d.text[at:at+len(a.Data)]
	def, ok := d.defs[avpKey{a.Code, a.Vendor}]
	if !ok {
		if len(b) == 0 {
			return emptyUnknown, nil
		}
		return datatype.Unknown(d.slice(at, len(b))), nil
	}
	size := func(n int) error {
		if len(b) != n {
			return fmt.Errorf("%w: %d octets of data, not %d", wire.ErrAVPLength, len(b), n)
		}
		return nil
	}
	switch def.Type {
	case datatype.GroupedType:
		list, err := d.level(at, at+len(b))
		return &diam.GroupedAVP{AVP: list}, err
	case datatype.OctetStringType:
		return datatype.OctetString(text), nil
	case datatype.UTF8StringType:
		return datatype.UTF8String(text), nil
	case datatype.DiameterIdentityType:
		return datatype.DiameterIdentity(text), nil
	case datatype.DiameterURIType:
		return datatype.DiameterURI(text), nil
	case datatype.IPFilterRuleType:
		return datatype.IPFilterRule(text), nil
	case datatype.QoSFilterRuleType:
		return datatype.QoSFilterRule(text), nil
	case datatype.Unsigned32Type:
		if err := size(4); err != nil {
			return nil, err
		}
		return datatype.Unsigned32(binary.BigEndian.Uint32(b)), nil
	case datatype.EnumeratedType:
		if err := size(4); err != nil {
			return nil, err
		}
		return datatype.Enumerated(binary.BigEndian.Uint32(b)), nil
	case datatype.Unsigned64Type:
		if err := size(8); err != nil {
			return nil, err
		}
		return datatype.Unsigned64(binary.BigEndian.Uint64(b)), nil
	case datatype.Integer32Type, datatype.Float32Type, datatype.TimeType, datatype.IPv4Type:
		if err := size(4); err != nil {
			return nil, err
		}
		return datatype.Decode(def.Type, b)
	case datatype.Integer64Type, datatype.Float64Type:
		if err := size(8); err != nil {
			return nil, err
		}
		return datatype.Decode(def.Type, b)
	case datatype.IPv6Type: // which datatype.Decode lacks
		if err := size(16); err != nil {
			return nil, err
		}
		return datatype.IPv6(d.slice(at, 16)), nil
	case datatype.AddressType:
		return d.address(b, at)
	default:
		return datatype.Unknown(d.slice(at, len(b))), nil
	}
}

var emptyUnknown datatype.Type = datatype.Unknown(nil)

// address decodes an Address (RFC 6733, section 4.3.1). go-diameter keeps the
// address alone for IPv4 and IPv6, and everything for other families; one of
// the others that it would take for an IP address later is left Unknown.
func (d *decoder) address(b []byte, at int) (datatype.Type, error) {
	if len(b) < 2 {
		return nil, fmt.Errorf("%w: %d octets of an address", wire.ErrAVPLength, len(b))
	}
	want := 0
	switch family := binary.BigEndian.Uint16(b); family {
	case 0, 65535:
		return nil, fmt.Errorf("%w: reserved address family %d", errValue, family)
	case 1:
		want = 4
	case 2:
		want = 16
	default:
		if len(b) == 4 || len(b) == 16 {
			return datatype.Unknown(d.slice(at, len(b))), nil
		}
		return datatype.Address(d.slice(at, len(b))), nil
	}
	if len(b) != 2+want {
		return nil, fmt.Errorf("%w: %d octets of an IP address, not %d", wire.ErrAVPLength, len(b)-2, want)
	}
	return datatype.Address(d.slice(at+2, want)), nil
}

// slice returns octets of the second copy of the message.
func (d *decoder) slice(at, n int) []byte {
	if d.own == nil {
		d.own = append([]byte(nil), d.raw...)
	}
	return d.own[at : at+n : at+n]
}
