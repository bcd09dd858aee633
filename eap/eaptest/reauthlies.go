package eaptest

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// reauthLies are lies in answer to a fast re-authentication.
func reauthLies() []Lie {
	const (
		parse   = "RFC 4187 8.1, 6.3.2"
		answer  = "RFC 4187 9.8"
		counter = "RFC 4187 5.4"
		small   = "RFC 4187 5.5"
		padding = "RFC 4187 10.12"
	)
	nested := func(octets ...byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) { d.Nested = append(d.Nested, octets...) }
	}
	count := func(delta int) func(*Peer, *Draft) {
		return func(p *Peer, d *Draft) {
			d.Nested = nil
			d.AddNested(aka.AttrCounter, binary.BigEndian.AppendUint16(nil, uint16(int(p.counter)+delta))...)
		}
	}
	instead := func(octets ...byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) { d.Nested = octets }
	}
	tooSmall := func(delta int) func(*Peer, *Draft) {
		return func(p *Peer, d *Draft) {
			// A challenge comes next.
			p.phase, p.reauthenticated, p.resultInd = phaseChallenged, false, false
			count(delta)(p, d)
			d.AddNested(aka.AttrCounterTooSmall, 0, 0)
		}
	}
	encrypted := func(n int) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) {
			d.Nested = nil
			d.AddFirst(aka.AttrEncrData, make([]byte, 2+n)...)
			d.AddFirst(aka.AttrIV, make([]byte, 18)...)
		}
	}
	padded := func(octets ...byte) func(*Peer, *Draft) { // with what makes it one block
		return func(p *Peer, d *Draft) {
			count(0)(p, d)
			d.Nested = append(d.Nested, octets...)
		}
	}
	pad := byte(aka.AttrPadding)
	lies := []Lie{
		{Name: "counter greater than asked", Edit: count(1), Want: WantNotification, Source: counter},
		{Name: "counter going back", Edit: count(-1), Want: WantNotification, Source: counter},
		{Name: "counter far off", Edit: count(0x8000), Want: WantNotification, Source: counter},
		{Name: "no counter", Edit: instead(append([]byte{byte(skippable), 4}, make([]byte, 14)...)...), Want: WantNotification, Source: answer},
		{Name: "two counters", Edit: func(p *Peer, d *Draft) { d.Nested = slices.Concat(d.Nested, d.Nested) }, Want: WantNotification, Source: parse},
		{Name: "two counters, the second right", Edit: func(p *Peer, d *Draft) {
			right := d.Nested
			count(1)(p, d)
			d.Nested = append(d.Nested, right...)
		}, Want: WantNotification, Source: parse},
		{Name: "counter of two units", Edit: instead(byte(aka.AttrCounter), 2, 0, 1, 0, 0, 0, 0), Want: WantNotification, Source: "RFC 4187 10.16"},
		{Name: "counter cut off", Edit: instead(byte(aka.AttrCounter), 9, 0, 1), Want: WantNotification, Source: parse},
		{Name: "counter of no length", Edit: instead(byte(aka.AttrCounter), 0, 0, 1), Want: WantNotification, Source: parse},
		{Name: "unknown attribute inside", Edit: nested(byte(notSkippable), 1, 0, 0), Want: WantNotification, Source: parse},
		{Name: "attribute inside longer than the rest", Edit: padded(byte(skippable), 200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), Want: WantNotification, Source: parse},
		{Name: "AT_MAC inside", Edit: nested(append([]byte{byte(aka.AttrMAC), 5}, make([]byte, 18)...)...), Want: WantNotification, Source: padding},
		{Name: "AT_RESULT_IND inside", Edit: nested(byte(aka.AttrResultInd), 1, 0, 0), Want: WantNotification, Source: padding},
		{Name: "AT_ENCR_DATA inside", Edit: nested(append([]byte{byte(aka.AttrEncrData), 5}, make([]byte, 18)...)...), Want: WantNotification, Source: padding},
		{Name: "AT_NONCE_S inside", Edit: nested(append([]byte{byte(aka.AttrNonceS), 5}, make([]byte, 18)...)...), Want: WantNotification, Source: answer},
		{Name: "AT_NEXT_REAUTH_ID inside", Edit: nested(byte(aka.AttrNextReauthID), 2, 0, 2, '4', 'x', 0, 0), Want: WantNotification, Source: answer},
		{Name: "AT_NEXT_PSEUDONYM inside", Edit: nested(byte(aka.AttrNextPseudonym), 2, 0, 2, '2', 'x', 0, 0), Want: WantNotification, Source: answer},

		{Name: "padding that is not zero", Edit: padded(pad, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), Want: WantNotification, Source: padding},
		{Name: "padding before the end", Edit: padded(pad, 1, 0, 0, byte(skippable), 2, 0, 0, 0, 0, 0, 0), Want: WantNotification, Source: padding},
		{Name: "two paddings", Edit: padded(pad, 1, 0, 0, pad, 2, 0, 0, 0, 0, 0, 0), Want: WantNotification, Source: padding},
		{Name: "padding of a whole block", Edit: padded(append([]byte{byte(skippable), 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, pad, 4}, make([]byte, 14)...)...), Want: WantNotification, Source: padding},
		{Name: "padding longer than the rest", Edit: padded(pad, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), Want: WantNotification, Source: padding},
		{Name: "padding of octets as in PKCS", Edit: padded(bytes.Repeat([]byte{12}, 12)...), Want: WantNotification, Source: padding},

		{Name: "encrypted with another key", Edit: encrypted(16), Want: WantNotification, Source: padding},
		{Name: "encrypted data of no block", Edit: encrypted(0), Want: WantNotification, Source: padding},
		{Name: "encrypted data of half a block", Edit: encrypted(8), Want: WantNotification, Source: padding},
		{Name: "encrypted data of a block and a half", Edit: encrypted(24), Want: WantNotification, Source: padding},
		{Name: "no encrypted data", Edit: func(_ *Peer, d *Draft) { d.Nested = nil }, Want: WantNotification, Source: answer},
		{Name: "another AT_IV than it was encrypted with", Mangle: func(p *Peer, pkt []byte) []byte {
			at, _ := findAttr(pkt[akaHeaderLen:], aka.AttrIV)
			pkt[akaHeaderLen+at+4] ^= 0x40 // the first octet inside: the type
			return resign(p, pkt)
		}, Want: WantNotification, Source: padding},

		{Name: "AT_MAC without NONCE_S", Edit: func(_ *Peer, d *Draft) { d.MACExtra = nil }, Want: WantNotification, Source: answer},
		{Name: "AT_MAC with another NONCE_S", Edit: func(_ *Peer, d *Draft) {
			d.MACExtra = slices.Clone(d.MACExtra)
			d.MACExtra[0] ^= 1
		}, Want: WantNotification, Source: answer},

		{Name: "wrong AT_CHECKCODE", IdentityRound: true, Edit: func(_ *Peer, d *Draft) { d.Value(aka.AttrCheckcode)[2] ^= 1 }, Methods: onlyAKAs, Want: WantNotification, Source: "RFC 4187 10.13"},
		{Name: "AT_CHECKCODE of a round that was not", Edit: func(_ *Peer, d *Draft) {
			n := 20
			if d.Type == eap.TypeAKAPrime {
				n = 32
			}
			d.Remove(aka.AttrCheckcode)
			d.Add(aka.AttrCheckcode, make([]byte, 2+n)...)
		}, Methods: onlyAKAs, Want: WantNotification, Source: "RFC 4187 10.13"},
		{Name: "AT_RESULT_IND unasked", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrResultInd, 0, 0) }, Want: WantNotification, Source: "RFC 4187 6.2"},
		{Name: "AT_RES in a re-authentication", Edit: func(_ *Peer, d *Draft) {
			d.Add(aka.AttrRES, 0, 64, 1, 2, 3, 4, 5, 6, 7, 8)
		}, Methods: onlyAKAs, Want: WantNotification, Source: answer},

		{Name: "counter too small, and another counter", Edit: tooSmall(1), Want: WantNotification, Source: small},
		{Name: "counter too small, and no counter", Edit: func(p *Peer, d *Draft) {
			tooSmall(0)(p, d)
			d.Nested = d.Nested[4:]
		}, Want: WantNotification, Source: small},
		{Name: "counter too small, AT_MAC without NONCE_S", Edit: func(p *Peer, d *Draft) {
			tooSmall(0)(p, d)
			d.MACExtra = nil
		}, Want: WantNotification, Source: small},
		{Name: "counter too small, twice", Edit: func(p *Peer, d *Draft) {
			tooSmall(0)(p, d)
			d.AddNested(aka.AttrCounterTooSmall, 0, 0)
		}, Want: WantNotification, Source: parse},

		{Name: "counter too small, though it is not", Edit: func(p *Peer, d *Draft) {
			tooSmall(0)(p, d)
			d.Remove(aka.AttrResultInd)
		}, Want: WantSuccess, Source: small},
		{Name: "no AT_CHECKCODE", IdentityRound: true, Edit: func(_ *Peer, d *Draft) { d.Remove(aka.AttrCheckcode) }, Methods: onlyAKAs, Want: WantSuccess, Source: "RFC 4187 10.13"},
		{Name: "skippable attribute inside", Edit: nested(byte(skippable), 1, 0, 0), Want: WantSuccess, Source: parse},
		{Name: "no padding needed", Edit: padded(byte(skippable), 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), Want: WantSuccess, Source: padding},
		{Name: "attributes in another order", Edit: func(_ *Peer, d *Draft) {
			mac := d.Remove(aka.AttrMAC)
			d.AddFirst(aka.AttrMAC, mac...)
		}, Methods: onlyAKAs, Want: WantSuccess, Source: "RFC 4187 8.1"},
		{Name: "result indications declined", ResultIndications: true, Edit: func(p *Peer, d *Draft) {
			d.Remove(aka.AttrResultInd)
			p.resultInd = false
		}, Want: WantSuccess, Source: "RFC 4187 6.2"},
	}
	for i := range lies {
		lies[i] = AtReauth.lie(lies[i])
	}
	return lies
}

