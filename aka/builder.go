package aka

import (
	"encoding/binary"

	"github.com/opentwag/twag/eap"
)

// Builder appends a message to a slice, attribute by attribute. The first
// attribute that does not fit its layout spoils the message; Bytes reports it.
//
//	m := aka.NewMessage(nil, eap.CodeRequest, id, eap.TypeAKA, aka.SubtypeChallenge)
//	m.Octets(aka.AttrRAND, rand[:])
//	m.Octets(aka.AttrAUTN, autn[:])
//	m.MAC(keys, nil)
//	pkt, err := m.Bytes()
//
// It is a value without allocations of its own and not safe for concurrent use.
type Builder struct {
	b     []byte
	start int
	typ   eap.Type
	sub   Subtype
	err   error

	macKeys  *Keys // set when the message carries AT_MAC
	macExtra []byte
	macAt    int
}

// NewMessage starts a message at the end of b. Reserved fields are zero.
func NewMessage(b []byte, c eap.Code, id uint8, t eap.Type, s Subtype) Builder {
	start := len(b)
	b = eap.AppendHeader(b, c, id, t)
	b = append(b, byte(s), 0, 0)
	return Builder{b: b, start: start, typ: t, sub: s}
}

// Flag appends an attribute that consists of its presence, such as
// AT_RESULT_IND.
func (m *Builder) Flag(t AttrType) {
	if r := m.rule(t, formFlag); r != nil {
		m.b = append(m.b, byte(t), 1, 0, 0)
	}
}

// Number appends an attribute that is a 16-bit number, such as AT_COUNTER.
func (m *Builder) Number(t AttrType, v uint16) {
	if r := m.rule(t, formNumber); r != nil {
		m.b = append(m.b, byte(t), 1, byte(v>>8), byte(v))
	}
}

// Octets appends an attribute whose value is v in the layout that the
// attribute has: behind reserved octets, behind its length in octets or bits
// and padded with zeros, or bare.
func (m *Builder) Octets(t AttrType, v []byte) {
	r := ruleOf(t)
	if r == nil {
		m.fail(t, ErrUnknownAttr)
		return
	}
	switch r.form {
	case formBlock:
		m.value(r, 0, v)
	case formCounted:
		m.value(r, uint16(min(len(v), 0xffff)), v)
	case formBits:
		m.value(r, uint16(min(len(v)*8, 0xffff)), v)
	case formBare:
		m.bare(t, r.min, r.max, v)
	default:
		m.fail(t, ErrNotAllowed)
	}
}

// String appends an attribute as Octets does.
func (m *Builder) String(t AttrType, v string) {
	if r := m.rule(t, formCounted); r != nil {
		appendValue(m, r, uint16(min(len(v), 0xffff)), v)
	}
}

// Bidding appends AT_BIDDING; d says that EAP-AKA' is supported and preferred
// (RFC 9048, section 4).
func (m *Builder) Bidding(d bool) {
	var v uint16
	if d {
		v = biddingD
	}
	m.Number(AttrBidding, v)
}

// KDFs appends one AT_KDF per value of l.
func (m *Builder) KDFs(l KDFList) {
	for _, v := range l.values[:l.n] {
		m.Number(AttrKDF, v)
	}
}

// FSKDFs appends one AT_KDF_FS per value of l.
func (m *Builder) FSKDFs(l KDFList) {
	for _, v := range l.values[:l.n] {
		m.Number(AttrKDFFS, v)
	}
}

// Raw appends attributes that are encoded already, such as the Octets of a
// message received.
func (m *Builder) Raw(attrs []byte) { m.b = append(m.b, attrs...) }

// Bytes ends the message, fills in its Length and returns the slice it was
// started with, extended. On error the slice is as it was.
func (m *Builder) Bytes() ([]byte, error) {
	if m.err == nil && len(m.b)-m.start > eap.MaxPacketLen {
		m.fail(0, ErrLength)
	}
	if m.err != nil {
		return m.b[:m.start], m.err
	}
	eap.EndPacket(m.b, m.start)
	m.sign()
	return m.b, nil
}

func (m *Builder) fail(t AttrType, err error) {
	if m.err == nil {
		m.err = &AttrError{Subtype: m.sub, Attr: t, Offset: len(m.b) - m.start, Err: err}
	}
}

func (m *Builder) rule(t AttrType, f form) *rule {
	r := ruleOf(t)
	if r == nil || r.form != f {
		m.fail(t, ErrNotAllowed)
		return nil
	}
	return r
}

func (m *Builder) value(r *rule, prefix uint16, v []byte) { appendValue(m, r, prefix, v) }

// appendValue appends type, length, a 16-bit prefix, the value and its zero
// padding.
func appendValue[T []byte | string](m *Builder, r *rule, prefix uint16, v T) {
	n := (attrUnit + len(v) + attrUnit - 1) / attrUnit
	if n < int(r.min) || n > int(r.max) || r.form == formBlock && len(v)%attrUnit != 0 {
		m.fail(r.typ, ErrLength)
		return
	}
	m.b = append(m.b, byte(r.typ), byte(n))
	m.b = binary.BigEndian.AppendUint16(m.b, prefix)
	m.b = append(m.b, v...)
	for range n*attrUnit - attrUnit - len(v) {
		m.b = append(m.b, 0)
	}
}

// bare appends an attribute without prefix or padding.
func (m *Builder) bare(t AttrType, lo, hi uint8, v []byte) {
	n := attrHeaderLen + len(v)
	if n%attrUnit != 0 || n < int(lo)*attrUnit || n > int(hi)*attrUnit {
		m.fail(t, ErrLength)
		return
	}
	m.b = append(m.b, byte(t), byte(n/attrUnit))
	m.b = append(m.b, v...)
}
