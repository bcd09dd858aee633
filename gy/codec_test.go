package gy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/dict"
)

// fullUnits has every unit, and what only granted or only used units have.
func fullUnits() Units {
	return Units{
		Has:      UnitTime | UnitMoney | UnitTotal | UnitInput | UnitOutput | UnitSpecific,
		Time:     1,
		Total:    1 << 40,
		Input:    2,
		Output:   3,
		Specific: 4,
		Money:    Money{Digits: -1234, Exponent: -2, Currency: 978},
	}
}

func fullMSCC() MSCC {
	granted, used := fullUnits(), fullUnits()
	granted.TariffChange = time.Unix(1700003600, 0)
	used.Usage, used.Reason = TariffBefore, ReasonQuotaExhausted
	return MSCC{
		RatingGroup: 100, HasRatingGroup: true,
		ServiceIDs: []uint32{7, 8},
		Granted:    granted, HasGranted: true,
		Requested: fullUnits(), HasRequested: true,
		Used:         []Units{used, {Has: UnitTotal, Usage: TariffAfter, Total: 9}},
		Usage:        TariffAfter,
		ResultCode:   ResultCreditLimitReached,
		ValidityTime: 600,
		Final: FinalUnit{
			Action:    FinalRestrict,
			Filters:   [][]byte{[]byte("permit in ip from any to 192.0.2.1")},
			FilterIDs: [][]byte{[]byte("garden"), []byte("portal")},
			Redirect:  Redirect{RedirectURL, []byte("http://topup.example.net/")},
		},
		HasFinal:      true,
		TimeThreshold: 10, VolumeThreshold: 20, UnitThreshold: 30,
		HoldingTime: 0, HasHoldingTime: true,
		ConsumptionTime: 40,
		Reason:          ReasonFinal,
	}
}

func fullCCR() CCR {
	return CCR{
		Retransmitted:    true,
		SessionID:        []byte("twag1.example.net;1;2"),
		OriginHost:       []byte("twag1.example.net"),
		OriginRealm:      []byte("example.net"),
		DestinationRealm: []byte("charging.example.net"),
		DestinationHost:  []byte("ocs1.charging.example.net"),
		ServiceContextID: []byte("32251@3gpp.org"),
		Type:             RequestUpdate,
		Number:           7,
		UserName:         []byte("user@example.net"),
		OriginStateID:    5,
		EventTimestamp:   time.Unix(1700000000, 0),
		Subscriptions:    []Subscription{{SubscriptionIMSI, []byte("001010000000001")}, {SubscriptionNAI, []byte("u@r")}},
		Cause:            CauseLogout,
		MultipleServices: true,
		Services:         []MSCC{fullMSCC(), {HasRequested: true, RatingGroup: 1, HasRatingGroup: true}},
		Equipment:        Equipment{EquipmentMAC, []byte("02-00-00-00-00-01")},
		PS: PSInformation{
			ChargingID:              []byte{0, 0, 0, 1},
			PDPAddress:              netip.MustParseAddr("10.0.0.2"),
			GGSNAddress:             netip.MustParseAddr("2001:db8::1"),
			SGSNAddress:             netip.MustParseAddr("192.0.2.30"),
			CalledStationID:         []byte("internet"),
			RATType:                 []byte{3},
			ChargingCharacteristics: []byte("0800"),
			SGSNMCCMNC:              []byte("00101"),
			GGSNMCCMNC:              []byte("00102"),
			MSTimeZone:              []byte{0x40, 0},
			UserLocation:            []byte{1, 2, 3},
			SSID:                    []byte("cafe"),
			BSSID:                   []byte("02-00-00-00-00-02"),
		},
		ProxyInfo: [][]byte{{0, 0, 1, 24, 0x40, 0, 0, 9, 'p', 0, 0, 0}},
	}
}

