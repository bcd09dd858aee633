package eaptest

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/milenage"
)

// A USIM asked as a SIM card, with the key of TS 35.208, set 1: the values of
// GSM-Milenage.
func TestUSIMAsSIM(t *testing.T) {
	k, _ := hex.DecodeString("465b5ce8b199b49faa5f0a2ee238a6bc")
	opc, _ := hex.DecodeString("cd63cb71954a9f4e48a5994e37a02baf")
	rand, _ := hex.DecodeString("23553cbe9637a89d218ae64dae47bf35")
	c, err := milenage.New([16]byte(k), [16]byte(opc))
	require.NoError(t, err)
	u := newUSIM(t, USIMConfig{Algorithm: c.Algorithm()})
	got := u.GSM([16]byte(rand))
	require.Equal(t, "46f8416a", hex.EncodeToString(got.SRES[:]))
	require.Equal(t, "eae4be823af9a08b", hex.EncodeToString(got.Kc[:]))
	require.Zero(t, u.SQN(), "it has no sequence numbers")
}

// loginStored logs p in, where keep is set through the stored state of each
// message.
func (s *server) loginStored(t testing.TB, p *Peer, keep bool) eap.Outcome {
	t.Helper()
	if !keep {
		return s.login(t, p)
	}
	s.seen = s.seen[:0]
	c := s.auth.New(eap.Peer{})
	o := c.Start(s.now)
	for range 20 {
		switch o.Kind {
		case eap.OutcomeNeed:
			if r, ok := o.Need.(eap.Resolver); ok {
				o = c.Resume(s.now, r.Resolve(context.Background()))
			} else {
				o = c.Resume(s.now, s.authorize)
			}
		case eap.OutcomeSend:
			s.note(t, o.Packet)
			resp, _ := p.Handle(o.Packet)
			require.NotNil(t, resp)
			s.note(t, resp)
			state, err := c.AppendState(nil)
			require.NoError(t, err)
			require.LessOrEqual(t, len(state), 240, "a State attribute has 253 octets")
			if len(s.seen) > 2 { // before that it is not known who the peer is
				c, err = s.auth.Restore(eap.Peer{Identity: s.outer()}, state)
				require.NoError(t, err)
			}
			o = c.Handle(s.now, resp)
		default:
			s.note(t, o.Packet)
			resp, _ := p.Handle(o.Packet)
			require.Nil(t, resp)
			return o
		}
	}
	require.Fail(t, "endless conversation")
	return o
}

// outer is what EAP-Response/Identity said.
func (s *server) outer() string { return string(s.seen[1].Data) }

