package eaptest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// script plays a server, right or wrong, by hand.
type script struct {
	t      *testing.T
	p      *Peer
	method eap.Type
	id     uint8
	sqn    uint64
	cc     aka.Checkcode
	keys   aka.Keys
	last   []byte // the last response
}

func newScript(t *testing.T, method eap.Type, cfg PeerConfig) *script {
	if cfg.Methods == nil {
		cfg.Methods = []eap.Type{method}
	}
	return &script{t: t, p: newPeer(t, cfg), method: method, sqn: 1000}
}

// send gives the peer a packet and demands a response of the given subtype and
// error.
func (s *script) send(pkt []byte, want aka.Subtype, wantErr error) *aka.Message {
	s.t.Helper()
	resp, err := s.p.Handle(pkt)
	if wantErr != nil {
		require.ErrorIs(s.t, err, wantErr)
	} else {
		require.NoError(s.t, err)
	}
	q, err := eap.Decode(resp)
	require.NoError(s.t, err)
	require.Equal(s.t, pkt[1], q.Identifier)
	require.Equal(s.t, eap.CodeResponse, q.Code)
	require.Equal(s.t, s.method, q.Type)
	m, err := aka.Decode(q)
	require.NoError(s.t, err)
	require.Equal(s.t, want, m.Subtype)
	s.last = append([]byte(nil), resp...)
	return &m
}

// silent gives the peer a packet that it must discard.
func (s *script) silent(pkt []byte, want error) {
	s.t.Helper()
	resp, err := s.p.Handle(pkt)
	require.Nil(s.t, resp)
	require.ErrorIs(s.t, err, want)
}

// end gives the peer the end that it must accept.
func (s *script) end(c eap.Code) {
	s.t.Helper()
	resp, err := s.p.Handle([]byte{byte(c), s.id, 0, 4})
	require.Nil(s.t, resp)
	require.NoError(s.t, err)
	want := map[eap.Code]Status{eap.CodeSuccess: Succeeded, eap.CodeFailure: Failed}[c]
	require.Equal(s.t, want, s.p.Status())
}

func (s *script) noEnd(c eap.Code) {
	s.t.Helper()
	s.silent([]byte{byte(c), s.id, 0, 4}, ErrState)
	require.Equal(s.t, Running, s.p.Status())
}

func (s *script) request(sub aka.Subtype) aka.Builder {
	s.id++
	return aka.NewMessage(nil, eap.CodeRequest, s.id, s.method, sub)
}

func (s *script) bytes(b *aka.Builder) []byte {
	s.t.Helper()
	pkt, err := b.Bytes()
	require.NoError(s.t, err)
	return pkt
}

func (s *script) identityRequest(attr aka.AttrType) []byte {
	b := s.request(aka.SubtypeIdentity)
	b.Flag(attr)
	return s.bytes(&b)
}

// ask runs an AKA-Identity round that goes well.
func (s *script) ask(attr aka.AttrType) {
	s.t.Helper()
	pkt := s.identityRequest(attr)
	m := s.send(pkt, aka.SubtypeIdentity, nil)
	require.Equal(s.t, s.p.Identity(), string(m.Identity))
	s.cc.Add(s.method, pkt, s.last)
}

// challenge is what a challenge may have wrong.
type challenge struct {
	sqn       uint64
	amf       *[2]byte
	badAUTN   bool
	kdfs      []uint16
	noKDF     bool
	network   string
	noNetwork bool
	badMAC    bool
	noMAC     bool
	checkcode []byte // nil: the right one
	bidding   bool
	resultInd bool
	extra     func(*aka.Builder)
}

