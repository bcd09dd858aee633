package aka

import "github.com/opentwag/twag/eap"

// Hooks are told what happens in the runs of a [Method]. Each may be nil. They
// are called synchronously, by many goroutines at once, and must not block.
type Hooks struct {
	// Identity: the peer has given an identity, in its first message or when
	// asked.
	Identity func(Event)
	// Challenge: a challenge goes out.
	Challenge func(Event)
	// SyncFailure: the USIM wants another sequence number.
	SyncFailure func(Event)
	// Reauthentication: a request for a fast re-authentication goes out.
	Reauthentication func(Event)
	// CounterTooSmall: the peer does not accept the counter of a fast
	// re-authentication; a full one follows.
	CounterTooSmall func(Event)
	// StoreFailed: the ReauthStore is out of order; Err says how. The run goes
	// on as if the context was not there, or fails.
	StoreFailed func(Event)
	// Verified: the peer has proved who it is.
	Verified func(Event)
	// Succeeded: the run has ended well.
	Succeeded func(Event)
	// Rejected: the run is going to fail, or has; Err says why. Once per run.
	Rejected func(Event)
}

// Event is what a hook is told.
type Event struct {
	// Method is the EAP type.
	Method eap.Type
	// Peer is who the run is with.
	Peer eap.Peer
	// Identity is what kind of identity the peer gave last.
	Identity eap.IdentityKind
	// IMSI is the subscriber; invalid while unknown.
	IMSI eap.IMSI
	// FSGroup is the group whose key agreement the run has had; 0 without
	// forward secrecy, before Verified, and in a fast re-authentication.
	FSGroup FSGroup
	// Err is the reason of Rejected and StoreFailed. It holds no key and no
	// full IMSI, as long as the errors of sources and stores hold none.
	Err error
}

// tell calls a hook, if there is one.
func (m *machine) tell(hook func(Event), err error) {
	if hook != nil {
		hook(Event{Method: m.method.typ, Peer: m.peer, Identity: m.kind, IMSI: m.imsi, FSGroup: m.fs.used(), Err: err})
	}
}
