package radius

import (
	"errors"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius/internal/wire"
)

// ErrForged is a reply that was not made by a holder of the secret, or not for
// this request.
var ErrForged = errors.New("radius: reply is not authentic")

// SignRequest returns the octets of a request, ready to be sent, signed with
// p.Secret.
//
// An Access-Request or Status-Server gets Message-Authenticator as its first
// attribute (draft-ietf-radext-deprecating-radius, section 5; RFC 5997,
// section 3), and keeps p.Authenticator, which must be random and new. A
// CoA-Request or Disconnect-Request gets the attribute too; an
// Accounting-Request only if p has one. Their authenticator is the hash that
// RFC 2866 and RFC 5176 want. A value of the attribute in p is ignored.
func SignRequest(p *layeh.Packet) ([]byte, error) {
	if len(p.Secret) == 0 {
		return nil, errors.New("radius: no secret")
	}
	sign := true
	switch p.Code {
	case layeh.CodeAccessRequest, layeh.CodeStatusServer, layeh.CodeCoARequest, layeh.CodeDisconnectRequest:
	case layeh.CodeAccountingRequest:
		_, sign = p.Lookup(wire.AttrMessageAuthenticator)
	default:
		return nil, errors.New("radius: " + p.Code.String() + " is not a request")
	}
	b := wire.AppendHeader(nil, byte(p.Code), p.Identifier, &p.Authenticator)
	mac := 0
	if sign {
		b = wire.AppendMessageAuthenticator(b)
		mac = len(b) - wire.AuthenticatorLen
	}
	b, err := appendAttributes(b, p.Attributes, wire.AttrMessageAuthenticator)
	if err != nil {
		return nil, err
	}
	wire.SetLength(b)
	wire.NewKey(p.Secret).SignRequest(b, mac)
	return b, nil
}

// CheckReply returns the reply in datagram b to a request that SignRequest
// made. It fails unless the reply is well-formed, its code and Identifier are
// those of an answer to the request, its Response Authenticator is right, and
// its Message-Authenticator too; a reply to an Access-Request must have one.
func CheckReply(b, request, secret []byte) (*layeh.Packet, error) {
	pkt, err := wire.Cut(b)
	if err != nil {
		return nil, err
	}
	l, err := wire.Scan(pkt)
	if err != nil {
		return nil, err
	}
	if len(request) < wire.HeaderLen || len(secret) == 0 {
		return nil, errors.New("radius: no request or no secret to check with")
	}
	if !wire.Answers(request[0], pkt[0]) || pkt[1] != request[1] {
		return nil, ErrForged
	}
	if l.MessageAuthenticator == 0 && (l.EAPMessage || request[0] == wire.AccessRequest) {
		return nil, ErrForged
	}
	auth := [wire.AuthenticatorLen]byte(request[4:wire.HeaderLen])
	if !wire.NewKey(secret).CheckReply(pkt, l.MessageAuthenticator, &auth) {
		return nil, ErrForged
	}
	return layeh.Parse(pkt, secret)
}
