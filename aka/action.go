package aka

import (
	"errors"
	"fmt"
)

// Action is what the peer sees of an error that the server found.
type Action uint8

const (
	// ActionNotify: an AKA-Notification that implies failure, then
	// EAP-Failure (RFC 4187, section 6.3.2).
	ActionNotify Action = iota
	// ActionFail: EAP-Failure at once, for the peer has ended the exchange
	// itself (section 6.3.3), or there is nobody left to notify.
	ActionFail
	// ActionIgnore: nothing; the packet is silently discarded.
	ActionIgnore
)

// String returns the action's name.
func (a Action) String() string {
	switch a {
	case ActionNotify:
		return "notify"
	case ActionFail:
		return "fail"
	case ActionIgnore:
		return "ignore"
	default:
		return fmt.Sprintf("Action(%d)", uint8(a))
	}
}

// actions is the one place where an error meets what the peer sees. What is
// not in it is ActionNotify, the default of RFC 4187, section 6.3.2.
var actions = []struct {
	err    error
	action Action
}{
	{ErrTruncated, ActionNotify},
	{ErrLength, ActionNotify},
	{ErrUnknownAttr, ActionNotify},
	{ErrDuplicate, ActionNotify},
	{ErrNotAllowed, ActionNotify},
	{ErrMissing, ActionNotify},
	{ErrPadding, ActionNotify},
	{ErrSubtype, ActionNotify},
	{ErrMAC, ActionNotify},
	{ErrCheckcode, ActionNotify},
	{ErrRES, ActionNotify},
	{ErrKDF, ActionNotify},
	{ErrVersion, ActionNotify},
	{ErrPublicValue, ActionNotify},
	{ErrIdentity, ActionNotify},
	{ErrCertificate, ActionNotify},
	{ErrCounter, ActionNotify},
	{ErrReauthUsed, ActionNotify},
	{ErrResyncs, ActionNotify},
	{ErrRefused, ActionNotify},
	{ErrUnknownSubscriber, ActionNotify},
	{ErrNoSubscription, ActionNotify},
	{ErrRoamingNotAllowed, ActionNotify},
	{ErrRATNotAllowed, ActionNotify},
	{ErrBarred, ActionNotify},
	{ErrSchemeNotSupported, ActionNotify},
	{ErrSyncFailure, ActionNotify},
	{ErrUnavailable, ActionNotify},
	{ErrAuthReject, ActionFail},
	{ErrClientError, ActionFail},
}

// ActionOf returns what the peer sees of err.
func ActionOf(err error) Action {
	for _, a := range actions {
		if errors.Is(err, a.err) {
			return a.action
		}
	}
	return ActionNotify
}

// Action returns what the peer sees of the error.
func (e *AttrError) Action() Action { return ActionOf(e.Err) }
