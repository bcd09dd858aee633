package aka

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// FuzzReauthMachine feeds arbitrary responses in sequence to runs that begin
// with what a phone was given: each octet of script says what the peer, or the
// store, does next, data is what garbage is made of. The run ends within bounds,
// and in success only after a proof; no context serves twice.
func FuzzReauthMachine(f *testing.F) {
	for i := range 24 {
		script := make([]byte, 16)
		for k := range script {
			script[k] = byte(i*k + i)
		}
		f.Add(script, []byte("200, 1, 0, 0\x13\x01\x00\x01"), byte(i))
	}
	f.Add([]byte{0, 1, 0, 0, 0, 0, 0}, []byte{}, byte(0))          // re-authentication
	f.Add([]byte{0, 2, 0, 3, 0, 0, 0, 0, 0}, []byte{}, byte(3))    // counter too small
	f.Add([]byte{250, 8, 3, 0, 0, 0, 0, 0, 0}, []byte{}, byte(12)) // store out of order
	f.Fuzz(func(t *testing.T, script, data []byte, how byte) {
		if len(data) > 900 {
			data = data[:900]
		}
		cfg := reauthConfig()
		cfg.ResultIndications, cfg.AlwaysRequestIdentity = how&2 != 0, how&4 != 0
		typ := eap.TypeAKA
		if how&1 != 0 {
			typ = eap.TypeAKAPrime
		}
		m := newTest(typ, cfg)
		p := fullLogin(t, m, false)
		store := cfg.Reauth.(*MemoryReauthStore)
		c := newConv(t, m, p.reauthID)
		switch how >> 3 & 3 {
		case 1:
			c = newConv(t, m, p.pseudonym+"@example.org")
		case 2:
			c = newConv(t, m, string(data[:min(len(data), eap.MaxIdentityLen)]))
		}
		c.storing, c.turn.Now = how&32 != 0, testTime
		r := &reauth{conv: c, phone: p}
		proved, swapped, requests := false, 0, 0
		c.start()
		for _, what := range script {
			switch c.step.Kind {
			case eap.StepSuccess:
				require.True(t, proved)
				require.Equal(t, swapped == 1, c.step.Result.Reauthenticated)
				require.Equal(t, testIMSI, c.step.Result.IMSI)
				return
			case eap.StepFailure:
				return
			case eap.StepNeed:
				switch need := c.step.Need.(type) {
				case *NeedVectors:
					v := testVector()
					v.RAND[1] = byte(requests + 1)
					switch {
					case need.Request.IMSI != testIMSI:
						// Anybody can claim to be somebody else.
						c.resume(VectorsAnswer{Err: ErrUnknownSubscriber})
					case what == 255:
						c.resume(VectorsAnswer{Err: ErrUnavailable})
					default:
						c.give(v)
					}
				case *NeedReauth:
					if what >= 250 {
						c.resume(ReauthAnswer{Err: errors.New("down")})
						continue
					}
					if need.Op == ReauthSwap {
						require.True(t, proved)
						swapped++
					}
					c.resolve()
					require.LessOrEqual(t, store.Len(), 2)
				default:
					require.True(t, proved)
					c.resume(eap.Authorization{Refusal: eap.Refusal(what % 5)})
				}
				continue
			}
			requests++
			require.LessOrEqual(t, requests, 3+1+1+2+1, "identity, re-authentication, challenge, resyncs, notification")
			st := c.m.(*machine).state
			if st == stateReauth && r.counter == 0 {
				r.read()
			}
			var pkt []byte
			switch what % 12 {
			case 0:
				pkt = c.identityResponse(p.reauthID)
			case 1:
				if pkt = r.goodAnswer(); st == stateReauth {
					proved = true
				}
			case 2:
				pkt = r.tooSmall()
			case 3:
				if pkt = c.goodAnswer(); st == stateChallenge {
					proved = true
				}
			case 4:
				pkt = c.response(SubtypeReauthentication, func(b *Builder) { b.Raw(data) })
			case 5: // anything encrypted, with the right MAC
				pkt = r.answer(func(b *Builder) {
					b.Raw(data[:len(data)/4*4])
					if len(data) < 4 {
						b.Number(AttrCounter, r.counter)
					}
				}, nil)
				proved = proved || st == stateReauth
			case 6: // anything beside it
				pkt = r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, func(b *Builder) { b.Raw(data[:len(data)/4*4]) })
				proved = proved || st == stateReauth
			case 7:
				pkt = c.response(Subtype(what/12), func(b *Builder) { b.Raw(data) })
			case 8:
				pkt = c.identityResponse(idFor(typ))
				c.identity = idFor(typ)
			case 9:
				pkt = c.identityResponse(string(data))
			case 10:
				pkt = c.syncFailure(m.kdfs)
			case 11:
				pkt = append([]byte{2, c.last.Identifier, 0, 0, byte(typ)}, data...)
				eap.EndPacket(pkt, 0)
			}
			c.handle(pkt)
		}
	})
}
