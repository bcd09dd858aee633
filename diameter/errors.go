package diameter

import (
	"errors"
	"fmt"
	"net"
)

// Errors of a Node. Those of one peer are a [*PeerError] that wraps one.
var (
	// ErrNoPeer: no open peer serves the request's destination.
	ErrNoPeer = errors.New("diameter: no open peer")
	// ErrBusy: a bound of Config was reached; the request was not sent.
	ErrBusy = errors.New("diameter: too many pending requests")
	// ErrDisconnected: the connection was lost before the answer came. The
	// peer may have handled the request.
	ErrDisconnected = errors.New("diameter: connection lost")
	// ErrNoAnswer is returned by a handler that wants no answer to be sent, as
	// a relay or a test does. The peer's own timer ends its wait.
	ErrNoAnswer = errors.New("diameter: no answer")

	// errTimeout: connecting, the capabilities exchange or the watchdog.
	errTimeout = errors.New("timeout")
)

// ErrClosed is returned by a Node after Shutdown or Close. It is net.ErrClosed
// to errors.Is.
var ErrClosed = fmt.Errorf("diameter: node closed: %w", net.ErrClosed)

// PeerError is an error of the exchange with one peer.
type PeerError struct {
	Host string
	Err  error
}

func (e *PeerError) Error() string { return fmt.Sprintf("diameter: peer %s: %v", e.Host, e.Err) }

// Unwrap returns Err.
func (e *PeerError) Unwrap() error { return e.Err }

// ResultError is a request refused: a handler returns it to have an answer
// with the Result-Code sent. A code of the 3000s is sent with the E bit (RFC
// 6733, section 7.1.3).
type ResultError struct {
	Code    uint32
	Message string // Error-Message; may be empty
	Failed  []byte // the octets of the AVPs in Failed-AVP; may be empty

	errorBit bool // answer by the grammar of section 7.2 though it's no 3xxx
}

func (e *ResultError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("diameter: Result-Code %d", e.Code)
	}
	return fmt.Sprintf("diameter: Result-Code %d: %s", e.Code, e.Message)
}
