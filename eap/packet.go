package eap

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Code is an EAP packet's code (RFC 3748, section 4).
type Code uint8

// Codes of RFC 3748, section 4.
const (
	CodeRequest  Code = 1
	CodeResponse Code = 2
	CodeSuccess  Code = 3
	CodeFailure  Code = 4
)

// String returns the code's name.
func (c Code) String() string {
	switch c {
	case CodeRequest:
		return "Request"
	case CodeResponse:
		return "Response"
	case CodeSuccess:
		return "Success"
	case CodeFailure:
		return "Failure"
	default:
		return fmt.Sprintf("Code(%d)", uint8(c))
	}
}

// Type is the type of an EAP Request or Response (RFC 3748, section 5).
type Type uint8

// Types of RFC 3748, section 5, and of the SIM-based methods.
const (
	TypeIdentity     Type = 1
	TypeNotification Type = 2
	TypeNak          Type = 3
	TypeSIM          Type = 18  // RFC 4186
	TypeAKA          Type = 23  // RFC 4187
	TypeAKAPrime     Type = 50  // RFC 9048
	TypeExpanded     Type = 254 // RFC 3748, section 5.7
)

// String returns the type's name.
func (t Type) String() string {
	switch t {
	case TypeIdentity:
		return "Identity"
	case TypeNotification:
		return "Notification"
	case TypeNak:
		return "Nak"
	case TypeSIM:
		return "EAP-SIM"
	case TypeAKA:
		return "EAP-AKA"
	case TypeAKAPrime:
		return "EAP-AKA'"
	case TypeExpanded:
		return "Expanded"
	default:
		return fmt.Sprintf("Type(%d)", uint8(t))
	}
}

const (
	headerLen = 4
	// MaxPacketLen is the longest packet that Decode takes: what fits in the
	// EAP-Message attributes of one RADIUS packet, with room to spare.
	MaxPacketLen = 4096
)

// ErrMalformed is wrapped by the errors of [Decode]. Such a packet is silently
// discarded (RFC 3748, section 4).
var ErrMalformed = errors.New("eap: malformed packet")

// Packet is a decoded EAP packet.
type Packet struct {
	Code       Code
	Identifier uint8
	// Type is that of a Request or Response, else 0.
	Type Type
	// Data is what follows the Type.
	Data []byte
	// Raw is the whole packet as received, from the Code on, cut to its
	// Length: what MACs and check codes are computed over.
	Raw []byte
}

// Decode returns the packet in b. Data and Raw alias b. Octets after the
// packet's Length are padding of the lower layer and ignored (RFC 3748,
// section 4.1).
func Decode(b []byte) (Packet, error) {
	if len(b) < headerLen {
		return Packet{}, fmt.Errorf("%w: %d octets", ErrMalformed, len(b))
	}
	n := int(binary.BigEndian.Uint16(b[2:4]))
	if n < headerLen || n > len(b) || n > MaxPacketLen {
		return Packet{}, fmt.Errorf("%w: length %d of %d octets", ErrMalformed, n, len(b))
	}
	p := Packet{Code: Code(b[0]), Identifier: b[1], Raw: b[:n:n]}
	switch p.Code {
	case CodeRequest, CodeResponse:
		if n < headerLen+1 {
			return Packet{}, fmt.Errorf("%w: %v without a type", ErrMalformed, p.Code)
		}
		p.Type, p.Data = Type(b[4]), b[headerLen+1:n:n]
	case CodeSuccess, CodeFailure:
		if n != headerLen {
			return Packet{}, fmt.Errorf("%w: %v of %d octets", ErrMalformed, p.Code, n)
		}
	default:
		return Packet{}, fmt.Errorf("%w: code %d", ErrMalformed, b[0])
	}
	return p, nil
}

// AppendHeader appends the head of a packet whose Length EndPacket fills in
// later. Success and Failure have no Type; t is then ignored.
func AppendHeader(b []byte, c Code, id uint8, t Type) []byte {
	b = append(b, byte(c), id, 0, headerLen)
	if c == CodeRequest || c == CodeResponse {
		b = append(b, byte(t))
		b[len(b)-2] = headerLen + 1
	}
	return b
}

// EndPacket writes the Length of the packet that starts at b[start].
func EndPacket(b []byte, start int) {
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start))
}

// Append appends the packet, made of its fields but Raw, to b.
func (p Packet) Append(b []byte) ([]byte, error) {
	start := len(b)
	b = AppendHeader(b, p.Code, p.Identifier, p.Type)
	if p.Code == CodeRequest || p.Code == CodeResponse {
		b = append(b, p.Data...)
	}
	if len(b)-start > MaxPacketLen {
		return b[:start], fmt.Errorf("%w: %d octets to send", ErrMalformed, len(b)-start)
	}
	EndPacket(b, start)
	return b, nil
}
