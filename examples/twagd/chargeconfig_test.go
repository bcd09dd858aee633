package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
)

// TestChargingRules: how a session is charged, by default and by realm, SSID and group.
func TestChargingRules(t *testing.T) {
	cfg, _, err := parseConfig("test.yaml", []byte(`
roles: [auth, acct]
data_dir: /var/lib/twagd
diameter:
  origin_host: aaa.example.org
  origin_realm: example.org
  peers: [{host: ocs.example.org, address: 192.0.2.1}]
radius: {secret: a secret of some length}
charging:
  mode: full
  rating_group: 7
  rules:
    - {realm: Free.example, mode: disabled}
    - {ssid: guests, group: staff, mode: disabled}
    - {ssid: guests, mode: authorization-only, rating_group: 20}
    - {group: gold, mode: full, rating_group: 30}
`))
	require.NoError(t, err)
	node, err := diameter.NewNode(diameter.Config{OriginHost: "aaa.example.org", OriginRealm: "example.org", Applications: []diameter.Application{gy.Application}})
	require.NoError(t, err)
	defer node.Close()
	s := &server{cfg: cfg, node: node}
	general, choose := s.cfg.Charging.choose(s)
	require.NotNil(t, general)
	for _, c := range []struct {
		s    session.Session
		mode string
		rg   uint32
	}{
		{session.Session{}, chargeFull, 7},
		{session.Session{Realm: "other.example", SSID: "home", Group: "silver"}, chargeFull, 7},
		{session.Session{Realm: "FREE.example", SSID: "guests", Group: "gold"}, chargeDisabled, 0},
		{session.Session{SSID: "guests", Group: "staff"}, chargeDisabled, 0},
		{session.Session{SSID: "guests", Group: "gold"}, chargeAuthorize, 20},
		{session.Session{SSID: "Guests"}, chargeFull, 7},
		{session.Session{Group: "gold"}, chargeFull, 30},
	} {
		m := choose(&c.s)
		if c.mode == chargeDisabled {
			require.Nil(t, m)
			continue
		}
		gs := m.NewSession("aaa.example.org;1;2", new(gy.Info))
		out := gs.Start(c.s.Admitted)
		msg, err := gs.AppendRequest(nil)
		require.NoError(t, err)
		var r gy.CCR
		require.NoError(t, r.Decode(msg))
		require.Equal(t, c.rg, r.Services[0].RatingGroup)
		// Only who has a quota comes to its end.
		a := gy.CCA{ResultCode: gy.ResultSuccess, Services: []gy.MSCC{{
			RatingGroup: c.rg, HasRatingGroup: true, ResultCode: gy.ResultSuccess, HasGranted: true, Granted: gy.Units{Has: gy.UnitTotal, Total: 1000},
		}}}
		gs.Answer(c.s.Admitted, out.Seq, &a)
		out = gs.Account(c.s.Admitted, 0, gy.Counters{Input: 1000})
		require.Equal(t, c.mode == chargeFull, out.Send, "%+v", c.s)
	}

	s.cfg.Charging.Mode = chargeDisabled
	require.True(t, s.cfg.Charging.enabled())
	general, choose = s.cfg.Charging.choose(s)
	require.NotNil(t, general, "for sessions of before")
	require.Nil(t, choose(&session.Session{}))
	require.NotNil(t, choose(&session.Session{Group: "gold"}))
	s.cfg.Charging.Rules = s.cfg.Charging.Rules[:2]
	require.False(t, s.cfg.Charging.enabled())
}

// TestChargingTemplates: what an OCS says of redirecting and restricting becomes attributes.
func TestChargingTemplates(t *testing.T) {
	c := defaultCharging()
	redirect := gy.GroupChange{Verdict: gy.VerdictRedirect, Final: gy.FinalUnit{Redirect: gy.Redirect{Type: gy.RedirectURL, Address: []byte("http://topup.example/")}}}
	restrict := gy.GroupChange{Verdict: gy.VerdictRestrict, Final: gy.FinalUnit{FilterIDs: [][]byte{[]byte("garden"), []byte("other")}}}
	require.Empty(t, c.attributes(nil, redirect), "without a template the session is disconnected")
	c.Redirect = []string{"Reply-Message = {url}", "Filter-Id = walled"}
	c.Restrict = []string{"Filter-Id = {filter}"}
	c.Pass = []string{"Filter-Id=open"}
	for _, w := range []struct {
		change         gy.GroupChange
		filter, notice string
	}{
		{redirect, "walled", "http://topup.example/"}, {restrict, "garden", ""}, {gy.GroupChange{}, "open", ""},
	} {
		list, err := layeh.ParseAttributes(c.attributes(nil, w.change))
		require.NoError(t, err)
		require.Equal(t, w.filter, string(list.Get(rfc2865.FilterID_Type)))
		require.Equal(t, w.notice, string(list.Get(rfc2865.ReplyMessage_Type)))
	}
	require.Empty(t, c.attributes(nil, gy.GroupChange{Verdict: gy.VerdictBlock}))
	require.Empty(t, c.attributes(nil, gy.GroupChange{Verdict: gy.VerdictRestrict}), "it has filter rules only")
	require.Empty(t, c.attributes(nil, gy.GroupChange{Verdict: gy.VerdictRedirect}))
}
