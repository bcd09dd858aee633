package eaptest

import (
	"fmt"
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// StateLies returns the lies that a server's tests go through in every state:
// each message that the peer has, in each state that is not the one for it;
// each way to spoil a message, in each state. The lies about fast
// re-authentication and temporary identities are among them.
//
// A lie whose Reauth is set takes a server with fast re-authentication; one
// whose Logins is not 0 is told after as many honest logins of the same Peer.
func StateLies() []Lie {
	sims := simInputs()
	for i := range sims {
		sims[i].methods = onlySIM
	}
	inputs := slices.Concat(messageInputs(), sims, attributeInputs(), macInputs(), packetInputs())
	var lies []Lie
	for s := AtIdentity; s < lieStates; s++ {
		for _, in := range inputs {
			if in.never(s) {
				continue
			}
			lies = append(lies, s.lie(Lie{
				Name: fmt.Sprint(in.name, " at ", s), Methods: in.methods,
				Edit: in.edit, Mangle: in.mangle,
				Want: s.want(in.want(s)), Source: in.source,
			}))
		}
	}
	return slices.Concat(lies, reauthLies(), reauthNotificationLies(), temporaryLies(), simLies())
}

// input is something that a peer may say in any state.
type input struct {
	name    string
	methods []eap.Type
	edit    func(*Peer, *Draft)
	mangle  func(*Peer, []byte) []byte
	// inOpen is what it leads to in an open state, with exceptions.
	inOpen Want
	except map[LieState]Want
	// not are the states in which it is no lie, or cannot be told.
	not    []LieState
	source string
}

func (in *input) never(s LieState) bool { return slices.Contains(in.not, s) }

func (in *input) want(s LieState) Want {
	if w, ok := in.except[s]; ok {
		return w
	}
	return in.inOpen
}

var onlyAKAs = []eap.Type{eap.TypeAKA, eap.TypeAKAPrime}

// notified are the states with a notification.
var notified = []LieState{
	AtSuccess, AtReauthSuccess, AtRefusal, AtReauthRefusal, AtFailure, AtReauthFailure,
}

// messageInputs are whole messages out of state.
func messageInputs() []input {
	become := func(s aka.Subtype, attrs ...byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) {
			d.Become(s)
			d.Attrs = append(d.Attrs, attrs...)
		}
	}
	zeros := func(t aka.AttrType, n int) []byte {
		return append([]byte{byte(t), byte((n + 2) / 4)}, make([]byte, n)...)
	}
	mac := zeros(aka.AttrMAC, 18)
	const (
		parse = "RFC 4187 6.3.2"
		left  = "RFC 4187 6.3.3"
	)
	return []input{
		{name: "identity response", methods: onlyAKAs, edit: become(aka.SubtypeIdentity, byte(aka.AttrIdentity), 2, 0, 1, '0', 0, 0, 0), not: []LieState{AtIdentity}, source: parse},
		{name: "challenge response", methods: onlyAKAs, edit: become(aka.SubtypeChallenge, slices.Concat([]byte{byte(aka.AttrRES), 3, 0, 64, 1, 2, 3, 4, 5, 6, 7, 8}, mac)...), source: parse},
		{name: "response with AT_KDF alone", methods: onlyPrime, edit: become(aka.SubtypeChallenge, byte(aka.AttrKDF), 1, 0, 2), source: parse},
		{name: "synchronisation failure", methods: onlyAKAs, edit: become(aka.SubtypeSyncFailure, zeros(aka.AttrAUTS, 14)...), source: parse},
		{name: "notification response", edit: become(aka.SubtypeNotification), not: notified, source: parse},
		{name: "protected notification response", edit: func(p *Peer, d *Draft) {
			d.Become(aka.SubtypeNotification)
			d.Add(aka.AttrMAC, make([]byte, 18)...)
			d.Sign = true
		}, not: notified, source: parse},
		{name: "re-authentication response", edit: func(p *Peer, d *Draft) {
			d.Become(aka.SubtypeReauthentication)
			d.AddNested(aka.AttrCounter, 0, 1)
			d.Add(aka.AttrMAC, make([]byte, 18)...)
			d.Sign = true
		}, not: []LieState{AtReauth}, source: parse},
		{name: "authentication reject", methods: onlyAKAs, edit: become(aka.SubtypeAuthReject), except: map[LieState]Want{AtChallenge: WantFailure}, source: parse + ", 6.3.3"},
		{name: "client error", edit: become(aka.SubtypeClientError, byte(aka.AttrClientErrorCode), 1, 0, 0), inOpen: WantFailure, source: left},
		{name: "client error without its code", edit: become(aka.SubtypeClientError), inOpen: WantFailure, source: left},
		{name: "response of EAP-SIM, Start", methods: onlyAKAs, edit: become(aka.SubtypeSIMStart), source: parse},
		{name: "response of EAP-SIM, Challenge", methods: onlyAKAs, edit: become(aka.SubtypeSIMChallenge, mac...), source: parse},
		{name: "unknown subtype", edit: become(99), source: parse},
	}
}

