package session

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChangeOfMany(t *testing.T) {
	var c Change
	for i := range 1000 {
		c.Puts = append(c.Puts, Put{Key: Key{Kind: KindMark, ID: ID{1: byte(i), 2: byte(i >> 8), 15: 1}}})
		require.NoError(t, c.Validate())
		again := c
		again.Puts = append(again.Puts[:i+1:i+1], c.Puts[i/2])
		require.ErrorIs(t, again.Validate(), ErrInvalid)
	}
	require.NoError(t, new(Change).Validate())
	long := Put{Key: Key{Kind: KindMark, ID: ID{1}}, Value: make([]byte, MaxValue+1), Terms: make([]Term, MaxTerms+1)}
	require.ErrorIs(t, (&Change{Puts: []Put{long}}).Validate(), ErrInvalid)
	long.Delete = true
	require.NoError(t, (&Change{Puts: []Put{long}}).Validate(), "nothing else counts of a put that deletes")
}
