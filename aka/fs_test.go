package aka

import (
	"crypto/ecdh"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

func TestForwardSecrecyConfig(t *testing.T) {
	for _, cfg := range []Config{
		{ForwardSecrecy: 3}, {FSGroups: []FSGroup{0}}, {FSGroups: []FSGroup{FSP256, 3}},
		{FSGroups: []FSGroup{FSP256, FSX25519, FSP256}},
	} {
		require.ErrorContains(t, cfg.Validate(), "aka: Config.F")
		require.Panics(t, func() { NewPrime(noVectors{}, cfg) })
	}
	for _, cfg := range []Config{
		{}, {FSGroups: []FSGroup{}}, {ForwardSecrecy: FSRequired, FSGroups: bothGroups},
	} {
		require.NoError(t, cfg.Validate())
	}
	require.Equal(t, "off offered required ForwardSecrecy(3)",
		strings.Join([]string{FSOff.String(), FSOffered.String(), FSRequired.String(), ForwardSecrecy(3).String()}, " "))
	// The configuration is the caller's to change afterwards.
	groups := []FSGroup{FSX25519}
	m := NewPrime(noVectors{}, Config{ForwardSecrecy: FSOffered, FSGroups: groups})
	groups[0] = FSP256
	require.Equal(t, NewKDFList(1), m.fsKDFs)
}

func TestForwardSecrecyOffer(t *testing.T) {
	for _, c := range []struct {
		groups []FSGroup
		want   KDFList
	}{
		{nil, NewKDFList(2, 1)},
		{[]FSGroup{FSX25519}, NewKDFList(1)},
		{[]FSGroup{FSX25519, FSP256}, NewKDFList(1, 2)},
	} {
		for _, policy := range []ForwardSecrecy{FSOffered, FSRequired} {
			conv := newFS(t, Config{ForwardSecrecy: policy, FSGroups: c.groups}).toChallenge()
			require.Equal(t, c.want, conv.last.FSKDFs)
			require.Len(t, conv.last.PubECDHE, 34)
			require.NoError(t, conv.last.VerifyMAC(conv.keys(), nil), "K_aut is as ever")
		}
	}
	for _, conv := range []*conv{
		newConv(t, newTest(eap.TypeAKAPrime, Config{FSGroups: bothGroups}), primeID),
		newConv(t, newTest(eap.TypeAKA, Config{ForwardSecrecy: FSRequired}), akaID),
	} {
		for typ := range conv.toChallenge().last.All() {
			require.NotContains(t, []AttrType{AttrPubECDHE, AttrKDFFS}, typ)
		}
	}
}

// offCurve is no point of P-256.
var offCurve = append([]byte{2}, append(make([]byte, 31), 7, 0)...)

// What the peer sees of each answer to a challenge that offers P-256, then
// X25519.
var fsTable = []struct {
	name              string
	input             func(c *conv) []byte
	offered, required string
}{
	{"public value", func(c *conv) []byte { p, _ := c.fsKeys(); return c.fsPublic(p) }, "need authorization", "need authorization"},
	{"public value in front of all", func(c *conv) []byte {
		p, _ := c.fsKeys()
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.MAC(c.keys(), nil)
			b.Octets(AttrPubECDHE, p)
			b.Octets(AttrCheckcode, c.cc.Append(nil, c.method.typ))
			b.Octets(AttrRES, c.vector.XRES[:8])
		})
	}, "need authorization", "need authorization"},
	{"padding not zero", func(c *conv) []byte { p, _ := c.fsKeys(); p[33] = 1; return c.fsPublic(p) }, "need authorization", "need authorization"},
	{"public value and group", func(c *conv) []byte {
		p, _ := c.fsKeys()
		return c.fsAnswer(func(b *Builder) { b.Octets(AttrPubECDHE, p); b.Number(AttrKDFFS, 2) })
	}, "need authorization", "need authorization"},
	{"public value and a copy of the list", func(c *conv) []byte {
		p, _ := c.fsKeys()
		return c.fsAnswer(func(b *Builder) { b.Octets(AttrPubECDHE, p); b.FSKDFs(c.last.FSKDFs) })
	}, "need authorization", "need authorization"},
	{"public value and another group", func(c *conv) []byte {
		p, _ := c.fsKeys()
		return c.fsAnswer(func(b *Builder) { b.Octets(AttrPubECDHE, p); b.Number(AttrKDFFS, 1) })
	}, "notify 16384", "notify 16384"},
	{"public value twice", func(c *conv) []byte {
		p, _ := c.fsKeys()
		return c.fsAnswer(func(b *Builder) { b.Octets(AttrPubECDHE, p); b.Octets(AttrPubECDHE, p) })
	}, "notify 16384", "notify 16384"},
	{"no public value", (*conv).goodAnswer, "need authorization", "notify 16384"},
	{"no public value, but a group", func(c *conv) []byte {
		return c.fsAnswer(func(b *Builder) { b.Number(AttrKDFFS, 2) })
	}, "need authorization", "notify 16384"},
	{"off the curve", func(c *conv) []byte { return c.fsPublic(offCurve) }, "need vectors", "need vectors"},
	{"infinity", func(c *conv) []byte { return c.fsPublic(make([]byte, 34)) }, "need vectors", "need vectors"},
	{"too short", func(c *conv) []byte { return c.fsPublic(make([]byte, 30)) }, "notify 16384", "notify 16384"},
	{"too long", func(c *conv) []byte { return c.fsPublic(make([]byte, 66)) }, "notify 16384", "notify 16384"},
	{"as long as an attribute can be", func(c *conv) []byte { return c.fsPublic(make([]byte, 1018)) }, "notify 16384", "notify 16384"},
	{"off the curve, wrong RES", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.Octets(AttrRES, make([]byte, 8))
			b.Octets(AttrPubECDHE, offCurve)
			b.MAC(c.keys(), nil)
		})
	}, "notify 16384", "notify 16384"},
	{"off the curve, wrong MAC", func(c *conv) []byte {
		p := c.fsPublic(offCurve)
		p[len(p)-1] ^= 1
		return p
	}, "notify 16384", "notify 16384"},
	{"public value, wrong MAC", func(c *conv) []byte {
		v, _ := c.fsKeys()
		p := c.fsPublic(v)
		p[len(p)-1] ^= 1
		return p
	}, "notify 16384", "notify 16384"},
	{"public value, no MAC", func(c *conv) []byte {
		v, _ := c.fsKeys()
		return c.response(SubtypeChallenge, func(b *Builder) {
			b.Octets(AttrRES, c.vector.XRES[:8])
			b.Octets(AttrPubECDHE, v)
		})
	}, "notify 16384", "notify 16384"},
	{"public value alone", func(c *conv) []byte {
		v, _ := c.fsKeys()
		return c.response(SubtypeChallenge, func(b *Builder) { b.Octets(AttrPubECDHE, v) })
	}, "notify 16384", "notify 16384"},
	{"the other group", func(c *conv) []byte { return c.askGroups(FSX25519) }, "challenge", "challenge"},
	{"the other group and something to skip", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) { b.Raw([]byte{254, 1, 0, 0}); b.Number(AttrKDFFS, 1) })
	}, "challenge", "challenge"},
	{"the same group", func(c *conv) []byte { return c.askGroups(FSP256) }, "notify 16384", "notify 16384"},
	{"a group not offered", func(c *conv) []byte { return c.askGroups(3) }, "notify 16384", "notify 16384"},
	{"group 0", func(c *conv) []byte { return c.askGroups(0) }, "notify 16384", "notify 16384"},
	{"two groups", func(c *conv) []byte { return c.askGroups(FSX25519, FSX25519) }, "notify 16384", "notify 16384"},
	{"nine groups", func(c *conv) []byte { return c.askGroups(slices.Repeat([]FSGroup{FSX25519}, 9)...) }, "notify 16384", "notify 16384"},
	{"the other group with a MAC", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) { b.Number(AttrKDFFS, 1); b.MAC(c.keys(), nil) })
	}, "notify 16384", "notify 16384"},
	{"the other group with a public value", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) { b.Number(AttrKDFFS, 1); b.Octets(AttrPubECDHE, make([]byte, 34)) })
	}, "notify 16384", "notify 16384"},
	{"the other group and AT_KDF", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) { b.Number(AttrKDFFS, 1); b.Number(AttrKDF, 1) })
	}, "notify 16384", "notify 16384"},
	{"the other group in eight octets", func(c *conv) []byte {
		return c.response(SubtypeChallenge, func(b *Builder) { b.Raw([]byte{153, 2, 0, 1, 0, 0, 0, 0}) })
	}, "notify 16384", "notify 16384"},
	{"synchronization failure", func(c *conv) []byte { return c.syncFailure(c.method.kdfs) }, "need vectors", "need vectors"},
	{"synchronization failure with both attributes", func(c *conv) []byte {
		return c.response(SubtypeSyncFailure, func(b *Builder) {
			b.Octets(AttrAUTS, []byte("auts-14-octets"))
			b.KDFs(c.method.kdfs)
			b.Raw(strayFS)
		})
	}, "need vectors", "need vectors"},
	{"Authentication-Reject with both", func(c *conv) []byte {
		return c.response(SubtypeAuthReject, func(b *Builder) { b.Raw(strayFS) })
	}, "failure", "failure"},
	{"Client-Error with both", func(c *conv) []byte {
		return c.response(SubtypeClientError, func(b *Builder) { b.Number(AttrClientErrorCode, 0); b.Raw(strayFS) })
	}, "failure", "failure"},
}

