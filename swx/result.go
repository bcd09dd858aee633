package swx

import (
	"fmt"

	"github.com/opentwag/twag/aka"
)

// Result-Codes of the base protocol (RFC 6733, section 7.1).
const (
	ResultSuccess               = 2001
	ResultAVPUnsupported        = 5001
	ResultAuthorizationRejected = 5003
	ResultInvalidAVPValue       = 5004
	ResultMissingAVP            = 5005
	ResultAVPOccursTooManyTimes = 5009
	ResultUnableToComply        = 5012
	ResultInvalidAVPLength      = 5014
)

// Experimental-Result-Codes of vendor 3GPP (TS 29.229, clause 6.2; TS 29.273,
// clause 10.3).
const (
	ExperimentalUserUnknown               = 5001
	ExperimentalIdentityNotRegistered     = 5003
	ExperimentalRoamingNotAllowed         = 5004
	ExperimentalIdentityAlreadyRegistered = 5005
	ExperimentalAuthSchemeNotSupported    = 5006
	ExperimentalInAssignmentType          = 5007
	ExperimentalNoNon3GPPSubscription     = 5450
	ExperimentalRATTypeNotAllowed         = 5452
)

// resultRedirect is DIAMETER_REDIRECT_INDICATION.
const resultRedirect = 3006

// resultRow is a result's name and what it means for vectors.
type resultRow struct {
	code uint32
	name string
	err  error
}

// baseResults are the results of the base protocol. What is not here is
// unavailability: by its class (RFC 6733, section 7.1) nothing else can be
// said of it.
var baseResults = [...]resultRow{
	{3001, "COMMAND_UNSUPPORTED", aka.ErrUnavailable},
	{3002, "UNABLE_TO_DELIVER", aka.ErrUnavailable},
	{3003, "REALM_NOT_SERVED", aka.ErrUnavailable},
	{3004, "TOO_BUSY", aka.ErrUnavailable},
	{3005, "LOOP_DETECTED", aka.ErrUnavailable},
	{3006, "REDIRECT_INDICATION", aka.ErrUnavailable},
	{3007, "APPLICATION_UNSUPPORTED", aka.ErrUnavailable},
	{3008, "INVALID_HDR_BITS", aka.ErrUnavailable},
	{3009, "INVALID_AVP_BITS", aka.ErrUnavailable},
	{3010, "UNKNOWN_PEER", aka.ErrUnavailable},
	{4001, "AUTHENTICATION_REJECTED", aka.ErrBarred},
	{4002, "OUT_OF_SPACE", aka.ErrUnavailable},
	{5001, "AVP_UNSUPPORTED", aka.ErrUnavailable},
	{5002, "UNKNOWN_SESSION_ID", aka.ErrUnavailable},
	{5003, "AUTHORIZATION_REJECTED", aka.ErrBarred},
	{5004, "INVALID_AVP_VALUE", aka.ErrUnavailable},
	{5005, "MISSING_AVP", aka.ErrUnavailable},
	{5006, "RESOURCES_EXCEEDED", aka.ErrUnavailable},
	{5007, "CONTRADICTING_AVPS", aka.ErrUnavailable},
	{5008, "AVP_NOT_ALLOWED", aka.ErrUnavailable},
	{5009, "AVP_OCCURS_TOO_MANY_TIMES", aka.ErrUnavailable},
	{5010, "NO_COMMON_APPLICATION", aka.ErrUnavailable},
	{5011, "UNSUPPORTED_VERSION", aka.ErrUnavailable},
	{5012, "UNABLE_TO_COMPLY", aka.ErrUnavailable},
	{5013, "INVALID_BIT_IN_HEADER", aka.ErrUnavailable},
	{5014, "INVALID_AVP_LENGTH", aka.ErrUnavailable},
	{5015, "INVALID_MESSAGE_LENGTH", aka.ErrUnavailable},
	{5016, "INVALID_AVP_BIT_COMBO", aka.ErrUnavailable},
	{5017, "NO_COMMON_SECURITY", aka.ErrUnavailable},
	{5030, "USER_UNKNOWN", aka.ErrUnknownSubscriber}, // RFC 8506, section 9.1
}

