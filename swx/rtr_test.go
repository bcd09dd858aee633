package swx

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func TestRTRPrintsNothing(t *testing.T) {
	m := RTR{UserName: []byte("001010000000001")}
	text, err := m.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "swx.RTR[redacted]", string(text))
}

func FuzzDecodeRTR(f *testing.F) {
	for _, msg := range samples(f) {
		f.Add([]byte(msg))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, err := wire.Parse(b)
		if err != nil {
			return
		}
		var m, again RTR
		if m.Decode(msg) != nil {
			return
		}
		out, err := m.Encode(nil)
		require.NoError(t, err)
		require.NoError(t, again.Decode(out))
		require.Equal(t, m.Reason, again.Reason)
		require.Equal(t, string(m.UserName), string(again.UserName))
	})
}
