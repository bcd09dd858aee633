package swx

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// samples are the messages of testdata/diameter.json by name.
func samples(t testing.TB) map[string]wire.Message {
	t.Helper()
	b, err := os.ReadFile("../testdata/diameter.json")
	require.NoError(t, err)
	var file struct {
		Messages []struct{ Name, Hex string }
	}
	require.NoError(t, json.Unmarshal(b, &file))
	all := make(map[string]wire.Message)
	for _, m := range file.Messages {
		raw, err := hex.DecodeString(m.Hex)
		require.NoError(t, err, m.Name)
		msg, err := wire.Parse(raw)
		require.NoError(t, err, m.Name)
		all[m.Name] = msg
	}
	require.Len(t, all, 29)
	return all
}

func sample(t testing.TB, name string) wire.Message {
	t.Helper()
	msg, ok := samples(t)[name]
	require.True(t, ok, name)
	return msg
}

// walk visits every AVP of r and of the groups that isGroup names.
func walk(t testing.TB, r wire.Reader, isGroup func(wire.AVP) bool, visit func(wire.AVP)) {
	t.Helper()
	var a wire.AVP
	for r.Next(&a) {
		visit(a)
		if isGroup(a) {
			walk(t, a.Group(), isGroup, visit)
		}
	}
	require.NoError(t, r.Err())
}

func TestSamplesRoundTrip(t *testing.T) {
	mars, maas, rtrs, walked := 0, 0, 0, 0
	for name, msg := range samples(t) {
		h := msg.Header()
		switch {
		case h.Command == CommandMultimediaAuth && h.IsRequest():
			mars++
			var m MAR
			require.NoError(t, m.Decode(msg), name)
			got, err := m.Encode(nil)
			require.NoError(t, err, name)
			got.SetHopByHop(h.HopByHop)
			got.SetEndToEnd(h.EndToEnd)
			require.Equal(t, hex.EncodeToString(msg), hex.EncodeToString(got), name)
		case h.Command == CommandMultimediaAuth:
			maas++
			var m MAA
			require.NoError(t, m.Decode(msg), name)
			req := h
			req.Flags |= wire.FlagRequest
			got, err := m.Encode(nil, req)
			require.NoError(t, err, name)
			require.Equal(t, hex.EncodeToString(msg), hex.EncodeToString(got), name)
		case h.Command == CommandRegistrationTermination && h.IsRequest():
			rtrs++
			var m RTR
			require.NoError(t, m.Decode(msg), name)
			require.Equal(t, ReasonPermanentTermination, m.Reason)
			got, err := m.Encode(nil)
			require.NoError(t, err, name)
			got.SetHopByHop(h.HopByHop)
			got.SetEndToEnd(h.EndToEnd)
			require.Equal(t, hex.EncodeToString(msg), hex.EncodeToString(got), name)
		default:
			walked++
			walk(t, msg.AVPs(), func(wire.AVP) bool { return false }, func(wire.AVP) {})
		}
	}
	require.Equal(t, 2, mars)
	require.Equal(t, 2, maas)
	require.Equal(t, 1, rtrs)
	require.Equal(t, 24, walked)
}
