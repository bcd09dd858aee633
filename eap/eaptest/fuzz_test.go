package eaptest

import (
	"testing"

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
