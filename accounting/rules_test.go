package accounting

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRules(t *testing.T) {
	names := map[string]string{"10.0.0.1": "berlin-1", "10.0.0.2": "berlin-2"}
	plain := tlv(1, "u") + tlv(4, "\x0a\x00\x00\x01")
	cisco := plain + tlv(26, "\x00\x00\x00\x09"+tlv(1, "a")+tlv(2, "p")) + vsa(9, 1, "b")
	for name, tc := range map[string]struct {
		rules []Rule
		in    string
		want  string
	}{
		"NAS-Identifier from a table": {[]Rule{{Action: SetFromTable, Attribute: "NAS-Identifier", From: "NAS-IP-Address", Table: names}},
			plain, plain + tlv(32, "berlin-1")},
		"not in the table": {[]Rule{{Action: SetFromTable, Attribute: "NAS-Identifier", From: "NAS-IP-Address", Table: map[string]string{"10.0.0.9": "x"}}},
			plain, plain},
		"nothing to look up": {[]Rule{{Action: SetFromTable, Attribute: "NAS-Identifier", From: "NAS-IPv6-Address", Table: names}}, plain, plain},
		"by the source": {[]Rule{{Action: SetFromTable, Attribute: "NAS-Identifier", From: "Twag-Source", Table: map[string]string{"192.0.2.1": "x"}}},
			plain, plain + tlv(32, "x")},
		"by a name of a value": {[]Rule{{Action: SetFromTable, Attribute: "Connect-Info", From: "NAS-Port-Type", Table: map[string]string{"Ethernet": "wired"}}},
			tlv(61, "\x00\x00\x00\x0f"), tlv(61, "\x00\x00\x00\x0f") + tlv(77, "wired")},
		"by an attribute without a name": {[]Rule{{Action: SetFromTable, Attribute: "Connect-Info", From: "Attr-241", Table: map[string]string{"0x01": "one"}}},
			tlv(241, "\x01"), tlv(241, "\x01") + tlv(77, "one")},
		"if absent, and it is there": {[]Rule{{Action: SetFromTable, Attribute: "NAS-Identifier", From: "NAS-IP-Address", Table: names, IfAbsent: true}},
			tlv(32, "own") + plain, tlv(32, "own") + plain},
		"always, in place of the first": {[]Rule{{Action: SetValue, Attribute: "NAS-Identifier", Value: "x"}},
			tlv(32, "own") + plain + tlv(32, "other"), tlv(32, "x") + plain},
		"named value":           {[]Rule{{Action: SetValue, Attribute: "NAS-Port-Type", Value: "Wireless-802.11"}}, plain, plain + tlv(61, "\x00\x00\x00\x13")},
		"tag":                   {[]Rule{{Action: SetValue, Attribute: "Tunnel-Type:1", Value: "VLAN"}}, "", tlv(64, "\x01\x00\x00\x0d")},
		"vendor's":              {[]Rule{{Action: SetValue, Attribute: "Cisco-AVPair", Value: "0x"}}, plain, plain + vsa(9, 1, "0x")},
		"without a name":        {[]Rule{{Action: SetValue, Attribute: "Attr-26.31337.1", Value: "0x01"}}, plain, plain + vsa(31337, 1, "\x01")},
		"rename":                {[]Rule{{Action: Rename, Attribute: "User-Name", Value: "Chargeable-User-Identity"}}, plain, tlv(89, "u") + plain[3:]},
		"rename, if absent":     {[]Rule{{Action: Rename, Attribute: "User-Name", Value: "Filter-Id", IfAbsent: true}}, plain + tlv(11, "f"), plain + tlv(11, "f")},
		"rename what is longer": {[]Rule{{Action: Rename, Attribute: "User-Name", Value: "Cisco-AVPair"}}, tlv(1, strings.Repeat("x", 253)), tlv(1, strings.Repeat("x", 253))},
		"remove":                {[]Rule{{Action: Remove, Attribute: "Cisco-AVPair"}}, cisco, plain + vsa(9, 2, "p")},
		"two rules":             {[]Rule{{Action: SetValue, Attribute: "Filter-Id", Value: "x"}, {Action: Rename, Attribute: "Filter-Id", Value: "Connect-Info"}}, plain, plain + tlv(77, "x")},
		"of this NAS":           {[]Rule{{NAS: []string{"10.0.0.1"}, Action: Remove, Attribute: "User-Name"}}, plain, plain[3:]},
		"of a NAS by name":      {[]Rule{{NAS: []string{"own"}, Action: Remove, Attribute: "User-Name"}}, plain + tlv(32, "own"), plain[3:] + tlv(32, "own")},
		"of a NAS by source":    {[]Rule{{NAS: []string{"192.0.2.1"}, Action: Remove, Attribute: "User-Name"}}, plain, plain[3:]},
		"of another NAS":        {[]Rule{{NAS: []string{"10.0.0.2", "own"}, Action: Remove, Attribute: "User-Name"}}, plain, plain},
		"of this vendor":        {[]Rule{{Vendor: 9, Action: SetValue, Attribute: "Filter-Id", Value: "x"}}, plain + vsa(9, 1, "b"), plain + vsa(9, 1, "b") + tlv(11, "x")},
		"of another vendor":     {[]Rule{{Vendor: 9, Action: SetValue, Attribute: "Filter-Id", Value: "x"}}, plain, plain},
		"that have it":          {[]Rule{{Has: "NAS-IP-Address", Action: Remove, Attribute: "User-Name"}}, plain, plain[3:]},
		"that have it not":      {[]Rule{{Has: "NAS-Port", Action: Remove, Attribute: "User-Name"}}, plain, plain},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := newRewriter(tc.rules)
			require.NoError(t, err)
			ticket := Ticket{Source: netip.MustParseAddr("192.0.2.1"), Attributes: []byte(tc.in)}
			require.Equal(t, tc.want, string(w.apply(&ticket)))
			require.Equal(t, tc.want, string(w.apply(&ticket)), "again")
			require.Equal(t, tc.in, string(ticket.Attributes), "the journal's own")
		})
	}
}

