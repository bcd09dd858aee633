package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// HeaderLen is the length of a message's header.
const HeaderLen = 20

// Command flags (RFC 6733, section 3).
const (
	FlagRequest       = 0x80 // R
	FlagProxiable     = 0x40 // P
	FlagError         = 0x20 // E
	FlagRetransmitted = 0x10 // T
	flagsReserved     = 0x0f
)

// Errors of framing and decoding, wrapped with what was wrong.
var (
	// ErrVersion: the version is not 1. Result-Code 5011.
	ErrVersion = errors.New("wire: unsupported version")
	// ErrLength: the message's length is impossible. Result-Code 5015; the
	// stream can't be followed any further.
	ErrLength = errors.New("wire: invalid message length")
	// ErrHeaderBits: reserved command flags are set, or E in a request.
	// Result-Code 3008.
	ErrHeaderBits = errors.New("wire: invalid header bits")
	// ErrAVPLength: an AVP's length does not fit what holds it, or its type.
	// Result-Code 5014.
	ErrAVPLength = errors.New("wire: invalid AVP length")
	// ErrTooMany: more AVPs, or deeper groups, than the limits allow.
	// Result-Code 5012.
	ErrTooMany = errors.New("wire: too many AVPs")
)

// Header is a message's header, less its Version and Length.
type Header struct {
	Flags       uint8
	Command     uint32 // 24 bits
	Application uint32
	HopByHop    uint32
	EndToEnd    uint32
}

// IsRequest reports whether the R bit is set.
func (h Header) IsRequest() bool { return h.Flags&FlagRequest != 0 }

// Message is the octets of one message, from the Version on; its length is
// that of the header. Make one with [Parse], [Builder.Message] or a reader.
type Message []byte

// FrameLen returns the length of the message that begins with b, which holds
// at least [HeaderLen] octets. max bounds the length; 0 means no other bound
// than the 24 bits of the field.
//
// The errors wrap ErrVersion or ErrLength. After them the stream is lost, but
// the header can still be read for an answer.
func FrameLen(b []byte, max int) (int, error) {
	if len(b) < HeaderLen {
		return 0, fmt.Errorf("%w: %d octets are no header", ErrLength, len(b))
	}
	n := int(binary.BigEndian.Uint32(b) & 0xffffff)
	switch {
	case b[0] != 1:
		return 0, fmt.Errorf("%w: %d", ErrVersion, b[0])
	case n < HeaderLen || n%4 != 0:
		return 0, fmt.Errorf("%w: %d", ErrLength, n)
	case max > 0 && n > max:
		return 0, fmt.Errorf("%w: %d of at most %d", ErrLength, n, max)
	}
	return n, nil
}

// Parse returns b as a message, if it is exactly one by its header. The AVPs
// are not looked at. The result aliases b.
func Parse(b []byte) (Message, error) {
	n, err := FrameLen(b, 0)
	if err != nil {
		return nil, err
	}
	if n != len(b) {
		return nil, fmt.Errorf("%w: %d in %d octets", ErrLength, n, len(b))
	}
	return Message(b), nil
}

// Header returns m's header.
func (m Message) Header() Header {
	return Header{
		Flags:       m[4],
		Command:     binary.BigEndian.Uint32(m[4:8]) & 0xffffff,
		Application: binary.BigEndian.Uint32(m[8:12]),
		HopByHop:    binary.BigEndian.Uint32(m[12:16]),
		EndToEnd:    binary.BigEndian.Uint32(m[16:20]),
	}
}

// CheckBits returns an error that wraps ErrHeaderBits if a sender has set what
// it must not: reserved flags, which who receives them ignores, E in a request,
// or T in an answer.
func (h Header) CheckBits() error {
	switch {
	case h.Flags&flagsReserved != 0,
		h.IsRequest() && h.Flags&FlagError != 0,
		!h.IsRequest() && h.Flags&FlagRetransmitted != 0:
		return fmt.Errorf("%w: %#02x", ErrHeaderBits, h.Flags)
	}
	return nil
}

// SetHopByHop overwrites the Hop-by-Hop identifier in place.
func (m Message) SetHopByHop(id uint32) { binary.BigEndian.PutUint32(m[12:16], id) }

// SetEndToEnd overwrites the End-to-End identifier in place.
func (m Message) SetEndToEnd(id uint32) { binary.BigEndian.PutUint32(m[16:20], id) }

// SetFlags overwrites the command flags in place.
func (m Message) SetFlags(f uint8) { m[4] = f }

// AVPs returns a reader of m's top-level AVPs.
func (m Message) AVPs() Reader { return Reader{b: m[HeaderLen:]} }

// Find returns the first top-level AVP with the code and vendor. It stops at
// a malformed AVP.
func (m Message) Find(code, vendor uint32) (AVP, bool) {
	r := m.AVPs()
	return r.Find(code, vendor)
}
