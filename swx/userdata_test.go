package swx

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter/wire"
)

// otherAVP is one that nobody knows.
func otherAVP(n byte) []byte {
	return appendAVP(nil, wire.AVP{Code: 99000 + uint32(n), Vendor: 4242, Flags: wire.FlagMandatory, Data: []byte{n, n, n}})
}

func isOther(a wire.AVP) bool { return a.Vendor == 4242 }

// fullUserData has all that a profile may have, and in each group one AVP that
// nobody knows.
func fullUserData() *UserData {
	gateway := func() *Gateway {
		return &Gateway{
			Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
			Host:      "pgw1.example", Realm: "example", Other: otherAVP(1),
		}
	}
	return &UserData{
		SubscriptionIDs: []SubscriptionID{
			{Type: SubscriptionIMSI, Data: "001010000000001", Other: otherAVP(2)},
			{Type: SubscriptionE164, Data: "491710000001"},
			{Type: SubscriptionE164, Data: "491710000002"},
		},
		Access: AccessAllowed, APNAccess: APNsEnabled,
		RATNotAllowed:           []RATType{RATVirtual, RATUTRAN},
		AMBR:                    &AMBR{Uplink: 10_000_000_000, Downlink: 20_000_000_000, Other: otherAVP(3)},
		ChargingCharacteristics: "0800",
		DefaultContext:          1,
		APNOIReplacement:        "mnc001.mcc001.gprs",
		APNs: []APNConfiguration{
			{
				ContextID: 1, PDNType: PDNIPv4v6, APN: "internet",
				ServedAddresses: []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8:1::")},
				QoS: &QoSProfile{QCI: 9, Other: otherAVP(4), ARP: &ARP{
					PriorityLevel: 8, Capability: PreemptionDisabled, Vulnerability: PreemptionEnabled, Other: otherAVP(5),
				}},
				VPLMNAddress: VPLMNAddressNotAllowed, Allocation: AllocationDynamic,
				Gateway: gateway(), VisitedNetwork: "mnc001.mcc262.3gppnetwork.org",
				ChargingCharacteristics: "0400",
				AMBR:                    &AMBR{Uplink: 50_000_000, Downlink: 100_000_000},
				APNOIReplacement:        "mnc002.mcc001.gprs",
				Other:                   otherAVP(6),
			},
			{
				ContextID: 2, PDNType: PDNIPv4, APN: WildcardAPN,
				SpecificAPNs: []SpecificAPN{{
					APN: "mms", Gateway: gateway(), VisitedNetwork: "mnc001.mcc262.3gppnetwork.org", Other: otherAVP(7),
				}},
			},
		},
		SessionTimeout: 24 * time.Hour,
		MIP6Features:   1 << 40,
		Trace: &TraceInfo{
			Data: &TraceData{
				Reference: []byte{0, 0xf1, 0x10, 0, 0, 1}, Depth: TraceMaximum, NETypes: []byte{1, 2}, Interfaces: []byte{3},
				Events: []byte{4}, OMC: []byte("omc"), Collector: netip.MustParseAddr("192.0.2.9"), Other: otherAVP(8),
			},
			Reference: []byte{0, 0xf1, 0x10, 0, 0, 2},
			Other:     otherAVP(9),
		},
		TWANDefaultContext: 2,
		TWANAccess: []TWANAccess{
			{Flags: AuthorizedEPC | AuthorizedNSWO, HasFlags: true, WLAN: &WLANIdentifier{SSID: "cafe", HESSID: "00-11-22-33-44-55", Other: otherAVP(10)}, Other: otherAVP(11)},
			{HasFlags: true},
		},
		UEUsageType:             7,
		Emergency:               &EmergencyInfo{Gateway: gateway(), Other: otherAVP(12)},
		ERPAuthorization:        1,
		CoreNetworkRestrictions: 2,
		Other:                   append(otherAVP(13), otherAVP(14)...),
	}
}

func appended(t testing.TB, u *UserData) []byte {
	t.Helper()
	b, err := u.Append(nil)
	require.NoError(t, err)
	return b
}

func TestUserDataRoundTrip(t *testing.T) {
	want := fullUserData()
	data := appended(t, want)
	got, err := DecodeUserData(data)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, data, appended(t, got))

	clear(data)
	require.Equal(t, want, got, "the profile has its own memory")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		require.Equal(t, "swx.UserData[redacted]", fmt.Sprintf(verb, *got))
		require.Equal(t, "swx.SubscriptionID[redacted]", fmt.Sprintf(verb, got.SubscriptionIDs[0]))
	}
	out, err := json.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, `"swx.UserData[redacted]"`, string(out))

	none, err := DecodeUserData(nil)
	require.NoError(t, err)
	require.Equal(t, &UserData{}, none)
	require.True(t, none.isEmpty())
	require.False(t, got.isEmpty())
	require.True(t, (*UserData)(nil).isEmpty())
}

