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
// of these, whichever there are; then by Priority and Weight. The Hop-by-Hop
// identifier is set by the node, and the End-to-End identifier where it is 0.
// The answer is matched by its Hop-by-Hop identifier alone, and may have any
// command or Result-Code.
//
// The request is sent again, at most MaxAttempts times in all and never twice
// on a connection, when the connection is lost, the peer becomes suspect, or
// AttemptTimeout passes; and when the answer is 3002 or 3004, to another peer
// if one is open. So more than one server may see it, or one server several
// times: with the same AVPs and End-to-End identifier, and the T flag as long
// as an earlier copy may have been handled (RFC 6733, sections 3 and 5.5.4).
// The first answer is returned; the others are dropped.
//
// Errors: ErrNoPeer at once if no peer is open, unless WaitForPeer is set;
// ErrBusy, ErrClosed, ctx's; and a [*PeerError] that wraps ErrDisconnected if
// connections are lost until there's no other peer and PeerWait is over.
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
	if h.EndToEnd == 0 {
		h.EndToEnd = n.ids.nextEndToEnd()
	}
	c, err := n.route(m, h, nil)
	if err != nil {
		if n.cfg.WaitForPeer {
			return n.newFailOver(m, h).unsent(ctx, err)
		}
		return nil, err
	}
	call := n.calls.get()
	id, err := n.begin(c, call, m, h, 0)
	if err != nil {
		n.calls.put(call)
		return n.newFailOver(m, h).unsent(ctx, err)
	}
	var what notice
	select {
	case what = <-call.ch:
	case <-ctx.Done():
		if c.pending.take(id) != nil {
			n.calls.put(call)
			c.peer.Load().timeouts.Add(1)
			return nil, ctx.Err()
		}
		call.wait() // the answer is being handed over just now
		what = noticeDone
	}
	if what != noticeDone || call.err != nil || tryElsewhere(call.msg) != 0 {
		return n.newFailOver(m, h).resume(ctx, c, id, call, what)
	}
	a := call.msg
	n.calls.put(call)
	return a, nil
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

// begin registers call and sends m on c, with the header h and more flags.
// After an error the request was not sent, and nobody finishes call.
func (n *Node) begin(c *conn, call *call, m wire.Message, h wire.Header, flags uint8) (uint32, error) {
	id, err := c.pending.add(call)
	if err != nil {
		return 0, err
	}
	if err := c.sendAs(m, h, flags, id, h.EndToEnd); err != nil {
		if c.pending.take(id) != nil {
			return 0, c.sendError(err)
		}
		// The connection has ended, and finishes the call.
	}
	c.peer.Load().requests.Add(1)
	return id, nil
}

func (c *conn) sendError(err error) error {
	var pe *PeerError
	if errors.Is(err, ErrBusy) || errors.As(err, &pe) {
		return err
	}
	return c.lost(err)
}