// strayFS is both attributes, of wrong length and too often, for messages that
// must not have them.
var strayFS = []byte{153, 2, 0, 1, 0, 0, 0, 0, 152, 1, 1, 2, 152, 1, 1, 2}

func TestForwardSecrecyTable(t *testing.T) {
	require.Len(t, fsTable, 34)
	for _, storing := range []bool{false, true} {
		for _, policy := range []ForwardSecrecy{FSOffered, FSRequired} {
			for _, row := range fsTable {
				t.Run(row.name+" "+policy.String(), func(t *testing.T) {
					want := row.offered
					if policy == FSRequired {
						want = row.required
					}
					at := func(cfg Config) *conv {
						cfg.ForwardSecrecy = policy
						c := newFS(t, cfg)
						c.storing = storing
						return c
					}
					c := at(Config{}).toChallenge()
					input := row.input(c)
					require.Equal(t, want, c.handle(input), "Challenge")
					if strings.HasPrefix(want, "notify") {
						require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
					}

					// In AKA-Identity no message about the challenge belongs.
					c = at(Config{}).toChallenge()
					id := at(Config{AlwaysRequestIdentity: true})
					require.Equal(t, "ask AT_ANY_ID_REQ", id.start())
					pkt := row.input(c)
					pkt[1] = id.last.Identifier
					got := id.handle(pkt)
					if row.name == "Client-Error with both" {
						require.Equal(t, "failure", got)
					} else {
						require.Equal(t, "notify 16384", got, "Identity")
					}
				})
			}
		}
	}
}

