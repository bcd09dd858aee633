package swx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/dict"
)

// testItem is a vector whose octets tell which part of which item they are.
func testItem(n byte) AuthItem {
	part := func(kind byte, size int) []byte { return bytes.Repeat([]byte{n<<4 | kind}, size) }
	return AuthItem{
		Number: uint32(n), Numbered: true,
		Scheme:        []byte("EAP-AKA"),
		Authenticate:  append(part(1, 16), part(2, 16)...),
		Authorization: part(3, 8),
		CK:            part(4, 16),
		IK:            part(5, 16),
	}
}

func fullMAA() MAA {
	return MAA{
		Flags:           wire.FlagProxiable,
		SessionID:       []byte("aaa1.example;1;2"),
		ResultCode:      ResultSuccess,
		Experimental:    ExperimentalResult{Vendor: Vendor3GPP, Code: 2001},
		OriginHost:      []byte("hss1.example"),
		OriginRealm:     []byte("example"),
		UserName:        []byte("001010000000001"),
		NumberAuthItems: 2,
		Items:           []AuthItem{testItem(1), testItem(2)},
		AAAServerName:   []byte("aaa2.example"),
		FailedAVP:       wire.AVP{Code: codeANID, Vendor: Vendor3GPP, Flags: dict.VM},
		ProxyInfo:       [][]byte{[]byte("proxy")},
	}
}

func encodeMAA(t testing.TB, m MAA) wire.Message {
	t.Helper()
	msg, err := m.Encode(nil, wire.Header{Flags: wire.FlagRequest | wire.FlagProxiable})
	require.NoError(t, err)
	return msg
}

func TestMAARoundTrip(t *testing.T) {
	want := fullMAA()
	msg := encodeMAA(t, want)
	got := MAA{Items: make([]AuthItem, 1, 8)}
	require.NoError(t, got.Decode(msg))
	want.FailedAVP, want.ProxyInfo = wire.AVP{}, nil
	require.Equal(t, want, got)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		require.Equal(t, "swx.MAA[redacted]", fmt.Sprintf(verb, got))
		require.Equal(t, "swx.AuthItem[redacted]", fmt.Sprintf(verb, got.Items[0]))
	}
	out, err := json.Marshal([]any{got, got.Items[:1]})
	require.NoError(t, err)
	require.Equal(t, `["swx.MAA[redacted]",["swx.AuthItem[redacted]"]]`, string(out))
}

func TestMAADecodeErrors(t *testing.T) {
	good := encodeMAA(t, fullMAA())
	with := func(a wire.AVP) wire.Message { return edit(t, good, nil, a) }
	many := fullMAA()
	many.Items = make([]AuthItem, maxItems+1)
	for _, tt := range []struct {
		name string
		msg  wire.Message
		code uint32
	}{
		{"Result-Code of 2 octets", with(wire.AVP{Code: 268, Data: []byte{7, 0xd1}}), 268},
		{"Experimental-Result torn", with(wire.AVP{Code: 297, Data: []byte{7, 0xd1}}), 297},
		{"Experimental-Result-Code of 2 octets", with(wire.AVP{Code: 297, Data: []byte{0, 0, 1, 42, 0, 0, 0, 10, 7, 0xd1, 0, 0}}), 298},
		{"number of 3 octets", with(wire.AVP{Code: 607, Vendor: 10415, Data: []byte{0, 0, 1}}), 607},
		{"item torn", with(wire.AVP{Code: 612, Vendor: 10415, Data: []byte{0, 0, 1}}), 612},
		{"item number of 0 octets", with(wire.AVP{Code: 612, Vendor: 10415, Data: []byte{0, 0, 2, 0x65, 0x80, 0, 0, 12, 0, 0, 0x28, 0xaf}}), 613},
		{"too many items", encodeMAA(t, many), 612},
		{"stray octets", good[:len(good)-4], 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m MAA
			var de *DecodeError
			require.ErrorAs(t, m.Decode(tt.msg), &de)
			require.Equal(t, tt.code, de.AVP.Code)
		})
	}
}

// Every truncation of a good answer is an error or an answer that is whole by
// itself; none panics.
func TestMAATruncated(t *testing.T) {
	good := encodeMAA(t, fullMAA())
	for n := wire.HeaderLen; n < len(good); n++ {
		var m MAA
		_ = m.Decode(good[:n:n])
	}
}

func FuzzDecodeMAA(f *testing.F) {
	for _, msg := range samples(f) {
		f.Add([]byte(msg))
	}
	f.Add([]byte(encodeMAA(f, fullMAA())))
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, err := wire.Parse(b)
		if err != nil {
			return
		}
		var m, again MAA
		if err := m.Decode(msg); err != nil {
			var de *DecodeError
			require.ErrorAs(t, err, &de)
			return
		}
		out, err := m.Encode(nil, msg.Header())
		require.NoError(t, err)
		require.NoError(t, again.Decode(out))
		m.Flags &= wire.FlagProxiable | wire.FlagError
		require.Equal(t, m, again)
		if refusal := m.result(); refusal != nil {
			require.NotEmpty(t, refusal.Error())
			return
		}
		if vectors, err := m.Vectors(1, false, ""); err == nil {
			require.Len(t, vectors, len(m.Items))
		}
	})
}

func BenchmarkMAADecode(b *testing.B) {
	msg := sample(b, "MAA EAP-AKA'")
	var m MAA
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Decode(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMAAEncode(b *testing.B) {
	msg := sample(b, "MAA EAP-AKA'")
	var m MAA
	require.NoError(b, m.Decode(msg))
	buf := make([]byte, 0, 512)
	h := msg.Header()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Encode(buf, h); err != nil {
			b.Fatal(err)
		}
	}
}
