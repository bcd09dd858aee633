package swx

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
)

// saaNode answers SARs with m, and notes what it was asked.
func saaNode(t testing.TB, m SAA, asked *SAR) *fakeNode {
	return &fakeNode{answer: func(_ context.Context, msg wire.Message) (wire.Message, error) {
		require.NoError(t, asked.Decode(bytes.Clone(msg)), "an HSS takes it")
		return m.Encode(nil, msg.Header())
	}}
}

func TestAssign(t *testing.T) {
	imsi := eap.MustParseIMSI(testIMSI)
	visited, err := eap.ParsePLMN("262", "01")
	require.NoError(t, err)
	gateway := &Gateway{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	standard := func(kind AssignmentType) SAR {
		return SAR{
			Head: Head{
				SessionID:  []byte("aaa1.example;1;1"),
				OriginHost: []byte("aaa1.example"), OriginRealm: []byte("example"), DestinationRealm: []byte("example"),
				UserName: []byte(testIMSI),
			},
			Type: kind,
		}
	}
	update := standard(PGWUpdate)
	update.Gateway, update.VisitedNetwork, update.ContextID, update.APN = gateway, []byte("mnc001.mcc262.3gppnetwork.org"), 3, []byte("internet")
	update.Emergency, update.Terminal = true, &TerminalInformation{IMEI: "350000000000006"}
	there := standard(UserDeregistration)
	there.DestinationHost = []byte("hss1.example")
	restoration := standard(Restoration)
	restoration.ActiveAPNs = []ActiveAPN{{ContextID: 3, APN: "internet", Gateway: gateway}}
	for _, tt := range []struct {
		req  AssignmentRequest
		want SAR
		data bool
	}{
		{AssignmentRequest{Type: Registration}, standard(Registration), true},
		{AssignmentRequest{Type: AAAUserDataRequest}, standard(AAAUserDataRequest), true},
		{AssignmentRequest{Type: UserDeregistration}, standard(UserDeregistration), false},
		{AssignmentRequest{Type: UserDeregistration, Host: "hss1.example"}, there, false},
		{AssignmentRequest{Type: AdministrativeDeregistration}, standard(AdministrativeDeregistration), false},
		{AssignmentRequest{Type: AuthenticationFailure}, standard(AuthenticationFailure), false},
		{AssignmentRequest{Type: AuthenticationTimeout}, standard(AuthenticationTimeout), false},
		{AssignmentRequest{
			Type: PGWUpdate, Gateway: gateway, VisitedPLMN: visited, ContextID: 3, APN: "internet",
			Terminal: update.Terminal, Emergency: true,
		}, update, false},
		{AssignmentRequest{Type: Restoration, ActiveAPNs: restoration.ActiveAPNs}, restoration, true},
	} {
		t.Run(tt.req.Type.String(), func(t *testing.T) {
			m := SAA{ResultCode: ResultSuccess, OriginHost: []byte("hss1.example"), UserName: []byte(testIMSI)}
			if tt.data {
				m.UserData = fullUserData()
			}
			var asked SAR
			c := NewClient(saaNode(t, m, &asked), Config{})
			tt.req.IMSI = imsi
			got, err := c.Assign(t.Context(), tt.req)
			require.NoError(t, err)
			require.Equal(t, Assignment{UserData: m.UserData, Host: "hss1.example"}, got)
			require.Equal(t, tt.want, asked)
			require.Equal(t, tt.data, tt.req.Type.BringsUserData())
		})
	}
}

// The sample's request comes out of a client octet for octet.
func TestAssignIsTheSample(t *testing.T) {
	const realm = "epc.mnc044.mcc555.3gppnetwork.org"
	want := sample(t, "SAR REGISTRATION")
	sid, ok := want.Find(codeSessionID, 0)
	require.True(t, ok)
	c := NewClient(sampleNode{sid: string(sid.Data), realm: realm}, Config{Realm: realm, Host: "hss1." + realm})
	msg, err := c.assignment(nil, &AssignmentRequest{IMSI: eap.MustParseIMSI("555444333222111"), Type: Registration})
	require.NoError(t, err)
	msg.SetHopByHop(want.Header().HopByHop)
	msg.SetEndToEnd(want.Header().EndToEnd)
	require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(msg))
}

