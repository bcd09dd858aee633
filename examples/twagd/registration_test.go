package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseRegistration(t *testing.T) {
	what, imsi, home, ok := parseRegistration(registration(toDeregister, "001010000000001", "hss.example").Data)
	require.True(t, ok)
	require.EqualValues(t, toDeregister, what)
	require.Equal(t, "001010000000001", imsi.Digits())
	require.Equal(t, "hss.example", home)
	for _, s := range []string{"", "D", "D001010000000001", "Dx hss"} {
		_, _, _, ok := parseRegistration([]byte(s))
		require.False(t, ok, s)
	}
}
