package eaptest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// What a Peer finds wrong with a server. Errors of a message's form and
// content are those of package aka.
var (
	// ErrState: the message cannot come now.
	ErrState = errors.New("eaptest: message out of state")
	// ErrIdentifier: EAP-Success or EAP-Failure with another Identifier than
	// the last response had (RFC 3748, section 4.2).
	ErrIdentifier = errors.New("eaptest: wrong identifier")
	// ErrIdentityRound: AKA-Identity asks for what must not be asked any more
	// (RFC 4187, section 9.1).
	ErrIdentityRound = errors.New("eaptest: identity requests out of order")
	// ErrAUTN: the USIM does not know the network, or AUTN is not for EAP-AKA'.
	ErrAUTN = errors.New("eaptest: AUTN not accepted")
	// ErrNetworkName: AT_KDF_INPUT is empty or of another network (RFC 9048,
	// section 3.1).
	ErrNetworkName = errors.New("eaptest: network name not accepted")
	// ErrBiddingDown: server and peer would both rather have done EAP-AKA'
	// (RFC 9048, section 4).
	ErrBiddingDown = errors.New("eaptest: EAP-AKA' was possible")
	// ErrNotification: AT_NOTIFICATION breaks the rules of RFC 4187, section
	// 6.1.
	ErrNotification = errors.New("eaptest: notification not acceptable")
	// ErrPrivacy: the permanent identity was asked for, and is not given away.
	ErrPrivacy = errors.New("eaptest: permanent identity withheld")
	// ErrTemporary: a pseudonym or re-authentication identity that is no NAI
	// (RFC 4187, section 4.1.1.7).
	ErrTemporary = errors.New("eaptest: temporary identity malformed")
	// ErrMethod: another method than the one that was begun (RFC 3748, section
	// 4.1), or one that the peer has not and declines with a Nak.
	ErrMethod = errors.New("eaptest: method not wanted")
)

// Handle takes a packet of the server, or of the authenticator in front of it,
// and returns the peer's response, if there is one.
//
// A request that comes again, by its Identifier, is answered with the same
// octets again (RFC 3748, section 4.1). An error says what is wrong with the
// packet: with a response, that refuses it (Client-Error,
// Authentication-Reject, Nak); without one the packet was discarded.
//
// pkt is not kept. The response is good until the next call.
func (p *Peer) Handle(pkt []byte) ([]byte, error) {
	q, err := eap.Decode(pkt)
	if err != nil {
		return nil, err
	}
	switch q.Code {
	case eap.CodeRequest:
		return p.onRequest(q)
	case eap.CodeSuccess:
		return nil, p.onEnd(q, Succeeded)
	case eap.CodeFailure:
		return nil, p.onEnd(q, Failed)
	default:
		return nil, fmt.Errorf("%w: %v", ErrState, q.Code)
	}
}

func (p *Peer) onRequest(q eap.Packet) ([]byte, error) {
	// EAP-Request/Identity within a method begins a new login; that it has the
	// Identifier of the last request is chance.
	anew := q.Type == eap.TypeIdentity && p.phase != phaseStart
	if p.answered && q.Identifier == p.lastID && !anew {
		return p.buf, nil
	}
	p.request = q
	defer func() { p.request = eap.Packet{} }() // pkt is not kept
	switch q.Type {
	case eap.TypeIdentity:
		return p.onIdentityRequest()
	case eap.TypeNotification:
		b := eap.AppendHeader(p.buf[:0], eap.CodeResponse, q.Identifier, eap.TypeNotification)
		return p.reply(b), nil
	case eap.TypeNak:
		return nil, fmt.Errorf("%w: %v in a request", ErrState, q.Type)
	}
	switch {
	case p.phase == phaseDone:
		return nil, ErrState
	case p.method != 0 && q.Type != p.method:
		return nil, fmt.Errorf("%w: %v after %v", ErrMethod, q.Type, p.method)
	case !slices.Contains(p.cfg.Methods, q.Type):
		b := eap.AppendHeader(p.buf[:0], eap.CodeResponse, q.Identifier, eap.TypeNak)
		for _, t := range p.cfg.Methods {
			b = append(b, byte(t))
		}
		eap.EndPacket(b, 0)
		return p.reply(b), fmt.Errorf("%w: %v", ErrMethod, q.Type)
	case p.method == 0:
		p.method, p.phase = q.Type, phaseIdentity
	}
	if p.phase == phaseFailing {
		return nil, ErrState // only EAP-Failure is to come
	}
	m, err := aka.Decode(q)
	if err != nil {
		return p.clientError(err)
	}
	switch m.Subtype {
	case aka.SubtypeIdentity:
		return p.onAKAIdentity(&m)
	case aka.SubtypeChallenge:
		return p.onChallenge(&m)
	case aka.SubtypeNotification:
		return p.onNotification(&m)
	case aka.SubtypeReauthentication:
		return p.onReauth(&m)
	case aka.SubtypeSIMStart:
		return p.onSIMStart(&m)
	case aka.SubtypeSIMChallenge:
		return p.onSIMChallenge(&m)
	default:
		return p.clientError(ErrState)
	}
}

// onEnd judges EAP-Success and EAP-Failure.
//
// RFC 3748, section 4.2; RFC 4187, sections 6.3.3 and 6.3.4.
func (p *Peer) onEnd(q eap.Packet, s Status) error {
	if p.answered && q.Identifier != p.lastID {
		return fmt.Errorf("%w: %v %d after %d", ErrIdentifier, q.Code, q.Identifier, p.lastID)
	}
	var ok bool
	switch p.phase {
	case phaseStart: // nothing was agreed upon, so the server may refuse
		ok = s == Failed
	case phaseAuthenticated:
		ok = s == Succeeded && !p.resultInd
	case phaseConfirmed:
		ok = s == Succeeded
	case phaseFailing:
		ok = s == Failed
	}
	if !ok {
		return fmt.Errorf("%w: %v", ErrState, q.Code)
	}
	if s == Succeeded {
		p.logins++
		p.keepTemporary()
	}
	p.dropOffered()
	p.status, p.phase, p.answered = s, phaseDone, false
	return nil
}
