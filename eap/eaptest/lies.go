package eaptest

import (
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

var (
	onlyAKA   = []eap.Type{eap.TypeAKA}
	onlyPrime = []eap.Type{eap.TypeAKAPrime}
)

// notSkippable is an attribute type that nobody has defined and that must not
// be skipped; skippable one that must be.
const (
	notSkippable aka.AttrType = 127
	skippable    aka.AttrType = 254
)

// Lies returns the lies that a server's tests of EAP-AKA and EAP-AKA' go
// through, all told in a first login. Where the standards leave a server the
// choice, there is none of them.
func Lies() []Lie {
	lies := slices.Concat(identityLies(), challengeLies(), kdfLies(), syncLies(), notificationLies(), packetLies())
	for i := range lies {
		if lies[i].Methods == nil {
			lies[i].Methods = onlyAKAs
		}
	}
	return lies
}

func identityLies() []Lie {
	const (
		parse = "RFC 4187 6.3.2"
		round = "RFC 4187 4.1.7"
	)
	say := func(identity string) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) {
			d.Remove(aka.AttrIdentity)
			b := append([]byte{byte(len(identity) >> 8), byte(len(identity))}, identity...)
			for len(b)%4 != 2 {
				b = append(b, 0)
			}
			d.Add(aka.AttrIdentity, b...)
		}
	}
	lies := []Lie{
		{Name: "no AT_IDENTITY", Edit: func(_ *Peer, d *Draft) { d.Remove(aka.AttrIdentity) }, Want: WantNotification, Source: "RFC 4187 9.2"},
		{Name: "two AT_IDENTITY", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrIdentity, d.Value(aka.AttrIdentity)...) }, Want: WantNotification, Source: parse},
		{Name: "AT_IDENTITY longer than it is", Edit: func(_ *Peer, d *Draft) { d.Value(aka.AttrIdentity)[0] = 1 }, Want: WantNotification, Source: parse},
		{Name: "AT_MAC in identity", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrMAC, make([]byte, 18)...) }, Want: WantNotification, Source: "RFC 4187 9.2"},
		{Name: "AT_RES in identity", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrRES, 0, 32, 1, 2, 3, 4) }, Want: WantNotification, Source: parse},
		{Name: "unknown attribute in identity", Edit: func(_ *Peer, d *Draft) { d.Add(notSkippable, 0, 0) }, Want: WantNotification, Source: parse},
		{Name: "empty identity", Edit: say(""), Want: WantNotification, Source: round},
		{Name: "identity without meaning", Edit: say("nobody"), Want: WantNotification, Source: round},
		{Name: "identity of octets", Edit: say("0\xff\xfe\x01@\x80"), Want: WantNotification, Source: round},
		{Name: "identity too long", Edit: say(string(slices.Repeat([]byte("0"), 1000))), Want: WantNotification, Source: round},
		{Name: "encrypted identity that nobody can read", Edit: say("\x00QUJD"), Want: WantNotification, Source: round},
		{Name: "pseudonym of nobody", Edit: say("2abcdefghijklmnopqrstu"), Methods: onlyAKA, Want: WantNotification, Source: round},
		{Name: "pseudonym of nobody", Edit: say("7abcdefghijklmnopqrstu"), Methods: onlyPrime, Want: WantNotification, Source: round},
		{Name: "unknown subscriber", Edit: say("0999990000000000"), Methods: onlyAKA, Want: WantNotification, Source: round},
		{Name: "unknown subscriber", Edit: say("6999990000000000"), Methods: onlyPrime, Want: WantNotification, Source: round},
		{Name: "challenge response to an identity request", Edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeChallenge)
			d.Add(aka.AttrRES, 0, 64, 1, 2, 3, 4, 5, 6, 7, 8)
			d.Add(aka.AttrMAC, make([]byte, 18)...)
		}, Want: WantNotification, Source: parse},
		{Name: "synchronisation failure to an identity request", Edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeSyncFailure)
			d.Add(aka.AttrAUTS, make([]byte, 14)...)
		}, Want: WantNotification, Source: parse},
		{Name: "notification response to an identity request", Edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeNotification)
		}, Want: WantNotification, Source: parse},
		{Name: "client error to an identity request", Edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeClientError)
			d.Add(aka.AttrClientErrorCode, 0, 0)
		}, Want: WantFailure, Source: "RFC 4187 6.3.3"},
		{Name: "skippable attribute in identity", Edit: func(_ *Peer, d *Draft) { d.Add(skippable, 1, 2) }, Want: WantSuccess, Source: "RFC 4187 8.1"},
	}
	for i := range lies {
		lies[i].At, lies[i].IdentityRound = aka.SubtypeIdentity, true
	}
	return lies
}

