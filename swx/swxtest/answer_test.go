package swxtest

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/swx"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

// marOf is a good request of an AAA server.
func marOf(host string) swx.MAR {
	return swx.MAR{
		Head: swx.Head{
			SessionID:        []byte(host + ";1;1"),
			OriginHost:       []byte(host),
			OriginRealm:      []byte(DefaultRealm),
			DestinationRealm: []byte(DefaultRealm),
			UserName:         []byte(testIMSI.Digits()),
		},
		NumberAuthItems: 1,
		Item:            swx.AuthItem{Scheme: []byte("EAP-AKA")},
	}
}

// exchange sends the request and returns its answer.
func exchange(t *testing.T, node *diameter.Node, mar swx.MAR) (maa swx.MAA) {
	t.Helper()
	msg, err := mar.Encode(nil)
	require.NoError(t, err)
	require.NoError(t, maa.Decode(send(t, node, msg)))
	require.Equal(t, mar.SessionID, maa.SessionID)
	return maa
}

func send(t *testing.T, node *diameter.Node, msg wire.Message) wire.Message {
	t.Helper()
	ans, err := node.Exchange(t.Context(), msg)
	require.NoError(t, err)
	return ans
}

// The HSS is strict with what it is asked.
func TestStrictHSS(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	for _, tt := range []struct {
		name   string
		edit   func(*swx.MAR)
		result uint32
		exp    uint32
		failed uint32 // the code in Failed-AVP
	}{
		{"good", func(*swx.MAR) {}, 2001, 0, 0},
		{"no User-Name", func(m *swx.MAR) { m.UserName = nil }, 5005, 0, 1},
		{"no Origin-Host", func(m *swx.MAR) { m.OriginHost = nil }, 5005, 0, 264},
		{"no scheme", func(m *swx.MAR) { m.Item.Scheme = nil }, 5005, 0, 608},
		{"AKA' without ANID", func(m *swx.MAR) { m.Item.Scheme = []byte("EAP-AKA'") }, 5005, 0, 1504},
		{"AKA' with an empty ANID", func(m *swx.MAR) { m.Item.Scheme, m.ANID = []byte("EAP-AKA'"), []byte{} }, 5005, 0, 1504},
		{"a scheme of IMS", func(m *swx.MAR) { m.Item.Scheme = []byte("Digest-AKAv1-MD5") }, 0, 5006, 0},
		{"a scheme in small letters", func(m *swx.MAR) { m.Item.Scheme = []byte("eap-aka") }, 0, 5006, 0},
		{"half an AUTS", func(m *swx.MAR) { m.Item.Authorization = make([]byte, 29) }, 5004, 0, 610},
		{"AUTS, RAND too long", func(m *swx.MAR) { m.Item.Authorization = make([]byte, 31) }, 5004, 0, 610},
		{"AUTS that does not verify", func(m *swx.MAR) { m.Item.Authorization = make([]byte, 30) }, 5012, 0, 0},
		{"identity for IMSI", func(m *swx.MAR) { m.UserName = []byte("0" + testIMSI.Digits()) }, 0, 5001, 0},
		{"empty User-Name", func(m *swx.MAR) { m.UserName = []byte{} }, 0, 5001, 0},
		{"a realm for a name", func(m *swx.MAR) { m.UserName = []byte("@nai.example") }, 0, 5001, 0},
		{"no vectors wanted", func(m *swx.MAR) { m.NumberAuthItems = 0 }, 2001, 0, 0},
		{"all the vectors there are", func(m *swx.MAR) { m.NumberAuthItems = 0xffffffff }, 2001, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mar := marOf("aaa1.example")
			tt.edit(&mar)
			msg, err := mar.Encode(nil)
			require.NoError(t, err)
			ans := send(t, node, msg)
			require.Equal(t, uint8(wire.FlagProxiable), ans.Header().Flags)
			var maa swx.MAA
			require.NoError(t, maa.Decode(ans))
			require.Equal(t, tt.result, maa.ResultCode)
			want := swx.ExperimentalResult{}
			if tt.exp != 0 {
				want = swx.ExperimentalResult{Vendor: 10415, Code: tt.exp}
			}
			require.Equal(t, want, maa.Experimental)
			failed, ok := ans.Find(279, 0)
			require.Equal(t, tt.failed != 0, ok)
			if ok {
				g := failed.Group()
				var a wire.AVP
				require.True(t, g.Next(&a))
				require.Equal(t, tt.failed, a.Code)
			}
			if tt.result != 2001 {
				require.Empty(t, maa.Items)
				return
			}
			require.NotEmpty(t, maa.Items)
			require.LessOrEqual(t, len(maa.Items), 5)
			require.EqualValues(t, len(maa.Items), maa.NumberAuthItems)
		})
	}
	require.EqualValues(t, 3, h.Stats().Malformed)
}

// A proxy on the way gets its Proxy-Info back (RFC 6733, section 6.2).
func TestProxyInfo(t *testing.T) {
	_, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	mar := marOf("aaa1.example")
	b := wire.NewBuilder(nil, wire.Header{})
	b.String(280, 0, wire.FlagMandatory, "dra.example")
	b.String(33, 0, wire.FlagMandatory, "state")
	info, err := b.Message()
	require.NoError(t, err)
	mar.ProxyInfo = [][]byte{info[wire.HeaderLen:]}
	for _, user := range []string{testIMSI.Digits(), "001019999999999"} {
		mar.UserName = []byte(user)
		msg, err := mar.Encode(nil)
		require.NoError(t, err)
		back, ok := send(t, node, msg).Find(284, 0)
		require.True(t, ok)
		require.Equal(t, mar.ProxyInfo[0], back.Data)
	}
}
