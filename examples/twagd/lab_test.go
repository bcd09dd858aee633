package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy/gytest"
	"github.com/opentwag/twag/swx/swxtest"
)

// startLab runs the laboratory in this process and returns what it writes and
// what ends it.
func startLab(t *testing.T) (out *syncBuffer, end func() error) {
	t.Helper()
	out = new(syncBuffer)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runLab(ctx, out) }()
	over := false
	end = func() error {
		cancel()
		if over {
			return nil
		}
		over = true
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			t.Fatal("the laboratory does not end")
			return nil
		}
	}
	t.Cleanup(func() { _ = end() })
	return out, end
}

func waitFor(t *testing.T, out *syncBuffer, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), text) }, time.Minute, 20*time.Millisecond,
		"%q does not come:\n%s", text, out)
}

func TestLab(t *testing.T) {
	out, end := startLab(t)
	for _, text := range []string{
		"RADIUS server listening on port ", "OpenTWAG laboratory", "HSS simulator",
		"Diameter peer connected", "Registered AP: 127.0.0.1", "From 127.0.0.1: Access-Request received",
		"Phase 1: Identity Response", "Phase 2: AKA Challenge", "Authentication ACCEPTED",
		"method=EAP-AKA'", "method=EAP-AKA ", "keys of server and phone match",
	} {
		waitFor(t, out, text)
	}
	require.NoError(t, end())

	text := out.String()
	require.Regexp(t, regexp.MustCompile(`\n[1-9]\d* logins accepted, .* 0 failed\n`), text)
	require.Regexp(t, regexp.MustCompile(`\neap_aka_auth_success_count +[1-9]`), text)
	require.NotContains(t, text, "Authentication REJECTED", "nobody but subscribers in the first seconds")
	require.NotContains(t, text, "ERROR")
	_, log, _ := strings.Cut(text, "To log in")
	require.NotContains(t, log, labIMSI(labRecipes).Digits(), "the log shows a whole IMSI")
}

// The whole cycle, without its pauses: resynchronisation and stranger too.
func TestStreet(t *testing.T) {
	out := new(syncBuffer)
	l := &lab{w: out}
	l.log, l.buffer = newLogger(logConfig{Level: "debug", Format: formatText}, out)
	require.NoError(t, l.open())
	t.Cleanup(func() { require.NoError(t, l.close()) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.server.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	<-l.server.listening
	require.NoError(t, l.server.node.WaitOpen(ctx, swxtest.DefaultHost))
	require.NoError(t, l.server.node.WaitOpen(ctx, gytest.DefaultHost))

	s, err := newStreet(l.server.address, l.log, l.visits)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	for range 24 {
		s.login(s.next())
	}
	l.buffer.Flush()
	require.Equal(t, []int{22, 2, 2, 0}, []int{s.accepted, s.rejected, s.resyncs, s.failed}, "%s", out)
	require.Contains(t, out.String(), "Sequence number synchronization required")
	require.Contains(t, out.String(), "Authentication REJECTED")
	require.Contains(t, out.String(), "USER_UNKNOWN")

	c := &l.server.count
	// An answer is counted when it has been sent: the phone may be quicker.
	require.Eventually(t, func() bool {
		return c.accessAccept.Load()+c.accessReject.Load() == 24
	}, time.Minute, time.Millisecond)
	require.Equal(t, uint64(22), c.authSuccess.Load())
	require.Equal(t, uint64(22), c.accessAccept.Load())
	require.Equal(t, uint64(2), c.authReject.Load())
	require.Equal(t, uint64(2), c.accessReject.Load())
	require.Equal(t, uint64(2), c.syncFailure.Load())
	require.Equal(t, uint64(24), c.identity.Load())
	require.Equal(t, uint64(24-s.reauths), c.challenge.Load(),
		"one more for each resynchronisation, none for the stranger and for re-authentications")
	require.Equal(t, uint64(s.reauths), c.reauthentication.Load())
	require.NotZero(t, s.reauths)
	for _, text := range []string{"identity=pseudonym", "identity=re-authentication", "reauthenticated=true",
		"Fast re-authentication", "forward_secrecy=P-256"} {
		require.Contains(t, out.String(), text)
	}
	require.Equal(t, c.accessRequest.Load(), c.accessAccept.Load()+c.accessReject.Load()+c.accessChallenge.Load())
}

// What the lab prints for a real supplicant works as it is printed.
func TestLabRecipes(t *testing.T) {
	if _, err := exec.LookPath("eapol_test"); err != nil {
		require.Empty(t, os.Getenv("TWAG_REQUIRE_PEERS"), "eapol_test is not installed")
		t.Skip("eapol_test is not installed")
	}
	t.Parallel()
	out, end := startLab(t)
	waitFor(t, out, "Authentication ACCEPTED")
	commands := regexp.MustCompile(`(?m)^ +(eapol_test .*)$`).FindAllStringSubmatch(out.String(), -1)
	require.Len(t, commands, 2)
	for _, c := range commands {
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			words := strings.Fields(c[1])
			said, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput()
			cancel()
			require.NoError(t, err, "%s\n%s", c[1], said)
			require.Contains(t, string(said), "MPPE keys OK: 1  mismatch: 0\nSUCCESS\n")
		}
	}
	require.NoError(t, end())
	left, err := filepath.Glob(filepath.Dir(strings.Fields(commands[0][1])[2]))
	require.NoError(t, err)
	require.Empty(t, left, "the files of the recipes are gone")
}

func TestLabAddress(t *testing.T) {
	pc, err := net.ListenPacket("udp4", "127.0.0.1:1812")
	if err == nil {
		defer pc.Close()
	} // else somebody else has the port, which is just as good
	addr, err := labAddress(radiusPort)
	require.NoError(t, err)
	require.NotEqual(t, uint16(radiusPort), addr.Port())
}
