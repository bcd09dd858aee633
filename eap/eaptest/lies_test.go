package eaptest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
)

// lied sets the stage for a lie and lets it be told.
func lied(t testing.TB, lie *Lie, method eap.Type, storing bool) (*server, *Peer, eap.Outcome) {
	t.Helper()
	cfg := aka.Config{
		AlwaysRequestIdentity: lie.IdentityRound, ResultIndications: lie.ResultIndications,
	}
	if lie.Reauth {
		cfg.Reauth = aka.NewMemoryReauthStore(0)
	}
	s := newServer(t, cfg, auc.KeysPrimed, method)
	p := newPeer(t, PeerConfig{
		Methods: []eap.Type{method}, ResultIndications: lie.ResultIndications, Lie: lie,
	})
	for range lie.Logins {
		require.Equal(t, eap.OutcomeSuccess, s.login(t, p).Kind)
	}
	s.authorize.Refusal, s.storing = lie.Refusal, storing
	return s, p, s.tell(t, p)
}

// TestLies tells every lie to the real server.
func TestLies(t *testing.T) {
	told := map[Want]int{}
	for _, lie := range Lies() {
		told[lie.Want] += tellAll(t, &lie, false)
	}
	require.Equal(t, map[Want]int{WantNotification: 119, WantFailure: 8, WantDiscard: 16, WantSuccess: 26}, told)
}

// TestStateLies tells them in every state.
func TestStateLies(t *testing.T) {
	told := map[LieState]int{}
	for _, lie := range StateLies() {
		told[lie.State] += tellAll(t, &lie, false)
		tellAll(t, &lie, true) // to a server that keeps nothing in its memory
	}
	require.Equal(t, map[LieState]int{
		AtIdentity: 208, AtChallenge: 175, AtReauth: 294, AtSuccess: 161, AtReauthSuccess: 176,
		AtRefusal: 161, AtReauthRefusal: 176, AtFailure: 140, AtReauthFailure: 140,
	}, told)
}

// tellAll tells a lie in each method that it is for.
func tellAll(t *testing.T, lie *Lie, storing bool) (told int) {
	for _, method := range allMethods {
		if !lie.For(method) {
			continue
		}
		told++
		t.Run(fmt.Sprint(lie.Name, " ", method), func(t *testing.T) {
			require.NotEmpty(t, lie.Source)
			s, p, o := lied(t, lie, method, storing)
			n, notified := s.notification()
			switch lie.Want {
			case WantNotification:
				require.Equal(t, eap.OutcomeFailure, o.Kind, "%v", o.Err)
				require.True(t, notified)
				require.Equal(t, aka.NotifyFailure, n)
			case WantRefusal:
				require.Equal(t, eap.OutcomeFailure, o.Kind, "%v", o.Err)
				require.True(t, notified)
				require.Equal(t, aka.NotifyTemporarilyDenied, n)
			case WantFailure:
				require.Equal(t, eap.OutcomeFailure, o.Kind, "%v", o.Err)
				require.False(t, notified)
			case WantDiscard:
				require.Equal(t, eap.OutcomeDiscard, o.Kind, "%v", o.Err)
			case WantSuccess:
				require.Equal(t, eap.OutcomeSuccess, o.Kind, "%v", o.Err)
				r, ok := p.Result()
				require.True(t, ok)
				require.Equal(t, *o.Result, r)
			}
			require.LessOrEqual(t, s.count(aka.SubtypeChallenge), 3, "resynchronisations are bounded")
			require.LessOrEqual(t, s.count(aka.SubtypeIdentity), 3)

			// Nothing that was said spoils the next login.
			p.cfg.Lie, s.authorize = nil, eap.Authorization{}
			require.Equal(t, eap.OutcomeSuccess, s.login(t, p).Kind)
			r, ok := p.Result()
			require.True(t, ok)
			require.Equal(t, testIMSI, r.IMSI)
		})
	}
	return told
}

// TestLiesAreLies: each lie changes what an honest peer would have said.
func TestLiesAreLies(t *testing.T) {
	seen := map[string]bool{}
	for _, lie := range slices.Concat(Lies(), StateLies()) {
		for _, method := range allMethods {
			if !lie.For(method) {
				continue
			}
			name := fmt.Sprint(lie.Name, " ", method, " ", lie.State)
			require.False(t, seen[name], name)
			seen[name] = true
			changed := 0
			watched := lie
			var honest []byte
			watched.Edit = func(p *Peer, d *Draft) {
				honest = d.encode(&p.keys)
				if lie.Edit != nil {
					lie.Edit(p, d)
				}
			}
			watched.Mangle = func(p *Peer, pkt []byte) []byte {
				if lie.Mangle != nil {
					pkt = lie.Mangle(p, pkt)
				}
				require.NotEqual(t, honest, pkt, name)
				changed++
				return pkt
			}
			lied(t, &watched, method, false)
			require.NotZero(t, changed, name)
		}
	}
}
