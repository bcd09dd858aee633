package swx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func fullMAR() MAR {
	return MAR{
		Head:            fullHead("aaa1.example", "hss1.example"),
		ANID:            []byte("WLAN"),
		VisitedNetwork:  []byte("mnc001.mcc001.3gppnetwork.org"),
		Terminal:        &TerminalInformation{IMEI: "350000000000006", SoftwareVersion: "01"},
		NumberAuthItems: 3,
		Item: AuthItem{
			Scheme:        []byte("EAP-AKA'"),
			Authorization: bytes.Repeat([]byte{0xa5}, 30),
		},
		AAAFailure: true,
	}
}

func TestMARRoundTrip(t *testing.T) {
	want := fullMAR()
	msg, err := want.Encode(nil)
	require.NoError(t, err)
	var got MAR
	require.NoError(t, got.Decode(msg))
	require.Equal(t, want, got)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		require.Equal(t, "swx.MAR[redacted]", fmt.Sprintf(verb, got))
	}
	out, err := json.Marshal(&got)
	require.NoError(t, err)
	require.Equal(t, `"swx.MAR[redacted]"`, string(out))
}

// edit returns msg without the AVPs that drop names, and with more appended.
func edit(t testing.TB, msg wire.Message, drop func(wire.AVP) bool, more ...wire.AVP) wire.Message {
	t.Helper()
	b := wire.NewBuilder(nil, msg.Header())
	r := msg.AVPs()
	var a wire.AVP
	for r.Next(&a) {
		if drop == nil || !drop(a) {
			b.AVP(a)
		}
	}
	require.NoError(t, r.Err())
	for _, a := range more {
		b.AVP(a)
	}
	out, err := b.Message()
	require.NoError(t, err)
	return out
}

func is(code, vendor uint32) func(wire.AVP) bool {
	return func(a wire.AVP) bool { return a.Is(code, vendor) }
}

