package swx

import (
	"errors"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/dict"
)

// ErrRegisteredElsewhere: the HSS has another AAA server registered for this
// subscriber and names it (TS 29.273, clause 8.1.2.1.2). The [ResultError]
// that wraps it has the name.
var ErrRegisteredElsewhere = errors.New("swx: registered at another AAA server")

// What a DecodeError may wrap besides wire's own errors.
var (
	errMissing     = errors.New("missing")
	errRepeated    = errors.New("too many of them")
	errUnknownAVP  = errors.New("unknown, and mandatory")
	errApplication = errors.New("another application")
	errValue       = errors.New("no such value")
	errLength      = errors.New("wrong length")
	errNoVector    = errors.New("success without a vector")
	errScheme      = errors.New("vector of another scheme")
	errSubscriber  = errors.New("answer for another subscriber")
	errCommand     = errors.New("answer to another command")
)

// DecodeError says which AVP of a message is wrong, and how.
type DecodeError struct {
	// ResultCode is what a server answers (RFC 6733, section 7.1.5).
	ResultCode uint32
	// AVP is the one to blame, for Failed-AVP; its Code is 0 where the message
	// could not be walked. Its Data aliases the message, or is the zero value
	// of an AVP that is missing (RFC 6733, section 7.5).
	AVP wire.AVP
	Err error
}

// Error implements error. It has no octet of the AVP's data.
func (e *DecodeError) Error() string { return "swx: " + dict.Blame(avps[:], e.AVP, e.Err) }

// Unwrap returns e.Err.
func (e *DecodeError) Unwrap() error { return e.Err }

func badAVP(a wire.AVP, code uint32, err error) error {
	return &DecodeError{ResultCode: code, AVP: a, Err: err}
}

// missingAVP is the error for an AVP that is not there, with an example of it.
func missingAVP(avp int) error {
	return &DecodeError{ResultCode: ResultMissingAVP, AVP: avps[avp].Example(), Err: errMissing}
}
