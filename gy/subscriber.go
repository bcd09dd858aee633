package gy

import (
	"fmt"
	"net/netip"

	"github.com/opentwag/twag/diameter/wire"
)

// SubscriptionType is Subscription-Id-Type (RFC 8506, section 8.47).
type SubscriptionType uint32

// Kinds of subscriber identity.
const (
	SubscriptionE164    SubscriptionType = 0
	SubscriptionIMSI    SubscriptionType = 1
	SubscriptionSIPURI  SubscriptionType = 2
	SubscriptionNAI     SubscriptionType = 3
	SubscriptionPrivate SubscriptionType = 4
)

// Subscription is a Subscription-Id (RFC 8506, section 8.46).
//
// It prints redacted.
type Subscription struct {
	Type SubscriptionType
	Data []byte
}

// Format implements fmt.Formatter, so that no verb prints the identity.
func (Subscription) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("gy.Subscription[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the identity away.
func (s Subscription) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }

// EquipmentType is User-Equipment-Info-Type (RFC 8506, section 8.50).
type EquipmentType uint32

// Kinds of equipment identity.
const (
	EquipmentIMEISV        EquipmentType = 0
	EquipmentMAC           EquipmentType = 1
	EquipmentEUI64         EquipmentType = 2
	EquipmentModifiedEUI64 EquipmentType = 3
)

// Equipment is User-Equipment-Info (RFC 8506, section 8.49). A nil Value is
// its absence.
//
// RFC 8506 has a MAC in the form of RFC 3580, section 3.21
// ("00-10-A4-23-19-C0"). There are servers, and tshark, that take nothing but
// its six octets.
type Equipment struct {
	Type  EquipmentType
	Value []byte
}

// PSInformation is what we send, and read, of PS-Information in
// Service-Information (TS 32.299, clause 7.2.158). Nil and zero fields are
// absent AVPs.
type PSInformation struct {
	// ChargingID is 3GPP-Charging-Id, four octets.
	ChargingID []byte
	// PDPAddress is the user's address.
	PDPAddress netip.Addr
	// GGSNAddress is ours, or the gateway's; SGSNAddress the access network's.
	GGSNAddress netip.Addr
	SGSNAddress netip.Addr
	// CalledStationID is the APN.
	CalledStationID []byte
	// RATType is 3GPP-RAT-Type, one octet: 3 is WLAN (TS 29.061, clause
	// 16.4.7.2).
	RATType []byte
	// ChargingCharacteristics is four hexadecimal digits.
	ChargingCharacteristics []byte
	// SGSNMCCMNC and GGSNMCCMNC are networks, digits of MCC and MNC.
	SGSNMCCMNC []byte
	GGSNMCCMNC []byte
	// MSTimeZone and UserLocation are as TS 29.061 encodes them.
	MSTimeZone   []byte
	UserLocation []byte
	// SSID and BSSID are those of TWAN-User-Location-Info.
	SSID  []byte
	BSSID []byte
}

// isZero reports whether there is nothing to send.
func (p *PSInformation) isZero() bool {
	return p.ChargingID == nil && !p.PDPAddress.IsValid() && !p.GGSNAddress.IsValid() && !p.SGSNAddress.IsValid() &&
		p.CalledStationID == nil && p.RATType == nil && p.ChargingCharacteristics == nil && p.SGSNMCCMNC == nil &&
		p.GGSNMCCMNC == nil && p.MSTimeZone == nil && p.UserLocation == nil && p.SSID == nil && p.BSSID == nil
}

// subscription appends one Subscription-Id.
func (e *encoder) subscription(s Subscription) {
	g := e.begin(avpSubscriptionID)
	e.uint32(avpSubscriptionType, uint32(s.Type))
	e.octets(avpSubscriptionData, s.Data)
	e.End(g)
}

func (e *encoder) equipment(q *Equipment) {
	if q.Value == nil {
		return
	}
	g := e.begin(avpUserEquipment)
	e.uint32(avpUserEquipmentType, uint32(q.Type))
	e.octets(avpUserEquipmentValue, q.Value)
	e.End(g)
}

