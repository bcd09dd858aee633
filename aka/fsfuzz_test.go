package aka

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// FuzzForwardSecrecy lets a peer that knows all keys say what it likes about
// groups and public values: the run ends within bounds, and when it ends well
// its keys come from the public values, or, where that is allowed, from none.
func FuzzForwardSecrecy(f *testing.F) {
	for i := range 16 {
		script := make([]byte, 9)
		for k := range script {
			script[k] = byte((i + 3) * k)
		}
		f.Add(script, offCurve)
	}
	f.Add([]byte{1, 0}, []byte{})
	f.Add([]byte{5, 0, 0, 0, 1}, make([]byte, 34))
	f.Fuzz(func(t *testing.T, script, data []byte) {
		data = data[:min(len(data), 1000)]
		policy := FSOffered
		if len(script)%3 == 0 {
			policy = FSRequired
		}
		c := newFS(t, Config{ForwardSecrecy: policy, FSGroups: []FSGroup{FSX25519, FSP256}, ResultIndications: true})
		c.storing = len(script)%2 == 0
		c.start()
		var want []Keys // that the run may end with
		requests := 0
		for _, what := range script {
			switch c.step.Kind {
			case eap.StepSuccess:
				require.Len(t, want, 1)
				require.Equal(t, want[0].MSK, c.step.Result.MSK)
				return
			case eap.StepFailure:
				return
			case eap.StepNeed:
				if _, ok := c.step.Need.(*NeedVectors); ok {
					v := testVector()
					v.RAND[1] = byte(requests)
					want = nil
					c.give(v)
				} else {
					require.Len(t, want, 1)
					c.resume(eap.Authorization{})
				}
				continue
			}
			requests++
			require.LessOrEqual(t, requests, 1+1+1+1+2+1, "challenge, KDF, group, bad value, resyncs, notification")
			if c.m.(*machine).state != stateChallenge {
				c.handle(c.response(SubtypeNotification, nil))
				continue
			}
			padded := append([]byte{byte(AttrPubECDHE), byte(len(data)/4 + 1)}, data[:len(data)/4*4]...)
			padded = append(padded, 0, 0)
			var pkt []byte
			switch what % 7 {
			case 0:
				value, k := c.fsKeys()
				want = []Keys{k}
				pkt = c.fsPublic(value)
			case 1:
				if policy == FSOffered {
					want = []Keys{*c.keys()}
				}
				pkt = c.goodAnswer()
			case 2:
				// Whatever comes of it, nobody here knows the keys.
				pkt = c.fsAnswer(func(b *Builder) { b.Raw(padded) })
				c.handle(pkt)
				if _, ok := c.step.Need.(*eap.NeedAuthorization); ok {
					return
				}
				continue
			case 3:
				pkt = c.askGroups(FSGroup(what / 7))
			case 4:
				pkt = c.response(SubtypeChallenge, func(b *Builder) { b.Raw(padded); b.Number(AttrKDFFS, uint16(what/7)) })
			case 5:
				pkt = c.syncFailure(c.method.kdfs)
			case 6:
				pkt = c.response(SubtypeChallenge, func(b *Builder) { b.Number(AttrKDFFS, 2); b.Raw(data[:len(data)/4*4]) })
			}
			c.handle(pkt)
		}
	})
}
