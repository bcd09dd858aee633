package faulttest

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPipe(t *testing.T) {
	p := NewPipe()
	go func() {
		nc, err := p.Accept()
		if err == nil {
			_, _ = nc.Write([]byte("x"))
			_ = nc.Close()
		}
	}()
	nc, err := p.Dial(t.Context())
	require.NoError(t, err)
	b := make([]byte, 1)
	_, err = nc.Read(b)
	require.NoError(t, err)
	require.Equal(t, "x", string(b))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = p.Dial(ctx)
	require.ErrorIs(t, err, context.Canceled, "nobody accepts")
	require.NoError(t, p.Close())
	require.NoError(t, p.Close())
	_, err = p.Dial(t.Context())
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = p.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
