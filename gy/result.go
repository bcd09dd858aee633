package gy

import "strconv"

// Result-Codes (RFC 6733, section 7.1; RFC 8506, section 9).
const (
	ResultSuccess                    = 2001
	ResultLimitedSuccess             = 2002
	ResultCommandUnsupported         = 3001
	ResultUnableToDeliver            = 3002
	ResultRealmNotServed             = 3003
	ResultTooBusy                    = 3004
	ResultLoopDetected               = 3005
	ResultAuthenticationRejected     = 4001
	ResultEndUserServiceDenied       = 4010
	ResultCreditControlNotApplicable = 4011
	ResultCreditLimitReached         = 4012
	ResultAVPUnsupported             = 5001
	ResultUnknownSessionID           = 5002
	ResultAuthorizationRejected      = 5003
	ResultInvalidAVPValue            = 5004
	ResultMissingAVP                 = 5005
	ResultAVPOccursTooManyTimes      = 5009
	ResultUnableToComply             = 5012
	ResultInvalidAVPLength           = 5014
	ResultUserUnknown                = 5030
	ResultRatingFailed               = 5031
)

// resultNames are the results that a credit-control client may meet.
var resultNames = map[uint32]string{
	ResultSuccess:                    "SUCCESS",
	ResultLimitedSuccess:             "LIMITED_SUCCESS",
	ResultCommandUnsupported:         "COMMAND_UNSUPPORTED",
	ResultUnableToDeliver:            "UNABLE_TO_DELIVER",
	ResultRealmNotServed:             "REALM_NOT_SERVED",
	ResultTooBusy:                    "TOO_BUSY",
	ResultLoopDetected:               "LOOP_DETECTED",
	ResultAuthenticationRejected:     "AUTHENTICATION_REJECTED",
	ResultEndUserServiceDenied:       "END_USER_SERVICE_DENIED",
	ResultCreditControlNotApplicable: "CREDIT_CONTROL_NOT_APPLICABLE",
	ResultCreditLimitReached:         "CREDIT_LIMIT_REACHED",
	ResultAVPUnsupported:             "AVP_UNSUPPORTED",
	ResultUnknownSessionID:           "UNKNOWN_SESSION_ID",
	ResultAuthorizationRejected:      "AUTHORIZATION_REJECTED",
	ResultInvalidAVPValue:            "INVALID_AVP_VALUE",
	ResultMissingAVP:                 "MISSING_AVP",
	ResultAVPOccursTooManyTimes:      "AVP_OCCURS_TOO_MANY_TIMES",
	ResultUnableToComply:             "UNABLE_TO_COMPLY",
	ResultInvalidAVPLength:           "INVALID_AVP_LENGTH",
	ResultUserUnknown:                "USER_UNKNOWN",
	ResultRatingFailed:               "RATING_FAILED",
}

// ResultName returns the name of a Result-Code, or its digits.
func ResultName(code uint32) string {
	if name, ok := resultNames[code]; ok {
		return name
	}
	return strconv.FormatUint(uint64(code), 10)
}