func TestSIMLogin(t *testing.T) {
	store := func() aka.ReauthStore { return aka.NewMemoryReauthStore(10) }
	for _, c := range []struct {
		name   string
		server aka.Config
		peer   PeerConfig
		starts []int // SIM-Start rounds, login by login
		kinds  string
		reauth []bool
		told   aka.Notification
	}{
		{name: "three triplets, then pseudonyms", starts: []int{1, 1, 1}, kinds: "133"},
		{name: "two triplets", server: aka.Config{Triplets: 2}, starts: []int{1, 1}, kinds: "13"},
		{name: "three triplets, and no fewer", peer: PeerConfig{Triplets: 3}, starts: []int{1}, kinds: "1"},
		{name: "no pseudonyms", server: aka.Config{NoPseudonyms: true}, starts: []int{1, 1}, kinds: "11"},
		{name: "asked for the identity", server: aka.Config{AlwaysRequestIdentity: true}, starts: []int{1, 1}, kinds: "13"},
		{name: "anonymous at first", peer: PeerConfig{Identity: "@wlan.mnc001.mcc001.3gppnetwork.org"}, starts: []int{1, 1}, kinds: "13"},
		{name: "result indications", server: aka.Config{ResultIndications: true}, peer: PeerConfig{ResultIndications: true}, starts: []int{1, 1}, kinds: "13", told: aka.NotifySuccess},
		{name: "result indications offered", server: aka.Config{ResultIndications: true}, starts: []int{1}, kinds: "1"},
		{name: "result indications wanted", peer: PeerConfig{ResultIndications: true}, starts: []int{1}, kinds: "1"},
		{name: "fast re-authentication", server: aka.Config{Reauth: store(), ReauthLimits: aka.ReauthLimits{Count: 2}}, starts: []int{1, 0, 0, 1, 0}, kinds: "15535", reauth: []bool{false, true, true, false, true}},
		{name: "fast re-authentication, asked for the identity", server: aka.Config{Reauth: store(), AlwaysRequestIdentity: true}, starts: []int{1, 1, 1}, kinds: "155", reauth: []bool{false, true, true}},
		{name: "fast re-authentication, result indications", server: aka.Config{Reauth: store(), ResultIndications: true}, peer: PeerConfig{ResultIndications: true}, starts: []int{1, 0, 0}, kinds: "155", reauth: []bool{false, true, true}, told: aka.NotifySuccess},
	} {
		for _, keep := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, " ", keep), func(t *testing.T) {
				if c.server.Reauth != nil {
					c.server.Reauth = store()
				}
				s := newServer(t, c.server, auc.KeysPrimed, eap.TypeSIM)
				c.peer.Methods = onlySIM
				p := newPeer(t, c.peer)
				for i := range c.starts {
					o := s.loginStored(t, p, keep)
					require.Equal(t, eap.OutcomeSuccess, o.Kind, "%v", o.Err)
					require.Equal(t, Succeeded, p.Status())
					r, ok := p.Result()
					require.True(t, ok)
					require.Equal(t, *o.Result, r)
					require.Equal(t, eap.TypeSIM, r.Method)
					require.NotZero(t, r.MSK)
					require.Equal(t, c.kinds[i], r.Identity[0])
					require.Equal(t, c.starts[i], s.count(aka.SubtypeSIMStart), "login %d", i)
					again := c.reauth != nil && c.reauth[i]
					require.Equal(t, again, r.Reauthenticated)
					require.Equal(t, again, s.count(aka.SubtypeSIMChallenge) == 0)
					n, told := p.Notification()
					require.Equal(t, c.told != 0, told)
					require.Equal(t, c.told, n)
				}
			})
		}
	}
}

// The peer asks for a full authentication in the middle of a fast one.
func TestSIMCounterTooSmall(t *testing.T) {
	for _, keep := range []bool{false, true} {
		s := newServer(t, aka.Config{Reauth: aka.NewMemoryReauthStore(10)}, auc.KeysPrimed, eap.TypeSIM)
		p := newPeer(t, PeerConfig{Methods: onlySIM})
		require.Equal(t, eap.OutcomeSuccess, s.loginStored(t, p, keep).Kind)
		p.SetCounter(7)
		o := s.loginStored(t, p, keep)
		require.Equal(t, eap.OutcomeSuccess, o.Kind, "%v", o.Err)
		require.Equal(t, 1, s.count(aka.SubtypeReauthentication))
		require.Equal(t, 1, s.count(aka.SubtypeSIMStart))
		r, _ := p.Result()
		require.Equal(t, *o.Result, r)
		require.False(t, r.Reauthenticated)
		require.Equal(t, byte('5'), r.Identity[0])
	}
}

func TestSIMIdentityRounds(t *testing.T) {
	s := newServer(t, aka.Config{Reauth: aka.NewMemoryReauthStore(10)}, auc.KeysPrimed, eap.TypeSIM)
	p := newPeer(t, PeerConfig{Methods: onlySIM})
	login := func(starts int, first byte) {
		t.Helper()
		o := s.login(t, p)
		require.Equal(t, eap.OutcomeSuccess, o.Kind, "%v", o.Err)
		require.Equal(t, starts, s.count(aka.SubtypeSIMStart))
		require.Equal(t, first, o.Result.Identity[0])
	}
	login(1, '1')
	// A re-authentication identity that the server has lost.
	id, ok := p.ReauthIdentity()
	require.True(t, ok)
	p.SetReauthIdentity("5lost" + id[5:])
	login(1, '3')
	// One whose time is over: the server still knows whose it was.
	s.now = s.now.Add(90 * time.Minute)
	login(1, '5')
	// A pseudonym of nobody, with and without a fall-back.
	p.Forget()
	require.NoError(t, p.SetPseudonym(eap.TypeSIM, "3ffffffffffffffffffff"))
	login(1, '1')
	p = newPeer(t, PeerConfig{Methods: onlySIM, Conservative: true})
	require.NoError(t, p.SetPseudonym(eap.TypeSIM, "3ffffffffffffffffffff"))
	require.Equal(t, eap.OutcomeFailure, s.login(t, p).Kind)
	// A server that does not ask for what it may not know.
	s = newServer(t, aka.Config{RefusePermanentIdentity: true}, auc.KeysPrimed, eap.TypeSIM)
	require.Equal(t, eap.OutcomeFailure, s.login(t, p).Kind)
	n, ok := s.notification()
	require.True(t, ok)
	require.Equal(t, aka.NotifyFailure, n)
}

