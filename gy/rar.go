package gy

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// RAR is a Re-Auth-Request of a credit-control server (RFC 8506, section 5.5):
// credit is to be asked for again. A nil field is an absent AVP.
type RAR struct {
	SessionID        []byte
	OriginHost       []byte
	OriginRealm      []byte
	DestinationRealm []byte
	DestinationHost  []byte
	// RatingGroup is the one to ask for; without HasRatingGroup all.
	RatingGroup    uint32
	HasRatingGroup bool
}

// Encode returns the message, in buf's memory if that is large enough. The
// identifiers of the header are zero; the node sets them.
func (m *RAR) Encode(buf []byte) (wire.Message, error) {
	e := encoder{wire.MakeBuilder(buf[:0], serverHeader(CommandReAuth))}
	e.optional(avpSessionID, m.SessionID)
	e.optional(avpOriginHost, m.OriginHost)
	e.optional(avpOriginRealm, m.OriginRealm)
	e.optional(avpDestinationRealm, m.DestinationRealm)
	e.optional(avpDestinationHost, m.DestinationHost)
	e.uint32(avpAuthApplicationID, ApplicationID)
	e.uint32(avpReAuthRequestType, authorizeOnly)
	if m.HasRatingGroup {
		e.uint32(avpRatingGroup, m.RatingGroup)
	}
	msg, err := e.Message()
	if err != nil {
		return nil, fmt.Errorf("gy: RAR: %w", err)
	}
	return msg, nil
}

// authorizeOnly is the Re-Auth-Request-Type of a RAR (RFC 8506, section 5.5).
const authorizeOnly = 0

// serverHeader is the header of a request that a server sends.
func serverHeader(command uint32) wire.Header {
	return wire.Header{
		Flags:       wire.FlagRequest | wire.FlagProxiable,
		Command:     command,
		Application: ApplicationID,
	}
}

// Decode reads msg, a RAR, as the client does. Fields alias msg.
//
// Only the Session-Id is demanded. The error is a [*DecodeError] with the
// Result-Code to answer: it is missing (5005), a length is impossible (5014),
// an unknown AVP has the M bit (5001).
func (m *RAR) Decode(msg wire.Message) error {
	*m = RAR{}
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		var err error
		switch uint64(a.Vendor)<<32 | uint64(a.Code) {
		case codeSessionID:
			first(&m.SessionID, a.Data)
		case codeOriginHost:
			first(&m.OriginHost, a.Data)
		case codeOriginRealm:
			first(&m.OriginRealm, a.Data)
		case codeDestinationRealm:
			first(&m.DestinationRealm, a.Data)
		case codeDestinationHost:
			first(&m.DestinationHost, a.Data)
		case codeRatingGroup:
			m.HasRatingGroup = true
			m.RatingGroup, err = a.Uint32()
		default:
			err = checkUnknown(a)
		}
		if err != nil {
			return asDecodeError(a, err)
		}
	}
	switch {
	case r.Err() != nil:
		return &DecodeError{ResultCode: ResultInvalidAVPLength, Err: r.Err()}
	case m.SessionID == nil:
		return missingAVP(avpSessionID)
	}
	return nil
}

// ASR is an Abort-Session-Request (RFC 6733, section 8.5.1): the server wants
// the user's service to end. A nil field is an absent AVP.
type ASR struct {
	SessionID        []byte
	OriginHost       []byte
	OriginRealm      []byte
	DestinationRealm []byte
	DestinationHost  []byte
}

// Encode returns the message, in buf's memory if that is large enough. The
// identifiers of the header are zero; the node sets them.
func (m *ASR) Encode(buf []byte) (wire.Message, error) {
	e := encoder{wire.MakeBuilder(buf[:0], serverHeader(CommandAbortSession))}
	e.optional(avpSessionID, m.SessionID)
	e.optional(avpOriginHost, m.OriginHost)
	e.optional(avpOriginRealm, m.OriginRealm)
	e.optional(avpDestinationRealm, m.DestinationRealm)
	e.optional(avpDestinationHost, m.DestinationHost)
	e.uint32(avpAuthApplicationID, ApplicationID)
	msg, err := e.Message()
	if err != nil {
		return nil, fmt.Errorf("gy: ASR: %w", err)
	}
	return msg, nil
}

// Decode reads msg, an ASR, as [RAR.Decode] does a RAR.
func (m *ASR) Decode(msg wire.Message) error {
	var r RAR
	err := r.Decode(msg)
	*m = ASR{r.SessionID, r.OriginHost, r.OriginRealm, r.DestinationRealm, r.DestinationHost}
	return err
}

// ServerAnswer is what a server needs to know of a RAA or an ASA (RFC 6733,
// sections 8.3.2 and 8.5.2), the answers to RAR and ASR. A nil or zero field
// is an absent AVP.
type ServerAnswer struct {
	SessionID   []byte
	ResultCode  uint32
	OriginHost  []byte
	OriginRealm []byte
}

// Encode returns the message as the answer to the request with the header
// req, in buf's memory if that is large enough.
func (m *ServerAnswer) Encode(buf []byte, req wire.Header) (wire.Message, error) {
	req.Flags &= wire.FlagProxiable
	if m.ResultCode/1000 == 3 {
		req.Flags |= wire.FlagError
	}
	e := encoder{wire.MakeBuilder(buf[:0], req)}
	e.optional(avpSessionID, m.SessionID)
	e.nonzero(avpResultCode, m.ResultCode)
	e.optional(avpOriginHost, m.OriginHost)
	e.optional(avpOriginRealm, m.OriginRealm)
	msg, err := e.Message()
	if err != nil {
		return nil, fmt.Errorf("gy: answer: %w", err)
	}
	return msg, nil
}

// Decode reads msg, a RAA or an ASA. Fields alias msg. No AVP is demanded; the
// error, a [*DecodeError], is about lengths.
func (m *ServerAnswer) Decode(msg wire.Message) error {
	*m = ServerAnswer{}
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		var err error
		switch uint64(a.Vendor)<<32 | uint64(a.Code) {
		case codeSessionID:
			first(&m.SessionID, a.Data)
		case codeResultCode:
			m.ResultCode, err = a.Uint32()
		case codeOriginHost:
			first(&m.OriginHost, a.Data)
		case codeOriginRealm:
			first(&m.OriginRealm, a.Data)
		}
		if err != nil {
			return asDecodeError(a, err)
		}
	}
	if err := r.Err(); err != nil {
		return &DecodeError{ResultCode: ResultInvalidAVPLength, Err: err}
	}
	return nil
}
