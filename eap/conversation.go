package eap

import (
	"fmt"
	"hash/maphash"
	"io"
	"time"
)

// OutcomeKind says what an [Outcome] asks of the lower layer.
type OutcomeKind uint8

const (
	// OutcomeDiscard: the packet was not for us and nothing has changed. Packet
	// is the outstanding request, if it is known, for a lower layer that
	// repeats it (RFC 3579, section 2.2).
	OutcomeDiscard OutcomeKind = iota
	// OutcomeSend: Packet, a Request, goes to the peer.
	OutcomeSend
	// OutcomeNeed: Need is to be answered with Resume.
	OutcomeNeed
	// OutcomeSuccess: the peer is who Result says; Packet is EAP-Success.
	OutcomeSuccess
	// OutcomeFailure: Packet is EAP-Failure; Err says why.
	OutcomeFailure
)

// String returns the kind's name.
func (k OutcomeKind) String() string {
	switch k {
	case OutcomeDiscard:
		return "discard"
	case OutcomeSend:
		return "send"
	case OutcomeNeed:
		return "need"
	case OutcomeSuccess:
		return "success"
	case OutcomeFailure:
		return "failure"
	default:
		return fmt.Sprintf("OutcomeKind(%d)", uint8(k))
	}
}

// Outcome is a conversation's answer to one input.
type Outcome struct {
	Kind OutcomeKind
	// Packet is the whole EAP packet to send. It must not be changed: the
	// conversation keeps it for a retransmission.
	Packet []byte
	// Need is the question to answer (OutcomeNeed).
	Need Need
	// Result is with what the run succeeded (OutcomeSuccess).
	Result *Result
	// Err is why it failed or was discarded; with OutcomeSend, when the request
	// is a method's notification of failure, why it is going to fail. It holds
	// no key and no full IMSI.
	Err error
}

// phase is where a conversation stands.
//
//	        Start                Response/Identity         Response
//	new ------------> identity ---------------------+   +------------+
//	 |                                              v   v            |
//	 +--------------------------------------------> method <-> need  | (request)
//	           Response/Identity                    |   |            |
//	                                                |   +------------+
//	                                                v
//	                                               done   (success or failure)
type phase uint8

const (
	// phaseNew: nothing has been sent. Takes Start, or the Response to an
	// Identity request that the NAS made itself (RFC 3579, section 2.1).
	phaseNew phase = iota
	// phaseIdentity: an Identity request is outstanding. Takes its Response.
	phaseIdentity
	// phaseMethod: a method's request is outstanding. Takes a Response of its
	// type, or a Nak to the first one (RFC 3748, section 5.3).
	phaseMethod
	// phaseNeed: the method waits for Resume; packets are discarded.
	phaseNeed
	// phaseDone: success or failure has been said; all is discarded.
	phaseDone
)

// A Conversation is one run of EAP with one peer, the authenticator's side
// (RFC 3748). It does no I/O and reads no clock.
//
// A packet that is not the Response to the outstanding Request (its Code,
// Identifier or Type is another) is discarded and changes nothing.
//
// It is not safe for concurrent use.
type Conversation struct {
	auth    *Authenticator
	peer    Peer
	id      Identity // what peer.Identity tells
	unread  bool     // id has yet to be made of it
	method  Method
	machine Machine

	phase phase
	// identifier is that of the last Request, responded that of the last
	// Response which was handled.
	identifier, responded uint8
	// requested is the type of the outstanding Request. A method may send a
	// Notification (RFC 3748, section 5.2) in between.
	requested Type
	// nak is true while the peer may still refuse the method.
	nak bool
	// tried has the methods that the peer refused.
	tried []Type
	// rounds counts the requests.
	rounds int

	// last is the outstanding Request and handled the hash of the Response
	// that led to it. Neither outlives AppendState and Restore.
	last    []byte
	handled uint64
}

// hashSeed makes the hashes of handled Responses.
var hashSeed = maphash.MakeSeed()

// Peer returns the peer with what is known so far: the Identity is empty until
// the peer has told it.
func (c *Conversation) Peer() Peer { return c.peer }

