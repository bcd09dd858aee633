package eap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseIMSI(t *testing.T) {
	for _, s := range []string{"001010", "001010000000001"} {
		i, err := ParseIMSI(s)
		require.NoError(t, err)
		require.True(t, i.IsValid())
		require.Equal(t, s, i.Digits())
		require.Equal(t, i, MustParseIMSI(s))
	}
	for _, s := range []string{"", "00101", "0010100000000012", "00101000000000a", " 01010000000001", "00101000000000\x00", "０01010"} {
		i, err := ParseIMSI(s)
		require.ErrorIs(t, err, ErrIMSI, s)
		require.Zero(t, i)
		require.False(t, i.IsValid())
		require.Panics(t, func() { MustParseIMSI(s) })
	}
	_, err := ParseIMSI("001010000000001x")
	require.NotContains(t, err.Error(), "0000000001", "errors do not give the digits away")
}

func TestIMSIPrintsRedacted(t *testing.T) {
	i := MustParseIMSI("001010123456789")
	require.Equal(t, "00101**********", i.String())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{i, &i, struct{ I IMSI }{i}, []IMSI{i}, map[IMSI]int{i: 1}} {
			require.NotContains(t, fmt.Sprintf(verb, v), "123456789", "%s of %T", verb, v)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "imsi", i)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "imsi", i, "in", struct{ I IMSI }{i})
	require.Equal(t, 3, strings.Count(log.String(), "00101**********"))
	require.NotContains(t, log.String(), "123456789")
	b, err := json.Marshal(struct{ I IMSI }{i})
	require.NoError(t, err)
	require.NotContains(t, string(b), "123456789")
	require.Equal(t, "invalid IMSI", IMSI{}.String())
}
