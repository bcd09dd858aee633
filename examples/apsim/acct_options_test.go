package main

import (
	"context"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2866"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/examples/internal/freeport"
	"github.com/opentwag/twag/radius"
)

func TestAcctOptions(t *testing.T) {
	parse := func(args ...string) (acctOptions, error) {
		return parseAcctOptions(append([]string{"-secret", "s"}, args...), t.Output())
	}
	o, err := parse()
	require.NoError(t, err)
	require.Equal(t, 10*time.Second, o.duration)
	require.Equal(t, 40000, o.stations)
	require.Equal(t, 1, o.plan.overlap)
	require.Equal(t, 8, o.sockets)
	o, err = parse("-rate", "10000", "-stations", "15000", "-class", "0x00ff")
	require.NoError(t, err)
	require.Equal(t, 4, o.plan.overlap)
	require.Equal(t, 256, o.sockets)
	require.Equal(t, 20000, o.stations, "a place's stations are its own")
	require.Equal(t, "\x00\xff", o.class)
	o, err = parse("-open", "7")
	require.NoError(t, err)
	require.Equal(t, 7, o.sessions)
	require.True(t, o.plan.lives.endless)
	require.Zero(t, o.duration)

	for _, wrong := range []string{
		"-server=x", "-secret=", "-secret=" + strings.Repeat("x", 129), "-nases=0", "-nases=65537", "-sessions=0", "-sessions=10000001",
		"-open=-1", "-stations=-1", "-sockets=-1", "-sockets=4097", "-class=" + strings.Repeat("x", 254), "-class=0xzz", "-rate=-1", "-window=0",
		"-requests=-1", "-duration=-1s", "-interim=-1s", "-drain=-1s", "-settle=-1s", "-sample=1ms", "-interims=-1", "-overlap=65",
		"-irt=1ms", "-mrt=1s", "-mrt=1m", "-pid=-1", "-class", "x y z", "-unknown",
	} {
		_, err := parse(wrong)
		require.Error(t, err, wrong)
	}
	_, err = parse("-open", "5", "-requests", "5")
	require.Error(t, err)
}

func TestParseResident(t *testing.T) {
	n, err := parseResident("Name:\tx\nVmRSS:\t    1234 kB\nThreads:\t1\n")
	require.NoError(t, err)
	require.EqualValues(t, 1234<<10, n)
	for _, wrong := range []string{"", "VmRSS:\t12 MB\n", "VmRSS: x kB\n"} {
		_, err := parseResident(wrong)
		require.Error(t, err, wrong)
	}
	if runtime.GOOS == "linux" {
		n, err = residentOctets(os.Getpid())
		require.NoError(t, err)
		require.Greater(t, n, uint64(1<<20))
	}
}

// TestResidentLog: the looks of a long run are bounded, and still spread over all of it.
func TestResidentLog(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	r := residentLog{pid: os.Getpid(), every: time.Second}
	for now := time.Duration(0); now < 3*maxSamples*time.Second; now += time.Second {
		r.tick(now)
	}
	require.LessOrEqual(t, len(r.samples), maxSamples)
	require.Greater(t, len(r.samples), maxSamples/4)
	require.Equal(t, 4*time.Second, r.every)
}

// TestAcctDisconnect asks a running apsim for the end of a session, over the network.
func TestAcctDisconnect(t *testing.T) {
	t.Parallel()
	s := startAcctServer(t, accounting.FormatDetail)
	free, err := freeport.Loopback()
	require.NoError(t, err)
	address := free.String()
	conn, err := net.Dial("udp", address)
	require.NoError(t, err)
	defer conn.Close()

	disconnected := make(chan layeh.Code, 1)
	go func() {
		p := layeh.New(layeh.CodeDisconnectRequest, []byte(testSecret))
		p.Add(attrCallingStationID, layeh.Attribute("02-00-00-00-00-02"))
		b, _ := radius.SignRequest(p)
		buf := make([]byte, 4096)
		for range 100 { // until the session is open
			_, _ = conn.Write(b)
			_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			n, err := conn.Read(buf)
			if err != nil {
				time.Sleep(5 * time.Millisecond)
				continue
			}
			reply, err := radius.CheckReply(buf[:n], b, []byte(testSecret))
			if err == nil && reply.Code == layeh.CodeDisconnectACK {
				disconnected <- reply.Code
				return
			}
			// Another Identifier, or the NAK would be repeated.
			p.Identifier++
			b, _ = radius.SignRequest(p)
		}
		disconnected <- 0
	}()
	code, r := runAcct(t, s, "-open", "4", "-settle", "1ms", "-duration", "4s", "-coa", address)
	require.Equal(t, exitOK, code)
	require.Equal(t, layeh.CodeDisconnectACK, <-disconnected)
	require.EqualValues(t, 1, r.Disconnected)
	s.finish()
	tickets, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	all := ""
	for _, f := range tickets {
		b, err := os.ReadFile(s.dir + "/" + f.Name())
		require.NoError(t, err)
		all += string(b)
	}
	require.Equal(t, 1, strings.Count(all, "Acct-Terminate-Cause = "+rfc2866.AcctTerminateCause_Value_AdminReset.String()))

	var stdout, stderr strings.Builder
	require.Equal(t, exitFailed, apsim(context.Background(), []string{"acct", "-secret", "s", "-coa", "not an address"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "-coa")
}