// Identity returns what the peer's identity tells. It is the zero Identity
// until the peer has told it. Unauthenticated.
func (c *Conversation) Identity() Identity {
	if c.unread {
		c.id, c.unread = c.auth.rules.Parse(c.peer.Identity), false
	}
	return c.id
}

// Confined reports whether the state must stay in this process for now: see
// the [Confined] machine.
func (c *Conversation) Confined() bool {
	m, ok := c.machine.(Confined)
	return ok && m.Confined()
}

// Method returns the type of the method that runs, 0 if none does yet.
func (c *Conversation) Method() Type {
	if c.method == nil {
		return 0
	}
	return c.method.Type()
}

// Start begins the conversation with a request for the identity, for a lower
// layer that was told that there is a peer, but nothing of it.
func (c *Conversation) Start(time.Time) Outcome {
	if c.phase != phaseNew {
		return c.discard(ErrNotWaiting)
	}
	var b [1]byte
	if _, err := io.ReadFull(c.auth.rand, b[:]); err != nil {
		return c.fail(fmt.Errorf("eap: Identifier: %w", err))
	}
	// RFC 3748, section 4.1: the Identifier only has to differ from the one
	// before; starting anywhere keeps conversations apart in captures.
	req := AppendHeader(make([]byte, 0, headerLen+1), CodeRequest, b[0], TypeIdentity)
	c.phase = phaseIdentity
	return c.send(req)
}

// Handle takes an EAP packet of the peer. The first may be the
// Response/Identity to a request that the NAS made on its own. pkt is not kept.
func (c *Conversation) Handle(now time.Time, pkt []byte) Outcome {
	p, err := Decode(pkt)
	if err != nil {
		return c.discard(err)
	}
	if p.Code != CodeResponse {
		return c.discard(fmt.Errorf("%w: %v", ErrUnexpected, p.Code))
	}
	switch c.phase {
	case phaseNew:
		if p.Type != TypeIdentity {
			return c.discard(fmt.Errorf("%w: conversation begins with %v", ErrUnexpected, p.Type))
		}
		// The next request has to have another Identifier than the one that
		// this answers.
		c.identifier = p.Identifier
		return c.onIdentity(now, p)
	case phaseIdentity, phaseMethod:
	case phaseNeed, phaseDone:
		return c.discard(ErrNotWaiting)
	default:
		return c.fail(ErrNotWaiting)
	}
	if req, ok := c.Repeated(pkt); ok {
		return Outcome{Kind: OutcomeSend, Packet: req}
	}
	if p.Identifier != c.identifier {
		return c.discard(fmt.Errorf("%w: Identifier %d, not %d", ErrUnexpected, p.Identifier, c.identifier))
	}
	if isExpandedNak(p) {
		// Type 254 as well, but never an answer of an expanded method's own.
		return c.onExpandedNak(now, p)
	}
	switch {
	case p.Type == c.requested && c.phase == phaseIdentity:
		return c.onIdentity(now, p)
	case p.Type == c.requested:
		return c.step(p, c.machine.Handle(c.turn(now), p))
	case p.Type == TypeNak:
		return c.onNak(now, p)
	default:
		return c.discard(fmt.Errorf("%w: %v in answer to %v", ErrUnexpected, p.Type, c.requested))
	}
}

// Repeated reports whether pkt is, octet by octet, the Response that led to
// the outstanding Request, and returns that Request. It changes nothing.
func (c *Conversation) Repeated(pkt []byte) (request []byte, ok bool) {
	// The Identifier is compared first: it nearly always decides.
	if c.last == nil || c.handled == 0 || len(pkt) < headerLen || pkt[1] != c.responded || responseHash(pkt) != c.handled {
		return nil, false
	}
	return c.last, true
}

// responseHash is never 0, which stands for none.
func responseHash(pkt []byte) uint64 {
	if p, err := Decode(pkt); err == nil {
		pkt = p.Raw // without the lower layer's padding
	}
	return maphash.Bytes(hashSeed, pkt) | 1
}

// Resume goes on with the answer to the last Need.
func (c *Conversation) Resume(now time.Time, answer Answer) Outcome {
	if c.phase != phaseNeed {
		return c.discard(ErrNotWaiting)
	}
	return c.advance(c.machine.Resume(c.turn(now), answer))
}