// results3GPP are the results of vendor 3GPP. 5005 is MISSING_AVP unless the
// answer names the AAA server that is registered, and 5012 the base protocol's
// UNABLE_TO_COMPLY: HSSes put base results into Experimental-Result.
var results3GPP = [...]resultRow{
	{4181, "AUTHENTICATION_DATA_UNAVAILABLE", aka.ErrUnavailable},
	{5001, "USER_UNKNOWN", aka.ErrUnknownSubscriber},
	{5002, "IDENTITIES_DONT_MATCH", aka.ErrUnavailable},
	{5003, "IDENTITY_NOT_REGISTERED", aka.ErrUnavailable},
	{5004, "ROAMING_NOT_ALLOWED", aka.ErrRoamingNotAllowed},
	{5006, "AUTH_SCHEME_NOT_SUPPORTED", aka.ErrSchemeNotSupported},
	{5007, "IN_ASSIGNMENT_TYPE", aka.ErrUnavailable},
	{5008, "TOO_MUCH_DATA", aka.ErrUnavailable},
	{5011, "FEATURE_UNSUPPORTED", aka.ErrUnavailable},
	{5420, "UNKNOWN_EPS_SUBSCRIPTION", aka.ErrNoSubscription},
	{5421, "RAT_NOT_ALLOWED", aka.ErrRATNotAllowed},
	{5422, "EQUIPMENT_UNKNOWN", aka.ErrBarred},
	{5450, "USER_NO_NON_3GPP_SUBSCRIPTION", aka.ErrNoSubscription},
	{5451, "USER_NO_APN_SUBSCRIPTION", aka.ErrNoSubscription},
	{5452, "RAT_TYPE_NOT_ALLOWED", aka.ErrRATNotAllowed},
	{5453, "LATE_OVERLAPPING_REQUEST", aka.ErrUnavailable},
	{5454, "TIMED_OUT_REQUEST", aka.ErrUnavailable},
	{5490, "UNAUTHORIZED_REQUESTING_NETWORK", aka.ErrRoamingNotAllowed},
	{5554, "ILLEGAL_EQUIPMENT", aka.ErrBarred},
}

// firstBeyondBase is where codes begin that the base protocol has no meaning
// for: such a code is 3GPP's wherever it is.
const firstBeyondBase = 5100

func find(rows []resultRow, code uint32) (resultRow, bool) {
	for _, row := range rows {
		if row.code == code {
			return row, true
		}
	}
	return resultRow{}, false
}

// ResultError is an HSS's refusal, or an agent's on the way to it.
//
// It wraps the aka error that says what the result means, and with it
// [ErrRegisteredElsewhere] where that is the reason. Base codes and those of
// 3GPP share numbers, so what one means depends on where it was found:
//
//   - Experimental-Result of vendor 10415: 5001 unknown subscriber, 5450 and
//     5451 no subscription, 5004 and 5490 roaming not allowed, 5452 RAT not
//     allowed, 5006 scheme not supported.
//   - Result-Code, or Experimental-Result without that vendor: the base
//     protocol's meaning, which is unavailability except for 5003 and 4001
//     (barred) and 5030 (unknown subscriber). Codes above 5100 are 3GPP's here
//     too.
//   - 5005 in either place is "registered elsewhere" only with a
//     3GPP-AAA-Server-Name, else an AVP is missing. So is 3006 with such a
//     name, as earlier releases had it.
//   - 5012 in either place, which should mean trouble inside the HSS, is how
//     some refuse EAP-AKA', and how they say that an AUTS does not verify; so
//     in an answer to such a request it wraps ErrSchemeNotSupported or
//     ErrSyncFailure.
type ResultError struct {
	// Code is the result that counts; 0 where the answer has none.
	Code uint32
	// Experimental is true where it was in Experimental-Result, and Vendor is
	// that group's Vendor-Id.
	Experimental bool
	Vendor       uint32
	// Host is the answer's Origin-Host; may be empty.
	Host string
	// AAAServerName is the AAA server that the HSS has registered; only with
	// ErrRegisteredElsewhere.
	AAAServerName string
	// Scheme and Resync are what a MAR asked.
	Scheme aka.Scheme
	Resync bool
	// Assignment is what a SAR was about; 0 if the answer is a MAA.
	Assignment AssignmentType
}

