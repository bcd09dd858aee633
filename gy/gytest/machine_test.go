package gytest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy"
)

// station is a session of package gy, in a time of its own.
type station struct {
	t       testing.TB
	machine *gy.Machine
	client  *gy.Client
	s       *gy.Session
	now     time.Time
	out     gy.Output
	total   gy.Counters
	service gy.Service
	groups  []gy.GroupChange
	reason  gy.EndReason
	last    gy.CCA // the last answer
	sent    int
}

func machineConfig() gy.Config {
	return gy.Config{OriginHost: "twag1.example", OriginRealm: "example", Realm: DefaultRealm}
}

func newStation(t testing.TB, node *diameter.Node, cfg gy.Config, id string, who Identity) *station {
	m := gy.NewMachine(cfg)
	return &station{
		t: t, machine: m, now: time.Now(),
		client: gy.NewClient(node, gy.ClientConfig{Timeout: 100 * time.Millisecond}),
		s:      m.NewSession(id, &gy.Info{Subscriptions: []gy.Subscription{{Type: gy.SubscriptionIMSI, Data: []byte(who)}}}),
	}
}

// do does what an output asks for, until it asks for nothing.
func (x *station) do(out gy.Output) {
	x.t.Helper()
	for {
		x.out = out
		x.groups = append(x.groups, out.Groups...)
		if out.Service != gy.ServiceUnchanged {
			x.service, x.reason = out.Service, out.Reason
		}
		if !out.Send {
			return
		}
		msg, err := x.s.AppendRequest(nil)
		require.NoError(x.t, err)
		x.sent++
		x.last = gy.CCA{}
		if err = x.client.Send(x.t.Context(), msg, &x.last); err != nil {
			out = x.s.Fail(x.now, out.Seq, gy.FailureOf(err))
		} else {
			out = x.s.Answer(x.now, out.Seq, &x.last)
		}
	}
}

// use accounts more octets, half of them each way.
func (x *station) use(octets uint64) {
	x.t.Helper()
	x.now = x.now.Add(time.Minute)
	x.total.Seconds += 60
	x.total.Input += octets / 2
	x.total.Output += octets - octets/2
	x.do(x.s.Account(x.now, 0, x.total))
}

// end ends the service, and waits until all is reported.
func (x *station) end(octets uint64) {
	x.t.Helper()
	x.total.Input += octets
	x.do(x.s.Stop(x.now, 0, x.total, gy.CauseLogout))
	for i := 0; !x.out.Done; i++ {
		require.Less(x.t, i, 200, "it does not end")
		require.False(x.t, x.out.Deadline.IsZero())
		x.now = x.out.Deadline
		x.do(x.s.Timer(x.now))
	}
}

// TestThirtyMegabytes is the whole life of an account, with a gateway's session:
// grants cover the balance, the last one is final, and what is used beyond is
// debt.
func TestThirtyMegabytes(t *testing.T) {
	for _, share := range []int{80, 100} {
		inBubble(t, fmt.Sprint(share), func(t *testing.T) {
			o, addr := pipedOCS(t, Config{Plan: Plan{Chunk: 10 * mega}}, Account{Balance: 30 * mega})
			cfg := machineConfig()
			cfg.Share = share
			x := newStation(t, newNode(t, addr), cfg, "twag1.example;1;1", testIMSI)
			x.do(x.s.Start(x.now))
			require.Equal(t, gy.ServiceGranted, x.service)
			interims := 0
			for ; x.service == gy.ServiceGranted; interims++ {
				require.Less(t, interims, 40)
				x.use(mega)
			}
			require.Equal(t, gy.ServiceEnded, x.service)
			require.Equal(t, gy.EndCredit, x.reason)
			require.Equal(t, 30, interims)
			x.end(123_456)
			require.EqualValues(t, 30*mega+123_456, x.total.Octets())
			wantAccount(t, o, -123_456, 0, 30*mega+123_456)

			s, ok := o.Session("twag1.example;1;1")
			require.True(t, ok)
			g := s.Groups[0]
			require.Equal(t, x.total.Octets(), s.Used.Total)
			require.Equal(t, x.total.Input, s.Used.Input)
			require.Equal(t, x.total.Output, s.Used.Output)
			require.EqualValues(t, x.total.Octets(), s.Debited)
			require.EqualValues(t, 30*mega, g.Granted-g.Returned, "grants cover the balance")
			require.EqualValues(t, 123_456, g.Overshoot)
			if share == 100 {
				require.Equal(t, 3, g.Grants)
			}
			final := 0
			for _, e := range o.Requests("twag1.example;1;1") {
				for _, g := range e.Groups {
					if g.Final {
						final++
					}
				}
			}
			require.Equal(t, 1, final)
			require.Empty(t, kinds(o))
			require.Equal(t, x.total, x.s.Usage().Reported)
		})
	}
}

