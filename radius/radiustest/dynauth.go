package radiustest

import (
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc3576"
	"layeh.com/radius/rfc5176"

	"github.com/opentwag/twag/radius"
)

// DynAuth answers Disconnect-Requests and CoA-Requests as an access point does
// (RFC 5176). It is called with each request that is fit to be carried out, and
// returns 0 when that is done, or the Error-Cause of the NAK: 503
// (Session-Context-Not-Found) if there is no such session. An access point
// whose session is disconnected then sends the accounting Stop.
//
// It is the Handler of a [radius.Server] that takes these codes; the server
// sees to authenticators, repetitions and signatures:
//
//	srv := radius.Server{
//		Addr:    ":3799",
//		Codes:   []layeh.Code{layeh.CodeDisconnectRequest, layeh.CodeCoARequest},
//		Clients: …,
//		Handler: radiustest.DynAuth(func(ctx context.Context, r radiustest.DynAuthRequest) rfc3576.ErrorCause { … }),
//	}
type DynAuth func(ctx context.Context, r DynAuthRequest) rfc3576.ErrorCause

var _ layeh.Handler = DynAuth(nil)

// DynAuthRequest is what a request says of the NAS and of the session; what it
// does not say is empty. All that it says has to be true of a session for the
// request to be about it (RFC 5176, section 3).
type DynAuthRequest struct {
	Code layeh.Code

	NASIdentifier string
	NASAddress    netip.Addr

	AccountID string // Acct-Session-Id
	Called    string // Called-Station-Id
	Station   string // Calling-Station-Id
	User      string // User-Name
	Address   netip.Addr

	// Attributes are all of the packet.
	Attributes layeh.Attributes
}

// Attribute types of RFC 2866, 2869, 3162, 4372 and 5176 that only requests to a NAS
// have here.
const (
	attrNASPort            = 5
	attrFramedIPAddress    = 8
	attrProxyState         = 33
	attrAcctSessionID      = 44
	attrAcctMultiSessionID = 50
	attrEventTimestamp     = 55
	attrMessageAuth        = 80
	attrNASPortID          = 87
	attrCUI                = 89
	attrFramedInterfaceID  = 96
	attrFramedIPv6Prefix   = 97
)

// staleAfter is how old a request may be (RFC 5176, section 6.3).
const staleAfter = 300 * time.Second

// ServeRADIUS implements layeh's Handler. A stale request gets no answer (RFC
// 5176, section 6.3); one that names no session, or asks for what this access
// point cannot do, gets a NAK.
func (d DynAuth) ServeRADIUS(w layeh.ResponseWriter, r *layeh.Request) {
	q, stale, cause := parseDynAuth(r.Packet)
	if stale {
		radius.Discard(w)
		return
	}
	if cause == 0 {
		cause = d(r.Context(), q)
	}
	code := layeh.CodeDisconnectACK
	switch {
	case r.Code == layeh.CodeCoARequest && cause == 0:
		code = layeh.CodeCoAACK
	case r.Code == layeh.CodeCoARequest:
		code = layeh.CodeCoANAK
	case cause != 0:
		code = layeh.CodeDisconnectNAK
	}
	answer := r.Response(code)
	if cause != 0 {
		answer.Add(rfc3576.ErrorCause_Type, binary.BigEndian.AppendUint32(nil, uint32(cause)))
	}
	_ = w.Write(answer) // the server counts what the network does not take
}

// parseDynAuth reads a request. cause is that of the NAK it gets at once, by RFC
// 5176, section 3.5; 0 if it may be carried out.
func parseDynAuth(p *layeh.Packet) (q DynAuthRequest, stale bool, cause rfc3576.ErrorCause) {
	q = DynAuthRequest{Code: p.Code, Attributes: p.Attributes}
	named := false
	for _, avp := range p.Attributes {
		ok := true
		switch avp.Type {
		case attrNASIdentifier:
			q.NASIdentifier = string(avp.Attribute)
		case attrNASIPAddress, attrNASIPv6Address:
			q.NASAddress, ok = netip.AddrFromSlice(avp.Attribute)
		case attrAcctSessionID:
			q.AccountID, named = string(avp.Attribute), true
		case attrCalledStationID:
			q.Called = string(avp.Attribute)
		case attrCallingStationID:
			q.Station, named = string(avp.Attribute), true
		case attrUserName:
			q.User, named = string(avp.Attribute), true
		case attrFramedIPAddress:
			q.Address, ok = netip.AddrFromSlice(avp.Attribute)
			named = true
		case attrEventTimestamp:
			if ok = len(avp.Attribute) == 4; ok {
				at := time.Unix(int64(binary.BigEndian.Uint32(avp.Attribute)), 0)
				stale = time.Since(at).Abs() > staleAfter
			}
		case attrServiceType: // Authorize Only, which is for NASes that ask back
			cause = rfc3576.ErrorCause_Value_UnsupportedService
		case attrNASPort, attrAcctMultiSessionID, attrNASPortID, attrCUI, attrFramedInterfaceID, attrFramedIPv6Prefix:
			// They identify sessions, but not here; to pass over one would be to
			// hit other sessions than were meant.
			cause = rfc3576.ErrorCause_Value_UnsupportedAttribute
		case attrProxyState, attrMessageAuth:
		default:
			// Section 2.1 and the table of section 3.6: nothing to change is in
			// a Disconnect-Request.
			if p.Code == layeh.CodeDisconnectRequest && !inDisconnect[avp.Type] {
				cause = rfc3576.ErrorCause_Value_UnsupportedAttribute
			}
		}
		if !ok {
			cause = rfc5176.ErrorCause_Value_InvalidAttributeValue
		}
	}
	if cause == 0 && !named {
		cause = rfc3576.ErrorCause_Value_MissingAttribute
	}
	return q, stale, cause
}

// inDisconnect are attributes that a Disconnect-Request may have besides those that
// identify, by the table of RFC 5176, section 3.6: Reply-Message, Class,
// Vendor-Specific, Acct-Terminate-Cause.
var inDisconnect = map[layeh.Type]bool{18: true, 25: true, 26: true, 49: true}