// Where the two attributes do not belong, they are as if they were not there
// (RFC 9678, section 6.5).
func TestForwardSecrecyOutOfPlace(t *testing.T) {
	c := newFS(t, Config{AlwaysRequestIdentity: true, ResultIndications: true})
	require.Equal(t, "ask AT_ANY_ID_REQ", c.start())
	pkt := c.response(SubtypeIdentity, func(b *Builder) {
		b.Raw(strayFS)
		b.String(AttrIdentity, primeID)
	})
	c.cc.Add(c.method.typ, c.last.raw, pkt)
	require.Equal(t, "need vectors", c.handle(pkt))
	require.Equal(t, "challenge", c.give(c.vector))
	public, k := c.fsKeys()
	require.Equal(t, "need authorization", c.handle(c.fsAnswer(func(b *Builder) {
		b.Octets(AttrPubECDHE, public)
		b.Encrypt(&k, [16]byte{1}, func(b *Builder) { b.Raw(strayFS) })
	})))
	require.Equal(t, "notify 32768 with MAC", c.resume(eap.Authorization{}))
	require.Equal(t, "success", c.handle(c.response(SubtypeNotification, func(b *Builder) { b.Raw(strayFS) })))

	// Not for other methods, and not inside AT_ENCR_DATA.
	for _, typ := range []eap.Type{eap.TypeAKA, eap.TypeSIM} {
		m := Message{Type: typ, Code: eap.CodeRequest, Subtype: SubtypeNotification}
		a, err := m.DecodeNested(strayFS)
		require.NoError(t, err)
		require.False(t, a.Has(AttrPubECDHE) || a.Has(AttrKDFFS))
	}
	m := Message{Type: eap.TypeAKAPrime, Code: eap.CodeRequest, Subtype: SubtypeChallenge}
	a, err := m.DecodeNested(strayFS)
	require.NoError(t, err)
	require.False(t, a.Has(AttrPubECDHE) || a.Has(AttrKDFFS))
}

// With forward secrecy off, a public value changes nothing, whatever it is.
func TestForwardSecrecyOff(t *testing.T) {
	for _, v := range [][]byte{make([]byte, 34), make([]byte, 2), offCurve} {
		c := newConv(t, newTest(eap.TypeAKAPrime, Config{}), primeID).toChallenge()
		require.Equal(t, "need authorization", c.handle(c.fsPublic(v)))
		require.Equal(t, c.keys().MSK, c.m.(*machine).result().MSK)
	}
	c := newConv(t, newTest(eap.TypeAKAPrime, Config{}), primeID).toChallenge()
	require.Equal(t, "notify 16384", c.handle(c.askGroups(FSP256)))
	require.ErrorIs(t, c.step.Err, ErrKDF)
}

