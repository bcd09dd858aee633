package gy

import (
	"fmt"
	"time"
)

// Service is what happens to the user's service.
type Service uint8

const (
	// ServiceUnchanged: nothing.
	ServiceUnchanged Service = iota
	// ServiceGranted: it may begin.
	ServiceGranted
	// ServiceRefused: it may not begin.
	ServiceRefused
	// ServiceEnded: it has to end now. Session.Stop has to follow, with the
	// final counters.
	ServiceEnded
)

// EndReason is why a service was refused or ended.
type EndReason uint8

const (
	// EndNone: it was not.
	EndNone EndReason = iota
	// EndCredit: there is no credit, or no more.
	EndCredit
	// EndDenied: the server denies the service to this user.
	EndDenied
	// EndFailure: the server fails, and the failure handling says so.
	EndFailure
	// EndGrace: the server fails, and the bounds of grace are reached.
	EndGrace
	// EndAborted: the server asked for it (ASR).
	EndAborted
	// EndBadAnswer: the server grants what cannot be metered.
	EndBadAnswer
)

// String returns the reason's name.
func (r EndReason) String() string {
	switch r {
	case EndNone:
		return "none"
	case EndCredit:
		return "no credit"
	case EndDenied:
		return "denied"
	case EndFailure:
		return "no server"
	case EndGrace:
		return "grace used up"
	case EndAborted:
		return "aborted by server"
	case EndBadAnswer:
		return "unusable answer"
	default:
		return fmt.Sprintf("EndReason(%d)", uint8(r))
	}
}

// Verdict is what may be done with a rating group's traffic.
type Verdict uint8

const (
	// VerdictPass: all of it.
	VerdictPass Verdict = iota
	// VerdictBlock: nothing.
	VerdictBlock
	// VerdictRedirect and VerdictRestrict: what FinalUnit says.
	VerdictRedirect
	VerdictRestrict
)

// String returns the verdict's name.
func (v Verdict) String() string {
	switch v {
	case VerdictPass:
		return "pass"
	case VerdictBlock:
		return "block"
	case VerdictRedirect:
		return "redirect"
	case VerdictRestrict:
		return "restrict"
	default:
		return fmt.Sprintf("Verdict(%d)", uint8(v))
	}
}

// GroupChange says what may be done with a rating group's traffic from now on.
// Groups that were never named may pass when the service may.
type GroupChange struct {
	RatingGroup uint32
	Verdict     Verdict
	// Final has filters and address for VerdictRedirect and VerdictRestrict.
	Final FinalUnit
}

// Output is what a step of a [Session] asks for. The session's state has to be
// stored ([Session.AppendState]) before any of it is done.
type Output struct {
	// Send says that the pending request is to be sent:
	// [Session.AppendRequest] makes it. Its answer, or the lack of one, comes
	// back with Seq.
	Send bool
	Seq  uint32
	// Service is what happens to the whole service, Reason and ResultCode why
	// (ResultCode 0: no result was the cause).
	Service    Service
	Reason     EndReason
	ResultCode uint32
	// Groups are the rating groups whose verdict has changed.
	Groups []GroupChange
	// OvershootOctets and OvershootSeconds are how much of the usage that was
	// put into a request now no grant covered.
	OvershootOctets  uint64
	OvershootSeconds uint64
	// WrittenOff are octets that were given up now: nobody will be charged for
	// them.
	WrittenOff uint64
	// Deadline is when Session.Timer is to be called; zero means never. It
	// takes the place of that of earlier outputs.
	Deadline time.Time
	// Done says that the session is over and has nothing to report any more.
	Done bool
	// Unexpected says that the input had no place in the session's state, and
	// changed nothing.
	Unexpected bool
}
