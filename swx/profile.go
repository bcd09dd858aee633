package swx

import (
	"fmt"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// Profile is an HSS's dialect. The zero Profile is what TS 29.273 says.
type Profile struct {
	// UserName is the form of User-Name.
	UserName UserNameForm
	// NAIRealm is the realm of User-Name in the form UserNameNAI, such as
	// "nai.epc.mnc001.mcc001.3gppnetwork.org". Empty means that of the IMSI's
	// network (TS 23.003, clause 19.3.2).
	NAIRealm string
	// Application is how requests name the application, and SessionState what
	// they say in Auth-Session-State. The zero values are the standard's.
	Application  ApplicationForm
	SessionState SessionState
	// OmitANID leaves ANID out of requests for EAP-AKA', for an HSS that
	// chokes on it. Such an HSS sends plain keys, or keys bound to a name
	// that it knows by itself, which must then be that of the access.
	OmitANID bool
	// PlainKeys says that the HSS answers requests for EAP-AKA' with CK and
	// IK, which the AAA server has yet to bind to the network name. By TS
	// 33.402, clause 6.2, the HSS has done so. If this is wrong, AT_MAC is
	// wrong at every login.
	PlainKeys bool
	// OmitSAR is for an HSS that knows MAR only, as some HLR gateways: it is
	// asked for nothing else, and [Client.Assign] answers by itself that all
	// is well and that there is no profile.
	OmitSAR bool
}

// validate returns an error that names the first field that is wrong.
func (p *Profile) validate() error {
	switch {
	case p.UserName > UserNameNAI:
		return fmt.Errorf("swx: config: Profile.UserName: no such form: %d", p.UserName)
	case p.NAIRealm != "" && !isIdentity(p.NAIRealm):
		return fmt.Errorf("swx: config: Profile.NAIRealm: %q is no domain name", p.NAIRealm)
	case p.Application >= applicationForms:
		return fmt.Errorf("swx: config: Profile.Application: no such form: %d", p.Application)
	case p.SessionState >= sessionStates:
		return fmt.Errorf("swx: config: Profile.SessionState: no such state: %d", p.SessionState)
	}
	return nil
}

// UserNameForm is a form of User-Name.
type UserNameForm uint8

const (
	// UserNameIMSI is the IMSI's digits and nothing else (TS 29.273, clause
	// 8.2.2.1). At least one HSS gathers every digit of the string, so more
	// is worse.
	UserNameIMSI UserNameForm = iota
	// UserNameNAI is the permanent identity as an NAI: "0" for EAP-AKA, "6"
	// for EAP-AKA', the IMSI, "@" and NAIRealm (TS 23.003, clause 19.3.2). A
	// SAR has "0": it belongs to neither.
	UserNameNAI
)

// String returns the form's name.
func (f UserNameForm) String() string {
	switch f {
	case UserNameIMSI:
		return "IMSI"
	case UserNameNAI:
		return "NAI"
	default:
		return fmt.Sprintf("UserNameForm(%d)", uint8(f))
	}
}

// appendUserName appends the subscriber's User-Name to b. The realm of an NAI
// is that of his home network unless there is a fixed one.
func (p *Profile) appendUserName(b []byte, imsi eap.IMSI, scheme aka.Scheme, homes *router) []byte {
	if p.UserName == UserNameIMSI {
		return append(b, imsi.Digits()...)
	}
	digit := byte('0')
	if scheme == aka.SchemeAKAPrime {
		digit = '6'
	}
	b = append(b, digit)
	b = append(b, imsi.Digits()...)
	b = append(b, '@')
	if p.NAIRealm != "" {
		return append(b, p.NAIRealm...)
	}
	return append(b, homes.home(imsi).Realm(naiLabel)...)
}

// naiLabel is what the realm of an NAI for the core network begins with (TS
// 23.003, clause 19.3.2).
const naiLabel = "nai.epc"