func (s *script) challenge(c challenge) []byte {
	s.t.Helper()
	alg := set19(s.t)
	rand := [16]byte{s.id, 1, 2, 3}
	if c.sqn == 0 {
		s.sqn += 32
		c.sqn = s.sqn
	}
	amf := [2]byte{0x80}
	if c.amf != nil {
		amf = *c.amf
	}
	token := autn(alg, rand, c.sqn, amf)
	if c.badAUTN {
		token[15] ^= 1
	}
	out := alg.F2345(rand)
	b := s.request(aka.SubtypeChallenge)
	b.Octets(aka.AttrRAND, rand[:])
	b.Octets(aka.AttrAUTN, token[:])
	if s.method == eap.TypeAKAPrime {
		if c.network == "" && !c.noNetwork {
			c.network = "WLAN"
		}
		if c.kdfs == nil && !c.noKDF {
			c.kdfs = []uint16{1}
		}
		b.KDFs(aka.NewKDFList(c.kdfs...))
		if c.network != "-" && !c.noNetwork {
			b.String(aka.AttrKDFInput, c.network)
		}
		if c.network == "-" {
			b.String(aka.AttrKDFInput, "")
		}
		ck, ik := aka.PrimeKeys(out.CK, out.IK, c.network, token)
		s.keys = aka.AKAPrimeKeys(s.p.Identity(), ck, ik)
	} else {
		s.keys = aka.AKAKeys(s.p.Identity(), out.CK, out.IK)
		if c.bidding {
			b.Bidding(true)
		}
	}
	if c.checkcode == nil {
		c.checkcode = s.cc.Append([]byte{}, s.method)
	}
	b.Octets(aka.AttrCheckcode, c.checkcode)
	if c.resultInd {
		b.Flag(aka.AttrResultInd)
	}
	if c.extra != nil {
		c.extra(&b)
	}
	if !c.noMAC {
		b.MAC(&s.keys, nil)
	}
	pkt := s.bytes(&b)
	if c.badMAC {
		pkt[len(pkt)-1] ^= 1
	}
	return pkt
}

// verified runs a challenge that goes well.
func (s *script) verified(c challenge) *aka.Message {
	s.t.Helper()
	m := s.send(s.challenge(c), aka.SubtypeChallenge, nil)
	require.NoError(s.t, m.VerifyMAC(&s.keys, nil))
	want := set19(s.t).F2345(s.p.RAND())
	require.Equal(s.t, want.RES[:want.RESLen], m.RES)
	require.True(s.t, m.Has(aka.AttrCheckcode))
	require.Equal(s.t, s.cc.Append([]byte{}, s.method), m.Checkcode)
	require.Equal(s.t, s.keys, *s.p.Keys())
	return m
}

func (s *script) notification(n aka.Notification, sign bool) []byte {
	b := s.request(aka.SubtypeNotification)
	b.Number(aka.AttrNotification, uint16(n))
	if sign {
		b.MAC(&s.keys, nil)
	}
	return s.bytes(&b)
}

