package swx

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// ApplicationForm is how a message says that it is one of SWx.
type ApplicationForm uint8

const (
	// ApplicationVendorSpecific is Vendor-Specific-Application-Id with
	// Vendor-Id, then Auth-Application-Id (TS 29.273, clause 8.2.2).
	ApplicationVendorSpecific ApplicationForm = iota
	// ApplicationAuthFirst is the same with Auth-Application-Id first, as RFC
	// 3588 had it.
	ApplicationAuthFirst
	// ApplicationAuth is Auth-Application-Id in the message itself and no
	// group, for an HSS or relay that knows applications by that AVP only.
	ApplicationAuth
	// ApplicationBoth is the group and, beside it, Auth-Application-Id.
	ApplicationBoth
	applicationForms // one more than the last
)

// String returns the form's name.
func (f ApplicationForm) String() string {
	switch f {
	case ApplicationVendorSpecific:
		return "vendor-specific"
	case ApplicationAuthFirst:
		return "vendor-specific, Auth-Application-Id first"
	case ApplicationAuth:
		return "Auth-Application-Id"
	case ApplicationBoth:
		return "both"
	default:
		return fmt.Sprintf("ApplicationForm(%d)", uint8(f))
	}
}

// SessionState is what a message says in Auth-Session-State (RFC 6733, section
// 8.11).
type SessionState uint8

const (
	// NoStateMaintained is what every message of SWx says (TS 29.273, clause
	// 8.2.2).
	NoStateMaintained SessionState = iota
	// StateMaintained is for an HSS that wants to hear that.
	StateMaintained
	// StateAbsent leaves the AVP out.
	StateAbsent
	sessionStates // one more than the last
)

// String returns the state's name.
func (s SessionState) String() string {
	switch s {
	case NoStateMaintained:
		return "NO_STATE_MAINTAINED"
	case StateMaintained:
		return "STATE_MAINTAINED"
	case StateAbsent:
		return "absent"
	default:
		return fmt.Sprintf("SessionState(%d)", uint8(s))
	}
}

// Values of Auth-Session-State.
const (
	wireStateMaintained   = 0
	wireNoStateMaintained = 1
)

// prologue appends what every SWx message begins with.
func (e *encoder) prologue(sessionID []byte, form ApplicationForm, state SessionState) {
	e.optional(avpSessionID, sessionID)
	e.form(form, state)
}

// form appends the application and Auth-Session-State.
func (e *encoder) form(form ApplicationForm, state SessionState) {
	if form == ApplicationVendorSpecific && state == NoStateMaintained {
		e.raw(standardForm)
		return
	}
	switch form {
	case ApplicationAuth:
		e.uint32(avpAuthApplicationID, ApplicationID)
	case ApplicationAuthFirst:
		g := e.begin(avpVendorSpecificAppID)
		e.uint32(avpAuthApplicationID, ApplicationID)
		e.uint32(avpVendorID, Vendor3GPP)
		e.end(g)
	default:
		g := e.begin(avpVendorSpecificAppID)
		e.uint32(avpVendorID, Vendor3GPP)
		e.uint32(avpAuthApplicationID, ApplicationID)
		e.end(g)
		if form == ApplicationBoth {
			e.uint32(avpAuthApplicationID, ApplicationID)
		}
	}
	switch state {
	case NoStateMaintained:
		e.uint32(avpAuthSessionState, wireNoStateMaintained)
	case StateMaintained:
		e.uint32(avpAuthSessionState, wireStateMaintained)
	}
}

// standardForm is the form that the standard wants, encoded.
var standardForm = func() []byte {
	var e encoder
	g := e.begin(avpVendorSpecificAppID)
	e.uint32(avpVendorID, Vendor3GPP)
	e.uint32(avpAuthApplicationID, ApplicationID)
	e.end(g)
	e.uint32(avpAuthSessionState, wireNoStateMaintained)
	return e.b
}()

// formReader finds out the form of a message as its AVPs come.
type formReader struct {
	group, first, auth bool // Vendor-Specific-Application-Id, how, Auth-Application-Id
	state              SessionState
}

func (f *formReader) application(a wire.AVP) (err error) {
	f.group = true
	f.first, err = checkApplication(a)
	return err
}

func (f *formReader) authApplication(a wire.AVP) error {
	f.auth = true
	switch id, err := a.Uint32(); {
	case err != nil:
		return badAVP(a, ResultInvalidAVPLength, err)
	case id != ApplicationID:
		return badAVP(a, ResultInvalidAVPValue, errApplication)
	}
	return nil
}

func (f *formReader) sessionState(a wire.AVP) error {
	n, err := a.Uint32()
	switch {
	case err != nil:
		return badAVP(a, ResultInvalidAVPLength, err)
	case n == wireNoStateMaintained:
		f.state = NoStateMaintained
	case n == wireStateMaintained:
		f.state = StateMaintained
	default:
		return badAVP(a, ResultInvalidAVPValue, errValue)
	}
	return nil
}

// form returns what has been found, and false if no AVP named the application.
func (f *formReader) form() (ApplicationForm, bool) {
	switch {
	case f.group && f.auth:
		return ApplicationBoth, true
	case f.group && f.first:
		return ApplicationAuthFirst, true
	case f.group:
		return ApplicationVendorSpecific, true
	default:
		return ApplicationAuth, f.auth
	}
}

// checkApplication checks that a Vendor-Specific-Application-Id names SWx, its
// parts in any order, and reports whether Auth-Application-Id is the first.
func checkApplication(a wire.AVP) (authFirst bool, err error) {
	r := a.Group()
	var sub wire.AVP
	for n := 0; r.Next(&sub); n++ {
		if !sub.Is(codeAuthApplicationID, 0) {
			continue
		}
		switch id, err := sub.Uint32(); {
		case err != nil:
			return false, badAVP(sub, ResultInvalidAVPLength, err)
		case id != ApplicationID:
			return false, badAVP(a, ResultInvalidAVPValue, errApplication)
		}
		return n == 0, nil
	}
	if err := r.Err(); err != nil {
		return false, badAVP(a, ResultInvalidAVPLength, err)
	}
	return false, missingAVP(avpAuthApplicationID)
}
