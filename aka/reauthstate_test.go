package aka

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// A re-authentication that waits fits into a RADIUS State attribute with what
// seals it; so does a challenge to a pseudonym, what it gave out included.
func TestTemporaryStatesAreShort(t *testing.T) {
	for _, c := range []struct {
		typ                                eap.Type
		network, reauth, master, checkcode int
	}{
		{eap.TypeAKA, 0, 8 + 8 + 2 + 4 + 16 + 16 + 16 + 16 + 20, 20, 20},
		{eap.TypeAKAPrime, 4, 8 + 8 + 2 + 4 + 16 + 16 + 16 + 32 + 32, 32, 32},
	} {
		cfg := reauthConfig()
		m := newTest(c.typ, cfg)
		p := fullLogin(t, m, false)
		b, err := toReauth(t, m, p, false).m.AppendState(nil)
		require.NoError(t, err)
		require.Len(t, b, c.reauth+c.network+12)
		require.LessOrEqual(t, len(eap.AppendIdentity(b, p.reauthID)), 200)
		cfg.AlwaysRequestIdentity = true
		b, err = toReauth(t, newTest(c.typ, cfg), p, false).m.AppendState(nil)
		require.NoError(t, err)
		require.Len(t, b, c.reauth+c.network+c.checkcode, "AT_CHECKCODE in place of the token")

		conv := newConv(t, m, p.pseudonym+"@wlan.mnc044.mcc555.3gppnetwork.org")
		conv.turn.Now = testTime
		b, err = conv.toChallenge().m.AppendState(nil)
		require.NoError(t, err)
		require.Len(t, b, 8+8+c.master+32+9+c.network+12)
		require.LessOrEqual(t, len(b)+len(conv.identity), 200)
	}
}

func TestRestoreReauthRefuses(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, always := range []bool{false, true} {
			cfg := reauthConfig()
			cfg.ResultIndications, cfg.AlwaysRequestIdentity = true, always
			m := newTest(typ, cfg)
			r := toReauth(t, m, fullLogin(t, m, false), false)
			waits, err := r.m.AppendState(nil)
			require.NoError(t, err)
			r.handle(r.goodAnswer())
			r.resolve()
			require.Equal(t, "notify 32768 with MAC", r.resume(eap.Authorization{}))
			success, err := r.m.AppendState(nil)
			require.NoError(t, err)
			for _, good := range [][]byte{waits, success} {
				_, err := m.Restore(r.peer, good)
				require.NoError(t, err)
				for n := range good {
					_, err := m.Restore(r.peer, good[:n])
					require.ErrorIs(t, err, ErrState)
				}
				_, err = m.Restore(r.peer, append(good[:len(good):len(good)], 0))
				require.ErrorIs(t, err, ErrState)
				_, err = newTest(typ, Config{}).Restore(r.peer, good)
				require.ErrorIs(t, err, ErrState, "no store")
				_, err = m.Restore(eap.Peer{Identity: "@"}, good)
				require.ErrorIs(t, err, ErrState, "no username")
				for _, st := range []state{stateIdentity, stateLookup, stateCommit, stateKeep, stateChallenge} {
					bad := append([]byte(nil), good...)
					bad[2] = byte(st)
					_, err = m.Restore(r.peer, bad)
					require.ErrorIs(t, err, ErrState, st)
				}
				bad := append([]byte(nil), good...)
				bad[3] &^= flagReauth
				_, err = m.Restore(r.peer, bad)
				require.ErrorIs(t, err, ErrState)
			}
		}
	})
}

// A challenge that gave out an identity may be answered at a server without a
// store: the login succeeds, and there is no context.
func TestChallengeRestoredWithoutStore(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		c := newConv(t, newTest(typ, reauthConfig()), idFor(typ)).toChallenge()
		b, err := c.m.AppendState(nil)
		require.NoError(t, err)
		c.m, err = newTest(typ, Config{}).Restore(c.peer, b)
		require.NoError(t, err)
		require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
		require.Equal(t, "success", c.resume(eap.Authorization{}))
	})
}
