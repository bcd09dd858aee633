package interop

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
)

// payer is a gateway's session of package gy that asks an OCS.
type payer struct {
	t       *testing.T
	node    *diameter.Node
	client  *gy.Client
	machine *gy.Machine
	s       *gy.Session
	now     time.Time
	used    gy.Counters
	answer  gy.CCA
	changes []gy.GroupChange
	rarCode uint32
}

// newPayer returns a session that tells the OCS everything it can.
func newPayer(t *testing.T, node *diameter.Node, id string, number int, change func(*gy.Config)) *payer {
	t.Helper()
	cfg := gy.Config{OriginHost: serverHost, OriginRealm: diameterRealm, EndToEnd: func() uint32 { return 0xabcd0000 }}
	if change != nil {
		change(&cfg)
	}
	p := &payer{
		t: t, node: node, client: gy.NewClient(node, gy.ClientConfig{Timeout: time.Minute}), machine: gy.NewMachine(cfg),
		now: time.Now(), rarCode: gy.ResultSuccess,
	}
	p.s = p.machine.NewSession(id, &gy.Info{
		Subscriptions: []gy.Subscription{
			{Type: gy.SubscriptionIMSI, Data: []byte(imsi(number).Digits())},
			{Type: gy.SubscriptionE164, Data: []byte("491710000001")},
			{Type: gy.SubscriptionNAI, Data: []byte("0001010000000001@example.net")},
			{Type: gy.SubscriptionSIPURI, Data: []byte("sip:user@example.net")},
			{Type: gy.SubscriptionPrivate, Data: []byte("0815")},
		},
		Equipment: gy.Equipment{Type: gy.EquipmentMAC, Value: []byte{2, 0, 0, 0, 0, 1}},
		PS: gy.PSInformation{
			ChargingID: []byte{0, 0, 0, 1}, PDPAddress: netip.MustParseAddr("198.51.100.7"),
			GGSNAddress: netip.MustParseAddr("192.0.2.1"), SGSNAddress: netip.MustParseAddr("2001:db8::1"),
			CalledStationID: []byte("internet"), RATType: []byte{3}, ChargingCharacteristics: []byte("0800"),
			SGSNMCCMNC: []byte("00101"), GGSNMCCMNC: []byte("00101"), MSTimeZone: []byte{0x40, 0},
			UserLocation: []byte{0x01, 0x00, 0xf1, 0x10, 0, 1, 0, 2},
			SSID:         []byte("cafe"), BSSID: []byte("02-00-00-00-00-02"),
		},
	})
	return p
}

// do does what an output asks for, until it asks for nothing.
func (p *payer) do(out gy.Output) {
	p.t.Helper()
	for {
		p.changes = append(p.changes, out.Groups...)
		if !out.Send {
			return
		}
		msg, err := p.s.AppendRequest(nil)
		require.NoError(p.t, err)
		require.NoError(p.t, p.client.Send(p.t.Context(), msg, &p.answer))
		out = p.s.Answer(p.now, out.Seq, &p.answer)
	}
}

// use accounts more octets.
func (p *payer) use(octets uint64) {
	p.t.Helper()
	p.now = p.now.Add(time.Minute)
	p.used.Seconds += 60
	p.used.Input += octets / 3
	p.used.Output += octets - octets/3
	p.do(p.s.Account(p.now, 0, p.used))
}

func (p *payer) end() {
	p.t.Helper()
	p.do(p.s.Stop(p.now, 0, p.used, gy.CauseLogout))
}

// Reauthorize and Abort implement gy.Sessions.
func (p *payer) Reauthorize(context.Context, string, *uint32) uint32 { return p.rarCode }

// Abort implements gy.Sessions.
func (p *payer) Abort(context.Context, string) uint32 { return p.rarCode }

// lavish is a plan with all that one may have.
func lavish(final gy.FinalUnit) gytest.Plan {
	return gytest.Plan{
		Chunk: 1 << 20, TimeLimit: time.Hour, Validity: time.Hour, VolumeThreshold: 1000, TimeThreshold: time.Minute,
		HoldingTime: time.Hour, ConsumptionTime: time.Minute, TariffChange: time.Now().Add(time.Hour), Final: final,
	}
}

var finals = []gy.FinalUnit{
	{},
	{Action: gy.FinalRedirect, Redirect: gy.Redirect{Type: gy.RedirectURL, Address: []byte("http://topup.example.net/")}},
	{Action: gy.FinalRedirect, Redirect: gy.Redirect{Type: gy.RedirectIPv4, Address: []byte("192.0.2.9")}},
	{Action: gy.FinalRestrict, Filters: [][]byte{[]byte("permit in ip from any to 192.0.2.9")}, FilterIDs: [][]byte{[]byte("garden")}},
}

