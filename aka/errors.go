package aka

import (
	"errors"
	"fmt"
)

// Errors of a packet's form and content. [ActionOf] says what each means for
// the other side.
var (
	// ErrTruncated: the packet or an attribute ends too early.
	ErrTruncated = errors.New("truncated")
	// ErrLength: the attribute cannot have this length.
	ErrLength = errors.New("wrong length")
	// ErrUnknownAttr: not known, and not to be skipped.
	ErrUnknownAttr = errors.New("unknown and not skippable")
	// ErrDuplicate: the attribute occurs twice.
	ErrDuplicate = errors.New("duplicate")
	// ErrNotAllowed: the attribute does not belong in this message, or not
	// inside, or not outside, of AT_ENCR_DATA.
	ErrNotAllowed = errors.New("not allowed here")
	// ErrMissing: the message must carry the attribute.
	ErrMissing = errors.New("missing")
	// ErrPadding: AT_PADDING is not zero or not last.
	ErrPadding = errors.New("bad padding")
	// ErrSubtype: the method has no such message, or not now.
	ErrSubtype = errors.New("unexpected message")
	// ErrMAC: AT_MAC does not verify.
	ErrMAC = errors.New("does not verify")
	// ErrCheckcode: AT_CHECKCODE differs from the identity messages seen.
	ErrCheckcode = errors.New("differs from the messages exchanged")
	// ErrRES: the response to the challenge is not the expected one.
	ErrRES = errors.New("not the expected response")
	// ErrCounter: AT_COUNTER is not the one sent.
	ErrCounter = errors.New("not the counter sent")
	// ErrKDF: AT_KDF or AT_KDF_FS breaks the rules of negotiation.
	ErrKDF = errors.New("key derivation function not negotiable")
	// ErrVersion: AT_SELECTED_VERSION is none of AT_VERSION_LIST.
	ErrVersion = errors.New("version not offered")
	// ErrPublicValue: AT_PUB_ECDHE is no point of the group, or one that gives
	// no secret.
	ErrPublicValue = errors.New("not a usable public value")
)

// Errors that end a run.
var (
	// ErrAuthReject: the peer did not accept AUTN.
	ErrAuthReject = errors.New("aka: the peer rejected the network's authentication")
	// ErrClientError is wrapped by [*ClientError].
	ErrClientError = errors.New("aka: the peer could not process a packet")
	// ErrIdentity: the peer gave no identity that leads to a subscriber.
	ErrIdentity = errors.New("aka: no usable identity")
	// ErrResyncs: one more resynchronisation than allowed.
	ErrResyncs = errors.New("aka: too many resynchronisations")
	// ErrRefused: the subscriber has authenticated and was not let in.
	ErrRefused = errors.New("aka: refused after authentication")

	errVectors    = errors.New("aka: no vector")
	errBadContext = errors.New("aka: the store returned another re-authentication context")
	errBadVector  = errors.New("unusable vector")
)

// ClientError is the peer's EAP-Response/AKA-Client-Error.
type ClientError struct {
	// Code is AT_CLIENT_ERROR_CODE; 0 is "unable to process packet". EAP-SIM
	// has three more (RFC 4186, section 10.19): 1, no common version; 2, too
	// few challenges; 3, RANDs that are not fresh.
	Code uint16
}

// Error implements error.
func (e *ClientError) Error() string { return fmt.Sprintf("%v: code %d", ErrClientError, e.Code) }

// Unwrap returns ErrClientError.
func (e *ClientError) Unwrap() error { return ErrClientError }

// AttrError is an error in a packet: which attribute, where and why. Its text
// tells nothing of the attribute's value.
type AttrError struct {
	// Subtype is the message.
	Subtype Subtype
	// Attr is the attribute, 0 where the message as a whole is at fault.
	Attr AttrType
	// Offset is the attribute's place in the packet, from the EAP header on,
	// or in the plaintext of AT_ENCR_DATA; 0 when it has none.
	Offset int
	// Err is the cause: one of the errors above.
	Err error
}

// Error implements error.
func (e *AttrError) Error() string {
	switch {
	case e.Attr == 0:
		return fmt.Sprintf("aka: %v: %v", e.Subtype, e.Err)
	case e.Offset == 0:
		return fmt.Sprintf("aka: %v: %v: %v", e.Subtype, e.Attr, e.Err)
	default:
		return fmt.Sprintf("aka: %v: %v at %d: %v", e.Subtype, e.Attr, e.Offset, e.Err)
	}
}

// Unwrap returns the cause.
func (e *AttrError) Unwrap() error { return e.Err }
