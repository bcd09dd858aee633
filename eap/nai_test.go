package eap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseNAI(t *testing.T) {
	const (
		home    = "nai.epc.mnc015.mcc234.3gppnetwork.org"
		visited = "nai.epc.mnc071.mcc610.3gppnetwork.org"
	)
	for s, want := range map[string]NAI{
		// RFC 7542, section 2.9.
		"bob":                                  {Username: "bob"},
		"joe@example.com":                      {Username: "joe", Realm: "example.com"},
		"fred@foo-9.example.com":               {Username: "fred", Realm: "foo-9.example.com"},
		"jack@3rd.depts.example.com":           {Username: "jack", Realm: "3rd.depts.example.com"},
		"fred.smith@example.com":               {Username: "fred.smith", Realm: "example.com"},
		"fred_smith@example.com":               {Username: "fred_smith", Realm: "example.com"},
		"fred$@example.com":                    {Username: "fred$", Realm: "example.com"},
		"fred=?#$&*+-/^smith@example.com":      {Username: "fred=?#$&*+-/^smith", Realm: "example.com"},
		"nancy@eng.example.net":                {Username: "nancy", Realm: "eng.example.net"},
		"eng%nancy@example.net":                {Username: "eng%nancy", Realm: "example.net"},
		"@privatecorp.example.net":             {Realm: "privatecorp.example.net"},
		"alice@xn--tmonesimerkki-bfbb.example": {Username: "alice", Realm: "xn--tmonesimerkki-bfbb.example"},
		"алиса@пример.example":                 {Username: "алиса", Realm: "пример.example"},
		// Decorated.
		home + "!6234150999999999@" + visited:                   {Decoration: home, Username: "6234150999999999", Realm: visited},
		"a.example!b.example!fred@c.example":                    {Decoration: "a.example!b.example", Username: "fred", Realm: "c.example"},
		"eng.example.net!nancy@example.net":                     {Decoration: "eng.example.net", Username: "nancy", Realm: "example.net"},
		"bang!fred@example.net":                                 {Username: "bang!fred", Realm: "example.net"},
		"a.example!bang!fred@example.net":                       {Username: "a.example!bang!fred", Realm: "example.net"},
		"a.example!.fred@example.net":                           {Username: "a.example!.fred", Realm: "example.net"},
		"a.example!@example.net":                                {Username: "a.example!", Realm: "example.net"},
		"!fred@example.net":                                     {Username: "!fred", Realm: "example.net"},
		"a.example!fred":                                        {Username: "a.example!fred"},
		strings.Repeat("u", MaxNAILen-len(home)-1) + "@" + home: {Username: strings.Repeat("u", MaxNAILen-len(home)-1), Realm: home},
		"0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org":   {Username: "0001010000000001", Realm: "wlan.mnc001.mcc001.3gppnetwork.org"},
		"2base64/+like==@WLAN.mnc001.mcc001.3GPPnetwork.org":    {Username: "2base64/+like==", Realm: "WLAN.mnc001.mcc001.3GPPnetwork.org"},
	} {
		t.Run(s, func(t *testing.T) {
			got, err := ParseNAI(s)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.True(t, got.IsValid())
			require.Equal(t, s, got.Text())
		})
	}
}

func TestParseNAIMalformed(t *testing.T) {
	for name, s := range map[string]string{
		"empty":                  "",
		"one octet too long":     strings.Repeat("u", MaxNAILen+1),
		"nothing on either side": "@",
		"no realm":               "fred@",
		"realm of one label":     "fred@example",
		"second at":              "fred@example@example.net",
		"dot first":              ".fred@example.net",
		"dot last":               "fred.@example.net",
		"two dots":               "fred..smith@example.net",
		"space":                  "fred smith@example.net",
		"parenthesis":            "fred(smith)@example.net",
		"quote":                  `"fred"@example.net`,
		"backslash":              `fred\@example.net`,
		"comma":                  "fred,smith@example.net",
		"NUL":                    "\x00fred@example.net",
		"NUL last":               "fred@example.net\x00",
		"DEL":                    "fred\x7f@example.net",
		"not UTF-8":              "fr\xc3@example.net",
		"not UTF-8 realm":        "fred@ex\xffample.net",
		"realm's dot first":      "fred@.example.net",
		"realm's dot last":       "fred@example.net.",
		"realm's two dots":       "fred@example..net",
		"hyphen first":           "fred@-example.net",
		"hyphen last":            "fred@example-.net",
		"hyphen at the end":      "fred@example.net-",
		"underscore in realm":    "fred@exa_mple.net",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseNAI(s)
			require.ErrorIs(t, err, ErrNAI)
			require.Zero(t, got)
			require.False(t, got.IsValid())
		})
	}
}

func TestNAIHomeRealm(t *testing.T) {
	for s, want := range map[string]string{
		"fred":                               "",
		"fred@a.example":                     "a.example",
		"a.example!fred@b.example":           "a.example",
		"a.example!b.example!fred@c.example": "b.example",
	} {
		n, err := ParseNAI(s)
		require.NoError(t, err)
		require.Equal(t, want, n.HomeRealm(), s)
	}
}

func TestNAIPrintsMasked(t *testing.T) {
	for s, want := range map[string]string{
		"0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org": "000101**********@wlan.mnc001.mcc001.3gppnetwork.org",
		"a.example!6234150999999999@b.example":                "a.example!623415**********@b.example",
		"imei356938035643809@sos.invalid":                     "imei356938*********@sos.invalid",
		"type0.rid678.schid0.userid0999999999@a.example":      "type0.rid678.schid0.userid099999****@a.example",
		"fred@a.example":       "fred@a.example",
		"2abc123456@a.example": "2abc123456@a.example",
	} {
		n, err := ParseNAI(s)
		require.NoError(t, err)
		require.Equal(t, want, n.String())
		require.Equal(t, want, fmt.Sprintf("%s", n))
		require.Equal(t, want, n.LogValue().String())
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			require.Contains(t, fmt.Sprintf(verb, struct{ N NAI }{n}), want)
		}
	}
	require.Equal(t, "invalid NAI", NAI{}.String())
}

func FuzzParseNAI(f *testing.F) {
	for _, s := range []string{"", "fred", "@a.example", "a.example!b.example!fred@c.example", akaIdentity, "алиса@пример.example", "a@b@c", "x!@a.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNAI(s)
		if err != nil {
			require.Zero(t, n)
			return
		}
		require.True(t, n.IsValid())
		require.Equal(t, s, n.Text())
		again, err := ParseNAI(n.Text())
		require.NoError(t, err)
		require.Equal(t, n, again)
		require.Equal(t, len(s), len(n.String()))
		require.NotContains(t, n.HomeRealm(), "!")
	})
}
