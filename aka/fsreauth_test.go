package aka

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// fsLogin is a full authentication with forward secrecy; the phone keeps what
// it got.
func fsLogin(t testing.TB, m *Method, storing bool) *phone {
	c := newConv(t, m, primeID)
	c.storing, c.turn.Now = storing, testTime
	c.toChallenge()
	p := &phone{}
	p.learn(t, &c.last, c.keys())
	p.reauthID = p.next
	value, k := c.fsKeys()
	p.keys = k
	require.Equal(t, "need authorization", c.handle(c.fsPublic(value)))
	require.Equal(t, "need re-authentication context: put", c.resume(eap.Authorization{}))
	sees := c.resolve()
	if m.cfg.ResultIndications {
		require.Equal(t, "notify 32768 with MAC", sees)
		sees = c.handle(c.response(SubtypeNotification, nil))
	}
	require.Equal(t, "success", sees)
	return p
}

// The keys of a fast re-authentication come from MK_ECDHE, and may be used
// where forward secrecy is required, time after time (RFC 9678, section
// 6.5.5).
func TestForwardSecrecyReauth(t *testing.T) {
	for _, storing := range []bool{false, true} {
		for _, ind := range []bool{false, true} {
			cfg := reauthConfig()
			cfg.ForwardSecrecy, cfg.ResultIndications = FSRequired, ind
			m := newTest(eap.TypeAKAPrime, cfg)
			p := fsLogin(t, m, storing)
			for n := uint16(1); n <= 3; n++ {
				r := toReauth(t, m, p, storing)
				require.False(t, r.last.Has(AttrPubECDHE) || r.last.Has(AttrKDFFS))
				require.Equal(t, "need re-authentication context: swap", r.handle(r.goodAnswer()))
				require.Equal(t, "need authorization", r.resolve())
				sees := r.resume(eap.Authorization{})
				if ind {
					require.Equal(t, "notify 32768 with MAC", sees)
					sees = r.handle(r.response(SubtypeNotification, nil))
				}
				require.Equal(t, "success", sees)
				require.Equal(t, p.keys.Reauth(p.reauthID, n, r.nonceS).MSK, r.step.Result.MSK)
				p.reauthID = p.next
			}
		}
	}
}

// A login without it is no ground for a re-authentication where it has become
// required.
func TestForwardSecrecyReauthRequired(t *testing.T) {
	cfg := reauthConfig()
	p := fullLogin(t, newTest(eap.TypeAKAPrime, cfg), false)
	was := newTest(eap.TypeAKAPrime, cfg)

	cfg.ForwardSecrecy = FSOffered
	r := toReauth(t, newTest(eap.TypeAKAPrime, cfg), p, false)
	b, err := r.m.AppendState(nil)
	require.NoError(t, err)

	cfg.ForwardSecrecy = FSRequired
	m := newTest(eap.TypeAKAPrime, cfg)
	c := newConv(t, m, p.reauthID)
	c.turn.Now = testTime.Add(time.Minute)
	require.Equal(t, "need re-authentication context: get", c.start())
	require.Equal(t, "need vectors", c.resolve())
	require.Equal(t, "challenge", c.give(c.vector))
	require.True(t, c.last.Has(AttrPubECDHE))

	_, err = m.Restore(r.peer, b)
	require.ErrorIs(t, err, ErrState)
	_, err = was.Restore(r.peer, b)
	require.NoError(t, err)

	// Other methods know nothing of it.
	cfg = reauthConfig()
	cfg.ForwardSecrecy = FSRequired
	a := newTest(eap.TypeAKA, cfg)
	toReauth(t, a, fullLogin(t, a, true), true)
}

// No private key outlives its challenge.
func TestForwardSecrecyForgets(t *testing.T) {
	c := newFS(t, Config{}).toChallenge()
	f := &c.m.(*machine).fs
	require.NotZero(t, f.secret)
	require.Equal(t, "notify 16384", c.handle(c.askGroups(3)))
	require.Zero(t, f.secret)
	require.Nil(t, f.private)

	c = newFS(t, Config{}).toChallenge()
	f = &c.m.(*machine).fs
	value, k := c.fsKeys()
	require.Equal(t, "need authorization", c.handle(c.fsPublic(value)))
	require.NotZero(t, f.secret)
	require.Equal(t, "notify 1031 with MAC", c.resume(eap.Authorization{Refusal: eap.RefusalNotSubscribed}))
	require.NoError(t, c.last.VerifyMAC(&k, nil))
	require.Zero(t, f.secret)

	// Nor does it, or the shared secret, outlive the run.
	c = newFS(t, Config{}).toChallenge()
	f = &c.m.(*machine).fs
	require.Equal(t, "failure", c.handle(c.response(SubtypeAuthReject, nil)))
	require.Zero(t, f.secret)
	require.Nil(t, f.private)

	c = newFS(t, Config{}).toChallenge()
	f = &c.m.(*machine).fs
	value, k = c.fsKeys()
	require.Equal(t, "need authorization", c.handle(c.fsPublic(value)))
	require.Equal(t, "success", c.resume(eap.Authorization{}))
	require.Equal(t, k.MSK, c.step.Result.MSK)
	require.Zero(t, f.secret)
}
