package diameter_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/diameter/wire"
)

// counted counts connections that are open at the end that dialled.
type counted struct {
	net.Conn
	open *atomic.Int32
	done atomic.Bool
}

func (c *counted) Close() error {
	if !c.done.Swap(true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}

// TestElectionOverTCP: two nodes that connect to each other at once end with
// one connection, the same for both, every time, and with TLS as well.
func TestElectionOverTCP(t *testing.T) {
	authority := diametertest.NewAuthority(t)
	for _, transport := range []string{diameter.TransportTCP, diameter.TransportTLS} {
		t.Run(transport, func(t *testing.T) {
			dials := 0
			for range 25 {
				dials += electOnce(t, authority, transport)
			}
			require.Greater(t, dials, 25, "there was something to elect")
		})
	}
}

// electOnce returns how many connections it took.
func electOnce(t *testing.T, authority *diametertest.Authority, transport string) int {
	var open, dials atomic.Int32
	hosts := [2]string{ourHost, peerHost}
	var nodes [2]*diameter.Node
	var listeners [2]net.Listener
	ends := make(chan error, 2)
	var begun [2]chan struct{} // both dial before either has connected
	for i := range listeners {
		begun[i] = make(chan struct{})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		listeners[i] = l
	}
	for i := range nodes {
		begin := sync.OnceFunc(func() { close(begun[i]) })
		n, err := diameter.NewNode(diameter.Config{
			OriginHost: hosts[i], OriginRealm: "example.org",
			Applications: []diameter.Application{{ID: swxApp, Vendor: 10415}},
			TLS:          authority.Config(authority.Certificate(hosts[i])),
			Peers:        []diameter.PeerConfig{{Host: hosts[1-i], Address: listeners[1-i].Addr().String(), Transport: transport}},
			Dial: func(ctx context.Context, p diameter.PeerConfig) (net.Conn, error) {
				begin()
				select {
				case <-begun[1-i]:
				case <-ctx.Done():
				}
				var d net.Dialer
				nc, err := d.DialContext(ctx, "tcp", p.Address)
				if err != nil {
					return nil, err
				}
				open.Add(1)
				dials.Add(1)
				return &counted{Conn: nc, open: &open}, nil
			},
		})
		require.NoError(t, err)
		n.Handle(swxApp, cmdMAR, diameter.HandlerFunc(func(_ context.Context, r *diameter.Request) (wire.Message, error) {
			return r.Answer(diameter.ResultSuccess).Message()
		}))
		nodes[i] = n
	}
	for i, n := range nodes {
		go func() {
			if transport == diameter.TransportTLS {
				ends <- n.ServeTLS(listeners[i])
			} else {
				ends <- n.Serve(listeners[i])
			}
		}()
	}
	settled := func() bool {
		a, b := nodes[0].Peers()[0], nodes[1].Peers()[0]
		return a.State == diameter.PeerOpen && b.State == diameter.PeerOpen && a.Initiator != b.Initiator && open.Load() == 1
	}
	require.Eventually(t, settled, time.Minute, time.Millisecond)
	for i, n := range nodes {
		a, err := n.Exchange(limited(t), diametertest.Build(wire.Header{Flags: wire.FlagRequest, Command: cmdMAR, Application: swxApp}))
		require.NoError(t, err)
		require.EqualValues(t, diameter.ResultSuccess, diametertest.ResultOf(a))
		require.Equal(t, transport, nodes[i].Peers()[0].Transport)
	}
	require.True(t, settled(), "and stays so")
	for _, n := range nodes {
		require.NoError(t, n.Close())
	}
	for range nodes {
		require.ErrorIs(t, <-ends, diameter.ErrClosed)
	}
	require.Zero(t, open.Load())
	return int(dials.Load())
}