// row returns what the table says of e's code.
func (e *ResultError) row() (resultRow, bool) {
	if e.Experimental && e.Vendor == Vendor3GPP || e.Code >= firstBeyondBase {
		if row, ok := find(results3GPP[:], e.Code); ok {
			return row, true
		}
	}
	return find(baseResults[:], e.Code)
}

// Name is the result's name in its standard, such as "USER_UNKNOWN"; empty if
// it is not known.
func (e *ResultError) Name() string {
	if e.AAAServerName != "" && e.Code == ExperimentalIdentityAlreadyRegistered {
		return "IDENTITY_ALREADY_REGISTERED"
	}
	row, _ := e.row()
	return row.name
}

// Error implements error.
func (e *ResultError) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("swx: %s: answer from %q has neither result nor %s", e.request(), e.Host, e.wanted())
	}
	kind := "Result-Code"
	if e.Experimental {
		kind = fmt.Sprintf("Experimental-Result of vendor %d,", e.Vendor)
	}
	s := fmt.Sprintf("swx: %s: %s %d", e.request(), kind, e.Code)
	if name := e.Name(); name != "" {
		s += " (" + name + ")"
	}
	if e.AAAServerName != "" {
		s += fmt.Sprintf(" at %q", e.AAAServerName)
	}
	return s + fmt.Sprintf(" from %q", e.Host)
}

// request names the command.
func (e *ResultError) request() string {
	if e.Assignment == 0 {
		return "MAR"
	}
	return "SAR " + e.Assignment.String()
}

func (e *ResultError) wanted() string {
	if e.Assignment == 0 {
		return "vectors"
	}
	return "profile"
}

// Unwrap returns the errors that e stands for.
func (e *ResultError) Unwrap() []error {
	switch {
	case e.AAAServerName != "":
		return []error{ErrRegisteredElsewhere, aka.ErrUnavailable}
	case e.Code == ResultUnableToComply && e.Resync:
		return []error{aka.ErrSyncFailure}
	case e.Code == ResultUnableToComply && e.Scheme == aka.SchemeAKAPrime:
		return []error{aka.ErrSchemeNotSupported}
	}
	if row, ok := e.row(); ok {
		return []error{row.err}
	}
	return []error{aka.ErrUnavailable}
}

// maxName bounds what an answer's names add to an error: a domain name's
// length (RFC 1035, section 2.3.4).
const maxName = 255

func name(b []byte) string { return string(b[:min(len(b), maxName)]) }

// result returns why m is a refusal, or nil. Vectors stand for success where
// no result says anything.
func (m *MAA) result() *ResultError {
	return refusal(m.ResultCode, m.Experimental, len(m.Items) > 0, m.OriginHost, m.AAAServerName)
}

// refusal returns why an answer is a refusal, or nil.
//
// Either of the two results may be there, both or neither; a failure in one
// counts whatever the other says, the more special one first. Without any,
// useful tells. The E bit is not asked: it comes with any class of failure and
// is missing from others.
func refusal(code uint32, x ExperimentalResult, useful bool, originHost, aaaServer []byte) *ResultError {
	var e *ResultError
	switch {
	case isFailure(x.Code):
		e = &ResultError{Code: x.Code, Experimental: true, Vendor: x.Vendor}
	case isFailure(code):
		e = &ResultError{Code: code}
	case code != 0, x.Code != 0, useful:
		return nil
	default:
		e = new(ResultError)
	}
	e.Host = name(originHost)
	if e.Code == ExperimentalIdentityAlreadyRegistered || e.Code == resultRedirect {
		e.AAAServerName = name(aaaServer)
	}
	return e
}

// isFailure reports whether a result is there and not of the class of success
// (RFC 6733, section 7.1).
func isFailure(code uint32) bool { return code != 0 && code/1000 != 2 }
