package gy

import (
	"fmt"
	"time"

	"github.com/opentwag/twag/diameter/wire"
)

// CCR is a Credit-Control-Request (RFC 8506, section 3.1). A nil or zero field
// is an absent AVP, but CC-Request-Type and CC-Request-Number are always sent.
//
// It prints redacted.
type CCR struct {
	// Retransmitted is the T bit: the server may have had this request before.
	Retransmitted    bool
	SessionID        []byte
	OriginHost       []byte
	OriginRealm      []byte
	DestinationRealm []byte
	DestinationHost  []byte
	// ServiceContextID is Service-Context-Id, such as "32251@3gpp.org".
	ServiceContextID []byte
	Type             RequestType
	Number           uint32
	UserName         []byte
	OriginStateID    uint32
	EventTimestamp   time.Time
	Subscriptions    []Subscription
	Cause            TerminationCause
	// MultipleServices is Multiple-Services-Indicator with the value
	// MULTIPLE_SERVICES_SUPPORTED.
	MultipleServices bool
	// Services are the Multiple-Services-Credit-Control AVPs.
	Services  []MSCC
	Equipment Equipment
	// PS is the PS-Information of Service-Information.
	PS PSInformation
	// ProxyInfo is the Proxy-Info AVPs' data, that the answer must bring back.
	ProxyInfo [][]byte
}

// requestHeader is the header of a CCR.
func requestHeader(retransmitted bool, endToEnd uint32) wire.Header {
	h := wire.Header{
		Flags:       wire.FlagRequest | wire.FlagProxiable,
		Command:     CommandCreditControl,
		Application: ApplicationID,
		EndToEnd:    endToEnd,
	}
	if retransmitted {
		h.Flags |= wire.FlagRetransmitted
	}
	return h
}

// Encode returns the message, in buf's memory if that is large enough. The
// identifiers of the header are zero; the node sets them.
func (m *CCR) Encode(buf []byte) (wire.Message, error) {
	e := encoder{wire.MakeBuilder(buf[:0], requestHeader(m.Retransmitted, 0))}
	e.optional(avpSessionID, m.SessionID)
	e.optional(avpOriginHost, m.OriginHost)
	e.optional(avpOriginRealm, m.OriginRealm)
	e.optional(avpDestinationRealm, m.DestinationRealm)
	e.optional(avpDestinationHost, m.DestinationHost)
	e.uint32(avpAuthApplicationID, ApplicationID)
	e.optional(avpServiceContextID, m.ServiceContextID)
	e.uint32(avpRequestType, uint32(m.Type))
	e.uint32(avpRequestNumber, m.Number)
	e.optional(avpUserName, m.UserName)
	e.nonzero(avpOriginStateID, m.OriginStateID)
	e.time(avpEventTimestamp, m.EventTimestamp)
	for _, s := range m.Subscriptions {
		e.subscription(s)
	}
	e.nonzero(avpTerminationCause, uint32(m.Cause))
	if m.MultipleServices {
		e.uint32(avpMultipleServices, multipleServicesSupported)
	}
	for i := range m.Services {
		e.mscc(&m.Services[i])
	}
	e.equipment(&m.Equipment)
	e.serviceInformation(&m.PS)
	for _, p := range m.ProxyInfo {
		e.octets(avpProxyInfo, p)
	}
	msg, err := e.Message()
	if err != nil {
		return nil, fmt.Errorf("gy: CCR: %w", err)
	}
	return msg, nil
}

// multipleServicesSupported is the value of Multiple-Services-Indicator that
// says so (RFC 8506, section 8.40).
const multipleServicesSupported = 1

// Decode reads msg, a CCR, as an OCS does. Fields alias msg; the memory of m's
// lists is used again.
//
// The error is a [*DecodeError] with the Result-Code to answer: an AVP that
// the command demands is missing (5005), has an impossible length (5014) or
// value (5004), comes too often (5009), or an unknown AVP has the M bit (5001;
// RFC 6733, section 4.1).
func (m *CCR) Decode(msg wire.Message) error {
	*m = CCR{
		Retransmitted: msg.Header().Flags&wire.FlagRetransmitted != 0,
		Subscriptions: m.Subscriptions[:0],
		Services:      m.Services[:0],
		ProxyInfo:     m.ProxyInfo[:0],
	}
	const (
		seenApplication = 1 << iota
		seenType
		seenNumber
	)
	var seen uint8
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		var err error
		var n uint32
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
		case codeAuthApplicationID:
			seen |= seenApplication
			if n, err = a.Uint32(); err == nil && n != ApplicationID {
				return badAVP(a, ResultInvalidAVPValue, errValue)
			}
		case codeServiceContextID:
			first(&m.ServiceContextID, a.Data)
		case codeRequestType:
			seen |= seenType
			n, err = a.Uint32()
			m.Type = RequestType(n)
			if err == nil && (m.Type < RequestInitial || m.Type > RequestEvent) {
				return badAVP(a, ResultInvalidAVPValue, errValue)
			}
		case codeRequestNumber:
			seen |= seenNumber
			m.Number, err = a.Uint32()
		case codeUserName:
			first(&m.UserName, a.Data)
		case codeOriginStateID:
			m.OriginStateID, err = a.Uint32()
		case codeEventTimestamp:
			m.EventTimestamp, err = decodeTime(a)
		case codeSubscriptionID:
			if len(m.Subscriptions) == maxSubscribers {
				return badAVP(a, ResultAVPOccursTooManyTimes, errRepeated)
			}
			m.Subscriptions = append(m.Subscriptions, Subscription{})
			err = m.Subscriptions[len(m.Subscriptions)-1].decode(a)
		case codeTerminationCause:
			n, err = a.Uint32()
			m.Cause = TerminationCause(n)
		case codeMultipleServices:
			n, err = a.Uint32()
			m.MultipleServices = n == multipleServicesSupported
		case codeMSCC:
			if len(m.Services) == maxMSCCs {
				return badAVP(a, ResultAVPOccursTooManyTimes, errRepeated)
			}
			err = nextMSCC(&m.Services).decode(a)
		case codeUserEquipment:
			err = m.Equipment.decode(a)
		case of3GPP | codeServiceInformation:
			err = m.PS.decode(a)
		case codeProxyInfo:
			if len(m.ProxyInfo) == maxProxyInfos {
				return badAVP(a, ResultAVPOccursTooManyTimes, errRepeated)
			}
			m.ProxyInfo = append(m.ProxyInfo, a.Data)
		default:
			err = checkUnknown(a)
		}
		if err != nil {
			return asDecodeError(a, err)
		}
	}
	if err := r.Err(); err != nil {
		return &DecodeError{ResultCode: ResultInvalidAVPLength, Err: err}
	}
	switch {
	case m.SessionID == nil:
		return missingAVP(avpSessionID)
	case m.OriginHost == nil:
		return missingAVP(avpOriginHost)
	case m.OriginRealm == nil:
		return missingAVP(avpOriginRealm)
	case m.DestinationRealm == nil:
		return missingAVP(avpDestinationRealm)
	case seen&seenApplication == 0:
		return missingAVP(avpAuthApplicationID)
	case m.ServiceContextID == nil:
		return missingAVP(avpServiceContextID)
	case seen&seenType == 0:
		return missingAVP(avpRequestType)
	case seen&seenNumber == 0:
		return missingAVP(avpRequestNumber)
	}
	return nil
}

// Format implements fmt.Formatter, so that no verb prints the subscriber.
func (CCR) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("gy.CCR[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the subscriber away.
func (m CCR) MarshalText() ([]byte, error) { return fmt.Append(nil, m), nil }
