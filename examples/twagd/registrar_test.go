package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/freeport"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// house is a server that knows sessions and tells the HSS of them.
type house struct {
	*server
	t       *testing.T
	imsi    eap.IMSI
	ap      *radiustest.AP
	hss     *swxtest.HSS
	out     *syncBuffer
	account netip.AddrPort
}

func startHouse(t *testing.T, changes ...func(*config)) *house {
	t.Helper()
	h := &house{t: t, imsi: eap.MustParseIMSI(provision.FirstIMSI)}
	var err error
	h.account, err = freeport.Loopback()
	require.NoError(t, err)
	h.server, h.ap, h.hss, h.out = startHomeServer(t, h.imsi, "roles: [auth, acct]\ndata_dir: "+t.TempDir()+
		"\nsessions: {store: memory}\naccounting: {listen: \""+h.account.String()+"\"}\nswx: {register: true, timeout: 30s}\n",
		append(changes, func(c *config) { c.SWx.DeregisterAfter = 200 * time.Millisecond })...)
	return h
}

// guest is a phone, and its session.
type guest struct {
	*ue.UE
	h       *house
	class   []byte
	account int // number of the session
}

func (h *house) guest(station string) *guest {
	h.t.Helper()
	u, err := ue.New(ue.Config{IMSI: h.imsi, Station: station})
	require.NoError(h.t, err)
	return &guest{UE: u, h: h}
}

// present is a guest who has logged in and whose session has started.
func (h *house) present() *guest {
	h.t.Helper()
	one := h.guest("02-00-00-00-00-01")
	one.login()
	one.say(start)
	return one
}

func (g *guest) login() {
	g.h.t.Helper()
	r, err := g.Login(g.h.t.Context(), g.h.ap)
	require.NoError(g.h.t, err)
	accept, err := layeh.Parse(r.Reply, []byte("the secret of all clients"))
	require.NoError(g.h.t, err)
	g.class = rfc2865.Class_Get(accept)
}

// say has the access point account for the session.
func (g *guest) say(status rfc2866.AcctStatusType) {
	g.h.t.Helper()
	if status == start {
		g.account++
	}
	p := layeh.New(layeh.CodeAccountingRequest, []byte("the secret of all clients"))
	require.NoError(g.h.t, errors.Join(
		rfc2866.AcctStatusType_Set(p, status), rfc2866.AcctSessionID_SetString(p, fmt.Sprint(g.Station(), "/", g.account)),
		rfc2865.NASIdentifier_SetString(p, "house"), rfc2865.CallingStationID_SetString(p, g.Station()), rfc2865.Class_Set(p, g.class)))
	ctx, cancel := context.WithTimeout(g.h.t.Context(), time.Minute)
	defer cancel()
	_, err := layeh.Exchange(ctx, p, g.h.account.String())
	require.NoError(g.h.t, err)
}

const start, stop = rfc2866.AcctStatusType_Value_Start, rfc2866.AcctStatusType_Value_Stop

func (h *house) isRegistered() bool {
	state, _ := h.hss.State(h.imsi)
	require.Equal(h.t, state.Registered, state.AAAServer != "")
	return state.Registered
}

// stays demands that the HSS hears nothing of the subscriber, when n things that it might have been
// told are done with (on a slow machine some are by now).
func (h *house) stays(registered bool, n int) {
	h.t.Helper()
	before, _ := h.hss.State(h.imsi)
	require.LessOrEqual(h.t, h.tasks(), n)
	h.becomes(registered)
	after, _ := h.hss.State(h.imsi)
	require.Equal(h.t, before.Requests, after.Requests)
}

func (h *house) becomes(registered bool) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return h.isRegistered() == registered && h.tasks() == 0 }, time.Minute, 10*time.Millisecond)
}

