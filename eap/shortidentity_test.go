package eap

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShortIdentity(t *testing.T) {
	for identity, want := range map[string]int{
		"":    2,
		"bob": 5,
		"0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org":    2 + 16 + 3,
		"6001010000000001@nai.epc.mnc991.mcc999.3gppnetwork.org": 2 + 16 + 3,
		"@wlan.mnc001.mcc001.3gppnetwork.org":                    2 + 3,
		"\x00\xff@wlan.mnc001.mcc001.3gppnetwork.org":            2 + 2 + 3,
		"a@b@wlan.mnc001.mcc001.3gppnetwork.org":                 2 + 3 + 3,
		"0001@WLAN.mnc001.mcc001.3gppnetwork.org":                2 + 39, // as it was, to the letter
		"0001@wlan.mnc001.mcc001.3gppnetwork.ORG":                2 + 39,
		"0001@wlan.mnc01.mcc001.3gppnetwork.org":                 2 + 38,
		"0001@wlan.mnc0a1.mcc001.3gppnetwork.org":                2 + 39,
		"0001@wlan.mnc001.mcc00b.3gppnetwork.org":                2 + 39,
		"0001@epc.mnc001.mcc001.3gppnetwork.org":                 2 + 38,
		"wlan.mnc001.mcc001.3gppnetwork.org":                     2 + 34,
		"mcc001.3gppnetwork.org":                                 2 + 22,
		"001.3gppnetwork.org":                                    2 + 19,
		".3gppnetwork.org":                                       2 + 16,
		"0001@wlan.mnc001.mcc001.3gppnetwork.org.":               2 + 40,
		strings.Repeat("x", MaxIdentityLen):                      2 + MaxIdentityLen,
		strings.Repeat("@wlan.mnc001.mcc001.3gppnetwork.org", 3): 2 + 70 + 3,
	} {
		b := AppendIdentity([]byte("front"), identity)
		require.Equal(t, "front", string(b[:5]))
		require.Len(t, b[5:], want, identity)
		got, rest, ok := CutIdentity(append(b[5:], "behind"...))
		require.True(t, ok, identity)
		require.Equal(t, identity, got)
		require.Equal(t, "behind", string(rest))
		for n := range b[5:] {
			_, _, ok := CutIdentity(b[5 : 5+n])
			require.False(t, ok, identity)
		}
	}
	for name, s := range map[string]string{
		"unknown kind":        "\xc0\x00\x00\x00\x00",
		"digit of the MNC":    "\x40\x00\xa0\x10\x01",
		"digit of the MCC":    "\x40\x00\x00\x10\x0f",
		"length without rest": "\x3f\xff",
	} {
		_, _, ok := CutIdentity([]byte(s))
		require.False(t, ok, name)
	}
	long := strings.Repeat("x", 1<<14)
	got, rest, ok := CutIdentity(AppendIdentity(nil, long))
	require.True(t, ok)
	require.Empty(t, rest)
	require.Len(t, got, 1<<14-1)
}

func FuzzShortIdentity(f *testing.F) {
	f.Add("0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org")
	f.Add("\x00\x03bob")
	f.Add("\x80\x03bob\x00\x10\x01")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) < 1<<14 {
			got, rest, ok := CutIdentity(AppendIdentity(nil, s))
			require.True(t, ok)
			require.Empty(t, rest)
			require.Equal(t, s, got)
		}
		if identity, rest, ok := CutIdentity([]byte(s)); ok {
			require.LessOrEqual(t, len(AppendIdentity(nil, identity)), len(s)-len(rest))
		}
	})
}