func fullCCA() CCA {
	return CCA{
		SessionID:       []byte("twag1.example.net;1;2"),
		ResultCode:      ResultSuccess,
		OriginHost:      []byte("ocs1.charging.example.net"),
		OriginRealm:     []byte("charging.example.net"),
		Type:            RequestUpdate,
		Number:          7,
		Failover:        FailoverSupported,
		FailureHandling: FailureTerminate,
		OriginStateID:   9,
		Services:        []MSCC{fullMSCC()},
		Granted:         fullUnits(), HasGranted: true,
		Final:        FinalUnit{Action: FinalTerminate},
		HasFinal:     true,
		ValidityTime: 60,
	}
}

func TestCCRRoundTrip(t *testing.T) {
	want := fullCCR()
	msg, err := want.Encode(make([]byte, 0, 2048))
	require.NoError(t, err)
	require.NotZero(t, msg.Header().Flags&wire.FlagRetransmitted)
	var got CCR
	for range 2 { // the second time into used memory
		require.NoError(t, got.Decode(msg))
		again, err := got.Encode(nil)
		require.NoError(t, err)
		require.Equal(t, []byte(msg), []byte(again))
	}
	require.Equal(t, want.PS, got.PS)
	require.Equal(t, want.Services[0], got.Services[0])
	require.Equal(t, want.EventTimestamp.Unix(), got.EventTimestamp.Unix())
	require.Len(t, got.Subscriptions, 2)
}

func TestCCARoundTrip(t *testing.T) {
	want := fullCCA()
	req := wire.Header{Flags: wire.FlagRequest | wire.FlagProxiable, Command: CommandCreditControl, Application: ApplicationID, HopByHop: 3, EndToEnd: 4}
	msg, err := want.Encode(nil, req)
	require.NoError(t, err)
	require.EqualValues(t, 3, msg.Header().HopByHop)
	require.EqualValues(t, wire.FlagProxiable, msg.Header().Flags)
	var got CCA
	for range 2 {
		require.NoError(t, got.Decode(msg))
		again, err := got.Encode(nil, req)
		require.NoError(t, err)
		require.Equal(t, []byte(msg), []byte(again))
	}
	require.Equal(t, FailoverSupported, got.Failover)
	require.Equal(t, FailureTerminate, got.FailureHandling)
	require.Equal(t, want.Services[0].Final, got.Services[0].Final)
	require.True(t, got.HasGranted)
}

func TestServerRequestsRoundTrip(t *testing.T) {
	rar := RAR{
		SessionID: []byte("s"), OriginHost: []byte("o"), OriginRealm: []byte("r"),
		DestinationRealm: []byte("dr"), DestinationHost: []byte("dh"),
		RatingGroup: 100, HasRatingGroup: true,
	}
	msg, err := rar.Encode(nil)
	require.NoError(t, err)
	require.EqualValues(t, CommandReAuth, msg.Header().Command)
	var gotRAR RAR
	require.NoError(t, gotRAR.Decode(msg))
	require.Equal(t, rar, gotRAR)

	asr := ASR{[]byte("s"), []byte("o"), []byte("r"), []byte("dr"), []byte("dh")}
	msg, err = asr.Encode(nil)
	require.NoError(t, err)
	require.EqualValues(t, CommandAbortSession, msg.Header().Command)
	var gotASR ASR
	require.NoError(t, gotASR.Decode(msg))
	require.Equal(t, asr, gotASR)

	ans := ServerAnswer{[]byte("s"), ResultLimitedSuccess, []byte("o"), []byte("r")}
	a, err := ans.Encode(nil, msg.Header())
	require.NoError(t, err)
	require.False(t, a.Header().IsRequest())
	var gotAns ServerAnswer
	require.NoError(t, gotAns.Decode(a))
	require.Equal(t, ans, gotAns)
}

// edit decodes the AVPs of msg, changes them, and builds the message again.
func edit(t *testing.T, msg wire.Message, change func([]wire.AVP) []wire.AVP) wire.Message {
	t.Helper()
	var all []wire.AVP
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		all = append(all, a)
	}
	require.NoError(t, r.Err())
	b := wire.NewBuilder(nil, msg.Header())
	for _, a := range change(all) {
		b.AVP(a)
	}
	m, err := b.Message()
	require.NoError(t, err)
	return m
}