// tasks is how much the HSS is still to be told.
func (h *house) tasks() int {
	n := 0
	require.NoError(h.t, h.books.store.Scan(h.t.Context(), session.KindTask, func(r session.Record) bool {
		if session.TaskKind(r.Value[1]) == taskRegistration {
			n++
		}
		return true
	}))
	return n
}

// lose takes a session out of the store.
func (h *house) lose(id session.ID) {
	h.t.Helper()
	key := session.Key{Kind: session.KindSession, ID: id}
	r, err := h.books.store.Get(h.t.Context(), key)
	require.NoError(h.t, err)
	_, err = h.books.store.Commit(h.t.Context(), &session.Change{Puts: []session.Put{{Key: key, Expect: r.Version, Delete: true}}})
	require.NoError(h.t, err)
}

// Who has no session any more is deregistered, and only he.
func TestDeregistered(t *testing.T) {
	t.Parallel()
	h := startHouse(t)
	one, two := h.guest("02-00-00-00-00-01"), h.guest("02-00-00-00-00-02")
	one.login()
	two.login()
	one.say(start)
	two.say(start)
	one.say(stop)
	h.stays(true, 1)
	two.say(stop)
	h.becomes(false)

	// Re-authenticated or not, who comes back is registered again.
	one.login()
	require.True(t, one.Reauthenticated())
	require.True(t, h.isRegistered())
	before, _ := h.hss.State(h.imsi)
	one.login()
	require.True(t, one.Reauthenticated())
	after, _ := h.hss.State(h.imsi)
	require.Equal(t, before.Requests, after.Requests, "he is registered")

	// Somebody who has left for less than the time has not left.
	one.say(start)
	one.say(stop)
	two.login()
	h.stays(true, 1)
	require.NotContains(t, h.out.String(), h.imsi.Digits())
}

// A session that was not recorded at its login, such as when the store failed, keeps its subscriber
// registered like any other.
func TestDeregisteredUnrecorded(t *testing.T) {
	t.Parallel()
	h := startHouse(t)
	one, two := h.guest("02-00-00-00-00-01"), h.guest("02-00-00-00-00-02")
	one.login()
	two.login()
	list, err := h.books.manager.ByStation(t.Context(), two.Station())
	require.NoError(t, err)
	require.Len(t, list, 1)
	h.lose(list[0].Session.ID)
	one.say(start)
	two.say(start)
	one.say(stop)
	h.stays(true, 1)
	two.say(stop)
	h.becomes(false)
}

// Who comes back while he is deregistered is registered after that, however late it reaches the HSS.
func TestRegisteredAfterwards(t *testing.T) {
	t.Parallel()
	for name, patience := range map[string]time.Duration{"answered": 30 * time.Second, "given up": 500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startHouse(t, func(c *config) { c.SWx.Timeout = patience })
			one := h.present()
			const late = 900 * time.Millisecond
			h.hss.Inject(swxtest.Fault{Command: swx.CommandServerAssignment, Times: 1, Delay: late})
			one.say(stop)
			h.isAsked()
			require.Eventually(t, func() bool { _, err := one.Login(t.Context(), h.ap); return err == nil }, time.Minute, time.Millisecond)
			time.Sleep(late)
			h.becomes(true)
		})
	}
}

// A login that nobody uses, or that is refused in the end, leaves nothing at the HSS.
func TestDeregisteredWithoutAccounting(t *testing.T) {
	t.Parallel()
	h := startHouse(t)
	one := h.guest("02-00-00-00-00-01")
	one.login()
	list, err := h.books.manager.BySubscriber(t.Context(), h.imsi.Digits())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "hss.example.org", list[0].Session.Home)
	require.NoError(t, h.books.manager.End(t.Context(), list[0], session.ReasonNeverUsed))
	h.becomes(false)

	require.NoError(t, h.hss.EditProfile(h.imsi, func(p *swx.UserData) { p.Access = swx.AccessBarred }))
	one.Forget()
	_, err = one.Login(t.Context(), h.ap)
	require.ErrorIs(t, err, radiustest.ErrRejected)
	require.True(t, h.isRegistered())
	h.becomes(false)
}

