package swx

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func TestTable(t *testing.T) {
	type key struct{ code, vendor uint32 }
	seen := make(map[key]bool)
	for _, d := range avps {
		require.NotZero(t, d.code)
		require.NotEmpty(t, d.name)
		require.NotEmpty(t, d.source, d.name)
		require.Equal(t, d.vendor != 0, d.flags&wire.FlagVendor != 0, d.name)
		require.False(t, seen[key{d.code, d.vendor}], d.name)
		seen[key{d.code, d.vendor}] = true
	}
	require.Len(t, avps, 38)
}

// Whatever we send is in the table, with the flags of the table.
func TestSentAVPsAreInTheTable(t *testing.T) {
	mar := fullMAR()
	req, err := mar.Encode(nil)
	require.NoError(t, err)
	maa := fullMAA()
	ans, err := maa.Encode(nil, req.Header())
	require.NoError(t, err)

	sent := 0
	for _, msg := range []wire.Message{req, ans} {
		walk(t, msg.AVPs(),
			func(a wire.AVP) bool {
				return lookup(a.Code, a.Vendor).kind == grouped && a.Code != codeProxyInfo
			},
			func(a wire.AVP) {
				sent++
				d := lookup(a.Code, a.Vendor)
				require.NotNil(t, d, "%d/%d", a.Code, a.Vendor)
				require.Equal(t, d.flags, a.Flags, d.name)
				if d.kind == unsigned32 || d.kind == enumerated {
					require.Len(t, a.Data, 4, d.name)
				}
			})
	}
	require.Equal(t, 51, sent)
}

func TestMessagesBeginAsRFC6733Wants(t *testing.T) {
	mar := fullMAR()
	req, err := mar.Encode(nil)
	require.NoError(t, err)
	require.Equal(t, wire.Header{
		Flags:       wire.FlagRequest | wire.FlagProxiable,
		Command:     303,
		Application: 16777265,
	}, req.Header())
	r := req.AVPs()
	var a wire.AVP
	require.True(t, r.Next(&a))
	require.True(t, a.Is(codeSessionID, 0), "Session-Id is first (RFC 6733, section 8.8)")

	maa := fullMAA()
	h := wire.Header{Flags: wire.FlagRequest | wire.FlagRetransmitted, Command: 303, Application: ApplicationID, HopByHop: 7, EndToEnd: 9}
	ans, err := maa.Encode(make([]byte, 3, 4000), h)
	require.NoError(t, err)
	require.Equal(t, wire.Header{Command: 303, Application: ApplicationID, HopByHop: 7, EndToEnd: 9}, ans.Header())
}