// resign fills in AT_MAC, the last attribute, anew.
func resign(p *Peer, pkt []byte) []byte {
	sign(pkt, pkt[len(pkt)-macLen:], p.nonceS[:], &p.keys)
	return pkt
}

// reauthNotificationLies spoil the counter of a notification's response, when
// nothing can change any more.
func reauthNotificationLies() []Lie {
	var lies []Lie
	for _, s := range []LieState{AtReauthSuccess, AtReauthRefusal} {
		for _, l := range []Lie{
			{Name: "another counter", Edit: func(_ *Peer, d *Draft) { d.Nested[3] ^= 1 }},
			{Name: "no counter", Edit: func(_ *Peer, d *Draft) {
				d.Nested = append([]byte{byte(skippable), 4}, make([]byte, 14)...)
			}},
			{Name: "no encrypted data", Edit: func(_ *Peer, d *Draft) { d.Nested = nil }},
			{Name: "bad padding", Edit: func(_ *Peer, d *Draft) {
				d.Nested = append(d.Nested, byte(aka.AttrPadding), 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
			}},
			{Name: "counter too small", Edit: func(_ *Peer, d *Draft) { d.AddNested(aka.AttrCounterTooSmall, 0, 0) }},
		} {
			l.Name += " at " + s.String()
			l.Want, l.Source = s.want(WantNotification), "RFC 4187 6.2, 6.3.3"
			lies = append(lies, s.lie(l))
		}
	}
	return lies
}

// temporaryLies are lies about the identities that a server has given out. The
// peer tells them however often it is asked.
func temporaryLies() []Lie {
	const source = "RFC 4187 4.1.7"
	say := func(from func(*Peer) string, change func(string) string) func(*Peer, *Draft) {
		return func(p *Peer, d *Draft) {
			id := change(from(p))
			p.identity = id
			d.Remove(aka.AttrIdentity)
			b := append([]byte{byte(len(id) >> 8), byte(len(id))}, id...)
			for len(b)%4 != 2 {
				b = append(b, 0)
			}
			d.Add(aka.AttrIdentity, b...)
		}
	}
	pseudonym := func(p *Peer) string { return p.ids.pseudonym[methodSlot(p.method)] }
	reauth := func(p *Peer) string { return p.ids.reauth.id }
	flip := func(at int) func(string) string {
		return func(id string) string {
			b := []byte(id)
			if b[at] == 'A' {
				b[at] = 'B'
			} else {
				b[at] = 'A'
			}
			return string(b)
		}
	}
	digit := func(c string) func(string) string { return func(id string) string { return c + id[1:] } }
	user := func(f func(string) string) func(string) string {
		return func(id string) string {
			name, realm, _ := bytes.Cut([]byte(id), []byte("@"))
			return f(string(name)) + "@" + string(realm)
		}
	}
	cut := user(func(s string) string { return s[:len(s)-2] })
	longer := user(func(s string) string { return s + "AA" })
	empty := user(func(s string) string { return s[:1] })
	same := func(s string) string { return s }
	lies := []Lie{
		{Name: "forged pseudonym, its first octet", Edit: say(pseudonym, flip(1)), Want: WantNotification},
		{Name: "forged pseudonym, another octet", Edit: say(pseudonym, flip(12)), Want: WantNotification},
		{Name: "pseudonym cut off", Edit: say(pseudonym, cut), Want: WantNotification},
		{Name: "pseudonym made longer", Edit: say(pseudonym, longer), Want: WantNotification},
		{Name: "pseudonym of a digit only", Edit: say(pseudonym, empty), Want: WantNotification},
		{Name: "pseudonym of EAP-AKA'", Methods: []eap.Type{eap.TypeAKA, eap.TypeSIM}, Edit: say(pseudonym, digit("7")), Want: WantNotification},
		{Name: "pseudonym of EAP-AKA", Methods: []eap.Type{eap.TypeAKAPrime, eap.TypeSIM}, Edit: say(pseudonym, digit("2")), Want: WantNotification},
		{Name: "pseudonym of EAP-SIM", Methods: onlyAKAs, Edit: say(pseudonym, digit("3")), Want: WantNotification},
		{Name: "pseudonym as a permanent identity", Edit: say(pseudonym, digit("0")), Want: WantNotification},
		{Name: "pseudonym as a re-authentication identity", Methods: onlyAKA, Edit: say(pseudonym, digit("4")), Want: WantNotification},
		{Name: "pseudonym as a re-authentication identity", Methods: onlyPrime, Edit: say(pseudonym, digit("8")), Want: WantNotification},
		{Name: "pseudonym as a re-authentication identity", Methods: onlySIM, Edit: say(pseudonym, digit("5")), Want: WantNotification},
		{Name: "forged re-authentication identity", Reauth: true, Edit: say(reauth, flip(1)), Want: WantNotification},
		{Name: "re-authentication identity cut off", Reauth: true, Edit: say(reauth, cut), Want: WantNotification},
		{Name: "re-authentication identity of a digit only", Reauth: true, Edit: say(reauth, empty), Want: WantNotification},
		{Name: "re-authentication identity of EAP-AKA'", Methods: []eap.Type{eap.TypeAKA, eap.TypeSIM}, Reauth: true, Edit: say(reauth, digit("8")), Want: WantNotification},
		{Name: "re-authentication identity of EAP-AKA", Methods: []eap.Type{eap.TypeAKAPrime, eap.TypeSIM}, Reauth: true, Edit: say(reauth, digit("4")), Want: WantNotification},
		{Name: "re-authentication identity of EAP-SIM", Methods: onlyAKAs, Reauth: true, Edit: say(reauth, digit("5")), Want: WantNotification},
		{Name: "re-authentication identity as a pseudonym", Methods: onlyAKA, Reauth: true, Edit: say(reauth, digit("2")), Want: WantNotification},
		{Name: "re-authentication identity as a pseudonym", Methods: onlyPrime, Reauth: true, Edit: say(reauth, digit("7")), Want: WantNotification},
		{Name: "re-authentication identity as a pseudonym", Methods: onlySIM, Reauth: true, Edit: say(reauth, digit("3")), Want: WantNotification},

		{Name: "pseudonym with another realm", Edit: say(pseudonym, func(id string) string {
			return user(same)(id) + ".example.org"
		}), Want: WantSuccess},
		{Name: "pseudonym where re-authentication was possible", Methods: onlyAKAs, Reauth: true, Edit: say(pseudonym, same), Want: WantSuccess},
		{Name: "re-authentication identity with another realm", Reauth: true, Edit: func(p *Peer, d *Draft) {
			say(reauth, func(id string) string { return id + ".example.org" })(p, d)
			p.ids.reauth.id = p.identity
		}, Want: WantSuccess},
	}
	for i := range lies {
		lies[i] = AtIdentity.lie(lies[i])
		lies[i].Logins, lies[i].Source = 1, source
	}
	return lies
}
