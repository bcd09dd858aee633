package faulttest

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// What Truncate leaves is a whole frame, and no whole message.
func TestTruncate(t *testing.T) {
	got, err := wire.Parse(Truncate(message(t, 1)))
	require.NoError(t, err, "the frame is whole")
	r := got.AVPs()
	var a wire.AVP
	require.False(t, r.Next(&a))
	require.ErrorIs(t, r.Err(), wire.ErrAVPLength)
}

// TestGarbage: what is behind the header of garbage is anything, its length
// and identifiers are the answer's.
func TestGarbage(t *testing.T) {
	m := message(t, 7)
	got := Garbage(bytes.Clone(m))
	require.Equal(t, []byte(m[:wire.HeaderLen]), got[:wire.HeaderLen])
	require.Len(t, got, len(m))
	require.NotEqual(t, []byte(m), got)
}
