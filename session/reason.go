package session

// Reason is why a session ended that its NAS did not end.
type Reason uint8

// Reasons.
const (
	_               Reason = iota
	ReasonNeverUsed        // admitted, and accounting never began
	ReasonIdle             // nothing used for the session's idle time
	ReasonTimeout          // the session's time is over
	ReasonSilent           // the NAS has not reported for too long
	ReasonReplaced         // the station has begun another session
	ReasonRestart          // the NAS has started again
	ReasonLimit            // the subscriber has too many sessions
	ReasonNetwork          // the subscriber was deregistered, or an operator ended it
	ReasonCredit           // no more credit
)

// String returns the reason's name, which is fit for a metric's label.
func (r Reason) String() string {
	switch r {
	case 0:
		return "none"
	case ReasonNeverUsed:
		return "never_used"
	case ReasonIdle:
		return "idle"
	case ReasonTimeout:
		return "timeout"
	case ReasonSilent:
		return "silent"
	case ReasonReplaced:
		return "replaced"
	case ReasonRestart:
		return "nas_restart"
	case ReasonLimit:
		return "limit"
	case ReasonNetwork:
		return "network"
	case ReasonCredit:
		return "credit"
	default:
		return "invalid"
	}
}