// serviceInformation appends Service-Information, if there is anything in it.
func (e *encoder) serviceInformation(p *PSInformation) {
	if p.isZero() {
		return
	}
	si := e.begin(avpServiceInformation)
	ps := e.begin(avpPSInformation)
	e.optional(avpChargingID, p.ChargingID)
	e.address(avpPDPAddress, p.PDPAddress)
	e.address(avpGGSNAddress, p.GGSNAddress)
	e.address(avpSGSNAddress, p.SGSNAddress)
	e.optional(avpCalledStationID, p.CalledStationID)
	e.optional(avpRATType, p.RATType)
	e.optional(avpChargingCharacteristics, p.ChargingCharacteristics)
	e.optional(avpSGSNMCCMNC, p.SGSNMCCMNC)
	e.optional(avpGGSNMCCMNC, p.GGSNMCCMNC)
	e.optional(avpMSTimeZone, p.MSTimeZone)
	e.optional(avpUserLocation, p.UserLocation)
	if p.SSID != nil || p.BSSID != nil {
		twan := e.begin(avpTWANUserLocation)
		e.optional(avpSSID, p.SSID)
		e.optional(avpBSSID, p.BSSID)
		e.End(twan)
	}
	e.End(ps)
	e.End(si)
}

func (s *Subscription) decode(a wire.AVP) error {
	*s = Subscription{}
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		switch {
		case sub.Is(codeSubscriptionType, 0):
			n, err := sub.Uint32()
			if err != nil {
				return badAVP(sub, ResultInvalidAVPLength, err)
			}
			s.Type = SubscriptionType(n)
		case sub.Is(codeSubscriptionData, 0):
			s.Data = sub.Data
		}
	}
	switch {
	case r.Err() != nil:
		return badAVP(a, ResultInvalidAVPLength, r.Err())
	case s.Data == nil:
		return missingAVP(avpSubscriptionData)
	}
	return nil
}

func (q *Equipment) decode(a wire.AVP) error {
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		switch {
		case sub.Is(codeUserEquipmentType, 0):
			n, err := sub.Uint32()
			if err != nil {
				return badAVP(sub, ResultInvalidAVPLength, err)
			}
			q.Type = EquipmentType(n)
		case sub.Is(codeUserEquipmentValue, 0):
			q.Value = sub.Data
		}
	}
	if err := r.Err(); err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	return nil
}

// decode reads the PS-Information in the Service-Information a.
func (p *PSInformation) decode(a wire.AVP) error {
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		if sub.Is(codePSInformation, Vendor3GPP) {
			if err := p.decodeGroup(sub); err != nil {
				return err
			}
		}
	}
	if err := r.Err(); err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	return nil
}

func (p *PSInformation) decodeGroup(a wire.AVP) error {
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		var err error
		switch uint64(sub.Vendor)<<32 | uint64(sub.Code) {
		case of3GPP | codeChargingID:
			first(&p.ChargingID, sub.Data)
		case of3GPP | codePDPAddress:
			if !p.PDPAddress.IsValid() {
				p.PDPAddress, err = decodeAddress(sub)
			}
		case of3GPP | codeGGSNAddress:
			p.GGSNAddress, err = decodeAddress(sub)
		case of3GPP | codeSGSNAddress:
			p.SGSNAddress, err = decodeAddress(sub)
		case codeCalledStationID:
			first(&p.CalledStationID, sub.Data)
		case of3GPP | codeRATType:
			first(&p.RATType, sub.Data)
		case of3GPP | codeChargingCharacteristics:
			first(&p.ChargingCharacteristics, sub.Data)
		case of3GPP | codeSGSNMCCMNC:
			first(&p.SGSNMCCMNC, sub.Data)
		case of3GPP | codeGGSNMCCMNC:
			first(&p.GGSNMCCMNC, sub.Data)
		case of3GPP | codeMSTimeZone:
			first(&p.MSTimeZone, sub.Data)
		case of3GPP | codeUserLocation:
			first(&p.UserLocation, sub.Data)
		case of3GPP | codeTWANUserLocation:
			err = p.decodeTWAN(sub)
		}
		if err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	return nil
}

func (p *PSInformation) decodeTWAN(a wire.AVP) error {
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		switch {
		case sub.Is(codeSSID, Vendor3GPP):
			first(&p.SSID, sub.Data)
		case sub.Is(codeBSSID, Vendor3GPP):
			first(&p.BSSID, sub.Data)
		}
	}
	if err := r.Err(); err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	return nil
}
