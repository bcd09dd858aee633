package eap

import (
	"context"
	"fmt"
	"time"
)

// A Method is one EAP method of an [Authenticator], such as EAP-AKA.
//
// It is configuration only: immutable and safe for concurrent use. What one
// conversation needs to remember lives in the [Machine] that New or Restore
// returns.
type Method interface {
	// Type is the method's EAP type number (RFC 3748, section 5).
	Type() Type

	// New returns the machine of a fresh conversation with p. It does no
	// work yet: the Authenticator calls Start next.
	New(p Peer) Machine

	// Restore returns the machine whose state AppendState wrote. p is the
	// same Peer that the conversation began with. state is not kept.
	Restore(p Peer, state []byte) (Machine, error)
}

// A Machine is the authenticator's side of one run of an EAP method.
//
// It does no I/O, reads no clock and starts no goroutine: the caller feeds it
// and it says what it wants next. It is not safe for concurrent use.
type Machine interface {
	// Start returns the first step: a request, a need, or a failure.
	Start(t Turn) Step

	// Handle takes the peer's Response to the last request. The
	// Authenticator has checked Code, Identifier and Type. The octets of
	// resp are not kept.
	Handle(t Turn, resp Packet) Step

	// Resume goes on after the Need of the last step was met. An answer of
	// a kind that the machine did not ask for is a programmer's error and
	// ends the conversation with a failure.
	Resume(t Turn, answer Answer) Step

	// AppendState appends the state to b, so that Restore can make an equal
	// machine, in this process or in another. It is only called while the
	// machine waits for a response (after StepRequest). The octets hold keys:
	// the caller seals them or keeps them to itself.
	AppendState(b []byte) ([]byte, error)
}

// Confined is what a [Machine] adds whose state must, for a time, not leave the
// process, however well it is sealed: with forward secrecy, the key that opens
// a recorded seal years later would be one more long-term key.
type Confined interface {
	Machine
	// Confined reports whether the state that AppendState would write is such.
	Confined() bool
}

// Turn is what a machine may know of the outside at one step.
type Turn struct {
	// Now is the time of the step.
	Now time.Time
	// Identifier is the Identifier that a request made in this step carries.
	Identifier uint8
}

// StepKind says what a [Step] asks for.
type StepKind uint8

const (
	// StepIgnore: the response is silently discarded, nothing has changed,
	// and the machine still waits (RFC 3748, section 4.1).
	StepIgnore StepKind = iota
	// StepRequest: Packet goes to the peer and the machine waits for its
	// Response.
	StepRequest
	// StepNeed: the machine waits for Resume with an answer to Need.
	StepNeed
	// StepSuccess: the method has succeeded; Result says with what.
	StepSuccess
	// StepFailure: the method has failed; Err says why.
	StepFailure
)

// String returns the kind's name.
func (k StepKind) String() string {
	switch k {
	case StepIgnore:
		return "ignore"
	case StepRequest:
		return "request"
	case StepNeed:
		return "need"
	case StepSuccess:
		return "success"
	case StepFailure:
		return "failure"
	default:
		return fmt.Sprintf("StepKind(%d)", uint8(k))
	}
}

// Step is a machine's answer to one input.
type Step struct {
	Kind StepKind
	// Packet is the whole EAP packet to send (StepRequest), with the Turn's
	// Identifier. The machine does not keep it.
	Packet []byte
	// Need is the question to answer (StepNeed).
	Need Need
	// Result is the outcome of a run that succeeded (StepSuccess).
	Result *Result
	// Err says why the run failed (StepFailure), why a response was ignored
	// (StepIgnore), or, with a StepRequest that carries a notification of
	// failure, why the run is going to fail. It holds no key and no full
	// IMSI.
	Err error
}

// A Need is a question that a machine asks the world outside: vectors from an
// HSS, the leave of an online charging system. The machine is silent until it
// is resumed.
//
// A driver that blocks calls Resolve of a need that is a [Resolver], and
// answers the others itself; an event loop switches on the need's type.
type Need interface {
	// NeedName is the question's name in logs and traces.
	NeedName() string
}

// An Answer is what Resume is given; its type belongs to the Need's.
type Answer any

// A Resolver is a Need that knows where its answer is to be had.
type Resolver interface {
	Need
	// Resolve gets the answer; it may block until ctx ends. It never fails:
	// a failure is an answer too.
	Resolve(ctx context.Context) Answer
}

