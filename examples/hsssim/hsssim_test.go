package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// TestServesVectors runs the program and asks it, over TCP, for vectors of
// subscribers that it has and of one that it has not.
func TestServesVectors(t *testing.T) {
	client := start(t, "-subscribers", "2")
	for _, tc := range []struct {
		name   string
		number int
		scheme aka.Scheme
		want   error
	}{
		{"first", 0, aka.SchemeAKA, nil},
		{"last", 1, aka.SchemeAKAPrime, nil},
		{"one more", 2, aka.SchemeAKA, aka.ErrUnknownSubscriber},
	} {
		t.Run(tc.name, func(t *testing.T) {
			imsi, err := provision.IMSI(eap.MustParseIMSI(provision.FirstIMSI), tc.number)
			require.NoError(t, err)
			vectors, err := client.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: tc.scheme, NetworkName: "WLAN"})
			require.ErrorIs(t, err, tc.want)
			if tc.want == nil {
				require.Len(t, vectors, 1)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	client := start(t, "-subscribers", "1", "-experimental", "5450", "-times", "1")
	req := aka.VectorRequest{IMSI: eap.MustParseIMSI(provision.FirstIMSI), Scheme: aka.SchemeAKA}
	_, err := client.Vectors(t.Context(), req)
	require.ErrorIs(t, err, aka.ErrNoSubscription)
	_, err = client.Vectors(t.Context(), req)
	require.NoError(t, err)
}

// start runs the program with more arguments until the test ends, and returns
// a client of it.
func start(t *testing.T, args ...string) *swx.Client {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var out lockedBuffer
	done := make(chan int)
	go func() { done <- hsssim(ctx, append([]string{"-listen", "127.0.0.1:0"}, args...), &out, io.Discard) }()
	t.Cleanup(func() {
		cancel()
		require.Equal(t, exitOK, <-done)
		require.Contains(t, out.String(), "requests ")
	})
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "serves") }, 5*time.Second, time.Millisecond)
	address, _, _ := strings.Cut(strings.TrimPrefix(out.String(), "listening on "), "\n")

	node, err := diameter.NewNode(diameter.Config{
		OriginHost: "aaa.example.org", OriginRealm: swxtest.DefaultRealm,
		Applications: []diameter.Application{swx.Application},
		Peers:        []diameter.PeerConfig{{Host: swxtest.DefaultHost, Address: address}},
	})
	require.NoError(t, err)
	node.Start()
	t.Cleanup(func() { require.NoError(t, node.Close()) })
	client := swx.NewClient(node, swx.Config{Realm: swxtest.DefaultRealm})
	require.Eventually(t, func() bool { return node.Peers()[0].State == diameter.PeerOpen }, 5*time.Second, time.Millisecond)
	return client
}

func TestReadSubscribers(t *testing.T) {
	const key = "00112233445566778899aabbccddeeff"
	for _, tc := range []struct{ name, text, err string }{
		{"empty", "", ""},
		{"comments", "# nobody\n\n  # here\n", ""},
		{"one", "001010000000001 " + key + " " + key + "\n", ""},
		{"words", "001010000000001 " + key + " " + key + " sqn=32 barred no-roaming # odd\n", ""},
		{"no OPc", "\n001010000000001 " + key + "\n", "file:2: want IMSI, K and OPc"},
		{"IMSI", "00101x " + key + " " + key, "file:1: IMSI: want 6 to 15 digits"},
		{"short key", "001010000000001 0011 " + key, "file:1: keys: want 32 hexadecimal digits each for K and OPc"},
		{"SQN", "001010000000001 " + key + " " + key + " sqn=281474976710656", "file:1: sqn: want a number of 48 bits"},
		{"word", "001010000000001 " + key + " " + key + " bared", "file:1: a word after OPc is none of sqn=, barred, no-non-3gpp, no-roaming, no-wlan"},
		{"twice", "001010000000001 " + key + " " + key + "\n001010000000001 " + key + " " + key, "file:2: IMSI: has been there before"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			list, err := readSubscribers("file", strings.NewReader(tc.text))
			if tc.err != "" {
				require.EqualError(t, err, tc.err)
				require.NotContains(t, err.Error(), "0011")
				return
			}
			require.NoError(t, err)
			require.Len(t, list, strings.Count(tc.text, key)/2)
		})
	}
	list, err := readSubscribers("file", strings.NewReader("001010000000001 "+key+" "+key+" sqn=32 barred no-roaming"))
	require.NoError(t, err)
	require.Equal(t, uint64(32), list[0].SQN)
	require.True(t, list[0].Barred && list[0].NoRoaming)
	require.False(t, list[0].NoWLAN || list[0].NoNon3GPP)
}

func TestCommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "subscribers")
	require.NoError(t, os.WriteFile(file, []byte("nonsense\n"), 0o600))
	for _, tc := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"help", []string{"-h"}, exitOK, "-subscribers"},
		{"unknown flag", []string{"-nonsense"}, exitUsage, "nonsense"},
		{"argument", []string{"nonsense"}, exitUsage, `"nonsense" is not a flag`},
		{"nobody reaches us", []string{"-listen", ""}, exitUsage, "nobody can reach us"},
		{"peer", []string{"-connect", "dra.example.org"}, exitUsage, "want HOST=ADDRESS:PORT"},
		{"half a key", []string{"-k", "00112233445566778899aabbccddeeff"}, exitUsage, "-k, -opc"},
		{"too many", []string{"-subscribers", "10000001"}, exitUsage, "-subscribers"},
		{"provisioning", []string{"-listen", "127.0.0.1:0", "-provision", file}, exitFailed, "subscribers:1: want IMSI, K and OPc"},
		{"no such address", []string{"-listen", "192.0.2.1:1"}, exitFailed, "192.0.2.1:1"},
		{"bad name", []string{"-listen", "127.0.0.1:0", "-host", "a b"}, exitFailed, "OriginHost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var errs bytes.Buffer
			require.Equal(t, tc.code, hsssim(t.Context(), tc.args, io.Discard, &errs))
			require.Contains(t, errs.String(), tc.says)
		})
	}
}

// lockedBuffer is written by the program and read by the test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
