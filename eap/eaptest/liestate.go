package eaptest

import (
	"fmt"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// LieState is the point of a login at which a lie is told: what the server has
// sent and waits for a response to.
type LieState uint8

const (
	// AtIdentity: AKA-Identity (EAP-SIM: Start).
	AtIdentity LieState = iota + 1
	// AtChallenge: the challenge.
	AtChallenge
	// AtReauth: the fast re-authentication.
	AtReauth
	// AtSuccess: the notification of success after a challenge.
	AtSuccess
	// AtReauthSuccess: the same after a fast re-authentication.
	AtReauthSuccess
	// AtRefusal: the notification that refuses the subscriber after a
	// challenge (RFC 4187, section 6.3.2: he has authenticated).
	AtRefusal
	// AtReauthRefusal: the same after a fast re-authentication.
	AtReauthRefusal
	// AtFailure: the notification of failure after a challenge that was not
	// answered well. The peer sees to that.
	AtFailure
	// AtReauthFailure: the same after a fast re-authentication.
	AtReauthFailure
	lieStates
)

// String returns the state's name.
func (s LieState) String() string {
	switch s {
	case AtIdentity:
		return "identity"
	case AtChallenge:
		return "challenge"
	case AtReauth:
		return "re-authentication"
	case AtSuccess:
		return "success"
	case AtReauthSuccess:
		return "success of a re-authentication"
	case AtRefusal:
		return "refusal"
	case AtReauthRefusal:
		return "refusal of a re-authentication"
	case AtFailure:
		return "failure"
	case AtReauthFailure:
		return "failure of a re-authentication"
	default:
		return fmt.Sprintf("LieState(%d)", uint8(s))
	}
}

// reauth reports whether the login is a fast re-authentication.
func (s LieState) reauth() bool {
	return s == AtReauth || s == AtReauthSuccess || s == AtReauthRefusal || s == AtReauthFailure
}

// open reports whether the login may still end either way.
func (s LieState) open() bool { return s <= AtReauth }

// lie sets what a lie told at s takes.
func (s LieState) lie(l Lie) Lie {
	l.State = s
	switch s {
	case AtIdentity:
		l.At, l.IdentityRound = aka.SubtypeIdentity, true
	case AtChallenge:
		l.At = aka.SubtypeChallenge
	case AtReauth:
		l.At = aka.SubtypeReauthentication
	default:
		l.At = aka.SubtypeNotification
	}
	if s.reauth() {
		l.Logins, l.Reauth = 1, true
	}
	switch s {
	case AtSuccess, AtReauthSuccess:
		l.ResultIndications = true
	case AtRefusal, AtReauthRefusal:
		l.Refusal = eap.RefusalTemporary
	case AtFailure, AtReauthFailure:
		l.lead = func(_ *Peer, d *Draft) { d.MACExtra = append(d.MACExtra, "wrong"...) }
	}
	return l
}

// want is what a right server makes of a message that would be wrong in an open
// state: what has been decided stands.
func (s LieState) want(inOpen Want) Want {
	if s.open() || inOpen == WantDiscard {
		return inOpen
	}
	switch s {
	case AtSuccess, AtReauthSuccess:
		return WantSuccess
	case AtRefusal, AtReauthRefusal:
		return WantRefusal
	default:
		return WantNotification
	}
}

// due reports whether the peer lies to this request.
func (l *Lie) due(p *Peer, at aka.Subtype) bool {
	if l == nil || len(p.request.Data) == 0 || p.logins < l.Logins {
		return false
	}
	s := aka.Subtype(p.request.Data[0])
	switch s {
	case aka.SubtypeSIMStart:
		s = aka.SubtypeIdentity
	case aka.SubtypeSIMChallenge:
		s = aka.SubtypeChallenge
	}
	return s == at
}

// leads reports whether the peer brings about the state that the lie is for.
func (l *Lie) leads(p *Peer) bool {
	return l != nil && l.lead != nil &&
		(l.due(p, aka.SubtypeChallenge) || l.due(p, aka.SubtypeReauthentication))
}