// attributeInputs spoil the right message's attributes.
func attributeInputs() []input {
	const parse = "RFC 4187 8.1, 6.3.2"
	raw := func(octets ...byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) { d.Attrs = append(d.Attrs, octets...) }
	}
	add := func(t aka.AttrType, value ...byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) { d.AddFirst(t, value...) }
	}
	return []input{
		{name: "unknown attribute", edit: add(notSkippable, 0, 0), source: parse},
		{name: "skippable attribute", edit: add(skippable, 1, 2), inOpen: WantSuccess, source: parse},
		{name: "attribute of no length", edit: raw(byte(skippable), 0, 0, 0), source: parse},
		{name: "attribute longer than the packet", edit: raw(byte(skippable), 9, 0, 0), source: parse},
		{name: "half an attribute", edit: raw(byte(skippable), 1), source: parse},
		{name: "one octet of an attribute", edit: raw(byte(skippable)), source: parse},
		{name: "AT_PADDING in the clear", edit: add(aka.AttrPadding, 0, 0), source: "RFC 4187 10.12"},
		{name: "AT_COUNTER in the clear", edit: add(aka.AttrCounter, 0, 1), source: "RFC 4187 10.16"},
		{name: "AT_COUNTER_TOO_SMALL in the clear", edit: add(aka.AttrCounterTooSmall, 0, 0), source: "RFC 4187 10.17"},
		{name: "AT_NONCE_S in the clear", edit: add(aka.AttrNonceS, make([]byte, 18)...), source: "RFC 4187 10.18"},
		{name: "AT_NEXT_PSEUDONYM in the clear", edit: add(aka.AttrNextPseudonym, 0, 2, '2', 'x', 0, 0), source: "RFC 4187 10.10"},
		{name: "AT_NEXT_REAUTH_ID in the clear", edit: add(aka.AttrNextReauthID, 0, 2, '4', 'x', 0, 0), source: "RFC 4187 10.11"},
		{name: "AT_NOTIFICATION from the peer", edit: add(aka.AttrNotification, 0x80, 0), source: "RFC 4187 10.1"},
		{name: "AT_ANY_ID_REQ from the peer", edit: add(aka.AttrAnyIDReq, 0, 0), source: "RFC 4187 10.1"},
		{name: "AT_RAND from the peer", edit: add(aka.AttrRAND, make([]byte, 18)...), source: "RFC 4187 10.1"},
		{name: "AT_IV twice", edit: func(_ *Peer, d *Draft) {
			d.AddFirst(aka.AttrIV, make([]byte, 18)...)
			d.AddFirst(aka.AttrIV, make([]byte, 18)...)
		}, source: "RFC 4187 10.12"},
		{name: "AT_IV without AT_ENCR_DATA", edit: func(_ *Peer, d *Draft) {
			d.Nested = nil
			d.AddFirst(aka.AttrIV, make([]byte, 18)...)
		}, source: "RFC 4187 10.12"},
		{name: "AT_ENCR_DATA without AT_IV", edit: func(_ *Peer, d *Draft) {
			d.Nested = nil
			d.AddFirst(aka.AttrEncrData, make([]byte, 18)...)
		}, source: "RFC 4187 10.12"},
		{name: "AT_CLIENT_ERROR_CODE in another message", edit: add(aka.AttrClientErrorCode, 0, 0), source: "RFC 4187 10.1"},
	}
}