func challengeLies() []Lie {
	const parse = "RFC 4187 6.3.2"
	resBits := func(bits uint16) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) {
			v := d.Value(aka.AttrRES)
			v[0], v[1] = byte(bits>>8), byte(bits)
		}
	}
	lies := []Lie{
		{Name: "wrong RES", Edit: func(_ *Peer, d *Draft) { d.Value(aka.AttrRES)[9] ^= 1 }, Want: WantNotification, Source: "RFC 4187 3"},
		{Name: "RES of zeros", Edit: func(_ *Peer, d *Draft) { clear(d.Value(aka.AttrRES)[2:]) }, Want: WantNotification, Source: "RFC 4187 3"},
		{Name: "RES one octet short", Edit: resBits(56), Want: WantNotification, Source: "RFC 4187 10.8"},
		{Name: "RES of its first half", Edit: func(_ *Peer, d *Draft) {
			v := d.Remove(aka.AttrRES)
			d.AddFirst(aka.AttrRES, append([]byte{0, 32}, v[2:6]...)...)
		}, Want: WantNotification, Source: "RFC 4187 10.8"},
		{Name: "RES of 63 bits", Edit: resBits(63), Want: WantNotification, Source: "RFC 4187 10.8"},
		{Name: "RES of no bits", Edit: resBits(0), Want: WantNotification, Source: "RFC 4187 10.8"},
		{Name: "RES of more bits than octets", Edit: resBits(128), Want: WantNotification, Source: "RFC 4187 10.8"},
		{Name: "RES with zeros behind", Edit: func(_ *Peer, d *Draft) {
			v := d.Remove(aka.AttrRES)
			d.AddFirst(aka.AttrRES, slices.Concat([]byte{0, 96}, v[2:10], make([]byte, 4))...)
		}, Want: WantNotification, Source: "RFC 4187 10.8"},
		{Name: "no AT_RES", Edit: func(_ *Peer, d *Draft) { d.Remove(aka.AttrRES) }, Want: WantNotification, Source: "RFC 4187 9.4"},
		{Name: "two AT_RES", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrRES, d.Value(aka.AttrRES)...) }, Want: WantNotification, Source: parse},
		{Name: "wrong AT_MAC", Mangle: func(_ *Peer, pkt []byte) []byte {
			pkt[len(pkt)-1] ^= 1
			return pkt
		}, Want: WantNotification, Source: parse},
		{Name: "AT_MAC of zeros", Edit: func(_ *Peer, d *Draft) { d.Sign = false }, Want: WantNotification, Source: parse},
		{Name: "no AT_MAC", Edit: func(_ *Peer, d *Draft) { d.Remove(aka.AttrMAC) }, Want: WantNotification, Source: "RFC 4187 9.4"},
		{Name: "two AT_MAC", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrMAC, make([]byte, 18)...) }, Want: WantNotification, Source: parse},
		{Name: "AT_MAC cut short", Edit: func(_ *Peer, d *Draft) {
			d.Remove(aka.AttrMAC)
			d.Add(aka.AttrMAC, make([]byte, 14)...)
		}, Want: WantNotification, Source: parse},
		{Name: "unknown attribute", Edit: func(_ *Peer, d *Draft) { d.Add(notSkippable, 0, 0) }, Want: WantNotification, Source: parse},
		{Name: "AT_IDENTITY in a challenge response", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrIdentity, 0, 0) }, Want: WantNotification, Source: parse},
		{Name: "AT_RAND in a challenge response", Edit: func(p *Peer, d *Draft) { d.Add(aka.AttrRAND, make([]byte, 18)...) }, Want: WantNotification, Source: parse},
		{Name: "AT_PADDING outside of AT_ENCR_DATA", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrPadding, 0, 0) }, Want: WantNotification, Source: "RFC 4187 10.12"},
		{Name: "AT_IV alone", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrIV, make([]byte, 18)...) }, Want: WantNotification, Source: "RFC 4187 10.12"},
		{Name: "attribute of no length", Edit: func(_ *Peer, d *Draft) { d.Attrs = append(d.Attrs, byte(skippable), 0, 0, 0) }, Want: WantNotification, Source: "RFC 4187 8.1"},
		{Name: "attribute longer than the packet", Edit: func(_ *Peer, d *Draft) { d.Attrs = append(d.Attrs, byte(skippable), 9, 0, 0) }, Want: WantNotification, Source: "RFC 4187 8.1"},
		{Name: "half an attribute", Edit: func(_ *Peer, d *Draft) { d.Attrs = append(d.Attrs, byte(skippable), 1) }, Want: WantNotification, Source: "RFC 4187 8.1"},
		{Name: "wrong AT_CHECKCODE", IdentityRound: true, Edit: func(_ *Peer, d *Draft) { d.Value(aka.AttrCheckcode)[2] ^= 1 }, Want: WantNotification, Source: "RFC 4187 10.13"},
		{Name: "AT_CHECKCODE denies the identity round", IdentityRound: true, Edit: func(_ *Peer, d *Draft) {
			d.Remove(aka.AttrCheckcode)
			d.Add(aka.AttrCheckcode, 0, 0)
		}, Want: WantNotification, Source: "RFC 4187 10.13"},
		{Name: "AT_CHECKCODE of wrong length", Edit: func(_ *Peer, d *Draft) {
			d.Remove(aka.AttrCheckcode)
			d.Add(aka.AttrCheckcode, make([]byte, 14)...)
		}, Want: WantNotification, Source: parse},
		{Name: "AT_RESULT_IND unasked", Edit: func(_ *Peer, d *Draft) { d.Add(aka.AttrResultInd, 0, 0) }, Want: WantNotification, Source: "RFC 4187 6.2"},
		{Name: "identity response to a challenge", Edit: func(p *Peer, d *Draft) {
			d.Become(aka.SubtypeIdentity)
			d.Add(aka.AttrIdentity, 0, 1, '0', 0, 0, 0)
		}, Want: WantNotification, Source: parse},
		{Name: "notification response to a challenge", Edit: func(_ *Peer, d *Draft) { d.Become(aka.SubtypeNotification) }, Want: WantNotification, Source: parse},
		{Name: "re-authentication response to a challenge", Edit: func(_ *Peer, d *Draft) { d.Subtype = aka.SubtypeReauthentication }, Want: WantNotification, Source: parse},
		{Name: "EAP-SIM subtype", Edit: func(_ *Peer, d *Draft) { d.Subtype = aka.SubtypeSIMChallenge }, Want: WantNotification, Source: parse},
		{Name: "unknown subtype", Edit: func(_ *Peer, d *Draft) { d.Subtype = 99 }, Want: WantNotification, Source: parse},
		{Name: "client error", Edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeClientError)
			d.Add(aka.AttrClientErrorCode, 0, 0)
		}, Want: WantFailure, Source: "RFC 4187 6.3.3"},
		{Name: "client error of unknown code", Edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeClientError)
			d.Add(aka.AttrClientErrorCode, 0xab, 0xcd)
		}, Want: WantFailure, Source: "RFC 4187 6.3.3"},
		{Name: "authentication reject", Edit: func(_ *Peer, d *Draft) { d.Become(aka.SubtypeAuthReject) }, Want: WantFailure, Source: "RFC 4187 6.3.3"},

		{Name: "skippable attribute", Edit: func(_ *Peer, d *Draft) { d.AddFirst(skippable, 1, 2) }, Want: WantSuccess, Source: "RFC 4187 8.1"},
		{Name: "no AT_CHECKCODE", IdentityRound: true, Edit: func(_ *Peer, d *Draft) { d.Remove(aka.AttrCheckcode) }, Want: WantSuccess, Source: "RFC 4187 10.13"},
		{Name: "reserved octets in use", Edit: func(_ *Peer, d *Draft) {
			d.Reserved = [2]byte{0xde, 0xad}
			copy(d.Value(aka.AttrCheckcode), "\xbe\xef")
			copy(d.Value(aka.AttrMAC), "\xff\xff")
		}, Want: WantSuccess, Source: "RFC 4187 8.1"},
		{Name: "encrypted attributes of the future", Edit: encryptSomething, Want: WantSuccess, Source: "RFC 4187 9.4"},
		{Name: "result indications declined", ResultIndications: true, Edit: func(p *Peer, d *Draft) {
			d.Remove(aka.AttrResultInd)
			p.resultInd = false
		}, Want: WantSuccess, Source: "RFC 4187 6.2"},
	}
	for i := range lies {
		lies[i].At = aka.SubtypeChallenge
	}
	return lies
}

