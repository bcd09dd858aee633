package swxtest

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/swx"
)

// TestTerminate: the HSS deregisters a subscriber at the AAA server that asked
// for his vectors.
func TestTerminate(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	var verdict error
	var told []swx.ReasonCode
	handler := swx.Handler{Terminate: func(_ context.Context, m swx.Termination) error {
		require.Equal(t, testIMSI, m.IMSI)
		require.Equal(t, DefaultHost, m.Host)
		told = append(told, m.Reason)
		return verdict
	}}
	handler.Register(node)

	_, err := h.Terminate(t.Context(), testIMSI, swx.ReasonPermanentTermination)
	require.ErrorIs(t, err, ErrUnknown, "nobody to tell")

	register := func() {
		_, err := swx.NewClient(node, swx.Config{}).Vectors(t.Context(), request(aka.SchemeAKA))
		require.NoError(t, err)
	}
	for _, c := range []struct {
		verdict error
		code    uint32
	}{
		{nil, swx.ResultSuccess},
		{aka.ErrUnknownSubscriber, swx.ExperimentalUserUnknown},
		{errors.New("store is down"), swx.ResultUnableToComply},
	} {
		register()
		verdict = c.verdict
		code, err := h.Terminate(t.Context(), testIMSI, swx.ReasonNewServerAssigned)
		require.NoError(t, err)
		require.Equal(t, c.code, code)
	}
	require.Equal(t, []swx.ReasonCode{1, 1, 1}, told)
}

// TestTerminateMalformed: what the HSS is told of an RTR that cannot be read,
// and what it may leave out.
func TestTerminateMalformed(t *testing.T) {
	h, addr := newHSS(t, Config{})
	node := newNode(t, "aaa1.example", addr, diameter.Hooks{})
	calls := 0
	handler := swx.Handler{Terminate: func(context.Context, swx.Termination) error { calls++; return nil }}
	handler.Register(node)
	waitOpen(t, h.Node()) // it may know later than the node

	reason := func(b *wire.Builder) {
		g := b.Begin(615, swx.Vendor3GPP, wire.FlagMandatory)
		b.Uint32(616, swx.Vendor3GPP, wire.FlagMandatory, 0)
		b.End(g)
	}
	for name, c := range map[string]struct {
		build  func(*wire.Builder)
		code   uint32
		failed uint32
	}{
		"no Session-Id":            {func(b *wire.Builder) { b.String(1, 0, 64, testIMSI.Digits()); reason(b) }, 2001, 0},
		"an IMSI at a realm":       {func(b *wire.Builder) { b.String(1, 0, 64, testIMSI.Digits()+"@nai.example"); reason(b) }, 2001, 0},
		"a NAI":                    {func(b *wire.Builder) { b.String(1, 0, 64, "0"+testIMSI.Digits()+"@nai.example"); reason(b) }, 2001, 0},
		"no User-Name":             {reason, 5005, 1},
		"no Deregistration-Reason": {func(b *wire.Builder) { b.String(1, 0, 64, testIMSI.Digits()) }, 5005, 615},
		"no Reason-Code": {func(b *wire.Builder) {
			b.String(1, 0, 64, testIMSI.Digits())
			b.End(b.Begin(615, swx.Vendor3GPP, 64))
		}, 5005, 616},
		"Reason-Code of two octets": {func(b *wire.Builder) {
			b.String(1, 0, 64, testIMSI.Digits())
			g := b.Begin(615, swx.Vendor3GPP, 64)
			b.Octets(616, swx.Vendor3GPP, 64, []byte{0, 0})
			b.End(g)
		}, 5014, 616},
		"unknown mandatory AVP": {func(b *wire.Builder) {
			b.String(1, 0, 64, testIMSI.Digits())
			reason(b)
			b.Uint32(9999, swx.Vendor3GPP, 64, 1)
		}, 5001, 9999},
		"unknown AVP": {func(b *wire.Builder) {
			b.String(1, 0, 64, testIMSI.Digits())
			reason(b)
			b.Uint32(9999, swx.Vendor3GPP, 0, 1)
		}, 2001, 0},
		"nobody's name": {func(b *wire.Builder) { b.String(1, 0, 64, "who?"); reason(b) }, 5001, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := wire.NewBuilder(nil, wire.Header{
				Flags: wire.FlagRequest | wire.FlagProxiable, Command: swx.CommandRegistrationTermination, Application: swx.ApplicationID,
			})
			b.String(264, 0, 64, "hss.example")
			b.String(296, 0, 64, "example")
			b.String(293, 0, 64, "aaa1.example")
			b.String(283, 0, 64, "example")
			c.build(b)
			msg, err := b.Message()
			require.NoError(t, err)
			before := calls
			ans, err := h.Node().Exchange(t.Context(), msg)
			require.NoError(t, err)
			var rta swx.MAA
			require.NoError(t, rta.Decode(ans))
			require.Equal(t, c.code, max(rta.ResultCode, rta.Experimental.Code))
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
