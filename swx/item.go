package swx

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// AuthItem is a SIP-Auth-Data-Item (TS 29.229, clause 6.3.13): in a MAR the
// scheme wanted and the USIM's resynchronisation, in a MAA one vector. A nil
// field is an absent AVP.
//
// It prints redacted.
type AuthItem struct {
	// Number is SIP-Item-Number; it counts only with Numbered.
	Number   uint32
	Numbered bool
	// Scheme is SIP-Authentication-Scheme, such as "EAP-AKA'".
	Scheme []byte
	// Authenticate is SIP-Authenticate: RAND, AUTN, 32 octets.
	Authenticate []byte
	// Authorization is SIP-Authorization: XRES in a MAA; RAND, AUTS in a MAR.
	Authorization []byte
	// CK and IK are Confidentiality-Key and Integrity-Key: CK' and IK' where
	// the scheme is EAP-AKA'.
	CK, IK []byte
}

func (e *encoder) item(it *AuthItem) {
	g := e.begin(avpAuthDataItem)
	if it.Numbered {
		e.uint32(avpItemNumber, it.Number)
	}
	e.optional(avpAuthenticationScheme, it.Scheme)
	e.optional(avpAuthenticate, it.Authenticate)
	e.optional(avpAuthorization, it.Authorization)
	e.optional(avpConfidentialityKey, it.CK)
	e.optional(avpIntegrityKey, it.IK)
	e.end(g)
}

// decode reads the group a. Fields alias it. AVPs that it does not know are
// passed over; of one that comes twice the first counts.
func (it *AuthItem) decode(a wire.AVP) error {
	*it = AuthItem{}
	r := a.Group()
	var sub wire.AVP
	for r.Next(&sub) {
		if sub.Vendor != Vendor3GPP {
			continue
		}
		switch sub.Code {
		case codeItemNumber:
			n, err := sub.Uint32()
			if err != nil {
				return badAVP(sub, ResultInvalidAVPLength, err)
			}
			if !it.Numbered {
				it.Number, it.Numbered = n, true
			}
		case codeAuthenticationScheme:
			first(&it.Scheme, sub.Data)
		case codeAuthenticate:
			first(&it.Authenticate, sub.Data)
		case codeAuthorization:
			first(&it.Authorization, sub.Data)
		case codeConfidentialityKey:
			first(&it.CK, sub.Data)
		case codeIntegrityKey:
			first(&it.IK, sub.Data)
		}
	}
	if err := r.Err(); err != nil {
		return badAVP(a, ResultInvalidAVPLength, err)
	}
	return nil
}

// first sets *field to v if it is still absent.
func first(field *[]byte, v []byte) {
	if *field == nil {
		*field = v
	}
}

// Format implements fmt.Formatter, so that no verb prints the keys.
func (AuthItem) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("swx.AuthItem[redacted]")) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the keys away.
func (it AuthItem) MarshalText() ([]byte, error) { return fmt.Append(nil, it), nil }