func TestSIMLoginFails(t *testing.T) {
	for _, c := range []struct {
		name      string
		server    aka.Config
		peer      func(t *testing.T) PeerConfig
		authorize eap.Authorization
		err       error            // of the server
		told      aka.Notification // 0: none
		after     bool             // the failure comes after authentication
	}{
		{name: "unknown subscriber", peer: func(*testing.T) PeerConfig {
			return PeerConfig{IMSI: eap.MustParseIMSI("001010000000099")}
		}, err: aka.ErrUnknownSubscriber, told: aka.NotifyFailure},
		// The card of another key finds the server's MAC wrong.
		{name: "wrong key", peer: func(t *testing.T) PeerConfig {
			return PeerConfig{USIM: newUSIM(t, USIMConfig{Algorithm: testAlgorithm(t)})}
		}, err: aka.ErrClientError},
		{name: "too few triplets", server: aka.Config{Triplets: 2}, peer: func(*testing.T) PeerConfig {
			return PeerConfig{Triplets: 3}
		}, err: &aka.ClientError{Code: 2}},
		{name: "refused", authorize: eap.Authorization{Refusal: eap.RefusalGeneral}, err: aka.ErrRefused, after: true},
		{name: "refused for now", authorize: eap.Authorization{Refusal: eap.RefusalTemporary}, err: aka.ErrRefused, told: aka.NotifyTemporarilyDenied, after: true},
		{name: "not subscribed", authorize: eap.Authorization{Refusal: eap.RefusalNotSubscribed}, err: aka.ErrRefused, told: aka.NotifyNotSubscribed, after: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, c.server, auc.KeysPrimed, eap.TypeSIM)
			s.authorize = c.authorize
			var cfg PeerConfig
			if c.peer != nil {
				cfg = c.peer(t)
			}
			cfg.Methods = onlySIM
			p := newPeer(t, cfg)
			o := s.login(t, p)
			require.Equal(t, eap.OutcomeFailure, o.Kind)
			require.ErrorContains(t, o.Err, c.err.Error())
			require.Equal(t, Failed, p.Status())
			n, told := p.Notification()
			require.Equal(t, c.told != 0 || c.after, told)
			require.Equal(t, c.told, n)
		})
	}
}

// RANDs that the phone has answered before are refused, and those of a login
// that was not completed are not.
func TestSIMOldRANDs(t *testing.T) {
	s := newServer(t, aka.Config{}, auc.KeysPrimed, eap.TypeSIM)
	rands := make([]byte, 3*16)
	for i := range rands {
		rands[i] = byte(i)
	}
	s.centre = auc.New(auc.Config{Rand: bytes.NewReader(bytes.Repeat(rands, 2))})
	require.NoError(t, s.centre.Put(auc.Subscriber{IMSI: testIMSI, Algorithm: set19(t)}))
	s.auth = eap.NewAuthenticator(aka.NewSIM(s.centre, aka.Config{}))
	p := newPeer(t, PeerConfig{Methods: onlySIM})
	require.Equal(t, eap.OutcomeSuccess, s.login(t, p).Kind)
	o := s.login(t, p)
	require.Equal(t, eap.OutcomeFailure, o.Kind)
	var e *aka.ClientError
	require.ErrorAs(t, o.Err, &e)
	require.EqualValues(t, 3, e.Code)
}

// A peer with an old card gets EAP-SIM from a server that would rather have
// something else.
func TestSIMByNak(t *testing.T) {
	s := newServer(t, aka.Config{}, auc.KeysPrimed, eap.TypeAKAPrime, eap.TypeAKA, eap.TypeSIM)
	for _, identity := range []string{"", "nobody@wlan.mnc001.mcc001.3gppnetwork.org"} {
		p := newPeer(t, PeerConfig{Methods: onlySIM, Identity: identity})
		o := s.login(t, p)
		require.Equal(t, eap.OutcomeSuccess, o.Kind, "%v", o.Err)
		require.Equal(t, eap.TypeSIM, o.Result.Method)
	}
	// With a USIM it has the better method.
	p := newPeer(t, PeerConfig{Methods: []eap.Type{eap.TypeAKAPrime, eap.TypeSIM}})
	require.Equal(t, eap.TypeAKAPrime, s.login(t, p).Result.Method)
}

