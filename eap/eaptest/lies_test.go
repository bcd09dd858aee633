package eaptest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
)

// TestLies tells every lie to the real server.
func TestLies(t *testing.T) {
	told := map[Want]int{}
	for _, lie := range Lies() {
		for _, method := range bothMethods {
			if !lie.For(method) {
				continue
			}
			t.Run(fmt.Sprint(lie.Name, " ", method), func(t *testing.T) {
				told[lie.Want]++
				require.NotEmpty(t, lie.Source)
				s := newServer(t, aka.Config{
					AlwaysRequestIdentity: lie.IdentityRound,
					ResultIndications:     lie.ResultIndications,
				}, auc.KeysPrimed, method)
				p := newPeer(t, PeerConfig{
					Methods: []eap.Type{method}, ResultIndications: lie.ResultIndications, Lie: &lie,
				})
				o := s.tell(t, p)
				n, notified := s.notification()
				switch lie.Want {
				case WantNotification:
					require.Equal(t, eap.OutcomeFailure, o.Kind, "%v", o.Err)
					require.True(t, notified)
					require.Equal(t, aka.NotifyFailure, n)
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
			})
		}
	}
	require.Equal(t, map[Want]int{WantNotification: 119, WantFailure: 8, WantDiscard: 16, WantSuccess: 26}, told)
}

// TestLiesAreLies: each lie changes what an honest peer would have said.
func TestLiesAreLies(t *testing.T) {
	seen := map[string]bool{}
	for _, lie := range Lies() {
		for _, method := range bothMethods {
			if !lie.For(method) {
				continue
			}
			name := fmt.Sprint(lie.Name, " ", method)
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
			s := newServer(t, aka.Config{
				AlwaysRequestIdentity: lie.IdentityRound, ResultIndications: lie.ResultIndications,
			}, auc.KeysPrimed, method)
			s.tell(t, newPeer(t, PeerConfig{
				Methods: []eap.Type{method}, ResultIndications: lie.ResultIndications, Lie: &watched,
			}))
			require.NotZero(t, changed, name)
		}
	}
}
