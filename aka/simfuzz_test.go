package aka

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// FuzzSIMMachine is FuzzMachine for EAP-SIM: without the SRES a run never ends
// in success.
func FuzzSIMMachine(f *testing.F) {
	for i := range 20 {
		script := make([]byte, 10)
		for k := range script {
			script[k] = byte(i*k + i)
		}
		f.Add(script, []byte{7, 5, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, i%2 == 0)
		f.Add(append([]byte{1, 0, 4, 4, 4}, script...), []byte("good"), i%2 == 0)
		f.Add(append([]byte{0, 7 + 8*byte(i), 0, 0, 0, 4}, script...), []byte("\x04good"), false)
	}
	f.Fuzz(func(t *testing.T, script, data []byte, always bool) {
		cfg := reauthConfig()
		cfg.ResultIndications, cfg.AlwaysRequestIdentity = true, always
		p := &simPhone{method: newTest(eap.TypeSIM, cfg)}
		p.full(t)
		c := p.conv(t, simID)
		if len(data) > 0 && data[0]&1 == 0 {
			c.peer.Identity = string(data)
			if data[0]&2 == 0 {
				c.peer.Identity, c.identity = p.reauthID, p.reauthID
			}
			c.m = c.method.New(c.peer)
		}
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
					if what == 255 {
						c.resume(VectorsAnswer{Err: ErrUnavailable})
					} else {
						c.serve(1 + int(what)%2)
					}
				case *NeedReauth:
					c.resolve()
				default:
					require.True(t, proved)
					c.resume(eap.Authorization{Refusal: eap.Refusal(what % 5)})
				}
				continue
			}
			requests++
			require.LessOrEqual(t, requests, 3+1+1+1+1, "three SIM-Starts, re-authentication, another SIM-Start, challenge, notification")
			c.triplets = c.triplets[:min(len(c.triplets), 3)]
			var pkt []byte
			switch what % 8 {
			case 0:
				pkt = c.startAnswer("")
			case 1:
				pkt = c.startAnswer(c.identity)
			case 2:
				pkt = c.startAnswer(string(data[:min(len(data), 500)]))
			case 3:
				pkt = c.response(Subtype(what/8), func(b *Builder) { b.Raw(data[:min(len(data), 1000)]) })
			case 4:
				pkt = c.goodAnswer()
				if !bytes.Contains(data, []byte("good")) {
					pkt[len(pkt)-1] ^= 1
				} else if c.m.(*machine).state == stateChallenge {
					proved = true
				}
			case 5:
				pkt = append([]byte{2, c.last.Identifier, 0, 0, byte(eap.TypeSIM)}, data[:min(len(data), 1000)]...)
				eap.EndPacket(pkt, 0)
			case 6:
				c.identity = p.reauthID
				pkt = c.onlyIdentity(p.reauthID)
			case 7:
				r := &reauth{conv: c.conv, phone: &p.phone}
				if c.last.Subtype == SubtypeReauthentication {
					a := p.learn(t, &c.last, &p.keys)
					r.counter, r.nonceS = a.Counter, [16]byte(a.NonceS)
				}
				switch {
				case what&16 != 0:
					pkt = r.tooSmall()
				case bytes.Contains(data, []byte("good")):
					pkt = r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter) }, nil)
					proved = proved || c.m.(*machine).state == stateReauth
				default:
					pkt = r.answer(func(b *Builder) { b.Number(AttrCounter, r.counter+1) }, nil)
				}
			}
			c.handle(pkt)
		}
	})
}
