package gytest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy"
)

const (
	testIMSI = Identity("001010000000001")
	testE164 = Identity("15551234")
	mega     = 1_000_000
)

// newOCS returns an OCS with the test's account, listening on loopback.
func newOCS(t testing.TB, cfg Config, a Account) (o *OCS, addr string) {
	t.Helper()
	o, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	if a.key() == "" {
		a.IMSI = testIMSI
	}
	require.NoError(t, o.Add(a))
	l, err := o.Listen("127.0.0.1:0")
	require.NoError(t, err)
	return o, l.String()
}

// newNode returns a gateway's node that is connected to the OCS.
func newNode(t testing.TB, addr string, change ...func(*diameter.Config)) *diameter.Node {
	t.Helper()
	cfg := diameter.Config{
		OriginHost:     "twag1.example",
		OriginRealm:    "example",
		Applications:   []diameter.Application{gy.Application},
		Peers:          []diameter.PeerConfig{{Host: DefaultHost, Address: addr}},
		AttemptTimeout: -1,
		WaitForPeer:    true,
		PeerWait:       time.Second,
		Reconnect:      100 * time.Millisecond,
	}
	for _, f := range change {
		f(&cfg)
	}
	node, err := diameter.NewNode(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, node.Close()) })
	node.Start()
	waitOpen(t, node)
	return node
}

func waitOpen(t testing.TB, node *diameter.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	require.NoError(t, node.WaitOpen(ctx, ""))
}

// phone sends CCRs as it is told, right or wrong.
type phone struct {
	t      testing.TB
	node   *diameter.Node
	client *gy.Client
	ccr    gy.CCR
	cca    gy.CCA
}

func newPhone(t testing.TB, node *diameter.Node, session string) *phone {
	return &phone{
		t: t, node: node,
		client: gy.NewClient(node, gy.ClientConfig{Timeout: 2 * time.Second}),
		ccr: gy.CCR{
			SessionID:  []byte(session),
			OriginHost: []byte("twag1.example"), OriginRealm: []byte("example"),
			DestinationRealm: []byte(DefaultRealm),
			ServiceContextID: []byte("32251@3gpp.org"),
			Subscriptions:    []gy.Subscription{{Type: gy.SubscriptionIMSI, Data: []byte(testIMSI)}},
		},
	}
}

// send sends the request as it is.
func (p *phone) send() (*gy.CCA, error) {
	msg, err := p.ccr.Encode(nil)
	require.NoError(p.t, err)
	err = p.client.Send(p.t.Context(), msg, &p.cca)
	return &p.cca, err
}

// ask sends the request with another type, number and services, and wants an
// answer with the Result-Code.
func (p *phone) ask(kind gy.RequestType, number, want uint32, services ...gy.MSCC) *gy.CCA {
	p.t.Helper()
	p.ccr.Type, p.ccr.Number, p.ccr.Services = kind, number, services
	a, err := p.send()
	require.NoError(p.t, err)
	require.Equal(p.t, gy.ResultName(want), gy.ResultName(a.ResultCode))
	return a
}

// wants asks for a quota of a rating group.
func wants(ratingGroup uint32) gy.MSCC {
	return gy.MSCC{RatingGroup: ratingGroup, HasRatingGroup: true, HasRequested: true}
}

// uses reports octets, and asks for more.
func uses(ratingGroup uint32, octets uint64) gy.MSCC {
	m := wants(ratingGroup)
	m.Used = []gy.Units{{Has: gy.UnitTotal | gy.UnitInput | gy.UnitOutput, Total: octets, Input: octets / 3, Output: octets - octets/3}}
	return m
}

// last reports octets, and asks for nothing.
func last(ratingGroup uint32, octets uint64) gy.MSCC {
	m := uses(ratingGroup, octets)
	m.HasRequested, m.Reason = false, gy.ReasonFinal
	return m
}

// wantGrant wants the answer to grant the octets, finally or not.
func wantGrant(t testing.TB, a *gy.CCA, octets uint64, final bool) {
	t.Helper()
	require.Len(t, a.Services, 1)
	m := a.Services[0]
	require.EqualValues(t, gy.ResultSuccess, m.ResultCode)
	require.Equal(t, octets, m.Granted.Total)
	require.Equal(t, final, m.HasFinal)
}

// wantAccount wants the account to stand so.
func wantAccount(t testing.TB, o *OCS, balance, reserved, debited int64) {
	t.Helper()
	s, ok := o.Account(testIMSI)
	require.True(t, ok)
	require.Equal(t, [3]int64{balance, reserved, debited}, [3]int64{s.Balance, s.Reserved, s.Debited}, "balance, reserved, debited")
	require.Equal(t, s.Balance, s.Credited-s.Debited)
}

// kinds returns what was violated, in order.
func kinds(o *OCS) (list []ViolationKind) {
	for _, v := range o.Audit().Violations {
		list = append(list, v.Kind)
	}
	return list
}
