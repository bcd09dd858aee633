package eaptest

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// temporaries are the identities that a script's challenge brings.
func (s *script) temporaries(pseudonym, reauth string) func(*aka.Builder) {
	return func(b *aka.Builder) {
		b.Encrypt(&s.keys, [16]byte{9}, func(b *aka.Builder) {
			if pseudonym != "" {
				b.String(aka.AttrNextPseudonym, pseudonym)
			}
			if reauth != "" {
				b.String(aka.AttrNextReauthID, reauth)
			}
		})
	}
}

// begin asks for the identity, as an authenticator does, and demands an answer.
func (s *script) begin(want string) {
	s.t.Helper()
	s.id++
	s.cc = aka.Checkcode{}
	resp, err := s.p.Handle([]byte{1, s.id, 0, 5, 1})
	require.NoError(s.t, err)
	require.Equal(s.t, want, string(resp[5:]))
}

// asked runs an AKA-Identity round and demands an answer.
func (s *script) asked(attr aka.AttrType, want string) {
	s.t.Helper()
	s.ask(attr)
	require.Equal(s.t, want, s.p.Identity())
}

// full is a login that brings temporary identities.
func (s *script) full(pseudonym, reauth string) {
	s.t.Helper()
	s.id++
	s.cc = aka.Checkcode{}
	resp, err := s.p.Handle([]byte{1, s.id, 0, 5, 1})
	require.NoError(s.t, err)
	require.NotEmpty(s.t, resp)
	s.asked(aka.AttrPermanentIDReq, s.p.ids.permanent[methodSlot(s.method)])
	s.verified(challenge{extra: s.temporaries(pseudonym, reauth)})
	s.end(eap.CodeSuccess)
}

// reauth is what a re-authentication may have wrong.
type reauth struct {
	counter   uint16
	next      string
	resultInd bool
	badMAC    bool
	checkcode []byte // nil: the right one
	nested    func(*aka.Builder)
}

var testNonce = [16]byte{'n', 'o', 'n', 'c', 'e'}

func (s *script) reauth(r reauth) []byte {
	s.t.Helper()
	if r.nested == nil {
		r.nested = func(b *aka.Builder) {
			b.Number(aka.AttrCounter, r.counter)
			b.Octets(aka.AttrNonceS, testNonce[:])
			if r.next != "" {
				b.String(aka.AttrNextReauthID, r.next)
			}
		}
	}
	if r.checkcode == nil {
		r.checkcode = s.cc.Append([]byte{}, s.method)
	}
	b := s.request(aka.SubtypeReauthentication)
	b.Encrypt(&s.keys, [16]byte{7}, r.nested)
	b.Octets(aka.AttrCheckcode, r.checkcode)
	if r.resultInd {
		b.Flag(aka.AttrResultInd)
	}
	b.MAC(&s.keys, nil)
	pkt := s.bytes(&b)
	if r.badMAC {
		pkt[len(pkt)-1] ^= 1
	}
	return pkt
}

// nested decrypts a response.
func (s *script) nested(m *aka.Message) aka.Attributes {
	s.t.Helper()
	plain, err := m.Decrypt(nil, &s.keys)
	require.NoError(s.t, err)
	a, err := m.DecodeNested(plain)
	require.NoError(s.t, err)
	return a
}

// reauthenticated runs a re-authentication that goes well.
func (s *script) reauthenticated(r reauth) *aka.Message {
	s.t.Helper()
	pkt := s.reauth(r)
	m := s.send(pkt, aka.SubtypeReauthentication, nil)
	require.NoError(s.t, m.VerifyMAC(&s.keys, testNonce[:]))
	a := s.nested(m)
	require.Equal(s.t, r.counter, a.Counter)
	require.False(s.t, a.Has(aka.AttrCounterTooSmall))
	require.Equal(s.t, s.cc.Append([]byte{}, s.method), m.Checkcode)
	s.keys = s.keys.Reauth(s.p.Identity(), r.counter, testNonce)
	require.Equal(s.t, s.keys, *s.p.Keys())
	require.True(s.t, s.p.Reauthenticated())
	return m
}

