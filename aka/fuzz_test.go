package aka

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// FuzzDecode: no panic; what decodes holds only what is in the packet, and its
// attributes appended again decode to the same.
func FuzzDecode(f *testing.F) {
	for _, r := range recordings(f) {
		for _, m := range r.Messages {
			f.Add([]byte(m.EAP))
			if m.Plain != nil {
				f.Add([]byte(m.Plain))
			}
		}
	}
	for _, m := range badMessages {
		f.Add(packet(f, m.code, m.hex).Raw)
	}
	keys := AKAKeys("", [16]byte{}, [16]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := eap.Decode(b)
		if err != nil {
			return
		}
		m, err := Decode(p)
		if err != nil {
			var e *AttrError
			require.ErrorAs(t, err, &e)
			_ = e.Error()
			return
		}
		_ = m.VerifyMAC(&keys, nil)
		if plain, err := m.Decrypt(nil, &keys); err == nil {
			_, _ = m.DecodeNested(plain)
		}
		_, _ = m.DecodeNested(m.Octets())
		var again []byte
		for typ, v := range m.All() {
			again = append(append(again, byte(typ), byte((len(v)+2)/4)), v...)
		}
		require.Equal(t, m.Octets(), append([]byte{}, again...))
		nb := NewMessage(nil, m.Code, m.Identifier, m.Type, m.Subtype)
		nb.Raw(again)
		out, err := nb.Bytes()
		require.NoError(t, err)
		q, err := eap.Decode(out)
		require.NoError(t, err)
		n, err := Decode(q)
		require.NoError(t, err)
		require.Equal(t, m.present, n.present)
		require.True(t, bytes.Equal(m.RES, n.RES) && bytes.Equal(m.Identity, n.Identity))
	})
}

// FuzzRestore: no panic; what is restored is encoded to the same machine.
func FuzzRestore(f *testing.F) {
	for _, typ := range []eap.Type{eap.TypeAKA, eap.TypeAKAPrime} {
		for _, s := range waitingStates(f, typ) {
			f.Add(s)
		}
	}
	for _, s := range waitingSIMStates(f) {
		f.Add(s)
	}
	secret, err := newFS(f, Config{}).toChallenge().m.AppendState(nil)
	require.NoError(f, err)
	f.Add(secret)
	for _, typ := range []eap.Type{eap.TypeAKA, eap.TypeAKAPrime} {
		m := newTest(typ, reauthConfig())
		b, err := toReauth(f, m, fullLogin(f, m, false), false).m.AppendState(nil)
		require.NoError(f, err)
		f.Add(b)
	}
	aka, prime, sim := newTest(eap.TypeAKA, reauthConfig()), newTest(eap.TypeAKAPrime, reauthConfig()), newTest(eap.TypeSIM, Config{})
	fs := newTest(eap.TypeAKAPrime, Config{ForwardSecrecy: FSOffered})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range []*Method{aka, prime, sim, fs} {
			r, err := m.Restore(eap.Peer{Identity: akaID}, b)
			if err != nil {
				require.ErrorIs(t, err, ErrState)
				continue
			}
			one, err := r.AppendState(nil)
			require.NoError(t, err)
			require.LessOrEqual(t, len(one), len(b))
			r, err = m.Restore(eap.Peer{Identity: akaID}, one)
			require.NoError(t, err)
			two, err := r.AppendState(nil)
			require.NoError(t, err)
			require.Equal(t, one, two)
			p, err := eap.Decode([]byte{2, 1, 0, 8, byte(m.typ), 12, 0, 0})
			require.NoError(t, err)
			_ = r.Handle(eap.Turn{}, p)
		}
	})
}

// FuzzMachine feeds arbitrary responses in sequence: each octet of script says
// what the peer does next, data is what garbage is made of. Whatever happens,
// the run ends within bounds, and without RES never in success.
func FuzzMachine(f *testing.F) {
	for i := range 20 {
		script := make([]byte, 12)
		for k := range script {
			script[k] = byte(i*k + i)
		}
		f.Add(script, []byte{3, 3, 0, 64, 1, 2, 3, 4, 5, 6, 7, 8}, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, script, data []byte, prime bool) {
		typ := eap.TypeAKA
		if prime {
			typ = eap.TypeAKAPrime
		}
		m := newTest(typ, Config{ResultIndications: true})
		c := newConv(t, m, idFor(typ))
		if len(data) > 0 && data[0]&1 == 0 {
			c = newConv(t, m, string(data))
			c.identity = idFor(typ)
		}
		require.LessOrEqual(t, len(script), 1<<20)
		c.storing = len(script)%2 == 0
		proved, requests := false, 0
		c.start()
		for _, what := range script {
			switch c.step.Kind {
			case eap.StepSuccess:
				require.True(t, proved)
				return
			case eap.StepFailure:
				return
			case eap.StepNeed:
				switch c.step.Need.(type) {
				case *NeedVectors:
					v := testVector()
					v.RAND[1] = byte(requests)
					if what == 255 {
						c.resume(VectorsAnswer{Err: ErrUnavailable})
					} else {
						c.give(v)
					}
				default:
					require.True(t, proved)
					c.resume(eap.Authorization{Refusal: eap.Refusal(what % 5)})
				}
				continue
			}
			requests++
			require.LessOrEqual(t, requests, 3+1+2+1+1, "identity, challenge, resyncs, KDF, notification")
			var pkt []byte
			switch what % 8 {
			case 0:
				pkt = c.identityResponse(string(data[:min(len(data), 500)]))
			case 1:
				pkt = c.identityResponse(c.identity)
			case 2:
				pkt = c.response(Subtype(what/8), func(b *Builder) { b.Raw(data[:min(len(data), 1000)]) })
			case 3:
				pkt = c.syncFailure(m.kdfs)
			case 4:
				pkt = c.response(SubtypeNotification, nil)
			case 5:
				pkt = c.goodAnswer()
				if !bytes.Contains(data, []byte("good")) {
					pkt[len(pkt)-1] ^= 1
				} else if c.m.(*machine).state == stateChallenge {
					proved = true
				}
			case 6:
				pkt = c.response(SubtypeChallenge, func(b *Builder) {
					b.Raw(data[:min(len(data), 1000)/4*4])
					b.MAC(c.keys(), nil)
				})
				// The one other way to the right RES.
				proved = proved || bytes.Contains(data, c.vector.XRES[:8])
			case 7:
				pkt = append([]byte{2, c.last.Identifier, 0, 0, byte(typ)}, data[:min(len(data), 1000)]...)
				eap.EndPacket(pkt, 0)
			}
			c.handle(pkt)
		}
	})
}
