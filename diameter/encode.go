package diameter

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/fiorix/go-diameter/v4/diam"
	"github.com/fiorix/go-diameter/v4/diam/datatype"

	"github.com/opentwag/twag/diameter/wire"
)

// AppendMessage appends the octets of a message of go-diameter, and returns
// them as a message. Lengths are computed from what is there: those in the
// message's and the AVPs' own fields are stale as soon as something was added
// to a group.
//
// What does not fit is an error: nil data, a message or AVP beyond 24 bits,
// more than 4096 AVPs or 16 levels (a group that contains itself).
func AppendMessage(b []byte, m *diam.Message) (wire.Message, error) {
	if m == nil || m.Header == nil {
		return nil, errors.New("diameter: encode: no header")
	}
	if m.Header.CommandCode > 1<<24-1 {
		return nil, fmt.Errorf("diameter: encode: command %d", m.Header.CommandCode)
	}
	w := wire.MakeBuilder(b, wire.Header{
		Flags: m.Header.CommandFlags, Command: m.Header.CommandCode, Application: m.Header.ApplicationID,
		HopByHop: m.Header.HopByHopID, EndToEnd: m.Header.EndToEndID,
	})
	e := encoder{w: &w}
	if err := e.level(m.AVP, 1); err != nil {
		return nil, fmt.Errorf("diameter: encode: %w", err)
	}
	out, err := w.Message()
	if err != nil {
		return nil, fmt.Errorf("diameter: encode: %w", err)
	}
	return out, nil
}

type encoder struct {
	w *wire.Builder
	n int
}

func (e *encoder) level(list []*diam.AVP, depth int) error {
	if depth > wire.DefaultMaxDepth && len(list) > 0 {
		return fmt.Errorf("%w: deeper than %d", wire.ErrTooMany, wire.DefaultMaxDepth)
	}
	for _, a := range list {
		if a == nil || a.Data == nil {
			return errors.New("an AVP without data")
		}
		if e.n++; e.n > wire.DefaultMaxAVPs {
			return fmt.Errorf("%w: more than %d", wire.ErrTooMany, wire.DefaultMaxAVPs)
		}
		if err := e.avp(a, depth); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) avp(a *diam.AVP, depth int) error {
	w := e.w
	if a.Flags&wire.FlagVendor != 0 && a.VendorID == 0 {
		// Legal, and not what Builder would write.
		return e.vendorZero(a, depth)
	}
	switch v := a.Data.(type) {
	case *diam.GroupedAVP:
		if v == nil {
			return fmt.Errorf("AVP %d without data", a.Code)
		}
		g := w.Begin(a.Code, a.VendorID, a.Flags)
		err := e.level(v.AVP, depth+1)
		w.End(g)
		return err
	case datatype.OctetString:
		w.String(a.Code, a.VendorID, a.Flags, string(v))
	case datatype.UTF8String:
		w.String(a.Code, a.VendorID, a.Flags, string(v))
	case datatype.DiameterIdentity:
		w.String(a.Code, a.VendorID, a.Flags, string(v))
	case datatype.Unsigned32:
		w.Uint32(a.Code, a.VendorID, a.Flags, uint32(v))
	case datatype.Enumerated:
		w.Uint32(a.Code, a.VendorID, a.Flags, uint32(v))
	case datatype.Unsigned64:
		w.Uint64(a.Code, a.VendorID, a.Flags, uint64(v))
	default:
		w.Octets(a.Code, a.VendorID, a.Flags, v.Serialize())
	}
	return nil
}

// vendorZero encodes an AVP that has the V bit and the vendor 0: its data is
// encoded on its own first, behind a vendor that Builder accepts.
func (e *encoder) vendorZero(a *diam.AVP, depth int) error {
	in := *a
	in.VendorID = 1
	w := wire.MakeBuilder(nil, wire.Header{})
	sub := encoder{w: &w, n: e.n}
	if err := sub.avp(&in, depth); err != nil {
		return err
	}
	e.n = sub.n
	m, err := w.Message()
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(m[wire.HeaderLen+8:], 0)
	e.w.Raw(m[wire.HeaderLen:])
	return nil
}
