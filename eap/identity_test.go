package eap

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func plmn(t testing.TB, mcc, mnc string) PLMN {
	t.Helper()
	p, err := ParsePLMN(mcc, mnc)
	require.NoError(t, err)
	return p
}

// ident is what is compared of an Identity.
type ident struct {
	kind      IdentityKind
	method    Type
	imsi      string
	plmn      string
	realm     RealmKind
	emergency bool
}

func identOf(i Identity) ident {
	d := ident{kind: i.Kind, method: i.Method, imsi: i.IMSI.Digits(), realm: i.Realm, emergency: i.Emergency}
	if i.PLMN.IsValid() {
		d.plmn = i.PLMN.String()
	}
	return d
}

func TestIdentityRulesParse(t *testing.T) {
	const (
		wlan = "@wlan.mnc001.mcc001.3gppnetwork.org"
		imsi = "001010000000001"
	)
	lab := func(k IdentityKind, m Type) ident { return ident{k, m, "", "001-01", RealmWLAN, false} }
	labIMSI := func(m Type) ident { return ident{KindPermanent, m, imsi, "001-01", RealmWLAN, false} }
	for identity, want := range map[string]ident{
		// The digits of TS 23.003.
		"0" + imsi + wlan:       labIMSI(TypeAKA),
		"1" + imsi + wlan:       labIMSI(TypeSIM),
		"6" + imsi + wlan:       labIMSI(TypeAKAPrime),
		"2ffffffffffff" + wlan:  lab(KindPseudonym, TypeAKA),
		"3ffffffffffff" + wlan:  lab(KindPseudonym, TypeSIM),
		"4ffffffffffff" + wlan:  lab(KindReauth, TypeAKA),
		"5ffffffffffff" + wlan:  lab(KindReauth, TypeSIM),
		"7ffffffffffff" + wlan:  lab(KindPseudonym, TypeAKAPrime),
		"8ffffffffffff" + wlan:  lab(KindReauth, TypeAKAPrime),
		"9" + imsi + wlan:       lab(KindUnknown, 0),
		"ffffffffffffff" + wlan: lab(KindUnknown, 0),
		// Anonymous.
		"0anonymous" + wlan: lab(KindAnonymous, TypeAKA),
		"6anonymous" + wlan: lab(KindAnonymous, TypeAKAPrime),
		"anonymous" + wlan:  lab(KindAnonymous, 0),
		wlan:                lab(KindAnonymous, 0),
		// A leading digit with nothing useful behind.
		"0" + wlan:                 lab(KindUnknown, TypeAKA),
		"2" + wlan:                 lab(KindUnknown, TypeAKA),
		"0abc" + wlan:              lab(KindUnknown, TypeAKA),
		"000101" + wlan:            lab(KindUnknown, TypeAKA), // 5 digits
		"00010100000000012" + wlan: lab(KindUnknown, TypeAKA), // 16 digits
		imsi + wlan:                {KindPermanent, TypeAKA, "01010000000001", "010-10", RealmWLAN, false},
		// Realms.
		"0" + imsi:                  {KindPermanent, TypeAKA, imsi, "001-01", RealmOther, false},
		"0" + imsi + "@example.com": {KindPermanent, TypeAKA, imsi, "001-01", RealmOther, false},
		"6234150999999999@nai.epc.mnc015.mcc234.3gppnetwork.org":                      {KindPermanent, TypeAKAPrime, "234150999999999", "234-15", RealmEPC, false},
		"6234150999999999@NAI.EPC.MNC015.MCC234.3GPPNETWORK.ORG":                      {KindPermanent, TypeAKAPrime, "234150999999999", "234-15", RealmEPC, false},
		"0234150999999999@epc.mnc015.mcc234.3gppnetwork.org":                          {KindPermanent, TypeAKA, "234150999999999", "234-15", RealmEPC, false},
		"4xyz@aaa1.nai.epc.mnc015.mcc234.3gppnetwork.org":                             {KindReauth, TypeAKA, "", "234-15", RealmEPC, false},
		"0234150999999999@sos.nai.epc.mnc015.mcc234.3gppnetwork.org":                  {KindPermanent, TypeAKA, "234150999999999", "234-15", RealmEPC, true},
		"0234150999999999@sos.wlan.mnc015.mcc234.3gppnetwork.org":                     {KindPermanent, TypeAKA, "234150999999999", "234-15", RealmWLAN, true},
		"imei356938035643809@sos.invalid":                                             {KindUnknown, 0, "", "", RealmOther, true},
		"0234150999999999@sos.invalid":                                                {KindPermanent, TypeAKA, "234150999999999", "234-15", RealmOther, true},
		"any@unreachable.3gppnetwork.org":                                             {KindForeign, 0, "", "", RealmUnreachable, false},
		"type0.rid678.schid0.userid0999999999@5gc-nswo.mnc015.mcc234.3gppnetwork.org": {KindUnknown, TypeAKAPrime, "", "234-15", RealmNSWO, false},
		"0234150999999999@ims.mnc015.mcc234.3gppnetwork.org":                          {KindPermanent, TypeAKA, "234150999999999", "234-15", RealmOther, false},
		"0234150999999999@mnc015.mcc234.3gppnetwork.org":                              {KindPermanent, TypeAKA, "234150999999999", "234-15", RealmOther, false},
		"0234150999999999@wlan.mnc15.mcc234.3gppnetwork.org":                          {KindPermanent, TypeAKA, "234150999999999", "234-15", RealmWLAN, false},
		"2x@wlan.mnc15.mcc234.3gppnetwork.org":                                        {KindPseudonym, TypeAKA, "", "234-15", RealmWLAN, false},
		"2x@wlan.mnc1x5.mcc234.3gppnetwork.org":                                       {KindPseudonym, TypeAKA, "", "", RealmOther, false},
		"2x@wlan.mnc015.mcc23.3gppnetwork.org":                                        {KindPseudonym, TypeAKA, "", "", RealmOther, false},
		"2x@wlan.mcc234.mnc015.3gppnetwork.org":                                       {KindPseudonym, TypeAKA, "", "", RealmOther, false},
		"2x@wlan.mnc0155.mcc234.3gppnetwork.org":                                      {KindPseudonym, TypeAKA, "", "", RealmOther, false},
		"2x@wlan.mnc015.mcc234.3gppnetwork.com":                                       {KindPseudonym, TypeAKA, "", "", RealmOther, false},
		"2x@x3gppnetwork.org":                                                         {KindPseudonym, TypeAKA, "", "", RealmOther, false},
		// MNC of three digits.
		"0310260123456789@wlan.mnc260.mcc310.3gppnetwork.org": {KindPermanent, TypeAKA, "310260123456789", "310-260", RealmWLAN, false},
		"0310260123456789":                                    {KindPermanent, TypeAKA, "310260123456789", "310-260", RealmOther, false},
		"2x@wlan.mnc012.mcc310.3gppnetwork.org":               {KindPseudonym, TypeAKA, "", "310-012", RealmWLAN, false},
		"2x@wlan.mnc012.mcc234.3gppnetwork.org":               {KindPseudonym, TypeAKA, "", "234-12", RealmWLAN, false},
		"2x@wlan.mnc120.mcc234.3gppnetwork.org":               {KindPseudonym, TypeAKA, "", "234-120", RealmWLAN, false},
		"0405854012345678@wlan.mnc854.mcc405.3gppnetwork.org": {KindPermanent, TypeAKA, "405854012345678", "405-854", RealmWLAN, false},
		"0405010123456789@wlan.mnc001.mcc405.3gppnetwork.org": {KindPermanent, TypeAKA, "405010123456789", "405-01", RealmWLAN, false},
		// The realm is another network's: the IMSI counts.
		"0310260123456789@wlan.mnc001.mcc001.3gppnetwork.org": {KindPermanent, TypeAKA, "310260123456789", "310-260", RealmWLAN, false},
		"0234150999999999@wlan.mnc010.mcc234.3gppnetwork.org": {KindPermanent, TypeAKA, "234150999999999", "234-15", RealmWLAN, false},
		// 000 fits both ways.
		"0234000999999999@wlan.mnc000.mcc234.3gppnetwork.org": {KindPermanent, TypeAKA, "234000999999999", "234-00", RealmWLAN, false},
		"0310000999999999@wlan.mnc000.mcc310.3gppnetwork.org": {KindPermanent, TypeAKA, "310000999999999", "310-000", RealmWLAN, false},
		// Decorated: the home realm counts.
		"nai.epc.mnc015.mcc234.3gppnetwork.org!6234150999999999@nai.epc.mnc071.mcc610.3gppnetwork.org": {KindPermanent, TypeAKAPrime, "234150999999999", "234-15", RealmEPC, false},
		// Malformed.
		"":                         {},
		"0" + imsi + "@":           {},
		"0" + imsi + "@realm":      {},
		"0" + imsi + wlan + "\x00": {},
		"\x00QmFzZTY0" + wlan:      {},
	} {
		t.Run(identity, func(t *testing.T) {
			var none *IdentityRules
			got := none.Parse(identity)
			require.Equal(t, want, identOf(got))
			require.Equal(t, got, new(IdentityRules).Parse(identity))
			if got.NAI.IsValid() {
				require.Equal(t, identity, got.NAI.Text())
			}
			if len(want.imsi) > 6 {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
					require.NotContains(t, fmt.Sprintf(verb, got), want.imsi[6:])
				}
			}
		})
	}
}

