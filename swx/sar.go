package swx

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// SAR is a Server-Assignment-Request (TS 29.273, clause 8.2.2.3): the AAA
// server registers a subscriber, deregisters him, asks for his profile, or
// tells of his gateways. A nil field is an absent AVP.
//
// It prints redacted.
type SAR struct {
	Head
	Type AssignmentType
	// Gateway, VisitedNetwork, ContextID and APN are what a PGWUpdate is
	// about: which gateway, in which network, for which APN.
	Gateway        *Gateway
	VisitedNetwork []byte
	ContextID      uint32
	APN            []byte
	// ActiveAPNs are what a Restoration tells.
	ActiveAPNs []ActiveAPN
	// Terminal is Terminal-Information.
	Terminal *TerminalInformation
	// Emergency is Emergency-Services bit 0: the gateway is one for emergency
	// sessions.
	Emergency bool
}

// ActiveAPN is an Active-APN (TS 29.272, clause 7.3.127): an APN that is in use
// and the gateway that serves it.
type ActiveAPN struct {
	ContextID      uint32
	APN            string
	Gateway        *Gateway
	VisitedNetwork string
	// SpecificAPNs are those in use under a wildcard.
	SpecificAPNs []SpecificAPN
	// Other is all other AVPs, encoded, in their order.
	Other []byte
}

// Encode returns the message, in buf's memory if that is large enough. The
// identifiers of the header are zero; the node sets them.
func (m *SAR) Encode(buf []byte) (wire.Message, error) {
	e := beginRequest(buf, CommandServerAssignment)
	e.head(&m.Head)
	e.uint32(avpAssignmentType, uint32(m.Type))
	e.gateway(m.Gateway)
	e.optional(avpVisitedNetwork, m.VisitedNetwork)
	e.number(avpContextIdentifier, m.ContextID)
	e.optional(avpServiceSelection, m.APN)
	for i := range m.ActiveAPNs {
		e.activeAPN(&m.ActiveAPNs[i])
	}
	e.terminal(m.Terminal)
	if m.Emergency {
		e.uint32(avpEmergencyServices, 1)
	}
	e.proxyInfo(m.ProxyInfo)
	return e.message("SAR")
}

func (e *encoder) activeAPN(c *ActiveAPN) {
	g := e.begin(avpActiveAPN)
	e.number(avpContextIdentifier, c.ContextID)
	e.text(avpServiceSelection, c.APN)
	e.gateway(c.Gateway)
	e.text(avpVisitedNetwork, c.VisitedNetwork)
	for i := range c.SpecificAPNs {
		e.specificAPN(&c.SpecificAPNs[i])
	}
	e.raw(c.Other)
	e.end(g)
}

// Decode reads msg, a SAR, as an HSS does. Fields alias msg, except those of
// groups.
//
// The error is a [*DecodeError] with the Result-Code to answer: an AVP that
// the command demands is missing (5005), has an impossible length (5014) or
// value (5004), comes too often (5009), or an unknown AVP has the M bit (5001;
// RFC 6733, section 4.1).
func (m *SAR) Decode(msg wire.Message) error {
	*m = SAR{}
	seenType := false
	h := m.Head.reader()
	r := msg.AVPs()
	var a wire.AVP
	var err error
	for err == nil && r.Next(&a) {
		switch uint64(a.Vendor)<<32 | uint64(a.Code) {
		case of3GPP | codeAssignmentType:
			seenType = true
			err = number((*uint32)(&m.Type), a)
		case codeMIP6AgentInfo:
			_, err = takeGateway(&m.Gateway, a)
		case of3GPP | codeVisitedNetwork:
			first(&m.VisitedNetwork, a.Data)
		case of3GPP | codeContextIdentifier:
			err = number(&m.ContextID, a)
		case codeServiceSelection:
			first(&m.APN, a.Data)
		case of3GPP | codeActiveAPN:
			m.ActiveAPNs, err = grow(m.ActiveAPNs, a)
			if err == nil {
				c := &m.ActiveAPNs[len(m.ActiveAPNs)-1]
				err = eachAVP(a, &c.Other, c.take)
			}
		case of3GPP | codeTerminalInformation:
			err = decodeTerminal(&m.Terminal, a)
		case of3GPP | codeEmergencyServices:
			var bits uint32
			err = number(&bits, a)
			m.Emergency = bits&1 != 0
		default:
			err = h.take(a)
		}
	}
	err = h.end(&r, err)
	if err == nil {
		err = h.complete()
	}
	if err == nil && !seenType {
		err = missingAVP(avpAssignmentType)
	}
	return err
}

func (c *ActiveAPN) take(a wire.AVP) (bool, error) {
	switch uint64(a.Vendor)<<32 | uint64(a.Code) {
	case of3GPP | codeContextIdentifier:
		return uint32Of(&c.ContextID, a)
	case codeServiceSelection:
		return text(&c.APN, a), nil
	case codeMIP6AgentInfo:
		return takeGateway(&c.Gateway, a)
	case of3GPP | codeVisitedNetwork:
		return text(&c.VisitedNetwork, a), nil
	case of3GPP | codeSpecificAPNInfo:
		list, err := grow(c.SpecificAPNs, a)
		if err != nil {
			return false, err
		}
		c.SpecificAPNs = list
		s := &list[len(list)-1]
		return true, eachAVP(a, &s.Other, s.take)
	}
	return false, nil
}

// Format implements fmt.Formatter, so that no verb prints the IMSI.
func (SAR) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.SAR[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the IMSI away.
func (m SAR) MarshalText() ([]byte, error) { return fmt.Append(nil, m), nil }