// Both sides have the same keys: in both groups, with and without a change of
// group, a resynchronisation, result indications, and stored in between.
func TestForwardSecrecyKeys(t *testing.T) {
	for _, storing := range []bool{false, true} {
		for _, change := range []bool{false, true} {
			for _, resync := range []bool{false, true} {
				for _, first := range bothGroups {
					other := FSX25519 + FSP256 - first
					var used []FSGroup
					hook := func(e Event) { used = append(used, e.FSGroup) }
					c := newFS(t, Config{
						FSGroups: []FSGroup{first, other}, ResultIndications: storing,
						Hooks: Hooks{Challenge: hook, Verified: hook, Succeeded: hook},
					})
					c.storing = storing
					c.toChallenge()
					want, list := first, NewKDFList(uint16(first), uint16(other))
					public := string(c.last.PubECDHE)
					if change {
						want, list = other, NewKDFList(uint16(other), uint16(first), uint16(other))
						require.Equal(t, "challenge", c.handle(c.askGroups(other)))
					}
					if resync {
						require.Equal(t, "need vectors", c.handle(c.syncFailure(c.method.kdfs)))
						require.Zero(t, c.m.(*machine).fs.secret, "no key outlives its challenge")
						v := testVector()
						v.RAND[0]++
						require.Equal(t, "challenge", c.give(v))
					}
					require.Equal(t, list, c.last.FSKDFs)
					require.Equal(t, want, c.group())
					if change || resync {
						require.NotEqual(t, public, string(c.last.PubECDHE), "fresh in each challenge")
					}
					value, k := c.fsKeys()
					require.Equal(t, "need authorization", c.handle(c.fsPublic(value)))
					require.Nil(t, c.m.(*machine).fs.private)
					step := c.resume(eap.Authorization{})
					if storing {
						require.Equal(t, "notify 32768 with MAC", step)
						require.NoError(t, c.last.VerifyMAC(&k, nil))
						step = c.handle(c.response(SubtypeNotification, nil))
					}
					require.Equal(t, "success", step)
					require.Equal(t, k.MSK, c.step.Result.MSK)
					require.Equal(t, k.EMSK, c.step.Result.EMSK)
					require.Equal(t, k.KRe, c.m.(*machine).sessionKeys().KRe)
					require.NotEqual(t, c.keys().MSK, c.step.Result.MSK)
					require.Equal(t, []FSGroup{want, want}, used[len(used)-2:])
					require.Zero(t, used[0])
				}
			}
		}
	}
}

// A fallback has the keys of EAP-AKA', and leaves no private key behind.
func TestForwardSecrecyFallback(t *testing.T) {
	for _, storing := range []bool{false, true} {
		c := newFS(t, Config{ResultIndications: true})
		c.storing = storing
		c.toChallenge()
		require.NotZero(t, c.m.(*machine).fs.secret)
		require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
		require.Zero(t, c.m.(*machine).fs.secret)
		require.Equal(t, "notify 32768 with MAC", c.resume(eap.Authorization{}))
		require.Equal(t, "success", c.handle(c.response(SubtypeNotification, nil)))
		require.Equal(t, c.keys().MSK, c.step.Result.MSK)
	}
}

// A peer may change AT_KDF and AT_KDF_FS, once each, in either order; what it
// has chosen stays.
func TestForwardSecrecyAndKDF(t *testing.T) {
	for _, storing := range []bool{false, true} {
		for _, kdfFirst := range []bool{false, true} {
			c := newFS(t, Config{})
			c.storing = storing
			c.method.kdfs = NewKDFList(2, 1)
			c.toChallenge()
			askKDF := func() []byte {
				return c.response(SubtypeChallenge, func(b *Builder) { b.Number(AttrKDF, 1) })
			}
			steps := []func() []byte{askKDF, func() []byte { return c.askGroups(FSX25519) }}
			if !kdfFirst {
				slices.Reverse(steps)
			}
			for _, s := range steps {
				require.Equal(t, "challenge", c.handle(s()))
			}
			require.Equal(t, NewKDFList(1, 2, 1), c.last.KDFs)
			require.Equal(t, NewKDFList(1, 2, 1), c.last.FSKDFs)
			value, k := c.fsKeys()
			require.Equal(t, "need authorization", c.handle(c.fsPublic(value)))
			require.Equal(t, k.MSK, c.m.(*machine).result().MSK)

			c = newFS(t, Config{}).toChallenge()
			require.Equal(t, "challenge", c.handle(c.askGroups(FSX25519)))
			for _, again := range bothGroups {
				c2 := *c
				m := *c.m.(*machine)
				c2.m = &m
				require.Equal(t, "notify 16384", c2.handle(c2.askGroups(again)))
				require.ErrorIs(t, c2.step.Err, ErrKDF)
			}
		}
	}
}

