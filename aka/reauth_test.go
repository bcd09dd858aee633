package aka

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// A full authentication and re-authentications until a full one is due.
func TestReauthentication(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, storing := range []bool{false, true} {
			for _, always := range []bool{false, true} {
				for _, ind := range []bool{false, true} {
					cfg := reauthConfig()
					cfg.AlwaysRequestIdentity, cfg.ResultIndications = always, ind
					cfg.ReauthLimits.Count = 3
					m := newTest(typ, cfg)
					p := fullLogin(t, m, storing)
					for n := uint16(1); n <= 3; n++ {
						r := toReauth(t, m, p, storing)
						require.Equal(t, n, r.counter)
						require.Equal(t, n < 3, p.next != "")
						require.NotEqual(t, p.reauthID, p.next)
						mac := r.last.MAC
						require.Equal(t, "need re-authentication context: swap", r.handle(r.goodAnswer()))
						require.Equal(t, "need authorization", r.resolve())
						need := r.step.Need.(*eap.NeedAuthorization)
						sees := r.resume(eap.Authorization{})
						if ind {
							require.Equal(t, "notify 32768 with MAC", sees)
							r.checkCounter()
							sees = r.handle(r.response(SubtypeNotification, nil))
						}
						require.Equal(t, "success", sees)
						k := p.keys.Reauth(p.reauthID, n, r.nonceS)
						require.Equal(t, &eap.Result{
							Method: typ, Identity: p.reauthID, IMSI: testIMSI, MSK: k.MSK, EMSK: k.EMSK,
							SessionID: SessionID(typ, r.nonceS, [16]byte(mac)), Reauthenticated: true,
						}, r.step.Result)
						require.Equal(t, need.Result, r.step.Result)
						old := p.reauthID
						p.reauthID = p.next
						// It served once.
						c := newConv(t, m, old)
						c.turn.Now = testTime
						if always {
							c.start()
							require.Equal(t, "need re-authentication context: get", c.answerIdentity(old))
						} else {
							require.Equal(t, "need re-authentication context: get", c.start())
						}
						require.Equal(t, "ask AT_FULLAUTH_ID_REQ", c.resolve())
					}
					require.Empty(t, p.reauthID)
					require.Zero(t, cfg.Reauth.(*MemoryReauthStore).Len())
				}
			}
		}
	})
}

// Hooks tell of re-authentications what they tell of full ones, and more.
func TestReauthHooks(t *testing.T) {
	var told []string
	hook := func(name string) func(Event) {
		return func(e Event) {
			require.Equal(t, eap.KindReauth, e.Identity)
			require.Equal(t, testIMSI, e.IMSI)
			told = append(told, name)
		}
	}
	cfg := reauthConfig()
	p := fullLogin(t, newTest(eap.TypeAKA, cfg), false)
	cfg.Hooks = Hooks{
		Identity: hook("identity"), Reauthentication: hook("re-authentication"), CounterTooSmall: hook("too small"),
		Challenge: hook("challenge"), Verified: hook("verified"), Succeeded: hook("succeeded"), Rejected: hook("rejected"),
	}
	m := newTest(eap.TypeAKA, cfg)
	r := toReauth(t, m, p, false)
	r.handle(r.tooSmall())
	r.give(r.vector)
	require.Equal(t, []string{"identity", "re-authentication", "too small", "challenge"}, told)
	told = nil
	r = toReauth(t, m, p, false)
	r.handle(r.goodAnswer())
	r.resolve()
	r.resume(eap.Authorization{})
	require.Equal(t, []string{"identity", "re-authentication", "verified", "succeeded"}, told)
	p.reauthID, told = p.next, nil
	r = toReauth(t, m, p, false)
	r.handle(r.response(SubtypeReauthentication, nil))
	require.Equal(t, []string{"identity", "re-authentication", "rejected"}, told)
}

// checkCounter checks a notification after authentication: MAC and counter.
func (r *reauth) checkCounter() {
	require.NoError(r.t, r.last.VerifyMAC(&r.phone.keys, nil))
	plain, err := r.last.Decrypt(nil, &r.phone.keys)
	require.NoError(r.t, err)
	a, err := r.last.DecodeNested(plain)
	require.NoError(r.t, err)
	require.Equal(r.t, r.counter, a.Counter)
}
