package gy

import "fmt"

// RequestType is CC-Request-Type (RFC 8506, section 8.3).
type RequestType uint32

// Kinds of Credit-Control-Request.
const (
	RequestInitial     RequestType = 1
	RequestUpdate      RequestType = 2
	RequestTermination RequestType = 3
	RequestEvent       RequestType = 4
)

// String returns the type's name.
func (t RequestType) String() string {
	switch t {
	case RequestInitial:
		return "INITIAL_REQUEST"
	case RequestUpdate:
		return "UPDATE_REQUEST"
	case RequestTermination:
		return "TERMINATION_REQUEST"
	case RequestEvent:
		return "EVENT_REQUEST"
	default:
		return fmt.Sprintf("RequestType(%d)", uint32(t))
	}
}

// FailureHandling is Credit-Control-Failure-Handling (RFC 8506, section 8.14),
// one more than on the wire: 0 is its absence, where a default is to be taken.
type FailureHandling uint8

const (
	// FailureDefault: nothing is said.
	FailureDefault FailureHandling = iota
	// FailureTerminate (TERMINATE): no service without the server.
	FailureTerminate
	// FailureContinue (CONTINUE): another server, else service without one.
	FailureContinue
	// FailureRetry (RETRY_AND_TERMINATE): another server, else no service.
	FailureRetry
)

// String returns the value's name.
func (h FailureHandling) String() string {
	switch h {
	case FailureDefault:
		return "default"
	case FailureTerminate:
		return "TERMINATE"
	case FailureContinue:
		return "CONTINUE"
	case FailureRetry:
		return "RETRY_AND_TERMINATE"
	default:
		return fmt.Sprintf("FailureHandling(%d)", uint8(h))
	}
}

// Failover is CC-Session-Failover (RFC 8506, section 8.4), one more than on
// the wire: 0 is its absence.
type Failover uint8

const (
	// FailoverDefault: nothing is said.
	FailoverDefault Failover = iota
	// FailoverNotSupported: the session must stay with its server.
	FailoverNotSupported
	// FailoverSupported: another server may go on with the session.
	FailoverSupported
)

// TerminationCause is Termination-Cause (RFC 6733, section 8.15). 0 is its
// absence.
type TerminationCause uint32

// Why a session ends.
const (
	CauseLogout              TerminationCause = 1
	CauseServiceNotProvided  TerminationCause = 2
	CauseBadAnswer           TerminationCause = 3
	CauseAdministrative      TerminationCause = 4
	CauseLinkBroken          TerminationCause = 5
	CauseAuthorizationExpiry TerminationCause = 6
	CauseUserMoved           TerminationCause = 7
	CauseSessionTimeout      TerminationCause = 8
)
