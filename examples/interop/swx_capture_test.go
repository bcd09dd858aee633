package interop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// TestSWxAsTsharkSeesIt: the SARs of each kind, RTAs and PPAs that we send, and
// the simulator's messages with a profile that has everything, have no AVP that
// tshark does not know, or a field that it can't read.
func TestSWxAsTsharkSeesIt(t *testing.T) {
	Need(t, Tshark, Dumpcap)
	capture, err := StartCapture(t.TempDir())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	hss, err := swxtest.New(swxtest.Config{})
	require.NoError(t, err)
	defer hss.Close()
	require.NoError(t, hss.Add(swxtest.Subscriber{IMSI: imsi(0), K: [16]byte{1}, OPc: [16]byte{2}, Profile: everything()}))
	addr, err := hss.Listen("127.0.0.1:0")
	require.NoError(t, err)
	node, err := diameter.NewNode(diameter.Config{
		OriginHost: serverHost, OriginRealm: diameterRealm,
		Applications: []diameter.Application{swx.Application},
		Peers:        []diameter.PeerConfig{{Host: swxtest.DefaultHost, Address: addr.String()}},
	})
	require.NoError(t, err)
	defer node.Close()
	var verdict error
	(&swx.Handler{
		Terminate: func(context.Context, swx.Termination) error { return verdict },
		Update:    func(context.Context, swx.ProfileUpdate) error { return verdict },
	}).Register(node)
	node.Start()
	require.NoError(t, node.WaitOpen(ctx, ""))

	client := swx.NewClient(node, swx.Config{})
	visited, err := eap.ParsePLMN("262", "01")
	require.NoError(t, err)
	login := aka.VectorRequest{IMSI: imsi(0), Scheme: aka.SchemeAKAPrime, NetworkName: "WLAN", Peer: eap.Peer{VisitedPLMN: visited}}
	gateway := &swx.Gateway{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Host: "pgw1.example.net", Realm: "example.net"}

	// Every form of a request; the simulator takes two of them.
	for form := range 4 {
		for state := range 3 {
			c := swx.NewClient(node, swx.Config{
				Profile:  swx.Profile{Application: swx.ApplicationForm(form), SessionState: swx.SessionState(state)},
				TakeOver: func(context.Context, eap.IMSI, string) bool { return true },
			})
			_, _ = c.Vectors(ctx, login)
		}
	}
	// What has to be in the capture: command, request or answer, result,
	// experimental result, assignment type.
	want := []string{"303 1   "}
	for _, req := range []swx.AssignmentRequest{
		{Type: swx.Registration, Terminal: &swx.TerminalInformation{IMEI: "350000000000006", SoftwareVersion: "01"}},
		{Type: swx.AAAUserDataRequest},
		{Type: swx.PGWUpdate, APN: "internet", ContextID: 1, Gateway: gateway, VisitedPLMN: visited, Emergency: true},
		{Type: swx.Restoration, ActiveAPNs: []swx.ActiveAPN{{APN: "internet", ContextID: 1, Gateway: gateway, VisitedNetwork: visited.Realm("")}}},
		{Type: swx.AuthenticationFailure},
		{Type: swx.AuthenticationTimeout},
		{Type: swx.AdministrativeDeregistration},
		{Type: swx.UserDeregistration},
	} {
		_, err := client.Vectors(ctx, login)
		require.NoError(t, err)
		req.IMSI = imsi(0)
		_, err = client.Assign(ctx, req)
		require.NoError(t, err, req.Type)
		want = append(want, fmt.Sprintf("301 1   %d", req.Type))
	}

	// What the HSS is told.
	for _, tt := range []struct {
		verdict error
		results string
	}{
		{nil, "2001  "},
		{aka.ErrUnknownSubscriber, " 5001 "},
		{errors.New("store is down"), "5012  "},
	} {
		verdict = tt.verdict
		_, err := client.Vectors(ctx, login)
		require.NoError(t, err)
		_, err = hss.Push(ctx, imsi(0))
		require.NoError(t, err)
		_, err = hss.PushFlags(ctx, imsi(0), swx.PPRReset)
		require.NoError(t, err)
		_, err = hss.Terminate(ctx, imsi(0), swx.ReasonPermanentTermination)
		require.NoError(t, err)
		want = append(want, "304 0 "+tt.results, "305 0 "+tt.results)
	}
	// Failed-AVP in both.
	for _, m := range []interface {
		Encode([]byte) (wire.Message, error)
	}{
		&swx.RTR{SessionID: []byte("hss;1;1"), DestinationHost: []byte(serverHost), DestinationRealm: []byte(diameterRealm)},
		&swx.PPR{Head: swx.Head{SessionID: []byte("hss;1;2"), DestinationHost: []byte(serverHost), DestinationRealm: []byte(diameterRealm), UserName: []byte(imsi(0).Digits())}},
	} {
		msg, err := m.Encode(nil)
		require.NoError(t, err)
		_, err = hss.Node().Exchange(ctx, msg)
		require.NoError(t, err)
		want = append(want, fmt.Sprintf("%d 0 5005  ", msg.Header().Command))
	}

	port := addr.(*net.TCPAddr).Port
	ours := fmt.Sprintf("tcp.port == %d", port)
	decoder := blameless(t, capture, ours, port)
	seen, err := decoder.Run(capture.File, "-Y", ours+" && diameter", "-T", "fields", "-E", "separator= ",
		"-e", "diameter.cmd.code", "-e", "diameter.flags.request",
		"-e", "diameter.Result-Code", "-e", "diameter.Experimental-Result-Code", "-e", "diameter.Server-Assignment-Type")
	require.NoError(t, err)
	require.Subset(t, seen, want)
}

