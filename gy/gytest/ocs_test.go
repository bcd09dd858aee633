package gytest

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/gy"
)

// A balance of 30 MB in chunks of 10 MB: three grants, the last one final. What
// is used beyond them is debt.
func TestThreeChunks(t *testing.T) {
	o, addr := newOCS(t, Config{Plan: Plan{Chunk: 10 * mega}}, Account{IMSI: testIMSI, Balance: 30 * mega})
	p := newPhone(t, newNode(t, addr), "s;1")
	wantGrant(t, p.ask(gy.RequestInitial, 0, 2001, wants(1)), 10*mega, false)
	wantAccount(t, o, 30*mega, 10*mega, 0)
	wantGrant(t, p.ask(gy.RequestUpdate, 1, 2001, uses(1, 10*mega)), 10*mega, false)
	wantGrant(t, p.ask(gy.RequestUpdate, 2, 2001, uses(1, 10*mega)), 10*mega, true)
	wantAccount(t, o, 10*mega, 10*mega, 20*mega)
	a := p.ask(gy.RequestUpdate, 3, 2001, uses(1, 10*mega+500))
	require.EqualValues(t, gy.ResultCreditLimitReached, a.Services[0].ResultCode)
	require.False(t, a.Services[0].HasGranted)
	wantAccount(t, o, -500, 0, 30*mega+500)
	p.ask(gy.RequestTermination, 4, 2001, last(1, 100))
	wantAccount(t, o, -600, 0, 30*mega+600)

	s, ok := o.Session("s;1")
	require.True(t, ok)
	require.Equal(t, SessionAudit{
		Account: testIMSI, Requests: 5, Debited: 30*mega + 600,
		Used: s.Used,
		Groups: []GroupAudit{{
			RatingGroup: 1, Grants: 3, Granted: 30 * mega, Charged: 30*mega + 600, Overshoot: 600,
			Used: s.Used, Debited: 30*mega + 600,
		}},
	}, s)
	require.EqualValues(t, 30*mega+600, s.Used.Total)
	require.Equal(t, s.Used.Total, s.Used.Input+s.Used.Output)
	require.Empty(t, kinds(o))
	requests := o.Requests("s;1")
	require.Len(t, requests, 5)
	var debited int64
	for i, e := range requests {
		require.EqualValues(t, i, e.Number)
		for _, g := range e.Groups {
			debited += g.Debited
		}
	}
	require.EqualValues(t, 30*mega+600, debited)
	require.EqualValues(t, -600, requests[4].Balance)
	require.Empty(t, o.Sessions(""))
}

// A grant that is not used up goes back, and grants cover the balance all the
// same.
func TestUnusedGrant(t *testing.T) {
	o, addr := newOCS(t, Config{Plan: Plan{Chunk: 10 * mega}}, Account{IMSI: testIMSI, Balance: 30 * mega})
	p := newPhone(t, newNode(t, addr), "s;1")
	p.ask(gy.RequestInitial, 0, 2001, wants(1))
	wantGrant(t, p.ask(gy.RequestUpdate, 1, 2001, uses(1, 8*mega)), 10*mega, false)
	wantGrant(t, p.ask(gy.RequestUpdate, 2, 2001, uses(1, 8*mega)), 10*mega, false)
	wantGrant(t, p.ask(gy.RequestUpdate, 3, 2001, uses(1, 8*mega)), 6*mega, true)
	p.ask(gy.RequestTermination, 4, 2001, last(1, mega))
	wantAccount(t, o, 5*mega, 0, 25*mega)
	s, _ := o.Session("s;1")
	g := s.Groups[0]
	require.EqualValues(t, 11*mega, g.Returned)
	require.Equal(t, g.Charged, g.Granted-g.Returned+g.Overshoot)
}

func TestOvershoot(t *testing.T) {
	o, addr := newOCS(t, Config{MaxOvershoot: 10, Plan: Plan{Chunk: 100}}, Account{Balance: 1000})
	p := newPhone(t, newNode(t, addr), "s;1")
	p.ask(gy.RequestInitial, 0, 2001, wants(1))
	p.ask(gy.RequestUpdate, 1, 2001, uses(1, 110))
	require.Empty(t, kinds(o))
	p.ask(gy.RequestUpdate, 2, 2001, uses(1, 111))
	require.Equal(t, []ViolationKind{UsageBeyondGrant}, kinds(o))
	wantAccount(t, o, 1000-221, 100, 221)
}