func TestIdentityRulesConfigured(t *testing.T) {
	const wlan = "@wlan.mnc001.mcc001.3gppnetwork.org"
	rules := &IdentityRules{
		Leading:   map[byte]Leading{'9': {KindPermanent, TypeAKA}, '1': {KindPermanent, TypeAKAPrime}, 'r': {KindReauth, TypeAKAPrime}},
		BareIMSI:  TypeAKA,
		PLMNs:     []PLMN{plmn(t, "405", "854"), plmn(t, "405", "85"), plmn(t, "405", "012"), plmn(t, "722", "34"), plmn(t, "500", "07")},
		MNCDigits: map[string]int{"722": 3, "310": 2},
	}
	require.NoError(t, rules.Validate())
	for identity, want := range map[string]ident{
		"9001010000000001" + wlan: {KindPermanent, TypeAKA, "001010000000001", "001-01", RealmWLAN, false},
		"1001010000000001" + wlan: {KindPermanent, TypeAKAPrime, "001010000000001", "001-01", RealmWLAN, false},
		"rxyz" + wlan:             {KindReauth, TypeAKAPrime, "", "001-01", RealmWLAN, false},
		"0001010000000001" + wlan: {KindPermanent, TypeAKA, "001010000000001", "001-01", RealmWLAN, false},
		"001010000000001" + wlan:  {KindPermanent, TypeAKA, "001010000000001", "001-01", RealmWLAN, false},
		"234150999999999":         {KindPermanent, TypeAKA, "234150999999999", "234-15", RealmOther, false},
		"23415099999999a" + wlan:  {KindPseudonym, TypeAKA, "", "001-01", RealmWLAN, false},
		// PLMNs before MNCDigits before the default.
		"0405854012345678@example.com":          {KindPermanent, TypeAKA, "405854012345678", "405-854", RealmOther, false},
		"0405850012345678@example.com":          {KindPermanent, TypeAKA, "405850012345678", "405-85", RealmOther, false},
		"0405990012345678@example.com":          {KindPermanent, TypeAKA, "405990012345678", "405-99", RealmOther, false},
		"0722340123456789@example.com":          {KindPermanent, TypeAKA, "722340123456789", "722-34", RealmOther, false},
		"0722350123456789@example.com":          {KindPermanent, TypeAKA, "722350123456789", "722-350", RealmOther, false},
		"0310350123456789@example.com":          {KindPermanent, TypeAKA, "310350123456789", "310-35", RealmOther, false},
		"2x@wlan.mnc012.mcc405.3gppnetwork.org": {KindPseudonym, TypeAKA, "", "405-012", RealmWLAN, false},
		"2x@wlan.mnc007.mcc500.3gppnetwork.org": {KindPseudonym, TypeAKA, "", "500-07", RealmWLAN, false},
		"2x@wlan.mnc007.mcc722.3gppnetwork.org": {KindPseudonym, TypeAKA, "", "722-007", RealmWLAN, false},
		"2x@wlan.mnc007.mcc310.3gppnetwork.org": {KindPseudonym, TypeAKA, "", "310-07", RealmWLAN, false},
	} {
		t.Run(identity, func(t *testing.T) {
			require.Equal(t, want, identOf(rules.Parse(identity)))
		})
	}
}

