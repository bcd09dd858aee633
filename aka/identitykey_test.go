package aka

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// rsaKeys are made once: it takes a while.
var rsaKeys = sync.OnceValue(func() (keys [3]*rsa.PrivateKey) {
	for i := range keys {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = k
	}
	return keys
})

func encryptIdentity(t testing.TB, k *rsa.PrivateKey, identity, attribute string) string {
	c, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &k.PublicKey, []byte(identity), nil)
	require.NoError(t, err)
	return "\x00" + base64.StdEncoding.EncodeToString(c) + attribute
}

func TestEncryptedIdentity(t *testing.T) {
	k := rsaKeys()
	cfg := Config{IdentityKeys: []IdentityKey{
		{Key: k[0], Attribute: "CertificateSerialNumber=1"},
		{Key: k[1], Attribute: "CertificateSerialNumber=0", Retired: true},
	}}
	for name, row := range map[string]struct {
		cfg  Config
		said string
		sees string
	}{
		"no attribute":                {cfg, encryptIdentity(t, k[0], akaID, ""), "need vectors"},
		"attribute":                   {cfg, encryptIdentity(t, k[0], akaID, ",CertificateSerialNumber=1"), "need vectors"},
		"strange attribute":           {cfg, encryptIdentity(t, k[0], akaID, ",a=b"), "need vectors"},
		"attribute of another key":    {cfg, encryptIdentity(t, k[0], akaID, ",CertificateSerialNumber=0"), "notify 16384"},
		"digit of another method":     {cfg, encryptIdentity(t, k[0], primeID, ""), "need vectors"},
		"retired key":                 {cfg, encryptIdentity(t, k[1], akaID, ""), "notify 16385"},
		"retired key by attribute":    {cfg, encryptIdentity(t, k[1], akaID, ",CertificateSerialNumber=0"), "notify 16385"},
		"key of somebody else":        {cfg, encryptIdentity(t, k[2], akaID, ""), "notify 16384"},
		"no keys":                     {Config{}, encryptIdentity(t, k[0], akaID, ""), "notify 16384"},
		"a pseudonym in it":           {cfg, encryptIdentity(t, k[0], "2pseudonym@example.org", ""), "notify 16384"},
		"nothing in it":               {cfg, encryptIdentity(t, k[0], "", ""), "notify 16384"},
		"an encrypted identity in it": {cfg, encryptIdentity(t, k[0], "\x00Zm9v", ""), "notify 16384"},
		"not base64":                  {cfg, "\x00Zm9v!", "notify 16384"},
		"too short":                   {cfg, "\x00Zm9v", "notify 16384"},
		"NUL":                         {cfg, "\x00", "notify 16384"},
		"NUL and comma":               {cfg, "\x00,", "notify 16384"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, ask := range []string{"0anonymous@wlan.mnc044.mcc555.3gppnetwork.org", "4lost", "2lost"} {
				c := newConv(t, newTest(eap.TypeAKA, row.cfg), ask)
				c.storing = true
				require.Contains(t, c.start(), "ask ")
				require.Equal(t, row.sees, c.answerIdentity(row.said))
				if row.sees != "need vectors" {
					require.Equal(t, "failure", c.handle(c.response(SubtypeNotification, nil)))
					if row.sees == "notify 16385" {
						require.ErrorIs(t, c.step.Err, ErrCertificate)
					} else {
						require.ErrorIs(t, c.step.Err, ErrIdentity)
					}
					continue
				}
				require.Equal(t, testIMSI, c.step.Need.(*NeedVectors).Request.IMSI)
				c.identity = akaID // what the keys are bound to
				if name == "digit of another method" {
					c.identity = primeID
				}
				require.Equal(t, "challenge", c.give(c.vector))
				require.Equal(t, "need authorization", c.handle(c.goodAnswer()))
				require.Equal(t, "success", c.resume(eap.Authorization{}))
				require.Equal(t, c.identity, c.step.Result.Identity)
			}
		})
	}
	// In the first message, before it knows the server, no phone sends one.
	c := newConv(t, newTest(eap.TypeAKA, cfg), encryptIdentity(t, k[0], akaID, ""))
	require.Equal(t, "ask AT_ANY_ID_REQ", c.start())
}

// A sealed identity is as long as the key, leading zeros included (RFC 8017,
// section 7.1.2, step 1): what is shorter costs no decryption.
func TestEncryptedIdentityLength(t *testing.T) {
	k := rsaKeys()[0]
	m := newTest(eap.TypeAKA, Config{IdentityKeys: []IdentityKey{{Key: k}}})
	for {
		c, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &k.PublicKey, []byte(akaID), nil)
		require.NoError(t, err)
		if c[0] != 0 {
			continue
		}
		encode := base64.StdEncoding.EncodeToString
		identity, err := m.reveal("\x00" + encode(c))
		require.NoError(t, err)
		require.Equal(t, akaID, identity)
		_, err = m.reveal("\x00" + encode(c[1:]))
		require.ErrorIs(t, err, ErrIdentity)
		return
	}
}

func TestIdentityKeysValidate(t *testing.T) {
	k := rsaKeys()[0]
	bad := rsa.PrivateKey{PublicKey: k.PublicKey, D: big.NewInt(3), Primes: k.Primes}
	for want, keys := range map[string][]IdentityKey{
		"Config.IdentityKeys[0]: no key": {{}},
		"Config.IdentityKeys: 9":         make([]IdentityKey, 9),
		"Config.IdentityKeys[1]":         {{Key: k}, {Key: &bad}},
	} {
		err := (&Config{IdentityKeys: keys}).Validate()
		require.ErrorContains(t, err, want)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		require.Less(t, len(fmt.Sprintf(verb, IdentityKey{Key: k})), 40)
	}
	require.False(t, strings.Contains(fmt.Sprint(Config{IdentityKeys: []IdentityKey{{Key: k}}}), k.D.String()))
}
