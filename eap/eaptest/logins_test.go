package eaptest

import (
	"bytes"
	"crypto/rsa"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/keyring"
)

// admitted is a login that must succeed with the same result on both sides.
func (s *server) admitted(t testing.TB, p *Peer) eap.Result {
	t.Helper()
	o := s.login(t, p)
	require.Equal(t, eap.OutcomeSuccess, o.Kind, "%v", o.Err)
	require.Equal(t, Succeeded, p.Status())
	r, ok := p.Result()
	require.True(t, ok)
	require.Equal(t, *o.Result, r)
	require.Equal(t, testIMSI, r.IMSI)
	return r
}

// full is one that must be a full authentication, reauth one that must not.
func (s *server) full(t testing.TB, p *Peer) eap.Result {
	t.Helper()
	r := s.admitted(t, p)
	require.False(t, r.Reauthenticated)
	require.Equal(t, 1, s.challenges())
	return r
}

func (s *server) reauth(t testing.TB, p *Peer) eap.Result {
	t.Helper()
	sqn := p.USIM().SQN()
	r := s.admitted(t, p)
	require.True(t, r.Reauthenticated)
	require.Zero(t, s.challenges())
	require.Equal(t, 1, s.count(aka.SubtypeReauthentication))
	require.Equal(t, sqn, p.USIM().SQN(), "the USIM has no part in it")
	return r
}

func (s *server) challenges() int {
	return s.count(aka.SubtypeChallenge) + s.count(aka.SubtypeSIMChallenge)
}

// identityRounds returns how many requests for an identity there were.
func (s *server) identityRounds() (n int) {
	for _, q := range s.seen {
		if q.Code != eap.CodeRequest || q.Type < eap.TypeSIM {
			continue
		}
		if m, err := aka.Decode(q); err == nil &&
			(m.Has(aka.AttrAnyIDReq) || m.Has(aka.AttrFullauthIDReq) || m.Has(aka.AttrPermanentIDReq)) {
			n++
		}
	}
	return n
}

// refused is a login that must fail, with a notification or, for 0, without.
func (s *server) refused(t testing.TB, p *Peer, want aka.Notification) {
	t.Helper()
	require.Equal(t, eap.OutcomeFailure, s.login(t, p).Kind)
	require.Equal(t, Failed, p.Status())
	n, told := s.notification()
	require.Equal(t, want != 0, told)
	require.Equal(t, want, n)
}

// tellsIMSI reports whether the IMSI was to be seen in the last login.
func (s *server) tellsIMSI() bool {
	for _, q := range s.seen {
		if bytes.Contains(q.Raw, []byte(testIMSI.Digits())) {
			return true
		}
	}
	return false
}

func reauthServer(t testing.TB, cfg aka.Config, methods ...eap.Type) *server {
	cfg.Reauth = aka.NewMemoryReauthStore(0)
	return newServer(t, cfg, auc.KeysPrimed, methods...)
}

// forAll runs a test in all methods.
func forAll(t *testing.T, f func(t *testing.T, method eap.Type)) {
	for _, method := range allMethods {
		t.Run(method.String(), func(t *testing.T) { f(t, method) })
	}
}

func only(method eap.Type) []eap.Type { return []eap.Type{method} }

func TestPseudonymLogins(t *testing.T) {
	for _, always := range []bool{false, true} {
		forAll(t, func(t *testing.T, method eap.Type) {
			s := newServer(t, aka.Config{AlwaysRequestIdentity: always}, auc.KeysPrimed, method)
			p := newPeer(t, PeerConfig{Methods: only(method)})
			s.full(t, p)
			require.True(t, s.tellsIMSI())
			seen := map[string]bool{}
			for range 5 {
				id, ok := p.Pseudonym(method)
				require.True(t, ok)
				require.False(t, seen[id], "each login a new one")
				seen[id] = true
				require.Equal(t, id, s.full(t, p).Identity)
				require.False(t, s.tellsIMSI())
			}
			p.Forget()
			s.full(t, p)
			require.True(t, s.tellsIMSI())
		})
	}
}

