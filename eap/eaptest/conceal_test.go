package eaptest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

func testKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

func TestEncryptedIdentity(t *testing.T) {
	key := testKey(t)
	for _, method := range bothMethods {
		t.Run(method.String(), func(t *testing.T) {
			s := newScript(t, method, PeerConfig{
				IdentityKey: &key.PublicKey, IdentityKeyAttribute: "key=7", Conservative: true,
			})
			digit := methodDigits[methodSlot(method)].digit
			permanent := digit + "001010000000001" + testRealm
			s.begin(digit + "anonymous" + testRealm)
			seen := map[string]bool{}
			for _, attr := range []aka.AttrType{aka.AttrAnyIDReq, aka.AttrFullauthIDReq, aka.AttrPermanentIDReq} {
				pkt := s.identityRequest(attr)
				m := s.send(pkt, aka.SubtypeIdentity, nil)
				s.cc.Add(method, pkt, s.last)
				sent := string(m.Identity)
				require.False(t, seen[sent], "each time anew")
				seen[sent] = true
				require.Equal(t, byte(0), sent[0])
				text, attribute, _ := strings.Cut(sent[1:], ",")
				require.Equal(t, "key=7", attribute)
				sealed, err := base64.StdEncoding.DecodeString(text)
				require.NoError(t, err)
				plain, err := rsa.DecryptOAEP(sha256.New(), nil, key, sealed, nil)
				require.NoError(t, err)
				require.Equal(t, permanent, string(plain))
				require.Equal(t, permanent, s.p.Identity(), "the keys are bound to it")
			}
			s.verified(challenge{extra: s.temporaries("2one", "")})
			s.end(eap.CodeSuccess)
			s.begin("2one" + testRealm)
			m := s.send(s.identityRequest(aka.AttrPermanentIDReq), aka.SubtypeIdentity, nil)
			require.Equal(t, byte(0), m.Identity[0], "nothing to withhold")
		})
	}
}

func TestIdentityKeyBounds(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	cfg := PeerConfig{USIM: newUSIM(t, USIMConfig{}), IMSI: testIMSI, IdentityKey: &short.PublicKey}
	_, err = NewPeer(cfg)
	require.ErrorIs(t, err, ErrPeer)
	cfg.IdentityKey = &testKey(t).PublicKey
	cfg.IdentityKeyAttribute = strings.Repeat("x", 129)
	_, err = NewPeer(cfg)
	require.ErrorIs(t, err, ErrPeer)
}