// He tops up, and a RAR has the session ask again.
func TestTopUp(t *testing.T) {
	redirect := gy.FinalUnit{Action: gy.FinalRedirect, Redirect: gy.Redirect{Type: gy.RedirectURL, Address: []byte("http://topup.example")}}
	o, addr := newOCS(t, Config{Plan: Plan{Chunk: 10 * mega, Final: redirect}}, Account{Balance: 10 * mega})
	node := newNode(t, addr)
	x := newStation(t, node, machineConfig(), "twag1.example;1;1", testIMSI)
	told := make(chan string, 1)
	gy.Handle(node, listener{told})
	x.do(x.s.Start(x.now))
	x.use(11 * mega)
	require.Equal(t, gy.ServiceGranted, x.service)
	require.Len(t, x.groups, 1)
	require.Equal(t, gy.VerdictRedirect, x.groups[0].Verdict)
	require.Equal(t, "http://topup.example", string(x.groups[0].Final.Redirect.Address))
	wantAccount(t, o, -mega, 0, 11*mega)

	require.NoError(t, o.TopUp(testIMSI, 5*mega))
	code, err := o.Reauthorize(t.Context(), "twag1.example;1;1", nil)
	require.NoError(t, err)
	require.EqualValues(t, 2001, code)
	require.Equal(t, "RAR twag1.example;1;1", <-told)
	_, out := x.s.Reauthorize(x.now, nil)
	x.do(out)
	require.Equal(t, gy.VerdictPass, x.groups[1].Verdict)
	x.end(mega)
	wantAccount(t, o, 3*mega, 0, 12*mega)
}

// TestEveryFault has one session live through every fault there is: whatever the
// client makes of it, each octet is debited once.
func TestEveryFault(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault Fault
	}{
		{"slow", Fault{Delay: 20 * time.Millisecond}},
		{"too slow", Fault{Delay: time.Second}},
		{"silent", Fault{Silent: true}},
		{"unseen", Fault{Unseen: true}},
		{"disconnect", Fault{Disconnect: true}},
		{"disconnect unseen", Fault{Disconnect: true, Unseen: true}},
		{"busy", Fault{ResultCode: 3004}},
		{"undeliverable", Fault{ResultCode: 3002}},
		{"twice", Fault{Rewrite: Twice}},
		{"wrong hop-by-hop", Fault{Rewrite: WrongHopByHop}},
		{"wrong session", Fault{Rewrite: WrongSession}},
		{"no results", Fault{Rewrite: OmitResults}},
		{"empty grants", Fault{Rewrite: EmptyGrants}},
		{"garbage", Fault{Rewrite: Garbage}},
	} {
		for at := range 4 {
			inBubble(t, fmt.Sprintf("%s at %d", tt.name, at), func(t *testing.T) {
				o, addr := pipedOCS(t, Config{Plan: Plan{Chunk: 10 * mega}}, Account{Balance: 1000 * mega})
				cfg := machineConfig()
				cfg.FailureHandling = gy.FailureContinue
				node := newNode(t, addr, func(c *diameter.Config) { c.MaxAttempts = 1 })
				x := newStation(t, node, cfg, "twag1.example;1;1", testIMSI)
				fault := tt.fault
				fault.Times = 2
				for i := range 4 {
					if i == at {
						o.Inject(fault)
					}
					switch i {
					case 0:
						x.do(x.s.Start(x.now))
					case 3:
						x.end(5)
					default:
						if x.service == gy.ServiceGranted {
							x.use(9 * mega)
						}
					}
				}
				if x.service != gy.ServiceRefused {
					require.NotZero(t, o.Stats().Faults)
				}
				a := o.Audit()
				require.Empty(t, a.Violations)
				u := x.s.Usage()
				require.EqualValues(t, u.Reported.Octets(), a.Accounts[testIMSI].Debited)
				require.Zero(t, u.WrittenOff)
				require.Equal(t, x.total.Octets(), u.Reported.Octets())
			})
		}
	}
}

