package radius

import "fmt"

// DropReason says why the engine dropped a datagram without an answer.
type DropReason uint8

// Reasons, in the order in which they are looked for.
const (
	_ DropReason = iota
	// DropLength: too short, or its Length is out of bounds (RFC 2865, section 3).
	DropLength
	// DropUnknownSource: nobody of that address is a client.
	DropUnknownSource
	// DropCode: not a code that this server takes.
	DropCode
	// DropMalformed: the attributes are malformed (RFC 2865, section 5).
	DropMalformed
	// DropNoMessageAuthenticator: it lacks the attribute and must have it.
	DropNoMessageAuthenticator
	// DropBadMessageAuthenticator: the attribute is wrong (a wrong secret, or
	// a forgery), of a wrong length, or there twice.
	DropBadMessageAuthenticator
	// DropBadAuthenticator: the hashed Request Authenticator is wrong.
	DropBadAuthenticator
	// DropInProgress: a repetition of a request that is being worked on.
	DropInProgress
	// DropQueueFull: all workers are busy and the queue is full.
	DropQueueFull
	// DropExpired: it waited in the queue for longer than Timeout.
	DropExpired
	numDropReasons
)

// String returns the reason's name, which is fit for a metric's label.
func (r DropReason) String() string {
	switch r {
	case DropLength:
		return "length"
	case DropUnknownSource:
		return "unknown_source"
	case DropCode:
		return "code"
	case DropMalformed:
		return "malformed"
	case DropNoMessageAuthenticator:
		return "no_message_authenticator"
	case DropBadMessageAuthenticator:
		return "bad_message_authenticator"
	case DropBadAuthenticator:
		return "bad_authenticator"
	case DropInProgress:
		return "in_progress"
	case DropQueueFull:
		return "queue_full"
	case DropExpired:
		return "expired"
	default:
		return fmt.Sprintf("DropReason(%d)", uint8(r))
	}
}