func TestPseudonymsOff(t *testing.T) {
	forAll(t, func(t *testing.T, method eap.Type) {
		s := newServer(t, aka.Config{NoPseudonyms: true}, auc.KeysPrimed, method)
		p := newPeer(t, PeerConfig{Methods: only(method)})
		s.full(t, p)
		_, ok := p.Pseudonym(method)
		require.False(t, ok)

		s = newServer(t, aka.Config{}, auc.KeysPrimed, method)
		p = newPeer(t, PeerConfig{Methods: only(method), NoPseudonyms: true})
		s.full(t, p)
		_, ok = p.Pseudonym(method)
		require.False(t, ok)
	})
}

// TestLostPseudonym: a server that cannot read a pseudonym asks for the
// permanent identity, if it may and the phone gives it.
func TestLostPseudonym(t *testing.T) {
	forAll(t, func(t *testing.T, method eap.Type) {
		unknown := map[eap.Type]string{eap.TypeAKA: "2", eap.TypeSIM: "3", eap.TypeAKAPrime: "7"}[method] + "someoneelses"
		pseudonyms := aka.NewPseudonyms(keyring.NewRandom(), aka.PseudonymConfig{MaxAge: 24 * time.Hour})
		for name, lose := range map[string]func(s *server, p *Peer){
			"unknown": func(_ *server, p *Peer) { require.NoError(t, p.SetPseudonym(method, unknown)) },
			"stale":   func(s *server, _ *Peer) { s.now = s.now.Add(48 * time.Hour) },
			"other ring": func(s *server, _ *Peer) {
				s.serve(aka.Config{
					Pseudonyms: aka.NewPseudonyms(keyring.NewRandom(), aka.PseudonymConfig{}),
				}, method)
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := newServer(t, aka.Config{Pseudonyms: pseudonyms}, auc.KeysPrimed, method)
				p := newPeer(t, PeerConfig{Methods: only(method)})
				s.full(t, p)
				lose(s, p)
				s.full(t, p)
				require.True(t, s.tellsIMSI())
				require.Equal(t, 1, s.identityRounds(), "the permanent one at once")
				s.full(t, p)
				require.False(t, s.tellsIMSI(), "there is a new one")
			})
		}
		t.Run("the phone withholds the permanent identity", func(t *testing.T) {
			s := newServer(t, aka.Config{}, auc.KeysPrimed, method)
			p := newPeer(t, PeerConfig{Methods: only(method), Conservative: true})
			s.full(t, p)
			require.NoError(t, p.SetPseudonym(method, unknown))
			o := s.tell(t, p)
			require.Equal(t, eap.OutcomeFailure, o.Kind)
			require.Equal(t, Failed, p.Status())
			require.False(t, s.tellsIMSI())
		})
		t.Run("the server does not ask for it", func(t *testing.T) {
			s := newServer(t, aka.Config{RefusePermanentIdentity: true}, auc.KeysPrimed, method)
			p := newPeer(t, PeerConfig{Methods: only(method)})
			s.full(t, p)
			require.NoError(t, p.SetPseudonym(method, unknown))
			s.refused(t, p, aka.NotifyFailure)
			require.False(t, s.tellsIMSI())
		})
	})
}

