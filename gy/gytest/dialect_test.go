package gytest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy"
)

// Results that a whole account gets, on either side of opening a session.
func TestAccountResults(t *testing.T) {
	for _, code := range []uint32{4010, 4011, 4012, 5003, 5030, 5031} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			o, addr := newOCS(t, Config{FailureHandling: gy.FailureContinue, Failover: gy.FailoverSupported}, Account{Balance: 100, ResultCode: code})
			node := newNode(t, addr)
			p := newPhone(t, node, "s;1")
			a := p.ask(gy.RequestInitial, 0, code, wants(1))
			require.Empty(t, a.Services)
			require.Zero(t, a.FailureHandling)
			p.ccr.Retransmitted = true
			p.ask(gy.RequestInitial, 0, code, wants(1))
			p.ccr.Retransmitted = false
			p.ask(gy.RequestUpdate, 1, 5002, wants(1))

			// An open session is closed, and what it used is debited but if it
			// was free.
			require.NoError(t, o.Edit(testIMSI, func(a *Account) { a.ResultCode = 0 }))
			p = newPhone(t, node, "s;2")
			a = p.ask(gy.RequestInitial, 0, 2001, wants(1))
			require.Equal(t, gy.FailureContinue, a.FailureHandling)
			require.Equal(t, gy.FailoverSupported, a.Failover)
			require.NoError(t, o.Edit(testIMSI, func(a *Account) { a.ResultCode = code }))
			p.ask(gy.RequestUpdate, 1, code, uses(1, 30))
			debited := int64(30)
			if code == 4011 {
				debited = 0
			}
			wantAccount(t, o, 100-debited, 0, debited)
			require.Empty(t, o.Sessions(""))
			require.Empty(t, kinds(o))
		})
	}
}

func TestUnknownAccount(t *testing.T) {
	o, addr := newOCS(t, Config{}, Account{Balance: 100})
	p := newPhone(t, newNode(t, addr), "s;1")
	p.ccr.Subscriptions[0].Data = []byte("999990000000000")
	p.ask(gy.RequestInitial, 0, 5030, wants(1))
	require.ErrorIs(t, o.Edit("999990000000000", func(*Account) {}), ErrUnknown)
	require.ErrorIs(t, o.TopUp("999990000000000", 1), ErrUnknown)
	require.ErrorIs(t, o.InjectFor("999990000000000", Fault{}), ErrUnknown)
	_, ok := o.Account("999990000000000")
	require.False(t, ok)
	_, ok = o.Session("s;1")
	require.False(t, ok)
	require.Nil(t, o.Sessions("999990000000000"))
	require.Nil(t, o.Requests("s;1"))
}

func TestMalformed(t *testing.T) {
	o, addr := newOCS(t, Config{}, Account{Balance: 100})
	p := newPhone(t, newNode(t, addr), "s;1")
	p.ccr.ServiceContextID = nil
	p.ask(gy.RequestInitial, 0, 5005, wants(1))
	p.ccr.ServiceContextID = []byte("32251@3gpp.org")
	p.ccr.SessionID = []byte{}
	p.ask(gy.RequestInitial, 0, 5004, wants(1))
	p.ccr.SessionID = []byte("s;1")
	p.ask(gy.RequestInitial, 0, 5004, uses(1, maxUnits+1))
	p.ccr.SessionID = make([]byte, maxIdentifier+1)
	p.ask(gy.RequestInitial, 0, 5004, wants(1))
	require.Equal(t, Stats{Requests: 4, Malformed: 4, Refusals: 4}, o.Stats())
}

