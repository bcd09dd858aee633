package swx

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func fullSAR() SAR {
	gateway := &Gateway{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Host: "pgw1.example", Realm: "example"}
	return SAR{
		Head:           fullHead("aaa1.example", "hss1.example"),
		Type:           PGWUpdate,
		Gateway:        gateway,
		VisitedNetwork: []byte("mnc001.mcc001.3gppnetwork.org"),
		ContextID:      3,
		APN:            []byte("internet"),
		ActiveAPNs: []ActiveAPN{
			{ContextID: 3, APN: "internet", Gateway: gateway, VisitedNetwork: "mnc001.mcc001.3gppnetwork.org", Other: otherAVP(1)},
			{ContextID: 4, APN: "*", SpecificAPNs: []SpecificAPN{{APN: "mms", Gateway: gateway}}},
		},
		Terminal:  &TerminalInformation{IMEI: "350000000000006", Other: otherAVP(2)},
		Emergency: true,
	}
}

func TestSARRoundTrip(t *testing.T) {
	for form := range applicationForms {
		for state := range sessionStates {
			want := fullSAR()
			want.Application, want.SessionState = form, state
			msg, err := want.Encode(nil)
			require.NoError(t, err)
			var got SAR
			require.NoError(t, got.Decode(msg))
			require.Equal(t, want, got)
			require.Equal(t, "swx.SAR[redacted]", fmt.Sprintf("%+v", got))
			require.Equal(t, "swx.TerminalInformation[redacted]", fmt.Sprintf("%+v", *got.Terminal))
		}
	}
}

func TestSARDecodeErrors(t *testing.T) {
	full := fullSAR()
	good, err := full.Encode(nil)
	require.NoError(t, err)
	for _, tt := range []struct {
		name         string
		msg          wire.Message
		result       uint32
		code, vendor uint32
	}{
		{"no Session-Id", edit(t, good, is(263, 0)), 5005, 263, 0},
		{"no application", edit(t, good, is(260, 0)), 5005, 260, 0},
		{"no Origin-Host", edit(t, good, is(264, 0)), 5005, 264, 0},
		{"no Destination-Realm", edit(t, good, is(283, 0)), 5005, 283, 0},
		{"no User-Name", edit(t, good, is(1, 0)), 5005, 1, 0},
		{"no type", edit(t, good, is(614, Vendor3GPP)), 5005, 614, Vendor3GPP},
		{"type of 2 octets", edit(t, good, is(614, Vendor3GPP), wire.AVP{Code: 614, Vendor: Vendor3GPP, Data: []byte{0, 1}}), 5014, 614, Vendor3GPP},
		{"gateway torn", edit(t, good, is(486, 0), wire.AVP{Code: 486, Data: []byte{1}}), 5014, 486, 0},
		{"active APN torn", edit(t, good, nil, wire.AVP{Code: 1612, Vendor: Vendor3GPP, Data: []byte{1}}), 5014, 1612, Vendor3GPP},
		{"unknown mandatory AVP", edit(t, good, nil, wire.AVP{Code: 4242, Vendor: 99, Flags: wire.FlagMandatory}), 5001, 4242, 99},
		{"stray octets", good[:len(good)-3], 5014, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantDecodeError(t, new(SAR), tt.msg, tt.result, tt.code, tt.vendor)
		})
	}
}

func TestSAARoundTrip(t *testing.T) {
	want := SAA{
		Flags: wire.FlagProxiable, SessionID: []byte("a;1;2"), ResultCode: ResultSuccess,
		Experimental: ExperimentalResult{Vendor: Vendor3GPP, Code: 2001},
		OriginHost:   []byte("hss1.example"), OriginRealm: []byte("example"), UserName: []byte("001010000000001"),
		UserData: fullUserData(), AAAServerName: []byte("aaa2.example"),
	}
	h := wire.Header{Flags: wire.FlagRequest | wire.FlagProxiable, Command: CommandServerAssignment, HopByHop: 7, EndToEnd: 9}
	msg, err := want.Encode(nil, h)
	require.NoError(t, err)
	require.Equal(t, wire.Header{Flags: wire.FlagProxiable, Command: 301, Application: ApplicationID, HopByHop: 7, EndToEnd: 9}, msg.Header())
	var got SAA
	require.NoError(t, got.Decode(msg))
	require.Equal(t, want, got)
	require.Equal(t, "swx.SAA[redacted]", fmt.Sprintf("%+v", got))

	for _, a := range []wire.AVP{
		{Code: 268, Data: []byte{1}}, {Code: 297, Data: []byte{1}}, {Code: 1500, Vendor: Vendor3GPP, Data: []byte{1}},
	} {
		var de *DecodeError
		require.ErrorAs(t, got.Decode(edit(t, msg, is(a.Code, a.Vendor), a)), &de)
		require.Equal(t, a.Code, de.AVP.Code)
	}
	require.Error(t, got.Decode(msg[:len(msg)-2]))
}

func TestAssignmentTypes(t *testing.T) {
	var valid, deregister, data []AssignmentType
	for n := range AssignmentType(20) {
		if n.IsValid() {
			valid = append(valid, n)
			require.NotContains(t, n.String(), "AssignmentType")
		} else {
			require.Contains(t, n.String(), "AssignmentType(")
		}
		if n.Deregisters() {
			deregister = append(deregister, n)
		}
		if n.BringsUserData() {
			data = append(data, n)
		}
	}
	require.Equal(t, []AssignmentType{1, 5, 8, 9, 10, 12, 13, 14}, valid)
	require.Equal(t, []AssignmentType{5, 8, 9, 10}, deregister)
	require.Equal(t, []AssignmentType{1, 12, 14}, data)
}

func FuzzDecodeSAR(f *testing.F) {
	fuzzRequest(f, fullSAR(), func(t *testing.T, m, again *SAR) { require.Equal(t, m, again) })
}

func FuzzDecodeSAA(f *testing.F) {
	for _, msg := range samples(f) {
		f.Add([]byte(msg))
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		if msg, err := wire.Parse(b); err == nil {
			_ = new(SAA).Decode(msg)
		}
	})
}