// everything is a profile with all that one may have.
func everything() *swx.UserData {
	gateway := &swx.Gateway{
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
		Host:      "pgw1.example.net", Realm: "example.net",
	}
	u := swxtest.DefaultProfile()
	u.SubscriptionIDs = []swx.SubscriptionID{{Type: swx.SubscriptionE164, Data: "491710000001"}}
	u.RATNotAllowed = []swx.RATType{swx.RATVirtual}
	u.AMBR = &swx.AMBR{Uplink: 10_000_000_000, Downlink: 20_000_000_000}
	u.ChargingCharacteristics = "0800"
	u.APNOIReplacement = "mnc001.mcc001.gprs"
	u.SessionTimeout = time.Hour
	u.MIP6Features = 1
	u.Trace = &swx.TraceInfo{Reference: []byte{0x00, 0xf1, 0x10, 0, 0, 1}, Data: &swx.TraceData{
		Reference: []byte{0x00, 0xf1, 0x10, 0, 0, 1}, Depth: swx.TraceMaximum, NETypes: []byte{0, 1}, Interfaces: make([]byte, 12),
		Events: make([]byte, 9), OMC: []byte("omc"), Collector: netip.MustParseAddr("192.0.2.9"),
	}}
	u.TWANDefaultContext = 1
	u.TWANAccess = []swx.TWANAccess{{
		HasFlags: true, Flags: swx.AuthorizedEPC | swx.AuthorizedNSWO,
		WLAN: &swx.WLANIdentifier{SSID: "cafe", HESSID: "00-11-22-33-44-55"},
	}}
	u.UEUsageType, u.ERPAuthorization, u.CoreNetworkRestrictions = 1, 1, 1
	u.Emergency = &swx.EmergencyInfo{Gateway: gateway}
	apn := &u.APNs[0]
	apn.ServedAddresses = []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8:1::")}
	apn.QoS.ARP.Vulnerability = swx.PreemptionEnabled
	apn.VPLMNAddress, apn.Allocation, apn.Gateway = swx.VPLMNAddressAllowed, swx.AllocationDynamic, gateway
	apn.VisitedNetwork, apn.ChargingCharacteristics, apn.APNOIReplacement = "mnc001.mcc262.3gppnetwork.org", "0400", u.APNOIReplacement
	u.APNs = append(u.APNs, swx.APNConfiguration{
		ContextID: 2, PDNType: swx.PDNIPv4, APN: swx.WildcardAPN,
		SpecificAPNs: []swx.SpecificAPN{{APN: "mms", Gateway: gateway, VisitedNetwork: apn.VisitedNetwork}},
	})
	return u
}