// The samples' profiles come out as they went in, octet for octet.
func TestUserDataOfTheSamples(t *testing.T) {
	for _, name := range []string{"SAA with Non-3GPP-User-Data", "PPR new profile (access barred)"} {
		msg := sample(t, name)
		group, ok := msg.Find(codeUserData, Vendor3GPP)
		require.True(t, ok)
		u, err := DecodeUserData(group.Data)
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(group.Data), hex.EncodeToString(appended(t, u)), name)
	}
	msg := sample(t, "SAA with Non-3GPP-User-Data")
	var saa SAA
	require.NoError(t, saa.Decode(msg))
	u := saa.UserData
	require.Equal(t, "555123456789", u.MSISDN())
	require.Equal(t, AccessAllowed, u.Access)
	require.Equal(t, APNsEnabled, u.APNAccess)
	require.Equal(t, AMBR{Uplink: 100_000_000, Downlink: 200_000_000}, *u.AMBR)
	require.Equal(t, 24*time.Hour, u.SessionTimeout)
	require.Equal(t, "0800", u.ChargingCharacteristics)
	apn := u.DefaultAPN()
	require.Equal(t, "internet", apn.APN)
	require.Equal(t, PDNIPv4v6, apn.PDNType)
	require.Equal(t, &QoSProfile{QCI: 9, ARP: &ARP{PriorityLevel: 8, Capability: PreemptionDisabled, Vulnerability: PreemptionEnabled}}, apn.QoS)
	require.Equal(t, VPLMNAddressNotAllowed, apn.VPLMNAddress)
	require.Equal(t, AllocationDynamic, apn.Allocation)
	require.Equal(t, AMBR{Uplink: 50_000_000, Downlink: 100_000_000}, *apn.AMBR)
	require.NoError(t, u.Check(RATWLAN))
}

func group(code, vendor uint32, inside ...[]byte) []byte {
	return appendAVP(nil, wire.AVP{Code: code, Vendor: vendor, Data: bytes.Join(inside, nil)})
}

func num32(code uint32, v ...byte) []byte { return group(code, Vendor3GPP, v) }

// What an HSS sends that is not in the book is neither lost nor fatal.
func TestUserDataKeepsWhatItHasNoFieldFor(t *testing.T) {
	zero := []byte{0, 0, 0, 0}
	for _, tt := range []struct {
		name  string
		data  []byte
		other []byte // what must be in Other, or nil
		check func(t *testing.T, u *UserData)
	}{
		{"an unknown AVP with the M bit", otherAVP(1), otherAVP(1), nil},
		{"a second value", append(num32(1501, 0, 0, 0, 1), num32(1501, 0, 0, 0, 0)...), nil, func(t *testing.T, u *UserData) {
			require.Equal(t, AccessBarred, u.Access, "the first counts")
			require.NotEmpty(t, u.Other)
		}},
		{"a number that is zero", num32(1423, zero...), nil, func(t *testing.T, u *UserData) { require.NotEmpty(t, u.Other) }},
		{"an access that nobody knows", num32(1501, 0, 0, 0, 9), nil, func(t *testing.T, u *UserData) {
			require.Equal(t, "value 9", u.Access.String())
			require.ErrorIs(t, u.Check(RATWLAN), aka.ErrBarred)
		}},
		{"the last of all values", num32(1501, 255, 255, 255, 255), nil, func(t *testing.T, u *UserData) {
			require.Zero(t, u.Access)
			require.NotEmpty(t, u.Other)
		}},
		{"a bare BARRED", num32(1501, 0, 0, 0, 1), nil, func(t *testing.T, u *UserData) {
			require.ErrorIs(t, u.Check(RATWLAN), aka.ErrBarred)
			require.Nil(t, u.DefaultAPN())
		}},
		{"an address of another family", group(1430, Vendor3GPP, group(848, Vendor3GPP, []byte{0, 8, '4', '9'})), nil, func(t *testing.T, u *UserData) {
			require.Empty(t, u.APNs[0].ServedAddresses)
			require.NotEmpty(t, u.APNs[0].Other)
		}},
		{"a host of the gateway with more in it", group(1430, Vendor3GPP, group(486, 0, group(348, 0, group(283, 0, []byte("example")), otherAVP(3)))), nil, func(t *testing.T, u *UserData) {
			require.Empty(t, u.APNs[0].Gateway.Realm)
			require.NotEmpty(t, u.APNs[0].Gateway.Other)
		}},
		{"an extended rate beside one that needs none", group(1435, Vendor3GPP, num32(516, 0, 0, 0, 9), num32(555, 0, 0, 0, 1), num32(555, 0, 0, 0, 2)), nil, func(t *testing.T, u *UserData) {
			require.EqualValues(t, 9, u.AMBR.Uplink)
			require.NotEmpty(t, u.AMBR.Other)
		}},
		{"an extended rate that is needed", group(1435, Vendor3GPP, num32(516, 255, 255, 255, 255), num32(555, 0, 0x4c, 0x4b, 0x40)), nil, func(t *testing.T, u *UserData) {
			require.EqualValues(t, 5_000_000_000, u.AMBR.Uplink)
			require.Empty(t, u.AMBR.Other)
		}},
		{"no padding at the end", []byte{0, 0, 0, 0x1b, 0x40, 0, 0, 12, 0, 0, 0, 9, 0, 0, 5, 0x93, 0x80, 0, 0, 13, 0, 0, 0x28, 0xaf, 'x'}, nil, func(t *testing.T, u *UserData) {
			require.Equal(t, 9*time.Second, u.SessionTimeout)
			require.Equal(t, "x", u.APNOIReplacement)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := DecodeUserData(tt.data)
			require.NoError(t, err)
			if tt.other != nil {
				require.Equal(t, tt.other, u.Other)
			}
			if tt.check != nil {
				tt.check(t, u)
			}
			again, err := DecodeUserData(appended(t, u))
			require.NoError(t, err)
			require.Equal(t, u, again)
		})
	}
}

