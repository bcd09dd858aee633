package swx

import (
	"errors"
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// MAR is a Multimedia-Auth-Request (TS 29.273, clause 8.2.2.1): the AAA server
// asks the HSS for authentication vectors.
//
// A nil field is an absent AVP. Vendor-Specific-Application-Id and
// Auth-Session-State (NO_STATE_MAINTAINED) are always sent, and RAT-Type and
// SIP-Number-Auth-Items whatever their value: HSSes insist on them.
//
// It prints redacted.
type MAR struct {
	SessionID        []byte
	OriginHost       []byte
	OriginRealm      []byte
	DestinationRealm []byte
	DestinationHost  []byte
	// UserName is the IMSI's digits, nothing else (clause 8.2.2.1).
	UserName []byte
	// RATType is RAT-Type; 0 is WLAN (TS 29.212, clause 5.3.31).
	RATType uint32
	// ANID is the access network's name, as in AT_KDF_INPUT. An HSS demands it
	// with EAP-AKA'.
	ANID []byte
	// VisitedNetwork is Visited-Network-Identifier, such as
	// "mnc001.mcc001.3gppnetwork.org".
	VisitedNetwork []byte
	// NumberAuthItems is how many vectors are wanted.
	NumberAuthItems uint32
	// Item has the scheme wanted and, to resynchronise, RAND and AUTS.
	Item AuthItem
	// AAAFailure tells the HSS that the AAA server it has registered has
	// failed (AAA-Failure-Indication bit 0, clause 8.2.3.21).
	AAAFailure bool
	// ProxyInfo is the Proxy-Info AVPs' data, that the answer must bring back.
	ProxyInfo [][]byte
}

// Encode returns the message, in buf's memory if that is large enough. The
// identifiers of the header are zero; the node sets them.
func (m *MAR) Encode(buf []byte) (wire.Message, error) {
	e := encoder{wire.MakeBuilder(buf[:0], wire.Header{
		Flags:       wire.FlagRequest | wire.FlagProxiable,
		Command:     CommandMultimediaAuth,
		Application: ApplicationID,
	})}
	e.prologue(m.SessionID)
	e.optional(avpOriginHost, m.OriginHost)
	e.optional(avpOriginRealm, m.OriginRealm)
	e.optional(avpDestinationRealm, m.DestinationRealm)
	e.optional(avpDestinationHost, m.DestinationHost)
	e.optional(avpUserName, m.UserName)
	e.uint32(avpRATType, m.RATType)
	e.optional(avpANID, m.ANID)
	e.optional(avpVisitedNetwork, m.VisitedNetwork)
	e.uint32(avpNumberAuthItems, m.NumberAuthItems)
	e.item(&m.Item)
	if m.AAAFailure {
		e.uint32(avpAAAFailureIndication, 1)
	}
	for _, p := range m.ProxyInfo {
		e.octets(avpProxyInfo, p)
	}
	msg, err := e.Message()
	if err != nil {
		return nil, fmt.Errorf("swx: MAR: %w", err)
	}
	return msg, nil
}

// Decode reads msg, a MAR, as an HSS does. Fields alias msg.
//
// The error is a [*DecodeError] with the Result-Code to answer: an AVP that
// the command demands is missing (5005), has an impossible length (5014) or
// value (5004), or an unknown AVP has the M bit (5001; RFC 6733, section 4.1).
func (m *MAR) Decode(msg wire.Message) error {
	*m = MAR{}
	const (
		seenApplication = 1 << iota
		seenSessionState
		seenRATType
		seenNumber
		seenItem
	)
	var seen uint8
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		var err error
		switch uint64(a.Vendor)<<32 | uint64(a.Code) {
		case codeSessionID:
			first(&m.SessionID, a.Data)
		case codeVendorSpecificAppID:
			seen |= seenApplication
			err = checkApplication(a)
		case codeAuthSessionState:
			seen |= seenSessionState
			_, err = a.Uint32()
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
		case codeProxyInfo:
			m.ProxyInfo = append(m.ProxyInfo, a.Data)
		case of3GPP | codeRATType:
			seen |= seenRATType
			m.RATType, err = a.Uint32()
		case of3GPP | codeANID:
			first(&m.ANID, a.Data)
		case of3GPP | codeVisitedNetwork:
			first(&m.VisitedNetwork, a.Data)
		case of3GPP | codeNumberAuthItems:
			seen |= seenNumber
			m.NumberAuthItems, err = a.Uint32()
		case of3GPP | codeAuthDataItem:
			if seen&seenItem != 0 {
				return badAVP(a, ResultAVPOccursTooManyTimes, errRepeated)
			}
			seen |= seenItem
			err = m.Item.decode(a)
		case of3GPP | codeAAAFailureIndication:
			var bits uint32
			bits, err = a.Uint32()
			m.AAAFailure = bits&1 != 0
		default:
			if a.Flags&wire.FlagMandatory != 0 && lookup(a.Code, a.Vendor) == nil {
				return badAVP(a, ResultAVPUnsupported, errUnknownAVP)
			}
		}
		if err != nil {
			var de *DecodeError
			if errors.As(err, &de) {
				return de
			}
			return badAVP(a, ResultInvalidAVPLength, err)
		}
	}
	if err := r.Err(); err != nil {
		return &DecodeError{ResultCode: ResultInvalidAVPLength, Err: err}
	}
	switch {
	case m.SessionID == nil:
		return missingAVP(avpSessionID)
	case seen&seenApplication == 0:
		return missingAVP(avpVendorSpecificAppID)
	case seen&seenSessionState == 0:
		return missingAVP(avpAuthSessionState)
	case m.OriginHost == nil:
		return missingAVP(avpOriginHost)
	case m.OriginRealm == nil:
		return missingAVP(avpOriginRealm)
	case m.DestinationRealm == nil:
		return missingAVP(avpDestinationRealm)
	case m.UserName == nil:
		return missingAVP(avpUserName)
	case seen&seenRATType == 0:
		return missingAVP(avpRATType)
	case seen&seenNumber == 0:
		return missingAVP(avpNumberAuthItems)
	case seen&seenItem == 0:
		return missingAVP(avpAuthDataItem)
	case m.Item.Scheme == nil:
		return missingAVP(avpAuthenticationScheme)
	}
	return nil
}

// checkApplication checks that a Vendor-Specific-Application-Id names SWx, its
// parts in any order.
func checkApplication(a wire.AVP) error {
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		if !sub.Is(codeAuthApplicationID, 0) {
			continue
		}
		switch id, err := sub.Uint32(); {
		case err != nil:
			return badAVP(sub, ResultInvalidAVPLength, err)
		case id != ApplicationID:
			return badAVP(a, ResultInvalidAVPValue, errApplication)
		}
		return nil
	}
	if err := r.Err(); err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	return missingAVP(avpAuthApplicationID)
}

// Format implements fmt.Formatter, so that no verb prints the IMSI.
func (MAR) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.MAR[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the IMSI away.
func (m MAR) MarshalText() ([]byte, error) { return fmt.Append(nil, m), nil }
