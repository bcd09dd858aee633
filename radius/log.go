package radius

import (
	"net"
	"strconv"
	"sync"
	"time"
)

// The engine's log lines, their levels and attributes:
//
//	Info  "RADIUS server listening on port N"          addr, sockets
//	Debug "From IP: CODE received"                     nas, client, code, id
//	Warn  "Message-Authenticator validation failed"    nas, client, reason, suppressed
//	Warn  "Request Authenticator validation failed"    nas, client, reason, suppressed
//	Warn  "RADIUS read failed"                         local, error, pause
//	Error "RADIUS handler panicked"                    nas, client, code, panic, stack
//
// Lines that a sender could provoke at will come at most once a second and
// say how many were left out.

func (e *engine) logListening(addr net.Addr, sockets int) {
	port := strconv.Itoa(int(addrPortOf(addr).Port()))
	e.log.Info("RADIUS server listening on port "+port, "addr", addr.String(), "sockets", sockets)
}

func (e *engine) logReceived(r RequestInfo) {
	e.log.Debug("From "+r.Remote.Addr().String()+": "+r.Code.String()+" received",
		"nas", r.Remote, "client", r.Client.Name(), "code", r.Code.String(), "id", r.Identifier)
}

func (e *engine) logNotAuthentic(reason DropReason, client *Client, from *path) {
	suppressed, ok := e.auth.allow(time.Now())
	if !ok {
		return
	}
	msg := "Message-Authenticator validation failed"
	if reason == DropBadAuthenticator {
		msg = "Request Authenticator validation failed"
	}
	e.log.Warn(msg, "nas", from.remote, "client", client.Name(), "reason", reason.String(), "suppressed", suppressed)
}

// limiter lets one log line a second pass.
type limiter struct {
	mu         sync.Mutex
	next       time.Time
	suppressed int
}

// allow tells whether a line may be logged now, and how many were not since
// the last one.
func (l *limiter) allow(now time.Time) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.next) {
		l.suppressed++
		return 0, false
	}
	suppressed, l.suppressed = l.suppressed, 0
	l.next = now.Add(time.Second)
	return suppressed, true
}