// A phone may re-authenticate while the HSS is away; it is told as soon as it is back, and has
// the last word.
func TestRegisteredLater(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]func(*guest){
		"welcome": func(g *guest) {
			g.h.away(2)
			g.login()
			g.say(start)
			require.True(g.h.t, g.Reauthenticated())
			g.h.becomes(true)
			g.say(stop)
			g.h.away(1)
			g.h.becomes(false)
		},
		"barred": func(g *guest) {
			g.h.away(1)
			require.NoError(g.h.t, g.h.hss.EditProfile(g.h.imsi, func(p *swx.UserData) { p.Access = swx.AccessBarred }))
			g.login()
			g.say(start)
			require.True(g.h.t, g.Reauthenticated())
			waitFor(g.h.t, g.h.out, "HSS does not want a subscriber who is here")
			g.h.becomes(false)
			g.say(stop)
			g.h.stays(false, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startHouse(t)
			one := h.present()
			one.say(stop)
			h.becomes(false)
			check(one)
		})
	}
}

// away has the HSS refuse that many requests for now.
func (h *house) away(times int) {
	h.hss.Inject(swxtest.Fault{Command: swx.CommandServerAssignment, Times: times, ResultCode: swx.ResultUnableToComply})
}

// An HSS that is silent keeps no phone waiting until nobody listens, neither for the answer to its own
// login nor for that to an earlier deregistration.
func TestSilentHSS(t *testing.T) {
	t.Parallel()
	silence := func(h *house) { h.hss.Inject(swxtest.Fault{Command: swx.CommandServerAssignment, Silent: true}) }
	for name, leave := range map[string]func(*guest){
		"during the login":      func(g *guest) { g.say(stop); g.h.becomes(false); silence(g.h) },
		"during deregistration": func(g *guest) { silence(g.h); g.say(stop); g.h.isAsked() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startHouse(t, func(c *config) { c.SWx.Timeout, c.Sessions.Store = 2*time.Second, storePebble })
			one := h.present()
			leave(one)
			one.login()
			require.True(t, one.Reauthenticated())
			one.say(start)
			h.hss.ClearFaults()
			h.becomes(true)
		})
	}
}

// isAsked waits until a request has met a fault.
func (h *house) isAsked() {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return h.hss.Stats().Faults == 1 }, time.Minute, time.Millisecond)
}

// Who is another AAA server's by now does not get in by a fast re-authentication; the full login that
// follows finds out.
func TestReauthenticatedElsewhere(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]swxtest.Fault{
		"registered":  {Experimental: swx.ExperimentalResult{Vendor: swx.Vendor3GPP, Code: swx.ExperimentalIdentityAlreadyRegistered}},
		"redirection": {ResultCode: 3006},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startHouse(t)
			one := h.present()
			one.say(stop)
			h.becomes(false)
			f.Command, f.Times, f.AAAServerName = swx.CommandServerAssignment, 1, "bbb.example.org"
			h.hss.Inject(f)
			_, err := one.Login(t.Context(), h.ap)
			require.ErrorIs(t, err, radiustest.ErrRejected)
			require.Zero(t, h.reauth.(*aka.MemoryReauthStore).Len(), "nor would another phone have to give up by itself")
			one.login()
			require.False(t, one.Reauthenticated())
			require.True(t, h.isRegistered())
		})
	}
}

