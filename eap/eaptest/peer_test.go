package eaptest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/milenage"
)

// testAlgorithm has a key that no server of the tests knows.
func testAlgorithm(t testing.TB) milenage.Algorithm {
	t.Helper()
	c, err := milenage.New([16]byte{1}, [16]byte{2})
	require.NoError(t, err)
	return c.Algorithm()
}

func TestNewPeer(t *testing.T) {
	u := newUSIM(t, USIMConfig{})
	for _, cfg := range []PeerConfig{
		{}, {USIM: u}, {IMSI: testIMSI},
		{USIM: u, IMSI: testIMSI, Methods: []eap.Type{}},
		{USIM: u, IMSI: testIMSI, Methods: []eap.Type{eap.TypeNak}},
		{USIM: u, IMSI: testIMSI, Triplets: 1},
	} {
		_, err := NewPeer(cfg)
		require.ErrorIs(t, err, ErrPeer)
	}
	p := newPeer(t, PeerConfig{USIM: u})
	require.Equal(t, "6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org", p.Identity())
	p = newPeer(t, PeerConfig{USIM: u, Methods: []eap.Type{eap.TypeAKA}, Realm: "example.org"})
	require.Equal(t, "0001010000000001@example.org", p.Identity())
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		require.Equal(t, "eaptest.Peer[00101**********]", fmt.Sprintf(verb, p))
	}
}

// TestLogin runs the Peer against the real server.
func TestLogin(t *testing.T) {
	for _, c := range []struct {
		name       string
		server     aka.Config
		keys       auc.Keys
		peer       PeerConfig
		sqn        uint64 // of the USIM
		resyncs    int
		identities int // AKA-Identity rounds
		told       aka.Notification
	}{
		{name: "plain"},
		{name: "plain vectors", keys: auc.KeysPlain},
		{name: "asked for the identity", server: aka.Config{AlwaysRequestIdentity: true}, identities: 1},
		{name: "anonymous at first", peer: PeerConfig{Identity: "@wlan.mnc001.mcc001.3gppnetwork.org"}, identities: 1},
		{name: "resynchronisation", sqn: 5000, resyncs: 1},
		{name: "resynchronisation after an identity round", server: aka.Config{AlwaysRequestIdentity: true}, sqn: 1 << 40, resyncs: 1, identities: 1},
		{name: "result indications", server: aka.Config{ResultIndications: true}, peer: PeerConfig{ResultIndications: true}, told: aka.NotifySuccess},
		{name: "result indications offered", server: aka.Config{ResultIndications: true}},
		{name: "result indications not offered", peer: PeerConfig{ResultIndications: true}},
		{name: "no check code", server: aka.Config{AlwaysRequestIdentity: true}, peer: PeerConfig{NoCheckcode: true}, identities: 1},
		{name: "network name", server: aka.Config{NetworkName: "WLAN:more"}, peer: PeerConfig{NetworkName: "WLAN"}},
	} {
		for _, method := range bothMethods {
			t.Run(fmt.Sprint(c.name, " ", method), func(t *testing.T) {
				s := newServer(t, c.server, c.keys, method)
				c.peer.Methods = []eap.Type{method}
				c.peer.USIM = newUSIM(t, USIMConfig{SQN: c.sqn})
				p := newPeer(t, c.peer)
				resyncs := c.resyncs
				for range 3 {
					o := s.login(t, p)
					require.Equal(t, eap.OutcomeSuccess, o.Kind, "%v", o.Err)
					require.Equal(t, Succeeded, p.Status())
					r, ok := p.Result()
					require.True(t, ok)
					require.Equal(t, *o.Result, r)
					require.Equal(t, method, r.Method)
					require.NotZero(t, r.MSK)
					require.Equal(t, resyncs, p.Resyncs())
					require.Equal(t, 1+resyncs, s.count(aka.SubtypeChallenge))
					require.Equal(t, c.identities, s.count(aka.SubtypeIdentity))
					n, told := p.Notification()
					require.Equal(t, c.told != 0, told)
					require.Equal(t, c.told, n)
					resyncs = 0 // not at the next login
				}
			})
		}
	}
}

