package main

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseOptions(t *testing.T) {
	o, err := parseOptions(strings.Fields("-secret s -method aka-prime -ues 3 -imsi-start 001010000000007 -rate 5 -pid 12 -json"), io.Discard)
	require.NoError(t, err)
	require.Equal(t, methodAKAPrime, o.method)
	require.Equal(t, "127.0.0.1:1812", o.server.String())
	require.Equal(t, plan{Duration: 10 * time.Second, Rate: 5, Timeout: 30 * time.Second}, o.plan)
	require.Equal(t, "001010000000007", o.firstIMSI.Digits())

	o, err = parseOptions(strings.Fields("-secret s -logins 5"), io.Discard)
	require.NoError(t, err)
	require.Zero(t, o.plan.Duration)

	_, err = parseOptions([]string{"-h"}, io.Discard)
	require.ErrorIs(t, err, flag.ErrHelp)
}

func TestParseOptionsErrors(t *testing.T) {
	for args, want := range map[string]string{
		"":                                 "-secret is missing",
		"-secret s extra":                  `"extra" is not a flag`,
		"-secret s -server localhost:1812": "-server: want an IP address and a port",
		"-secret s -imsi-start 12":         "-imsi-start: eap: not an IMSI",
		"-secret s -imsi-start 999999":     "-imsi-start, -ues: no 6-digit IMSI",
		"-secret s -k 00":                  "-k, -opc: key K: not 32 hexadecimal digits",
		"-secret s -method peap":           `-method: "peap" is neither`,
		"-secret s -ues 0":                 "-ues: want 1 to 100000",
		"-secret s -logins -1":             "must not be negative",
		"-secret s -timeout 0s":            "must not be negative",
		"-secret s -rate -1":               "-rate: want",
		"-secret s -pid -1":                "-pid: want",
		"-secret s -reauth -1":             "-reauth: want",
		"-secret s -reauth 65535":          "-reauth: want",
		"-secret s -reauth 1 -rate 1":      "-reauth, -rate: ",
		"-secret s -fs p384":               `-fs: "p384" is neither`,
		"-secret s -fs any":                "-fs: only EAP-AKA' has",
		"-secret s -duration 5":            "invalid value",
	} {
		var out strings.Builder
		_, err := parseOptions(strings.Fields(args), &out)
		require.ErrorContains(t, err, want, args)
		require.Contains(t, out.String(), want, "the mistake is told")
	}
}
