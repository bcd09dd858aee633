package swxtest

import (
	"bytes"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
)

// An HSS with a dialect wants just that, and no other. One without takes what
// the standard has, the parts of Vendor-Specific-Application-Id in any order.

// checkForm returns the error to answer a request whose form is not the
// dialect's.
func (h *HSS) checkForm(form swx.ApplicationForm, state swx.SessionState) error {
	d := &h.cfg.Dialect
	group := wire.AVP{Code: codeVendorSpecificAppID, Flags: wire.FlagMandatory}
	auth := wire.AVP{Code: codeAuthApplicationID, Flags: wire.FlagMandatory, Data: make([]byte, 4)}
	hasGroup := form != swx.ApplicationAuth
	hasAuth := form == swx.ApplicationAuth || form == swx.ApplicationBoth
	switch d.Application {
	case swx.ApplicationAuth:
		if hasGroup {
			return refused(resultAVPNotAllowed, group)
		}
	case swx.ApplicationBoth:
		if !hasAuth {
			return refused(swx.ResultMissingAVP, auth)
		}
		fallthrough
	default:
		if !hasGroup {
			return refused(swx.ResultMissingAVP, group)
		}
	}
	if d.Application == swx.ApplicationAuthFirst && form != swx.ApplicationAuthFirst {
		return refused(swx.ResultInvalidAVPValue, group)
	}
	said := wire.AVP{Code: codeAuthSessionState, Flags: wire.FlagMandatory, Data: make([]byte, 4)}
	switch {
	case state == d.SessionState:
		return nil
	case state == swx.StateAbsent:
		return refused(swx.ResultMissingAVP, said)
	case d.SessionState == swx.StateAbsent:
		return refused(resultAVPNotAllowed, said)
	default:
		return refused(swx.ResultInvalidAVPValue, said)
	}
}

func refused(code uint32, blame wire.AVP) error {
	return &swx.DecodeError{ResultCode: code, AVP: blame, Err: errDialect}
}

// imsiOf returns the digits of the IMSI in a User-Name: all of it, or of an NAI
// what is between the leading digit and the realm. An HSS that wants NAIs finds
// nothing else.
func (h *HSS) imsiOf(user []byte) []byte {
	name, _, isNAI := bytes.Cut(user, []byte("@"))
	if isNAI && len(name) > 1 {
		if _, err := eap.ParseIMSI(string(name[1:])); err == nil {
			return name[1:]
		}
	}
	if h.cfg.Dialect.UserName == swx.UserNameNAI && !isNAI {
		return nil
	}
	return name
}