func without(code uint32) func([]wire.AVP) []wire.AVP {
	return func(all []wire.AVP) []wire.AVP {
		var kept []wire.AVP
		for _, a := range all {
			if a.Code != code {
				kept = append(kept, a)
			}
		}
		return kept
	}
}

func with(extra ...wire.AVP) func([]wire.AVP) []wire.AVP {
	return func(all []wire.AVP) []wire.AVP { return append(all, extra...) }
}

func TestCCRDecodeRefuses(t *testing.T) {
	full := fullCCR()
	msg, err := full.Encode(nil)
	require.NoError(t, err)
	many := func(a wire.AVP, n int) []wire.AVP {
		var all []wire.AVP
		for range n {
			all = append(all, a)
		}
		return all
	}
	group := func(code uint32, data ...byte) wire.AVP { return wire.AVP{Code: code, Flags: 0x40, Data: data} }
	for _, c := range []struct {
		name   string
		change func([]wire.AVP) []wire.AVP
		code   uint32
		blame  uint32
	}{
		{"no Session-Id", without(263), 5005, 263},
		{"no Origin-Host", without(264), 5005, 264},
		{"no Origin-Realm", without(296), 5005, 296},
		{"no Destination-Realm", without(283), 5005, 283},
		{"no Auth-Application-Id", without(258), 5005, 258},
		{"no Service-Context-Id", without(461), 5005, 461},
		{"no CC-Request-Type", without(416), 5005, 416},
		{"no CC-Request-Number", without(415), 5005, 415},
		{"another application", with(group(258, 0, 0, 0, 5)), 5004, 258},
		{"request type 0", with(group(416, 0, 0, 0, 0)), 5004, 416},
		{"request type 5", with(group(416, 0, 0, 0, 5)), 5004, 416},
		{"short number", with(group(415, 0, 0)), 5014, 415},
		{"short timestamp", with(group(55, 0)), 5014, 55},
		{"unknown with M", with(group(9999, 0)), 5001, 9999},
		{"subscription without data", with(group(443)), 5005, 444},
		{"too many services", with(many(group(456), 65)...), 5009, 456},
		{"too many subscriptions", with(many(wire.AVP{Code: 443, Flags: 0x40, Data: []byte{0, 0, 1, 0xbc, 0x40, 0, 0, 8}}, 17)...), 5009, 443},
		{"too many Proxy-Infos", with(many(group(284), 17)...), 5009, 284},
		{"broken MSCC", with(group(456, 0, 0, 1)), 5014, 456},
		{"octets of 4 octets", with(group(456, 0, 0, 1, 0xbe, 0x40, 0, 0, 20, 0, 0, 1, 0xa5, 0x40, 0, 0, 12, 0, 0, 0, 0)), 5014, 421},
		{"Tariff-Change-Usage 3", with(group(456, 0, 0, 1, 0xc4, 0x40, 0, 0, 12, 0, 0, 0, 3)), 5004, 452},
		{"Reporting-Reason 10", with(group(456, 0, 0, 3, 0x68, 0xc0, 0, 0, 16, 0, 0, 0x28, 0xaf, 0, 0, 0, 10)), 5004, 872},
		{"address of 3 octets", with(wire.AVP{Code: 873, Vendor: Vendor3GPP, Flags: 0xc0, Data: []byte{
			0, 0, 3, 0x6a, 0xc0, 0, 0, 29, 0, 0, 0x28, 0xaf, 0, 0, 3, 0x4f, 0xc0, 0, 0, 17, 0, 0, 0x28, 0xaf, 0, 1, 1, 2, 3}}), 5014, 847},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m CCR
			err := m.Decode(edit(t, msg, c.change))
			var de *DecodeError
			require.ErrorAs(t, err, &de)
			require.Equal(t, c.code, de.ResultCode, err)
			require.Equal(t, c.blame, de.AVP.Code, err)
			require.NotContains(t, err.Error(), "001010000000001")
		})
	}
}