// TestChaos: an OCS that dies again and again, with answers that are lost in
// every way, under many sessions that share accounts. At the end each octet was
// debited once.
func TestChaos(t *testing.T) {
	const stations, accounts, deaths = 16, 4, 6
	path := filepath.Join(t.TempDir(), "ledger")
	who := func(i int) Identity { return Identity(fmt.Sprintf("0010100000000%02d", i%accounts)) }
	cfg := Config{Ledger: path, Plan: Plan{Chunk: 2 * mega}}
	var now atomic.Value // the dialer of the OCS that lives
	begin := func() *OCS {
		o, err := New(cfg)
		require.NoError(t, err)
		for i := range accounts {
			require.NoError(t, o.Add(Account{IMSI: who(i), Balance: 1 << 40}))
		}
		now.Store(listening(t, o))
		for range 8 {
			o.Inject(Fault{Disconnect: true, Times: 1})
			o.Inject(Fault{Silent: true, Times: 1})
			o.Inject(Fault{Unseen: true, Times: 1})
			o.Inject(Fault{Times: 20})
		}
		return o
	}
	o := begin()
	dial := func(ctx context.Context) (net.Conn, error) { return now.Load().(dialer)(ctx) }
	node := newNode(t, dial, func(c *diameter.Config) { c.Reconnect = 20 * time.Millisecond })

	var wg sync.WaitGroup
	all := make([]*station, stations)
	for i := range stations {
		cfg := machineConfig()
		cfg.FailureHandling, cfg.GraceOctets, cfg.SettleTime = gy.FailureContinue, -1, -1
		x := newStation(t, node, cfg, fmt.Sprint("twag1.example;1;", i), who(i))
		all[i] = x
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			x.do(x.s.Start(x.now))
			for range 60 {
				x.use(rng.Uint64N(2 * mega))
				time.Sleep(time.Duration(rng.IntN(10)) * time.Millisecond)
			}
			x.end(rng.Uint64N(mega))
		})
	}
	for range deaths {
		time.Sleep(80 * time.Millisecond)
		require.NoError(t, o.Close()) // without a word to the peers
		o = begin()
	}
	o.ClearFaults()
	wg.Wait()
	require.NoError(t, o.Close())

	ledger, err := ReadLedger(path)
	require.NoError(t, err)
	require.Empty(t, ledger.Audit.Violations)
	debited := make(map[string]int64)
	for id, s := range ledger.Audit.Sessions {
		debited[string(gy.BaseSessionID([]byte(id)))] += s.Debited
	}
	for i, x := range all {
		u := x.s.Usage()
		require.Equal(t, x.total.Octets(), u.Reported.Octets()+u.WrittenOff.Octets(), i)
		require.EqualValues(t, u.Reported.Octets(), debited[fmt.Sprint("twag1.example;1;", i)], i)
		require.Zero(t, u.WrittenOff)
	}
	for _, a := range ledger.Audit.Accounts {
		require.Zero(t, a.Reserved)
	}
}
