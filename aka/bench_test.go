package aka

import (
	"testing"

	"github.com/opentwag/twag/eap"
)

// benchLogin is the server's whole cost of a full authentication: challenge,
// response, authorization, result. The peer's messages are made beforehand.
func benchLogin(b *testing.B, typ eap.Type, cfg Config, storing bool) {
	m := newTest(typ, cfg)
	c := newConv(b, m, idFor(typ))
	c.toChallenge()
	answer := c.goodAnswer()
	peer := eap.Peer{Identity: c.identity}
	v := VectorsAnswer{Vectors: []Vector{testVector()}}
	resp, err := eap.Decode(answer)
	if err != nil {
		b.Fatal(err)
	}
	turn := eap.Turn{Identifier: answer[1]}
	var state []byte
	b.ReportAllocs()
	for b.Loop() {
		r := m.New(peer)
		r.Start(turn)
		r.Resume(turn, v)
		if storing {
			state, _ = r.AppendState(state[:0])
			r, _ = m.Restore(peer, state)
		}
		r.Handle(turn, resp)
		if s := r.Resume(turn, eap.Authorization{}); s.Kind != eap.StepSuccess {
			b.Fatal(s.Err)
		}
	}
}

func BenchmarkLoginAKA(b *testing.B)      { benchLogin(b, eap.TypeAKA, Config{}, false) }
func BenchmarkLoginAKAPrime(b *testing.B) { benchLogin(b, eap.TypeAKAPrime, Config{}, false) }

// BenchmarkLoginSIM is the same for EAP-SIM, which has a SIM-Start in front.
func BenchmarkLoginSIM(b *testing.B) {
	c := newSIMConv(b, Config{})
	c.start()
	start, err := eap.Decode(c.startAnswer(""))
	if err != nil {
		b.Fatal(err)
	}
	c.m.Handle(c.turn, start)
	v := VectorsAnswer{Vectors: c.vectors(3)}
	for i := range v.Vectors {
		c.triplets = append(c.triplets, v.Vectors[i].Triplet())
	}
	c.took(c.m.Resume(c.turn, v))
	answer, err := eap.Decode(c.goodAnswer())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := c.method.New(c.peer)
		r.Start(c.turn)
		r.Handle(c.turn, start)
		r.Resume(c.turn, v)
		r.Handle(c.turn, answer)
		if s := r.Resume(c.turn, eap.Authorization{}); s.Kind != eap.StepSuccess {
			b.Fatal(s.Err)
		}
	}
}

// The same, the state encoded and restored while the challenge is out.
func BenchmarkLoginAKAStored(b *testing.B)      { benchLogin(b, eap.TypeAKA, Config{}, true) }
func BenchmarkLoginAKAPrimeStored(b *testing.B) { benchLogin(b, eap.TypeAKAPrime, Config{}, true) }

func BenchmarkDecodeChallengeResponse(b *testing.B) {
	p, err := eap.Decode(recordings(b)[0].Messages[4].EAP)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyMAC(b *testing.B) {
	for _, n := range []int{0, 1} {
		r := recordings(b)[n]
		k := Keys{Method: eap.TypeAKA + eap.Type(n)*(eap.TypeAKAPrime-eap.TypeAKA)}
		copy(k.KAut[:], r.Derived[0].KAut)
		m := decodePacket(b, r.Messages[4].EAP)
		b.Run(m.Type.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := m.VerifyMAC(&k, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendChallenge(b *testing.B) {
	k := AKAKeys(akaID, [16]byte{1}, [16]byte{2})
	v := testVector()
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		m := NewMessage(buf, eap.CodeRequest, 1, eap.TypeAKA, SubtypeChallenge)
		m.Octets(AttrRAND, v.RAND[:])
		m.Octets(AttrAUTN, v.AUTN[:])
		m.Octets(AttrCheckcode, nil)
		m.MAC(&k, nil)
		if _, err := m.Bytes(); err != nil {
			b.Fatal(err)
		}
	}
}