func TestCCRDecodeTolerates(t *testing.T) {
	full := fullCCR()
	msg, err := full.Encode(nil)
	require.NoError(t, err)
	var m CCR
	require.NoError(t, m.Decode(edit(t, msg, with(
		wire.AVP{Code: 9999, Data: []byte{1}},            // unknown without M
		wire.AVP{Code: 282, Flags: 0x40, Data: []byte{}}, // Route-Record
		wire.AVP{Code: 440, Flags: 0x40, Data: []byte{}}, // Service-Parameter-Info
	))))
}

func TestCCADecodeTolerates(t *testing.T) {
	full := fullCCA()
	msg, err := full.Encode(nil, wire.Header{})
	require.NoError(t, err)
	u32 := func(code, v uint32) wire.AVP {
		return wire.AVP{Code: code, Flags: 0x40, Data: []byte{0, 0, byte(v >> 8), byte(v)}}
	}
	decode := func(t *testing.T, m wire.Message) CCA {
		var got CCA
		require.NoError(t, got.Decode(m))
		return got
	}
	t.Run("nothing at all", func(t *testing.T) {
		m, err := wire.NewBuilder(nil, wire.Header{}).Message()
		require.NoError(t, err)
		require.Zero(t, decode(t, m).ResultCode)
	})
	t.Run("result in Experimental-Result", func(t *testing.T) {
		got := decode(t, edit(t, msg, func(all []wire.AVP) []wire.AVP {
			return append(without(268)(all), wire.AVP{Code: 297, Data: []byte{0, 0, 1, 10, 0x40, 0, 0, 12, 0, 0, 0x28, 0xaf, 0, 0, 1, 42, 0x40, 0, 0, 12, 0, 0, 0x0f, 0xac}})
		}))
		require.EqualValues(t, 4012, got.ResultCode)
	})
	t.Run("Experimental-Result empty", func(t *testing.T) {
		got := decode(t, edit(t, msg, with(wire.AVP{Code: 297})))
		require.EqualValues(t, 2001, got.ResultCode)
	})
	t.Run("doubled Result-Code", func(t *testing.T) {
		require.EqualValues(t, 2001, decode(t, edit(t, msg, with(u32(268, 5012)))).ResultCode)
	})
	t.Run("unknown enumerations", func(t *testing.T) {
		got := decode(t, edit(t, msg, func(all []wire.AVP) []wire.AVP {
			return append(without(427)(without(418)(all)), u32(427, 3), u32(418, 2))
		}))
		require.Equal(t, FailureDefault, got.FailureHandling)
		require.Equal(t, FailoverDefault, got.Failover)
	})
	t.Run("unknown AVP with M", func(t *testing.T) {
		decode(t, edit(t, msg, with(wire.AVP{Code: 9999, Flags: 0x40, Data: []byte{1}})))
	})
	t.Run("another vendor's Result-Code", func(t *testing.T) {
		require.Zero(t, decode(t, edit(t, msg, func(all []wire.AVP) []wire.AVP {
			a := u32(268, 2001)
			a.Vendor = 193
			return append(without(268)(all), a)
		})).ResultCode)
	})
	t.Run("QoS-Final-Unit-Indication alone", func(t *testing.T) {
		url := wire.AVP{Code: 669, Data: []byte{
			0, 0, 1, 0xc1, 0x40, 0, 0, 12, 0, 0, 0, 1,
			0, 0, 2, 0x99, 0, 0, 0, 20, 0, 0, 2, 0x9b, 0, 0, 0, 12, 'h', 't', 't', 'p'}}
		got := decode(t, edit(t, msg, func(all []wire.AVP) []wire.AVP { return append(without(430)(all), url) }))
		require.True(t, got.HasFinal)
		require.Equal(t, FinalRedirect, got.Final.Action)
		require.Equal(t, Redirect{RedirectURL, []byte("http")}, got.Final.Redirect)
	})
	t.Run("unknown final action", func(t *testing.T) {
		got := decode(t, edit(t, msg, func(all []wire.AVP) []wire.AVP {
			return append(without(430)(all), wire.AVP{Code: 430, Data: []byte{0, 0, 1, 0xc1, 0x40, 0, 0, 12, 0, 0, 0, 9}})
		}))
		require.Equal(t, FinalTerminate, got.Final.Action)
	})
}