// macInputs spoil AT_MAC. Notifications before authentication have none, nor
// has the identity response.
func macInputs() []input {
	const source = "RFC 4187 10.15, 6.3.2"
	without := []LieState{AtIdentity, AtFailure, AtReauthFailure}
	return []input{
		{name: "no AT_MAC", edit: func(_ *Peer, d *Draft) { d.Remove(aka.AttrMAC) }, not: without, source: source},
		{name: "AT_MAC of zeros", edit: func(_ *Peer, d *Draft) { d.Sign = false }, not: without, source: source},
		{name: "wrong AT_MAC", mangle: func(_ *Peer, pkt []byte) []byte {
			pkt[len(pkt)-1] ^= 1
			return pkt
		}, not: without, source: source},
		{name: "two AT_MAC", edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrMAC, make([]byte, 18)...) }, not: without, source: source},
		{name: "AT_MAC cut short", edit: func(_ *Peer, d *Draft) {
			d.Remove(aka.AttrMAC)
			d.Add(aka.AttrMAC, make([]byte, 14)...)
		}, not: without, source: source},
		{name: "octet changed after AT_MAC", mangle: func(_ *Peer, pkt []byte) []byte {
			pkt[6] ^= 1 // reserved, and covered all the same
			return pkt
		}, not: without, source: source},
		{name: "AT_MAC over more than the packet", edit: func(_ *Peer, d *Draft) { d.MACExtra = append(slices.Clone(d.MACExtra), 0) }, not: without, source: source},
	}
}

// packetInputs are wrong as EAP packets, or on the edge of it.
func packetInputs() []input {
	const (
		match  = "RFC 3748 4.1"
		length = "RFC 3748 4"
	)
	put := func(at int, v byte) func(*Peer, []byte) []byte {
		return func(_ *Peer, pkt []byte) []byte {
			pkt[at] = v
			return pkt
		}
	}
	cut := func(n int) func(*Peer, []byte) []byte {
		return func(_ *Peer, pkt []byte) []byte {
			eap.EndPacket(pkt[:n], 0)
			return pkt[:n]
		}
	}
	return []input{
		{name: "next identifier", mangle: func(_ *Peer, pkt []byte) []byte {
			pkt[1]++
			return pkt
		}, inOpen: WantDiscard, source: match},
		{name: "last identifier", mangle: func(_ *Peer, pkt []byte) []byte {
			pkt[1]--
			return pkt
		}, inOpen: WantDiscard, source: match},
		{name: "another type", mangle: put(4, 13), inOpen: WantDiscard, source: match},
		{name: "a sister method's type", mangle: func(_ *Peer, pkt []byte) []byte {
			if eap.Type(pkt[4]) == eap.TypeAKA {
				pkt[4] = byte(eap.TypeAKAPrime)
			} else {
				pkt[4] = byte(eap.TypeAKA)
			}
			return pkt
		}, inOpen: WantDiscard, source: match},
		{name: "EAP-Response/Identity again", mangle: func(_ *Peer, pkt []byte) []byte {
			return []byte{byte(eap.CodeResponse), pkt[1], 0, 6, byte(eap.TypeIdentity), '0'}
		}, inOpen: WantDiscard, source: match},
		{name: "a request from the peer", mangle: put(0, byte(eap.CodeRequest)), inOpen: WantDiscard, source: match},
		{name: "EAP-Success from the peer", mangle: func(_ *Peer, pkt []byte) []byte {
			return []byte{byte(eap.CodeSuccess), pkt[1], 0, 4}
		}, inOpen: WantDiscard, source: match},
		{name: "EAP-Failure from the peer", mangle: func(_ *Peer, pkt []byte) []byte {
			return []byte{byte(eap.CodeFailure), pkt[1], 0, 4}
		}, inOpen: WantDiscard, source: match},
		{name: "unknown code", mangle: put(0, 9), inOpen: WantDiscard, source: length},
		{name: "longer than it is", mangle: put(2, 4), inOpen: WantDiscard, source: length},
		{name: "cut off", mangle: func(_ *Peer, pkt []byte) []byte { return pkt[:len(pkt)-1] }, inOpen: WantDiscard, source: length},
		{name: "header cut off", mangle: func(_ *Peer, pkt []byte) []byte { return pkt[:3] }, inOpen: WantDiscard, source: length},
		{name: "nothing at all", mangle: func(*Peer, []byte) []byte { return []byte{} }, inOpen: WantDiscard, source: length},
		{name: "no subtype", mangle: cut(eapHeaderLen), source: "RFC 4187 6.3.2"},
		{name: "subtype alone", mangle: cut(eapHeaderLen + 1), source: "RFC 4187 6.3.2"},
		{name: "reserved octet missing", mangle: cut(eapHeaderLen + 2), source: "RFC 4187 6.3.2"},
		// At AtIdentity the peer's AT_CHECKCODE would have them in.
		{name: "octets behind", mangle: func(_ *Peer, pkt []byte) []byte { return append(pkt, 1, 2, 3) }, inOpen: WantSuccess, not: []LieState{AtIdentity}, source: match},
	}
}
