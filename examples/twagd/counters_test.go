package main

import (
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCounters(t *testing.T) {
	var c counters
	c.accessRequest.Add(3)
	c.authSuccess.Add(1)
	c.message(16777265, 303, true)
	c.message(16777265, 303, false)
	c.message(16777265, 303, false)
	c.message(0, 280, true)
	c.message(4711, 4712, false)
	require.True(t, c.points.add(netip.MustParseAddr("192.0.2.1")))
	require.False(t, c.points.add(netip.MustParseAddr("192.0.2.1")))

	var out strings.Builder
	c.write(&out)
	require.Equal(t, `radius_access_request_count        3
radius_access_accept_count         0
radius_access_reject_count         0
radius_access_challenge_count      0
radius_access_points_count         1
eap_aka_identity_count             0
eap_aka_challenge_count            0
eap_aka_sync_failure_count         0
eap_aka_reauthentication_count     0
eap_aka_auth_success_count         1
eap_aka_auth_reject_count          0
diameter_message_count{application="base",command="device_watchdog",direction="sent"} 1
diameter_message_count{application="swx",command="multimedia_auth",direction="received"} 2
diameter_message_count{application="swx",command="multimedia_auth",direction="sent"} 1
diameter_message_count{application="other",command="other",direction="received"} 1
`, out.String())

	out.Reset()
	c.log(slog.New(slog.NewJSONHandler(&out, nil)))
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(out.String()), &line))
	require.Equal(t, "Server ended", line["msg"])
	require.EqualValues(t, 3, line["radius_access_request_count"])
	require.EqualValues(t, 2, line[`diameter_message_count{application="swx",command="multimedia_auth",direction="received"}`])
}

func TestAccessPointsIsBounded(t *testing.T) {
	var p accessPoints
	var added atomic.Int64
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			addr := netip.MustParseAddr("10.0.0.0")
			for range maxAccessPoints + 100 {
				if p.add(addr) {
					added.Add(1)
				}
				addr = addr.Next()
			}
		})
	}
	wg.Wait()
	require.Equal(t, maxAccessPoints, p.count())
	require.Equal(t, int64(maxAccessPoints), added.Load(), "each is new to one only")
}
