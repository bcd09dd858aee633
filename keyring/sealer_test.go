package keyring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The counter of nonces never begins again under the same random field.
func TestNonceFieldIsDrawnAgainWhenTheCounterIsUsedUp(t *testing.T) {
	s := NewRandom().Sealer("test")
	first := s.nonce.Load()
	first.next.Store(1<<32 - 1)
	last := s.appendNonce(nil)
	require.Equal(t, append(append([]byte(nil), first.field[:]...), 0xff, 0xff, 0xff, 0xff), last)
	next := s.appendNonce(nil)
	require.NotEqual(t, first.field[:], next[:8])
	require.Equal(t, make([]byte, 4), next[8:])
}
