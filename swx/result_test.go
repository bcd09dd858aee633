package swx

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter/wire"
)

// sentinels is every error that a result can stand for.
var sentinels = []error{
	aka.ErrUnknownSubscriber, aka.ErrNoSubscription, aka.ErrRoamingNotAllowed, aka.ErrRATNotAllowed, aka.ErrBarred,
	aka.ErrSchemeNotSupported, aka.ErrSyncFailure, aka.ErrUnavailable, ErrRegisteredElsewhere,
}

// base is an answer with a Result-Code, exp one with an Experimental-Result.
func base(code uint32) MAA { return MAA{ResultCode: code, OriginHost: []byte("hss1.example")} }

func exp(vendor, code uint32) MAA {
	return MAA{Experimental: ExperimentalResult{vendor, code}, OriginHost: []byte("hss1.example")}
}

func both(code, vendor, experimental uint32) MAA {
	m := exp(vendor, experimental)
	m.ResultCode = code
	return m
}

func named(m MAA, name string) MAA {
	m.AAAServerName = []byte(name)
	return m
}

func flagged(m MAA, flags uint8) MAA {
	m.Flags = flags
	return m
}

// TestResults is the matrix of results: base
// and 3GPP codes share numbers.
func TestResults(t *testing.T) {
	const tgpp = Vendor3GPP
	for _, tt := range []struct {
		name string
		maa  MAA
		want []error // the sentinels it wraps, and no other
		text string  // part of its text
	}{
		// What 3GPP's results mean.
		{"user unknown", exp(tgpp, 5001), []error{aka.ErrUnknownSubscriber}, "5001 (USER_UNKNOWN)"},
		{"no subscription", exp(tgpp, 5450), []error{aka.ErrNoSubscription}, "USER_NO_NON_3GPP_SUBSCRIPTION"},
		{"no APN subscription", exp(tgpp, 5451), []error{aka.ErrNoSubscription}, "5451"},
		{"no EPS subscription", exp(tgpp, 5420), []error{aka.ErrNoSubscription}, "5420"},
		{"roaming", exp(tgpp, 5004), []error{aka.ErrRoamingNotAllowed}, "ROAMING_NOT_ALLOWED"},
		{"network not authorised", exp(tgpp, 5490), []error{aka.ErrRoamingNotAllowed}, "5490"},
		{"RAT", exp(tgpp, 5452), []error{aka.ErrRATNotAllowed}, "RAT_TYPE_NOT_ALLOWED"},
		{"RAT as on S6a", exp(tgpp, 5421), []error{aka.ErrRATNotAllowed}, "5421"},
		{"scheme", exp(tgpp, 5006), []error{aka.ErrSchemeNotSupported}, "AUTH_SCHEME_NOT_SUPPORTED"},
		{"equipment", exp(tgpp, 5422), []error{aka.ErrBarred}, "5422"},
		{"illegal equipment", exp(tgpp, 5554), []error{aka.ErrBarred}, "ILLEGAL_EQUIPMENT"},
		{"identities", exp(tgpp, 5002), []error{aka.ErrUnavailable}, "IDENTITIES_DONT_MATCH"},
		{"not registered", exp(tgpp, 5003), []error{aka.ErrUnavailable}, "IDENTITY_NOT_REGISTERED"},
		{"assignment type", exp(tgpp, 5007), []error{aka.ErrUnavailable}, "IN_ASSIGNMENT_TYPE"},
		{"feature", exp(tgpp, 5011), []error{aka.ErrUnavailable}, "FEATURE_UNSUPPORTED"},
		{"timed out", exp(tgpp, 5454), []error{aka.ErrUnavailable}, "TIMED_OUT_REQUEST"},
		{"no data now", exp(tgpp, 4181), []error{aka.ErrUnavailable}, "AUTHENTICATION_DATA_UNAVAILABLE"},
		{"overlapping", exp(tgpp, 5453), []error{aka.ErrUnavailable}, "5453"},
		{"3GPP's, unheard of", exp(tgpp, 5999), []error{aka.ErrUnavailable}, "5999 from"},

		// The same numbers in the base protocol.
		{"base 5001", base(5001), []error{aka.ErrUnavailable}, "5001 (AVP_UNSUPPORTED)"},
		{"base 5004", base(5004), []error{aka.ErrUnavailable}, "INVALID_AVP_VALUE"},
		{"base 5005", base(5005), []error{aka.ErrUnavailable}, "MISSING_AVP"},
		{"base 5006", base(5006), []error{aka.ErrUnavailable}, "RESOURCES_EXCEEDED"},
		{"base 5012", base(5012), []error{aka.ErrUnavailable}, "UNABLE_TO_COMPLY"},
		{"base 5030", base(5030), []error{aka.ErrUnknownSubscriber}, "USER_UNKNOWN"},
		{"base 5003", base(5003), []error{aka.ErrBarred}, "AUTHORIZATION_REJECTED"},
		{"base 4001", base(4001), []error{aka.ErrBarred}, "AUTHENTICATION_REJECTED"},
		{"base 3002", base(3002), []error{aka.ErrUnavailable}, "UNABLE_TO_DELIVER"},
		{"base 3006", base(3006), []error{aka.ErrUnavailable}, "REDIRECT_INDICATION"},
		{"base, unheard of", base(4999), []error{aka.ErrUnavailable}, "4999"},
		{"more rounds", base(1001), []error{aka.ErrUnavailable}, "1001"},

		// Base results inside Experimental-Result.
		{"base 5012 of vendor 3GPP", exp(tgpp, 5012), []error{aka.ErrUnavailable}, "UNABLE_TO_COMPLY"},
		{"base 5005 of vendor 3GPP", exp(tgpp, 5005), []error{aka.ErrUnavailable}, "MISSING_AVP"},
		{"base 3002 of vendor 3GPP", exp(tgpp, 3002), []error{aka.ErrUnavailable}, "UNABLE_TO_DELIVER"},
		{"5004 without vendor", exp(0, 5004), []error{aka.ErrUnavailable}, "INVALID_AVP_VALUE"},
		{"5006 without vendor", exp(0, 5006), []error{aka.ErrUnavailable}, "RESOURCES_EXCEEDED"},
		{"5006 of another vendor", exp(99, 5006), []error{aka.ErrUnavailable}, "vendor 99, 5006"},

		// 3GPP's results in Result-Code, where no base result has the number.
		{"5450 in Result-Code", base(5450), []error{aka.ErrNoSubscription}, "Result-Code 5450"},
		{"5452 in Result-Code", base(5452), []error{aka.ErrRATNotAllowed}, "Result-Code 5452"},
		{"5450 without vendor", exp(0, 5450), []error{aka.ErrNoSubscription}, "5450"},

		// Registered elsewhere, only if the name is there.
		{"elsewhere", named(exp(tgpp, 5005), "aaa2.example"), []error{ErrRegisteredElsewhere, aka.ErrUnavailable}, `IDENTITY_ALREADY_REGISTERED) at "aaa2.example"`},
		{"elsewhere in Result-Code", named(base(5005), "aaa2.example"), []error{ErrRegisteredElsewhere, aka.ErrUnavailable}, `at "aaa2.example"`},
		{"elsewhere, as a redirection", named(base(3006), "aaa2.example"), []error{ErrRegisteredElsewhere, aka.ErrUnavailable}, `3006 (REDIRECT_INDICATION) at "aaa2.example"`},
		{"elsewhere, empty name", named(exp(tgpp, 5005), ""), []error{aka.ErrUnavailable}, "MISSING_AVP"},
		{"a name with another refusal", named(exp(tgpp, 5001), "aaa2.example"), []error{aka.ErrUnknownSubscriber}, "USER_UNKNOWN"},

		// Both, in all combinations; neither.
		{"success and refusal", both(2001, tgpp, 5001), []error{aka.ErrUnknownSubscriber}, "5001"},
		{"refusal and success", both(5012, tgpp, 2001), []error{aka.ErrUnavailable}, "Result-Code 5012"},
		{"two refusals", both(5012, tgpp, 5450), []error{aka.ErrNoSubscription}, "5450"},
		{"neither", MAA{OriginHost: []byte("hss1.example")}, []error{aka.ErrUnavailable}, "neither result nor vectors"},

		// The E bit, with any class and without.
		{"E with 3xxx", flagged(base(3004), wire.FlagError), []error{aka.ErrUnavailable}, "TOO_BUSY"},
		{"E with 5xxx", flagged(exp(tgpp, 5001), wire.FlagError), []error{aka.ErrUnknownSubscriber}, "5001"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m MAA
			require.NoError(t, m.Decode(encodeMAA(t, tt.maa)))
			refusal := m.result()
			require.NotNil(t, refusal)
			refusal.Scheme = aka.SchemeAKA
			requireOnly(t, refusal, tt.want...)
			require.Contains(t, refusal.Error(), tt.text)
			require.Contains(t, refusal.Error(), `from "hss1.example"`)
		})
	}
	for name, m := range map[string]MAA{
		"2001":                   base(2001),
		"2002":                   base(2002),
		"experimental 2001":      exp(tgpp, 2001),
		"both 2001":              both(2001, tgpp, 2001),
		"neither, with a vector": {Items: []AuthItem{testItem(1)}},
	} {
		require.Nil(t, m.result(), name)
	}
}