// encryptSomething adds an AT_ENCR_DATA as a later version might send one.
func encryptSomething(p *Peer, d *Draft) {
	b := aka.NewMessage(nil, eap.CodeResponse, d.Identifier, d.Type, d.Subtype)
	b.Encrypt(&p.keys, [16]byte{1, 2, 3}, func(b *aka.Builder) {
		b.Raw(append([]byte{byte(skippable), 4}, make([]byte, 14)...))
	})
	if pkt, err := b.Bytes(); err == nil {
		d.Attrs = append(slices.Clone(pkt[akaHeaderLen:]), d.Attrs...)
	}
}

func kdfLies() []Lie {
	choose := func(values ...byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeChallenge)
			for _, v := range values {
				d.Add(aka.AttrKDF, 0, v)
			}
		}
	}
	const source = "RFC 9048 3.2"
	return []Lie{
		{Name: "AT_KDF not offered", At: aka.SubtypeChallenge, Methods: onlyPrime, Edit: choose(77), Want: WantNotification, Source: source},
		{Name: "AT_KDF that is the first already", At: aka.SubtypeChallenge, Methods: onlyPrime, Edit: choose(kdfDefault), Want: WantNotification, Source: source},
		{Name: "two AT_KDF and nothing else", At: aka.SubtypeChallenge, Methods: onlyPrime, Edit: choose(kdfDefault, 77), Want: WantNotification, Source: source},
		{Name: "AT_KDF in EAP-AKA", At: aka.SubtypeChallenge, Methods: onlyAKA, Edit: choose(kdfDefault), Want: WantNotification, Source: "RFC 4187 6.3.2"},
	}
}

