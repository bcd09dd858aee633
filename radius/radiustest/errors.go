package radiustest

import (
	"errors"
	"fmt"
	"net"
)

var (
	// ErrRejected: the server sent Access-Reject.
	ErrRejected = errors.New("radiustest: rejected")
	// ErrNoAnswer: a request went unanswered for too long or too often.
	ErrNoAnswer = errors.New("radiustest: no answer")
	// ErrPhone is wrapped by errors of logins that end because the phone has
	// no response to a request.
	ErrPhone = errors.New("radiustest: phone does not respond")
	// ErrKeys: the server's MS-MPPE keys are missing, or not those of the
	// phone.
	ErrKeys = errors.New("radiustest: keys do not match")
	// ErrProtocol is wrapped by errors about authentic answers that break
	// RFC 2865, 2548 or 3579.
	ErrProtocol = errors.New("radiustest: server breaks the protocol")
	// ErrClosed: the AP is closed. It satisfies errors.Is(err, net.ErrClosed).
	ErrClosed = fmt.Errorf("radiustest: access point %w", net.ErrClosed)
)

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}