func TestUserDataDecodeErrors(t *testing.T) {
	many := func(avp []byte) []byte { return bytes.Repeat(avp, maxRepeats+1) }
	for _, tt := range []struct {
		name   string
		data   []byte
		result uint32
		code   uint32
	}{
		{"torn", []byte{0, 0, 1}, 5014, 1500},
		{"AVP beyond the group", []byte{0, 0, 0, 27, 0x40, 0, 0, 16, 0, 0, 0, 1}, 5014, 1500},
		{"access of 2 octets", num32(1501, 0, 0), 5014, 1501},
		{"session time-out of 8 octets", group(27, 0, make([]byte, 8)), 5014, 27},
		{"features of 4 octets", group(124, 0, make([]byte, 4)), 5014, 124},
		{"RAT of 3 octets", num32(1032, 0, 0, 0), 5014, 1032},
		{"APN torn", group(1430, Vendor3GPP, []byte{1, 2, 3}), 5014, 1430},
		{"PDN type of no octets", group(1430, Vendor3GPP, num32(1456)), 5014, 1456},
		{"IPv4 of 5 octets", group(1430, Vendor3GPP, group(848, Vendor3GPP, []byte{0, 1, 1, 2, 3, 4, 5})), 5014, 848},
		{"IPv6 of 4 octets", group(1430, Vendor3GPP, group(848, Vendor3GPP, []byte{0, 2, 1, 2, 3, 4})), 5014, 848},
		{"address of 1 octet", group(1430, Vendor3GPP, group(848, Vendor3GPP, []byte{0})), 5014, 848},
		{"ARP torn", group(1430, Vendor3GPP, group(1431, Vendor3GPP, group(1034, Vendor3GPP, []byte{7}))), 5014, 1034},
		{"too many APNs", many(group(1430, Vendor3GPP)), 5009, 1430},
		{"too many numbers", many(group(443, 0)), 5009, 443},
		{"too many RATs", many(num32(1032, 0, 0, 0, 1)), 5009, 1032},
		{"too many WLANs", many(group(1510, Vendor3GPP)), 5009, 1510},
		{"too many gateway addresses", group(1430, Vendor3GPP, group(486, 0, many(group(334, 0, []byte{0, 1, 1, 2, 3, 4})))), 5009, 334},
		{"too many APNs below a wildcard", group(1430, Vendor3GPP, many(group(1472, Vendor3GPP))), 5009, 1472},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := DecodeUserData(tt.data)
			require.Nil(t, u)
			var de *DecodeError
			require.ErrorAs(t, err, &de)
			require.Equal(t, tt.result, de.ResultCode)
			require.Equal(t, tt.code, de.AVP.Code)
		})
	}
	tooLong := &UserData{Other: make([]byte, maxMessage+1)}
	_, err := tooLong.Append(nil)
	require.ErrorIs(t, err, wire.ErrLength)
	saa := SAA{UserData: tooLong}
	_, err = saa.Encode(nil, wire.Header{})
	require.ErrorIs(t, err, wire.ErrLength)
}

