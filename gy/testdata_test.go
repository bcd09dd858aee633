package gy

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/sampletest"
)

// samples are the messages of testdata/diameter.json by name.
func samples(t testing.TB) map[string]wire.Message { return sampletest.Messages(t) }

func sample(t testing.TB, name string) wire.Message { return sampletest.Message(t, name) }

func TestSamplesRoundTrip(t *testing.T) {
	ccrs, ccas := 0, 0
	for name, msg := range samples(t) {
		h := msg.Header()
		if h.Command != CommandCreditControl {
			continue
		}
		if !h.IsRequest() {
			ccas++
			var m CCA
			require.NoError(t, m.Decode(msg), name)
			req := h
			req.Flags |= wire.FlagRequest
			got, err := m.Encode(nil, req)
			require.NoError(t, err, name)
			require.Equal(t, hex.EncodeToString(msg), hex.EncodeToString(got), name)
			continue
		}
		ccrs++
		var m CCR
		require.NoError(t, m.Decode(msg), name)
		require.Equal(t, h.Flags&wire.FlagRetransmitted != 0, m.Retransmitted, name)
		got, err := m.Encode(nil)
		require.NoError(t, err, name)
		got.SetHopByHop(h.HopByHop)
		got.SetEndToEnd(h.EndToEnd)
		require.Equal(t, hex.EncodeToString(msg), hex.EncodeToString(got), name)
	}
	require.Equal(t, 5, ccrs)
	require.Equal(t, 4, ccas)
}