func TestLoginFails(t *testing.T) {
	stranger := func(t *testing.T) *USIM { return newUSIM(t, USIMConfig{Algorithm: testAlgorithm(t)}) }
	for _, c := range []struct {
		name      string
		peer      func(t *testing.T) PeerConfig
		authorize eap.Authorization
		told      aka.Notification // 0: none
		after     bool             // the failure comes after authentication
	}{
		{name: "unknown subscriber", peer: func(*testing.T) PeerConfig {
			return PeerConfig{IMSI: eap.MustParseIMSI("001010000000099")}
		}, told: aka.NotifyFailure},
		{name: "wrong key", peer: func(t *testing.T) PeerConfig { return PeerConfig{USIM: stranger(t)} }},
		{name: "other network", peer: func(*testing.T) PeerConfig { return PeerConfig{NetworkName: "HRPD"} }},
		{name: "refused", authorize: eap.Authorization{Refusal: eap.RefusalGeneral}, after: true},
		{name: "refused for now", authorize: eap.Authorization{Refusal: eap.RefusalTemporary}, told: aka.NotifyTemporarilyDenied, after: true},
		{name: "not subscribed", authorize: eap.Authorization{Refusal: eap.RefusalNotSubscribed}, told: aka.NotifyNotSubscribed, after: true},
	} {
		for _, method := range bothMethods {
			if c.name == "other network" && method == eap.TypeAKA {
				continue // EAP-AKA does not name it
			}
			t.Run(fmt.Sprint(c.name, " ", method), func(t *testing.T) {
				s := newServer(t, aka.Config{}, auc.KeysPrimed, method)
				s.authorize = c.authorize
				var cfg PeerConfig
				if c.peer != nil {
					cfg = c.peer(t)
				}
				cfg.Methods = []eap.Type{method}
				p := newPeer(t, cfg)
				o := s.login(t, p)
				require.Equal(t, eap.OutcomeFailure, o.Kind)
				require.Equal(t, Failed, p.Status())
				n, told := p.Notification()
				require.Equal(t, c.told != 0 || c.after, told)
				require.Equal(t, c.told, n)
				_, ok := p.Result()
				require.False(t, ok)
			})
		}
	}
}

// TestMethodChoice lets server and peer find a method that both have.
func TestMethodChoice(t *testing.T) {
	both := []eap.Type{eap.TypeAKAPrime, eap.TypeAKA}
	for _, c := range []struct {
		name         string
		server, peer []eap.Type
		identity     string
		want         eap.Type // 0: failure
	}{
		{"both, both", both, both, "", eap.TypeAKAPrime},
		{"server AKA", []eap.Type{eap.TypeAKA}, both, "", eap.TypeAKA},
		{"server AKA'", []eap.Type{eap.TypeAKAPrime}, both, "", eap.TypeAKAPrime},
		{"peer AKA", both, []eap.Type{eap.TypeAKA}, "", eap.TypeAKA},
		{"peer AKA, says AKA'", both, []eap.Type{eap.TypeAKA}, "6001010000000001", eap.TypeAKA},
		{"peer AKA', says AKA", both, []eap.Type{eap.TypeAKAPrime}, "0001010000000001", eap.TypeAKAPrime},
		{"nothing in common", []eap.Type{eap.TypeAKA}, []eap.Type{eap.TypeAKAPrime}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, aka.Config{}, auc.KeysPrimed, c.server...)
			p := newPeer(t, PeerConfig{Methods: c.peer, Identity: c.identity})
			o := s.login(t, p)
			require.Equal(t, c.want, p.Method())
			if c.want == 0 {
				require.Equal(t, eap.OutcomeFailure, o.Kind)
				require.Equal(t, Failed, p.Status())
				return
			}
			require.Equal(t, eap.OutcomeSuccess, o.Kind, "%v", o.Err)
			r, ok := p.Result()
			require.True(t, ok)
			require.Equal(t, *o.Result, r)
		})
	}
}

// TestBiddingDown: a server that would rather do EAP-AKA' says so in EAP-AKA,
// and a peer of the same mind stops (RFC 9048, section 4).
func TestBiddingDown(t *testing.T) {
	s := newServer(t, aka.Config{Bidding: true}, auc.KeysPrimed, eap.TypeAKA)
	p := newPeer(t, PeerConfig{Methods: []eap.Type{eap.TypeAKAPrime, eap.TypeAKA}})
	require.Equal(t, eap.OutcomeFailure, s.login(t, p).Kind)
	for _, methods := range [][]eap.Type{{eap.TypeAKA}, {eap.TypeAKA, eap.TypeAKAPrime}} {
		p = newPeer(t, PeerConfig{Methods: methods})
		require.Equal(t, eap.OutcomeSuccess, s.login(t, p).Kind)
	}
}

// replay returns what puts a peer through the requests of one login again and
// again: a full authentication, or a fast re-authentication.
func replay(t testing.TB, method eap.Type, reauth bool) func() {
	s := reauthServer(t, aka.Config{}, method)
	p := newPeer(t, PeerConfig{Methods: only(method)})
	var before Peer
	if reauth {
		s.full(t, p)
		before = *p
		s.reauth(t, p)
	} else {
		before = *p
		s.full(t, p)
	}
	var requests [][]byte
	for _, q := range s.seen {
		if q.Code != eap.CodeResponse {
			requests = append(requests, q.Raw)
		}
	}
	return func() {
		p.USIM().SetSQN(0)
		p.ids = before.ids
		p.Reset()
		for _, r := range requests {
			if _, err := p.Handle(r); err != nil {
				t.Fatal(err)
			}
		}
		if p.Status() != Succeeded || p.Reauthenticated() != reauth {
			t.Fatal(p.Status())
		}
	}
}

// BenchmarkPeer is a phone's part in a login: identity, challenge or fast
// re-authentication, success.
func BenchmarkPeer(b *testing.B) {
	for _, method := range bothMethods {
		for name, reauth := range map[string]bool{"full": false, "reauth": true} {
			b.Run(method.String()+" "+name, func(b *testing.B) {
				login := replay(b, method, reauth)
				b.ReportAllocs()
				for b.Loop() {
					login()
				}
			})
		}
	}
}
