package eap

import (
	"fmt"
	"slices"
)

// The state of a waiting conversation:
//
//	octet 0     version
//	octet 1     flags
//	octet 2     Identifier of the outstanding Request
//	octet 3     rounds
//	octet 4     type of the method that runs, 0 if none does
//	then        if flagTried: count (1), types that the peer refused (1 each)
//	then        the peer's identity, as AppendIdentity writes it
//	then        the machine's state, to the end
//
// The last Request and the hash of the last Response are left out: they only
// serve a retransmission within one process.
const (
	stateVersion   = 1
	stateHeaderLen = 5

	flagNak    = 1 << 0 // the peer may still refuse the method
	flagNotify = 1 << 1 // the outstanding Request is a Notification
	flagTried  = 1 << 2 // a list of refused types follows
	flagsAll   = flagNak | flagNotify | flagTried
)

// AppendState appends the state of a conversation that waits for a Response,
// so that Restore can go on with it in this process or in another one. The
// octets hold keys: seal them or keep them. It fails when the conversation
// does not wait for a Response.
func (c *Conversation) AppendState(b []byte) ([]byte, error) {
	if c.phase != phaseIdentity && c.phase != phaseMethod {
		return b, ErrNotWaiting
	}
	var flags byte
	if c.nak {
		flags |= flagNak
	}
	if c.requested == TypeNotification {
		flags |= flagNotify
	}
	if len(c.tried) > 0 {
		flags |= flagTried
	}
	start := len(b)
	b = append(b, stateVersion, flags, c.identifier, byte(c.rounds), byte(c.Method()))
	if len(c.tried) > 0 {
		// No more than there are methods, of which no two have one type.
		b = append(b, byte(len(c.tried)))
		for _, t := range c.tried {
			b = append(b, byte(t))
		}
	}
	b = AppendIdentity(b, c.peer.Identity)
	if c.machine == nil {
		return b, nil
	}
	b, err := c.machine.AppendState(b)
	if err != nil {
		return b[:start], fmt.Errorf("%w: %v: %w", ErrState, c.Method(), err)
	}
	return b, nil
}

// Restore returns the conversation whose state AppendState wrote. p is what
// the lower layer knows of the peer; its Identity is ignored, since the state
// has it. state is not kept.
//
// It trusts state: the caller has to know that it wrote it itself.
func (a *Authenticator) Restore(p Peer, state []byte) (*Conversation, error) {
	if len(state) < stateHeaderLen || state[0] != stateVersion || state[1]&^flagsAll != 0 {
		return nil, fmt.Errorf("%w: no header of version %d", ErrState, stateVersion)
	}
	flags, method := state[1], Type(state[4])
	c := &Conversation{
		auth: a, peer: p,
		phase:      phaseIdentity,
		identifier: state[2], rounds: int(state[3]),
		requested: TypeIdentity,
		nak:       flags&flagNak != 0,
	}
	rest := state[stateHeaderLen:]
	if flags&flagTried != 0 {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return nil, fmt.Errorf("%w: refused types cut short", ErrState)
		}
		n := 1 + int(rest[0])
		for _, t := range rest[1:n] {
			c.tried = append(c.tried, Type(t))
		}
		rest = rest[n:]
	}
	var ok bool
	if c.peer.Identity, rest, ok = CutIdentity(rest); !ok {
		return nil, fmt.Errorf("%w: identity", ErrState)
	}
	if method == 0 {
		if len(rest) != 0 || c.peer.Identity != "" || flags != 0 {
			return nil, fmt.Errorf("%w: too much for a conversation without a method", ErrState)
		}
		return c, nil
	}
	m := a.method(method)
	if m == nil || slices.Contains(c.tried, method) {
		return nil, fmt.Errorf("%w: %v is not configured", ErrState, method)
	}
	machine, err := m.Restore(c.peer, rest)
	if err != nil {
		return nil, fmt.Errorf("%w: %v: %w", ErrState, method, err)
	}
	c.method, c.machine, c.phase = m, machine, phaseMethod
	c.unread = true // until somebody asks
	if c.requested = method; flags&flagNotify != 0 {
		c.requested = TypeNotification
	}
	return c, nil
}