func syncLies() []Lie {
	sync := func(auts func(p *Peer) []byte, kdfs func(p *Peer) aka.KDFList) func(*Peer, *Draft) {
		return func(p *Peer, d *Draft) {
			p.phase = phaseChallenged // and not surprised by another challenge
			d.Become(aka.SubtypeSyncFailure)
			d.Add(aka.AttrAUTS, auts(p)...)
			list := kdfs(p)
			for i := range list.Len() {
				d.Add(aka.AttrKDF, byte(list.At(i)>>8), byte(list.At(i)))
			}
		}
	}
	right := func(p *Peer) []byte {
		auts := p.cfg.USIM.AUTS(p.rand)
		return auts[:]
	}
	offered := func(p *Peer) aka.KDFList { return p.kdfs }
	const (
		bound  = "RFC 4187 6.3.1"
		verify = "TS 33.102 6.3.5"
		kdf    = "RFC 9048 3.2"
	)
	lies := []Lie{
		{Name: "synchronisation failure again and again", Edit: sync(right, offered), Want: WantNotification, Source: bound},
		{Name: "AUTS for another RAND", Edit: sync(func(p *Peer) []byte {
			rand := p.rand
			rand[0] ^= 1
			auts := p.cfg.USIM.AUTS(rand)
			return auts[:]
		}, offered), Want: WantNotification, Source: verify},
		{Name: "AUTS with a wrong MAC-S", Edit: sync(func(p *Peer) []byte {
			auts := p.cfg.USIM.AUTS(p.rand)
			auts[13] ^= 1
			return auts[:]
		}, offered), Want: WantNotification, Source: verify},
		{Name: "AUTS of zeros", Edit: sync(func(*Peer) []byte { return make([]byte, 14) }, offered), Want: WantNotification, Source: verify},
		{Name: "AUTS cut short", Edit: sync(func(*Peer) []byte { return make([]byte, 10) }, offered), Want: WantNotification, Source: "RFC 4187 10.9"},
		{Name: "no AT_AUTS", Edit: func(_ *Peer, d *Draft) { d.Become(aka.SubtypeSyncFailure) }, Want: WantNotification, Source: "RFC 4187 9.6"},
		{Name: "AUTS beside another AT_KDF", Methods: onlyPrime, Edit: sync(right, func(*Peer) aka.KDFList {
			return aka.NewKDFList(77)
		}), Want: WantNotification, Source: kdf},
		{Name: "AUTS beside one AT_KDF too many", Methods: onlyPrime, Edit: sync(right, func(p *Peer) aka.KDFList {
			return aka.NewKDFList(kdfDefault, kdfDefault)
		}), Want: WantNotification, Source: kdf},
		{Name: "AUTS without AT_KDF", Methods: onlyPrime, Edit: sync(right, func(*Peer) aka.KDFList {
			return aka.KDFList{}
		}), Want: WantNotification, Source: kdf},
	}
	for i := range lies {
		lies[i].At = aka.SubtypeChallenge
	}
	return lies
}