// AsyncResolver is a [Resolver] that may be able to get its answer without
// blocking, for drivers that must not wait.
type AsyncResolver interface {
	Resolver
	// ResolveAsync returns true if it has begun, or false, without having done
	// anything, if this needs Resolve. Once it has begun, done is called once with
	// the answer, by any goroutine, perhaps before ResolveAsync returns. Of
	// ctx the deadline counts.
	ResolveAsync(ctx context.Context, done func(Answer)) bool
}

// NonBlocking is what a [Resolver] adds that may not have to wait for its
// answer: a driver that must not wait then calls Resolve all the same.
type NonBlocking interface {
	Resolver
	// NonBlocking reports whether Resolve waits for nothing but its own
	// computing, and perhaps another's short critical section.
	NonBlocking() bool
}

// NeedAuthorization asks whether a subscriber who has proved who he is may be
// let in. It comes after the method's authentication and before its success,
// so that a refusal can reach the phone as the method's own notification.
// The answer is an [Authorization]; a driver with no opinion answers with the
// zero Authorization, which allows.
type NeedAuthorization struct {
	// Result is what the run will succeed with if it is allowed. Its keys are
	// already there; they must not be used before StepSuccess.
	Result *Result
	// Peer is the peer that the conversation began with.
	Peer Peer
}

// NeedName implements Need.
func (*NeedAuthorization) NeedName() string { return "authorization" }

// Authorization is the answer to [NeedAuthorization]. The zero value allows.
type Authorization struct {
	// Refusal is why the subscriber is not let in; zero lets him in.
	Refusal Refusal
	// Err is the refusal's cause, for logs; it does not refuse by itself.
	Err error
}

// Refusal is a reason to turn away a subscriber who has authenticated. The
// method maps it to what its protocol can say (for EAP-AKA, RFC 4187, section
// 10.19).
type Refusal uint8

const (
	// RefusalNone lets the subscriber in.
	RefusalNone Refusal = iota
	// RefusalGeneral gives no reason (AT_NOTIFICATION 0).
	RefusalGeneral
	// RefusalTemporary: denied for now, say for lack of credit (1026).
	RefusalTemporary
	// RefusalNotSubscribed: the service is not in the subscription (1031).
	RefusalNotSubscribed
)

// String returns the refusal's name.
func (r Refusal) String() string {
	switch r {
	case RefusalNone:
		return "none"
	case RefusalGeneral:
		return "general"
	case RefusalTemporary:
		return "temporarily denied"
	case RefusalNotSubscribed:
		return "not subscribed"
	default:
		return fmt.Sprintf("Refusal(%d)", uint8(r))
	}
}

// Peer is who a conversation is held with, as far as the lower layer knows.
// It is what the first message said and does not change afterwards.
type Peer struct {
	// Identity is the payload of the peer's EAP-Response/Identity, exactly
	// as it was sent. Unauthenticated.
	Identity string
	// NetworkName is the access network's name for key binding, where the
	// access decides it (AT_KDF_INPUT; TS 24.302, clause 8.1.1). Empty: the
	// method's configured one.
	NetworkName string
	// StationID is the peer's station, as in Calling-Station-Id. May be empty.
	StationID string
	// AccessPointID is the access point, as in Called-Station-Id. May be empty.
	AccessPointID string
	// NASID names the NAS: NAS-Identifier, else its address. May be empty.
	NASID string
	// VisitedPLMN is the network that a roaming subscriber uses, for
	// Visited-Network-Identifier; the zero PLMN when at home or unknown.
	VisitedPLMN PLMN
}

// Result is what a successful run leaves its caller.
type Result struct {
	// Method is the EAP type that succeeded.
	Method Type
	// Identity is the identity that the keys are bound to, as the peer sent it
	// (Peer-Id, RFC 5247).
	Identity string
	// IMSI is the subscriber's permanent identity.
	IMSI IMSI
	// MSK and EMSK are the exported keys, 64 octets each. The pairwise master
	// key of 802.11 is the first half of the MSK.
	MSK, EMSK Key
	// SessionID is the method's Session-Id (RFC 5247, section 1.4).
	SessionID []byte
	// Reauthenticated is true when the run was a fast re-authentication.
	Reauthenticated bool
}

// Key is an exported 64-octet key. It prints as "[redacted]".
type Key [64]byte

// String implements fmt.Stringer without giving the key away.
func (Key) String() string { return redacted }

// GoString implements fmt.GoStringer without giving the key away.
func (Key) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb prints the key.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText implements encoding.TextMarshaler, so that logs and JSON do not
// give the key away.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[redacted]"