// Sessions of one account share its balance.
func TestSharedBalance(t *testing.T) {
	o, addr := newOCS(t, Config{Plan: Plan{Chunk: 10 * mega}}, Account{IMSI: testIMSI, E164: testE164, Balance: 15 * mega})
	node := newNode(t, addr)
	one, two := newPhone(t, node, "s;1"), newPhone(t, node, "s;2")
	two.ccr.Subscriptions = []gy.Subscription{{Type: gy.SubscriptionNAI, Data: []byte("x")}, {Type: gy.SubscriptionE164, Data: []byte(testE164)}}
	wantGrant(t, one.ask(gy.RequestInitial, 0, 2001, wants(1)), 10*mega, false)
	wantGrant(t, two.ask(gy.RequestInitial, 0, 2001, wants(1)), 5*mega, true)
	require.Equal(t, []string{"s;1", "s;2"}, o.Sessions(testE164))
	require.Equal(t, []string{"s;1", "s;2"}, o.Sessions(""))
	one.ask(gy.RequestTermination, 1, 2001, last(1, 2*mega))
	wantGrant(t, two.ask(gy.RequestUpdate, 1, 2001, uses(1, 5*mega)), 8*mega, true)
	two.ask(gy.RequestTermination, 2, 2001)
	wantAccount(t, o, 8*mega, 0, 7*mega)
	s, _ := o.Account(testE164)
	require.Zero(t, s.Open)
}

func TestTwin(t *testing.T) {
	o, addr := newOCS(t, Config{}, Account{Balance: 30 * mega})
	twin, twinAddr := newOCS(t, Config{Twin: o}, Account{})
	one, two := newPhone(t, newNode(t, addr), "s;1"), newPhone(t, newNode(t, twinAddr), "s;1")
	one.ask(gy.RequestInitial, 0, 2001, wants(1))
	two.ask(gy.RequestUpdate, 1, 2001, uses(1, mega))
	one.ccr.Retransmitted = true
	one.ask(gy.RequestUpdate, 1, 2001, uses(1, mega))
	require.Equal(t, o.Audit(), twin.Audit())
	wantAccount(t, twin, 29*mega, 10<<20, mega)
	require.Empty(t, kinds(o))
}

// Nobody hears of a session for too long.
func TestSupervision(t *testing.T) { synctest.Test(t, testSupervision) }

func testSupervision(t *testing.T) {
	o, addr := pipedOCS(t, Config{Supervision: 50 * time.Millisecond}, Account{Balance: 30 * mega})
	p := newPhone(t, newNode(t, addr), "s;1")
	p.ask(gy.RequestInitial, 0, 2001, wants(1))
	require.Eventually(t, func() bool { return len(o.Sessions("")) == 0 }, time.Minute, 5*time.Millisecond)
	wantAccount(t, o, 30*mega, 0, 0)
	p.ask(gy.RequestUpdate, 1, gy.ResultUnknownSessionID, uses(1, mega))
	require.Equal(t, []ViolationKind{UsageWithoutSession}, kinds(o))

	// By Validity-Time: twice as long.
	o, addr = pipedOCS(t, Config{Plan: Plan{Validity: time.Hour}}, Account{Balance: 30 * mega})
	p = newPhone(t, newNode(t, addr), "s;1")
	require.EqualValues(t, 3600, p.ask(gy.RequestInitial, 0, 2001, wants(1)).Services[0].ValidityTime)
	e := o.Requests("s;1")[0]
	require.Equal(t, 2*time.Hour, e.Deadline.Sub(e.Time))
}

