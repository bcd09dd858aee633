package swx

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/sampletest"
)

// samples are the messages of testdata/diameter.json by name.
func samples(t testing.TB) map[string]wire.Message { return sampletest.Messages(t) }

func sample(t testing.TB, name string) wire.Message { return sampletest.Message(t, name) }

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

// codec is a message that encodes as a request, or as an answer to one.
type codec interface {
	Decode(wire.Message) error
}

// TestSamplesRoundTrip: every sample of SWx comes out as it went in, octet for
// octet.
func TestSamplesRoundTrip(t *testing.T) {
	seen := make(map[string]int)
	for name, msg := range samples(t) {
		h := msg.Header()
		if h.Application != ApplicationID || h.Flags&wire.FlagError != 0 {
			seen["others"]++
			continue
		}
		var m codec
		switch {
		case h.Command == CommandMultimediaAuth && h.IsRequest():
			m = new(MAR)
		case h.Command == CommandMultimediaAuth:
			m = new(MAA)
		case h.Command == CommandServerAssignment && h.IsRequest():
			m = new(SAR)
		case h.Command == CommandRegistrationTermination && h.IsRequest():
			m = new(RTR)
		case h.Command == CommandPushProfile && h.IsRequest():
			m = new(PPR)
		default: // SAA, RTA, PPA
			m = new(SAA)
		}
		require.NoError(t, m.Decode(msg), name)
		seen[fmt.Sprintf("%T", m)]++
		var got wire.Message
		var err error
		switch m := m.(type) {
		case interface {
			Encode([]byte) (wire.Message, error)
		}:
			got, err = m.Encode(nil)
			require.NoError(t, err, name)
			got.SetHopByHop(h.HopByHop)
			got.SetEndToEnd(h.EndToEnd)
		case interface {
			Encode([]byte, wire.Header) (wire.Message, error)
		}:
			req := h
			req.Flags |= wire.FlagRequest
			got, err = m.Encode(nil, req)
			require.NoError(t, err, name)
		}
		require.Equal(t, hex.EncodeToString(msg), hex.EncodeToString(got), name)
	}
	require.Equal(t, map[string]int{
		"*swx.MAR": 2, "*swx.MAA": 2, "*swx.SAR": 1, "*swx.RTR": 1, "*swx.PPR": 1, "*swx.SAA": 3, "others": 19,
	}, seen)
}