func TestAssignmentsThatFail(t *testing.T) {
	other := SAA{ResultCode: ResultSuccess, UserName: []byte("001010000000002")}
	torn := SAA{ResultCode: ResultSuccess, UserData: &UserData{Other: []byte{1, 2, 3, 4}}}
	for _, tt := range []struct {
		name string
		saa  SAA
		want []error
		text string
	}{
		{"unknown", SAA{Experimental: ExperimentalResult{Vendor3GPP, 5001}}, []error{aka.ErrUnknownSubscriber}, "swx: SAR REGISTRATION: Experimental-Result of vendor 10415, 5001 (USER_UNKNOWN)"},
		{"not registered", SAA{Experimental: ExperimentalResult{Vendor3GPP, 5003}}, []error{aka.ErrUnavailable}, "IDENTITY_NOT_REGISTERED"},
		{"elsewhere", SAA{Experimental: ExperimentalResult{Vendor3GPP, 5005}, AAAServerName: []byte("aaa2.example")}, []error{ErrRegisteredElsewhere, aka.ErrUnavailable}, `at "aaa2.example"`},
		{"trouble", SAA{ResultCode: 5012}, []error{aka.ErrUnavailable}, "5012 (UNABLE_TO_COMPLY)"},
		{"no result", SAA{}, []error{aka.ErrUnavailable}, "neither result nor profile"},
		{"another subscriber", other, []error{aka.ErrUnavailable}, "another subscriber"},
		{"profile torn", torn, []error{aka.ErrUnavailable}, "decode"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked SAR
			got, err := NewClient(saaNode(t, tt.saa, &asked), Config{}).Assign(t.Context(), AssignmentRequest{IMSI: eap.MustParseIMSI(testIMSI), Type: Registration})
			require.Zero(t, got)
			requireOnly(t, err, tt.want...)
			require.ErrorContains(t, err, tt.text)
			require.NotContains(t, err.Error(), testIMSI)
		})
	}
	t.Run("answer without result, with a profile", func(t *testing.T) {
		var asked SAR
		got, err := NewClient(saaNode(t, SAA{UserData: fullUserData()}, &asked), Config{}).Assign(t.Context(), AssignmentRequest{IMSI: eap.MustParseIMSI(testIMSI), Type: Registration})
		require.NoError(t, err)
		require.NotNil(t, got.UserData)
	})
	t.Run("answer to another command", func(t *testing.T) {
		_, err := NewClient(answering(t, goodMAA(1)), Config{}).Assign(t.Context(), AssignmentRequest{IMSI: eap.MustParseIMSI(testIMSI), Type: Registration})
		requireOnly(t, err, aka.ErrUnavailable)
	})
	t.Run("not sent", func(t *testing.T) {
		node := &fakeNode{answer: func(context.Context, wire.Message) (wire.Message, error) {
			t.Error("sent")
			return nil, errors.ErrUnsupported
		}}
		c := NewClient(node, Config{})
		_, err := c.Assign(t.Context(), AssignmentRequest{Type: Registration})
		requireOnly(t, err, aka.ErrUnknownSubscriber)
		_, err = c.Assign(t.Context(), AssignmentRequest{IMSI: eap.MustParseIMSI(testIMSI), Type: 2})
		requireOnly(t, err, aka.ErrUnavailable)
		got, err := NewClient(node, Config{Profile: Profile{OmitSAR: true}}).Assign(t.Context(), AssignmentRequest{IMSI: eap.MustParseIMSI(testIMSI), Type: Registration})
		require.NoError(t, err)
		require.Zero(t, got, "an HSS without SAR is not asked")
	})
}

func TestAssignTimeoutHookAndLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := &fakeNode{answer: func(ctx context.Context, _ wire.Message) (wire.Message, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		var out bytes.Buffer
		var infos []SARInfo
		c := NewClient(silent, Config{
			Logger: slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Hooks:  Hooks{SAR: func(_ context.Context, info SARInfo) { infos = append(infos, info) }},
		})
		imsi := eap.MustParseIMSI(testIMSI)
		_, err := c.Assign(t.Context(), AssignmentRequest{IMSI: imsi, Type: UserDeregistration})
		requireOnly(t, err, aka.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []SARInfo{{IMSI: imsi, Type: UserDeregistration, Elapsed: DefaultTimeout, Err: err}}, infos)
		var record map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &record))
		require.Equal(t, "SWx SAR", record["msg"])
		require.Equal(t, "00101**********", record["imsi"])
		require.Equal(t, "USER_DEREGISTRATION", record["type"])
		require.EqualValues(t, DefaultTimeout/time.Nanosecond, record["elapsed"])
	})
}

// TestTakeOver: another AAA server is registered, and has failed; or has not.
func TestTakeOver(t *testing.T) {
	elsewhere := named(exp(Vendor3GPP, 5005), "aaa2.example")
	for _, tt := range []struct {
		name string
		take func(ctx context.Context, imsi eap.IMSI, server string) bool
		mars []bool // AAA-Failure-Indication in each
		err  error
	}{
		{"not asked", nil, []bool{false}, ErrRegisteredElsewhere},
		{"no", func(context.Context, eap.IMSI, string) bool { return false }, []bool{false}, ErrRegisteredElsewhere},
		{"yes", func(_ context.Context, imsi eap.IMSI, server string) bool {
			require.Equal(t, testIMSI, imsi.Digits())
			return server == "aaa2.example"
		}, []bool{false, true}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var mars []bool
			sids := make(map[string]bool)
			node := &fakeNode{answer: func(_ context.Context, msg wire.Message) (wire.Message, error) {
				var mar MAR
				require.NoError(t, mar.Decode(msg))
				mars = append(mars, mar.AAAFailure)
				sids[string(mar.SessionID)] = true
				m := elsewhere
				if mar.AAAFailure {
					m = goodMAA(1)
				}
				return m.Encode(nil, msg.Header())
			}}
			var info MARInfo
			c := NewClient(node, Config{TakeOver: tt.take, Hooks: Hooks{MAR: func(_ context.Context, i MARInfo) { info = i }}})
			vectors, err := c.Vectors(t.Context(), testRequest(aka.SchemeAKA))
			require.Equal(t, tt.mars, mars)
			require.Len(t, sids, len(mars), "a Session-Id for each")
			require.Equal(t, len(mars) > 1, info.TookOver)
			if tt.err == nil {
				require.NoError(t, err)
				require.Len(t, vectors, 1)
				return
			}
			require.ErrorIs(t, err, tt.err)
			var re *ResultError
			require.ErrorAs(t, err, &re)
			require.Equal(t, "aaa2.example", re.AAAServerName)
		})
	}
	t.Run("once", func(t *testing.T) {
		asked := 0
		node := &fakeNode{answer: func(_ context.Context, msg wire.Message) (wire.Message, error) {
			asked++
			m := elsewhere
			return m.Encode(nil, msg.Header())
		}}
		c := NewClient(node, Config{TakeOver: func(context.Context, eap.IMSI, string) bool { return true }})
		_, err := c.Vectors(t.Context(), testRequest(aka.SchemeAKA))
		require.ErrorIs(t, err, ErrRegisteredElsewhere)
		require.Equal(t, 2, asked)
	})
}
