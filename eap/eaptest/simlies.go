package eaptest

import (
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

var onlySIM = []eap.Type{eap.TypeSIM}

// simLies are what only EAP-SIM has: versions, NONCE_MT, and a proof that is
// not in an attribute but in AT_MAC.
func simLies() []Lie {
	const (
		start   = "RFC 4186 9.2, 6.3.2"
		version = "RFC 4186 4.1"
		proof   = "RFC 4186 9.4"
	)
	replace := func(t aka.AttrType, value ...byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) {
			d.Remove(t)
			if value != nil {
				d.Add(t, value...)
			}
		}
	}
	add := func(t aka.AttrType, value ...byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) { d.AddFirst(t, value...) }
	}
	extra := func(f func(sres []byte) []byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) { d.MACExtra = f(slices.Clone(d.MACExtra)) }
	}
	atStart := []Lie{
		{Name: "no AT_NONCE_MT", Edit: replace(aka.AttrNonceMT), Want: WantNotification, Source: start},
		{Name: "two AT_NONCE_MT", Edit: add(aka.AttrNonceMT, make([]byte, 18)...), Want: WantNotification, Source: start},
		{Name: "AT_NONCE_MT cut short", Edit: replace(aka.AttrNonceMT, make([]byte, 14)...), Want: WantNotification, Source: "RFC 4186 10.4"},
		{Name: "no AT_SELECTED_VERSION", Edit: replace(aka.AttrSelectedVersion), Want: WantNotification, Source: start},
		{Name: "version that was not offered", Edit: replace(aka.AttrSelectedVersion, 0, 2), Want: WantNotification, Source: version},
		{Name: "version 0", Edit: replace(aka.AttrSelectedVersion, 0, 0), Want: WantNotification, Source: version},
		{Name: "no AT_IDENTITY", Edit: replace(aka.AttrIdentity), Want: WantNotification, Source: start},
		{Name: "two AT_IDENTITY", Edit: add(aka.AttrIdentity, 0, 1, '1', 0, 0, 0), Want: WantNotification, Source: start},
		{Name: "empty identity", Edit: replace(aka.AttrIdentity, 0, 0), Want: WantNotification, Source: "RFC 4186 4.2.7"},
		{Name: "AT_IDENTITY longer than it is", Edit: func(_ *Peer, d *Draft) { d.Value(aka.AttrIdentity)[0] = 1 }, Want: WantNotification, Source: start},
		{Name: "AT_VERSION_LIST from the peer", Edit: add(aka.AttrVersionList, 0, 2, 0, 1, 0, 0), Want: WantNotification, Source: start},
		{Name: "AT_MAC in Start", Edit: add(aka.AttrMAC, make([]byte, 18)...), Want: WantNotification, Source: start},
	}
	for i := range atStart {
		atStart[i] = AtIdentity.lie(atStart[i])
	}
	again := []Lie{
		{Name: "re-authentication identity with AT_NONCE_MT", Edit: func(_ *Peer, d *Draft) {
			d.Add(aka.AttrNonceMT, make([]byte, 18)...)
			d.Add(aka.AttrSelectedVersion, 0, 1)
		}, Want: WantNotification, Source: start},
		{Name: "pseudonym where re-authentication was possible", Edit: func(p *Peer, d *Draft) {
			p.identity = p.ids.pseudonym[methodSlot(p.method)]
			value := append([]byte{0, byte(len(p.identity))}, p.identity...)
			for len(value)%4 != 2 {
				value = append(value, 0)
			}
			replace(aka.AttrIdentity, value...)(p, d)
			d.Add(aka.AttrNonceMT, append([]byte{0, 0}, p.sim.nonceMT[:]...)...)
			d.Add(aka.AttrSelectedVersion, 0, 1)
			p.sim.nonced = true
		}, Want: WantSuccess, Source: start},
	}
	for i := range again {
		again[i] = AtIdentity.lie(again[i])
		again[i].Logins, again[i].Reauth = 1, true
	}
	unasked := AtIdentity.lie(Lie{Name: "AT_IDENTITY unasked", Edit: add(aka.AttrIdentity, 0, 1, '1', 0, 0, 0), Want: WantNotification, Source: start})
	unasked.IdentityRound = false
	atChallenge := []Lie{
		{Name: "AT_MAC without SRES", Edit: extra(func([]byte) []byte { return nil }), Want: WantNotification, Source: proof},
		{Name: "AT_MAC with SRES of zeros", Edit: extra(func(sres []byte) []byte { return make([]byte, len(sres)) }), Want: WantNotification, Source: proof},
		{Name: "AT_MAC with the first SRES only", Edit: extra(func(sres []byte) []byte { return sres[:4] }), Want: WantNotification, Source: proof},
		{Name: "AT_MAC with SRES in another order", Edit: extra(func(sres []byte) []byte {
			return append(sres[4:], sres[:4]...)
		}), Want: WantNotification, Source: proof},
		{Name: "AT_MAC with NONCE_MT instead", Edit: func(p *Peer, d *Draft) { d.MACExtra = p.sim.nonceMT[:] }, Want: WantNotification, Source: proof},
		{Name: "AT_RESULT_IND unasked", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrResultInd, 0, 0) }, Want: WantNotification, Source: "RFC 4186 6.2"},
		{Name: "AT_CHECKCODE, which EAP-SIM has not", Edit: add(aka.AttrCheckcode, make([]byte, 22)...), Want: WantSuccess, Source: "RFC 4186 8.1"},
		{Name: "result indications declined", ResultIndications: true, Edit: func(p *Peer, d *Draft) {
			d.Remove(aka.AttrResultInd)
			p.resultInd = false
		}, Want: WantSuccess, Source: "RFC 4186 6.2"},
	}
	for i := range atChallenge {
		atChallenge[i] = AtChallenge.lie(atChallenge[i])
	}
	lies := slices.Concat(atStart, again, []Lie{unasked}, atChallenge)
	for i := range lies {
		lies[i].Methods = onlySIM
	}
	return lies
}

// simInputs are messages of EAP-SIM, or of its sisters, out of state.
func simInputs() []input {
	const parse = "RFC 4186 6.3.2"
	mac := make([]byte, 18)
	return []input{
		{name: "start response", edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeSIMStart)
			d.Add(aka.AttrNonceMT, make([]byte, 18)...)
			d.Add(aka.AttrSelectedVersion, 0, 1)
		}, not: []LieState{AtIdentity}, source: parse},
		{name: "challenge response", edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeSIMChallenge)
			d.Add(aka.AttrMAC, mac...)
		}, source: parse},
		{name: "response of EAP-AKA, Identity", edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeIdentity)
			d.Add(aka.AttrIdentity, 0, 1, '0', 0, 0, 0)
		}, source: parse},
		{name: "response of EAP-AKA, Challenge", edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeChallenge)
			d.Add(aka.AttrMAC, mac...)
		}, source: parse},
		{name: "authentication reject", edit: func(_ *Peer, d *Draft) { d.Become(aka.SubtypeAuthReject) }, source: parse},
		{name: "synchronisation failure", edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeSyncFailure)
			d.Add(aka.AttrAUTS, make([]byte, 14)...)
		}, source: parse},
		{name: "client error, too few challenges", edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeClientError)
			d.Add(aka.AttrClientErrorCode, 0, codeTriplets)
		}, inOpen: WantFailure, source: "RFC 4186 6.3.3"},
	}
}