// requireOnly requires that err wraps the given sentinels and no other.
func requireOnly(t *testing.T, err error, want ...error) {
	t.Helper()
	var got []error
	for _, s := range sentinels {
		if errors.Is(err, s) {
			got = append(got, s)
		}
	}
	require.ElementsMatch(t, want, got)
}

// An HSS that refuses EAP-AKA' says 5006, or 5012 in either place; 5012 is
// also how a bad AUTS is answered.
func TestResultsDependOnTheRequest(t *testing.T) {
	for _, tt := range []struct {
		err  ResultError
		want error
	}{
		{ResultError{Code: 5012, Scheme: aka.SchemeAKAPrime}, aka.ErrSchemeNotSupported},
		{ResultError{Code: 5012, Experimental: true, Vendor: Vendor3GPP, Scheme: aka.SchemeAKAPrime}, aka.ErrSchemeNotSupported},
		{ResultError{Code: 5006, Experimental: true, Vendor: Vendor3GPP, Scheme: aka.SchemeAKAPrime}, aka.ErrSchemeNotSupported},
		{ResultError{Code: 5012, Scheme: aka.SchemeAKA}, aka.ErrUnavailable},
		{ResultError{Code: 5012, Scheme: aka.SchemeAKA, Resync: true}, aka.ErrSyncFailure},
		{ResultError{Code: 5012, Scheme: aka.SchemeAKAPrime, Resync: true}, aka.ErrSyncFailure},
		{ResultError{Code: 5001, Experimental: true, Vendor: Vendor3GPP, Resync: true}, aka.ErrUnknownSubscriber},
	} {
		requireOnly(t, &tt.err, tt.want)
	}
}

func TestResultErrorTextIsBounded(t *testing.T) {
	m := named(exp(Vendor3GPP, 5005), strings.Repeat("a\n", 4000))
	m.OriginHost = []byte(strings.Repeat("\x00b", 4000))
	text := m.result().Error()
	require.Less(t, len(text), 2000)
	require.NotContains(t, text, "\n")
}
