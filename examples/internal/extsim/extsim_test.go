package extsim

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// card answers by what the challenge begins with.
type card struct{}

func (card) GSM(rand [16]byte) (sres [4]byte, kc [8]byte) {
	return [4]byte(rand[:]), [8]byte(rand[8:])
}

func (card) UMTS(rand, autn [16]byte) Answer {
	switch autn[0] {
	case 1:
		return Answer{RES: []byte{0xaa, 0xbb, 0xcc, 0xdd}, CK: rand, IK: autn}
	case 2:
		return Answer{AUTS: make([]byte, 14)}
	default:
		return Answer{}
	}
}

const (
	rand32 = "00112233445566778899aabbccddeeff"
	autn1  = "01000000000000000000000000000000"
	autn2  = "02000000000000000000000000000000"
	autn3  = "03000000000000000000000000000000"
)

func TestReply(t *testing.T) {
	for _, tc := range []struct{ event, want string }{
		{"<3>CTRL-REQ-SIM-0:UMTS-AUTH:" + rand32 + ":" + autn1 + " needed for SSID x", "CTRL-RSP-SIM-0:UMTS-AUTH:" + autn1 + ":" + rand32 + ":aabbccdd"},
		{"CTRL-REQ-SIM-7:UMTS-AUTH:" + rand32 + ":" + autn2, "CTRL-RSP-SIM-7:UMTS-AUTS:0000000000000000000000000000"},
		{"CTRL-REQ-SIM-0:UMTS-AUTH:" + rand32 + ":" + autn3, "CTRL-RSP-SIM-0:UMTS-FAIL"},
		{"CTRL-REQ-SIM-3:GSM-AUTH:" + rand32 + ":" + autn1 + " needed for SSID x", "CTRL-RSP-SIM-3:GSM-AUTH:8899aabbccddeeff:00112233:0000000000000000:01000000"},
		{"CTRL-REQ-SIM-0:GSM-AUTH:" + rand32 + ":" + autn1 + ":" + autn2, "CTRL-RSP-SIM-0:GSM-AUTH:8899aabbccddeeff:00112233:0000000000000000:01000000:0000000000000000:02000000"},
		{"CTRL-REQ-SIM-0:GSM-AUTH:" + rand32, ""},
		{"CTRL-REQ-SIM-0:GSM-AUTH:" + rand32 + ":" + rand32 + ":" + rand32 + ":" + rand32, ""},
		{"CTRL-REQ-SIM-0:GSM-AUTH:" + rand32 + ":" + rand32[1:], ""},
		{"CTRL-REQ-SIM-0:UMTS-AUTH:" + rand32 + ":" + autn1 + ":" + autn1, ""},
		{"CTRL-REQ-SIM-0:PIN", ""},
		{"CTRL-REQ-SIM-0:UMTS-AUTH:" + rand32, ""},
		{"CTRL-REQ-SIM-0:UMTS-AUTH:" + rand32 + ":" + autn1[2:], ""},
		{"CTRL-REQ-SIM-0:UMTS-AUTH:" + rand32 + "00:" + autn1, ""},
		{"CTRL-REQ-SIM-0:UMTS-AUTH:xx:" + autn1, ""},
		{"CTRL-REQ-SIM-0", ""},
		{"<3>CTRL-EVENT-EAP-STARTED EAP authentication started", ""},
		{"OK", ""},
		{"", ""},
	} {
		got, ok := reply(tc.event, card{})
		require.Equal(t, tc.want, got, tc.event)
		require.Equal(t, tc.want != "", ok)
	}
}

// counting counts what reaches it.
type counting struct {
	card
	asked *int
}

func (c counting) UMTS(rand, _ [16]byte) Answer {
	*c.asked++
	return Answer{RES: rand[:4]}
}

func TestRememberTheLastAnswer(t *testing.T) {
	asked := 0
	c := remember(counting{asked: &asked})
	var none, one [16]byte
	one[0] = 1
	for _, challenge := range [][16]byte{none, none, one, one} {
		require.Equal(t, challenge[:4], c.UMTS(challenge, none).RES)
	}
	require.Equal(t, 2, asked)
	c.UMTS(one, one)
	require.Equal(t, 3, asked)
}

// supplicant is the other end of the control socket.
func supplicant(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	_ = os.Remove(path)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return conn
}

func want(t *testing.T, conn *net.UnixConn, text string) net.Addr {
	t.Helper()
	buf := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(buf)
		require.NoError(t, err)
		if got := string(buf[:n]); got == text || got != "PING" { // which comes when the test is slow
			require.Equal(t, text, got)
			return from
		}
	}
}

func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lab")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Watch(ctx, path, card{}, func(string) {})
	}()

	for range 2 { // one supplicant after the other
		conn := supplicant(t, path)
		from := want(t, conn, "ATTACH")
		for _, line := range []string{"OK\n", "<3>CTRL-REQ-SIM-0:UMTS-AUTH:" + rand32 + ":" + autn1 + " needed for SSID "} {
			_, err := conn.WriteTo([]byte(line), from)
			require.NoError(t, err)
		}
		want(t, conn, "CTRL-RSP-SIM-0:UMTS-AUTH:"+autn1+":"+rand32+":aabbccdd")
		_, err := conn.WriteTo([]byte("<3>CTRL-EVENT-TERMINATING "), from)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
	cancel()
	<-done
}

// A supplicant that is killed says nothing.
func TestServeSeesTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lab")
	conn := supplicant(t, path)
	done := make(chan error, 1)
	go func() { done <- Serve(t.Context(), path, card{}) }()
	want(t, conn, "ATTACH")
	want(t, conn, "PING")
	require.NoError(t, conn.Close())
	require.NoError(t, <-done)
}

func TestServeNobody(t *testing.T) {
	require.Error(t, Serve(t.Context(), filepath.Join(t.TempDir(), "lab"), card{}))
}
