package aka

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/milenage"
)

// What prints redacted is redacted by encoders too: encoding/json, and with it
// slog's JSON handler, asks no Formatter.
func TestEncodersAreToldNothing(t *testing.T) {
	for _, v := range []any{
		Vector{CK: [16]byte{1, 2, 3}}, Triplet{}, Keys{}, milenage.Output{},
		struct{ V Vector }{}, []*Vector{{}},
		ReauthContext{Username: "4name"}, ReauthKeys{}, IdentityKey{Key: rsaKeys()[0]},
	} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		require.Contains(t, string(b), "redacted", "%T", v)
		require.Less(t, len(b), 60, "%T", v)
	}
}
