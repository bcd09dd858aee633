package diameter

import (
	"context"
	"errors"
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// Exchange sends the request m and returns the answer, which is the caller's
// own memory. m is not changed and not kept.
//
// The peer is chosen among the open ones that advertise the application: one
// that is the Destination-Host, else those of the Destination-Realm or serving
// it, else the relays, else, if no peer that is configured or connected is any
// of these, whichever there are; then by Priority and Weight. The Hop-by-Hop identifier is set by the node, and the
// End-to-End identifier where it is 0. The answer is matched by its Hop-by-Hop
// identifier alone, and may have any command or Result-Code.
//
// Errors: ErrNoPeer at once if no peer is open (WaitOpen waits for one),
// ErrBusy, ErrClosed, ctx's, and a [*PeerError] that wraps ErrDisconnected if
// the connection is lost. An answer that comes later is dropped.
func (n *Node) Exchange(ctx context.Context, m wire.Message) (wire.Message, error) {
	h, err := n.checkOutgoing(m)
	if err != nil {
		return nil, err
	}
	n.inFlight.Add(1)
	defer n.inFlight.Add(-1)
	if n.draining.Load() {
		return nil, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err // the answer would be for nobody
	}
	c, err := n.route(m, h, nil)
	if err != nil {
		return nil, err
	}
	call := n.calls.get()
	id, err := n.begin(c, call, m, h)
	if err != nil {
		n.calls.put(call)
		return nil, err
	}
	select {
	case <-call.ch:
	case <-ctx.Done():
		if c.pending.take(id) != nil {
			n.calls.put(call)
			return nil, ctx.Err()
		}
		<-call.ch // the answer is being handed over just now
	}
	a, err := call.msg, call.err
	n.calls.put(call)
	return a, err
}

// checkOutgoing looks for mistakes of the caller.
func (n *Node) checkOutgoing(m wire.Message) (wire.Header, error) {
	if _, err := wire.Parse(m); err != nil {
		return wire.Header{}, err
	}
	h := m.Header()
	switch {
	case !h.IsRequest():
		return h, errors.New("diameter: not a request")
	case len(m) > n.cfg.MaxMessage:
		return h, fmt.Errorf("%w: %d of at most %d", wire.ErrLength, len(m), n.cfg.MaxMessage)
	case h.Application == applicationBase && (h.Command == CmdCapabilitiesExchange || h.Command == CmdDeviceWatchdog || h.Command == CmdDisconnectPeer):
		return h, fmt.Errorf("diameter: command %d is the node's own", h.Command)
	}
	return h, nil
}

// begin registers call and sends m on c. After an error nobody will finish
// call.
func (n *Node) begin(c *conn, call *call, m wire.Message, h wire.Header) (uint32, error) {
	id, err := c.pending.add(call)
	if err != nil {
		return 0, err
	}
	e2e := h.EndToEnd
	if e2e == 0 {
		e2e = n.ids.nextEndToEnd()
	}
	if err := c.sendAs(m, h, id, e2e); err != nil {
		if c.pending.take(id) == nil {
			// The connection's end was faster.
			if call.fn == nil {
				<-call.ch
				err = call.err
			}
		}
		return 0, c.sendError(err)
	}
	return id, nil
}

func (c *conn) sendError(err error) error {
	var pe *PeerError
	if errors.Is(err, ErrBusy) || errors.As(err, &pe) {
		return err
	}
	return c.lost(err)
}
