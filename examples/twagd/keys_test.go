package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/keyring"
)

// newSecret returns what a configuration has for a key of the ring.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// writeKey writes a key of the ring as openssl does.
func writeKey(t *testing.T, name string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(newSecret()+"\n"), 0o600))
}

func writePEM(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// rsaKey is a key that identities are encrypted for: one for all tests, since
// it takes a second to make.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// writeRSAKey writes that key.
func writeRSAKey(t *testing.T, name string) *rsa.PrivateKey {
	t.Helper()
	key, err := rsaKey()
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	writePEM(t, name, "PRIVATE KEY", der)
	return key
}

func TestKeyRing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "twagd.yaml")
	writeKey(t, filepath.Join(dir, "key"))
	c, warnings, err := parseConfig(name, []byte(minimal+"keys:\n  - id: 3\n    secret_file: key\n  - {id: 0, secret: "+
		newSecret()+", not_after: 2999-01-01T00:00:00+01:00}\n"))
	require.NoError(t, err)
	require.Empty(t, warnings)

	keyRing := func(c config) (*keyring.Ring, error) {
		s := &server{cfg: c, log: slog.New(slog.DiscardHandler)}
		return s.keyRing()
	}
	ring, err := keyRing(c)
	require.NoError(t, err)
	derived := ring.Derive("test", 8)
	require.Len(t, derived, 2)
	require.EqualValues(t, 3, derived[0].ID, "the first seals")
	require.True(t, derived[0].NotAfter.IsZero())
	require.Equal(t, time.Date(2998, 12, 31, 23, 0, 0, 0, time.UTC), derived[1].NotAfter.UTC())

	// A file that is gone since the check is an error and no other ring.
	require.NoError(t, os.Remove(filepath.Join(dir, "key")))
	_, err = keyRing(c)
	require.ErrorIs(t, err, os.ErrNotExist)

	random, err := keyRing(config{})
	require.NoError(t, err)
	sealed := random.Sealer("x").Seal(nil, []byte("y"), nil)
	again, err := keyRing(config{})
	require.NoError(t, err)
	_, err = again.Sealer("x").Open(nil, sealed, nil, time.Now())
	require.Error(t, err, "no two servers make the same keys")

	// With a place to keep it, a server makes itself a key once.
	own := config{DataDir: filepath.Join(dir, "data")}
	first, err := keyRing(own)
	require.NoError(t, err)
	sealed = first.Sealer("x").Seal(nil, []byte("y"), nil)
	second, err := keyRing(own)
	require.NoError(t, err)
	plain, err := second.Sealer("x").Open(nil, sealed, nil, time.Now())
	require.NoError(t, err)
	require.Equal(t, "y", string(plain))
	info, err := os.Stat(filepath.Join(own.DataDir, ownKeyFile))
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "for its owner only")
	require.NoError(t, os.WriteFile(filepath.Join(own.DataDir, ownKeyFile), []byte("junk"), 0o600))
	_, err = keyRing(own)
	require.ErrorIs(t, err, errNoSecret)
}

func TestKeyErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	secret, other := newSecret(), newSecret()
	file("good", secret+"\n")
	file("bad", secret[1:]+"x\n")
	file("large", strings.Repeat("0", maxKeyFile+1))
	for _, tc := range []struct{ name, keys, want string }{
		{"none", "", "keys: must have at least one key"},
		{"no id", "  - {secret: " + secret + "}\n", "keys[0].id: missing"},
		{"id", "  - {id: 256, secret: " + secret + "}\n", "keys[0].id: must be 0 to 255"},
		{"id twice", "  - {id: 1, secret: " + secret + "}\n  - {id: 1, secret: " + other + "}\n", "keys[1].id: the same as that of another key"},
		{"secret twice", "  - {id: 1, secret: " + secret + "}\n  - {id: 2, secret_file: good}\n", "keys[1].secret_file: the same as that of another key"},
		{"no secret", "  - {id: 1}\n", "keys[0].secret: missing, and there is no secret_file either"},
		{"two secrets", "  - {id: 1, secret: " + secret + ", secret_file: good}\n", "keys[0].secret_file: means nothing beside secret"},
		{"short secret", "  - {id: 1, secret: " + secret[2:] + "}\n", "keys[0].secret: must have 64 hexadecimal digits"},
		{"no digits", "  - {id: 1, secret: x" + secret[1:] + "}\n", "keys[0].secret: must have 64 hexadecimal digits"},
		{"zero", "  - {id: 1, secret: '" + strings.Repeat("0", 64) + "'}\n", "keys[0].secret: is all zero"},
		{"no digits in the file", "  - {id: 1, secret_file: bad}\n", "keys[0].secret_file: must have 64 hexadecimal digits"},
		{"large file", "  - {id: 1, secret_file: large}\n", "keys[0].secret_file: larger than 65536 octets"},
		{"no file", "  - {id: 1, secret_file: absent}\n", "keys[0].secret_file: open "},
		{"end of the first", "  - {id: 1, secret_file: good, not_after: 2999-01-01T00:00:00Z}\n", "keys[0].not_after: the first key seals and has no end: put its successor before it"},
		{"no time", "  - {id: 1, secret_file: good}\n  - {id: 2, secret: " + other + ", not_after: tomorrow}\n", "keys[1].not_after: must be a time such as 2030-01-31T00:00:00Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := parseConfig(filepath.Join(dir, "f"), []byte(minimal+"keys:\n"+tc.keys))
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), secret[8:24], "part of the secret")
		})
	}
	_, warnings, err := parseConfig(filepath.Join(dir, "f"), []byte(minimal+
		"keys:\n  - {id: 1, secret_file: good}\n  - {id: 2, secret: "+other+", not_after: 2020-01-01T00:00:00Z}\n"))
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	require.ErrorContains(t, warnings[0], "keys[1].not_after: is over")
}

func TestIdentityKeys(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	key := writeRSAKey(t, path("pkcs8"))
	writePEM(t, path("pkcs1"), "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	writePEM(t, path("public"), "PUBLIC KEY", public)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(curve)
	require.NoError(t, err)
	writePEM(t, path("ec"), "PRIVATE KEY", der)
	writePEM(t, path("junk"), "PRIVATE KEY", []byte("junk"))
	require.NoError(t, os.WriteFile(path("text"), []byte("text"), 0o600))

	parse := func(keys string) (config, error) {
		c, _, err := parseConfig(path("f"), []byte(minimal+"eap:\n  identity_keys: ["+keys+"]\n"))
		return c, err
	}
	c, err := parse("{file: pkcs8, attribute: a=1}, {file: pkcs1, retired: true}")
	require.NoError(t, err)
	keys, err := identityKeys(c.EAP.IdentityKeys)
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.Equal(t, "a=1", keys[0].Attribute)
	require.True(t, keys[1].Retired)
	for _, k := range keys {
		require.True(t, key.Equal(k.Key))
	}
	for _, tc := range []struct{ keys, want string }{
		{"{}", "eap.identity_keys[0].file: missing"},
		{"{file: absent}", "eap.identity_keys[0].file: open "},
		{"{file: text}", "eap.identity_keys[0].file: is no PEM file"},
		{"{file: public}", "eap.identity_keys[0].file: has no private key in the clear (PKCS #8 or PKCS #1)"},
		{"{file: ec}", "eap.identity_keys[0].file: has no RSA key"},
		{"{file: junk}", "eap.identity_keys[0].file: has no RSA key"},
		{"{file: pkcs8, attribute: a}", `eap.identity_keys[0].attribute: must be "name=value"`},
		{"{file: pkcs8, attribute: a=1}, {file: pkcs1, attribute: a=1}", "eap.identity_keys[1].attribute: the same as that of another key"},
		{strings.Repeat("{file: pkcs8}, ", 8) + "{file: pkcs8}", "eap.identity_keys: must have at most 8 keys"},
	} {
		_, err := parse(tc.keys)
		require.ErrorContains(t, err, tc.want)
	}
}
