package main

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/examples/internal/homeconfig"
)

// writeTLS writes files into dir: a certificate for host and who has signed it.
func writeTLS(t *testing.T, authority *diametertest.Authority, dir string, names homeconfig.TLS, host string) {
	t.Helper()
	writePair(t, authority, dir, names, authority.Certificate(host))
}

func writePair(t *testing.T, authority *diametertest.Authority, dir string, names homeconfig.TLS, c tls.Certificate) {
	t.Helper()
	cert, key, err := diametertest.PEM(c)
	require.NoError(t, err)
	for name, data := range map[string][]byte{names.CA: authority.PEM(), names.Certificate: cert, names.Key: key} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
}

// withTLS is a configuration with a certificate in the files ca, cert and key.
func withTLS(peer string) string {
	return strings.NewReplacer(
		"  peers:", "  tls: {ca: ca, certificate: cert, key: key}\n  peers:",
		"      address: 192.0.2.1\n", "      address: 192.0.2.1\n      transport: tls\n"+peer,
	).Replace(minimal)
}

func TestTLSFiles(t *testing.T) {
	authority := diametertest.NewAuthority(t)
	files := homeconfig.TLS{CA: "ca", Certificate: "cert", Key: "key"}
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
	}
	other := func(t *testing.T, dir string) {
		writeTLS(t, authority, dir, homeconfig.TLS{CA: "ca", Certificate: "other", Key: "key"}, "aaa.example.org")
	}
	for _, tc := range []struct {
		name    string
		change  func(t *testing.T, dir string)
		peer    string
		want    string // an error
		warning string
	}{
		// Those of the kit are for a day.
		{name: "good", warning: "expires on"},
		{name: "good, the peer's own", peer: "      tls: {ca: ca, certificate: cert, key: key}\n", warning: "expires on"},
		{name: "half of it", peer: "      tls: {key: key}\n", want: "f:9: diameter.peers[0].tls.ca: missing\nf:9: diameter.peers[0].tls.certificate: missing"},
		{name: "no file", peer: "      tls: {ca: nobody, certificate: cert, key: key}\n", want: "f:9: diameter.peers[0].tls.ca: open DIR/nobody: no such file or directory"},
		{name: "authority is no PEM", change: write("ca", "x"), want: "f:4: diameter.tls.ca: has no certificate in PEM"},
		{name: "certificate is no PEM", change: write("cert", "x"), want: "f:4: diameter.tls.certificate: tls: failed to find any PEM data in certificate input"},
		{name: "key is another's", change: other, want: "f:4: diameter.tls.certificate: tls: private key does not match public key"},
		{name: "large", change: write("key", strings.Repeat("x", homeconfig.MaxPEMOctets+1)), want: "f:4: diameter.tls.certificate: larger than 1048576 octets"},
		{name: "another's name", change: func(t *testing.T, dir string) {
			writeTLS(t, authority, dir, files, "bbb.example.org")
		}, want: "f:4: diameter.tls.certificate: has no DNS name aaa.example.org, which is what peers look for"},
		{name: "expired", change: func(t *testing.T, dir string) {
			writePair(t, authority, dir, files, authority.Expired("aaa.example.org"))
		}, warning: "has expired on"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			writeTLS(t, authority, dir, files, "aaa.example.org")
			if tc.change != nil {
				tc.change(t, dir)
			}
			c, warnings, err := parseConfig(filepath.Join(dir, "f"), []byte(withTLS(tc.peer)))
			if tc.want != "" {
				require.EqualError(t, err, strings.ReplaceAll("DIR/"+strings.ReplaceAll(tc.want, "\n", "\nDIR/"), "DIR", dir))
				return
			}
			require.NoError(t, err)
			require.ErrorContains(t, warnings[0], tc.warning)
			cfg, err := c.Diameter.Node(nil)
			require.NoError(t, err)
			require.NotNil(t, cfg.TLS)
			require.Equal(t, tc.peer != "", cfg.Peers[0].TLS != nil)
			require.Equal(t, "192.0.2.1:5658", cfg.Peers[0].Address)
			require.NoError(t, cfg.Validate())
		})
	}
}
