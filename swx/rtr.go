package swx

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// ReasonCode says why an HSS ends a registration (TS 29.229, clause 6.3.17).
type ReasonCode uint32

const (
	// ReasonPermanentTermination: the subscription is gone, or barred.
	ReasonPermanentTermination ReasonCode = 0
	// ReasonNewServerAssigned: another AAA server serves the subscriber now.
	ReasonNewServerAssigned ReasonCode = 1
)

// String returns the code's name.
func (c ReasonCode) String() string {
	switch c {
	case ReasonPermanentTermination:
		return "PERMANENT_TERMINATION"
	case ReasonNewServerAssigned:
		return "NEW_SERVER_ASSIGNED"
	default:
		return fmt.Sprintf("ReasonCode(%d)", uint32(c))
	}
}

// RTR is a Registration-Termination-Request (TS 29.273, clause 8.2.2.4): the
// HSS deregisters a subscriber. A nil field is an absent AVP.
//
// It prints redacted.
type RTR struct {
	SessionID        []byte
	OriginHost       []byte
	OriginRealm      []byte
	DestinationRealm []byte
	DestinationHost  []byte
	// UserName is the IMSI's digits; some HSSes send a whole NAI.
	UserName []byte
	// Reason is the Reason-Code in Deregistration-Reason.
	Reason ReasonCode
	// Info is the Reason-Info beside it, for people.
	Info []byte
}

// Encode returns the message, in buf's memory if that is large enough. The
// identifiers of the header are zero; the node sets them.
func (m *RTR) Encode(buf []byte) (wire.Message, error) {
	e := beginRequest(buf, CommandRegistrationTermination)
	e.prologue(m.SessionID, ApplicationVendorSpecific, NoStateMaintained)
	e.optional(avpOriginHost, m.OriginHost)
	e.optional(avpOriginRealm, m.OriginRealm)
	e.optional(avpDestinationRealm, m.DestinationRealm)
	e.optional(avpDestinationHost, m.DestinationHost)
	e.optional(avpUserName, m.UserName)
	g := e.begin(avpDeregistrationReason)
	e.uint32(avpReasonCode, uint32(m.Reason))
	e.optional(avpReasonInfo, m.Info)
	e.end(g)
	return e.message("RTR")
}

// Decode reads msg, an RTR, as the AAA server does. Fields alias msg.
//
// HSSes make Session-Ids of their own, or none, so only what the request is
// about is demanded. The error is a [*DecodeError] with the Result-Code to
// answer: User-Name or Deregistration-Reason is missing (5005), a length is
// impossible (5014), an unknown AVP has the M bit (5001).
func (m *RTR) Decode(msg wire.Message) error {
	*m = RTR{}
	seen := false
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
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
		case codeUserName:
			first(&m.UserName, a.Data)
		case of3GPP | codeDeregistrationReason:
			seen = true
			if err := m.decodeReason(a); err != nil {
				return err
			}
		default:
			if err := checkUnknown(a); err != nil {
				return err
			}
		}
	}
	switch {
	case r.Err() != nil:
		return &DecodeError{ResultCode: ResultInvalidAVPLength, Err: r.Err()}
	case m.UserName == nil:
		return missingAVP(avpUserName)
	case !seen:
		return missingAVP(avpDeregistrationReason)
	}
	return nil
}

func (m *RTR) decodeReason(a wire.AVP) error {
	seen := false
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		switch {
		case sub.Is(codeReasonCode, Vendor3GPP):
			n, err := sub.Uint32()
			if err != nil {
				return badAVP(sub, ResultInvalidAVPLength, err)
			}
			m.Reason, seen = ReasonCode(n), true
		case sub.Is(codeReasonInfo, Vendor3GPP):
			first(&m.Info, sub.Data)
		}
	}
	switch {
	case r.Err() != nil:
		return badAVP(a, ResultInvalidAVPLength, r.Err())
	case !seen:
		return missingAVP(avpReasonCode)
	}
	return nil
}

// Format implements fmt.Formatter, so that no verb prints the IMSI.
func (RTR) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.RTR[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the IMSI away.
func (m RTR) MarshalText() ([]byte, error) { return fmt.Append(nil, m), nil }