func TestCCADecodeRefusesLengths(t *testing.T) {
	full := fullCCA()
	msg, err := full.Encode(nil, wire.Header{})
	require.NoError(t, err)
	for _, code := range []uint32{268, 416, 415, 418, 427, 278, 448} {
		var m CCA
		var de *DecodeError
		require.ErrorAs(t, m.Decode(edit(t, msg, with(wire.AVP{Code: code, Data: []byte{1}}))), &de, "%d", code)
		require.EqualValues(t, ResultInvalidAVPLength, de.ResultCode)
		require.True(t, errors.Is(de, wire.ErrAVPLength))
	}
	for _, code := range []uint32{431, 456, 430, 297} {
		var m CCA
		var de *DecodeError
		require.ErrorAs(t, m.Decode(edit(t, msg, with(wire.AVP{Code: code, Data: []byte{1, 2, 3}}))), &de, "%d", code)
		require.EqualValues(t, ResultInvalidAVPLength, de.ResultCode)
	}
	var m CCA
	var de *DecodeError
	require.ErrorAs(t, m.Decode(wire.Message(append(msg[:len(msg):len(msg)], 1, 2, 3, 4))), &de)
	require.Zero(t, de.AVP.Code)
}

func TestTimeAVP(t *testing.T) {
	for _, want := range []int64{0, 1700000000, 2085978495, 2085978496, 4000000000} {
		n := ntpSeconds(time.Unix(want, 0))
		got, err := decodeTime(wire.AVP{Data: []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}})
		require.NoError(t, err)
		require.Equal(t, want, got.Unix())
	}
}

func TestTable(t *testing.T) {
	require.NoError(t, dict.Check(avps[:]))
	require.Len(t, avps, 95)
}

// What names a subscriber prints without him.
func TestRedaction(t *testing.T) {
	ccr := fullCCR()
	for _, v := range []any{ccr, &ccr, ccr.Subscriptions[0], ccr.Subscriptions} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			s := fmt.Sprintf(verb, v)
			require.NotContains(t, s, "0010100")
			require.NotContains(t, s, "30303130")
		}
		b, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotContains(t, string(b), "0010100")
		require.NotContains(t, string(b), "MDAxMDEwM")
	}
}

func TestNames(t *testing.T) {
	require.Equal(t, "CREDIT_LIMIT_REACHED", ResultName(4012))
	require.Equal(t, "4999", ResultName(4999))
	require.Equal(t, "UPDATE_REQUEST", RequestUpdate.String())
	require.Equal(t, "RequestType(9)", RequestType(9).String())
	require.Equal(t, "RETRY_AND_TERMINATE", FailureRetry.String())
	require.Equal(t, "FailureHandling(9)", FailureHandling(9).String())
	require.Equal(t, "RESTRICT_ACCESS", FinalRestrict.String())
	require.Equal(t, "FinalAction(9)", FinalAction(9).String())
	require.Equal(t, "no credit", EndCredit.String())
	require.Equal(t, "EndReason(99)", EndReason(99).String())
	require.Equal(t, "redirect", VerdictRedirect.String())
	require.Equal(t, "Verdict(99)", Verdict(99).String())
}

func BenchmarkCCRDecode(b *testing.B) {
	msg := sample(b, "CCR-U threshold, usage split at the tariff change")
	var m CCR
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Decode(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCCADecode(b *testing.B) {
	msg := sample(b, "CCA-I")
	var m CCA
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Decode(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCCREncode(b *testing.B) {
	var m CCR
	if err := m.Decode(sample(b, "CCR-U threshold, usage split at the tariff change")); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Encode(buf); err != nil {
			b.Fatal(err)
		}
	}
}
