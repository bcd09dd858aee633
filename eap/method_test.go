package eap

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeyPrintsRedacted(t *testing.T) {
	k := Key{0: 0xde, 1: 0xad}
	r := Result{MSK: k, EMSK: k, IMSI: MustParseIMSI("001010123456789")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		for _, v := range []any{k, &k, r, &r} {
			s := fmt.Sprintf(verb, v)
			require.NotContains(t, s, "dead")
			require.NotContains(t, s, "222 173")
			require.NotContains(t, s, "0xde")
			require.NotContains(t, s, "123456789")
		}
	}
	require.Equal(t, "[redacted]", k.String())
	require.Equal(t, "[redacted]", k.GoString())
}

func TestMethodStrings(t *testing.T) {
	for k := StepIgnore; k <= StepFailure; k++ {
		require.NotContains(t, k.String(), "(")
	}
	require.Equal(t, "StepKind(9)", StepKind(9).String())
	for k := OutcomeDiscard; k <= OutcomeFailure; k++ {
		require.NotContains(t, k.String(), "(")
	}
	require.Equal(t, "OutcomeKind(9)", OutcomeKind(9).String())
	for r := RefusalNone; r <= RefusalNotSubscribed; r++ {
		require.NotContains(t, r.String(), "(")
	}
	require.Equal(t, "Refusal(9)", Refusal(9).String())
	require.Equal(t, "authorization", (*NeedAuthorization)(nil).NeedName())
}
