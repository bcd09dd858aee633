package radius

import (
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius/internal/wire"
)

// appendReply appends the signed reply p to b, which has room for a whole
// packet.
//
// Message-Authenticator is the first attribute of every answer to an
// Access-Request (draft-ietf-radext-deprecating-radius, section 5), and of
// answers to other requests if they had it.
func (r *request) appendReply(b []byte, p *layeh.Packet) ([]byte, error) {
	if p == nil {
		return nil, packetError("nil packet")
	}
	if p.Code < 0 || int(p.Code) > maxCode || !wire.Answers(r.pkt[0], byte(p.Code)) {
		return nil, packetError("%v does not answer %v", p.Code, layeh.Code(r.pkt[0]))
	}
	if p.Authenticator != r.auth {
		// Hidden attributes are bound to it, so it can't be mended here.
		return nil, packetError("authenticator is not the request's: make replies with its Response method")
	}
	b = wire.AppendHeader(b, byte(p.Code), r.pkt[1], &r.auth)
	mac := 0
	if r.pkt[0] == wire.AccessRequest || r.layout.MessageAuthenticator != 0 {
		b = wire.AppendMessageAuthenticator(b)
		mac = len(b) - wire.AuthenticatorLen
	}
	b, err := appendAttributes(b, p.Attributes, wire.AttrProxyState)
	if err != nil {
		return nil, err
	}
	if r.layout.ProxyState {
		if b, err = appendProxyState(b, r.pkt); err != nil {
			return nil, err
		}
	}
	wire.SetLength(b)
	r.client.key.SignReply(b, mac, &r.auth)
	return b, nil
}

// appendAttributes appends all attributes to the packet in b but
// Message-Authenticator and those of type without, which the caller adds.
func appendAttributes(b []byte, attributes layeh.Attributes, without layeh.Type) ([]byte, error) {
	for _, avp := range attributes {
		switch {
		case avp == nil:
			return nil, packetError("nil attribute")
		case avp.Type == wire.AttrMessageAuthenticator, avp.Type == without:
			continue
		case avp.Type < 0 || avp.Type > 255:
			return nil, packetError("attribute type %d", int(avp.Type))
		case len(avp.Attribute) > wire.MaxValueLen:
			return nil, packetError("attribute %d of %d octets", int(avp.Type), len(avp.Attribute))
		case len(b)+2+len(avp.Attribute) > wire.MaxLen:
			return nil, packetError("longer than %d octets", wire.MaxLen)
		}
		b = wire.AppendAttribute(b, byte(avp.Type), avp.Attribute)
	}
	return b, nil
}

// appendProxyState copies all Proxy-State attributes of a request, in order
// and unchanged. RFC 2865, section 5.33.
func appendProxyState(b, request []byte) ([]byte, error) {
	for i := wire.HeaderLen; ; {
		typ, value, next, ok := wire.Next(request, i)
		if !ok {
			return b, nil
		}
		if typ == wire.AttrProxyState {
			if len(b)+2+len(value) > wire.MaxLen {
				return nil, packetError("no room for Proxy-State")
			}
			b = wire.AppendAttribute(b, typ, value)
		}
		i = next
	}
}
