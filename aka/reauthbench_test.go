package aka

import (
	"testing"

	"github.com/opentwag/twag/eap"
)

// The server's whole cost of a fast re-authentication, the store in memory
// included. The peer's answer is made beforehand, so that the context and
// NONCE_S are the same every time.
func benchReauth(b *testing.B, typ eap.Type, storing bool) {
	cfg := reauthConfig()
	cfg.Rand = zeroReader{}
	m := newTest(typ, cfg)
	p := fullLogin(b, m, false)
	r := toReauth(b, m, p, false)
	context := r.m.(*machine).reauth.context
	answer := r.goodAnswer()
	resp, err := eap.Decode(answer)
	if err != nil {
		b.Fatal(err)
	}
	peer := eap.Peer{Identity: p.reauthID}
	turn := eap.Turn{Now: testTime, Identifier: answer[1]}
	resolve := func(s eap.Step) eap.Answer { return s.Need.(eap.Resolver).Resolve(b.Context()) }
	var state []byte
	b.ReportAllocs()
	for b.Loop() {
		_ = cfg.Reauth.Put(b.Context(), context)
		run := m.New(peer)
		run.Resume(turn, resolve(run.Start(turn)))
		if storing {
			state, _ = run.AppendState(state[:0])
			run, _ = m.Restore(peer, state)
		}
		run.Resume(turn, resolve(run.Handle(turn, resp)))
		if s := run.Resume(turn, eap.Authorization{}); s.Kind != eap.StepSuccess {
			b.Fatal(s.Err)
		}
	}
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func BenchmarkReauthAKA(b *testing.B)            { benchReauth(b, eap.TypeAKA, false) }
func BenchmarkReauthAKAPrime(b *testing.B)       { benchReauth(b, eap.TypeAKAPrime, false) }
func BenchmarkReauthAKAPrimeStored(b *testing.B) { benchReauth(b, eap.TypeAKAPrime, true) }

// A full authentication without pseudonyms, to see what they cost.
func BenchmarkLoginAKAPrimeNoPseudonyms(b *testing.B) {
	benchLogin(b, eap.TypeAKAPrime, Config{NoPseudonyms: true}, false)
}
