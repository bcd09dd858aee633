package swx

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// MAR is a Multimedia-Auth-Request (TS 29.273, clause 8.2.2.1): the AAA server
// asks the HSS for authentication vectors.
//
// A nil field is an absent AVP. RAT-Type and SIP-Number-Auth-Items are sent
// whatever their value, and so are Vendor-Specific-Application-Id and
// Auth-Session-State unless another form is asked for: HSSes insist on them.
//
// It prints redacted.
type MAR struct {
	Head
	// RATType is RAT-Type; the zero value is WLAN.
	RATType RATType
	// ANID is the access network's name, as in AT_KDF_INPUT. An HSS demands it
	// with EAP-AKA'.
	ANID []byte
	// VisitedNetwork is Visited-Network-Identifier, such as
	// "mnc001.mcc001.3gppnetwork.org".
	VisitedNetwork []byte
	// Terminal is Terminal-Information.
	Terminal *TerminalInformation
	// NumberAuthItems is how many vectors are wanted.
	NumberAuthItems uint32
	// Item has the scheme wanted and, to resynchronise, RAND and AUTS.
	Item AuthItem
	// AAAFailure tells the HSS that the AAA server it has registered has
	// failed (AAA-Failure-Indication bit 0, clause 8.2.3.21).
	AAAFailure bool
}

// Encode returns the message, in buf's memory if that is large enough. The
// identifiers of the header are zero; the node sets them.
func (m *MAR) Encode(buf []byte) (wire.Message, error) {
	e := beginRequest(buf, CommandMultimediaAuth)
	e.head(&m.Head)
	e.uint32(avpRATType, uint32(m.RATType))
	e.optional(avpANID, m.ANID)
	e.optional(avpVisitedNetwork, m.VisitedNetwork)
	e.terminal(m.Terminal)
	e.uint32(avpNumberAuthItems, m.NumberAuthItems)
	e.item(&m.Item)
	if m.AAAFailure {
		e.uint32(avpAAAFailureIndication, 1)
	}
	e.proxyInfo(m.ProxyInfo)
	return e.message("MAR")
}

// Decode reads msg, a MAR, as an HSS does. Fields alias msg. What came before
// the first error is there even so, for an answer.
//
// The error is a [*DecodeError] with the Result-Code to answer: an AVP that
// the command demands is missing (5005), has an impossible length (5014) or
// value (5004), or an unknown AVP has the M bit (5001; RFC 6733, section 4.1).
func (m *MAR) Decode(msg wire.Message) error {
	*m = MAR{}
	const (
		seenRATType = 1 << iota
		seenNumber
		seenItem
	)
	var seen uint8
	h := m.Head.reader()
	r := msg.AVPs()
	var a wire.AVP
	var err error
	for err == nil && r.Next(&a) {
		switch uint64(a.Vendor)<<32 | uint64(a.Code) {
		case of3GPP | codeRATType:
			seen |= seenRATType
			err = number((*uint32)(&m.RATType), a)
		case of3GPP | codeANID:
			first(&m.ANID, a.Data)
		case of3GPP | codeVisitedNetwork:
			first(&m.VisitedNetwork, a.Data)
		case of3GPP | codeTerminalInformation:
			err = decodeTerminal(&m.Terminal, a)
		case of3GPP | codeNumberAuthItems:
			seen |= seenNumber
			err = number(&m.NumberAuthItems, a)
		case of3GPP | codeAuthDataItem:
			if seen&seenItem != 0 {
				err = badAVP(a, ResultAVPOccursTooManyTimes, errRepeated)
				break
			}
			seen |= seenItem
			err = m.Item.decode(a)
		case of3GPP | codeAAAFailureIndication:
			var bits uint32
			err = number(&bits, a)
			m.AAAFailure = bits&1 != 0
		default:
			err = h.take(a)
		}
	}
	err = h.end(&r, err)
	if err == nil {
		err = h.complete()
	}
	switch {
	case err != nil:
		return err
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

// Format implements fmt.Formatter, so that no verb prints the IMSI.
func (MAR) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.MAR[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the IMSI away.
func (m MAR) MarshalText() ([]byte, error) { return fmt.Append(nil, m), nil }