// onIdentity handles the Response/Identity: it leads to a method.
func (c *Conversation) onIdentity(now time.Time, p Packet) Outcome {
	c.accept(p)
	if len(p.Data) > MaxIdentityLen {
		return c.fail(fmt.Errorf("%w: %d octets", ErrIdentityLength, len(p.Data)))
	}
	c.peer.Identity = string(p.Data)
	c.id = c.auth.rules.Parse(c.peer.Identity)
	if c.id.Kind == KindForeign {
		return c.fail(ErrForeignRealm)
	}
	return c.begin(now, c.auth.choose(c.id))
}

// begin starts method m.
func (c *Conversation) begin(now time.Time, m Method) Outcome {
	c.method, c.machine, c.nak = m, m.New(c.peer), true
	return c.advance(c.machine.Start(c.turn(now)))
}

// accept notes that a Response is being handled: no request is outstanding any
// more, and whatever follows carries the Response's Identifier or a new one.
func (c *Conversation) accept(p Packet) {
	c.last = nil
	c.responded = p.Identifier
	c.handled = maphash.Bytes(hashSeed, p.Raw) | 1
}

func (c *Conversation) turn(now time.Time) Turn {
	return Turn{Now: now, Identifier: c.identifier + 1}
}

// step is advance after the Response p, unless the method ignored it.
func (c *Conversation) step(p Packet, s Step) Outcome {
	if s.Kind == StepIgnore {
		if s.Err == nil {
			s.Err = ErrUnexpected
		}
		return c.discard(s.Err)
	}
	c.accept(p)
	c.nak = false
	return c.advance(s)
}

// advance turns what the machine wants into what the lower layer has to do.
func (c *Conversation) advance(s Step) Outcome {
	switch s.Kind {
	case StepRequest:
		p, err := Decode(s.Packet)
		if err != nil || p.Code != CodeRequest || p.Identifier != c.identifier+1 || len(p.Raw) != len(s.Packet) {
			return c.fail(fmt.Errorf("%w: %v sends no proper request", ErrMethod, c.Method()))
		}
		c.phase = phaseMethod
		o := c.send(s.Packet)
		if o.Err == nil {
			o.Err = s.Err
		}
		return o
	case StepNeed:
		if s.Need == nil {
			return c.fail(fmt.Errorf("%w: %v needs nothing", ErrMethod, c.Method()))
		}
		c.phase = phaseNeed
		return Outcome{Kind: OutcomeNeed, Need: s.Need}
	case StepSuccess:
		if s.Result == nil {
			return c.fail(fmt.Errorf("%w: %v succeeds without a result", ErrMethod, c.Method()))
		}
		c.phase, c.last = phaseDone, nil
		return Outcome{Kind: OutcomeSuccess, Packet: c.final(CodeSuccess), Result: s.Result}
	case StepFailure:
		if s.Err == nil {
			s.Err = fmt.Errorf("%w: %v fails without a reason", ErrMethod, c.Method())
		}
		return c.fail(s.Err)
	case StepIgnore:
		// Only a Response can be ignored, and that does not come here.
		fallthrough
	default:
		return c.fail(fmt.Errorf("%w: %v: step %v", ErrMethod, c.Method(), s.Kind))
	}
}

// send makes req the outstanding request.
func (c *Conversation) send(req []byte) Outcome {
	if c.rounds >= c.auth.maxRounds {
		return c.fail(ErrRounds)
	}
	c.rounds++
	c.identifier, c.requested, c.last = req[1], Type(req[4]), req
	return Outcome{Kind: OutcomeSend, Packet: req}
}

func (c *Conversation) fail(err error) Outcome {
	c.phase, c.last = phaseDone, nil
	return Outcome{Kind: OutcomeFailure, Packet: c.final(CodeFailure), Err: err}
}

// final makes the last packet. It carries the Identifier of the Response that
// it answers (RFC 3748, section 4.2).
func (c *Conversation) final(code Code) []byte {
	return AppendHeader(make([]byte, 0, headerLen), code, c.responded, 0)
}

func (c *Conversation) discard(err error) Outcome {
	return Outcome{Kind: OutcomeDiscard, Packet: c.last, Err: err}
}
