package eapradius

import (
	"encoding/binary"
	"math/rand/v2"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3576"
	"layeh.com/radius/rfc4072"

	"github.com/opentwag/twag/eap"
)

const (
	maxAttributeLen = 253
	// errorCauseInvalidEAP is Error-Cause 202, Invalid EAP Packet (Ignored)
	// (RFC 3576, section 3.5).
	errorCauseInvalidEAP = 202
	// replySlab is how many attributes a reply has without another allocation.
	replySlab = 10
)

// reply is an answer, with room for its attributes.
type reply struct {
	packet layeh.Packet
	avps   [replySlab]layeh.AVP
	refs   [replySlab]*layeh.AVP
	used   int
	// room is for the State of a Challenge, the keys of an Accept.
	room [maxAttributeLen]byte
}

// begin begins the answer to a request, perhaps instead of another.
func (p *reply) begin(r *layeh.Request, code layeh.Code) *reply {
	// Hidden attributes are bound to the request's authenticator, which is
	// the answer's too until it is signed.
	p.packet = layeh.Packet{
		Code: code, Identifier: r.Identifier, Secret: r.Secret, Authenticator: r.Authenticator,
		Attributes: p.refs[:0],
	}
	p.used = 0
	return p
}

func (p *reply) add(t layeh.Type, v []byte) {
	var a *layeh.AVP
	if p.used < len(p.avps) {
		a = &p.avps[p.used]
		p.used++
	} else {
		a = new(layeh.AVP)
	}
	a.Type, a.Attribute = t, v
	p.packet.Attributes = append(p.packet.Attributes, a)
}

// addEAP adds an EAP packet as EAP-Message attributes, consecutive and in
// order (RFC 3579, section 3.1).
func (p *reply) addEAP(pkt []byte) {
	for len(pkt) > maxAttributeLen {
		p.add(rfc2869.EAPMessage_Type, pkt[:maxAttributeLen:maxAttributeLen])
		pkt = pkt[maxAttributeLen:]
	}
	p.add(rfc2869.EAPMessage_Type, pkt)
}

func (p *reply) addInteger(t layeh.Type, v uint32) {
	p.add(t, binary.BigEndian.AppendUint32(nil, v))
}

// addKeys adds the halves of the MSK as MS-MPPE keys: to the NAS, what it
// receives with comes first (RFC 2548, section 2.4; RFC 3580, section 3.16).
func (p *reply) addKeys(msk *eap.Key) {
	// The salt only has to differ between the two; that it starts anywhere
	// keeps it from telling anything.
	salt := 0x8000 | uint16(rand.Uint32())
	other := 0x8000 | (salt + 1)
	b := p.room[:0]
	b = appendMPPE(b, mppeRecvKey, (*[mppeKeyLen]byte)(msk[:mppeKeyLen]), salt, p.packet.Secret, &p.packet.Authenticator)
	b = appendMPPE(b, mppeSendKey, (*[mppeKeyLen]byte)(msk[mppeKeyLen:]), other, p.packet.Secret, &p.packet.Authenticator)
	p.add(rfc2865.VendorSpecific_Type, b[:mppeValueLen:mppeValueLen])
	p.add(rfc2865.VendorSpecific_Type, b[mppeValueLen:len(b):len(b)])
}

// addGrant adds what the Authorizer gives, and the User-Name: the request's
// own, unless there is one in the grant (RFC 3579, section 3).
func (p *reply) addGrant(grant layeh.Attributes, q *request) {
	named := false
	for _, a := range grant {
		if a == nil {
			continue
		}
		switch a.Type {
		case rfc2869.EAPMessage_Type, rfc2869.MessageAuthenticator_Type, rfc2865.State_Type,
			rfc2865.ProxyState_Type, rfc4072.EAPKeyName_Type:
			continue
		case rfc2865.UserName_Type:
			named = true
		}
		p.packet.Attributes = append(p.packet.Attributes, a)
	}
	if !named && q.hasUserName {
		p.add(rfc2865.UserName_Type, q.userName)
	}
}

// addErrorCause says that the EAP packet was discarded (RFC 3579, section 2.2).
func (p *reply) addErrorCause() { p.addInteger(rfc3576.ErrorCause_Type, errorCauseInvalidEAP) }

// failure makes the EAP-Failure that answers the EAP packet pkt.
func failure(pkt []byte) []byte {
	var id uint8
	if len(pkt) > 1 {
		id = pkt[1]
	}
	return eap.AppendHeader(make([]byte, 0, 4), eap.CodeFailure, id, 0)
}
