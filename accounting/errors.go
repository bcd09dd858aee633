package accounting

import "fmt"

// Refusal says why an Accounting-Request can't be an event.
type Refusal uint8

// Refusals.
const (
	_                  Refusal = iota
	RefusedMalformed           // an attribute has a length that its type can't have
	RefusedNoStatus            // no Acct-Status-Type
	RefusedStatus              // an Acct-Status-Type that this package does not record
	RefusedNoSessionID         // no Acct-Session-Id
)

// String returns the refusal's name, which is fit for a metric's label.
func (r Refusal) String() string {
	switch r {
	case RefusedMalformed:
		return "malformed"
	case RefusedNoStatus:
		return "no_status_type"
	case RefusedStatus:
		return "unknown_status_type"
	case RefusedNoSessionID:
		return "no_session_id"
	default:
		return "invalid"
	}
}

// EventError is an Accounting-Request that is no event. It gets no answer (RFC 2866, section
// 2): what can't be recorded must not be acknowledged.
type EventError struct {
	Refusal   Refusal
	Attribute int // type of the attribute that is missing or wrong
}

// Error implements error.
func (e *EventError) Error() string {
	return fmt.Sprintf("accounting: %v: attribute %d", e.Refusal, e.Attribute)
}
