package aka

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// With forward secrecy the waiting state must not leave the process; without,
// it may.
func TestForwardSecrecyIsConfined(t *testing.T) {
	for policy, want := range map[ForwardSecrecy]bool{FSOff: false, FSOffered: true, FSRequired: true} {
		conv := newConv(t, newTest(eap.TypeAKAPrime, Config{ForwardSecrecy: policy}), primeID).toChallenge()
		require.Equal(t, want, conv.m.(eap.Confined).Confined(), policy)
	}
	conv := newConv(t, newTest(eap.TypeAKA, Config{}), akaID).toChallenge()
	require.False(t, conv.m.(eap.Confined).Confined())
}
