package main

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/milenage"
	"github.com/opentwag/twag/radius"
)

const testSecret = "the secret of the tests"

// startServer starts a server with n lab subscribers in its own
// authentication centre and returns its address.
func startServer(t *testing.T, n int, keys provision.Keys) string {
	t.Helper()
	centre := auc.New(auc.Config{})
	for i := range n {
		imsi, err := provision.IMSI(eap.MustParseIMSI(provision.FirstIMSI), i)
		require.NoError(t, err)
		cipher, err := milenage.New(keys.Of(imsi))
		require.NoError(t, err)
		require.NoError(t, centre.Put(auc.Subscriber{IMSI: imsi, Algorithm: cipher.Algorithm(), AMF: provision.AMF}))
	}
	cfg := aka.Config{Bidding: true, Reauth: aka.NewMemoryReauthStore(0), ForwardSecrecy: aka.FSOffered}
	auth := eap.NewAuthenticator(aka.NewPrime(centre, cfg), aka.New(centre, cfg), aka.NewSIM(centre, cfg))
	srv := &radius.Server{
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: testSecret}},
		Handler: eapradius.New(auth, eapradius.Config{}),
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(pc) }()
	t.Cleanup(func() {
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-done, radius.ErrServerClosed)
	})
	return pc.LocalAddr().String()
}

// runJSON runs the program and returns its exit code and report.
func runJSON(t *testing.T, args ...string) (int, report) {
	t.Helper()
	var stdout, stderr strings.Builder
	code := apsim(context.Background(), append([]string{"-json"}, args...), &stdout, &stderr)
	require.Empty(t, stderr.String())
	var r report
	require.NoError(t, json.Unmarshal([]byte(stdout.String()), &r))
	return code, r
}

func TestApsimLogsIn(t *testing.T) {
	server := startServer(t, 10, provision.Keys{})
	for _, method := range []string{"aka", "aka'", "mix", "sim"} {
		t.Run(method, func(t *testing.T) {
			code, r := runJSON(t, "-server", server, "-secret", testSecret, "-method", method, "-ues", "10", "-logins", "200")
			require.Equal(t, exitOK, code)
			require.Equal(t, uint64(200), r.Logins)
			require.Empty(t, r.Failures)
			want := 2.0
			if method == "sim" {
				want = 3 // SIM-Start is for more than the identity
			}
			require.InDelta(t, want, r.RequestsPer, 0, "the identity in EAP-Response/Identity does")
			require.Positive(t, r.P50Millis)
			require.LessOrEqual(t, r.P50Millis, r.P99Millis)
			require.LessOrEqual(t, r.P99Millis, r.MaxMillis)
			require.Nil(t, r.ServerCPU)
		})
	}
}

func TestApsimReauthenticates(t *testing.T) {
	server := startServer(t, 4, provision.Keys{})
	for _, method := range []string{"aka", "aka'", "sim"} {
		t.Run(method, func(t *testing.T) {
			code, r := runJSON(t, "-server", server, "-secret", testSecret, "-method", method, "-ues", "4", "-logins", "64", "-reauth", "15")
			require.Equal(t, exitOK, code)
			require.NotNil(t, r.Reauth)
			require.Equal(t, uint64(4), r.Logins)
			require.Equal(t, uint64(60), r.Reauth.Logins)
			require.InDelta(t, 2, r.Reauth.RequestsPer, 0)
			require.Positive(t, r.Reauth.P50Millis)
		})
	}
	// More than the server allows are told, and begun no more.
	code, r := runJSON(t, "-server", server, "-secret", testSecret, "-ues", "1", "-logins", "18", "-reauth", "20")
	require.Equal(t, exitFailed, code)
	require.Equal(t, uint64(16), r.Reauth.Logins)
	require.Equal(t, map[string]int{errNotReauth.Error(): 1}, r.Reauth.Failures)
}

