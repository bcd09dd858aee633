package aka

import (
	"testing"

	"github.com/opentwag/twag/eap"
)

// benchFS is benchLogin with forward secrecy. The peer's half is not in the
// measure, apart from AT_MAC: the response depends on nothing of the server's.
func benchFS(b *testing.B, g FSGroup, uses, storing bool) {
	m := newTest(eap.TypeAKAPrime, Config{ForwardSecrecy: FSOffered, FSGroups: []FSGroup{g}})
	c := newConv(b, m, primeID).toChallenge()
	answer := c.goodAnswer()
	if uses {
		value, _ := c.fsKeys()
		answer = c.fsPublic(value)
	}
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

func BenchmarkLoginForwardSecrecy(b *testing.B) {
	for _, g := range bothGroups {
		b.Run(g.String(), func(b *testing.B) { benchFS(b, g, true, false) })
		b.Run(g.String()+", stored", func(b *testing.B) { benchFS(b, g, true, true) })
		b.Run(g.String()+", peer without", func(b *testing.B) { benchFS(b, g, false, false) })
		b.Run(g.String()+", peer without, stored", func(b *testing.B) { benchFS(b, g, false, true) })
	}
}