// notificationLies answer the notification of success, after which the login
// cannot fail any more.
func notificationLies() []Lie {
	lies := []Lie{
		{Name: "wrong AT_MAC to the success notification", Mangle: func(_ *Peer, pkt []byte) []byte {
			pkt[len(pkt)-1] ^= 1
			return pkt
		}},
		{Name: "no AT_MAC to the success notification", Edit: func(_ *Peer, d *Draft) { d.Remove(aka.AttrMAC) }},
		{Name: "unknown attribute to the success notification", Edit: func(_ *Peer, d *Draft) { d.Add(notSkippable, 0, 0) }},
		{Name: "half a header to the success notification", Mangle: func(_ *Peer, pkt []byte) []byte {
			pkt = pkt[:eapHeaderLen+1]
			eap.EndPacket(pkt, 0)
			return pkt
		}},
		{Name: "client error to the success notification", Edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeClientError)
			d.Add(aka.AttrClientErrorCode, 0, 0)
		}},
		{Name: "challenge response to the success notification", Edit: func(_ *Peer, d *Draft) { d.Subtype = aka.SubtypeChallenge }},
	}
	for i := range lies {
		lies[i].At, lies[i].ResultIndications = aka.SubtypeNotification, true
		lies[i].Want, lies[i].Source = WantSuccess, "RFC 4187 6.2"
	}
	return lies
}

// packetLies are wrong as EAP packets already.
func packetLies() []Lie {
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
	lies := []Lie{
		{Name: "wrong identifier", Mangle: func(_ *Peer, pkt []byte) []byte {
			pkt[1]++
			return pkt
		}, Want: WantDiscard, Source: match},
		{Name: "response of another type", Mangle: put(4, 13), Want: WantDiscard, Source: match},
		{Name: "Nak in the middle", IdentityRound: true, Mangle: func(_ *Peer, pkt []byte) []byte {
			return []byte{byte(eap.CodeResponse), pkt[1], 0, 6, byte(eap.TypeNak), byte(eap.TypeSIM)}
		}, Want: WantDiscard, Source: match},
		{Name: "a request from the peer", Mangle: put(0, byte(eap.CodeRequest)), Want: WantDiscard, Source: match},
		{Name: "EAP-Success from the peer", Mangle: func(_ *Peer, pkt []byte) []byte {
			return []byte{byte(eap.CodeSuccess), pkt[1], 0, 4}
		}, Want: WantDiscard, Source: match},
		{Name: "unknown code", Mangle: put(0, 9), Want: WantDiscard, Source: length},
		{Name: "longer than it is", Mangle: put(2, 4), Want: WantDiscard, Source: length},
		{Name: "cut off", Mangle: func(_ *Peer, pkt []byte) []byte { return pkt[:len(pkt)-1] }, Want: WantDiscard, Source: length},
		{Name: "no subtype", Mangle: func(_ *Peer, pkt []byte) []byte {
			pkt = pkt[:eapHeaderLen]
			eap.EndPacket(pkt, 0)
			return pkt
		}, Want: WantNotification, Source: "RFC 4187 6.3.2"},
		{Name: "half a header", Mangle: func(_ *Peer, pkt []byte) []byte {
			pkt = pkt[:eapHeaderLen+2]
			eap.EndPacket(pkt, 0)
			return pkt
		}, Want: WantNotification, Source: "RFC 4187 6.3.2"},
		{Name: "padding behind", Mangle: func(_ *Peer, pkt []byte) []byte { return append(pkt, 1, 2, 3) }, Want: WantSuccess, Source: match},
	}
	for i := range lies {
		lies[i].At = aka.SubtypeChallenge
	}
	return lies
}