func TestReauthLogins(t *testing.T) {
	for _, c := range []struct {
		name    string
		server  aka.Config
		peer    PeerConfig
		storing bool
	}{
		{name: "plain"},
		{name: "stored between rounds", server: aka.Config{AlwaysRequestIdentity: true, ResultIndications: true}, peer: PeerConfig{ResultIndications: true}, storing: true},
		{name: "asked for the identity", server: aka.Config{AlwaysRequestIdentity: true}},
		{name: "forward secrecy", server: aka.Config{ForwardSecrecy: aka.FSOffered}, peer: PeerConfig{ForwardSecrecy: aka.FSOffered}},
		{name: "result indications", server: aka.Config{ResultIndications: true}, peer: PeerConfig{ResultIndications: true}},
		{name: "all of it", server: aka.Config{AlwaysRequestIdentity: true, ResultIndications: true}, peer: PeerConfig{ResultIndications: true}},
		{name: "no pseudonyms", server: aka.Config{NoPseudonyms: true}},
		{name: "no check code", server: aka.Config{AlwaysRequestIdentity: true}, peer: PeerConfig{NoCheckcode: true}},
		{name: "without a realm", peer: PeerConfig{Realm: "example.org"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			forAll(t, func(t *testing.T, method eap.Type) {
				c.server.ReauthLimits.Count = 3
				s := reauthServer(t, c.server, method)
				s.storing = c.storing
				c.peer.Methods = only(method)
				c.peer.USIM = nil
				p := newPeer(t, c.peer)
				seen := map[string]bool{}
				fresh := func(r eap.Result) {
					require.False(t, seen[r.Identity] && r.Reauthenticated)
					require.False(t, seen[string(r.MSK[:])])
					require.False(t, seen[string(r.SessionID)])
					seen[r.Identity], seen[string(r.MSK[:])], seen[string(r.SessionID)] = true, true, true
				}
				for range 3 {
					fresh(s.full(t, p))
					for n := range uint16(3) {
						require.Equal(t, n, p.Counter())
						id, ok := p.ReauthIdentity()
						require.True(t, ok)
						r := s.reauth(t, p)
						require.Equal(t, id, r.Identity)
						require.False(t, s.tellsIMSI())
						fresh(r)
						told, notified := p.Notification()
						require.Equal(t, c.peer.ResultIndications, notified)
						if notified {
							require.Equal(t, aka.NotifySuccess, told)
						}
					}
					_, ok := p.ReauthIdentity()
					require.False(t, ok, "the limit is reached")
				}
			})
		})
	}
}

func TestReauthFallsBack(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, s *server, p *Peer)
		// identities is how many AKA-Identity rounds there are, requests how
		// many re-authentications are tried.
		identities, requests int
	}{
		{name: "too old", do: func(_ *testing.T, s *server, _ *Peer) { s.now = s.now.Add(2 * time.Hour) }},
		{name: "counter too small", do: func(_ *testing.T, _ *server, p *Peer) { p.SetCounter(9) }, requests: 1},
		{name: "identity that nobody knows", do: func(_ *testing.T, _ *server, p *Peer) {
			id, _ := p.ReauthIdentity()
			p.SetReauthIdentity(id[:1] + "AAAA" + id[5:])
		}, identities: 1},
		{name: "identity used before", do: func(t *testing.T, s *server, p *Peer) {
			id, _ := p.ReauthIdentity()
			s.reauth(t, p)
			p.SetReauthIdentity(id)
		}, identities: 1},
		{name: "the phone wants no re-authentication", do: func(_ *testing.T, _ *server, p *Peer) {
			p.SetReauthIdentity("") // has lost it
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			forAll(t, func(t *testing.T, method eap.Type) {
				s := reauthServer(t, aka.Config{}, method)
				p := newPeer(t, PeerConfig{Methods: only(method)})
				s.full(t, p)
				c.do(t, s, p)
				offered := p.outerIdentity()
				r := s.full(t, p)
				require.Equal(t, c.identities, s.identityRounds())
				require.Equal(t, c.requests, s.count(aka.SubtypeReauthentication))
				require.False(t, s.tellsIMSI(), "there is a pseudonym")
				if c.identities == 0 {
					require.Equal(t, offered, r.Identity)
				}
				s.reauth(t, p)
			})
		})
	}
}