func TestRulesThatCannotBe(t *testing.T) {
	for field, r := range map[string]Rule{
		"NAS: empty name":                   {NAS: []string{""}, Action: Remove, Attribute: "User-Name"},
		"Has: no attribute":                 {Has: "Nonsense", Action: Remove, Attribute: "User-Name"},
		"Attribute: no attribute":           {Action: Remove, Attribute: "Nonsense"},
		"Attribute: Acct-Status-Type":       {Action: Remove, Attribute: "Acct-Status-Type"},
		"Value: Remove":                     {Action: Remove, Attribute: "User-Name", Value: "x"},
		"Action: 0":                         {Attribute: "User-Name"},
		"Action: 9":                         {Action: 9, Attribute: "User-Name"},
		"Value: NAS-Port: \"x\"":            {Action: SetValue, Attribute: "NAS-Port", Value: "x"},
		"Value: User-Name of 254":           {Action: SetValue, Attribute: "User-Name", Value: strings.Repeat("x", 254)},
		"From: only SetFromTable":           {Action: SetValue, Attribute: "User-Name", From: "NAS-Port"},
		"From: no attribute":                {Action: SetFromTable, Attribute: "User-Name", Table: map[string]string{"a": "b"}},
		"Table: 0":                          {Action: SetFromTable, Attribute: "User-Name", From: "NAS-Port"},
		"Value: SetFromTable":               {Action: SetFromTable, Attribute: "User-Name", Value: "x"},
		"Value: NAS-Port: \"y\"":            {Action: SetFromTable, Attribute: "NAS-Port", From: "User-Name", Table: map[string]string{"a": "y"}},
		"cannot be called NAS-Port":         {Action: Rename, Attribute: "User-Name", Value: "NAS-Port"},
		"cannot be called Acct-Status-Type": {Action: Rename, Attribute: "NAS-Port", Value: "Acct-Status-Type"},
		"Value: no attribute":               {Action: Rename, Attribute: "User-Name", Value: "Nonsense"},
	} {
		t.Run(field, func(t *testing.T) {
			require.ErrorContains(t, r.Validate(), field)
			_, err := newRewriter([]Rule{r})
			require.ErrorContains(t, err, "rule 1: ")
		})
	}
	_, err := newRewriter(make([]Rule, maxRules+1))
	require.Error(t, err)
}

func TestRulesDoNotAllocate(t *testing.T) {
	w, err := newRewriter([]Rule{
		{Action: SetFromTable, Attribute: "NAS-Identifier", From: "NAS-IP-Address", Table: map[string]string{"10.0.0.1": "x"}},
		{NAS: []string{"x"}, Action: Remove, Attribute: "Cisco-AVPair"},
	})
	require.NoError(t, err)
	ticket := fullTicket()
	require.Zero(t, testing.AllocsPerRun(100, func() { w.apply(&ticket) }))
}
