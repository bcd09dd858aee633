package diametertest

import (
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
)

// Open exchanges capabilities on a connection of the peer's own, and wants
// them to be accepted.
func (l *Link) Open() *Link {
	l.peer.t.Helper()
	l.Send(l.CER())
	l.WantResult(diameter.CmdCapabilitiesExchange, diameter.ResultSuccess)
	return l
}

// Next returns the next message that the link has not answered itself.
func (l *Link) Next() wire.Message {
	l.peer.t.Helper()
	select {
	case m := <-l.in:
		return m
	case <-l.closed:
	case <-time.After(l.peer.cfg.Timeout):
	}
	select {
	case m := <-l.in: // which came before the end
		return m
	default:
		l.peer.t.Fatalf("diametertest: no message; connection: %v", l.Err())
		return nil
	}
}

// Want returns the next message, which has to be the command's request or
// answer, with header bits and AVPs that fit.
func (l *Link) Want(command uint32, request bool) wire.Message {
	l.peer.t.Helper()
	m := l.Next()
	h := m.Header()
	if h.Command != command || h.IsRequest() != request {
		l.peer.t.Fatalf("diametertest: got command %d, request %v; want %d, %v", h.Command, h.IsRequest(), command, request)
	}
	if err := h.CheckBits(); err != nil {
		l.peer.t.Fatalf("diametertest: command %d: %v", command, err)
	}
	if err := wire.Check(m, wire.Limits{}); err != nil {
		l.peer.t.Fatalf("diametertest: command %d: %v", command, err)
	}
	return m
}

// WantResult returns the next message, which has to be an answer with the
// Result-Code.
func (l *Link) WantResult(command, code uint32) wire.Message {
	l.peer.t.Helper()
	m := l.Want(command, false)
	if got := ResultOf(m); got != code {
		l.peer.t.Fatalf("diametertest: command %d: Result-Code %d, want %d", command, got, code)
	}
	return m
}

// ResultOf returns a message's Result-Code; 0 if it has none.
func ResultOf(m wire.Message) uint32 {
	a, ok := m.Find(diameter.AVPResultCode, 0)
	if !ok {
		return 0
	}
	v, err := a.Uint32()
	if err != nil {
		return 0
	}
	return v
}

// WantIdle wants nothing to come for as long, and the connection to stay.
func (l *Link) WantIdle(d time.Duration) {
	l.peer.t.Helper()
	select {
	case m := <-l.in:
		l.peer.t.Fatalf("diametertest: command %d, which nobody wants", m.Header().Command)
	case <-l.closed:
		l.peer.t.Fatalf("diametertest: connection: %v", l.err)
	case <-time.After(d):
	}
}

// WantClosed wants the other side to close the connection. What it sent before
// is still there for Next.
func (l *Link) WantClosed() {
	l.peer.t.Helper()
	select {
	case <-l.closed:
	case <-time.After(l.peer.cfg.Timeout):
		l.peer.t.Fatal("diametertest: the connection is still open")
	}
}

// Ping shows that the other side lives and serves the connection: it answers
// a DWR.
func (l *Link) Ping() {
	l.peer.t.Helper()
	h := wire.Header{Command: diameter.CmdDeviceWatchdog, HopByHop: 0xd0d0, EndToEnd: 0xd1d1}
	l.Request(h)
	a := l.WantResult(diameter.CmdDeviceWatchdog, diameter.ResultSuccess).Header()
	if a.HopByHop != h.HopByHop || a.EndToEnd != h.EndToEnd {
		l.peer.t.Fatalf("diametertest: identifiers %#x and %#x in a DWA, want %#x and %#x", a.HopByHop, a.EndToEnd, h.HopByHop, h.EndToEnd)
	}
}