// What was tried before may have reached the HSS late: it is told once more how things are.
func TestToldOnceMore(t *testing.T) {
	t.Parallel()
	h := startHouse(t)
	task := func(what byte, home string, attempts uint32) session.Task {
		task := registration(what, h.imsi.Digits(), home)
		task.Attempts = attempts
		return task
	}
	late := func() {
		_, err := h.registrar.hss.Assign(t.Context(), swx.AssignmentRequest{IMSI: h.imsi, Type: swx.Registration})
		require.NoError(t, err)
		require.True(t, h.isRegistered())
	}
	late()
	require.NoError(t, h.registrar.do(t.Context(), task(toRegister, homeUntold, 0)))
	require.True(t, h.isRegistered())
	require.NoError(t, h.registrar.do(t.Context(), task(toRegister, homeUntold, 1)))
	require.False(t, h.isRegistered())

	// The HSS that has him is not there: in the end another will do, unless it does not know him.
	late()
	const gone = "hss2.example.org"
	require.Error(t, h.registrar.do(t.Context(), task(toDeregister, gone, hostAttempts-1)))
	require.True(t, h.isRegistered())
	require.NoError(t, h.registrar.do(t.Context(), task(toDeregister, gone, hostAttempts)))
	require.False(t, h.isRegistered())
	require.True(t, h.hss.Remove(h.imsi))
	require.Error(t, h.registrar.do(t.Context(), task(toDeregister, gone, hostAttempts)))
	require.NoError(t, h.registrar.do(t.Context(), task(toDeregister, "hss.example.org", hostAttempts)))
}

// What the HSS says of a subscriber waits for a login of his that is being decided, and so counts for
// that too.
func TestTerminatedDuringLogin(t *testing.T) {
	t.Parallel()
	h := startHouse(t)
	one := h.guest("02-00-00-00-00-01")
	one.login()
	for name, say := range map[string]func() error{
		"RTR": func() error {
			_, err := h.hss.Terminate(t.Context(), h.imsi, swx.ReasonPermanentTermination)
			return err
		},
		"PPR": func() error {
			err := h.hss.EditProfile(h.imsi, func(p *swx.UserData) { p.Access = swx.AccessBarred })
			_, pushed := h.hss.Push(t.Context(), h.imsi)
			return errors.Join(err, pushed)
		},
	} {
		require.NoError(t, h.hss.EditProfile(h.imsi, func(p *swx.UserData) { p.Access = swx.AccessAllowed }))
		one.Forget()
		one.login()
		done, err := h.registrar.turns.take(t.Context(), h.imsi.Digits())
		require.NoError(t, err)
		said := make(chan error, 1)
		go func() { said <- say() }()
		waitFor(t, h.out, map[string]string{"RTR": "HSS deregistered a subscriber", "PPR": "HSS changed a subscriber"}[name])
		s, err := h.books.manager.Admit(t.Context(), session.Session{IMSI: h.imsi.Digits(), Station: "another " + name, Home: homeUnnamed})
		require.NoError(t, err)
		done()
		require.NoError(t, <-said)
		e, err := h.books.manager.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.Equal(t, session.ReasonNetwork, e.Session.Closing, name)
	}
}

// After an RTR the HSS knows already; after a profile that bars it doesn't.
func TestDeregisteredByTheHSS(t *testing.T) {
	t.Parallel()
	h := startHouse(t)
	one := h.present()
	_, err := h.hss.Terminate(t.Context(), h.imsi, swx.ReasonNewServerAssigned)
	require.NoError(t, err)
	one.say(stop)
	h.stays(false, 0)

	one.login()
	require.False(t, one.Reauthenticated())
	one.say(start)
	require.NoError(t, h.hss.EditProfile(h.imsi, func(p *swx.UserData) { p.Access = swx.AccessBarred }))
	_, err = h.hss.Push(t.Context(), h.imsi)
	require.NoError(t, err)
	h.becomes(false)
}

// A session whose access point was only away is one of a registered subscriber again.
func TestRegisteredAgain(t *testing.T) {
	t.Parallel()
	h := startHouse(t)
	one := h.present()
	list, err := h.books.manager.BySubscriber(t.Context(), h.imsi.Digits())
	require.NoError(t, err)
	require.NoError(t, h.books.manager.End(t.Context(), list[0], session.ReasonSilent))
	h.becomes(false)
	one.say(rfc2866.AcctStatusType_Value_InterimUpdate)
	h.becomes(true)
}