// A public value that is no good begins the run again, once, with a vector
// that the source has not given before.
func TestForwardSecrecyBeginsAgain(t *testing.T) {
	for _, storing := range []bool{false, true} {
		begin := func() *conv {
			c := newFS(t, Config{FSGroups: []FSGroup{FSX25519, FSP256}})
			c.storing = storing
			c.toChallenge()
			require.Equal(t, "challenge", c.handle(c.askGroups(FSP256)))
			require.Equal(t, "need vectors", c.handle(c.fsPublic(offCurve)))
			require.Nil(t, c.step.Need.(*NeedVectors).Request.Resync)
			require.Zero(t, c.m.(*machine).fs.secret)
			return c
		}
		c := begin()
		require.Equal(t, "notify 16384", c.give(c.vector))
		require.ErrorIs(t, c.step.Err, errBadVector)

		v := testVector()
		v.RAND[7]++
		c = begin()
		require.Equal(t, "challenge", c.give(v))
		require.Equal(t, NewKDFList(2, 1, 2), c.last.FSKDFs)
		value, k := c.fsKeys()
		require.Equal(t, "need authorization", c.handle(c.fsPublic(value)))
		require.Equal(t, k.MSK, c.m.(*machine).result().MSK)

		c = begin()
		require.Equal(t, "challenge", c.give(v))
		require.Equal(t, "notify 16384", c.handle(c.fsPublic(offCurve)))
		require.ErrorIs(t, c.step.Err, ErrPublicValue)
		require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
		require.ErrorIs(t, c.step.Err, ErrPublicValue)

		// Neither that nor a change of group gives more resynchronisations.
		c = begin()
		require.Equal(t, "challenge", c.give(v))
		for range defaultMaxResyncs {
			require.Equal(t, "need vectors", c.handle(c.syncFailure(c.method.kdfs)))
			v.RAND[8]++
			require.Equal(t, "challenge", c.give(v))
		}
		require.Equal(t, "notify 16384", c.handle(c.syncFailure(c.method.kdfs)))
		require.ErrorIs(t, c.step.Err, ErrResyncs)
	}
}

// AT_RES comes before AT_MAC with forward secrecy, after it without (RFC 9678,
// section 6.5.4); the peer sees the same.
func TestForwardSecrecyChecksRESFirst(t *testing.T) {
	for policy, want := range map[ForwardSecrecy]error{FSOff: ErrMAC, FSOffered: ErrRES, FSRequired: ErrRES} {
		c := newConv(t, newTest(eap.TypeAKAPrime, Config{ForwardSecrecy: policy}), primeID).toChallenge()
		pkt := c.answerWithRES(make([]byte, 8))
		pkt[len(pkt)-1] ^= 1
		require.Equal(t, "notify 16384", c.handle(pkt))
		require.ErrorIs(t, c.step.Err, want)
	}
}

// No key pair is made before there is a subscriber, and no multiplication for
// who is none (RFC 9678, section 7.3).
func TestForwardSecrecyComesLast(t *testing.T) {
	c := newFS(t, Config{})
	require.Equal(t, "need vectors", c.start())
	require.Nil(t, c.m.(*machine).fs.private)
	require.Equal(t, "challenge", c.give(c.vector))
	other, err := ecdh.X25519().GenerateKey(nil)
	require.NoError(t, err)
	// A key of the wrong kind would make any multiplication panic or fail.
	c.m.(*machine).fs.private = other
	require.Equal(t, "notify 16384", c.handle(c.response(SubtypeChallenge, func(b *Builder) {
		b.Octets(AttrRES, c.vector.XRES[:8])
		b.Octets(AttrCheckcode, make([]byte, 32))
		b.Octets(AttrPubECDHE, make([]byte, 34))
		b.MAC(c.keys(), nil)
	})))
	require.ErrorIs(t, c.step.Err, ErrCheckcode)
}
