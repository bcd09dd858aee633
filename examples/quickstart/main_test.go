package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/freeport"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
	"github.com/opentwag/twag/swx/swxtest"
)

// The server of the README lets a subscriber in, by either method.
func TestServe(t *testing.T) {
	hss, err := swxtest.New(swxtest.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, hss.Close()) })
	hssAddr, err := hss.Listen("127.0.0.1:0")
	require.NoError(t, err)
	imsi := eap.MustParseIMSI(provision.FirstIMSI)
	k, opc := provision.Keys{}.Of(imsi)
	require.NoError(t, hss.Add(swxtest.Subscriber{IMSI: imsi, K: k, OPc: opc}))

	free, err := freeport.Loopback()
	require.NoError(t, err)
	addr := free.String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, addr, hssAddr.String()) }()

	ap, err := radiustest.NewAP(radiustest.Config{
		Server: addr, Secret: "a-secret-of-20-characters-or-more",
		// The server may not listen yet when the first request is sent.
		FirstRetransmission: 100 * time.Millisecond, MaxRetransmission: 100 * time.Millisecond, Tries: 1000, Patience: time.Minute,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ap.Close()) })
	for _, method := range []eap.Type{eap.TypeAKAPrime, eap.TypeAKA} {
		u, err := ue.New(ue.Config{IMSI: imsi, Methods: []eap.Type{method}, NetworkName: "WLAN"})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			// Until the Diameter connection stands, logins are rejected.
			_, err = u.Login(t.Context(), ap)
			return err == nil
		}, time.Minute, 20*time.Millisecond)
		require.Equal(t, method, u.Method())
	}
	cancel()
	require.NoError(t, <-ended)
}