func TestIdentityRulesRealms(t *testing.T) {
	rules := &IdentityRules{Realms: []string{"mnc001.mcc001.3gppnetwork.org", ""}}
	for identity, served := range map[string]bool{
		"0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org":    true,
		"0001010000000001@nai.epc.MNC001.mcc001.3gppnetwork.org": true,
		"0001010000000001@mnc001.mcc001.3gppnetwork.org":         true,
		"0001010000000001": true,
		"0001010000000001@wlan.xmnc001.mcc001.3gppnetwork.org":            false,
		"0001010000000001@wlan.mnc002.mcc001.3gppnetwork.org":             false,
		"0001010000000001@example.com":                                    false,
		"wlan.mnc001.mcc001.3gppnetwork.org!0001010000000001@example.com": true,
		"example.com!0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org": false,
	} {
		id := rules.Parse(identity)
		require.Equal(t, served, id.Kind != KindForeign, identity)
		require.Equal(t, served, id.IMSI.IsValid(), identity)
		require.Equal(t, served, id.Method != 0, identity)
	}
	rules.Realms = []string{}
	require.Equal(t, KindForeign, rules.Parse(akaIdentity).Kind, "an empty list serves nobody")
	rules.Realms = []string{"3gppnetwork.org"}
	require.Equal(t, KindForeign, rules.Parse("0001010000000001").Kind)
}

