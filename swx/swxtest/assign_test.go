package swxtest

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
)

// registerer makes SARs for the test's subscriber.
type registerer struct {
	t *testing.T
	c *swx.Client
}

func (r registerer) assign(req swx.AssignmentRequest) (swx.Assignment, error) {
	req.IMSI = testIMSI
	return r.c.Assign(r.t.Context(), req)
}

// code is the result of a SAR: 0 for success.
func (r registerer) code(req swx.AssignmentRequest) uint32 {
	r.t.Helper()
	_, err := r.assign(req)
	if err == nil {
		return 0
	}
	var re *swx.ResultError
	require.ErrorAs(r.t, err, &re)
	return re.Code
}

func (r registerer) vectors() error {
	_, err := r.c.Vectors(r.t.Context(), request(aka.SchemeAKA))
	return err
}

func TestRegistrationLife(t *testing.T) {
	h, c := newClient(t, Config{})
	r := registerer{t, c}
	kind := func(k swx.AssignmentType) uint32 { return r.code(swx.AssignmentRequest{Type: k}) }
	state := func() State { s, _ := h.State(testIMSI); return s }

	// Nobody is registered.
	require.EqualValues(t, 5003, kind(swx.UserDeregistration))
	require.EqualValues(t, 5003, kind(swx.AdministrativeDeregistration))
	require.EqualValues(t, 5003, kind(swx.PGWUpdate))
	require.Zero(t, kind(swx.AAAUserDataRequest), "the profile can be had all the same")

	// Authentication is pending, and comes to nothing.
	for _, k := range []swx.AssignmentType{swx.AuthenticationFailure, swx.AuthenticationTimeout, swx.UserDeregistration} {
		require.NoError(t, r.vectors())
		require.Equal(t, "aaa1.example", state().AAAServer)
		require.False(t, state().Registered)
		require.Zero(t, kind(k))
		require.Empty(t, state().AAAServer)
	}

	// Registered: a second login that fails changes nothing.
	require.NoError(t, r.vectors())
	got, err := r.assign(swx.AssignmentRequest{Type: swx.Registration})
	require.NoError(t, err)
	require.Equal(t, swx.Assignment{UserData: DefaultProfile(), Host: DefaultHost}, got)
	require.True(t, state().Registered)
	require.Zero(t, kind(swx.AuthenticationFailure))
	require.True(t, state().Registered)

	// Gateways.
	gateway := &swx.Gateway{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	require.Zero(t, r.code(swx.AssignmentRequest{Type: swx.PGWUpdate, APN: "internet", ContextID: 1, Gateway: gateway}))
	require.Equal(t, []swx.ActiveAPN{{APN: "internet", ContextID: 1, Gateway: gateway}}, state().ActiveAPNs)
	require.EqualValues(t, 5451, r.code(swx.AssignmentRequest{Type: swx.PGWUpdate, APN: "other", Gateway: gateway}))
	require.Zero(t, r.code(swx.AssignmentRequest{Type: swx.PGWUpdate, APN: "INTERNET"}), "no gateway any more")
	require.Empty(t, state().ActiveAPNs)

	require.Zero(t, kind(swx.AdministrativeDeregistration))
	require.Equal(t, State{SQN: state().SQN, Requests: state().Requests}, state())

	// The HSS has lost its memory.
	active := []swx.ActiveAPN{{APN: "ims", Gateway: gateway}, {APN: "internet", Gateway: gateway}}
	got, err = r.assign(swx.AssignmentRequest{Type: swx.Restoration, ActiveAPNs: active})
	require.NoError(t, err)
	require.NotNil(t, got.UserData)
	require.True(t, state().Registered)
	require.Equal(t, active, state().ActiveAPNs)
}

func TestAssignmentsRefused(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	r := registerer{t, swx.NewClient(node, swx.Config{})}
	require.NoError(t, r.vectors())
	other := registerer{t, swx.NewClient(newNode(t, "aaa2.example", addr, diameter.Hooks{}), swx.Config{})}
	for _, k := range []swx.AssignmentType{swx.Registration, swx.UserDeregistration, swx.Restoration, swx.AAAUserDataRequest} {
		_, err := other.assign(swx.AssignmentRequest{Type: k})
		require.ErrorIs(t, err, swx.ErrRegisteredElsewhere)
		var re *swx.ResultError
		require.ErrorAs(t, err, &re)
		require.Equal(t, "aaa1.example", re.AAAServerName)
	}
	require.Zero(t, r.code(swx.AssignmentRequest{Type: swx.Registration}))

	add(t, h, Subscriber{NoNon3GPP: true})
	require.EqualValues(t, 5450, r.code(swx.AssignmentRequest{Type: swx.Registration}))
	_, err := r.c.Assign(t.Context(), swx.AssignmentRequest{IMSI: eap.MustParseIMSI("001010000000002"), Type: swx.Registration})
	require.ErrorIs(t, err, aka.ErrUnknownSubscriber)

	// Types that only Cx has.
	add(t, h, Subscriber{})
	sar := swx.SAR{
		Head: swx.Head{
			SessionID: []byte("a;1;1"), OriginHost: []byte("aaa1.example"), OriginRealm: []byte(DefaultRealm),
			DestinationRealm: []byte(DefaultRealm), UserName: []byte(testIMSI.Digits()),
		},
		Type: 2,
	}
	msg, err := sar.Encode(nil)
	require.NoError(t, err)
	var saa swx.SAA
	require.NoError(t, saa.Decode(send(t, node, msg)))
	require.Equal(t, swx.ExperimentalResult{Vendor: swx.Vendor3GPP, Code: 5007}, saa.Experimental)
	sar.UserName = nil
	msg, err = sar.Encode(nil)
	require.NoError(t, err)
	require.NoError(t, saa.Decode(send(t, node, msg)))
	require.EqualValues(t, swx.ResultMissingAVP, saa.ResultCode)
	require.Equal(t, sar.SessionID, saa.SessionID)
}

// TestRegistersWithTheFirstVector: an AAA server that gets none is not
// remembered, whatever the reason (TS 29.273, clause 8.1.2.1.2).
func TestRegistersWithTheFirstVector(t *testing.T) {
	h, addr := newHSS(t, Config{})
	c := swx.NewClient(newNode(t, "aaa1.example", addr, diameter.Hooks{}), swx.Config{})
	for name, try := range map[string]func() error{
		"scheme": func() error {
			add(t, h, Subscriber{RefusedSchemes: []aka.Scheme{aka.SchemeAKA}})
			_, err := c.Vectors(t.Context(), request(aka.SchemeAKA))
			return err
		},
		"AUTS that does not verify": func() error {
			req := request(aka.SchemeAKA)
			req.Resync = new(aka.Resync)
			_, err := c.Vectors(t.Context(), req)
			return err
		},
		"barred": func() error {
			add(t, h, Subscriber{Barred: true})
			_, err := c.Vectors(t.Context(), request(aka.SchemeAKA))
			return err
		},
	} {
		add(t, h, Subscriber{})
		require.Error(t, try(), name)
		state, _ := h.State(testIMSI)
		require.Empty(t, state.AAAServer, name)
	}
}

// TestTakeOver: the AAA server that is registered has failed.
func TestTakeOver(t *testing.T) {
	h, addr := newHSS(t, Config{})
	first := registerer{t, swx.NewClient(newNode(t, "aaa1.example", addr, diameter.Hooks{}), swx.Config{})}
	second := registerer{t, swx.NewClient(newNode(t, "aaa2.example", addr, diameter.Hooks{}), swx.Config{
		TakeOver: func(_ context.Context, _ eap.IMSI, server string) bool { return server == "aaa1.example" },
	})}
	require.NoError(t, first.vectors())
	require.Zero(t, first.code(swx.AssignmentRequest{Type: swx.Registration}))
	require.NoError(t, second.vectors())
	state, _ := h.State(testIMSI)
	require.Equal(t, "aaa2.example", state.AAAServer)
	require.False(t, state.Registered, "not by the second one yet")
	require.Zero(t, second.code(swx.AssignmentRequest{Type: swx.Registration}))
	require.ErrorIs(t, first.vectors(), swx.ErrRegisteredElsewhere)
}

// TestTwin: two front ends of one data base, and two that share numbers only.
func TestTwin(t *testing.T) {
	h, addr := newHSS(t, Config{})
	twin, err := New(Config{Twin: h, Node: diameter.Config{OriginHost: "hss2.example"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, twin.Close()) })
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	r := registerer{t, swx.NewClient(node, swx.Config{})}
	require.NoError(t, r.vectors())
	state, ok := twin.State(testIMSI)
	require.True(t, ok)
	require.Equal(t, "aaa1.example", state.AAAServer)
	require.True(t, twin.Remove(testIMSI))
	require.ErrorIs(t, r.vectors(), aka.ErrUnknownSubscriber)

	centre := auc.New(auc.Config{})
	one, _ := newHSS(t, Config{AuC: centre})
	two, _ := newHSS(t, Config{AuC: centre})
	require.NoError(t, one.SetSQN(testIMSI, 320))
	state, _ = two.State(testIMSI)
	require.EqualValues(t, 320, state.SQN)
}

func TestFaultsByCommand(t *testing.T) {
	h, c := newClient(t, Config{})
	r := registerer{t, c}
	h.Inject(Fault{Command: swx.CommandServerAssignment, ResultCode: 5012, Times: 1})
	h.Inject(Fault{Command: swx.CommandMultimediaAuth, ResultCode: 3004, Times: 1})
	require.ErrorContains(t, r.vectors(), "TOO_BUSY")
	require.NoError(t, r.vectors())
	require.EqualValues(t, 5012, r.code(swx.AssignmentRequest{Type: swx.Registration}))
	require.Zero(t, r.code(swx.AssignmentRequest{Type: swx.Registration}))

	h.Inject(Fault{Experimental: swx.ExperimentalResult{Vendor: swx.Vendor3GPP, Code: 5005}, AAAServerName: "aaa9.example", Times: 2})
	require.ErrorIs(t, r.vectors(), swx.ErrRegisteredElsewhere)
	_, err := r.assign(swx.AssignmentRequest{Type: swx.Registration})
	require.ErrorIs(t, err, swx.ErrRegisteredElsewhere)

	// An answer that says next to nothing.
	h.Inject(Fault{Command: swx.CommandServerAssignment, Rewrite: Garbage, Times: 1})
	_, err = r.assign(swx.AssignmentRequest{Type: swx.Registration})
	require.ErrorIs(t, err, aka.ErrUnavailable)
	require.Zero(t, r.code(swx.AssignmentRequest{Type: swx.Registration}), "the link is as good as before")
}
