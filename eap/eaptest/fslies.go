package eaptest

import (
	"encoding/hex"
	"slices"

	"github.com/opentwag/twag/aka"
)

// FSLies returns the lies about forward secrecy that a server's tests go
// through. Server and peer must use it, the server offering P-256 before
// X25519.
func FSLies() []Lie {
	const (
		start  = "RFC 9678 6.3: starts again, here once"
		change = "RFC 9678 6.2"
	)
	// The curve has no y for x = 7.
	offCurve := slices.Concat([]byte{2}, make([]byte, 31), []byte{7}, make([]byte, 1))
	prime, err := hex.DecodeString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
	if err != nil {
		panic(err)
	}
	public := func(v []byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) {
			d.Remove(aka.AttrPubECDHE)
			d.Add(aka.AttrPubECDHE, v...)
		}
	}
	first := func(x byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) { d.Value(aka.AttrPubECDHE)[0] = x }
	}
	only := func(groups ...byte) func(*Peer, *Draft) {
		return func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeChallenge)
			for _, g := range groups {
				d.Add(aka.AttrKDFFS, 0, g)
			}
		}
	}
	lies := []Lie{
		{Name: "point off the curve", Edit: public(offCurve), Want: WantNotification, Source: start},
		{Name: "x not below the prime", Edit: public(slices.Concat([]byte{2}, prime, []byte{0})), Want: WantNotification, Source: start},
		{Name: "x of ones", Edit: public(slices.Concat([]byte{3}, slices.Repeat([]byte{255}, 32), []byte{0})), Want: WantNotification, Source: start},
		{Name: "point at infinity", Edit: public(make([]byte, 34)), Want: WantNotification, Source: start},
		{Name: "uncompressed point", Edit: first(4), Want: WantNotification, Source: start},
		{Name: "hybrid point", Edit: first(6), Want: WantNotification, Source: start},
		{Name: "value too short", Edit: public(make([]byte, 30)), Want: WantNotification, Source: "RFC 4187 6.3.2"},
		{Name: "value too long", Edit: public(make([]byte, 66)), Want: WantNotification, Source: "RFC 4187 6.3.2"},
		{Name: "no value in the attribute", Edit: public(make([]byte, 2)), Want: WantNotification, Source: "RFC 4187 6.3.2"},
		{Name: "two public values", Edit: func(_ *Peer, d *Draft) {
			d.Add(aka.AttrPubECDHE, d.Value(aka.AttrPubECDHE)...)
		}, Want: WantNotification, Source: "RFC 4187 6.3.2"},
		{Name: "public value changed after the MAC", Mangle: func(_ *Peer, pkt []byte) []byte {
			if at, n := findAttr(pkt[akaHeaderLen:], aka.AttrPubECDHE); n != 0 {
				pkt[akaHeaderLen+at+10] ^= 1
			}
			return pkt
		}, Want: WantNotification, Source: "RFC 4187 10.15"},
		{Name: "public value without the MAC's knowledge", Edit: func(p *Peer, d *Draft) {
			d.Sign = false
		}, Want: WantNotification, Source: "RFC 4187 10.15"},
		{Name: "the first group asked for", Edit: only(byte(aka.FSP256)), Want: WantNotification, Source: change},
		{Name: "a group asked for that was not offered", Edit: only(9), Want: WantNotification, Source: change},
		{Name: "two groups asked for", Edit: only(byte(aka.FSX25519), byte(aka.FSP256)), Want: WantNotification, Source: change},
		{Name: "AT_KDF and AT_KDF_FS asked for", Edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeChallenge)
			d.Add(aka.AttrKDF, 0, 1)
			d.Add(aka.AttrKDFFS, 0, byte(aka.FSX25519))
		}, Want: WantNotification, Source: change},
		{Name: "AT_KDF_FS of eight octets", Edit: func(_ *Peer, d *Draft) {
			d.Become(aka.SubtypeChallenge)
			d.Add(aka.AttrKDFFS, 0, byte(aka.FSX25519), 0, 0, 0, 0)
		}, Want: WantNotification, Source: "RFC 9678 6.2"},
		{Name: "AT_KDF_FS of a group that is not in use, beside AT_RES", Edit: func(_ *Peer, d *Draft) {
			d.Add(aka.AttrKDFFS, 0, byte(aka.FSX25519))
		}, Want: WantNotification, Source: change},
		{Name: "AT_KDF_FS of the group in use, beside AT_RES", Edit: func(_ *Peer, d *Draft) {
			d.Add(aka.AttrKDFFS, 0, byte(aka.FSP256))
		}, Want: WantSuccess, Source: change},
		{Name: "padding that is not zero", Edit: func(_ *Peer, d *Draft) {
			d.Value(aka.AttrPubECDHE)[33] = 7
		}, Want: WantSuccess, Source: "RFC 9678 6.1"},
	}
	for i := range lies {
		lies[i].At, lies[i].Methods = aka.SubtypeChallenge, onlyPrime
	}
	// Where forward secrecy has no place it is ignored (RFC 9678, section 6.5).
	stray := func(_ *Peer, d *Draft) {
		d.Add(aka.AttrKDFFS, 0, 1, 0, 0, 0, 0)
		d.Add(aka.AttrPubECDHE, 1, 2)
		d.Add(aka.AttrPubECDHE, 1, 2)
	}
	return append(lies,
		Lie{Name: "in an identity", At: aka.SubtypeIdentity, Methods: onlyPrime, IdentityRound: true, Edit: stray, Want: WantSuccess, Source: "RFC 9678 6.5.2"},
		Lie{Name: "in an answer to a notification", At: aka.SubtypeNotification, Methods: onlyPrime, ResultIndications: true, Edit: stray, Want: WantSuccess, Source: "RFC 9678 6.5.11"},
	)
}
