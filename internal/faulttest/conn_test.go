package faulttest

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
)

// TestWrapDials: the connections of every Dial function are of the line, and
// the caller's slice of peers keeps its own.
func TestWrapDials(t *testing.T) {
	failed := errors.New("no route")
	near, far := net.Pipe()
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	peers := []diameter.PeerConfig{
		{Dial: func(context.Context) (net.Conn, error) { return near, nil }},
		{Dial: func(context.Context) (net.Conn, error) { return nil, failed }},
		{Address: "127.0.0.1:1"},
	}
	cfg := diameter.Config{
		Peers: peers,
		Dial:  func(context.Context, diameter.PeerConfig) (net.Conn, error) { return near, nil },
	}
	var l Line
	l.WrapDials(&cfg)

	nc, err := cfg.Peers[0].Dial(t.Context())
	require.NoError(t, err)
	require.Equal(t, &conn{near, &l}, nc)
	nc, err = cfg.Peers[1].Dial(t.Context())
	require.ErrorIs(t, err, failed)
	require.Nil(t, nc)
	require.Nil(t, cfg.Peers[2].Dial, "the node's Dial is for it")
	nc, err = cfg.Dial(t.Context(), peers[2])
	require.NoError(t, err)
	require.Equal(t, &conn{near, &l}, nc)
	nc, err = peers[0].Dial(t.Context())
	require.NoError(t, err)
	require.Same(t, near, nc)
}

// TestListener: who connects is on the line, as is whom the node dials where
// nothing is said of how.
func TestListener(t *testing.T) {
	var there, here Line
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	accepting := there.Listener(nl)
	t.Cleanup(func() { _ = accepting.Close() })
	var cfg diameter.Config
	here.WrapDials(&cfg)
	dialed, err := cfg.Dial(t.Context(), diameter.PeerConfig{Address: nl.Addr().String()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = dialed.Close() })
	accepted, err := accepting.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = accepted.Close() })

	for _, tt := range []struct {
		line     *Line
		from, to net.Conn
	}{{&there, accepted, dialed}, {&here, dialed, accepted}} {
		two := append(message(t, 1), message(t, 1)...)
		_, err := tt.from.Write(tt.line.Rewrite(message(t, 1), Twice))
		require.NoError(t, err)
		require.NoError(t, tt.from.(interface{ CloseWrite() error }).CloseWrite())
		got, err := io.ReadAll(tt.to)
		require.NoError(t, err)
		require.Equal(t, []byte(two), got)
	}
	require.NoError(t, accepting.Close())
	_, err = accepting.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
