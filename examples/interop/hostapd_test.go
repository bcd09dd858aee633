package interop

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
)

// TestSupplicantAgainstHostapd tries the harness itself: the same supplicant
// and card against hostapd's RADIUS and EAP server, with vectors from our
// authentication centre. What passes here and fails against twagd is twagd's.
func TestSupplicantAgainstHostapd(t *testing.T) {
	Need(t, EapolTest, Hostapd)
	centre := newCentre(t)
	server := startHostapd(t, centre)
	for _, tc := range logins {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, server) })
	}
}

// newCentre returns a centre with the subscribers of the tests, and keys as
// the card computes them: hostapd derives CK' and IK' by itself.
func newCentre(t *testing.T) *auc.AuC {
	t.Helper()
	centre := auc.New(auc.Config{Keys: auc.KeysPlain})
	for n := range subscribers {
		alg, err := algorithm(n)
		require.NoError(t, err)
		require.NoError(t, centre.Put(auc.Subscriber{IMSI: imsi(n), Algorithm: alg, AMF: [2]byte{0x80, 0}}))
	}
	return centre
}

// startHostapd starts hostapd as a RADIUS server without a radio.
func startHostapd(t *testing.T, centre *auc.AuC) radiusServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "hostapd-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })

	socket := filepath.Join(dir, "auc")
	serveCentre(t, socket, centre)
	const secret, port = "hostapd-and-the-test-share-this", 18121
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	clients := write("clients", "127.0.0.1 "+secret+"\n")
	users := write("users", "\"0\"* AKA\n\"6\"* AKA'\n")
	config := write("hostapd.conf", fmt.Sprintf("driver=none\neap_server=1\neap_user_file=%s\neap_sim_db=unix:%s\n"+
		"radius_server_clients=%s\nradius_server_auth_port=%d\n", users, socket, clients, port))
	// Its end of the socket is a file in /tmp, named by its process number, that
	// a hostapd of another sandbox may have, or have left behind.
	for range 20 {
		p, err := Start("hostapd", config)
		require.NoError(t, err)
		t.Cleanup(p.Kill)
		require.NoError(t, p.WaitFor("AP-ENABLED", time.Minute))
		if !strings.Contains(p.Output(), "Address already in use") {
			t.Cleanup(func() { stopped(t, p, 0) }) // removes the file
			break
		}
		p.Kill()
	}
	return radiusServer{addr: netip.AddrPortFrom(loopback, port), secret: secret}
}

// serveCentre answers hostapd's questions for vectors on a unix socket, as
// its hlr_auc_gw does.
func serveCentre(t *testing.T, path string, centre *auc.AuC) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1000)
		for {
			n, from, err := conn.ReadFromUnix(buf)
			if err != nil {
				return
			}
			if answer := askCentre(centre, strings.Fields(string(buf[:n]))); answer != "" {
				_, _ = conn.WriteToUnix([]byte(answer), from)
			}
		}
	}()
}

// askCentre handles "AKA-REQ-AUTH IMSI" and "AKA-AUTS IMSI AUTS RAND"; the
// latter has no answer.
func askCentre(centre *auc.AuC, words []string) string {
	if len(words) < 2 {
		return ""
	}
	imsi, err := eap.ParseIMSI(words[1])
	if err != nil {
		return ""
	}
	req := aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKAPrime}
	if words[0] == "AKA-AUTS" && len(words) == 4 {
		req.Resync = new(aka.Resync)
		_, _ = hex.Decode(req.Resync.AUTS[:], []byte(words[2]))
		_, _ = hex.Decode(req.Resync.RAND[:], []byte(words[3]))
	}
	vectors, err := centre.Vectors(context.Background(), req)
	switch {
	case req.Resync != nil:
		return ""
	case err != nil:
		return "AKA-RESP-AUTH " + words[1] + " FAILURE"
	}
	v := vectors[0]
	return fmt.Sprintf("AKA-RESP-AUTH %s %x %x %x %x %x", words[1], v.RAND, v.AUTN, v.IK, v.CK, v.XRES[:v.XRESLen])
}