func TestUserDataHelpers(t *testing.T) {
	u := fullUserData()
	require.Equal(t, "491710000001", u.MSISDN(), "the first of several")
	require.Equal(t, WildcardAPN, u.DefaultAPN().APN, "the WLAN's own default")
	u.TWANDefaultContext = 0
	require.Equal(t, "internet", u.DefaultAPN().APN)
	u.DefaultContext = 77
	require.Nil(t, u.DefaultAPN())
	require.Equal(t, "internet", u.APN("Internet").APN)
	require.Equal(t, WildcardAPN, u.APN("other").APN)
	u.APNs = u.APNs[:1]
	require.Nil(t, u.APN("other"))
	require.NoError(t, u.Check(RATWLAN))
	require.ErrorIs(t, u.Check(RATUTRAN), aka.ErrRATNotAllowed)
	u.Access = AccessBarred
	require.ErrorIs(t, u.Check(RATWLAN), aka.ErrBarred)
	require.NoError(t, new(UserData).Check(RATWLAN), "a profile that does not say")
	require.Empty(t, new(UserData).MSISDN())
	u = &UserData{SessionTimeout: time.Millisecond}
	again, err := DecodeUserData(appended(t, u))
	require.NoError(t, err)
	require.Equal(t, time.Second, again.SessionTimeout)
}

func TestNames(t *testing.T) {
	require.Equal(t, "absent allowed barred value 2", fmt.Sprint(IPAccess(0), AccessAllowed, AccessBarred, IPAccess(3)))
	require.Equal(t, "enabled disabled", fmt.Sprint(APNsEnabled, APNsDisabled))
	require.Equal(t, "IPv4 Non-IP", fmt.Sprint(PDNIPv4, PDNNonIP))
	require.Equal(t, "allowed not allowed", fmt.Sprint(VPLMNAddressAllowed, VPLMNAddressNotAllowed))
	require.Equal(t, "static dynamic", fmt.Sprint(AllocationStatic, AllocationDynamic))
	require.Equal(t, "enabled disabled", fmt.Sprint(PreemptionEnabled, PreemptionDisabled))
	require.Equal(t, "E.164 private", fmt.Sprint(SubscriptionE164, SubscriptionPrivate))
	require.Equal(t, "minimum", TraceMinimum.String())
	require.Equal(t, "WLAN EHRPD RATType(9)", fmt.Sprint(RATWLAN, RATEHRPD, RATType(9)))
	require.Equal(t, "reset, P-CSCF restoration", (PPRReset | PPRPCSCFRestoration).String())
	require.Equal(t, "0x0", PPRFlags(0).String())
	require.Equal(t, "access network info, local time, 0x10", PPRFlags(0x16).String())
	require.Equal(t, "NO_STATE_MAINTAINED STATE_MAINTAINED absent SessionState(3)",
		fmt.Sprint(NoStateMaintained, StateMaintained, StateAbsent, SessionState(3)))
	require.Equal(t, "vendor-specific; vendor-specific, Auth-Application-Id first; Auth-Application-Id; both; ApplicationForm(4)",
		fmt.Sprintf("%v; %v; %v; %v; %v", ApplicationVendorSpecific, ApplicationAuthFirst, ApplicationAuth, ApplicationBoth, ApplicationForm(4)))
}

func FuzzDecodeUserData(f *testing.F) {
	f.Add(appended(f, fullUserData()))
	for _, msg := range samples(f) {
		if a, ok := msg.Find(codeUserData, Vendor3GPP); ok {
			f.Add(a.Data)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := DecodeUserData(b)
		if err != nil {
			var de *DecodeError
			require.ErrorAs(t, err, &de)
			require.NotZero(t, de.ResultCode)
			return
		}
		out := appended(t, u)
		again, err := DecodeUserData(out)
		require.NoError(t, err)
		require.Equal(t, u, again)
		require.Equal(t, out, appended(t, again))
	})
}

func BenchmarkDecodeUserData(b *testing.B) {
	a, _ := sample(b, "SAA with Non-3GPP-User-Data").Find(codeUserData, Vendor3GPP)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeUserData(a.Data); err != nil {
			b.Fatal(err)
		}
	}
}