// gyConversations has everything said that we say on Gy, between a node of ours
// and an OCS of ours, and returns what of it must be in a capture: command,
// request or answer, Result-Code.
func gyConversations(t *testing.T, ocs *gytest.OCS, node *diameter.Node) []string {
	t.Helper()
	ctx := t.Context()
	p := newPayer(t, node, "unused", 0, nil)
	gy.Handle(node, p)
	for i, final := range finals {
		require.NoError(t, ocs.Add(gytest.Account{IMSI: gytest.Identity(imsi(i).Digits()), Balance: 3 << 20, Plans: map[uint32]gytest.Plan{1: lavish(final)}}))
		s := newPayer(t, node, fmt.Sprint(serverHost, ";1;", i), i, func(c *gy.Config) {
			c.Profile.Subscriptions = []gy.SubscriptionType{gy.SubscriptionIMSI, gy.SubscriptionE164, gy.SubscriptionNAI, gy.SubscriptionSIPURI, gy.SubscriptionPrivate}
			c.Profile.RatingGroups, c.Profile.ServiceID = []uint32{1}, 7
			c.Profile.Report = gy.UnitTime | gy.UnitTotal | gy.UnitInput | gy.UnitOutput
			c.Profile.OmitLocation = i >= 2
			if i%2 == 1 {
				c.Profile.Requested = gy.Units{Has: gy.UnitTime | gy.UnitTotal, Time: 600, Total: 1 << 20}
			}
		})
		s.do(s.s.Start(s.now))
		require.EqualValues(t, gy.ResultSuccess, s.answer.ResultCode)
		s.use(1 << 20)
		s.now = s.now.Add(90 * time.Minute) // over the tariff change
		s.use(1 << 19)
		s.use(2 << 20)
		rg := uint32(1)
		for _, p.rarCode = range []uint32{gy.ResultSuccess, gy.ResultLimitedSuccess, gy.ResultUnknownSessionID} {
			for _, ratingGroup := range []*uint32{nil, &rg} {
				code, err := ocs.Reauthorize(ctx, s.s.SessionID(), ratingGroup)
				require.NoError(t, err)
				require.Equal(t, p.rarCode, code)
			}
			code, err := ocs.Abort(ctx, s.s.SessionID())
			require.NoError(t, err)
			require.Equal(t, p.rarCode, code)
		}
		s.end()
		require.Empty(t, ocs.Sessions(gytest.Identity(imsi(i).Digits())))
		state, _ := ocs.Account(gytest.Identity(imsi(i).Digits()))
		require.EqualValues(t, s.used.Octets(), state.Debited)
	}

	// What is refused: at the level of the command, and of the rating group;
	// and by the number, the session, the account.
	refused := gytest.Identity(imsi(0).Digits())
	for i, code := range []uint32{4010, 4011, 4012, 5003, 5030, 5031} {
		require.NoError(t, ocs.Edit(refused, func(a *gytest.Account) {
			a.ResultCode, a.Plans = code, map[uint32]gytest.Plan{1: {ResultCode: code}}
		}))
		s := newPayer(t, node, fmt.Sprint(serverHost, ";2;", i), 0, nil)
		s.do(s.s.Start(s.now))
		require.Equal(t, code, s.answer.ResultCode)
		require.NoError(t, ocs.Edit(refused, func(a *gytest.Account) { a.ResultCode = 0 }))
		s = newPayer(t, node, fmt.Sprint(serverHost, ";3;", i), 0, nil)
		s.do(s.s.Start(s.now))
		require.Equal(t, code, ocs.Requests(s.s.SessionID())[0].Groups[0].ResultCode)
		if s.s.State() == gy.Open {
			s.use(1000)
			s.end()
		}
	}
	send := func(ccr gy.CCR, want uint32) {
		t.Helper()
		ccr.OriginHost, ccr.OriginRealm, ccr.DestinationRealm = []byte(serverHost), []byte(diameterRealm), []byte(diameterRealm)
		ccr.SessionID = []byte(serverHost + ";4;1")
		msg, err := ccr.Encode(nil)
		require.NoError(t, err)
		var a gy.CCA
		require.NoError(t, gy.NewClient(node, gy.ClientConfig{Timeout: time.Minute}).Send(ctx, msg, &a))
		require.Equal(t, want, a.ResultCode)
	}
	context := []byte("32251@3gpp.org")
	somebody := []gy.Subscription{{Type: gy.SubscriptionIMSI, Data: []byte(refused)}}
	money := gy.MSCC{RatingGroup: 9, HasRatingGroup: true, HasRequested: true, Requested: gy.Units{
		Has: gy.UnitMoney | gy.UnitSpecific, Specific: 1, Money: gy.Money{Digits: 5, Exponent: -2, Currency: 978},
	}}
	send(gy.CCR{Type: gy.RequestUpdate, Number: 1, ServiceContextID: context}, gy.ResultUnknownSessionID)
	send(gy.CCR{Type: gy.RequestInitial, ServiceContextID: context}, gy.ResultUserUnknown)
	send(gy.CCR{Type: gy.RequestInitial}, gy.ResultMissingAVP)
	send(gy.CCR{Type: gy.RequestInitial, ServiceContextID: context, Subscriptions: somebody, UserName: []byte("user"), Services: []gy.MSCC{money}}, gy.ResultSuccess)
	send(gy.CCR{Type: gy.RequestInitial, Retransmitted: true, ServiceContextID: context, Subscriptions: somebody, UserName: []byte("user"), Services: []gy.MSCC{money}}, gy.ResultSuccess)
	send(gy.CCR{Type: gy.RequestUpdate, Number: 3, ServiceContextID: context}, gy.ResultInvalidAVPValue)
	send(gy.CCR{Type: gy.RequestTermination, Number: 1, ServiceContextID: context, Cause: gy.CauseServiceNotProvided}, gy.ResultSuccess)
	ocs.Inject(gytest.Fault{ResultCode: gy.ResultTooBusy, Times: 1})
	send(gy.CCR{Type: gy.RequestEvent, ServiceContextID: context}, gy.ResultTooBusy)
	send(gy.CCR{Type: gy.RequestEvent, ServiceContextID: context}, gy.ResultUnableToComply)

	said := []string{"272 1 ", "258 1 ", "274 1 "}
	for _, code := range []int{2001, 3004, 4010, 4011, 4012, 5002, 5003, 5004, 5005, 5012, 5030, 5031} {
		said = append(said, fmt.Sprint("272 0 ", code))
	}
	for _, code := range []int{2001, 2002, 5002} {
		said = append(said, fmt.Sprint("258 0 ", code), fmt.Sprint("274 0 ", code))
	}
	return said
}

