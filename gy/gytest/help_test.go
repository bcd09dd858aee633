package gytest

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/internal/faulttest"
)

const (
	testIMSI = Identity("001010000000001")
	testE164 = Identity("15551234")
	mega     = 1_000_000
)

// dialer connects to an OCS.
type dialer func(context.Context) (net.Conn, error)

// newOCS returns an OCS with the test's account, listening on loopback.
func newOCS(t testing.TB, cfg Config, a Account) (*OCS, dialer) {
	t.Helper()
	o := accountAt(t, cfg, a)
	return o, listening(t, o)
}

// pipedOCS returns one that listens in memory, for a bubble.
func pipedOCS(t testing.TB, cfg Config, a Account) (*OCS, dialer) {
	t.Helper()
	o, line := accountAt(t, cfg, a), faulttest.NewPipe()
	o.running.Go(func() { _ = o.Serve(line) })
	return o, line.Dial
}

func accountAt(t testing.TB, cfg Config, a Account) *OCS {
	t.Helper()
	o, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	if a.key() == "" {
		a.IMSI = testIMSI
	}
	require.NoError(t, o.Add(a))
	return o
}

// listening has the OCS listen on loopback.
func listening(t testing.TB, o *OCS) dialer {
	t.Helper()
	addr, err := o.Listen("127.0.0.1:0")
	require.NoError(t, err)
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr.String())
	}
}

// inBubble runs a subtest in a bubble of its own.
func inBubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// newNode returns a gateway's node that is connected to the OCS.
func newNode(t testing.TB, dial dialer, change ...func(*diameter.Config)) *diameter.Node {
	t.Helper()
	cfg := diameter.Config{
		OriginHost:     "twag1.example",
		OriginRealm:    "example",
		Applications:   []diameter.Application{gy.Application},
		Peers:          []diameter.PeerConfig{{Host: DefaultHost, Dial: dial}},
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
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
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
		client: gy.NewClient(node, gy.ClientConfig{Timeout: time.Minute}),
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
