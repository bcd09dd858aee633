package eap

import "errors"

// Errors that an [Outcome] wraps. What the peer sees is the Outcome's Packet.
var (
	// ErrUnexpected: the packet is not a Response to the outstanding Request;
	// it is discarded (RFC 3748, section 4.1).
	ErrUnexpected = errors.New("eap: unexpected packet")
	// ErrNotWaiting: the conversation is over, or waits for Resume.
	ErrNotWaiting = errors.New("eap: conversation does not wait for this")
	// ErrNoMethod: the peer wants no method that is configured.
	ErrNoMethod = errors.New("eap: no common method")
	// ErrForeignRealm: the identity's realm is not served (IdentityRules.Realms).
	ErrForeignRealm = errors.New("eap: realm not served")
	// ErrIdentityLength: the identity is longer than MaxIdentityLen.
	ErrIdentityLength = errors.New("eap: identity too long")
	// ErrRounds: the conversation took more requests than Config.MaxRounds.
	ErrRounds = errors.New("eap: too many rounds")
	// ErrMethod: a method broke the rules of [Machine]; a bug there.
	ErrMethod = errors.New("eap: method misbehaved")
	// ErrState is wrapped by the errors of Restore.
	ErrState = errors.New("eap: conversation state")
)