func TestIdentityRulesValidate(t *testing.T) {
	require.NoError(t, (*IdentityRules)(nil).Validate())
	require.NoError(t, new(IdentityRules).Validate())
	for field, r := range map[string]IdentityRules{
		"Leading[' ']":     {Leading: map[byte]Leading{' ': {KindPermanent, TypeAKA}}},
		"Leading['9']":     {Leading: map[byte]Leading{'9': {KindUnknown, TypeAKA}}},
		"Leading['8']":     {Leading: map[byte]Leading{'8': {KindForeign, TypeAKA}}},
		`MNCDigits["24"]`:  {MNCDigits: map[string]int{"24": 2}},
		`MNCDigits["2a4"]`: {MNCDigits: map[string]int{"2a4": 2}},
		`MNCDigits["240"]`: {MNCDigits: map[string]int{"240": 4}},
		"PLMNs":            {PLMNs: []PLMN{{}}},
	} {
		require.ErrorContains(t, r.Validate(), field)
		_, err := NewAuthenticatorWith(Config{Methods: []Method{fakeMethod{typ: TypeAKA}}, Rules: &r})
		require.ErrorContains(t, err, field)
	}
}

func TestIdentityStrings(t *testing.T) {
	for k := KindUnknown; k <= KindForeign; k++ {
		require.NotContains(t, k.String(), "(")
	}
	require.Equal(t, "IdentityKind(9)", IdentityKind(9).String())
	for k := RealmOther; k <= RealmUnreachable; k++ {
		require.NotContains(t, k.String(), "(")
	}
	require.Equal(t, "RealmKind(9)", RealmKind(9).String())
	var r *IdentityRules
	require.Equal(t, "000101**********@wlan.mnc001.mcc001.3gppnetwork.org (permanent)", r.Parse(akaIdentity).String())
}

func TestParseAllocatesNothing(t *testing.T) {
	r := &IdentityRules{PLMNs: []PLMN{plmn(t, "001", "01")}, Realms: []string{"3gppnetwork.org"}}
	require.Zero(t, testing.AllocsPerRun(10, func() { r.Parse(akaIdentity) }))
}

func FuzzIdentityRulesParse(f *testing.F) {
	f.Add(akaIdentity)
	f.Add("nai.epc.mnc015.mcc234.3gppnetwork.org!6234150999999999@nai.epc.mnc071.mcc610.3gppnetwork.org")
	f.Add("2x@sos.wlan.mnc00.mcc310.3gppnetwork.org")
	f.Add("9310260123456789@mnc.mcc.3gppnetwork.org")
	all := &IdentityRules{
		Leading:   map[byte]Leading{'9': {KindPermanent, TypeAKA}},
		BareIMSI:  TypeAKAPrime,
		PLMNs:     []PLMN{{"310", "26"}, {"310", "260"}},
		MNCDigits: map[string]int{"001": 3},
		Realms:    []string{"", "org"},
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range []*IdentityRules{nil, all} {
			id := r.Parse(s)
			require.Equal(t, id.Kind == KindPermanent, id.IMSI.IsValid())
			if id.IMSI.IsValid() {
				require.True(t, id.PLMN.IsValid())
				require.Contains(t, s, id.IMSI.Digits())
				require.Equal(t, id.IMSI.Digits()[:3], id.PLMN.MCC())
				require.Equal(t, id.IMSI.Digits()[3:3+len(id.PLMN.MNC())], id.PLMN.MNC())
			}
			if id.PLMN.IsValid() {
				_, err := ParsePLMN(id.PLMN.MCC(), id.PLMN.MNC())
				require.NoError(t, err)
			}
			if id.Kind == KindForeign {
				require.Zero(t, id.Method)
			}
		}
	})
}

func BenchmarkIdentityRulesParse(b *testing.B) {
	var r *IdentityRules
	b.ReportAllocs()
	for b.Loop() {
		r.Parse(akaIdentity)
	}
}

func TestHomePLMN(t *testing.T) {
	imsi := MustParseIMSI("001010000000001")
	require.Equal(t, "001-01", (*IdentityRules)(nil).HomePLMN(imsi).String())
	require.Equal(t, "310-410", (&IdentityRules{}).HomePLMN(MustParseIMSI("310410000000001")).String())
	require.Equal(t, "001-010", (&IdentityRules{MNCDigits: map[string]int{"001": 3}}).HomePLMN(imsi).String())
	require.Equal(t, "001-010", (&IdentityRules{PLMNs: []PLMN{{"001", "010"}}}).HomePLMN(imsi).String())
	require.False(t, (&IdentityRules{}).HomePLMN(IMSI{}).IsValid())
}