// TestDialects: what each dialect answers to a session of three requests.
func TestDialects(t *testing.T) {
	bare := gy.MSCC{RatingGroup: 1, HasRatingGroup: true}
	sized := wants(1)
	sized.Requested = gy.Units{Has: gy.UnitTotal, Total: 50}
	report := uses(1, 30)
	report.HasRequested = false
	held := report
	held.Reason = gy.ReasonQHT
	heldOne := report
	heldOne.Used = []gy.Units{{Has: gy.UnitTotal, Total: 30, Reason: gy.ReasonQHT}}
	usesSized := uses(1, 30)
	usesSized.Requested = sized.Requested
	for _, tt := range []struct {
		name            string
		dialect         Dialect
		balance         int64
		initial, update gy.MSCC
		codes           [3]uint32 // CCA-I, CCA-U, CCA-T
		granted         [2]uint64
		debited         int64
	}{
		{"none", Dialect{}, 1000, wants(1), uses(1, 30), [3]uint32{2001, 2001, 2001}, [2]uint64{100, 100}, 35},
		{"no request", Dialect{}, 1000, bare, report, [3]uint32{2001, 2001, 2001}, [2]uint64{0, 0}, 35},
		{"grants unasked", Dialect{GrantsUnasked: true}, 1000, wants(1), report, [3]uint32{2001, 2001, 2001}, [2]uint64{100, 100}, 35},
		{"present", Dialect{Requested: RequestedPresent}, 1000, wants(1), usesSized, [3]uint32{2001, 2001, 2001}, [2]uint64{100, 50}, 35},
		{"not present", Dialect{Requested: RequestedPresent}, 1000, bare, report, [3]uint32{5005, 5002, 5002}, [2]uint64{}, 0},
		{"not present in an update", Dialect{Requested: RequestedPresent}, 1000, wants(1), report, [3]uint32{2001, 5005, 5002}, [2]uint64{100, 0}, 30},
		{"not present, dropped", Dialect{Requested: RequestedPresent, DropsRefusedUsage: true}, 1000, wants(1), report, [3]uint32{2001, 5005, 5002}, [2]uint64{100, 0}, 0},
		{"held", Dialect{Requested: RequestedPresent}, 1000, wants(1), held, [3]uint32{2001, 2001, 2001}, [2]uint64{100, 0}, 35},
		{"held, one unit", Dialect{Requested: RequestedPresent}, 1000, wants(1), heldOne, [3]uint32{2001, 2001, 2001}, [2]uint64{100, 0}, 35},
		{"empty", Dialect{Requested: RequestedEmpty}, 1000, wants(1), usesSized, [3]uint32{2001, 5004, 5002}, [2]uint64{100, 0}, 30},
		{"sized", Dialect{Requested: RequestedSized}, 1000, sized, usesSized, [3]uint32{2001, 2001, 2001}, [2]uint64{50, 50}, 35},
		{"not sized", Dialect{Requested: RequestedSized}, 1000, wants(1), usesSized, [3]uint32{5004, 5002, 5002}, [2]uint64{}, 0},
		{"ignores the last usage", Dialect{IgnoresFinalUsage: true}, 1000, wants(1), uses(1, 30), [3]uint32{2001, 2001, 2001}, [2]uint64{100, 100}, 30},
		{"refuses groups", Dialect{}, 30, wants(1), uses(1, 30), [3]uint32{2001, 2001, 2001}, [2]uint64{30, 0}, 35},
		{"refuses the command", Dialect{RefusesCommand: true}, 30, wants(1), uses(1, 30), [3]uint32{2001, 4012, 5002}, [2]uint64{30, 0}, 30},
		{"refuses the command, dropped", Dialect{RefusesCommand: true, DropsRefusedUsage: true}, 30, wants(1), uses(1, 30), [3]uint32{2001, 4012, 5002}, [2]uint64{30, 0}, 0},
		{"refuses the first", Dialect{RefusesCommand: true}, 0, wants(1), uses(1, 30), [3]uint32{4012, 5002, 5002}, [2]uint64{}, 0},
		{"subscription", Dialect{Subscriptions: []gy.SubscriptionType{gy.SubscriptionIMSI}}, 1000, wants(1), uses(1, 30), [3]uint32{2001, 2001, 2001}, [2]uint64{100, 100}, 35},
		{"no subscription", Dialect{Subscriptions: []gy.SubscriptionType{gy.SubscriptionIMSI, gy.SubscriptionE164}}, 1000, wants(1), uses(1, 30), [3]uint32{5005, 5002, 5002}, [2]uint64{}, 0},
		{"timestamp", Dialect{NeedTimestamp: true}, 1000, wants(1), uses(1, 30), [3]uint32{5005, 5002, 5002}, [2]uint64{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, addr := newOCS(t, Config{Dialect: tt.dialect, Plan: Plan{Chunk: 100}}, Account{Balance: tt.balance})
			p := newPhone(t, newNode(t, addr), "s;1")
			grant := func(a *gy.CCA) (n uint64) {
				for _, m := range a.Services {
					n += m.Granted.Total
				}
				return n
			}
			require.Equal(t, tt.granted[0], grant(p.ask(gy.RequestInitial, 0, tt.codes[0], tt.initial)))
			require.Equal(t, tt.granted[1], grant(p.ask(gy.RequestUpdate, 1, tt.codes[1], tt.update)))
			number := uint32(2)
			p.ask(gy.RequestTermination, number, tt.codes[2], last(1, 5))
			wantAccount(t, o, tt.balance-tt.debited, 0, tt.debited)
		})
	}
}

