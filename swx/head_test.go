package swx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// fullHead has everything that the head of a request can have.
func fullHead(from, to string) Head {
	return Head{
		SessionID:        []byte(from + ";1;2"),
		OriginHost:       []byte(from),
		OriginRealm:      []byte("example"),
		DestinationRealm: []byte("home.example"),
		DestinationHost:  []byte(to),
		UserName:         []byte("001010000000001"),
		ProxyInfo:        [][]byte{[]byte("one"), []byte("two")},
	}
}

func TestHeadPrintsRedacted(t *testing.T) {
	h := fullHead("a", "b")
	require.Equal(t, "swx.Head[redacted]", fmt.Sprintf("%+v", h))
	b, err := h.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "swx.Head[redacted]", string(b))
}

// wantDecodeError demands that m does not take msg, and what is to be answered.
func wantDecodeError(t *testing.T, m codec, msg wire.Message, result, code, vendor uint32) {
	t.Helper()
	var de *DecodeError
	require.ErrorAs(t, m.Decode(msg), &de)
	require.Equal(t, result, de.ResultCode)
	require.Equal(t, code, de.AVP.Code)
	require.Equal(t, vendor, de.AVP.Vendor)
	require.Error(t, de.Unwrap())
}

// fuzzRequest decodes anything as an M, and what decodes again after it was encoded.
func fuzzRequest[M any, P interface {
	*M
	codec
	Encode([]byte) (wire.Message, error)
}](f *testing.F, full M, same func(t *testing.T, m, again P)) {
	msg, err := P(&full).Encode(nil)
	require.NoError(f, err)
	f.Add([]byte(msg))
	for _, msg := range samples(f) {
		f.Add([]byte(msg))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, err := wire.Parse(b)
		if err != nil {
			return
		}
		m, again := P(new(M)), P(new(M))
		if err := m.Decode(msg); err != nil {
			var de *DecodeError
			require.ErrorAs(t, err, &de)
			require.NotZero(t, de.ResultCode)
			return
		}
		out, err := m.Encode(nil)
		require.NoError(t, err)
		require.NoError(t, again.Decode(out))
		same(t, m, again)
	})
}
