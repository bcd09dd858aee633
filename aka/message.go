package aka

import (
	"encoding/binary"
	"iter"

	"github.com/opentwag/twag/eap"
)

// Message is a decoded EAP-SIM, EAP-AKA or EAP-AKA' packet. Its octets alias
// the packet's.
type Message struct {
	Code       eap.Code
	Identifier uint8
	Type       eap.Type
	Subtype    Subtype
	Attributes

	raw []byte
}

// Attributes are what a message, or the plaintext of its AT_ENCR_DATA,
// carries. Has says which of the fields mean something. All octets alias what
// was decoded.
//
// Reserved fields are ignored and gone. Where a value is padded, the padding
// is cut off.
type Attributes struct {
	RAND          []byte // 16 octets; EAP-SIM: two or three of them
	AUTN          []byte // 16 octets
	RES           []byte // 4 to 16 octets
	AUTS          []byte // 14 octets
	NonceMT       []byte // 16 octets
	NonceS        []byte // 16 octets, nested
	MAC           []byte // 16 octets
	Identity      []byte
	VersionList   []byte // 2 octets per version
	KDFInput      []byte // the network name
	IV            []byte // 16 octets
	EncrData      []byte // a multiple of 16 octets
	NextPseudonym []byte // nested
	NextReauthID  []byte // nested
	Checkcode     []byte // 0, 20 (EAP-AKA) or 32 octets (EAP-AKA')
	PubECDHE      []byte // with its padding: 34 octets in the groups known

	Notification    Notification
	ClientErrorCode uint16
	SelectedVersion uint16
	Counter         uint16 // nested
	Bidding         bool   // the D bit

	// KDFs are the values of AT_KDF in order.
	KDFs KDFList
	// FSKDFs are the values of AT_KDF_FS in order.
	FSKDFs KDFList

	present attrSet
	octets  []byte // all attributes as received
	macAt   int    // offset in the packet of AT_MAC's value
}

// Has reports whether the attribute t, if it is one of the table, was there.
func (a *Attributes) Has(t AttrType) bool { return a.present.has(t) }

