package aka

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// What the peer sees, for every state that waits for a response and every
// kind of response.
var machineTable = []struct {
	name  string
	input func(c *conv) []byte

	identity, challenge string // differ by input
	// NotifySuccess answers everything with success, NotifyFailure with
	// failure, and every state that waits for somebody else ignores it.
}{
	{"right identity", func(c *conv) []byte { return c.identityResponse(c.identity) }, "need vectors", "notify 16384"},
	{"unusable identity", func(c *conv) []byte { return c.identityResponse("nobody@example.org") }, "ask AT_FULLAUTH_ID_REQ", "notify 16384"},
	{"empty identity", func(c *conv) []byte { return c.identityResponse("") }, "ask AT_FULLAUTH_ID_REQ", "notify 16384"},
	{"identity missing", func(c *conv) []byte { return c.response(SubtypeIdentity, nil) }, "notify 16384", "notify 16384"},
	{"identity twice", func(c *conv) []byte {
		return c.response(SubtypeIdentity, func(b *Builder) {
			b.String(AttrIdentity, c.identity)
			b.String(AttrIdentity, c.identity)
		})
	}, "notify 16384", "notify 16384"},
	{"identity with a MAC", func(c *conv) []byte {
		return c.response(SubtypeIdentity, func(b *Builder) {
			b.String(AttrIdentity, c.identity)
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384"},
	{"right answer", (*conv).goodAnswer, "notify 16384", "need authorization"},
	{"right answer, nothing optional", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.MAC(c.keys(), nil)
			b.Octets(AttrRES, c.vector.XRES[:8])
		})
	}, "notify 16384", "need authorization"},
	{"right answer with encrypted and unknown skippable attributes", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.Octets(AttrRES, c.vector.XRES[:8])
			b.Encrypt(c.keys(), [16]byte{1}, func(b *Builder) { b.Raw([]byte{200, 1, 0, 0}) })
			b.Raw([]byte{255, 2, 1, 2, 3, 4, 5, 6})
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "need authorization"},
	{"wrong MAC", func(c *conv) []byte {
		p := c.goodAnswer()
		p[len(p)-1] ^= 1
		return p
	}, "notify 16384", "notify 16384"},
	{"reserved octets not zero", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.b[len(b.b)-1] = 7
			b.Octets(AttrRES, c.vector.XRES[:8])
			b.MAC(c.keys(), nil)
			b.b[len(b.b)-17] = 9
		})
	}, "notify 16384", "need authorization"},
	{"no MAC", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) { b.Octets(AttrRES, c.vector.XRES[:8]) })
	}, "notify 16384", "notify 16384"},
	{"no RES", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) { b.MAC(c.keys(), nil) })
	}, "notify 16384", "notify 16384"},
	{"nothing", func(c *conv) []byte { return c.response(SubtypeChallenge, nil) }, "notify 16384", "notify 16384"},
	{"wrong RES", func(c *conv) []byte { return c.answerWithRES(make([]byte, 8)) }, "notify 16384", "notify 16384"},
	{"RES cut short", func(c *conv) []byte { return c.answerWithRES(c.vector.XRES[:4]) }, "notify 16384", "notify 16384"},
	{"RES with more behind it", func(c *conv) []byte { return c.answerWithRES(c.vector.XRES[:16]) }, "notify 16384", "notify 16384"},
	{"RES with its length in octets", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.Octets(AttrRES, c.vector.XRES[:8])
			binary.BigEndian.PutUint16(b.b[len(b.b)-10:], 8)
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384"},
	{"wrong check code", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.Octets(AttrRES, c.vector.XRES[:8])
			b.Octets(AttrCheckcode, make([]byte, checkcodeLen(c.method.typ)))
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384"},
	{"synchronization failure", func(c *conv) []byte { return c.syncFailure(c.method.kdfs) }, "notify 16384", "need vectors"},
	{"synchronization failure without AUTS", func(c *conv) []byte { return c.response(SubtypeSyncFailure, nil) }, "notify 16384", "notify 16384"},
	{"synchronization failure, other AT_KDFs", func(c *conv) []byte { return c.syncFailure(NewKDFList(1, 2)) }, "notify 16384", "notify 16384"},
	{"synchronization failure with a MAC", func(c *conv) []byte {
		return c.response(SubtypeSyncFailure, func(b *Builder) {
			b.Octets(AttrAUTS, make([]byte, 14))
			b.KDFs(c.method.kdfs)
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384"},
	{"AT_KDF, the first one", func(c *conv) []byte { return c.kdfAnswer(1) }, "notify 16384", "notify 16384"},
	{"AT_KDF, one not offered", func(c *conv) []byte { return c.kdfAnswer(2) }, "notify 16384", "notify 16384"},
	{"Authentication-Reject", func(c *conv) []byte { return c.response(SubtypeAuthReject, nil) }, "notify 16384", "failure"},
	{"Authentication-Reject with attributes", func(c *conv) []byte {
		return c.response(SubtypeAuthReject, func(b *Builder) { b.Octets(AttrRAND, make([]byte, 16)) })
	}, "notify 16384", "failure"},
	{"Client-Error", func(c *conv) []byte {
		return c.response(SubtypeClientError, func(b *Builder) { b.Number(AttrClientErrorCode, 0) })
	}, "failure", "failure"},
	{"Client-Error without a code", func(c *conv) []byte { return c.response(SubtypeClientError, nil) }, "failure", "failure"},
	{"Notification", func(c *conv) []byte { return c.response(SubtypeNotification, nil) }, "notify 16384", "notify 16384"},
	{"Reauthentication", func(c *conv) []byte {
		return c.response(SubtypeReauthentication, func(b *Builder) {
			b.Encrypt(c.keys(), [16]byte{}, func(b *Builder) { b.Number(AttrCounter, 1) })
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384"},
	{"SIM-Start", func(c *conv) []byte { return c.response(SubtypeSIMStart, nil) }, "notify 16384", "notify 16384"},
	{"unknown subtype", func(c *conv) []byte { return c.response(99, nil) }, "notify 16384", "notify 16384"},
	{"no subtype", func(c *conv) []byte { return []byte{2, c.last.Identifier, 0, 5, byte(c.method.typ)} }, "notify 16384", "notify 16384"},
	{"a request", func(c *conv) []byte {
		b := NewMessage(nil, eap.CodeRequest, c.last.Identifier, c.method.typ, SubtypeNotification)
		b.Number(AttrNotification, 0)
		pkt, _ := b.Bytes()
		return pkt
	}, "notify 16384", "notify 16384"},
	{"unknown attribute that may not be skipped", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.Octets(AttrRES, c.vector.XRES[:8])
			b.Raw([]byte{127, 1, 0, 0})
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384"},
	{"attribute cut off", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) { b.Raw([]byte{3, 3, 0, 64, 1, 2, 3, 4}) })
	}, "notify 16384", "notify 16384"},
	{"attribute of length zero", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) { b.Raw([]byte{200, 0, 0, 0}) })
	}, "notify 16384", "notify 16384"},
}

func (c *conv) answerWithRES(res []byte) []byte {
	return c.response(SubtypeChallenge, func(b *Builder) {
		b.Octets(AttrRES, res)
		b.MAC(c.keys(), nil)
	})
}

func (c *conv) kdfAnswer(v uint16) []byte {
	if c.method.typ == eap.TypeAKA {
		return c.response(SubtypeChallenge, func(b *Builder) { b.Raw([]byte{byte(AttrKDF), 1, 0, byte(v)}) })
	}
	return c.response(SubtypeChallenge, func(b *Builder) { b.Number(AttrKDF, v) })
}

func TestMachineTable(t *testing.T) {
	require.Len(t, machineTable, 38)
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, storing := range []bool{false, true} {
			for _, row := range machineTable {
				name := row.name
				if storing {
					name += ", stored"
				}
				t.Run(name, func(t *testing.T) {
					at := func(cfg Config) *conv {
						c := newConv(t, newTest(typ, cfg), idFor(typ))
						c.storing = storing
						return c
					}
					c := at(Config{AlwaysRequestIdentity: true})
					require.Equal(t, "ask AT_ANY_ID_REQ", c.start())
					require.Equal(t, row.identity, c.handle(row.input(c)), "Identity")
					if strings.HasPrefix(row.identity, "notify") {
						require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
					}

					for _, always := range []bool{false, true} {
						c = at(Config{AlwaysRequestIdentity: always}).toChallenge()
						want := row.challenge
						require.Equal(t, want, c.handle(row.input(c)), "Challenge")
						if strings.HasPrefix(want, "notify") {
							require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
						}
					}

					c = at(Config{ResultIndications: true}).toAuthorization()
					require.Equal(t, "notify 32768 with MAC", c.resume(eap.Authorization{}))
					require.NoError(t, c.last.VerifyMAC(c.keys(), nil))
					require.Equal(t, "success", c.handle(row.input(c)), "NotifySuccess")

					c = at(Config{}).toAuthorization()
					require.Equal(t, "notify 1026 with MAC", c.resume(eap.Authorization{Refusal: eap.RefusalTemporary}))
					require.Equal(t, "failure", c.handle(row.input(c)), "NotifyFailure")

					// Nobody waits for the peer in these.
					for _, c := range []*conv{
						at(Config{}),
						func() *conv { c := at(Config{}); c.start(); return c }(),
						at(Config{}).toAuthorization(),
						func() *conv { c := at(Config{}).toAuthorization(); c.resume(eap.Authorization{}); return c }(),
					} {
						before := c.m.(*machine).state
						require.Equal(t, "ignore", c.handle(row.input(c)), before)
						require.Equal(t, before, c.m.(*machine).state)
					}
				})
			}
		}
	})
}

// Each resume that does not belong, in each state, ends the run.
func TestMachineMisused(t *testing.T) {
	answers := []eap.Answer{nil, 7, VectorsAnswer{Vectors: []Vector{testVector()}}, eap.Authorization{}, &VectorsAnswer{}, ReauthAnswer{}}
	for _, a := range answers {
		for st := stateNew; st <= stateDone; st++ {
			_, vectors := a.(VectorsAnswer)
			_, authorization := a.(eap.Authorization)
			_, reauth := a.(ReauthAnswer)
			if reauth && (st == stateLookup || st == stateCommit || st == stateKeep) || vectors && st == stateVectors || authorization && st == stateAuthorization {
				continue
			}
			m := newTest(eap.TypeAKA, Config{}).machine(eap.Peer{Identity: akaID})
			m.state = st
			s := m.Resume(eap.Turn{}, a)
			require.Equal(t, eap.StepFailure, s.Kind, "%T in %v", a, st)
			require.ErrorIs(t, s.Err, errNotNow)
			require.Equal(t, stateDone, m.state)
		}
	}
	m := newTest(eap.TypeAKA, Config{}).machine(eap.Peer{Identity: akaID})
	m.Start(eap.Turn{})
	require.Equal(t, eap.StepFailure, m.Start(eap.Turn{}).Kind)
}

func TestSuccess(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, cfg := range []Config{{}, {AlwaysRequestIdentity: true}, {ResultIndications: true}, {Bidding: true}} {
			for _, storing := range []bool{false, true} {
				c := newConv(t, newTest(typ, cfg), idFor(typ))
				c.storing = storing
				c.toAuthorization()
				need := c.step.Need.(*eap.NeedAuthorization)
				require.Equal(t, idFor(typ), need.Peer.Identity)
				switch c.resume(eap.Authorization{Err: errors.New("a remark")}) {
				case "success":
					require.False(t, cfg.ResultIndications)
				case "notify 32768 with MAC":
					require.True(t, cfg.ResultIndications)
					require.Equal(t, "success", c.handle(c.response(SubtypeNotification, func(b *Builder) { b.MAC(c.keys(), nil) })))
				default:
					t.Fatal(c.sees())
				}
				k := c.keys()
				require.Equal(t, &eap.Result{
					Method: typ, Identity: idFor(typ), IMSI: eap.MustParseIMSI("555444333222111"),
					MSK: k.MSK, EMSK: k.EMSK, SessionID: SessionID(typ, c.vector.RAND, c.vector.AUTN),
				}, c.step.Result)
				require.Equal(t, need.Result, c.step.Result)
			}
		}
	})
}

