package swxtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/swx"
)

// TestPush: the HSS changes a profile, and has other wishes.
func TestPush(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	c := swx.NewClient(node, swx.Config{})
	var verdict error
	var told []swx.ProfileUpdate
	(&swx.Handler{Update: func(_ context.Context, u swx.ProfileUpdate) error {
		told = append(told, u)
		return verdict
	}}).Register(node)

	_, err := h.Push(t.Context(), testIMSI)
	require.ErrorIs(t, err, ErrUnknown, "nobody to tell")
	_, err = h.Push(t.Context(), eap.MustParseIMSI("001010000000002"))
	require.ErrorIs(t, err, ErrUnknown)
	require.ErrorIs(t, h.SetProfile(eap.MustParseIMSI("001010000000002"), DefaultProfile()), ErrUnknown)
	require.ErrorIs(t, h.EditProfile(eap.MustParseIMSI("001010000000002"), nil), ErrUnknown)
	_, err = c.Vectors(t.Context(), request(aka.SchemeAKA))
	require.NoError(t, err)

	barred := DefaultProfile()
	barred.Access = swx.AccessBarred
	require.NoError(t, h.SetProfile(testIMSI, barred))
	for _, tt := range []struct {
		verdict error
		code    uint32
	}{
		{nil, swx.ResultSuccess},
		{aka.ErrUnknownSubscriber, swx.ExperimentalUserUnknown},
		{errors.New("store is down"), swx.ResultUnableToComply},
	} {
		verdict = tt.verdict
		code, err := h.Push(t.Context(), testIMSI)
		require.NoError(t, err)
		require.Equal(t, tt.code, code)
	}
	verdict = nil
	code, err := h.PushFlags(t.Context(), testIMSI, swx.PPRReset|swx.PPRLocalTime)
	require.NoError(t, err)
	require.EqualValues(t, swx.ResultSuccess, code)
	require.Len(t, told, 4)
	require.Equal(t, swx.ProfileUpdate{IMSI: testIMSI, UserData: barred, Host: DefaultHost}, told[0])
	require.Equal(t, swx.ProfileUpdate{IMSI: testIMSI, Flags: swx.PPRReset | swx.PPRLocalTime, Host: DefaultHost}, told[3])
	require.ErrorIs(t, told[0].UserData.Check(swx.RATWLAN), aka.ErrBarred)

	got, err := c.Assign(t.Context(), swx.AssignmentRequest{IMSI: testIMSI, Type: swx.AAAUserDataRequest})
	require.NoError(t, err)
	require.Equal(t, barred, got.UserData)

	// A handler that has no function for it.
	code, err = h.Terminate(t.Context(), testIMSI, swx.ReasonPermanentTermination)
	require.NoError(t, err)
	require.EqualValues(t, 3001, code)
}

// TestPushMalformed: what the HSS is told of a PPR that cannot be read, and
// what it may leave out (it makes Session-Ids of its own, or none).
func TestPushMalformed(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	waitOpen(t, h.Node()) // it may know later than the node
	calls := 0
	(&swx.Handler{Update: func(context.Context, swx.ProfileUpdate) error { calls++; return nil }}).Register(node)
	user := func(b *wire.Builder) { b.String(1, 0, 64, testIMSI.Digits()) }
	profile := func(b *wire.Builder, data ...byte) { b.Octets(1500, swx.Vendor3GPP, 64, data) }
	for name, c := range map[string]struct {
		build  func(*wire.Builder)
		code   uint32
		failed uint32
	}{
		"no Session-Id":                  {func(b *wire.Builder) { user(b); profile(b) }, 2001, 0},
		"a Session-Id of its own making": {func(b *wire.Builder) { b.String(263, 0, 64, "?"); user(b); profile(b) }, 2001, 0},
		"flags and no profile":           {func(b *wire.Builder) { user(b); b.Uint32(1508, swx.Vendor3GPP, 64, 1) }, 2001, 0},
		"no User-Name":                   {func(b *wire.Builder) { profile(b) }, 5005, 1},
		"neither profile nor flags":      {user, 5005, 1500},
		"nobody's name":                  {func(b *wire.Builder) { b.String(1, 0, 64, "who?"); profile(b) }, 5001, 0},
		"profile with a short enumeration": {func(b *wire.Builder) {
			user(b)
			g := b.Begin(1500, swx.Vendor3GPP, 64)
			b.Octets(1501, swx.Vendor3GPP, 64, []byte{0})
			b.End(g)
		}, 5014, 1501},
		"profile with an unknown mandatory AVP": {func(b *wire.Builder) {
			user(b)
			g := b.Begin(1500, swx.Vendor3GPP, 64)
			b.Uint32(99999, swx.Vendor3GPP, 64, 1)
			b.End(g)
		}, 2001, 0},
		"unknown mandatory AVP": {func(b *wire.Builder) { user(b); profile(b); b.Uint32(9999, swx.Vendor3GPP, 64, 1) }, 5001, 9999},
	} {
		t.Run(name, func(t *testing.T) {
			b := wire.NewBuilder(nil, wire.Header{
				Flags: wire.FlagRequest | wire.FlagProxiable, Command: swx.CommandPushProfile, Application: swx.ApplicationID,
			})
			c.build(b)
			b.String(293, 0, 64, "aaa1.example")
			b.String(283, 0, 64, "example")
			msg, err := b.Message()
			require.NoError(t, err)
			before := calls
			ans, err := h.Node().Exchange(t.Context(), msg)
			require.NoError(t, err)
			var ppa swx.SAA
			require.NoError(t, ppa.Decode(ans))
			require.Equal(t, c.code, max(ppa.ResultCode, ppa.Experimental.Code))
			require.Equal(t, c.code == 2001, calls > before)
			failed, ok := ans.Find(279, 0)
			require.Equal(t, c.failed != 0, ok)
			if ok {
				var blamed wire.AVP
				g := failed.Group()
				require.True(t, g.Next(&blamed))
				require.Equal(t, c.failed, blamed.Code)
			}
		})
	}
}

// TestHandlerForgetsVectors: after an RTR or PPR the HSS is asked again.
func TestHandlerForgetsVectors(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	c := swx.NewClient(node, swx.Config{VectorAge: time.Minute, VectorsPerRequest: 3})
	(&swx.Handler{
		Client:    c,
		Terminate: func(context.Context, swx.Termination) error { return nil },
		Update:    func(context.Context, swx.ProfileUpdate) error { return nil },
	}).Register(node)
	ask := func() uint64 {
		_, err := c.Vectors(t.Context(), request(aka.SchemeAKA))
		require.NoError(t, err)
		state, _ := h.State(testIMSI)
		return state.Requests
	}
	require.EqualValues(t, 1, ask())
	require.EqualValues(t, 1, ask(), "one that was left")
	_, err := h.Push(t.Context(), testIMSI)
	require.NoError(t, err)
	require.EqualValues(t, 2, ask())
	_, err = h.Terminate(t.Context(), testIMSI, swx.ReasonNewServerAssigned)
	require.NoError(t, err)
	require.EqualValues(t, 3, ask())
}
