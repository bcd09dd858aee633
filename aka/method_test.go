package aka

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

func TestConfigValidate(t *testing.T) {
	require.NoError(t, (&Config{}).Validate())
	require.NoError(t, (&Config{NetworkName: strings.Repeat("x", 253), MaxResyncs: 255}).Validate())
	for field, cfg := range map[string]Config{
		"Config.NetworkName: 254": {NetworkName: strings.Repeat("x", 254)},
		"Config.NetworkName: not": {NetworkName: "\xff"},
		"Config.NetworkName: 5G":  {NetworkName: "5G:NSWO"},
		"Config.MaxResyncs":       {MaxResyncs: 256},
		"Config.Rules":            {Rules: &eap.IdentityRules{MNCDigits: map[string]int{"001": 9}}},
	} {
		err := cfg.Validate()
		require.ErrorContains(t, err, field)
		require.PanicsWithError(t, err.Error(), func() { New(noVectors{}, cfg) })
	}
	require.Panics(t, func() { NewPrime(nil, Config{}) })
	require.Equal(t, eap.TypeAKA, New(noVectors{}, Config{}).Type())
	require.Equal(t, eap.TypeAKAPrime, NewPrime(noVectors{}, Config{}).Type())
}

// A network name from the lower layer that AT_KDF_INPUT cannot hold ends the
// run; there is nothing to blame the peer for.
func TestNetworkNameTooLong(t *testing.T) {
	rejected := 0
	m := newTest(eap.TypeAKAPrime, Config{Hooks: Hooks{Rejected: func(e Event) { rejected++ }}})
	c := newConv(t, m, primeID)
	c.m = m.New(eap.Peer{Identity: primeID, NetworkName: strings.Repeat("x", 1017)})
	c.start()
	require.Equal(t, "failure", c.give(testVector()))
	require.ErrorIs(t, c.step.Err, ErrLength)
	require.Equal(t, 1, rejected)
	require.Equal(t, stateDone, c.m.(*machine).state)
}

func TestSchemeNames(t *testing.T) {
	for s, name := range map[Scheme]string{SchemeAKA: "EAP-AKA", SchemeAKAPrime: "EAP-AKA'", SchemeSIM: "EAP-SIM", 9: "Scheme(9)"} {
		require.Equal(t, name, s.String())
	}
}
