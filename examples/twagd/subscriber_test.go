package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// A subscriber whose profile the HSS changes has a full login next.
func TestServerProfileUpdate(t *testing.T) {
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	ap, hss, out := startHome(t, imsi, "")
	u, err := ue.New(ue.Config{IMSI: imsi})
	require.NoError(t, err)
	login := func() bool {
		t.Helper()
		_, err := u.Login(t.Context(), ap)
		require.NoError(t, err)
		return u.Reauthenticated()
	}
	require.False(t, login())
	require.True(t, login())
	code, err := hss.PushFlags(t.Context(), imsi, swx.PPRLocalTime)
	require.NoError(t, err)
	require.EqualValues(t, swx.ResultSuccess, code)
	waitFor(t, out, `flags="local time"`)
	require.True(t, login(), "nothing has changed")

	profile := swxtest.DefaultProfile()
	profile.Access = swx.AccessBarred
	require.NoError(t, hss.SetProfile(imsi, profile))
	code, err = hss.Push(t.Context(), imsi)
	require.NoError(t, err)
	require.EqualValues(t, swx.ResultSuccess, code)
	waitFor(t, out, "barred=true")
	require.False(t, login(), "the HSS is asked")
	require.NotContains(t, out.String(), imsi.Digits())
	require.Equal(t, 2, strings.Count(out.String(), "HSS changed a subscriber's profile"))
}

// Who logs in is registered, once; the profile that comes back decides.
func TestServerRegisters(t *testing.T) {
	t.Parallel()
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	ap, hss, out := startHome(t, imsi, "swx:\n  register: true\n  timeout: 1s\n")
	u, err := ue.New(ue.Config{IMSI: imsi})
	require.NoError(t, err)
	require.NoError(t, hss.EditProfile(imsi, func(p *swx.UserData) { p.SessionTimeout = time.Hour }))
	for range 2 {
		r, err := u.Login(t.Context(), ap)
		require.NoError(t, err)
		accept, err := layeh.Parse(r.Reply, []byte("the secret of all clients"))
		require.NoError(t, err)
		if !u.Reauthenticated() {
			require.EqualValues(t, 3600, rfc2865.SessionTimeout_Get(accept))
		}
	}
	state, _ := hss.State(imsi)
	require.True(t, state.Registered)
	require.EqualValues(t, 2, state.Requests, "one MAR, one SAR; the re-authentication took neither")

	for i, tc := range []struct {
		name string
		hss  func()
		why  string
	}{
		{"barred", func() {
			require.NoError(t, hss.EditProfile(imsi, func(p *swx.UserData) { p.Access = swx.AccessBarred }))
		}, "Non-3GPP-IP-Access barred"},
		{"not for WLAN", func() {
			require.NoError(t, hss.EditProfile(imsi, func(p *swx.UserData) {
				p.Access, p.RATNotAllowed = swx.AccessAllowed, []swx.RATType{swx.RATWLAN}
			}))
		}, "WLAN\""},
		{"refused", func() {
			hss.Inject(swxtest.Fault{Command: swx.CommandServerAssignment, Times: 1, Experimental: swx.ExperimentalResult{Vendor: swx.Vendor3GPP, Code: 5450}})
		}, "USER_NO_NON_3GPP_SUBSCRIPTION"},
		{"no answer", func() {
			hss.Inject(swxtest.Fault{Command: swx.CommandServerAssignment, Times: 1, Silent: true})
		}, "deadline exceeded"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.hss()
			u.Forget()
			_, err := u.Login(t.Context(), ap)
			require.ErrorIs(t, err, radiustest.ErrRejected)
			waitFor(t, out, tc.why)
			require.Equal(t, i+1, strings.Count(out.String(), "HSS does not let a subscriber in"))
		})
	}
	require.NotContains(t, out.String(), imsi.Digits())
}

// A subscriber whom the HSS deregisters or bars loses his sessions.
func TestServerEndsSessions(t *testing.T) {
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	for _, barred := range []bool{false, true} {
		s, ap, hss, _ := startHomeServer(t, imsi, "roles: [auth, acct]\ndata_dir: "+t.TempDir()+"\nsessions: {store: memory}\naccounting: {listen: 127.0.0.1:0}\n")
		u, err := ue.New(ue.Config{IMSI: imsi})
		require.NoError(t, err)
		_, err = u.Login(t.Context(), ap)
		require.NoError(t, err)
		list, err := s.books.manager.BySubscriber(t.Context(), imsi.Digits())
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Zero(t, list[0].Session.Closing)

		code, err := hss.Push(t.Context(), imsi)
		require.NoError(t, err)
		require.EqualValues(t, swx.ResultSuccess, code)
		e, err := s.books.manager.Get(t.Context(), list[0].Session.ID)
		require.NoError(t, err)
		require.Zero(t, e.Session.Closing, "the new profile lets him stay")

		if barred {
			require.NoError(t, hss.EditProfile(imsi, func(p *swx.UserData) { p.Access = swx.AccessBarred }))
			code, err = hss.Push(t.Context(), imsi)
		} else {
			code, err = hss.Terminate(t.Context(), imsi, swx.ReasonPermanentTermination)
		}
		require.NoError(t, err)
		require.EqualValues(t, swx.ResultSuccess, code)
		e, err = s.books.manager.Get(t.Context(), list[0].Session.ID)
		require.NoError(t, err)
		require.Equal(t, session.ReasonNetwork, e.Session.Closing)
	}
}