func TestDialectsOfGrants(t *testing.T) {
	_, addr := newOCS(t, Config{Dialect: Dialect{RoutineFinal: true, OmitServiceResult: true, NeedTimestamp: true}}, Account{Balance: 1 << 40})
	p := newPhone(t, newNode(t, addr), "s;1")
	p.ccr.EventTimestamp = time.Now()
	a := p.ask(gy.RequestInitial, 0, 2001, wants(1))
	require.Zero(t, a.Services[0].ResultCode)
	require.True(t, a.Services[0].HasFinal)
	require.NotZero(t, a.Services[0].Granted.Total)
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		err  string
	}{
		{"bound", Config{MaxOpen: -1}, "a bound is negative"},
		{"dialect", Config{Dialect: Dialect{Requested: 9}}, "Requested: no such value"},
		{"two units", Config{Plan: Plan{Unit: gy.UnitTime | gy.UnitTotal}}, "Unit: want one kind of unit"},
		{"time and time", Config{Plan: Plan{Unit: gy.UnitTime, TimeLimit: time.Second}}, "TimeLimit: the unit is time itself"},
		{"time", Config{Plan: Plan{Validity: -1}}, "negative time"},
		{"node", Config{Node: nodeConfig("a b")}, "OriginHost"},
		{"ledger", Config{Ledger: t.TempDir()}, "is a directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.cfg)
			require.ErrorContains(t, err, tt.err)
		})
	}
	o, _ := newOCS(t, Config{}, Account{IMSI: testIMSI, E164: testE164})
	require.ErrorContains(t, o.Add(Account{}), "no identity")
	require.ErrorIs(t, o.Add(Account{IMSI: "001010000000002", E164: testE164}), errShared)
	bad := Plan{Unit: 255}
	require.ErrorContains(t, o.Add(Account{IMSI: testIMSI, Plan: &bad}), "Unit")
	require.ErrorContains(t, o.Add(Account{IMSI: testIMSI, Plans: map[uint32]Plan{1: bad}}), "Unit")
	require.ErrorContains(t, o.Edit(testIMSI, func(a *Account) { a.Plan = &bad }), "Unit")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", testIMSI, Account{IMSI: testIMSI}, Entry{Account: testIMSI}, testIMSI.LogValue()), "00101000")
}

func TestBounds(t *testing.T) {
	o, addr := newOCS(t, Config{MaxOpen: 1, MaxClosed: 1, MaxViolations: 1}, Account{Balance: 1 << 40})
	node := newNode(t, addr)
	one, two := newPhone(t, node, "s;1"), newPhone(t, node, "s;2")
	one.ask(gy.RequestInitial, 0, 2001, wants(1))
	two.ask(gy.RequestInitial, 0, gy.ResultTooBusy, wants(1))
	one.ask(gy.RequestTermination, 1, 2001)
	two.ask(gy.RequestInitial, 0, 2001, wants(1))
	two.ask(gy.RequestTermination, 1, 2001)
	a := o.Audit()
	require.Len(t, a.Sessions, 1)
	require.Contains(t, a.Sessions, "s;2")
	for range 2 {
		one.ask(gy.RequestUpdate, 2, 5002, uses(1, 1))
	}
	a = o.Audit()
	require.Len(t, a.Violations, 1)
	require.Equal(t, 2, a.TotalViolations)

	// What a session remembers of its requests.
	three := newPhone(t, node, "s;3")
	three.ask(gy.RequestInitial, 0, 2001, wants(1))
	for n := range uint32(maxEntries + 10) {
		three.ask(gy.RequestUpdate, n+1, 2001, uses(1, 1))
	}
	list := o.Requests("s;3")
	require.Len(t, list, maxEntries)
	require.EqualValues(t, maxEntries+10, list[maxEntries-1].Number)
	require.EqualValues(t, 11, list[0].Number)
	s, _ := o.Session("s;3")
	require.Equal(t, maxEntries+11, s.Requests)
}
