package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/simulator"
	"github.com/opentwag/twag/examples/internal/simulator/simulatortest"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
)

// running is the program while a test uses it, and a node that is connected to it.
type running struct {
	*simulatortest.Running
	t    *testing.T
	node *diameter.Node
}

// run runs the program with more arguments until the test ends.
func run(t *testing.T, args ...string) *running {
	t.Helper()
	r := simulatortest.Run(t, ocssim, args...)
	return &running{r, t, connect(t, r.Address)}
}

// connect returns a gateway's node that is connected to the OCS.
func connect(t *testing.T, address string) *diameter.Node {
	t.Helper()
	node, err := diameter.NewNode(diameter.Config{
		OriginHost: "twag.example.org", OriginRealm: gytest.DefaultRealm,
		Applications: []diameter.Application{gy.Application},
		Peers:        []diameter.PeerConfig{{Host: gytest.DefaultHost, Address: address}},
		Reconnect:    20 * time.Millisecond, WaitForPeer: true, AttemptTimeout: -1,
	})
	require.NoError(t, err)
	node.Start()
	t.Cleanup(func() { require.NoError(t, node.Close()) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, node.WaitOpen(ctx, ""))
	return node
}

// request returns a CCR of a session of the first account, that reports octets
// and asks for more.
func request(session string, kind gy.RequestType, number uint32, octets uint64) *gy.CCR {
	m := gy.MSCC{RatingGroup: 1, HasRatingGroup: true, HasRequested: kind != gy.RequestTermination}
	if octets > 0 {
		m.Used = []gy.Units{{Has: gy.UnitTotal, Total: octets}}
	}
	return &gy.CCR{
		SessionID: []byte(session), OriginHost: []byte("twag.example.org"), OriginRealm: []byte(gytest.DefaultRealm),
		DestinationRealm: []byte(gytest.DefaultRealm), ServiceContextID: []byte("32251@3gpp.org"), Type: kind, Number: number,
		Subscriptions: []gy.Subscription{{Type: gy.SubscriptionIMSI, Data: []byte(provision.FirstIMSI)}},
		Services:      []gy.MSCC{m},
	}
}

// send sends a request and returns the answer, if one comes in time.
func send(t *testing.T, node *diameter.Node, ccr *gy.CCR, patience time.Duration) (*gy.CCA, error) {
	msg, err := ccr.Encode(nil)
	require.NoError(t, err)
	a := new(gy.CCA)
	return a, gy.NewClient(node, gy.ClientConfig{Timeout: patience}).Send(t.Context(), msg, a)
}

// ask sends a request, and wants the result and a grant.
func (p *running) ask(kind gy.RequestType, number uint32, octets uint64, code uint32, granted uint64) *gy.CCA {
	p.t.Helper()
	a, err := send(p.t, p.node, request("s;1", kind, number, octets), time.Minute)
	require.NoError(p.t, err)
	require.Equal(p.t, code, a.ResultCode)
	var n uint64
	for _, m := range a.Services {
		n += m.Granted.Total
	}
	require.Equal(p.t, granted, n)
	return a
}

// TestCharges: 30 MB in chunks of 10 MB, with what else the flags say, and the
// audit at the end.
func TestCharges(t *testing.T) {
	p := run(t, "-accounts", "2", "-balance", "30M", "-chunk", "10M", "-validity", "1h", "-threshold", "2M",
		"-final-unit", "redirect=http://topup.example", "-failure-handling", "continue", "-failover", "yes", "-audit")
	a := p.ask(gy.RequestInitial, 0, 0, 2001, 10_000_000)
	require.Equal(t, gy.FailureContinue, a.FailureHandling)
	require.Equal(t, gy.FailoverSupported, a.Failover)
	require.EqualValues(t, 3600, a.Services[0].ValidityTime)
	require.EqualValues(t, 2_000_000, a.Services[0].VolumeThreshold)
	require.False(t, a.Services[0].HasFinal)
	p.ask(gy.RequestUpdate, 1, 10_000_000, 2001, 10_000_000)
	a = p.ask(gy.RequestUpdate, 2, 10_000_000, 2001, 10_000_000)
	require.Equal(t, "http://topup.example", string(a.Services[0].Final.Redirect.Address))
	p.ask(gy.RequestTermination, 3, 10_000_005, 2001, 0)
	p.Stop()
	for _, line := range []string{
		"session s;1 closed: account …0001, rating group 1: grants 3, granted 30000000, returned 0, charged 30000005, overshoot 5, debited 30000005, octets 30000005 in 0 out 0, seconds 0\n",
		"account …0001: credited 30000000, debited 30000005, balance -5, reserved 0, open sessions 0\n",
		"total: credited 60000000, debited 30000005, balance 29999995, reserved 0, sessions 1, violations 0\n",
		"requests 4, duplicates 0, refusals 0, malformed 0, faults 0, violations 0\n",
	} {
		require.Contains(t, p.Output(), line)
	}
	require.NotContains(t, p.Output(), provision.FirstIMSI)
}

func TestCommands(t *testing.T) {
	p := run(t, "-accounts", "1", "-balance", "20M", "-commands", "-fault", "result=3004", "-fault", "delay=1ms", "-times", "1")
	told := make(chan string, 8)
	gy.Handle(p.node, listening{told})
	const who = " " + provision.FirstIMSI
	p.Say("rar"+who, "no session")
	p.Say("balance"+who, "balance=20000000 reserved=0 debited=0 sessions=0")
	p.ask(gy.RequestInitial, 0, 0, 3004, 0)
	p.ask(gy.RequestInitial, 0, 0, 2001, 10_000_000)
	p.Say("topup"+who+" 5M", "2001")
	require.Equal(t, "RAR", <-told)
	p.Say("rar"+who, "2001")
	require.Equal(t, "RAR", <-told)
	p.Say("asr"+who, "2002")
	require.Equal(t, "ASR", <-told)
	p.Say("fault result=4010 2", "done")
	p.ask(gy.RequestUpdate, 1, 1, 4010, 0)
	p.Say("faults off", "done")
	p.ask(gy.RequestUpdate, 1, 1, 2001, 10_000_000)
	p.Say("\n balance"+who, "balance=24999999 reserved=10000000 debited=1 sessions=1")
	p.Say("result"+who+" 4012", "done")
	p.ask(gy.RequestUpdate, 2, 1, 4012, 0)
	p.ask(gy.RequestUpdate, 3, 1, 5002, 0)
	p.Say("audit", "done")
	require.Contains(t, p.Output(), "violation: session s;1, request 3: usage without a session")
	for _, tt := range [][2]string{
		{"dance", "no such command"}, {"rar", "want 1 words behind it"}, {"topup" + who, "want 2 words behind it"},
		{"rar 1", "gytest: no such account or session"}, {"topup 1 1", "gytest: no such account or session"}, {"balance 1", "gytest: no such account or session"},
		{"topup" + who + " x", "want a number"}, {"result" + who + " 12", "want a Result-Code"}, {"fault", "want a fault"},
		{"fault dance", "no such fault"}, {"fault silent -1", "want how many times"}, {"fault delay=x", "delay: want a time"}, {"faults on", "want off"},
	} {
		p.Say(tt[0], tt[1])
	}
}

// listening is a gateway's ear.
type listening struct{ told chan string }

func (l listening) Reauthorize(context.Context, string, *uint32) uint32 {
	l.told <- "RAR"
	return gy.ResultSuccess
}

func (l listening) Abort(context.Context, string) uint32 {
	l.told <- "ASR"
	return gy.ResultLimitedSuccess
}

// TestFaultsByName: each word stands for a fault that strikes.
func TestFaultsByName(t *testing.T) {
	for name := range faults {
		f, err := parseFaultTimes([]string{name, "3"})
		require.NoError(t, err)
		require.Equal(t, 3, f.Times)
		require.True(t, f.Silent || f.Unseen || f.Disconnect || f.Rewrite != nil, name)
		require.Contains(t, commandHelp, name)
	}
}

func TestCommandLine(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "ledger")
	require.NoError(t, os.WriteFile(bad, []byte("nonsense\n\n"), 0o600))
	for _, tc := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"help", []string{"-h"}, simulator.ExitOK, "-accounts"},
		{"help about commands", []string{"-h"}, simulator.ExitOK, "topup IMSI AMOUNT"},
		{"unknown flag", []string{"-nonsense"}, simulator.ExitUsage, "nonsense"},
		{"argument", []string{"nonsense"}, simulator.ExitUsage, `"nonsense" is not a flag`},
		{"nobody reaches us", []string{"-listen", ""}, simulator.ExitUsage, "nobody can reach us"},
		{"peer", []string{"-connect", "dra.example.org"}, simulator.ExitUsage, "want HOST=ADDRESS:PORT"},
		{"too many", []string{"-accounts", "10000001"}, simulator.ExitUsage, "-accounts"},
		{"IMSI", []string{"-imsi-start", "x"}, simulator.ExitUsage, "-imsi-start"},
		{"balance", []string{"-balance", "10X"}, simulator.ExitUsage, "want a number"},
		{"much", []string{"-balance", "9999999999G"}, simulator.ExitUsage, "want a number"},
		{"chunk", []string{"-chunk", "0"}, simulator.ExitUsage, "want more than nothing"},
		{"threshold", []string{"-threshold", "5G"}, simulator.ExitUsage, "want 32 bits"},
		{"price", []string{"-price", "3"}, simulator.ExitUsage, "want PRICE/UNITS"},
		{"final unit", []string{"-final-unit", "redirect"}, simulator.ExitUsage, "want terminate, redirect=URL"},
		{"exhausted", []string{"-exhausted", "x"}, simulator.ExitUsage, "want a Result-Code"},
		{"unit", []string{"-unit", "joule"}, simulator.ExitUsage, `-unit: no such word: "joule"`},
		{"failure handling", []string{"-failure-handling", "x"}, simulator.ExitUsage, "-failure-handling: no such word"},
		{"failover", []string{"-failover", "x"}, simulator.ExitUsage, "-failover: no such word"},
		{"requested", []string{"-requested", "x"}, simulator.ExitUsage, "-requested: no such word"},
		{"fault", []string{"-fault", "x"}, simulator.ExitUsage, "no such fault"},
		{"times", []string{"-times", "-1"}, simulator.ExitUsage, "-times must not be negative"},
		{"two times", []string{"-listen", "127.0.0.1:0", "-unit", "time", "-time-limit", "1s"}, simulator.ExitFailed, "TimeLimit"},
		{"ledger", []string{"-listen", "127.0.0.1:0", "-ledger", bad}, simulator.ExitFailed, "ledger: line 1: no entry"},
		{"no such address", []string{"-listen", "192.0.2.1:1"}, simulator.ExitFailed, "192.0.2.1:1"},
		{"bad name", []string{"-listen", "127.0.0.1:0", "-host", "a b"}, simulator.ExitFailed, "OriginHost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var errs bytes.Buffer
			require.Equal(t, tc.code, ocssim(t.Context(), tc.args, nil, io.Discard, &errs))
			require.Contains(t, errs.String(), tc.says)
		})
	}
	// What the flags make.
	o, err := parseOptions([]string{
		"-unit", "time", "-price", "3/1k", "-chunk", "600", "-exhausted", "5030", "-final-unit", "restrict=garden", "-requested", "sized",
		"-connect", "dra=192.0.2.1:3868", "-holding-time", "5m",
	}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, gytest.Plan{
		Unit: gy.UnitTime, Price: 3, Per: 1000, Chunk: 600, Exhausted: 5030, HoldingTime: 5 * time.Minute,
		Final: gy.FinalUnit{Action: gy.FinalRestrict, FilterIDs: [][]byte{[]byte("garden")}},
	}, o.config.Plan)
	require.Equal(t, gytest.RequestedSized, o.config.Dialect.Requested)
	require.Equal(t, []diameter.PeerConfig{{Host: "dra", Address: "192.0.2.1:3868"}}, o.Peers)
	o, err = parseOptions([]string{"-final-unit", "none"}, io.Discard)
	require.NoError(t, err)
	require.True(t, o.config.Plan.OmitFinal)
	require.EqualValues(t, 1_000_000_000, o.balance)
	require.Contains(t, fmt.Sprint(o.config.Plan.Chunk), "10000000")
}
