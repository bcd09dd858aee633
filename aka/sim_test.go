package aka

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// simConv drives a machine of EAP-SIM and plays the peer.
type simConv struct {
	*conv
	nonce    [16]byte
	triplets []Triplet // given so far
}

func newSIMConv(t testing.TB, cfg Config) *simConv {
	return &simConv{conv: newConv(t, newTest(eap.TypeSIM, cfg), simID), nonce: [16]byte{'n', 'o', 'n', 'c', 'e'}}
}

// vectors returns n vectors with RANDs not seen before.
func (c *simConv) vectors(n int) []Vector {
	v := make([]Vector, n)
	for i := range v {
		v[i] = testVector()
		v[i].RAND[0] = byte(len(c.triplets) + i)
		v[i].XRES[0], v[i].CK[0] = byte(i), byte(i)
	}
	return v
}

// serve gives n vectors to the machine, which wants as many or more.
func (c *simConv) serve(n int) string {
	v := c.vectors(n)
	for i := range v {
		c.triplets = append(c.triplets, v[i].Triplet())
	}
	return c.resume(VectorsAnswer{Vectors: v})
}

func (c *simConv) keys() *Keys {
	k := SIMKeys(c.identity, c.triplets, c.nonce, []byte{0, 1}, 1)
	return &k
}

func (c *simConv) sres() (b []byte) {
	for _, t := range c.triplets {
		b = append(b, t.SRES[:]...)
	}
	return b
}

// startAnswer is the right answer to a SIM-Start, with the identity if there is
// one to tell.
func (c *simConv) startAnswer(identity string) []byte {
	return c.response(SubtypeSIMStart, func(b *Builder) {
		if identity != "" {
			b.String(AttrIdentity, identity)
		}
		b.Octets(AttrNonceMT, c.nonce[:])
		b.Number(AttrSelectedVersion, 1)
	})
}

// goodAnswer is the right answer to the challenge.
func (c *simConv) goodAnswer() []byte {
	return c.response(SubtypeSIMChallenge, func(b *Builder) {
		if c.last.Has(AttrResultInd) {
			b.Flag(AttrResultInd)
		}
		b.MAC(c.keys(), c.sres())
	})
}

func (c *simConv) toVectors() *simConv {
	switch c.start() {
	case "start":
		require.Equal(c.t, "need vectors", c.handle(c.startAnswer("")))
	case "ask AT_ANY_ID_REQ":
		require.Equal(c.t, "need vectors", c.handle(c.startAnswer(c.identity)))
	default:
		require.Fail(c.t, c.sees())
	}
	return c
}

func (c *simConv) toChallenge() *simConv {
	c.toVectors()
	require.Equal(c.t, "challenge", c.serve(c.method.cfg.Triplets))
	return c
}

func (c *simConv) toAuthorization() *simConv {
	c.toChallenge()
	require.Equal(c.t, "need authorization", c.handle(c.goodAnswer()))
	return c
}

