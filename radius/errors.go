package radius

import (
	"errors"
	"fmt"
	"net"
)

// closedError is an error about something that is closed.
type closedError string

func (e closedError) Error() string { return string(e) }
func (closedError) Unwrap() error   { return net.ErrClosed }

// ErrServerClosed is returned by a server's methods after Shutdown or Close.
// It satisfies errors.Is(err, net.ErrClosed).
var ErrServerClosed error = closedError("radius: server closed")

// Errors of a ResponseWriter's Write; the last one also of [SignRequest].
var (
	// ErrAnswered: the request has been answered, or given up, already.
	ErrAnswered = errors.New("radius: request is already answered")
	// ErrTooLate: the request's deadline has passed.
	ErrTooLate = errors.New("radius: request's deadline has passed")
	// ErrPacket is wrapped by errors about a packet that cannot be sent: a
	// reply whose code does not answer the request, or that was not made by
	// the request's Response method; attributes that do not fit in a packet.
	ErrPacket = errors.New("radius: unusable packet")
)

func packetError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPacket, fmt.Sprintf(format, args...))
}
