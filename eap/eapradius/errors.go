package eapradius

import "errors"

// Errors that [Hooks] are told, beside those of the authenticator and its
// methods.
var (
	// ErrNoEAP: no EAP-Message, and there is no Config.Next. Access-Reject.
	ErrNoEAP = errors.New("eapradius: no EAP-Message")
	// ErrUnknownState: no conversation has this State: it is over, or nothing
	// was heard of it for Config.ConversationTimeout. Access-Reject.
	ErrUnknownState = errors.New("eapradius: unknown State")
	// ErrStateOrigin: the State was given to another NAS or another station.
	// Access-Reject; the conversation itself goes on undisturbed.
	ErrStateOrigin = errors.New("eapradius: State of another NAS or station")
	// ErrBusy: another request of the same conversation is being worked on.
	// No answer.
	ErrBusy = errors.New("eapradius: conversation is busy")
	// ErrStaleState: the State was used before, for something else. No answer.
	ErrStaleState = errors.New("eapradius: State was used before")
	// ErrFull: Config.MaxConversations wait already. Access-Reject.
	ErrFull = errors.New("eapradius: too many conversations")
	// ErrInvalid: more than Config.MaxInvalid packets had to be discarded
	// (RFC 3579, section 2.2). Access-Reject.
	ErrInvalid = errors.New("eapradius: too many invalid EAP packets")
	// ErrRole: an EAP-Request came; the peer wants to authenticate us (RFC
	// 3579, section 2.6.2). Access-Reject.
	ErrRole = errors.New("eapradius: roles reversed")
	// ErrMTU: the EAP packet is longer than the link takes (Framed-MTU; RFC
	// 3579, section 2.4). Access-Reject.
	ErrMTU = errors.New("eapradius: packet exceeds Framed-MTU")
	// ErrRefused: the Authorizer said no. Access-Reject.
	ErrRefused = errors.New("eapradius: not authorized")
	// ErrNeeds: a method asked for more than maxNeeds things in one step, or
	// for something that nobody here can answer. Access-Reject.
	ErrNeeds = errors.New("eapradius: method needs too much")
	// ErrOverload: too many requests wait for something that may block.
	// Access-Reject.
	ErrOverload = errors.New("eapradius: overloaded")
	// ErrSecret: there is no secret to hide the keys with. Access-Reject.
	ErrSecret = errors.New("eapradius: no secret")
)