func TestMARDecodeErrors(t *testing.T) {
	full := fullMAR()
	good, err := full.Encode(nil)
	require.NoError(t, err)
	noScheme := fullMAR()
	noScheme.Item.Scheme = nil
	bare, err := noScheme.Encode(nil)
	require.NoError(t, err)
	group := func(as ...wire.AVP) []byte {
		b := wire.NewBuilder(nil, wire.Header{})
		for _, a := range as {
			b.AVP(a)
		}
		m, err := b.Message()
		require.NoError(t, err)
		return m[wire.HeaderLen:]
	}
	vsai := func(data []byte) wire.Message {
		return edit(t, good, is(codeVendorSpecificAppID, 0), wire.AVP{Code: codeVendorSpecificAppID, Data: data})
	}

	for _, tt := range []struct {
		name         string
		msg          wire.Message
		result       uint32
		code, vendor uint32
	}{
		{"no Session-Id", edit(t, good, is(263, 0)), 5005, 263, 0},
		{"no application", edit(t, good, is(260, 0)), 5005, 260, 0},
		{"Auth-Session-State of nobody", edit(t, good, is(277, 0), wire.AVP{Code: 277, Data: []byte{0, 0, 0, 2}}), 5004, 277, 0},
		{"Auth-Session-State of 1 octet", edit(t, good, is(277, 0), wire.AVP{Code: 277, Data: []byte{0}}), 5014, 277, 0},
		{"Auth-Application-Id of another", edit(t, good, nil, wire.AVP{Code: 258, Data: []byte{0, 0, 0, 4}}), 5004, 258, 0},
		{"Auth-Application-Id of 3 octets", edit(t, good, nil, wire.AVP{Code: 258, Data: []byte{0, 0, 4}}), 5014, 258, 0},
		{"terminal torn", edit(t, good, is(1401, 10415), wire.AVP{Code: 1401, Vendor: 10415, Data: []byte{0, 0, 2}}), 5014, 1401, 10415},
		{"no Origin-Host", edit(t, good, is(264, 0)), 5005, 264, 0},
		{"no Origin-Realm", edit(t, good, is(296, 0)), 5005, 296, 0},
		{"no Destination-Realm", edit(t, good, is(283, 0)), 5005, 283, 0},
		{"no User-Name", edit(t, good, is(1, 0)), 5005, 1, 0},
		{"no RAT-Type", edit(t, good, is(1032, 10415)), 5005, 1032, 10415},
		{"no SIP-Number-Auth-Items", edit(t, good, is(607, 10415)), 5005, 607, 10415},
		{"no SIP-Auth-Data-Item", edit(t, good, is(612, 10415)), 5005, 612, 10415},
		{"no scheme", bare, 5005, 608, 10415},
		{"two items", edit(t, good, nil, wire.AVP{Code: 612, Vendor: 10415}), 5009, 612, 10415},
		{"application empty", vsai(nil), 5005, 258, 0},
		{"application of another", vsai(group(wire.AVP{Code: 258, Data: []byte{0, 0, 0, 4}})), 5004, 260, 0},
		{"application of 3 octets", vsai(group(wire.AVP{Code: 258, Data: []byte{0, 0, 4}})), 5014, 258, 0},
		{"application torn", vsai([]byte{1, 2, 3}), 5014, 260, 0},
		{"RAT-Type of 2 octets", edit(t, good, is(1032, 10415), wire.AVP{Code: 1032, Vendor: 10415, Data: []byte{0, 0}}), 5014, 1032, 10415},
		{"number of 8 octets", edit(t, good, is(607, 10415), wire.AVP{Code: 607, Vendor: 10415, Data: make([]byte, 8)}), 5014, 607, 10415},
		{"item torn", edit(t, good, is(612, 10415), wire.AVP{Code: 612, Vendor: 10415, Data: []byte{0, 0, 2}}), 5014, 612, 10415},
		{"unknown mandatory AVP", edit(t, good, nil, wire.AVP{Code: 4242, Vendor: 99, Flags: wire.FlagMandatory, Data: []byte("x")}), 5001, 4242, 99},
		{"known code of another vendor", edit(t, good, nil, wire.AVP{Code: 1, Vendor: 99, Flags: wire.FlagMandatory}), 5001, 1, 99},
		{"stray octets", good[:len(good)-3], 5014, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantDecodeError(t, new(MAR), tt.msg, tt.result, tt.code, tt.vendor)
		})
	}

	var m MAR
	require.NoError(t, m.Decode(edit(t, good, nil, wire.AVP{Code: 4242, Vendor: 99, Data: []byte("x")})), "unknown, not mandatory")
	require.NoError(t, m.Decode(edit(t, good, nil, wire.AVP{Code: codeRouteRecord, Flags: wire.FlagMandatory})), "known to the base")
	require.NoError(t, m.Decode(vsai(group(
		wire.AVP{Code: 258, Data: []byte{1, 0, 0, 0x31}},
		wire.AVP{Code: 266, Data: []byte{0, 0, 0x28, 0xaf}},
	))), "order within the group")
}

func FuzzDecodeMAR(f *testing.F) {
	fuzzRequest(f, fullMAR(), func(t *testing.T, m, again *MAR) { require.Equal(t, m, again) })
}

func BenchmarkMAREncode(b *testing.B) {
	m := MAR{
		Head: Head{
			SessionID:        []byte("aaa1.epc.mnc001.mcc001.3gppnetwork.org;1700000000;1"),
			OriginHost:       []byte("aaa1.epc.mnc001.mcc001.3gppnetwork.org"),
			OriginRealm:      []byte("epc.mnc001.mcc001.3gppnetwork.org"),
			DestinationRealm: []byte("epc.mnc001.mcc001.3gppnetwork.org"),
			UserName:         []byte("001010000000001"),
		},
		ANID:            []byte("WLAN"),
		NumberAuthItems: 1,
		Item:            AuthItem{Scheme: []byte("EAP-AKA'")},
	}
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Encode(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMARDecode(b *testing.B) {
	msg := sample(b, "MAR EAP-AKA'")
	var m MAR
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Decode(msg); err != nil {
			b.Fatal(err)
		}
	}
}