// TestReauthOfSomeoneElse: whoever comes with another phone's identity cannot
// answer, and the phone has lost nothing.
func TestReauthOfSomeoneElse(t *testing.T) {
	forAll(t, func(t *testing.T, method eap.Type) {
		s := reauthServer(t, aka.Config{}, method)
		other := eap.MustParseIMSI("001010000000002")
		require.NoError(t, s.centre.Put(auc.Subscriber{IMSI: other, Algorithm: testAlgorithm(t), SQN: 32}))
		victim := newPeer(t, PeerConfig{Methods: only(method)})
		thief := newPeer(t, PeerConfig{
			Methods: only(method), IMSI: other, USIM: newUSIM(t, USIMConfig{Algorithm: testAlgorithm(t)}),
		})
		s.full(t, victim)
		require.Equal(t, eap.OutcomeSuccess, s.login(t, thief).Kind)
		id, _ := victim.ReauthIdentity()
		thief.SetReauthIdentity(id)
		o := s.tell(t, thief)
		require.Equal(t, eap.OutcomeFailure, o.Kind)
		require.ErrorIs(t, o.Err, aka.ErrClientError)
		require.Equal(t, 1, s.count(aka.SubtypeReauthentication))
		s.reauth(t, victim)
		require.Equal(t, eap.OutcomeSuccess, s.login(t, thief).Kind)
	})
}

// TestRefusedAfterReauth: the notification has the counter, and what was given
// out in vain is not used.
func TestRefusedAfterReauth(t *testing.T) {
	forAll(t, func(t *testing.T, method eap.Type) {
		s := reauthServer(t, aka.Config{}, method)
		p := newPeer(t, PeerConfig{Methods: only(method)})
		s.full(t, p)
		for refusal, want := range map[eap.Refusal]aka.Notification{
			eap.RefusalTemporary: aka.NotifyTemporarilyDenied, eap.RefusalNotSubscribed: aka.NotifyNotSubscribed,
		} {
			s.authorize.Refusal = refusal
			s.refused(t, p, want)
			require.True(t, p.Reauthenticated())
			s.authorize.Refusal = eap.RefusalNone
			s.full(t, p)
			require.False(t, s.tellsIMSI())
		}
	})
}

// TestReauthOfEachMethod lets a phone change methods.
func TestReauthOfEachMethod(t *testing.T) {
	both := []eap.Type{eap.TypeAKAPrime, eap.TypeAKA}
	s := reauthServer(t, aka.Config{}, both...)
	p := newPeer(t, PeerConfig{Methods: both})
	require.Equal(t, eap.TypeAKAPrime, s.full(t, p).Method)
	require.Equal(t, eap.TypeAKAPrime, s.reauth(t, p).Method)
	p.cfg.Methods = only(eap.TypeAKA)
	p.Reset()
	require.Equal(t, eap.TypeAKA, s.full(t, p).Method)
	require.Equal(t, eap.TypeAKA, s.reauth(t, p).Method)
}

func TestEncryptedIdentityLogins(t *testing.T) {
	keys := make([]*rsa.PrivateKey, 3)
	for i := range keys {
		keys[i] = testKey(t)
	}
	cfg := aka.Config{NoPseudonyms: true, IdentityKeys: []aka.IdentityKey{
		{Key: keys[0], Attribute: "key=0"}, {Key: keys[1], Retired: true},
	}}
	forAll(t, func(t *testing.T, method eap.Type) {
		for i, want := range []aka.Notification{0, 16385, aka.NotifyFailure} {
			t.Run(fmt.Sprint("key ", i), func(t *testing.T) {
				s := newServer(t, cfg, auc.KeysPrimed, method)
				for _, attribute := range []string{"", "key=0", "key=9"} {
					p := newPeer(t, PeerConfig{
						Methods: only(method), IdentityKey: &keys[i].PublicKey, IdentityKeyAttribute: attribute,
					})
					if want == 0 {
						s.full(t, p)
					} else if attribute == "key=0" {
						s.refused(t, p, aka.NotifyFailure) // it is not that key
					} else {
						s.refused(t, p, want)
					}
					require.False(t, s.tellsIMSI())
				}
			})
		}
	})
}