// simScript plays a server of EAP-SIM that knows the card.
type simScript struct {
	*script
	nonce [16]byte
}

func newSIMScript(t *testing.T, cfg PeerConfig) *simScript {
	return &simScript{script: newScript(t, eap.TypeSIM, cfg)}
}

// start makes a SIM-Start; attr may be 0.
func (s *simScript) start(attr aka.AttrType, versions ...byte) []byte {
	b := s.request(aka.SubtypeSIMStart)
	b.Octets(aka.AttrVersionList, versions)
	if attr != 0 {
		b.Flag(attr)
	}
	return s.bytes(&b)
}

// started is a round that goes well.
func (s *simScript) started(attr aka.AttrType, versions ...byte) *aka.Message {
	s.t.Helper()
	m := s.send(s.start(attr, versions...), aka.SubtypeSIMStart, nil)
	require.Equal(s.t, attr != 0, m.Has(aka.AttrIdentity))
	require.True(s.t, m.Has(aka.AttrNonceMT))
	require.Equal(s.t, aka.SIMVersion, m.SelectedVersion)
	require.NotEqual(s.t, s.nonce[:], m.NonceMT)
	copy(s.nonce[:], m.NonceMT)
	return m
}

// challenge makes a challenge of the RANDs that begin with these octets.
func (s *simScript) challenge(versions []byte, first ...byte) []byte {
	b := s.request(aka.SubtypeSIMChallenge)
	var rands []byte
	var triplets []aka.Triplet
	for _, x := range first {
		rand := [16]byte{x}
		rands = append(rands, rand[:]...)
		triplets = append(triplets, s.p.USIM().GSM(rand))
	}
	s.keys = aka.SIMKeys(s.p.Identity(), triplets, s.nonce, versions, aka.SIMVersion)
	b.Octets(aka.AttrRAND, rands)
	b.MAC(&s.keys, s.nonce[:])
	return s.bytes(&b)
}

func (s *simScript) refused(pkt []byte, code uint16, why error) {
	s.t.Helper()
	m := s.send(pkt, aka.SubtypeClientError, why)
	require.Equal(s.t, code, m.ClientErrorCode)
	s.end(eap.CodeFailure)
}