// tooSmall runs a re-authentication whose counter the peer does not take.
func (s *script) tooSmall(counter uint16) {
	s.t.Helper()
	m := s.send(s.reauth(reauth{counter: counter, next: "4ignored"}), aka.SubtypeReauthentication, nil)
	require.NoError(s.t, m.VerifyMAC(&s.keys, testNonce[:]))
	a := s.nested(m)
	require.True(s.t, a.Has(aka.AttrCounterTooSmall))
	require.Equal(s.t, counter, a.Counter)
	require.False(s.t, s.p.Reauthenticated())
}

// counted is a notification of a re-authentication.
func (s *script) counted(n aka.Notification, nested func(*aka.Builder)) []byte {
	s.t.Helper()
	b := s.request(aka.SubtypeNotification)
	b.Number(aka.AttrNotification, uint16(n))
	b.Encrypt(&s.keys, [16]byte{8}, nested)
	b.MAC(&s.keys, nil)
	return s.bytes(&b)
}

func counter(n uint16) func(*aka.Builder) {
	return func(b *aka.Builder) { b.Number(aka.AttrCounter, n) }
}

const (
	testRealm   = "@wlan.mnc001.mcc001.3gppnetwork.org"
	firstReauth = "4first@aaa.example.org"
)

// TestTemporary: what the peer makes of temporary identities, right and wrong.
func TestTemporary(t *testing.T) {
	permanent := map[eap.Type]string{
		eap.TypeAKA:      "0001010000000001" + testRealm,
		eap.TypeAKAPrime: "6001010000000001" + testRealm,
	}
	clientError := func(r reauth, want error) func(*script) {
		return func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.send(s.reauth(r), aka.SubtypeClientError, want)
			s.noEnd(eap.CodeSuccess)
			s.end(eap.CodeFailure)
			s.begin("2one" + testRealm)
		}
	}
	for _, c := range []struct {
		name string
		cfg  PeerConfig
		run  func(*script)
	}{
		{name: "pseudonym", run: func(s *script) {
			s.full("2one", "")
			s.begin("2one" + testRealm)
			s.asked(aka.AttrAnyIDReq, "2one"+testRealm)
			s.asked(aka.AttrFullauthIDReq, "2one"+testRealm)
			s.asked(aka.AttrPermanentIDReq, permanent[s.method])
			s.verified(challenge{extra: s.temporaries("2two", "")})
			s.end(eap.CodeSuccess)
			s.begin("2two" + testRealm)
			s.verified(challenge{})
			s.end(eap.CodeSuccess)
			s.begin("2two" + testRealm) // no new one came
			s.p.Forget()
			s.begin(permanent[s.method])
		}},
		{name: "pseudonym of a login that fails", run: func(s *script) {
			s.full("2one", "")
			s.begin("2one" + testRealm)
			s.verified(challenge{extra: s.temporaries("2two", "4lost")})
			s.send(s.notification(aka.NotifyTemporarilyDenied, true), aka.SubtypeNotification, nil)
			s.end(eap.CodeFailure)
			s.begin("2one" + testRealm)
		}},
		{name: "pseudonym of a challenge before a resynchronisation", run: func(s *script) {
			s.p.USIM().SetSQN(1e6)
			s.begin(permanent[s.method])
			s.send(s.challenge(challenge{extra: s.temporaries("2unread", "4unread")}), aka.SubtypeSyncFailure, nil)
			s.sqn = 1e6
			s.verified(challenge{})
			s.end(eap.CodeSuccess)
			s.begin(permanent[s.method])
		}},
		{name: "no pseudonyms wanted", cfg: PeerConfig{NoPseudonyms: true}, run: func(s *script) {
			s.full("2one", "")
			s.begin(permanent[s.method])
		}},
		{name: "no re-authentication wanted", cfg: PeerConfig{NoReauth: true}, run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin("2one" + testRealm)
		}},
		{name: "identity of its own", cfg: PeerConfig{Identity: "6anonymous" + testRealm}, run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin("6anonymous" + testRealm)
			s.asked(aka.AttrAnyIDReq, firstReauth)
			s.reauthenticated(reauth{counter: 1})
		}},
		{name: "conservative", cfg: PeerConfig{Conservative: true}, run: func(s *script) {
			s.full("2one", "") // there is none to hide behind yet
			s.begin("2one" + testRealm)
			s.send(s.identityRequest(aka.AttrPermanentIDReq), aka.SubtypeClientError, ErrPrivacy)
			s.end(eap.CodeFailure)
		}},
		{name: "pseudonym with a realm", run: func(s *script) {
			s.begin(permanent[s.method])
			s.send(s.challenge(challenge{extra: s.temporaries("2one@example.org", "")}), aka.SubtypeClientError, ErrTemporary)
		}},
		{name: "pseudonym too long for its realm", run: func(s *script) {
			s.begin(permanent[s.method])
			long := strings.Repeat("2", eap.MaxNAILen-len(testRealm)+1)
			s.send(s.challenge(challenge{extra: s.temporaries(long, "")}), aka.SubtypeClientError, ErrTemporary)
		}},
		{name: "empty pseudonym", run: func(s *script) {
			s.begin(permanent[s.method])
			s.send(s.challenge(challenge{extra: func(b *aka.Builder) {
				b.Encrypt(&s.keys, [16]byte{}, func(b *aka.Builder) { b.String(aka.AttrNextPseudonym, "") })
			}}), aka.SubtypeClientError, ErrTemporary)
		}},
		{name: "re-authentication identity that is no NAI", run: func(s *script) {
			s.begin(permanent[s.method])
			s.send(s.challenge(challenge{extra: s.temporaries("", "4a b")}), aka.SubtypeClientError, ErrTemporary)
		}},
		{name: "re-authentications", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.reauthenticated(reauth{counter: 1, next: "4second"})
			s.end(eap.CodeSuccess)
			require.Equal(s.t, uint16(1), s.p.Counter())
			r, ok := s.p.Result()
			require.True(s.t, ok)
			require.True(s.t, r.Reauthenticated)
			require.Equal(s.t, firstReauth, r.Identity)
			require.Equal(s.t, append([]byte{byte(s.method)}, testNonce[:]...), r.SessionID[:17])
			s.begin("4second")
			s.asked(aka.AttrAnyIDReq, "4second")
			s.reauthenticated(reauth{counter: 7, next: "4third"}) // it need not be the next
			s.end(eap.CodeSuccess)
			s.begin("4third")
			s.reauthenticated(reauth{counter: 8})
			s.end(eap.CodeSuccess)
			s.begin("2one" + testRealm)
		}},
		{name: "re-authentication identity is good once", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.begin(firstReauth) // the same login still
			s.asked(aka.AttrAnyIDReq, firstReauth)
			s.begin("2one" + testRealm)
		}},
		{name: "re-authentication identity is dropped by a reset", run: func(s *script) {
			s.full("2one", firstReauth)
			s.p.Reset()
			s.begin(firstReauth)
			s.p.Reset()
			s.begin("2one" + testRealm)
		}},
		{name: "re-authentication identity not asked for", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.asked(aka.AttrFullauthIDReq, "2one"+testRealm)
			s.send(s.reauth(reauth{counter: 1}), aka.SubtypeClientError, ErrState)
		}},
		{name: "full authentication without a new re-authentication identity", run: func(s *script) {
			s.full("2one", firstReauth)
			s.p.cfg.Identity = permanent[s.method]
			s.p.Reset()
			s.begin(permanent[s.method])
			s.verified(challenge{})
			s.end(eap.CodeSuccess)
			s.begin(permanent[s.method])
			s.asked(aka.AttrAnyIDReq, "2one"+testRealm)
		}},
		{name: "challenge in answer to a re-authentication identity", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.verified(challenge{})
			require.Equal(s.t, firstReauth, s.p.Identity())
			s.end(eap.CodeSuccess)
			s.begin("2one" + testRealm)
		}},
		{name: "counter too small", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.tooSmall(0)
			s.noEnd(eap.CodeSuccess)
			s.verified(challenge{extra: s.temporaries("", "4anew")})
			require.Equal(s.t, firstReauth, s.p.Identity())
			s.end(eap.CodeSuccess)
			require.Zero(s.t, s.p.Counter())
			s.begin("4anew")
			s.reauthenticated(reauth{counter: 1})
		}},
		{name: "counter not greater", run: func(s *script) {
			s.full("2one", firstReauth)
			s.p.SetCounter(5)
			s.begin(firstReauth)
			s.asked(aka.AttrAnyIDReq, firstReauth)
			s.tooSmall(5)
			s.verified(challenge{})
			s.end(eap.CodeSuccess)
			s.begin("2one" + testRealm)
		}},
		{name: "identity request after a counter too small", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.tooSmall(0)
			s.send(s.identityRequest(aka.AttrFullauthIDReq), aka.SubtypeClientError, ErrState)
		}},
		{name: "re-authentication after a counter too small", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.tooSmall(0)
			s.send(s.reauth(reauth{counter: 1}), aka.SubtypeClientError, ErrState)
		}},
		{name: "two re-authentications", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.reauthenticated(reauth{counter: 1})
			s.send(s.reauth(reauth{counter: 2}), aka.SubtypeClientError, ErrState)
		}},
		{name: "challenge after a re-authentication", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.reauthenticated(reauth{counter: 1})
			s.send(s.challenge(challenge{}), aka.SubtypeClientError, ErrState)
		}},
		{name: "re-authentication with a wrong MAC", run: clientError(reauth{counter: 1, badMAC: true}, aka.ErrMAC)},
		{name: "re-authentication with a wrong check code", run: func(s *script) {
			clientError(reauth{counter: 1, checkcode: make([]byte, map[eap.Type]int{eap.TypeAKA: 20, eap.TypeAKAPrime: 32}[s.method])}, aka.ErrCheckcode)(s)
		}},
		{name: "re-authentication without a counter", run: clientError(reauth{nested: func(b *aka.Builder) {
			b.Octets(aka.AttrNonceS, testNonce[:])
		}}, aka.ErrMissing)},
		{name: "re-authentication without a nonce", run: clientError(reauth{nested: counter(1)}, aka.ErrMissing)},
		{name: "re-authentication with bad padding", run: clientError(reauth{nested: func(b *aka.Builder) {
			b.Number(aka.AttrCounter, 1)
			b.Octets(aka.AttrNonceS, testNonce[:])
			b.Raw([]byte{byte(aka.AttrPadding), 2, 0, 0, 0, 0, 0, 9})
		}}, aka.ErrPadding)},
		{name: "re-authentication with a pseudonym", run: clientError(reauth{nested: func(b *aka.Builder) {
			b.Number(aka.AttrCounter, 1)
			b.Octets(aka.AttrNonceS, testNonce[:])
			b.String(aka.AttrNextPseudonym, "2two")
		}}, aka.ErrNotAllowed)},
		{name: "re-authentication with a next identity that is no NAI", run: clientError(reauth{counter: 1, next: "4 "}, ErrTemporary)},
		{name: "result indications", cfg: PeerConfig{ResultIndications: true}, run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			m := s.reauthenticated(reauth{counter: 1, resultInd: true})
			require.True(s.t, m.Has(aka.AttrResultInd))
			s.noEnd(eap.CodeSuccess)
			m = s.send(s.counted(aka.NotifySuccess, counter(1)), aka.SubtypeNotification, nil)
			require.NoError(s.t, m.VerifyMAC(&s.keys, nil))
			require.Equal(s.t, uint16(1), s.nested(m).Counter)
			s.end(eap.CodeSuccess)
		}},
		{name: "refused after re-authentication", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.reauthenticated(reauth{counter: 3, next: "4second"})
			m := s.send(s.counted(aka.NotifyNotSubscribed, counter(3)), aka.SubtypeNotification, nil)
			require.Equal(s.t, uint16(3), s.nested(m).Counter)
			s.noEnd(eap.CodeSuccess)
			s.end(eap.CodeFailure)
			s.begin("2one" + testRealm) // and the next one was not for use
		}},
		{name: "notification with another counter", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.reauthenticated(reauth{counter: 3})
			s.send(s.counted(aka.NotifyFailureAfterAuth, counter(4)), aka.SubtypeClientError, ErrNotification)
		}},
		{name: "notification without a counter", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.reauthenticated(reauth{counter: 3})
			s.send(s.counted(aka.NotifyFailureAfterAuth, func(b *aka.Builder) {
				b.Raw(append([]byte{byte(skippable), 4}, make([]byte, 14)...))
			}), aka.SubtypeClientError, aka.ErrMissing)
		}},
		{name: "notification without encrypted data", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.reauthenticated(reauth{counter: 3})
			s.send(s.notification(aka.NotifyFailureAfterAuth, true), aka.SubtypeClientError, aka.ErrMissing)
		}},
		{name: "failure instead of a re-authentication", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			m := s.send(s.notification(aka.NotifyFailure, false), aka.SubtypeNotification, nil)
			require.False(s.t, m.Has(aka.AttrEncrData))
			s.end(eap.CodeFailure)
		}},
		{name: "failure after a re-authentication, unprotected", run: func(s *script) {
			s.full("2one", firstReauth)
			s.begin(firstReauth)
			s.reauthenticated(reauth{counter: 1})
			s.send(s.notification(aka.NotifyFailure, false), aka.SubtypeNotification, nil)
			s.end(eap.CodeFailure)
		}},
		{name: "set by hand", run: func(s *script) {
			require.NoError(s.t, s.p.SetPseudonym(s.method, "2stale"))
			s.begin("2stale" + testRealm)
			got, ok := s.p.Pseudonym(s.method)
			require.True(s.t, ok)
			require.Equal(s.t, "2stale"+testRealm, got)
			require.ErrorIs(s.t, s.p.SetPseudonym(13, "x"), ErrMethod)
			_, ok = s.p.Pseudonym(13)
			require.False(s.t, ok)
			s.p.SetReauthIdentity("4none") // without keys it means nothing
			_, ok = s.p.ReauthIdentity()
			require.False(s.t, ok)
			s.full("", firstReauth)
			s.p.SetReauthIdentity("4other")
			s.begin("4other")
		}},
	} {
		for _, method := range bothMethods {
			t.Run(c.name+" "+method.String(), func(t *testing.T) { c.run(newScript(t, method, c.cfg)) })
		}
	}
}

// TestTemporaryOfAnotherMethod: what EAP-AKA' has brought is for EAP-AKA' only,
// but serves in EAP-Response/Identity.
func TestTemporaryOfAnotherMethod(t *testing.T) {
	s := newScript(t, eap.TypeAKAPrime, PeerConfig{Methods: slices.Clone(bothMethods)})
	s.full("7one", "8first")
	s.begin("8first")
	s.method = eap.TypeAKA
	s.asked(aka.AttrAnyIDReq, "0001010000000001"+testRealm)
	s.verified(challenge{extra: s.temporaries("2one", "")})
	s.end(eap.CodeSuccess)
	s.begin("2one" + testRealm) // EAP-AKA is the first
	s.method = eap.TypeAKAPrime
	s.asked(aka.AttrAnyIDReq, "7one"+testRealm)
}