// A peer that does not want result indications gets none.
func TestResultIndicationDeclined(t *testing.T) {
	c := newConv(t, newTest(eap.TypeAKA, Config{ResultIndications: true}), akaID).toChallenge()
	require.True(t, c.last.Has(AttrResultInd))
	require.Equal(t, "need authorization", c.handle(c.answerWithRES(c.vector.XRES[:8])))
	require.Equal(t, "success", c.resume(eap.Authorization{}))
}

// AT_RESULT_IND without ours is an attribute that must not be there.
func TestResultIndicationUnasked(t *testing.T) {
	c := newConv(t, newTest(eap.TypeAKA, Config{}), akaID).toChallenge()
	require.Equal(t, "notify 16384", c.handle(c.response(SubtypeChallenge, func(b *Builder) {
		b.Octets(AttrRES, c.vector.XRES[:8])
		b.Flag(AttrResultInd)
		b.MAC(c.keys(), nil)
	})))
	require.ErrorIs(t, c.step.Err, ErrNotAllowed)
}

func TestChallengeContents(t *testing.T) {
	c := newConv(t, newTest(eap.TypeAKA, Config{Bidding: true, ResultIndications: true}), akaID).toChallenge()
	require.NoError(t, c.last.VerifyMAC(c.keys(), nil))
	require.Equal(t, c.vector.RAND[:], c.last.RAND)
	require.Equal(t, c.vector.AUTN[:], c.last.AUTN)
	require.True(t, c.last.Has(AttrCheckcode))
	require.Empty(t, c.last.Checkcode)
	require.True(t, c.last.Bidding)
	require.True(t, c.last.Has(AttrResultInd))

	c = newConv(t, newTest(eap.TypeAKA, Config{}), akaID).toChallenge()
	require.True(t, c.last.Has(AttrBidding))
	require.False(t, c.last.Bidding)
	require.False(t, c.last.Has(AttrResultInd))

	c = newConv(t, newTest(eap.TypeAKAPrime, Config{Bidding: true, NetworkName: "HRPD"}), primeID)
	c.network = "HRPD"
	c.toChallenge()
	require.NoError(t, c.last.VerifyMAC(c.keys(), nil))
	require.False(t, c.last.Has(AttrBidding), "EAP-AKA only")
	require.Equal(t, "HRPD", string(c.last.KDFInput))
	require.Equal(t, NewKDFList(1), c.last.KDFs)
}

