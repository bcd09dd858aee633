package aka

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

func TestNothingSecretPrints(t *testing.T) {
	c := newConv(t, newTest(eap.TypeAKA, Config{}), akaID).toChallenge()
	m := decodePacket(t, c.goodAnswer())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.Equal(t, "EAP-AKA Response Challenge [AT_RES AT_CHECKCODE AT_MAC]", fmt.Sprintf(verb, m))
		require.Equal(t, "EAP-AKA Response Challenge [AT_RES AT_CHECKCODE AT_MAC]", fmt.Sprintf(verb, &m))
		require.Equal(t, "[AT_RES AT_CHECKCODE AT_MAC]", fmt.Sprintf(verb, m.Attributes))
		require.Equal(t, "EAP-AKA in Challenge", fmt.Sprintf(verb, c.m))
		require.Contains(t, fmt.Sprintf(verb, VectorsAnswer{Vectors: []Vector{c.vector}}), "aka.Vector[redacted]")
		require.NotContains(t, fmt.Sprintf(verb, VectorsAnswer{Vectors: []Vector{c.vector}}), "28")
	}
}