func TestNumbers(t *testing.T) {
	type step struct {
		kind    gy.RequestType
		number  uint32
		octets  uint64
		marked  bool
		want    uint32
		debited int64
	}
	const i, u, e = gy.RequestInitial, gy.RequestUpdate, gy.RequestTermination
	for _, tt := range []struct {
		name  string
		steps []step
		kinds []ViolationKind
	}{
		{"in order", []step{{i, 0, 0, false, 2001, 0}, {u, 1, 5, false, 2001, 5}, {e, 2, 3, false, 2001, 8}}, nil},
		{"from another number", []step{{i, 7, 0, false, 2001, 0}, {u, 8, 5, false, 2001, 5}}, nil},
		{"the first with T", []step{{i, 0, 0, true, 2001, 0}, {u, 1, 5, true, 2001, 5}}, nil},
		{"duplicates", []step{
			{i, 0, 0, false, 2001, 0}, {i, 0, 0, true, 2001, 0}, {u, 1, 5, false, 2001, 5}, {u, 1, 5, true, 2001, 5},
			{u, 2, 5, false, 2001, 10}, {u, 1, 5, true, 2001, 10}, {e, 3, 1, false, 2001, 11}, {e, 3, 1, true, 2001, 11},
		}, nil},
		{"duplicate without T", []step{{i, 0, 0, false, 2001, 0}, {u, 1, 5, false, 2001, 5}, {u, 1, 5, false, 2001, 5}}, []ViolationKind{UnmarkedDuplicate}},
		{"other contents", []step{{i, 0, 0, false, 2001, 0}, {u, 1, 5, false, 2001, 5}, {u, 1, 6, true, 5004, 5}, {u, 2, 6, true, 2001, 11}}, []ViolationKind{NumberReused}},
		{"too old to be known", []step{
			{i, 0, 0, false, 2001, 0}, {u, 1, 1, false, 2001, 1}, {u, 2, 1, false, 2001, 2}, {u, 3, 1, false, 2001, 3},
			{u, 4, 1, false, 2001, 4}, {i, 0, 0, true, 5004, 4},
		}, []ViolationKind{NumberReused}},
		{"gap", []step{{i, 0, 0, false, 2001, 0}, {u, 2, 5, false, 5004, 0}, {u, 1, 5, false, 2001, 5}}, []ViolationKind{NumberGap}},
		{"opened twice", []step{{i, 0, 0, false, 2001, 0}, {i, 1, 0, false, 5012, 0}, {u, 1, 5, false, 2001, 5}}, []ViolationKind{SessionReused}},
		{"opened again", []step{{i, 0, 0, false, 2001, 0}, {e, 1, 0, false, 2001, 0}, {i, 2, 0, false, 5012, 0}}, []ViolationKind{SessionReused}},
		{"after the end", []step{{i, 0, 0, false, 2001, 0}, {e, 1, 2, false, 2001, 2}, {u, 2, 5, false, 5002, 2}, {u, 2, 0, false, 5002, 2}}, []ViolationKind{UsageWithoutSession}},
		{"never opened", []step{{u, 1, 5, false, 5002, 0}, {e, 2, 0, false, 5002, 0}}, []ViolationKind{UsageWithoutSession}},
		{"used before", []step{{i, 0, 5, false, 2001, 5}}, []ViolationKind{UsageBeforeGrant}},
		{"event", []step{{gy.RequestEvent, 0, 0, false, 5012, 0}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, addr := newOCS(t, Config{}, Account{Balance: 30 * mega})
			p := newPhone(t, newNode(t, addr), "s;1")
			answers := make(map[uint32]gy.CCA)
			for n, s := range tt.steps {
				m := wants(1)
				if s.octets > 0 {
					m = uses(1, s.octets)
				}
				p.ccr.Retransmitted = s.marked
				p.ccr.DestinationHost = nil
				if s.marked {
					p.ccr.DestinationHost = []byte(DefaultHost) // a copy may go elsewhere
				}
				a := *p.ask(s.kind, s.number, s.want, m)
				require.Equal(t, s.kind, a.Type)
				require.Equal(t, s.number, a.Number)
				require.Equal(t, DefaultHost, string(a.OriginHost))
				state, _ := o.Account(testIMSI)
				require.Equal(t, s.debited, state.Debited, n)
				a.Services = a.Services[:len(a.Services):len(a.Services)]
				for i := range a.Services {
					a.Services[i].ServiceIDs, a.Services[i].Used = nil, nil
				}
				if old, ok := answers[s.number]; ok && s.want == 2001 {
					require.Equal(t, old.Services, a.Services, n)
				}
				if s.want == 2001 {
					a.Services = slices.Clone(a.Services)
					answers[s.number] = a
				}
			}
			require.Equal(t, tt.kinds, kinds(o))
			require.Equal(t, len(tt.kinds), o.Audit().TotalViolations)
		})
	}
}
