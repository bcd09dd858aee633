package eapradius_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eapradius"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/radius/radiustest"
)

const secret = "a secret of some length"

// serve runs the lab's handler on a RADIUS server on loopback, and returns an
// access point in front of it.
func (l *lab) serve(t testing.TB, cfg radiustest.Config) *radiustest.AP {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &radius.Server{
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: secret}},
		Handler: l.handler,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(pc) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-done, radius.ErrServerClosed)
	})
	cfg.Server, cfg.Secret = pc.LocalAddr().String(), secret
	ap, err := radiustest.NewAP(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ap.Close()) })
	return ap
}

// station makes the n-th subscriber with a phone.
func (l *lab) station(t testing.TB, n int, m eap.Type) (phone *eaptest.Peer, station string) {
	t.Helper()
	imsi := eap.MustParseIMSI(fmt.Sprintf("00101%010d", 100+n))
	require.NoError(t, l.centre.Put(auc.Subscriber{IMSI: imsi, Algorithm: l.alg, SQN: 64}))
	return l.phone(t, eaptest.PeerConfig{IMSI: imsi, Methods: []eap.Type{m}}, eaptest.USIMConfig{}), fmt.Sprintf("02-00-00-00-%02X-%02X", n>>8, n&0xff)
}

// TestOverUDP lets many phones log in at once through a real RADIUS server.
// The access point compares the keys.
func TestOverUDP(t *testing.T) {
	for _, start := range []bool{false, true} {
		l := newLab(t, eapradius.Config{}, aka.Config{})
		ap := l.serve(t, radiustest.Config{EAPStart: start})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		for i := range 40 {
			m := eap.TypeAKA
			if i%2 == 0 {
				m = eap.TypeAKAPrime
			}
			phone, station := l.station(t, i, m)
			wg.Go(func() {
				for range 3 {
					phone.Reset()
					r, err := ap.Login(ctx, phone, station)
					if err != nil || r.Code != layeh.CodeAccessAccept || !r.SignedFirst {
						t.Errorf("%v %v: %v %v", phone, r.Code, err, r.PhoneErr)
					}
				}
			})
		}
		wg.Wait()
		require.Zero(t, l.handler.Conversations())
	}
}

// BenchmarkOverUDP is a login as one process sees it: server, access point and
// phone together.
func BenchmarkOverUDP(b *testing.B) {
	l := newLab(b, eapradius.Config{}, aka.Config{})
	ap := l.serve(b, radiustest.Config{})
	ctx := context.Background()
	var mu sync.Mutex
	n := 0
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		mu.Lock()
		n++
		phone, station := l.station(b, n, eap.TypeAKA)
		mu.Unlock()
		for pb.Next() {
			phone.Reset()
			if r, err := ap.Login(ctx, phone, station); err != nil || r.Code != layeh.CodeAccessAccept {
				b.Error(r.Code, err, r.PhoneErr)
				return
			}
		}
	})
}
