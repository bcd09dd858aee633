package aka

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// A challenge that waits must fit into a RADIUS State attribute together with
// what seals it: about 200 octets with an identity of 60.
func TestStateIsShort(t *testing.T) {
	for _, c := range []struct {
		typ      eap.Type
		always   bool
		identity string
		want     int
	}{
		{eap.TypeAKA, false, akaID, 8 + 8 + 20 + 32 + 9},
		{eap.TypeAKA, true, akaID, 8 + 8 + 20 + 32 + 9 + 20},
		{eap.TypeAKAPrime, true, primeID, 8 + 8 + 4 + 64 + 9 + 32},
		{eap.TypeAKAPrime, true, "6555444333222111@nai.epc.mnc044.mcc555.pub.3gppnetwork.org.x", 8 + 8 + 4 + 64 + 9 + 32},
	} {
		conv := newConv(t, newTest(c.typ, Config{AlwaysRequestIdentity: c.always}), c.identity).toChallenge()
		b, err := conv.m.AppendState(nil)
		require.NoError(t, err)
		require.Len(t, b, c.want)
	}
	// The longest: another identity than that of the first message.
	conv := newConv(t, newTest(eap.TypeAKAPrime, Config{}), "nobody")
	conv.identity = "6555444333222111@nai.epc.mnc044.mcc555.pub.3gppnetwork.org.x"
	require.Len(t, conv.identity, 60)
	conv.toChallenge()
	b, err := conv.m.AppendState(nil)
	require.NoError(t, err)
	require.Len(t, b, 8+8+62+4+64+9+32)
	require.LessOrEqual(t, len(b), 200)
}

// Only a machine that waits for a response has a state to keep.
func TestNoStateToKeep(t *testing.T) {
	m := newTest(eap.TypeAKA, Config{}).machine(eap.Peer{Identity: akaID})
	for st := stateNew; st <= stateDone; st++ {
		m.state = st
		if m.reauth = nil; st == stateReauth {
			m.reauth = &reauthRun{}
		}
		_, err := m.AppendState(nil)
		switch st {
		case stateIdentity, stateStart, stateReauth, stateChallenge, stateNotifySuccess, stateNotifyFailure:
			require.NoError(t, err, st)
		default:
			require.ErrorIs(t, err, errNotNow, st)
		}
	}
}

// waitingStates are encoded states of all kinds, by name.
func waitingStates(t testing.TB, typ eap.Type) map[string][]byte {
	states := map[string][]byte{}
	keep := func(name string, c *conv) {
		b, err := c.m.AppendState(nil)
		require.NoError(t, err)
		states[name] = b
	}
	c := newConv(t, newTest(typ, Config{}), "nobody")
	c.start()
	keep("first identity round", c)
	c.answerIdentity("nobody")
	keep("second identity round", c)
	c.identity = idFor(typ)
	c.answerIdentity(c.identity)
	c.give(c.vector)
	keep("challenge after identity rounds", c)
	c.handle(c.answerWithRES(make([]byte, 8)))
	keep("failure", c)
	keep("challenge", newConv(t, newTest(typ, Config{}), idFor(typ)).toChallenge())
	c = newConv(t, newTest(typ, Config{ResultIndications: true}), idFor(typ)).toAuthorization()
	c.resume(eap.Authorization{})
	keep("success", c)
	return states
}

