package aka

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// RFC 4187, sections 4.1.4 and 4.1.7, from outside: what was asked, what the
// peer said, what it sees next.
func TestIdentityDecisions(t *testing.T) {
	const realm = "@wlan.mnc044.mcc555.3gppnetwork.org"
	own := map[string][3]string{ // permanent, pseudonym, re-authentication
		"EAP-AKA":  {"0555444333222111" + realm, "2dGhlIHBzZXVkb255bQ" + realm, "4cmVhdXRo" + realm},
		"EAP-AKA'": {"6555444333222111" + realm, "7dGhlIHBzZXVkb255bQ" + realm, "8cmVhdXRo" + realm},
	}
	const (
		permanent = iota
		pseudonym
		reauth
		unrecognised
	)
	want := map[asked][4]string{
		askedNone:      {"need vectors", "ask AT_PERMANENT_ID_REQ", "ask AT_FULLAUTH_ID_REQ", "ask AT_ANY_ID_REQ"},
		askedAny:       {"need vectors", "ask AT_PERMANENT_ID_REQ", "ask AT_FULLAUTH_ID_REQ", "ask AT_FULLAUTH_ID_REQ"},
		askedFullauth:  {"need vectors", "ask AT_PERMANENT_ID_REQ", "ask AT_PERMANENT_ID_REQ", "ask AT_PERMANENT_ID_REQ"},
		askedPermanent: {"need vectors", "notify 16384", "notify 16384", "notify 16384"},
	}
	strange := []string{
		"", "0", "0anonymous" + realm, "@" + "wlan.mnc044.mcc555.3gppnetwork.org", "555444333222111" + realm,
		"9555444333222111" + realm, "0abc" + realm, "0555444333222111\xff", "0555444333222111@",
		strings.Repeat("0", 300), "0555444333222111@unreachable.3gppnetwork.org",
	}
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		cases := 0
		check := func(how asked, said, sees string) {
			cases++
			c := newConv(t, newTest(typ, Config{}), said)
			if how != askedNone {
				// Lead there by an identity that makes the server ask so.
				lead := map[asked]string{askedAny: "", askedFullauth: own[typ.String()][reauth], askedPermanent: own[typ.String()][pseudonym]}[how]
				c = newConv(t, newTest(typ, Config{}), lead)
				require.Equal(t, "ask "+how.attr().String(), c.start())
				require.Equal(t, sees, c.answerIdentity(said), "%v: %q", how, said)
			} else {
				require.Equal(t, sees, c.start(), "%v: %q", how, said)
			}
			if sees == "need vectors" {
				req := c.step.Need.(*NeedVectors).Request
				require.Equal(t, "555444333222111", req.IMSI.Digits())
				require.Equal(t, said, c.m.(*machine).identity)
			}
			if strings.HasPrefix(sees, "notify") {
				require.ErrorIs(t, c.step.Err, ErrIdentity)
				require.NotContains(t, c.step.Err.Error(), "555444")
			}
		}
		for how, row := range want {
			for kind, sees := range row[:unrecognised] {
				check(how, own[typ.String()][kind], sees)
			}
			for _, s := range strange {
				check(how, s, row[unrecognised])
			}
			for other, ids := range own {
				if other == typ.String() {
					continue
				}
				for kind, id := range ids {
					sees := row[unrecognised]
					if kind == permanent && how != askedNone {
						sees = "need vectors" // asked within the method, it will do
					}
					check(how, id, sees)
				}
			}
		}
		require.Equal(t, 4*(3+len(strange)+3), cases)
	})
}

// The server never asks the same again nor goes back, and every cell is
// filled in.
func TestDecisionsOnlyNarrow(t *testing.T) {
	order := map[next]asked{nextAny: askedAny, nextFullauth: askedFullauth, nextPermanent: askedPermanent}
	require.Len(t, decisions, 4)
	for how, row := range decisions {
		for a, n := range row {
			if then, ok := order[n]; ok {
				require.Greater(t, then, asked(how), "%v, %v", asked(how), answer(a))
			}
			if asked(how) != askedPermanent {
				require.NotEqual(t, nextFail, n, "%v, %v", asked(how), answer(a))
			}
			require.NotContains(t, fmt.Sprint(asked(how), answer(a)), "(")
		}
	}
}

// Three rounds, then the challenge: the check code covers all of them, and
// survives being stored between any two.
func TestThreeIdentityRounds(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, storing := range []bool{false, true} {
			c := newConv(t, newTest(typ, Config{}), "nobody")
			c.storing = storing
			require.Equal(t, "ask AT_ANY_ID_REQ", c.start())
			require.Equal(t, "ask AT_FULLAUTH_ID_REQ", c.answerIdentity("who knows"))
			require.Equal(t, "ask AT_PERMANENT_ID_REQ", c.answerIdentity("2lost"))
			c.identity = idFor(typ)
			require.Equal(t, "need vectors", c.answerIdentity(c.identity))
			require.Equal(t, "challenge", c.give(c.vector))
			require.Equal(t, c.cc.Append(nil, typ), c.last.Checkcode)
			require.NoError(t, c.last.VerifyMAC(c.keys(), nil))
			require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
			require.Equal(t, "success", c.resume(eap.Authorization{}))
			require.Equal(t, c.identity, c.step.Result.Identity)
		}
	})
}

// Other attributes in an identity response make AT_CHECKCODE mandatory (RFC
// 4187, section 10.13).
func TestIdentityExtras(t *testing.T) {
	for _, storing := range []bool{false, true} {
		for _, withCode := range []bool{false, true} {
			c := newConv(t, newTest(eap.TypeAKA, Config{AlwaysRequestIdentity: true}), akaID)
			c.storing = storing
			c.start()
			pkt := c.response(SubtypeIdentity, func(b *Builder) {
				b.String(AttrIdentity, akaID)
				b.Raw([]byte{200, 1, 5, 5})
			})
			c.cc.Add(eap.TypeAKA, c.last.raw, pkt)
			require.Equal(t, "need vectors", c.handle(pkt))
			require.Equal(t, "challenge", c.give(c.vector))
			if withCode {
				require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
				continue
			}
			require.Equal(t, "notify 16384", c.handle(c.answerWithRES(c.vector.XRES[:8])))
			require.ErrorIs(t, c.step.Err, ErrMissing)
		}
	}
}

// A changed identity request is noticed.
func TestCheckcodeMismatch(t *testing.T) {
	c := newConv(t, newTest(eap.TypeAKA, Config{AlwaysRequestIdentity: true}), akaID)
	c.start()
	require.Equal(t, "need vectors", c.answerIdentity(akaID))
	require.Equal(t, "challenge", c.give(c.vector))
	c.cc = Checkcode{}
	c.cc.Add(eap.TypeAKA, []byte("something else"), nil)
	require.Equal(t, "notify 16384", c.handle(c.goodAnswer()))
	require.ErrorIs(t, c.step.Err, ErrCheckcode)
}