// TestStrict: what a server does wrong, and what the peer must say.
func TestStrict(t *testing.T) {
	prime, plain := []eap.Type{eap.TypeAKAPrime}, []eap.Type{eap.TypeAKA}
	clientError := func(c challenge, want error) func(*script) {
		return func(s *script) { s.send(s.challenge(c), aka.SubtypeClientError, want) }
	}
	authReject := func(c challenge, want error) func(*script) {
		return func(s *script) { s.send(s.challenge(c), aka.SubtypeAuthReject, want) }
	}
	for _, c := range []struct {
		name    string
		methods []eap.Type
		cfg     PeerConfig
		run     func(*script)
	}{
		{name: "identity rounds in order", run: func(s *script) {
			s.ask(aka.AttrAnyIDReq)
			s.ask(aka.AttrFullauthIDReq)
			s.ask(aka.AttrPermanentIDReq)
			s.verified(challenge{})
			s.end(eap.CodeSuccess)
		}},
		{name: "the same identity request twice", run: func(s *script) {
			s.ask(aka.AttrAnyIDReq)
			s.send(s.identityRequest(aka.AttrAnyIDReq), aka.SubtypeClientError, ErrIdentityRound)
			s.end(eap.CodeFailure)
		}},
		{name: "full authentication after permanent", run: func(s *script) {
			s.ask(aka.AttrPermanentIDReq)
			s.send(s.identityRequest(aka.AttrFullauthIDReq), aka.SubtypeClientError, ErrIdentityRound)
		}},
		{name: "any after full authentication", run: func(s *script) {
			s.ask(aka.AttrFullauthIDReq)
			s.send(s.identityRequest(aka.AttrAnyIDReq), aka.SubtypeClientError, ErrIdentityRound)
		}},
		{name: "identity request for nothing", run: func(s *script) {
			b := s.request(aka.SubtypeIdentity)
			s.send(s.bytes(&b), aka.SubtypeClientError, aka.ErrMissing)
		}},
		{name: "identity request after the challenge", run: func(s *script) {
			s.verified(challenge{})
			s.send(s.identityRequest(aka.AttrPermanentIDReq), aka.SubtypeClientError, ErrState)
		}},
		{name: "identity request after a synchronisation failure", run: func(s *script) {
			s.p.USIM().SetSQN(1e6)
			s.send(s.challenge(challenge{}), aka.SubtypeSyncFailure, nil)
			s.send(s.identityRequest(aka.AttrPermanentIDReq), aka.SubtypeClientError, ErrState)
		}},
		{name: "retransmitted identity request", run: func(s *script) {
			pkt := s.identityRequest(aka.AttrAnyIDReq)
			s.send(pkt, aka.SubtypeIdentity, nil)
			s.cc.Add(s.method, pkt, s.last)
			s.send(pkt, aka.SubtypeIdentity, nil)
			s.verified(challenge{})
		}},
		{name: "retransmitted challenge", run: func(s *script) {
			pkt := s.challenge(challenge{})
			s.send(pkt, aka.SubtypeChallenge, nil)
			first := s.last
			s.send(pkt, aka.SubtypeChallenge, nil)
			require.Equal(s.t, first, s.last)
			s.end(eap.CodeSuccess)
		}},
		{name: "a second challenge", run: func(s *script) {
			s.verified(challenge{})
			s.send(s.challenge(challenge{}), aka.SubtypeClientError, ErrState)
			s.noEnd(eap.CodeSuccess)
			s.end(eap.CodeFailure)
		}},
		{name: "wrong AUTN", run: func(s *script) {
			s.send(s.challenge(challenge{badAUTN: true}), aka.SubtypeAuthReject, ErrAUTN)
			s.noEnd(eap.CodeSuccess)
			s.silent(s.challenge(challenge{}), ErrState)
			s.id--
			s.end(eap.CodeFailure)
		}},
		{name: "wrong MAC", run: clientError(challenge{badMAC: true}, aka.ErrMAC)},
		{name: "no MAC", run: clientError(challenge{noMAC: true}, aka.ErrMissing)},
		{name: "check code of a round that was not", run: func(s *script) {
			n := 20
			if s.method == eap.TypeAKAPrime {
				n = 32
			}
			s.send(s.challenge(challenge{checkcode: make([]byte, n)}), aka.SubtypeClientError, aka.ErrCheckcode)
		}},
		{name: "check code without the round that was", run: func(s *script) {
			s.ask(aka.AttrAnyIDReq)
			s.send(s.challenge(challenge{checkcode: []byte{}}), aka.SubtypeClientError, aka.ErrCheckcode)
		}},
		{name: "SQN used up", run: func(s *script) {
			s.p.USIM().SetSQN(1e6)
			m := s.send(s.challenge(challenge{}), aka.SubtypeSyncFailure, nil)
			require.Equal(s.t, s.p.USIM().AUTS(s.p.RAND()), [14]byte(m.AUTS))
			require.Equal(s.t, s.p.kdfs, m.KDFs)
			s.noEnd(eap.CodeSuccess)
			s.sqn = 1e6
			s.verified(challenge{})
			require.Equal(s.t, 1, s.p.Resyncs())
			s.end(eap.CodeSuccess)
		}},
		{name: "unknown attribute", run: clientError(challenge{extra: func(b *aka.Builder) {
			b.Raw([]byte{byte(notSkippable), 1, 0, 0})
		}}, aka.ErrUnknownAttr)},
		{name: "skippable attribute", run: func(s *script) {
			s.verified(challenge{extra: func(b *aka.Builder) { b.Raw([]byte{byte(skippable), 1, 0, 0}) }})
		}},
		{name: "duplicate attribute", run: clientError(challenge{extra: func(b *aka.Builder) {
			b.Octets(aka.AttrRAND, make([]byte, 16))
		}}, aka.ErrDuplicate)},
		{name: "re-authentication out of the blue", run: func(s *script) {
			s.challenge(challenge{})
			b := s.request(aka.SubtypeReauthentication)
			b.Encrypt(&s.keys, [16]byte{}, func(b *aka.Builder) {
				b.Number(aka.AttrCounter, 1)
				b.Octets(aka.AttrNonceS, make([]byte, 16))
			})
			b.MAC(&s.keys, nil)
			s.send(s.bytes(&b), aka.SubtypeClientError, ErrState)
		}},
		{name: "subtype of a peer", run: func(s *script) {
			s.id++
			s.send([]byte{1, s.id, 0, 8, byte(s.method), byte(aka.SubtypeAuthReject), 0, 0}, aka.SubtypeClientError, aka.ErrSubtype)
		}},
		{name: "no subtype", run: func(s *script) {
			s.id++
			s.send([]byte{1, s.id, 0, 5, byte(s.method)}, aka.SubtypeClientError, aka.ErrTruncated)
		}},

		{name: "early success", run: func(s *script) {
			s.noEnd(eap.CodeSuccess)
			s.ask(aka.AttrAnyIDReq)
			s.noEnd(eap.CodeSuccess)
		}},
		{name: "failure without a word", run: func(s *script) {
			s.ask(aka.AttrAnyIDReq)
			s.noEnd(eap.CodeFailure)
			s.verified(challenge{})
			s.noEnd(eap.CodeFailure)
			s.end(eap.CodeSuccess)
		}},
		{name: "success with another identifier", run: func(s *script) {
			s.verified(challenge{})
			s.silent([]byte{byte(eap.CodeSuccess), s.id + 1, 0, 4}, ErrIdentifier)
			s.end(eap.CodeSuccess)
		}},
		{name: "success twice", run: func(s *script) {
			s.verified(challenge{})
			s.end(eap.CodeSuccess)
			s.silent([]byte{byte(eap.CodeSuccess), s.id, 0, 4}, ErrState)
			s.silent(s.challenge(challenge{}), ErrState)
			require.Equal(s.t, Succeeded, s.p.Status())
		}},
		{name: "garbage", run: func(s *script) {
			s.silent([]byte{1, 2, 3}, eap.ErrMalformed)
			s.silent([]byte{2, 1, 0, 5, byte(s.method)}, ErrState)
			s.silent([]byte{1, 1, 0, 6, byte(eap.TypeNak), 0}, ErrState)
			s.verified(challenge{})
		}},
		{name: "another method in the middle", run: func(s *script) {
			s.ask(aka.AttrAnyIDReq)
			s.id++
			s.silent([]byte{1, s.id, 0, 6, byte(eap.TypeSIM), 10}, ErrMethod)
			s.verified(challenge{})
		}},
		{name: "EAP notification in between", run: func(s *script) {
			s.ask(aka.AttrAnyIDReq)
			s.id++
			resp, err := s.p.Handle([]byte{1, s.id, 0, 6, byte(eap.TypeNotification), '!'})
			require.NoError(s.t, err)
			require.Equal(s.t, []byte{2, s.id, 0, 5, byte(eap.TypeNotification)}, resp)
			s.verified(challenge{})
			s.end(eap.CodeSuccess)
		}},
		{name: "identity asked for anew", run: func(s *script) {
			s.ask(aka.AttrAnyIDReq)
			s.verified(challenge{})
			s.id++
			resp, err := s.p.Handle([]byte{1, s.id, 0, 5, byte(eap.TypeIdentity)})
			require.NoError(s.t, err)
			require.Equal(s.t, s.p.Identity(), string(resp[5:]))
			s.cc = aka.Checkcode{}
			s.verified(challenge{})
			s.end(eap.CodeSuccess)
		}},

		{name: "failure before authentication", run: func(s *script) {
			s.ask(aka.AttrAnyIDReq)
			m := s.send(s.notification(aka.NotifyFailure, false), aka.SubtypeNotification, nil)
			require.False(s.t, m.Has(aka.AttrMAC))
			s.noEnd(eap.CodeSuccess)
			s.end(eap.CodeFailure)
			n, told := s.p.Notification()
			require.True(s.t, told)
			require.Equal(s.t, aka.NotifyFailure, n)
		}},
		{name: "notification first of all", run: func(s *script) {
			s.send(s.notification(aka.NotifyFailure, false), aka.SubtypeNotification, nil)
			s.end(eap.CodeFailure)
		}},
		{name: "unknown failure code", run: func(s *script) {
			s.send(s.notification(0x4abc, false), aka.SubtypeNotification, nil)
			s.end(eap.CodeFailure)
		}},
		{name: "failure after authentication", run: func(s *script) {
			s.verified(challenge{})
			m := s.send(s.notification(aka.NotifyTemporarilyDenied, true), aka.SubtypeNotification, nil)
			require.NoError(s.t, m.VerifyMAC(&s.keys, nil))
			s.noEnd(eap.CodeSuccess)
			s.end(eap.CodeFailure)
		}},
		{name: "a second notification", run: func(s *script) {
			s.send(s.notification(aka.NotifyFailure, false), aka.SubtypeNotification, nil)
			s.silent(s.notification(aka.NotifyFailure, false), ErrState)
		}},
		{name: "failure after authentication without MAC", run: func(s *script) {
			s.verified(challenge{})
			s.send(s.notification(aka.NotifyFailureAfterAuth, false), aka.SubtypeClientError, aka.ErrMissing)
		}},
		{name: "failure after authentication, before it", run: func(s *script) {
			s.ask(aka.AttrAnyIDReq)
			s.send(s.notification(aka.NotifyFailureAfterAuth, false), aka.SubtypeClientError, ErrNotification)
		}},
		{name: "failure before authentication with MAC", run: func(s *script) {
			s.verified(challenge{})
			s.send(s.notification(aka.NotifyFailure, true), aka.SubtypeClientError, ErrNotification)
		}},
		{name: "S and P bit", run: func(s *script) {
			s.send(s.notification(0xc000, false), aka.SubtypeClientError, ErrNotification)
		}},
		{name: "success notification", cfg: PeerConfig{ResultIndications: true}, run: func(s *script) {
			m := s.verified(challenge{resultInd: true})
			require.True(s.t, m.Has(aka.AttrResultInd))
			s.noEnd(eap.CodeSuccess)
			m = s.send(s.notification(aka.NotifySuccess, true), aka.SubtypeNotification, nil)
			require.NoError(s.t, m.VerifyMAC(&s.keys, nil))
			s.end(eap.CodeSuccess)
		}},
		{name: "failure where success could be indicated", cfg: PeerConfig{ResultIndications: true}, run: func(s *script) {
			s.verified(challenge{resultInd: true})
			s.send(s.notification(aka.NotifyFailureAfterAuth, true), aka.SubtypeNotification, nil)
			s.noEnd(eap.CodeSuccess)
			s.end(eap.CodeFailure)
		}},
		{name: "two success notifications", cfg: PeerConfig{ResultIndications: true}, run: func(s *script) {
			s.verified(challenge{resultInd: true})
			s.send(s.notification(aka.NotifySuccess, true), aka.SubtypeNotification, nil)
			s.send(s.notification(aka.NotifySuccess, true), aka.SubtypeClientError, ErrNotification)
		}},
		{name: "unknown success code", cfg: PeerConfig{ResultIndications: true}, run: func(s *script) {
			s.verified(challenge{resultInd: true})
			s.send(s.notification(0x8001, true), aka.SubtypeNotification, nil)
			s.noEnd(eap.CodeSuccess)
		}},
		{name: "success notification that nobody wanted", cfg: PeerConfig{ResultIndications: true}, run: func(s *script) {
			m := s.verified(challenge{})
			require.False(s.t, m.Has(aka.AttrResultInd))
			s.send(s.notification(aka.NotifySuccess, true), aka.SubtypeClientError, ErrNotification)
		}},
		{name: "success notification with a wrong MAC", cfg: PeerConfig{ResultIndications: true}, run: func(s *script) {
			s.verified(challenge{resultInd: true})
			pkt := s.notification(aka.NotifySuccess, true)
			pkt[len(pkt)-1] ^= 1
			s.send(pkt, aka.SubtypeClientError, aka.ErrMAC)
		}},
		{name: "counter outside of a re-authentication", run: func(s *script) {
			s.verified(challenge{})
			b := s.request(aka.SubtypeNotification)
			b.Number(aka.AttrNotification, uint16(aka.NotifyFailureAfterAuth))
			b.Encrypt(&s.keys, [16]byte{}, func(b *aka.Builder) { b.Number(aka.AttrCounter, 1) })
			b.MAC(&s.keys, nil)
			s.send(s.bytes(&b), aka.SubtypeClientError, ErrNotification)
		}},
		{name: "temporary identities", run: func(s *script) {
			s.verified(challenge{extra: func(b *aka.Builder) {
				b.Encrypt(&s.keys, [16]byte{9}, func(b *aka.Builder) {
					b.String(aka.AttrNextPseudonym, "2pseudonym")
					b.String(aka.AttrNextReauthID, "4again@example.org")
				})
			}})
			s.end(eap.CodeSuccess)
		}},
		{name: "bad padding", run: func(s *script) {
			c := challenge{extra: func(b *aka.Builder) {
				b.Encrypt(&s.keys, [16]byte{9}, func(b *aka.Builder) {
					b.Raw([]byte{byte(aka.AttrPadding), 2, 0, 0, 0, 0, 0, 1})
				})
			}}
			s.send(s.challenge(c), aka.SubtypeClientError, aka.ErrPadding)
		}},

		{name: "AT_BIDDING to a peer without EAP-AKA'", methods: plain, run: func(s *script) { s.verified(challenge{bidding: true}) }},
		{
			name: "AT_BIDDING to a peer with it", methods: plain,
			cfg: PeerConfig{Methods: []eap.Type{eap.TypeAKAPrime, eap.TypeAKA}},
			run: authReject(challenge{bidding: true}, ErrBiddingDown),
		},
		{
			name: "AT_BIDDING not proven", methods: plain,
			cfg: PeerConfig{Methods: []eap.Type{eap.TypeAKAPrime, eap.TypeAKA}},
			run: clientError(challenge{bidding: true, badMAC: true}, aka.ErrMAC),
		},
		{name: "no separation bit needed", methods: plain, run: func(s *script) { s.verified(challenge{amf: &[2]byte{}}) }},
		{name: "no separation bit", methods: prime, run: authReject(challenge{amf: &[2]byte{0x7f, 0xff}}, ErrAUTN)},
		{name: "network name of fields", methods: prime, cfg: PeerConfig{NetworkName: "WLAN:a"}, run: func(s *script) {
			s.verified(challenge{network: "WLAN:a:b"})
		}},
		{name: "shorter network name", methods: prime, cfg: PeerConfig{NetworkName: "WLAN:a"}, run: func(s *script) {
			s.verified(challenge{network: "WLAN"})
		}},
		{name: "another network", methods: prime, cfg: PeerConfig{NetworkName: "WLAN"}, run: authReject(challenge{network: "WLAN2"}, ErrNetworkName)},
		{name: "empty network name", methods: prime, run: authReject(challenge{network: "-"}, ErrNetworkName)},
		{name: "no network name", methods: prime, run: clientError(challenge{noNetwork: true}, aka.ErrMissing)},
		{name: "no KDF", methods: prime, run: authReject(challenge{noKDF: true}, aka.ErrKDF)},
		{name: "KDF unknown", methods: prime, run: authReject(challenge{kdfs: []uint16{2, 3}}, aka.ErrKDF)},
		{name: "KDF twice", methods: prime, run: authReject(challenge{kdfs: []uint16{1, 2, 1}}, aka.ErrKDF)},
		{name: "KDF first of two", methods: prime, run: func(s *script) { s.verified(challenge{kdfs: []uint16{1, 2}}) }},
		{name: "KDF negotiated", methods: prime, run: func(s *script) {
			sqn := s.p.USIM().SQN()
			m := s.send(s.challenge(challenge{kdfs: []uint16{7, 2, 1}}), aka.SubtypeChallenge, nil)
			require.Equal(s.t, aka.NewKDFList(1), m.KDFs)
			require.False(s.t, m.Has(aka.AttrMAC))
			require.Equal(s.t, sqn, s.p.USIM().SQN(), "the challenge is not looked into")
			s.noEnd(eap.CodeSuccess)
			s.verified(challenge{kdfs: []uint16{1, 7, 2, 1}})
			s.end(eap.CodeSuccess)
		}},
		{name: "KDF negotiated, then resynchronised", methods: prime, run: func(s *script) {
			s.p.USIM().SetSQN(1e6)
			s.send(s.challenge(challenge{kdfs: []uint16{2, 1}}), aka.SubtypeChallenge, nil)
			m := s.send(s.challenge(challenge{kdfs: []uint16{1, 2, 1}}), aka.SubtypeSyncFailure, nil)
			require.Equal(s.t, aka.NewKDFList(1, 2, 1), m.KDFs)
			s.sqn = 1e6
			s.verified(challenge{kdfs: []uint16{1, 2, 1}})
		}},
		{name: "KDF changed after a synchronisation failure", methods: prime, run: func(s *script) {
			s.p.USIM().SetSQN(1e6)
			s.send(s.challenge(challenge{kdfs: []uint16{1, 2}}), aka.SubtypeSyncFailure, nil)
			s.send(s.challenge(challenge{kdfs: []uint16{1}}), aka.SubtypeClientError, aka.ErrKDF)
		}},
		{name: "KDF asked for, not given", methods: prime, run: func(s *script) {
			s.send(s.challenge(challenge{kdfs: []uint16{2, 1}}), aka.SubtypeChallenge, nil)
			s.send(s.challenge(challenge{kdfs: []uint16{2, 1}}), aka.SubtypeClientError, aka.ErrKDF)
		}},
		{name: "KDF asked for, list shortened", methods: prime, run: func(s *script) {
			s.send(s.challenge(challenge{kdfs: []uint16{2, 1}}), aka.SubtypeChallenge, nil)
			s.send(s.challenge(challenge{kdfs: []uint16{1, 2}}), aka.SubtypeClientError, aka.ErrKDF)
		}},
		{name: "KDF asked for, list changed", methods: prime, run: func(s *script) {
			s.send(s.challenge(challenge{kdfs: []uint16{2, 1}}), aka.SubtypeChallenge, nil)
			s.send(s.challenge(challenge{kdfs: []uint16{1, 3, 1}}), aka.SubtypeClientError, aka.ErrKDF)
		}},
	} {
		methods := c.methods
		if methods == nil {
			methods = bothMethods
		}
		for _, method := range methods {
			t.Run(c.name+" "+method.String(), func(t *testing.T) {
				c.run(newScript(t, method, c.cfg))
			})
		}
	}
}

// TestNak: a method that the peer has not is declined with those it has.
func TestNak(t *testing.T) {
	p := newPeer(t, PeerConfig{})
	resp, err := p.Handle([]byte{1, 1, 0, 6, 13, 0x20})
	require.ErrorIs(t, err, ErrMethod)
	require.Equal(t, []byte{2, 1, 0, 7, byte(eap.TypeNak), byte(eap.TypeAKAPrime), byte(eap.TypeAKA)}, resp)
	resp, err = p.Handle([]byte{1, 2, 0, 6, 25, 0x20})
	require.ErrorIs(t, err, ErrMethod)
	require.Equal(t, byte(eap.TypeNak), resp[4])
	resp, err = p.Handle([]byte{byte(eap.CodeFailure), 2, 0, 4})
	require.Nil(t, resp)
	require.NoError(t, err)
	require.Equal(t, Failed, p.Status())
}
