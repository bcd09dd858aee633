package homeconfig

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/diametertest"
)

const testHost = "aaa.example.org"

// files are a certificate and its key, which can be written again.
type files struct {
	t         *testing.T
	authority *diametertest.Authority
	TLS
	written int
}

func newFiles(t *testing.T) *files {
	dir := t.TempDir()
	f := &files{t: t, authority: diametertest.NewAuthority(t), TLS: TLS{
		CA: filepath.Join(dir, "ca"), Certificate: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key"),
	}}
	f.write(f.CA, f.authority.PEM())
	return f
}

// write writes a file at another time than ever before.
func (f *files) write(name string, b []byte) {
	f.t.Helper()
	f.written++
	require.NoError(f.t, os.WriteFile(name, b, 0o600))
	at := time.Now().Add(time.Duration(f.written) * time.Second)
	require.NoError(f.t, os.Chtimes(name, at, at))
}

func (f *files) put(pair tls.Certificate) {
	f.t.Helper()
	cert, key, err := diametertest.PEM(pair)
	require.NoError(f.t, err)
	f.write(f.Certificate, cert)
	f.write(f.Key, key)
}

// renew writes a new certificate for the host and returns its serial number.
func (f *files) renew(host string) *big.Int {
	f.t.Helper()
	pair := f.authority.Certificate(host)
	f.put(pair)
	return serial(f.t, &pair)
}

func serial(t *testing.T, c *tls.Certificate) *big.Int {
	t.Helper()
	require.NotNil(t, c.Leaf)
	return c.Leaf.SerialNumber
}

func TestCertificateIsReadAgain(t *testing.T) {
	f := newFiles(t)
	first := f.renew(testHost)
	var log bytes.Buffer
	c, err := newCertificate(f.TLS, testHost, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	require.Equal(t, first, serial(t, c.get()))

	second := f.renew(testHost)
	require.Equal(t, first, serial(t, c.get()), "too soon")
	c.every = 0
	require.Equal(t, second, serial(t, c.get()))
	require.Equal(t, 1, strings.Count(log.String(), "New TLS certificate\""))

	for name, spoil := range map[string]func(){
		"no PEM":         func() { f.write(f.Certificate, []byte("x")) },
		"half of it":     func() { f.renew(testHost); f.write(f.Key, nil) },
		"of another key": func() { key, _ := os.ReadFile(f.Key); f.renew(testHost); f.write(f.Key, key) },
		"of another":     func() { f.renew("bbb.example.org") },
		"expired":        func() { f.put(f.authority.Expired(testHost)) },
		"gone":           func() { require.NoError(t, os.Remove(f.Certificate)) },
	} {
		log.Reset()
		second = f.renew(testHost)
		require.Equal(t, second, serial(t, c.get()), name)
		spoil()
		for range 3 {
			require.Equal(t, second, serial(t, c.get()), name)
		}
		require.Equal(t, 1, strings.Count(log.String(), "cannot be used"), name)
	}
	third := f.renew(testHost)
	require.Equal(t, third, serial(t, c.get()))
}

// Files that could not be used are mended although their times and sizes are the same: it may be
// that only a permission was missing.
func TestCertificateIsMended(t *testing.T) {
	f := newFiles(t)
	first := f.renew(testHost)
	var log bytes.Buffer
	c, err := newCertificate(f.TLS, testHost, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	c.every = 0
	second := f.renew(testHost)
	key, err := os.ReadFile(f.Key)
	require.NoError(t, err)
	at := time.Now().Add(time.Hour)
	for _, step := range []struct {
		key  []byte
		want *big.Int
	}{{bytes.Repeat([]byte{'x'}, len(key)), first}, {key, second}} {
		require.NoError(t, os.WriteFile(f.Key, step.key, 0o600))
		require.NoError(t, os.Chtimes(f.Key, at, at))
		for range 2 {
			require.Equal(t, step.want, serial(t, c.get()))
		}
	}
	require.Equal(t, 1, strings.Count(log.String(), "cannot be used"))
	require.Equal(t, 1, strings.Count(log.String(), "New TLS certificate\""))
}

// Both ends of a connection show what their files say when it begins.
func TestCertificateInHandshake(t *testing.T) {
	f := newFiles(t)
	f.renew(testHost)
	cfg, own, err := f.reloading(testHost, nil)
	require.NoError(t, err)
	own.every = 0
	server := cfg.Clone()
	server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, cfg.RootCAs
	client := cfg.Clone()
	client.ServerName = testHost
	for range 3 {
		want := f.renew(testHost)
		a, b := net.Pipe()
		served := make(chan *big.Int, 1)
		go func() {
			defer a.Close()
			s := tls.Server(a, server)
			if err := s.HandshakeContext(t.Context()); err != nil {
				t.Error(err)
				served <- nil
				return
			}
			served <- s.ConnectionState().PeerCertificates[0].SerialNumber
		}()
		c := tls.Client(b, client)
		require.NoError(t, c.HandshakeContext(t.Context()))
		require.Equal(t, want, c.ConnectionState().PeerCertificates[0].SerialNumber)
		go func() { _, _ = c.Read(make([]byte, 1)) }() // tickets
		require.Equal(t, want, <-served)
		require.NoError(t, b.Close())
	}
}