func TestSIMStrict(t *testing.T) {
	one := []byte{0, 1}
	for name, f := range map[string]func(s *simScript){
		"a login": func(s *simScript) {
			s.started(0, one...)
			m := s.send(s.challenge(one, 1, 2), aka.SubtypeSIMChallenge, nil)
			var sres []byte
			for _, x := range []byte{1, 2} {
				tr := s.p.USIM().GSM([16]byte{x})
				sres = append(sres, tr.SRES[:]...)
			}
			require.NoError(s.t, m.VerifyMAC(&s.keys, sres))
			s.end(eap.CodeSuccess)
		},
		"three rounds, each with a new nonce": func(s *simScript) {
			s.started(aka.AttrAnyIDReq, one...)
			s.started(aka.AttrFullauthIDReq, one...)
			s.started(aka.AttrPermanentIDReq, one...)
			s.send(s.challenge(one, 1, 2, 3), aka.SubtypeSIMChallenge, nil)
			s.end(eap.CodeSuccess)
		},
		"several versions": func(s *simScript) {
			s.started(0, 0, 9, 0, 1)
			s.send(s.challenge([]byte{0, 9, 0, 1}, 1, 2), aka.SubtypeSIMChallenge, nil)
			s.end(eap.CodeSuccess)
		},
		"version list tampered with": func(s *simScript) {
			s.started(0, 0, 9, 0, 1)
			s.refused(s.challenge(one, 1, 2), 0, aka.ErrMAC)
		},
		"no common version": func(s *simScript) { s.refused(s.start(0, 0, 2), 1, ErrVersions) },
		"too many versions": func(s *simScript) {
			s.refused(s.start(0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 1), 1, ErrVersions)
		},
		"no version list": func(s *simScript) {
			b := s.request(aka.SubtypeSIMStart)
			s.refused(s.bytes(&b), 0, aka.ErrMissing)
		},
		"two identity requests in one": func(s *simScript) {
			b := s.request(aka.SubtypeSIMStart)
			b.Octets(aka.AttrVersionList, one)
			b.Flag(aka.AttrAnyIDReq)
			b.Flag(aka.AttrFullauthIDReq)
			s.refused(s.bytes(&b), 0, aka.ErrNotAllowed)
		},
		"any identity twice": func(s *simScript) {
			s.started(aka.AttrAnyIDReq, one...)
			s.refused(s.start(aka.AttrAnyIDReq, one...), 0, ErrIdentityRound)
		},
		"a wider request": func(s *simScript) {
			s.started(aka.AttrFullauthIDReq, one...)
			s.refused(s.start(aka.AttrAnyIDReq, one...), 0, ErrIdentityRound)
		},
		"start after one that asked for nothing": func(s *simScript) {
			s.started(0, one...)
			s.refused(s.start(aka.AttrPermanentIDReq, one...), 0, ErrIdentityRound)
		},
		"start after the permanent identity": func(s *simScript) {
			s.started(aka.AttrPermanentIDReq, one...)
			s.refused(s.start(0, one...), 0, ErrIdentityRound)
		},
		"challenge without start": func(s *simScript) { s.refused(s.challenge(one, 1, 2), 0, ErrState) },
		"challenge twice": func(s *simScript) {
			s.started(0, one...)
			s.send(s.challenge(one, 1, 2), aka.SubtypeSIMChallenge, nil)
			s.refused(s.challenge(one, 3, 4), 0, ErrState)
		},
		"one RAND": func(s *simScript) {
			s.started(0, one...)
			s.refused(s.challenge(one, 1), 0, aka.ErrLength)
		},
		"RAND twice": func(s *simScript) {
			s.started(0, one...)
			s.refused(s.challenge(one, 1, 2, 1), 0, ErrSameRAND)
		},
		"wrong MAC": func(s *simScript) {
			s.started(0, one...)
			pkt := s.challenge(one, 1, 2)
			pkt[len(pkt)-1] ^= 1
			s.refused(pkt, 0, aka.ErrMAC)
		},
		"MAC without NONCE_MT": func(s *simScript) {
			s.started(0, one...)
			s.challenge(one, 1, 2)
			b := s.request(aka.SubtypeSIMChallenge)
			b.Octets(aka.AttrRAND, append([]byte{1, 15: 0}, []byte{2, 15: 0}...))
			b.MAC(&s.keys, nil)
			s.refused(s.bytes(&b), 0, aka.ErrMAC)
		},
		"success before the challenge": func(s *simScript) {
			s.started(0, one...)
			s.noEnd(eap.CodeSuccess)
		},
		"AKA-Identity": func(s *simScript) { s.refused(s.identityRequest(aka.AttrAnyIDReq), 0, aka.ErrSubtype) },
		"re-authentication out of the blue": func(s *simScript) {
			s.started(0, one...)
			s.challenge(one, 1, 2)
			b := s.request(aka.SubtypeReauthentication)
			b.Encrypt(&s.keys, [16]byte{1}, func(b *aka.Builder) {
				b.Number(aka.AttrCounter, 1)
				b.Octets(aka.AttrNonceS, testNonce[:])
			})
			b.MAC(&s.keys, nil)
			s.refused(s.bytes(&b), 0, ErrState)
		},
	} {
		t.Run(name, func(t *testing.T) { f(newSIMScript(t, PeerConfig{})) })
	}
	t.Run("fewer RANDs than the policy", func(t *testing.T) {
		s := newSIMScript(t, PeerConfig{Triplets: 3})
		s.started(0, one...)
		s.refused(s.challenge(one, 1, 2), 2, ErrTriplets)
	})
	t.Run("old RANDs", func(t *testing.T) {
		s := newSIMScript(t, PeerConfig{})
		s.started(0, one...)
		s.send(s.challenge(one, 1, 2), aka.SubtypeSIMChallenge, nil)
		s.end(eap.CodeSuccess)
		s.p.Reset()
		s.started(0, one...)
		s.refused(s.challenge(one, 3, 1), 3, ErrOldRAND)
	})
}