func TestRestoreRefuses(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		m := newTest(typ, Config{})
		other := newTest(eap.TypeAKA+eap.TypeAKAPrime-typ, Config{})
		peer := eap.Peer{Identity: idFor(typ)}
		refuse := func(what string, b []byte) {
			_, err := m.Restore(peer, b)
			require.ErrorIs(t, err, ErrState, what)
			require.Less(t, len(err.Error()), 80)
		}
		states := waitingStates(t, typ)
		require.Len(t, states, 6)
		for name, good := range states {
			_, err := m.Restore(peer, good)
			require.NoError(t, err, name)
			_, err = other.Restore(peer, good)
			require.ErrorIs(t, err, ErrState, name)
			for n := range good {
				refuse(name+" cut", good[:n])
			}
			refuse(name+" with more behind it", append(good[:len(good):len(good)], 0))
			for _, bad := range []struct {
				at int
				to byte
			}{{0, 0}, {0, 1}, {1, 18}, {2, byte(stateNew)}, {2, byte(stateVectors)}, {2, byte(stateAuthorization)}, {2, byte(stateDone)}, {2, 99}, {3, 0x80}, {4, 4}, {6, 1}, {6, 9}} {
				b := append([]byte(nil), good...)
				b[bad.at] = bad.to
				refuse(name, b)
			}
		}
		bad := append([]byte(nil), states["challenge"]...)
		bad[8] = 0xf5 // digits after the filler
		refuse("IMSI", bad)
		bad[8] = 0xa5
		refuse("IMSI", bad)
		bad = append([]byte(nil), states["second identity round"]...)
		bad[8] ^= 0xff // the hash's magic
		refuse("check code", bad)
		bad = append([]byte(nil), states["failure"]...)
		bad[8] = byte(len(reasons))
		refuse("reason", bad)
		bad = append([]byte(nil), states["first identity round"]...)
		bad[4] = byte(askedNone)
		refuse("not asked", bad)
	})
}

// What binds keys to an access network would be worth nothing if a server that
// goes on with a login took another name from its access point, or from its
// configuration, than the phone was told.
func TestRestoreKeepsNetwork(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		cfg := reauthConfig()
		cfg.ResultIndications = true
		m := newTest(typ, cfg)
		cfg.NetworkName = "HRPD"
		configured := newTest(typ, cfg)
		states := waitingStates(t, typ)
		r := toReauth(t, m, fullLogin(t, m, false), false)
		var err error
		states["re-authentication"], err = r.m.AppendState(nil)
		require.NoError(t, err)
		for name, b := range states {
			peer := eap.Peer{Identity: idFor(typ)}
			if name == "re-authentication" {
				peer = r.peer
			}
			_, err := m.Restore(peer, b)
			require.NoError(t, err, name)
			bound := typ == eap.TypeAKAPrime && name != "failure" && !strings.HasSuffix(name, "identity round")
			_, err = configured.Restore(peer, b)
			require.Equal(t, bound, err != nil, name)
			peer.NetworkName = "HRPD"
			_, err = m.Restore(peer, b)
			require.Equal(t, bound, err != nil, name)
		}
	})
}

func TestReasonsSurvive(t *testing.T) {
	for i, r := range reasons {
		require.EqualValues(t, i, reasonIndex(&AttrError{Err: r}))
	}
	require.Zero(t, reasonIndex(errBadVector))
	// Every error with an action has a place.
	for _, a := range actions {
		if a.action == ActionNotify {
			require.NotZero(t, reasonIndex(a.err), a.err)
		}
	}
}

func TestBCD(t *testing.T) {
	for _, digits := range []string{"", "1", "001010", "12345678901234", "999999999999999", "1234567890123456"} {
		require.Equal(t, digits, parseBCD([8]byte(appendBCD(nil, digits))))
	}
	require.Empty(t, parseBCD([8]byte{0x00, 0x10, 0x10, 0x1f, 0x5f, 0xff, 0xff, 0xff}), "digits behind the filler")
}

// What machines print holds no key.
func TestErrorsHoldNoSecret(t *testing.T) {
	c := newConv(t, newTest(eap.TypeAKA, Config{}), akaID).toChallenge()
	c.handle(c.answerWithRES(make([]byte, 8)))
	require.NotContains(t, strings.ToLower(c.step.Err.Error()), "28d7b0")
	require.NotContains(t, c.step.Err.Error(), "555444333222111")
}
