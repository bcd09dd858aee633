package aka

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// What a challenge gives out leads back to the subscriber, and differs each
// time.
func TestChallengeGivesIdentities(t *testing.T) {
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		for _, reauth := range []bool{false, true} {
			cfg := Config{Pseudonyms: NewPseudonyms(testRing(t, ringKey(1, 1)), PseudonymConfig{})}
			if reauth {
				cfg.Reauth = NewMemoryReauthStore(10)
			}
			m := newTest(typ, cfg)
			ivs, names := map[string]bool{}, map[string]bool{}
			for range 5 {
				c := newConv(t, m, idFor(typ))
				c.turn.Now = testTime
				c.toChallenge()
				var p phone
				p.learn(t, &c.last, c.keys())
				imsi, err := cfg.Pseudonyms.Open(typ, p.pseudonym, testTime)
				require.NoError(t, err)
				require.Equal(t, testIMSI, imsi)
				require.Equal(t, reauth, p.next != "")
				require.False(t, ivs[string(c.last.IV)] || names[p.pseudonym])
				ivs[string(c.last.IV)], names[p.pseudonym] = true, true
			}
			cfg.NoPseudonyms = true
			c := newConv(t, newTest(typ, cfg), idFor(typ)).toChallenge()
			require.Equal(t, reauth, c.last.Has(AttrEncrData))
			if reauth {
				var p phone
				p.learn(t, &c.last, c.keys())
				require.Empty(t, p.pseudonym)
				id := (*eap.IdentityRules)(nil).Parse(p.next)
				require.Equal(t, eap.KindReauth, id.Kind)
				require.Equal(t, typ, id.Method)
				require.Equal(t, "wlan.mnc044.mcc555.3gppnetwork.org", id.NAI.Realm)
			}
		}
	})
}

// The names of different runs have nothing in common, and an identity without
// a realm gets none.
func TestReauthNames(t *testing.T) {
	m := newTest(eap.TypeAKA, reauthConfig())
	seen := map[string]bool{}
	for n := range 50 {
		c := newConv(t, m, strings.TrimSuffix(akaID, "@wlan.mnc044.mcc555.3gppnetwork.org"))
		c.vector.RAND[0], c.vector.CK[0] = byte(n), byte(n)
		c.toChallenge()
		var p phone
		p.learn(t, &c.last, c.keys())
		require.Len(t, p.next, reauthNameLen)
		require.False(t, seen[p.next[1:5]])
		seen[p.next[1:5]] = true
	}
}

// A challenge with the longest realm and network name fits.
func TestLongIdentities(t *testing.T) {
	realm := "@" + strings.Repeat("abcdefghi.", 23) + "example"
	c := newConv(t, newTest(eap.TypeAKAPrime, reauthConfig()), "6555444333222111"+realm[:eap.MaxNAILen-16])
	c.m = c.method.New(eap.Peer{Identity: c.identity, NetworkName: strings.Repeat("n", 253)})
	c.network = strings.Repeat("n", 253)
	c.peer.NetworkName = c.network
	require.Equal(t, "need vectors", c.start())
	require.Equal(t, "challenge", c.give(c.vector))
	var p phone
	p.learn(t, &c.last, c.keys())
	require.Contains(t, p.next, "@abcdefghi.")
	require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
}

// Without random octets no run goes on, and nothing is sent.
func TestRandFails(t *testing.T) {
	down := errors.New("no entropy")
	bothMethods(t, func(t *testing.T, typ eap.Type) {
		cfg := reauthConfig()
		m := newTest(typ, cfg)
		p := fullLogin(t, m, false)
		cfg.Rand = iotest.ErrReader(down)
		bad := newTest(typ, cfg)
		c := newConv(t, bad, idFor(typ))
		c.start()
		require.Equal(t, "failure", c.give(c.vector))
		require.ErrorIs(t, c.step.Err, down)
		c = newConv(t, bad, p.reauthID)
		c.turn.Now = testTime
		c.start()
		require.Equal(t, "failure", c.resolve())
		require.ErrorIs(t, c.step.Err, down)

		// In the notification after it.
		cfg.Rand = io.LimitReader(bytes.NewReader(make([]byte, 100)), 16+16+12)
		r := toReauth(t, newTest(typ, cfg), p, false)
		r.handle(r.goodAnswer())
		r.resolve()
		require.Equal(t, "failure", r.resume(eap.Authorization{Refusal: eap.RefusalGeneral}))
		require.ErrorIs(t, r.step.Err, io.EOF)
	})
}

// The recorded fast re-authentications, the peer's side: hostapd's context in
// our store, its NONCE_S and IV from Rand, its responses. The request can't be
// the same, for the next identity in it is another; what else is in it is.
func TestReplayReauthentications(t *testing.T) {
	count := 0
	for _, rec := range recordings(t) {
		at := len(rec.Messages)
		for n, msg := range rec.Messages {
			if p, _ := eap.Decode(msg.EAP); n > 0 && p.Type == eap.TypeIdentity {
				at = n
			}
		}
		if at == len(rec.Messages) {
			continue
		}
		count++
		full, d := rec.Derived[0], rec.Derived[1]
		require.Equal(t, "fast-reauth", d.Kind)
		identity, err := eap.Decode(rec.Messages[at].EAP)
		require.NoError(t, err)
		typ, network := eap.TypeAKA, ""
		if d.Identity[0] == '8' {
			typ, network = eap.TypeAKAPrime, full.NetworkName
		}
		k := Keys{Method: typ}
		copy(k.KEncr[:], full.KEncr)
		copy(k.KAut[:], full.KAut)
		copy(k.MK[:], full.MK)
		copy(k.KRe[:], full.KRe)
		request := decodePacket(t, rec.Messages[at+1].EAP)
		notification := decodePacket(t, rec.Messages[at+3].EAP)

		store := NewMemoryReauthStore(1)
		require.NoError(t, store.Put(t.Context(), ReauthContext{
			Username: d.Identity, Method: typ, IMSI: testIMSI, NetworkName: network, Keys: k.reauthKeys(),
			Counter: d.Counter, Expires: testTime.AddDate(1000, 0, 0),
		}))
		random := slices.Concat(request.IV, d.NonceS, make([]byte, 12), notification.IV)
		m := newTest(typ, Config{Reauth: store, ResultIndications: true, Rand: bytes.NewReader(random)})
		c := newConv(t, m, string(identity.Data))
		c.storing, c.turn = true, eap.Turn{Now: testTime, Identifier: request.Identifier}
		require.Equal(t, "need re-authentication context: get", c.start())
		require.Equal(t, "request Reauthentication", c.resolve())
		require.Equal(t, without(request, AttrEncrData, AttrMAC), without(c.last, AttrEncrData, AttrMAC))
		var p phone
		a := p.learn(t, &c.last, &k)
		require.Equal(t, d.Counter, a.Counter)
		require.Equal(t, []byte(d.NonceS), a.NonceS)
		require.Equal(t, "need re-authentication context: swap", c.handle(rec.Messages[at+2].EAP))
		require.Equal(t, "need authorization", c.resolve())
		require.Equal(t, "notify 32768 with MAC", c.resume(eap.Authorization{}))
		require.Equal(t, hex.EncodeToString(rec.Messages[at+3].EAP), hex.EncodeToString(c.step.Packet), "hostapd's, octet by octet")
		require.Equal(t, "success", c.handle(rec.Messages[at+4].EAP))
		require.Equal(t, []byte(d.MSK), c.step.Result.MSK[:])
		require.Equal(t, []byte(d.EMSK), c.step.Result.EMSK[:])
	}
	require.Equal(t, 2, count)
}