func TestRefusals(t *testing.T) {
	cause := errors.New("no credit")
	for _, storing := range []bool{false, true} {
		for refusal, want := range map[eap.Refusal]string{
			eap.RefusalGeneral:       "notify 0 with MAC",
			eap.RefusalTemporary:     "notify 1026 with MAC",
			eap.RefusalNotSubscribed: "notify 1031 with MAC",
			eap.Refusal(77):          "notify 0 with MAC",
		} {
			// With and without result indications, the refusal is the same.
			for _, ind := range []bool{false, true} {
				c := newConv(t, newTest(eap.TypeAKAPrime, Config{ResultIndications: ind}), primeID)
				c.storing = storing
				c.toAuthorization()
				require.Equal(t, want, c.resume(eap.Authorization{Refusal: refusal, Err: cause}))
				require.ErrorIs(t, c.step.Err, ErrRefused)
				require.ErrorIs(t, c.step.Err, cause)
				require.NoError(t, c.last.VerifyMAC(c.keys(), nil))
				require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
				require.ErrorIs(t, c.step.Err, ErrRefused)
			}
		}
	}
}

func TestHooks(t *testing.T) {
	var told []string
	hook := func(name string) func(Event) {
		return func(e Event) {
			require.Equal(t, eap.TypeAKA, e.Method)
			require.NotEmpty(t, e.Peer.Identity)
			if name == "rejected" {
				require.Error(t, e.Err)
			}
			if name != "identity" && name != "rejected" {
				require.True(t, e.IMSI.IsValid())
				require.Equal(t, eap.KindPermanent, e.Identity)
			}
			told = append(told, name)
		}
	}
	cfg := Config{Hooks: Hooks{
		Identity: hook("identity"), Challenge: hook("challenge"), SyncFailure: hook("sync"),
		Verified: hook("verified"), Succeeded: hook("succeeded"), Rejected: hook("rejected"),
	}}
	c := newConv(t, newTest(eap.TypeAKA, cfg), "nobody")
	c.identity = akaID
	c.toChallenge()
	c.handle(c.syncFailure(KDFList{}))
	c.vector.RAND[0]++
	c.give(c.vector)
	c.handle(c.goodAnswer())
	c.resume(eap.Authorization{})
	require.Equal(t, []string{"identity", "identity", "challenge", "sync", "challenge", "verified", "succeeded"}, told)

	told = nil
	c = newConv(t, newTest(eap.TypeAKA, cfg), akaID).toChallenge()
	c.handle(c.answerWithRES(make([]byte, 8)))
	c.handle(c.response(SubtypeNotification, nil))
	require.Equal(t, []string{"identity", "challenge", "rejected"}, told)

	told = nil
	c = newConv(t, newTest(eap.TypeAKA, cfg), akaID).toChallenge()
	c.handle(c.response(SubtypeAuthReject, nil))
	require.Equal(t, []string{"identity", "challenge", "rejected"}, told)
}