func TestApsimForwardSecrecy(t *testing.T) {
	server := startServer(t, 2, provision.Keys{})
	for _, group := range []string{"any", "p256", "x25519"} {
		code, r := runJSON(t, "-server", server, "-secret", testSecret, "-method", "aka'", "-ues", "2", "-logins", "4", "-fs", group)
		require.Equal(t, exitOK, code, "%v", r.Failures)
		require.Equal(t, uint64(4), r.Logins)
	}
}

func TestApsimOpenLoopWithCommonKeys(t *testing.T) {
	const k, opc = "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"
	keys, err := provision.ParseKeys(k, opc)
	require.NoError(t, err)
	server := startServer(t, 4, keys)
	args := []string{"-server", server, "-secret", testSecret, "-k", k, "-opc", opc,
		"-ues", "4", "-rate", "400", "-duration", "300ms"}
	if runtime.GOOS == "linux" {
		args = append(args, "-pid", strconv.Itoa(os.Getpid()))
	}
	code, r := runJSON(t, args...)
	require.Equal(t, exitOK, code)
	require.Equal(t, uint64(120), r.Logins)
	require.Equal(t, runtime.GOOS == "linux", r.ServerCPU != nil)
}

func TestApsimTellsFailures(t *testing.T) {
	server := startServer(t, 2, provision.Keys{})

	// The third and the fourth are nobody's subscribers.
	code, r := runJSON(t, "-server", server, "-secret", testSecret, "-ues", "4", "-logins", "40", "-method", "mix")
	require.Equal(t, exitFailed, code)
	require.NotZero(t, r.Failed)
	require.Equal(t, map[string]int{"radiustest: rejected": r.Failed}, r.Failures)

	// The USIMs have other keys than the network.
	code, r = runJSON(t, "-server", server, "-secret", testSecret, "-ues", "1", "-logins", "3",
		"-k", "465b5ce8b199b49faa5f0a2ee238a6bc", "-opc", "cd63cb71954a9f4e48a5994e37a02baf")
	require.Equal(t, exitFailed, code)
	require.Equal(t, 3, r.Failed)
	for reason := range r.Failures {
		require.True(t, strings.HasPrefix(reason, "radiustest: rejected"), reason)
	}

	// A wrong secret gets no answer.
	code, r = runJSON(t, "-server", server, "-secret", "wrong", "-ues", "1", "-logins", "1", "-timeout", "50ms")
	require.Equal(t, exitFailed, code)
	require.Equal(t, map[string]int{"no answer in time": 1}, r.Failures)
	require.Equal(t, uint64(0), r.Logins)
}

func TestApsimText(t *testing.T) {
	server := startServer(t, 1, provision.Keys{})
	var stdout, stderr strings.Builder
	require.Equal(t, exitOK, apsim(context.Background(),
		[]string{"-server", server, "-secret", testSecret, "-ues", "1", "-logins", "10", "-reauth", "4"}, &stdout, &stderr))
	require.Contains(t, stdout.String(), "8 fast re-authentications in ")
	stdout.Reset()
	code := apsim(context.Background(), []string{"-server", server, "-secret", testSecret, "-ues", "2", "-logins", "10"}, &stdout, &stderr)
	require.Equal(t, exitFailed, code)
	require.Empty(t, stderr.String())
	for _, want := range []string{"logins/s", "p99", "Access-Requests a login", "failed", "radiustest: rejected"} {
		require.Contains(t, stdout.String(), want)
	}

	require.Equal(t, exitUsage, apsim(context.Background(), nil, &stdout, &stderr))
	require.Contains(t, stderr.String(), "-secret is missing")
	require.Equal(t, exitOK, apsim(context.Background(), []string{"-help"}, &stdout, &stderr))
	if runtime.GOOS == "linux" {
		stderr.Reset()
		require.Equal(t, exitFailed, apsim(context.Background(), []string{"-server", server, "-secret", testSecret, "-pid", "1073741824"}, &stdout, &stderr))
		require.Contains(t, stderr.String(), "-pid")
	}
}
