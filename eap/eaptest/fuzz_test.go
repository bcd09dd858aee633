package eaptest

import (
	"testing"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// FuzzHandle hands a peer two arbitrary packets at any point of a login: it
// must neither panic nor believe what it should not.
func FuzzHandle(f *testing.F) {
	var file struct {
		Exchanges []struct{ Messages []struct{ EAP hexBytes } }
	}
	load(f, "eap_aka.json", &file)
	for _, e := range file.Exchanges {
		for i, m := range e.Messages[1:] {
			f.Add([]byte(e.Messages[i].EAP), []byte(m.EAP))
		}
	}
	usim := newUSIM(f, USIMConfig{INDBits: -1})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		usim.SetSQN(0x16f3b3f70fc1)
		p := newPeer(t, PeerConfig{
			USIM: usim, IMSI: eap.MustParseIMSI("555444333222111"), ResultIndications: true,
		})
		for _, pkt := range [][]byte{first, second} {
			resp, _ := p.Handle(pkt)
			if resp != nil {
				if q, err := eap.Decode(resp); err != nil || q.Code != eap.CodeResponse || q.Identifier != pkt[1] {
					t.Fatalf("answer %x to %x", resp, pkt)
				}
			}
			if p.Status() == Succeeded {
				// A success takes a challenge and EAP-Success at least, and
				// the recorded challenges want an identity round before.
				t.Fatalf("success after %x, %x", first, second)
			}
		}
	})
}

// FuzzReauth hands a peer arbitrary attributes inside of a fast
// re-authentication's AT_ENCR_DATA, of a server that knows the keys.
func FuzzReauth(f *testing.F) {
	nested := func(fill func(d *Draft)) []byte {
		var d Draft
		fill(&d)
		return d.Nested
	}
	f.Add(nested(func(d *Draft) {
		d.AddNested(aka.AttrCounter, 0, 1)
		d.AddNested(aka.AttrNonceS, make([]byte, 18)...)
		d.AddNested(aka.AttrNextReauthID, 0, 5, '4', 'n', 'e', 'x', 't', 0, 0, 0, 0, 0)
	}))
	f.Add(nested(func(d *Draft) {
		d.AddNested(aka.AttrNonceS, make([]byte, 18)...)
		d.AddNested(aka.AttrCounter, 0, 0)
		d.AddNested(skippable, 1, 2)
		d.AddNested(aka.AttrPadding, 0, 0)
	}))
	p := newPeer(f, PeerConfig{Methods: bothMethods})
	keys := aka.AKAPrimeKeys("6001010000000001", [16]byte{1}, [16]byte{2})
	f.Fuzz(func(t *testing.T, plain []byte) {
		p.ids.reauth = reauthContext{id: "8first", counter: 0, keys: keys}
		p.Reset()
		if _, err := p.Handle([]byte{1, 1, 0, 5, 1}); err != nil {
			t.Fatal(err)
		}
		d := Draft{
			Code: eap.CodeRequest, Identifier: 2, Type: eap.TypeAKAPrime,
			Subtype: aka.SubtypeReauthentication, Nested: plain[:len(plain)&^3], Sign: true,
		}
		d.Add(aka.AttrMAC, make([]byte, 2+macLen)...)
		if len(d.Nested) > 900 {
			return
		}
		resp, err := p.Handle(d.encode(&keys))
		q, bad := eap.Decode(resp)
		if bad != nil {
			t.Fatal(bad)
		}
		m, bad := aka.Decode(q)
		if bad != nil {
			t.Fatal(bad)
		}
		switch {
		case err != nil:
			if m.Subtype != aka.SubtypeClientError {
				t.Fatalf("%v with %v", m.Subtype, err)
			}
		case m.Subtype != aka.SubtypeReauthentication:
			t.Fatal(m.Subtype)
		case p.Reauthenticated() != (p.counter > 0):
			t.Fatalf("counter %d", p.counter)
		}
		if _, err := p.Handle([]byte{byte(eap.CodeSuccess), 2, 0, 4}); (err == nil) != p.Reauthenticated() {
			t.Fatal("EAP-Success", err)
		}
	})
}
