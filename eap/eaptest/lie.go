package eaptest

import (
	"fmt"
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// Want is what a right server makes of a lie.
type Want uint8

const (
	// WantNotification: AKA-Notification "General failure" (16384), then
	// EAP-Failure (RFC 4187, section 6.3.2). Other messages may come first.
	WantNotification Want = iota
	// WantFailure: EAP-Failure at once (section 6.3.3).
	WantFailure
	// WantDiscard: nothing; the packet is silently discarded (RFC 3748, section
	// 4.1).
	WantDiscard
	// WantSuccess: the login succeeds, for the lie is harmless.
	WantSuccess
	// WantRefusal: the notification that the subscriber was refused with, then
	// EAP-Failure.
	WantRefusal
)

// String returns what is wanted.
func (w Want) String() string {
	switch w {
	case WantNotification:
		return "notification"
	case WantFailure:
		return "failure"
	case WantDiscard:
		return "discard"
	case WantSuccess:
		return "success"
	case WantRefusal:
		return "refusal"
	default:
		return fmt.Sprintf("Want(%d)", uint8(w))
	}
}

// Lie is something wrong that a Peer says, each time that it is asked.
type Lie struct {
	// Name tells what is wrong, for the name of a test.
	Name string
	// At is the request that is answered with the lie. EAP-SIM's Start and
	// Challenge count as EAP-AKA's Identity and Challenge.
	At aka.Subtype
	// State is where that stands in a login; 0 where At says it all.
	State LieState
	// Logins is how often the peer has to log in, honestly, before it lies.
	Logins int
	// Methods are those that the lie is for; nil means all.
	Methods []eap.Type
	// IdentityRound says that the server must have asked with AKA-Identity.
	IdentityRound bool
	// ResultIndications says that server and peer must use them.
	ResultIndications bool

	// Reauth says that the server must do fast re-authentication.
	Reauth bool
	// Refusal is what the server must turn the subscriber away with when he
	// has authenticated, at the login with the lie.
	Refusal eap.Refusal

	// lead changes the response to the challenge or re-authentication, so
	// that the login gets to where the lie is told.
	lead func(p *Peer, d *Draft)
	// Edit changes the response before AT_MAC is computed; may be nil.
	Edit func(p *Peer, d *Draft)
	// Mangle changes the octets about to be sent; may be nil.
	Mangle func(p *Peer, pkt []byte) []byte

	// Want is what a right server answers.
	Want Want
	// Source is where the standards say so.
	Source string
}

// For reports whether the lie can be told in the method t.
func (l *Lie) For(t eap.Type) bool { return l.Methods == nil || slices.Contains(l.Methods, t) }

// RAND returns the challenge that is being answered, for lies about it.
func (p *Peer) RAND() [16]byte { return p.rand }

// tell returns the lie instead of pkt, a response without AT_MAC.
func (l *Lie) tell(p *Peer, pkt []byte, sign bool, extra []byte) []byte {
	d := Draft{
		Code: eap.Code(pkt[0]), Identifier: pkt[1], Type: eap.Type(pkt[4]),
		Subtype: aka.Subtype(pkt[eapHeaderLen]),
		Attrs:   slices.Clone(pkt[akaHeaderLen:]),
		Sign:    sign, MACExtra: extra,
	}
	d.open(&p.keys)
	if sign {
		d.Add(aka.AttrMAC, make([]byte, 2+macLen)...)
	}
	leads := l.leads(p)
	switch {
	case leads:
		l.lead(p, &d)
	case l.Edit != nil:
		l.Edit(p, &d)
	}
	out := d.encode(&p.keys)
	if l.Mangle != nil && !leads {
		out = l.Mangle(p, out)
	}
	return out
}
