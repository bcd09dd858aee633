package wire

import (
	"encoding/binary"
	"errors"
)

// Sizes of RFC 2865, section 3.
const (
	HeaderLen        = 20
	AuthenticatorLen = 16
	MinLen           = HeaderLen
	MaxLen           = 4096
	MaxValueLen      = 253
)

// Codes of RFC 2865, 2866, 5176 and 5997.
const (
	AccessRequest      = 1
	AccessAccept       = 2
	AccessReject       = 3
	AccountingRequest  = 4
	AccountingResponse = 5
	AccessChallenge    = 11
	StatusServer       = 12
	DisconnectRequest  = 40
	DisconnectACK      = 41
	DisconnectNAK      = 42
	CoARequest         = 43
	CoAACK             = 44
	CoANAK             = 45
)

// Attribute types that this package looks for.
const (
	AttrProxyState           = 33
	AttrEAPMessage           = 79
	AttrMessageAuthenticator = 80
)

var (
	// ErrLength is a datagram that is too short, or a Length that is out of
	// bounds or beyond the datagram's end. RFC 2865, section 3.
	ErrLength = errors.New("radius: bad packet length")
	// ErrAttribute is an attribute whose length is below 2 or leads over the
	// packet's end. RFC 2865, section 5.
	ErrAttribute = errors.New("radius: malformed attribute")
	// ErrMessageAuthenticatorForm is a Message-Authenticator of a wrong
	// length, or a second one. RFC 3579, section 3.2 and 3.3.
	ErrMessageAuthenticatorForm = errors.New("radius: malformed or repeated Message-Authenticator")
)

// Cut returns the packet in datagram b without the padding after its Length,
// which is ignored (RFC 2865, section 3). The result aliases b.
func Cut(b []byte) ([]byte, error) {
	if len(b) < MinLen {
		return nil, ErrLength
	}
	n := int(binary.BigEndian.Uint16(b[2:4]))
	if n < MinLen || n > MaxLen || n > len(b) {
		return nil, ErrLength
	}
	return b[:n:n], nil
}

// Layout is what one walk over a packet's attributes tells.
type Layout struct {
	// Attributes is their number.
	Attributes int
	// MessageAuthenticator is the offset of its 16-octet value in the
	// packet, 0 when there is none.
	MessageAuthenticator int
	// EAPMessage and ProxyState tell whether there is at least one of them.
	EAPMessage, ProxyState bool
}

// Scan walks over the attributes of pkt, a result of [Cut]. When it returns no
// error, every attribute lies inside pkt.
func Scan(pkt []byte) (Layout, error) {
	var l Layout
	for i := HeaderLen; i < len(pkt); {
		if len(pkt)-i < 2 {
			return Layout{}, ErrAttribute
		}
		n := int(pkt[i+1])
		if n < 2 || n > len(pkt)-i {
			return Layout{}, ErrAttribute
		}
		switch pkt[i] {
		case AttrMessageAuthenticator:
			if n != 2+AuthenticatorLen || l.MessageAuthenticator != 0 {
				return Layout{}, ErrMessageAuthenticatorForm
			}
			l.MessageAuthenticator = i + 2
		case AttrEAPMessage:
			l.EAPMessage = true
		case AttrProxyState:
			l.ProxyState = true
		}
		l.Attributes++
		i += n
	}
	return l, nil
}

// Next returns the attribute at offset i of a packet that [Scan] accepted, and
// the offset of the one after it. ok is false at the end.
func Next(pkt []byte, i int) (typ byte, value []byte, next int, ok bool) {
	if i >= len(pkt) {
		return 0, nil, i, false
	}
	next = i + int(pkt[i+1])
	return pkt[i], pkt[i+2 : next : next], next, true
}

// AppendHeader appends a packet's header whose Length [SetLength] fills in.
func AppendHeader(b []byte, code, identifier byte, authenticator *[AuthenticatorLen]byte) []byte {
	b = append(b, code, identifier, 0, 0)
	return append(b, authenticator[:]...)
}

// AppendAttribute appends an attribute; the value has at most 253 octets.
func AppendAttribute(b []byte, typ byte, value []byte) []byte {
	b = append(b, typ, byte(2+len(value)))
	return append(b, value...)
}

// AppendMessageAuthenticator appends the attribute with its value still zero.
func AppendMessageAuthenticator(b []byte) []byte {
	var zero [AuthenticatorLen]byte
	return AppendAttribute(b, AttrMessageAuthenticator, zero[:])
}

// SetLength writes the Length of a whole packet into its header. It reports
// whether the packet is within bounds.
func SetLength(pkt []byte) bool {
	if len(pkt) < MinLen || len(pkt) > MaxLen {
		return false
	}
	binary.BigEndian.PutUint16(pkt[2:4], uint16(len(pkt)))
	return true
}

// HashedAuthenticator tells whether the authenticator of a request with this
// code is a hash over the packet with 16 zero octets in its place (RFC 2866,
// section 3; RFC 5176, section 2.3), rather than a random number.
func HashedAuthenticator(code byte) bool {
	switch code {
	case AccountingRequest, DisconnectRequest, CoARequest:
		return true
	default:
		return false
	}
}

// Answers tells whether reply may answer request.
func Answers(request, reply byte) bool {
	switch request {
	case AccessRequest:
		return reply == AccessAccept || reply == AccessReject || reply == AccessChallenge
	case AccountingRequest:
		return reply == AccountingResponse
	case StatusServer:
		return reply == AccessAccept || reply == AccountingResponse
	case DisconnectRequest:
		return reply == DisconnectACK || reply == DisconnectNAK
	case CoARequest:
		return reply == CoAACK || reply == CoANAK
	default:
		return false
	}
}
