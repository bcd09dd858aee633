package aka

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// The peer's side of the recorded full authentications, replayed against our
// machine: it accepts and refuses what hostapd did, sends the same octets
// where it has no choice, and exports the recorded keys.
//
// The challenge can't be the same: hostapd's has a pseudonym and a
// re-authentication identity encrypted in it. It has to be the same but for
// them and for the MAC.
func TestReplayRecordings(t *testing.T) {
	var count struct{ runs, sent, same, challenges, succeeded, failed int }
	for _, r := range recordings(t) {
		for _, storing := range []bool{false, true} {
			t.Run(r.Name, func(t *testing.T) {
				var m eap.Machine
				var method *Method
				var peer eap.Peer
				var step eap.Step
				vectors := 0
				for n, msg := range r.Messages {
					p, err := eap.Decode(msg.EAP)
					require.NoError(t, err)
					switch {
					case p.Type == eap.TypeIdentity:
						if r.Derived[vectors%len(r.Derived)].Kind == "fast-reauth" {
							return // the rest is a re-authentication
						}
						count.runs++
						typ := eap.TypeAKA
						if p.Data[0] == '6' {
							typ = eap.TypeAKAPrime
						}
						// As hostapd was set up for the recordings.
						method = newTest(typ, Config{AlwaysRequestIdentity: true, ResultIndications: true})
						peer = eap.Peer{Identity: string(p.Data)}
						m = method.New(peer)
						step = m.Start(eap.Turn{Identifier: p.Identifier + 1})
					case p.Code == eap.CodeResponse:
						if storing {
							state, err := m.AppendState(nil)
							require.NoError(t, err)
							m, err = method.Restore(peer, state)
							require.NoError(t, err)
						}
						turn := eap.Turn{Identifier: p.Identifier + 1}
						step = m.Handle(turn, p)
						for step.Kind == eap.StepNeed {
							switch step.Need.(type) {
							case *NeedVectors:
								d := r.Derived[vectors]
								vectors++
								v := Vector{RAND: d.RAND.a16(), AUTN: d.AUTN.a16(), CK: d.CK.a16(), IK: d.IK.a16(), XRESLen: uint8(len(d.XRES))}
								copy(v.XRES[:], d.XRES)
								step = m.Resume(turn, VectorsAnswer{Vectors: []Vector{v}})
							case *eap.NeedAuthorization:
								step = m.Resume(turn, eap.Authorization{})
							}
						}
					case p.Code == eap.CodeRequest:
						require.Equal(t, eap.StepRequest, step.Kind, n)
						count.sent++
						ours := decodePacket(t, step.Packet)
						if ours.Subtype != SubtypeChallenge {
							count.same++
							require.Equal(t, []byte(msg.EAP), step.Packet, n)
							continue
						}
						count.challenges++
						theirs := decodePacket(t, msg.EAP)
						require.Equal(t, without(theirs, AttrIV, AttrEncrData, AttrMAC), without(ours, AttrIV, AttrEncrData, AttrMAC), n)
					case p.Code == eap.CodeSuccess:
						count.succeeded++
						require.Equal(t, eap.StepSuccess, step.Kind)
						d := r.Derived[vectors-1]
						require.Equal(t, []byte(d.MSK), step.Result.MSK[:])
						require.Equal(t, []byte(d.EMSK), step.Result.EMSK[:])
						require.Equal(t, d.Identity, step.Result.Identity)
					default:
						count.failed++
						require.Equal(t, eap.StepFailure, step.Kind)
						if strings.HasPrefix(r.Name, "badres") {
							require.ErrorIs(t, step.Err, ErrRES)
						} else {
							require.ErrorIs(t, step.Err, ErrAuthReject)
						}
					}
				}
			})
		}
	}
	// Each of the seven twice: 7 identity requests and 4 notifications are the
	// same octets, 9 challenges the same but for what is encrypted.
	require.Equal(t, struct{ runs, sent, same, challenges, succeeded, failed int }{14, 40, 22, 18, 8, 6}, count)
}

// without returns the attributes of m but some.
func without(m Message, skip ...AttrType) []byte {
	var b bytes.Buffer
next:
	for typ, v := range m.All() {
		for _, s := range skip {
			if typ == s {
				continue next
			}
		}
		b.WriteByte(byte(typ))
		b.Write(v)
	}
	return b.Bytes()
}