// All returns the attributes in the order received, unknown ones included:
// type and value, without type and length octets.
func (a *Attributes) All() iter.Seq2[AttrType, []byte] {
	return func(yield func(AttrType, []byte) bool) {
		for b := a.octets; len(b) >= attrUnit; {
			n := int(b[1]) * attrUnit
			if n == 0 || n > len(b) || !yield(AttrType(b[0]), b[attrHeaderLen:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// Octets returns the attributes as they were received.
func (a *Attributes) Octets() []byte { return a.octets }

// KDFList is the values of the AT_KDF, or the AT_KDF_FS, attributes of a
// message, in order.
// It is comparable. A message that carries more than it holds is refused.
type KDFList struct {
	values [maxKDFs]uint16
	n      uint8
}

// NewKDFList returns the list of the given values, cut to eight.
func NewKDFList(values ...uint16) KDFList {
	var l KDFList
	for _, v := range values {
		l.append(v)
	}
	return l
}

func (l *KDFList) append(v uint16) bool {
	if l.n == maxKDFs {
		return false
	}
	l.values[l.n] = v
	l.n++
	return true
}

func (l KDFList) has(v uint16) bool {
	for _, x := range l.values[:l.n] {
		if x == v {
			return true
		}
	}
	return false
}

// Len returns the number of values.
func (l KDFList) Len() int { return int(l.n) }

// At returns the i-th value.
func (l KDFList) At(i int) uint16 { return l.values[:l.n][i] }

// Decode returns the message in an EAP packet of type EAP-SIM, EAP-AKA or
// EAP-AKA'. The result aliases p.
//
// Refused are: messages that the method does not have, attributes of wrong
// length, non-skippable ones that are unknown, duplicates except AT_KDF and
// AT_KDF_FS,
// attributes where they do not belong, missing mandatory ones. What takes
// keys or state to judge is the caller's: VerifyMAC, Decrypt, Checkcode.
//
// The error is an [*AttrError]; the message then holds what came before it,
// and always its Subtype if there was one.
//
// RFC 4187, sections 8.1 and 10.1; RFC 4186, section 10.1; RFC 9048, section 3.5.
func Decode(p eap.Packet) (Message, error) {
	m := Message{Code: p.Code, Identifier: p.Identifier, Type: p.Type, raw: p.Raw}
	if len(p.Data) > 0 {
		m.Subtype = Subtype(p.Data[0])
	}
	if len(p.Data) < messageHeaderLen-5 || len(p.Raw) != len(p.Data)+5 {
		return m, &AttrError{Subtype: m.Subtype, Err: ErrTruncated}
	}
	col := columnOf(p.Type, p.Code, m.Subtype)
	if col == 0 {
		return m, &AttrError{Subtype: m.Subtype, Err: ErrSubtype}
	}
	d := decoder{typ: p.Type, subtype: m.Subtype, col: col}
	if err := d.decode(&m.Attributes, p.Raw, messageHeaderLen); err != nil {
		return m, err
	}
	return m, d.complete(&m.Attributes)
}

// DecodeNested returns the attributes in the plaintext of m's AT_ENCR_DATA.
// The result aliases plain. The errors are as Decode's.
//
// RFC 4187, section 10.12.
func (m *Message) DecodeNested(plain []byte) (Attributes, error) {
	var a Attributes
	d := decoder{
		typ: m.Type, subtype: m.Subtype,
		col: columnOf(m.Type, m.Code, m.Subtype), nested: true,
	}
	if err := d.decode(&a, plain, 0); err != nil {
		return a, err
	}
	return a, d.complete(&a)
}

// decoder reads one list of attributes.
type decoder struct {
	typ     eap.Type
	subtype Subtype
	col     columns
	nested  bool
}

func (d *decoder) err(t AttrType, at int, err error) error {
	return &AttrError{Subtype: d.subtype, Attr: t, Offset: at, Err: err}
}

// decode reads the attributes in b from offset at on.
func (d *decoder) decode(a *Attributes, b []byte, at int) error {
	a.octets = b[at:]
	know := methodOf(d.typ)
	for at < len(b) {
		t := AttrType(b[at])
		if len(b)-at < attrUnit {
			return d.err(t, at, ErrTruncated)
		}
		units := b[at+1]
		n := int(units) * attrUnit
		if n == 0 || n > len(b)-at {
			return d.err(t, at, ErrTruncated)
		}
		r := ruleOf(t)
		if r == nil || r.methods&know == 0 || r.stray(d) {
			if !t.Skippable() {
				return d.err(t, at, ErrUnknownAttr)
			}
			at += n
			continue
		}
		switch {
		case r.may&d.col == 0, !r.either && r.nested != d.nested:
			return d.err(t, at, ErrNotAllowed)
		case units < r.min || units > r.max:
			return d.err(t, at, ErrLength)
		case a.Has(t) && !r.repeat:
			return d.err(t, at, ErrDuplicate)
		case t == AttrPadding && at+n != len(b):
			return d.err(t, at, ErrPadding)
		}
		v, err := r.value(b[at+attrHeaderLen : at+n : at+n])
		if err == nil {
			err = a.set(d, t, v)
		}
		if err != nil {
			return d.err(t, at, err)
		}
		if t == AttrMAC {
			a.macAt = at + attrUnit
		}
		a.present.add(t)
		at += n
	}
	return nil
}

// value strips v, all that follows type and length, of what the layout adds.
func (r *rule) value(v []byte) ([]byte, error) {
	switch r.form {
	case formFlag:
		return nil, nil
	case formNumber, formBare:
		return v, nil
	case formBlock:
		return v[2:], nil
	case formZero:
		for _, x := range v {
			if x != 0 {
				return nil, ErrPadding
			}
		}
		return nil, nil
	default: // formCounted, formBits
		n := int(binary.BigEndian.Uint16(v))
		if r.form == formBits {
			// RES has 32 to 128 bits; part octets are refused, as no
			// algorithm in use makes them.
			if n < 32 || n > 128 || n%8 != 0 {
				return nil, ErrLength
			}
			n /= 8
		}
		v = v[2:]
		if n > len(v) || len(v)-n >= attrUnit {
			return nil, ErrLength
		}
		return v[:n:n], nil
	}
}

// set keeps the value of one attribute.
func (a *Attributes) set(d *decoder, t AttrType, v []byte) error {
	switch t {
	case AttrRAND:
		if d.typ == eap.TypeSIM {
			if len(v) != 32 && len(v) != 48 {
				return ErrLength
			}
		} else if len(v) != 16 {
			return ErrLength
		}
		a.RAND = v
	case AttrAUTN:
		a.AUTN = v
	case AttrRES:
		a.RES = v
	case AttrAUTS:
		a.AUTS = v
	case AttrNonceMT:
		a.NonceMT = v
	case AttrNonceS:
		a.NonceS = v
	case AttrMAC:
		a.MAC = v
	case AttrNotification:
		a.Notification = Notification(binary.BigEndian.Uint16(v))
	case AttrIdentity:
		a.Identity = v
	case AttrVersionList:
		if len(v) < 2 || len(v)%2 != 0 {
			return ErrLength
		}
		a.VersionList = v
	case AttrSelectedVersion:
		a.SelectedVersion = binary.BigEndian.Uint16(v)
	case AttrCounter:
		a.Counter = binary.BigEndian.Uint16(v)
	case AttrClientErrorCode:
		a.ClientErrorCode = binary.BigEndian.Uint16(v)
	case AttrKDFInput:
		a.KDFInput = v
	case AttrKDF:
		if !a.KDFs.append(binary.BigEndian.Uint16(v)) {
			return ErrDuplicate
		}
	case AttrPubECDHE:
		a.PubECDHE = v
	case AttrKDFFS:
		if !a.FSKDFs.append(binary.BigEndian.Uint16(v)) {
			return ErrDuplicate
		}
	case AttrIV:
		a.IV = v
	case AttrEncrData:
		if len(v)%16 != 0 {
			return ErrLength
		}
		a.EncrData = v
	case AttrNextPseudonym:
		a.NextPseudonym = v
	case AttrNextReauthID:
		a.NextReauthID = v
	case AttrCheckcode:
		if len(v) != 0 && len(v) != checkcodeLen(d.typ) {
			return ErrLength
		}
		a.Checkcode = v
	case AttrBidding:
		a.Bidding = binary.BigEndian.Uint16(v)&biddingD != 0
	}
	return nil
}

// complete checks what only the whole list shows.
func (d *decoder) complete(a *Attributes) error {
	must := &mandatory
	if d.nested {
		must = &mandatoryNested
	}
	var col int
	for c := d.col; c > 1; c >>= 1 {
		col++
	}
	if lack := must[col] &^ a.present; lack != 0 {
		for i := range attrTable {
			if lack&(1<<i) != 0 {
				return d.err(attrTable[i].typ, 0, ErrMissing)
			}
		}
	}
	if d.nested {
		return nil
	}
	if a.Has(AttrIV) != a.Has(AttrEncrData) {
		if a.Has(AttrIV) {
			return d.err(AttrEncrData, 0, ErrMissing)
		}
		return d.err(AttrIV, 0, ErrMissing)
	}
	switch d.col {
	case idReq:
		return d.oneIDReq(a, true)
	case startReq:
		return d.oneIDReq(a, false)
	case startRsp:
		return d.startAnswer(a)
	case chalRsp:
		return d.challengeAnswer(a)
	}
	return nil
}

// oneIDReq checks that at most one kind of identity is asked for, and at
// least one if need be (RFC 4187, section 9.1; RFC 4186, section 9.1).
func (d *decoder) oneIDReq(a *Attributes, need bool) error {
	n := 0
	for _, t := range [...]AttrType{AttrPermanentIDReq, AttrAnyIDReq, AttrFullauthIDReq} {
		if a.Has(t) {
			n++
		}
		if n > 1 {
			return d.err(t, 0, ErrNotAllowed)
		}
	}
	if need && n == 0 {
		return d.err(AttrAnyIDReq, 0, ErrMissing)
	}
	return nil
}

// challengeAnswer checks a response to a challenge: AT_RES and AT_MAC, or, in
// EAP-AKA', one AT_KDF or one AT_KDF_FS and nothing else (RFC 9048, section
// 3.2; RFC 9678, section 6.2).
func (d *decoder) challengeAnswer(a *Attributes) error {
	switch {
	case a.KDFs.Len() == 1 && a.present == bitOf(AttrKDF),
		a.FSKDFs.Len() == 1 && a.present == bitOf(AttrKDFFS):
		return nil
	}
	if !a.Has(AttrRES) {
		return d.err(AttrRES, 0, ErrMissing)
	}
	if !a.Has(AttrMAC) {
		return d.err(AttrMAC, 0, ErrMissing)
	}
	return nil
}
