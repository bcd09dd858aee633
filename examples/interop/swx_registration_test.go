package interop

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"layeh.com/radius/rfc2866"

	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
)

// askedHSS is hsssim, which can be asked how a subscriber stands.
type askedHSS struct {
	hss
	t     *testing.T
	stdin io.Writer
}

func startAskedHSS(t *testing.T) *askedHSS {
	t.Helper()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	h := &askedHSS{hss: hss{addr: freePort(t)}, t: t, stdin: write}
	h.Program, err = StartReading(read, ProgramPath("hsssim"), "-listen", h.addr.String(), "-host", hssHost, "-realm", diameterRealm, "-subscribers", "2", "-commands")
	require.NoError(t, err)
	t.Cleanup(func() {
		stopped(t, h.Program, 0)
		_, _ = read.Close(), write.Close()
	})
	require.NoError(t, h.WaitFor("serves", time.Minute))
	return h
}

// server is the AAA server that the subscriber is registered at.
func (h *askedHSS) server(n int) string {
	h.t.Helper()
	question := "state " + imsi(n).Digits()
	before := strings.Count(h.Output(), question)
	_, err := fmt.Fprintln(h.stdin, question)
	require.NoError(h.t, err)
	require.Eventually(h.t, func() bool {
		return strings.Count(h.Output(), question) > before && strings.HasSuffix(h.Output(), "\n")
	}, time.Minute, time.Millisecond)
	said := h.Output()
	_, answer, _ := strings.Cut(said[strings.LastIndex(said, question):], `aaa="`)
	name, rest, _ := strings.Cut(answer, `"`)
	require.Equal(h.t, name != "", strings.HasPrefix(rest, " registered=true"), rest)
	return name
}

func (h *askedHSS) forgets(n int) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return h.server(n) == "" }, time.Minute, 50*time.Millisecond)
}

// TestDeregistration: the HSS has the server's name as long as a subscriber has a session there; an
// HSS that hangs, or a server that is killed, only delays the end of it.
func TestDeregistration(t *testing.T) {
	Need(t)
	home := startAskedHSS(t)
	server := startBoth(t, diameterPeer(hssHost, home.addr), "swx: {register: true, deregister_after: 1s, timeout: 500ms}")
	require.NoError(t, server.WaitFor("Diameter peer connected", time.Minute))
	ap, err := radiustest.NewAP(radiustest.Config{Server: server.auth.addr.String(), Secret: secret})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ap.Close()) })
	guests := make([]*visitor, 2)
	for i := range guests {
		phone, err := ue.New(ue.Config{IMSI: imsi(1), Station: fmt.Sprintf("02-00-00-00-00-%02d", i)})
		require.NoError(t, err)
		conn, err := net.Dial("udp", server.addr.String())
		require.NoError(t, err)
		defer conn.Close()
		guests[i] = &visitor{ap: ap, phone: phone, conn: conn, n: i}
	}
	begin := func(v *visitor) {
		t.Helper()
		require.Eventually(t, func() bool { return v.login(t.Context()) }, time.Minute, 10*time.Millisecond)
		v.sessions++
		v.account, v.began = fmt.Sprintf("guest-%d-%d", v.n, v.sessions), time.Now()
		v.report(rfc2866.AcctStatusType_Value_Start)
		require.Equal(t, serverHost, home.server(1))
	}
	end := func(v *visitor) { v.report(rfc2866.AcctStatusType_Value_Stop) }

	require.Empty(t, home.server(1))
	begin(guests[0])
	end(guests[0])
	home.forgets(1)

	begin(guests[0])
	begin(guests[1])
	require.True(t, guests[0].phone.Reauthenticated())
	end(guests[0])
	time.Sleep(3 * time.Second)
	require.Equal(t, serverHost, home.server(1), "one session is left")
	end(guests[1])
	home.forgets(1)

	begin(guests[0])
	require.NoError(t, home.Signal(syscall.SIGSTOP))
	end(guests[0])
	time.Sleep(3 * time.Second) // in which it is tried
	require.NoError(t, home.Signal(syscall.SIGCONT))
	home.forgets(1)

	for range 5 { // where the machine is slow, the HSS may have been told before
		begin(guests[0])
		end(guests[0])
		server.Kill()
		if home.server(1) == serverHost {
			break
		}
		server.launch()
		server.ready(time.Minute)
	}
	require.Equal(t, serverHost, home.server(1))
	server.launch()
	server.ready(time.Minute)
	home.forgets(1)
	require.NotContains(t, server.ended(), "level=ERROR")
}