// wantOnWire demands that what was said is in the capture, on the port, and
// that tshark finds fault with none of it.
func wantOnWire(t *testing.T, file string, port int, said []string) {
	t.Helper()
	ours := fmt.Sprintf("tcp.port == %d", port)
	decoder := Decoder{DiameterPorts: []int{port}}
	lines, err := decoder.Run(file, "-Y", ours+" && diameter", "-T", "fields", "-E", "separator= ", "-E", "occurrence=f",
		"-e", "diameter.cmd.code", "-e", "diameter.flags.request", "-e", "diameter.Result-Code")
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, line := range lines {
		// A segment may have several messages: their fields are in order.
		seen[line] = true
	}
	for _, want := range said {
		require.Contains(t, seen, want)
	}
	bad, err := decoder.Run(file, "-Y", ours+" && ("+strings.Join(complaints, " || ")+")", "-V", "-O", "diameter")
	require.NoError(t, err)
	require.Empty(t, bad, "%s", strings.Join(bad, "\n"))
}

// TestGyAsTsharkSeesIt: no message of package gy, and none of the simulator's,
// has an AVP that tshark does not know, or a field that it can't read.
func TestGyAsTsharkSeesIt(t *testing.T) {
	Need(t, Tshark, Dumpcap)
	capture, err := StartCapture(t.TempDir())
	require.NoError(t, err)
	ocs, err := gytest.New(gytest.Config{FailureHandling: gy.FailureContinue, Failover: gy.FailoverSupported})
	require.NoError(t, err)
	defer ocs.Close()
	addr, err := ocs.Listen("127.0.0.1:0")
	require.NoError(t, err)
	node := gatewayNode(t, gytest.DefaultHost, addr.String())
	said := gyConversations(t, ocs, node)
	require.NoError(t, capture.Stop())
	wantOnWire(t, capture.File, addr.(*net.TCPAddr).Port, said)
}

// gatewayNode returns a node of ours that is connected to the peer.
func gatewayNode(t *testing.T, host, address string) *diameter.Node {
	t.Helper()
	node, err := diameter.NewNode(diameter.Config{
		OriginHost: serverHost, OriginRealm: diameterRealm, Applications: []diameter.Application{gy.Application},
		Peers: []diameter.PeerConfig{{Host: host, Address: address}},
	})
	require.NoError(t, err)
	node.Start()
	t.Cleanup(func() { require.NoError(t, node.Shutdown(context.Background())) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, node.WaitOpen(ctx, host))
	return node
}