// What the peer sees, for every state of EAP-SIM that waits for a response and
// every kind of response.
var simTable = []struct {
	name  string
	input func(c *simConv) []byte

	identity, start, challenge string // differ by input
}{
	{"identity and nonce", func(c *simConv) []byte { return c.startAnswer(c.identity) }, "need vectors", "notify 16384", "notify 16384"},
	{"nonce alone", func(c *simConv) []byte { return c.startAnswer("") }, "notify 16384", "need vectors", "notify 16384"},
	{"unusable identity", func(c *simConv) []byte { return c.startAnswer("nobody@example.org") }, "ask AT_FULLAUTH_ID_REQ", "notify 16384", "notify 16384"},
	{"lost pseudonym", func(c *simConv) []byte { return c.startAnswer("3nothing@example.org") }, "ask AT_PERMANENT_ID_REQ", "notify 16384", "notify 16384"},
	{"lost re-authentication identity", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) { b.String(AttrIdentity, "5nothing@example.org") })
	}, "ask AT_FULLAUTH_ID_REQ", "notify 16384", "notify 16384"},
	{"pseudonym of another method", func(c *simConv) []byte { return c.startAnswer("2nothing@example.org") }, "ask AT_FULLAUTH_ID_REQ", "notify 16384", "notify 16384"},
	{"permanent identity, no nonce", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) { b.String(AttrIdentity, c.identity) })
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"identity twice", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) {
			b.String(AttrIdentity, c.identity)
			b.Raw(c.startAnswer(c.identity)[8:])
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"nonce twice", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) {
			b.Octets(AttrNonceMT, c.nonce[:])
			b.Raw(c.startAnswer("")[8:])
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"nonce without version", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) {
			if c.last.Subtype == SubtypeSIMStart && c.sees() != "start" {
				b.String(AttrIdentity, c.identity)
			}
			b.Octets(AttrNonceMT, c.nonce[:])
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"version without nonce", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) {
			b.String(AttrIdentity, c.identity)
			b.Number(AttrSelectedVersion, 1)
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"version not offered", func(c *simConv) []byte { return c.withVersion(c.identity, 2) }, "notify 16384", "notify 16384", "notify 16384"},
	{"version not offered, no identity", func(c *simConv) []byte { return c.withVersion("", 0) }, "notify 16384", "notify 16384", "notify 16384"},
	{"start with nothing", func(c *simConv) []byte { return c.response(SubtypeSIMStart, nil) }, "notify 16384", "notify 16384", "notify 16384"},
	{"start with a MAC", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) {
			b.Raw(c.startAnswer("")[8:])
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"nonce too short", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) {
			b.Raw([]byte{byte(AttrNonceMT), 4, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
			b.Number(AttrSelectedVersion, 1)
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"right answer", (*simConv).goodAnswer, "notify 16384", "notify 16384", "need authorization"},
	{"right answer with encrypted and unknown skippable attributes", func(c *simConv) []byte {
		return c.response(SubtypeSIMChallenge, func(b *Builder) {
			b.Encrypt(c.keys(), [16]byte{1}, func(b *Builder) { b.Raw([]byte{200, 1, 0, 0}) })
			b.Raw([]byte{byte(AttrCheckcode), 1, 0, 0, 255, 2, 1, 2, 3, 4, 5, 6})
			b.MAC(c.keys(), c.sres())
		})
	}, "notify 16384", "notify 16384", "need authorization"},
	{"reserved octets not zero", func(c *simConv) []byte {
		return c.response(SubtypeSIMChallenge, func(b *Builder) {
			b.b[len(b.b)-1] = 7
			b.MAC(c.keys(), c.sres())
			b.b[len(b.b)-17] = 9
		})
	}, "notify 16384", "notify 16384", "need authorization"},
	{"wrong MAC", func(c *simConv) []byte {
		p := c.goodAnswer()
		p[len(p)-1] ^= 1
		return p
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"MAC without SRES", func(c *simConv) []byte { return c.withSRES(nil) }, "notify 16384", "notify 16384", "notify 16384"},
	{"MAC with NONCE_MT", func(c *simConv) []byte { return c.withSRES(c.nonce[:]) }, "notify 16384", "notify 16384", "notify 16384"},
	{"wrong SRES", func(c *simConv) []byte { return c.withSRES(make([]byte, 12)) }, "notify 16384", "notify 16384", "notify 16384"},
	{"one SRES missing", func(c *simConv) []byte { return c.withSRES(c.sres()[:max(len(c.sres()), 4)-4]) }, "notify 16384", "notify 16384", "notify 16384"},
	{"no MAC", func(c *simConv) []byte { return c.response(SubtypeSIMChallenge, nil) }, "notify 16384", "notify 16384", "notify 16384"},
	{"a RES", func(c *simConv) []byte {
		return c.response(SubtypeSIMChallenge, func(b *Builder) {
			b.Octets(AttrRES, make([]byte, 8))
			b.MAC(c.keys(), c.sres())
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"AKA-Identity", func(c *simConv) []byte { return c.identityResponse(c.identity) }, "notify 16384", "notify 16384", "notify 16384"},
	{"AKA-Challenge", func(c *simConv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.Octets(AttrRES, make([]byte, 8))
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"Synchronization-Failure", func(c *simConv) []byte { return c.syncFailure(KDFList{}) }, "notify 16384", "notify 16384", "notify 16384"},
	{"Authentication-Reject", func(c *simConv) []byte { return c.response(SubtypeAuthReject, nil) }, "notify 16384", "notify 16384", "notify 16384"},
	{"Client-Error 0", func(c *simConv) []byte { return c.clientError(0) }, "failure", "failure", "failure"},
	{"Client-Error 1", func(c *simConv) []byte { return c.clientError(1) }, "failure", "failure", "failure"},
	{"Client-Error 2", func(c *simConv) []byte { return c.clientError(2) }, "failure", "failure", "failure"},
	{"Client-Error 3", func(c *simConv) []byte { return c.clientError(3) }, "failure", "failure", "failure"},
	{"Client-Error without a code", func(c *simConv) []byte { return c.response(SubtypeClientError, nil) }, "failure", "failure", "failure"},
	{"Notification", func(c *simConv) []byte { return c.response(SubtypeNotification, nil) }, "notify 16384", "notify 16384", "notify 16384"},
	{"Reauthentication", func(c *simConv) []byte {
		return c.response(SubtypeReauthentication, func(b *Builder) {
			b.Encrypt(c.keys(), [16]byte{}, func(b *Builder) { b.Number(AttrCounter, 1) })
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"unknown subtype", func(c *simConv) []byte { return c.response(99, nil) }, "notify 16384", "notify 16384", "notify 16384"},
	{"no subtype", func(c *simConv) []byte { return []byte{2, c.last.Identifier, 0, 5, byte(eap.TypeSIM)} }, "notify 16384", "notify 16384", "notify 16384"},
	{"a request", func(c *simConv) []byte {
		b := NewMessage(nil, eap.CodeRequest, c.last.Identifier, eap.TypeSIM, SubtypeSIMStart)
		b.Octets(AttrVersionList, []byte{0, 1})
		pkt, _ := b.Bytes()
		return pkt
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"unknown attribute that may not be skipped", func(c *simConv) []byte {
		return c.response(SubtypeSIMChallenge, func(b *Builder) {
			b.Raw([]byte{127, 1, 0, 0})
			b.MAC(c.keys(), c.sres())
		})
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"attribute cut off", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) { b.Raw([]byte{7, 5, 0, 0, 1, 2, 3, 4}) })
	}, "notify 16384", "notify 16384", "notify 16384"},
	{"attribute of length zero", func(c *simConv) []byte {
		return c.response(SubtypeSIMStart, func(b *Builder) { b.Raw([]byte{200, 0, 0, 0}) })
	}, "notify 16384", "notify 16384", "notify 16384"},
}

func (c *simConv) withVersion(identity string, v uint16) []byte {
	return c.response(SubtypeSIMStart, func(b *Builder) {
		if identity != "" {
			b.String(AttrIdentity, identity)
		}
		b.Octets(AttrNonceMT, c.nonce[:])
		b.Number(AttrSelectedVersion, v)
	})
}

func (c *simConv) withSRES(sres []byte) []byte {
	return c.response(SubtypeSIMChallenge, func(b *Builder) { b.MAC(c.keys(), sres) })
}

func (c *simConv) clientError(code uint16) []byte {
	return c.response(SubtypeClientError, func(b *Builder) { b.Number(AttrClientErrorCode, code) })
}

func TestSIMTable(t *testing.T) {
	require.Len(t, simTable, 43)
	for _, storing := range []bool{false, true} {
		for _, row := range simTable {
			name := row.name
			if storing {
				name += ", stored"
			}
			t.Run(name, func(t *testing.T) {
				at := func(cfg Config) *simConv {
					c := newSIMConv(t, cfg)
					c.storing = storing
					return c
				}
				sees := func(c *simConv, want, where string) {
					require.Equal(t, want, c.handle(row.input(c)), where)
					if strings.HasPrefix(want, "notify") {
						require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
					}
				}
				c := at(Config{AlwaysRequestIdentity: true})
				require.Equal(t, "ask AT_ANY_ID_REQ", c.start())
				sees(c, row.identity, "Identity")

				c = at(Config{})
				require.Equal(t, "start", c.start())
				sees(c, row.start, "Start")

				for _, cfg := range []Config{{}, {AlwaysRequestIdentity: true}, {Triplets: 2}} {
					sees(at(cfg).toChallenge(), row.challenge, "Challenge")
				}

				c = at(Config{ResultIndications: true}).toAuthorization()
				require.Equal(t, "notify 32768 with MAC", c.resume(eap.Authorization{}))
				require.NoError(t, c.last.VerifyMAC(c.keys(), nil))
				require.Equal(t, "success", c.handle(row.input(c)), "NotifySuccess")

				c = at(Config{}).toAuthorization()
				require.Equal(t, "notify 1031 with MAC", c.resume(eap.Authorization{Refusal: eap.RefusalNotSubscribed}))
				require.Equal(t, "failure", c.handle(row.input(c)), "NotifyFailure")

				// Nobody waits for the peer in these.
				for _, c := range []*simConv{
					at(Config{}),
					at(Config{}).toVectors(),
					at(Config{}).toAuthorization(),
					func() *simConv { c := at(Config{}).toAuthorization(); c.resume(eap.Authorization{}); return c }(),
				} {
					before := c.m.(*machine).state
					require.Equal(t, "ignore", c.handle(row.input(c)), before)
					require.Equal(t, before, c.m.(*machine).state)
				}
			})
		}
	}
}

func TestSIMSuccess(t *testing.T) {
	for _, cfg := range []Config{{}, {AlwaysRequestIdentity: true}, {ResultIndications: true}, {Triplets: 2}, {Triplets: 3}} {
		for _, storing := range []bool{false, true} {
			c := newSIMConv(t, cfg)
			c.storing = storing
			c.toChallenge()
			want := max(cfg.Triplets, 2)
			if cfg.Triplets == 0 {
				want = 3
			}
			require.Len(t, c.last.RAND, want*16)
			require.NoError(t, c.last.VerifyMAC(c.keys(), c.nonce[:]))
			require.Equal(t, cfg.ResultIndications, c.last.Has(AttrResultInd))
			require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
			need := c.step.Need.(*eap.NeedAuthorization)
			if c.resume(eap.Authorization{}) != "success" {
				require.True(t, cfg.ResultIndications)
				require.Equal(t, "success", c.handle(c.response(SubtypeNotification, func(b *Builder) { b.MAC(c.keys(), nil) })))
			}
			var rands []byte
			for _, tr := range c.triplets {
				rands = append(rands, tr.RAND[:]...)
			}
			k := c.keys()
			require.Equal(t, &eap.Result{
				Method: eap.TypeSIM, Identity: simID, IMSI: eap.MustParseIMSI("555444333222111"),
				MSK: k.MSK, EMSK: k.EMSK, SessionID: SIMSessionID(rands, c.nonce),
			}, c.step.Result)
			require.Equal(t, need.Result, c.step.Result)
		}
	}
}

// A SIM-Start that asks for nothing is the last one; the request has the
// version list and nothing that it must not have.
func TestSIMStartContents(t *testing.T) {
	c := newSIMConv(t, Config{})
	require.Equal(t, "start", c.start())
	require.Equal(t, unhex(t, "01640010120a00000f02000200010000"), c.step.Packet, "RFC 4186, A.3")
	c = newSIMConv(t, Config{AlwaysRequestIdentity: true})
	c.start()
	require.Equal(t, []byte{0, 1}, c.last.VersionList)
	require.True(t, c.last.Has(AttrAnyIDReq))
}

// The nonce of the last round counts, and the identity with it.
func TestSIMLastRoundCounts(t *testing.T) {
	for _, storing := range []bool{false, true} {
		c := newSIMConv(t, Config{})
		c.peer.Identity = "nobody"
		c.m, c.storing = c.method.New(c.peer), storing
		require.Equal(t, "ask AT_ANY_ID_REQ", c.start())
		require.Equal(t, "ask AT_FULLAUTH_ID_REQ", c.handle(c.startAnswer("somebody")))
		c.nonce[0]++
		require.Equal(t, "ask AT_PERMANENT_ID_REQ", c.handle(c.startAnswer("3unknown")))
		c.nonce[0]++
		require.Equal(t, "need vectors", c.handle(c.startAnswer(c.identity)))
		require.Equal(t, "challenge", c.serve(3))
		require.NoError(t, c.last.VerifyMAC(c.keys(), c.nonce[:]))
		require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
	}
	// One without a nonce does not borrow that of the round before.
	c := newSIMConv(t, Config{AlwaysRequestIdentity: true})
	c.start()
	require.Equal(t, "ask AT_FULLAUTH_ID_REQ", c.handle(c.startAnswer("somebody")))
	require.Equal(t, "notify 16384", c.handle(c.response(SubtypeSIMStart, func(b *Builder) { b.String(AttrIdentity, c.identity) })))
	require.ErrorIs(t, c.step.Err, ErrMissing)
}

func TestSIMPseudonym(t *testing.T) {
	now := eap.Turn{}.Now
	pseudonym := processPseudonyms().Seal(eap.TypeSIM, eap.MustParseIMSI("555444333222111"), now) + "@example.org"
	require.True(t, strings.HasPrefix(pseudonym, "3"))
	for _, always := range []bool{false, true} {
		c := newSIMConv(t, Config{AlwaysRequestIdentity: always})
		c.storing = true
		c.peer.Identity, c.identity = pseudonym, pseudonym
		c.m = c.method.New(c.peer)
		c.toAuthorization()
		require.Equal(t, "success", c.resume(eap.Authorization{}))
		require.Equal(t, "555444333222111", c.step.Result.IMSI.Digits())
		require.Equal(t, pseudonym, c.step.Result.Identity)
	}
	c := newSIMConv(t, Config{RefusePermanentIdentity: true, AlwaysRequestIdentity: true})
	c.start()
	require.Equal(t, "notify 16384", c.handle(c.startAnswer("3unknown")))
}

func TestSIMVectors(t *testing.T) {
	request := func(c *simConv) VectorRequest { return c.step.Need.(*NeedVectors).Request }
	c := newSIMConv(t, Config{}).toVectors()
	require.Equal(t, VectorRequest{
		IMSI: eap.MustParseIMSI("555444333222111"), Scheme: SchemeSIM, Count: 3, Peer: c.peer,
	}, request(c))
	require.Equal(t, 2, request(newSIMConv(t, Config{Triplets: 2}).toVectors()).Count)

	// One at a time.
	require.Equal(t, "need vectors", c.serve(1))
	require.Equal(t, 2, request(c).Count)
	require.Equal(t, "need vectors", c.serve(1))
	require.Equal(t, 1, request(c).Count)
	require.Equal(t, "challenge", c.serve(1))
	require.Equal(t, "need authorization", c.handle(c.goodAnswer()))

	// More than wanted.
	c = newSIMConv(t, Config{Triplets: 2}).toVectors()
	c.serve(5)
	c.triplets = c.triplets[:2]
	require.Equal(t, "need authorization", c.handle(c.goodAnswer()))

	// From triplets.
	c = newSIMConv(t, Config{Triplets: 2}).toVectors()
	c.triplets = []Triplet{{RAND: [16]byte{1}, SRES: [4]byte{2}, Kc: [8]byte{3}}, {RAND: [16]byte{4}, SRES: [4]byte{5}, Kc: [8]byte{6}}}
	require.Equal(t, "challenge", c.resume(VectorsAnswer{Vectors: []Vector{c.triplets[0].Vector(), c.triplets[1].Vector()}}))
	require.Equal(t, "need authorization", c.handle(c.goodAnswer()))

	bad := func(change func(v []Vector)) []Vector {
		v := newSIMConv(t, Config{}).vectors(3)
		change(v)
		return v
	}
	for name, a := range map[string]VectorsAnswer{
		"error":             {Err: ErrUnknownSubscriber},
		"none":              {},
		"RAND twice":        {Vectors: bad(func(v []Vector) { v[2].RAND = v[0].RAND })},
		"primed":            {Vectors: bad(func(v []Vector) { v[1].Primed = true })},
		"XRES of no length": {Vectors: bad(func(v []Vector) { v[1].XRESLen = 0 })},
		"XRES too long":     {Vectors: bad(func(v []Vector) { v[1].XRESLen = 17 })},
	} {
		c := newSIMConv(t, Config{}).toVectors()
		require.Equal(t, "notify 16384", c.resume(a), name)
		require.ErrorIs(t, c.step.Err, errVectors)
		require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
	}
	// The same RAND in a second answer, and a second answer that is empty.
	c = newSIMConv(t, Config{}).toVectors()
	v := c.vectors(1)
	require.Equal(t, "need vectors", c.resume(VectorsAnswer{Vectors: v}))
	require.Equal(t, "notify 16384", c.resume(VectorsAnswer{Vectors: v}))
	c = newSIMConv(t, Config{}).toVectors()
	c.serve(1)
	require.Equal(t, "notify 16384", c.resume(VectorsAnswer{}))
}

func TestSIMResultIndications(t *testing.T) {
	// Declined by the peer.
	c := newSIMConv(t, Config{ResultIndications: true}).toChallenge()
	require.Equal(t, "need authorization", c.handle(c.withSRES(c.sres())))
	require.Equal(t, "success", c.resume(eap.Authorization{}))
	// Unasked.
	c = newSIMConv(t, Config{}).toChallenge()
	require.Equal(t, "notify 16384", c.handle(c.response(SubtypeSIMChallenge, func(b *Builder) {
		b.Flag(AttrResultInd)
		b.MAC(c.keys(), c.sres())
	})))
	require.ErrorIs(t, c.step.Err, ErrNotAllowed)
}

func TestSIMRefusals(t *testing.T) {
	for _, storing := range []bool{false, true} {
		for refusal, want := range map[eap.Refusal]string{
			eap.RefusalGeneral: "notify 0 with MAC", eap.RefusalTemporary: "notify 1026 with MAC", eap.RefusalNotSubscribed: "notify 1031 with MAC",
		} {
			c := newSIMConv(t, Config{})
			c.storing = storing
			c.toAuthorization()
			require.Equal(t, want, c.resume(eap.Authorization{Refusal: refusal}))
			require.NoError(t, c.last.VerifyMAC(c.keys(), nil))
			require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
			require.ErrorIs(t, c.step.Err, ErrRefused)
		}
	}
}

func TestSIMClientErrorCodes(t *testing.T) {
	for code := range uint16(4) {
		c := newSIMConv(t, Config{}).toChallenge()
		require.Equal(t, "failure", c.handle(c.clientError(code)))
		var e *ClientError
		require.True(t, errors.As(c.step.Err, &e))
		require.Equal(t, code, e.Code)
		require.Contains(t, e.Error(), fmt.Sprintf("code %d", code))
	}
}

// The challenge of RFC 4186, appendix A, and its response.
func TestSIMRecorded(t *testing.T) {
	r := loadRFC4186(t)
	c := newSIMConv(t, Config{})
	c.identity, c.nonce = r.identity, r.nonceMT
	c.peer.Identity = r.identity
	c.m = c.method.New(c.peer)
	require.Equal(t, "start", c.start())
	require.Equal(t, "need vectors", c.handle(append([]byte{2, c.last.Identifier}, unhex(t,
		"0020120a0000070500000123456789abcdeffedcba987654321010010001")...)), "A.4")
	c.triplets = r.triplets
	var v []Vector
	for _, tr := range r.triplets {
		v = append(v, tr.Vector())
	}
	c.turn.Identifier = 2
	require.Equal(t, "challenge", c.resume(VectorsAnswer{Vectors: v}))
	require.Equal(t, decodePacket(t, r.challenge).RAND, c.last.RAND)
	require.Equal(t, "need authorization", c.handle(r.response), "A.6")
	require.Equal(t, "success", c.resume(eap.Authorization{}))
	require.Equal(t, r.keys[32:96], c.step.Result.MSK[:])
	require.Equal(t, r.keys[96:], c.step.Result.EMSK[:])
}

// A challenge that waits must fit into a RADIUS State attribute, with what
// seals it.
func TestSIMStateIsShort(t *testing.T) {
	long := "1555444333222111@nai.epc.mnc044.mcc555.pub.3gppnetwork.org.x"
	require.Len(t, long, 60)
	for _, tc := range []struct {
		triplets, want int
		identity       string
	}{
		{3, 8 + 8 + 1 + 3*20 + 36, simID},
		{2, 8 + 8 + 1 + 2*20 + 36, simID},
		{3, 8 + 8 + 62 + 1 + 3*20 + 36, "nobody"},
	} {
		c := newSIMConv(t, Config{Triplets: tc.triplets})
		c.peer.Identity = tc.identity
		c.m = c.method.New(c.peer)
		if tc.identity == "nobody" {
			c.identity = long
		}
		c.toChallenge()
		b, err := c.m.AppendState(nil)
		require.NoError(t, err)
		require.Len(t, b, tc.want)
		require.LessOrEqual(t, len(b), 200)
	}
}

// waitingSIMStates are encoded states of all kinds, by name.
func waitingSIMStates(t testing.TB) map[string][]byte {
	states := map[string][]byte{}
	keep := func(name string, c *simConv) {
		b, err := c.m.AppendState(nil)
		require.NoError(t, err)
		states[name] = b
	}
	c := newSIMConv(t, Config{AlwaysRequestIdentity: true})
	c.start()
	keep("identity", c)
	c.handle(c.startAnswer("nobody"))
	keep("second identity", c)
	c = newSIMConv(t, Config{})
	c.start()
	keep("start", c)
	keep("challenge", newSIMConv(t, Config{}).toChallenge())
	c = newSIMConv(t, Config{Triplets: 2}).toChallenge()
	keep("challenge of two", c)
	c.handle(c.withSRES(nil))
	keep("failure", c)
	c = newSIMConv(t, Config{ResultIndications: true}).toAuthorization()
	c.resume(eap.Authorization{})
	keep("success", c)
	return states
}

func TestSIMRestoreRefuses(t *testing.T) {
	m, other := newTest(eap.TypeSIM, Config{}), newTest(eap.TypeAKA, Config{})
	peer := eap.Peer{Identity: simID}
	states := waitingSIMStates(t)
	require.Len(t, states, 7)
	for name, good := range states {
		m := m
		if name == "challenge of two" {
			_, err := m.Restore(peer, good)
			require.ErrorIs(t, err, ErrState, "a server that sends three")
			m = newTest(eap.TypeSIM, Config{Triplets: 2})
		}
		_, err := m.Restore(peer, good)
		require.NoError(t, err, name)
		_, err = other.Restore(peer, good)
		require.ErrorIs(t, err, ErrState, name)
		for n := range good {
			_, err = m.Restore(peer, good[:n])
			require.ErrorIs(t, err, ErrState, name)
		}
		_, err = m.Restore(peer, append(good[:len(good):len(good)], 0))
		require.ErrorIs(t, err, ErrState, name)
	}
	for _, n := range []byte{0, 1, 4, 255} {
		bad := append([]byte(nil), states["challenge"]...)
		bad[8+8+20] = n
		_, err := m.Restore(peer, bad)
		require.ErrorIs(t, err, ErrState)
	}
	// No such state in EAP-AKA.
	bad := append([]byte(nil), states["start"]...)
	bad[1] = byte(eap.TypeAKA)
	_, err := other.Restore(eap.Peer{Identity: akaID}, bad)
	require.ErrorIs(t, err, ErrState)
}

func TestSIMConfig(t *testing.T) {
	for n, ok := range map[int]bool{0: true, 1: false, 2: true, 3: true, 4: false, -1: false} {
		cfg := Config{Triplets: n}
		if err := cfg.Validate(); !ok {
			require.ErrorContains(t, err, "Config.Triplets")
		} else {
			require.NoError(t, err)
		}
	}
	require.Equal(t, eap.TypeSIM, newTest(eap.TypeSIM, Config{}).Type())
}

func TestSIMHooks(t *testing.T) {
	var told []string
	hook := func(name string) func(Event) {
		return func(e Event) {
			require.Equal(t, eap.TypeSIM, e.Method)
			told = append(told, name)
		}
	}
	c := newSIMConv(t, Config{Hooks: Hooks{
		Identity: hook("identity"), Challenge: hook("challenge"), SyncFailure: hook("sync"),
		Verified: hook("verified"), Succeeded: hook("succeeded"), Rejected: hook("rejected"),
	}}).toAuthorization()
	c.resume(eap.Authorization{})
	require.Equal(t, []string{"identity", "challenge", "verified", "succeeded"}, told)
}
