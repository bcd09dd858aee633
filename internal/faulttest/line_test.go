package faulttest

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// message returns an answer that its Hop-by-Hop Identifier tells from others.
func message(t *testing.T, id uint32) wire.Message {
	t.Helper()
	b := wire.NewBuilder(nil, wire.Header{Command: 303, HopByHop: id})
	b.String(263, 0, 0, "session")
	m, err := b.Message()
	require.NoError(t, err)
	return m
}

// written returns what a conn makes of the octets, and how the write ended.
func written(t *testing.T, l *Line, b []byte) ([]byte, int, error) {
	t.Helper()
	near, far := net.Pipe()
	var out []byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, _ = io.ReadAll(far)
	}()
	c := &conn{near, l}
	n, err := c.Write(b)
	_ = c.Close()
	<-done
	return out, n, err
}

// The node writes several messages at a time; only the marked one is struck.
func TestMarkedMessages(t *testing.T) {
	one, three := message(t, 1), message(t, 3)
	around := func(two []byte) []byte { return bytes.Join([][]byte{one, two, three}, nil) }
	for _, tt := range []struct {
		name string
		f    func([]byte) []byte
		want []byte
	}{
		{"unchanged", func(b []byte) []byte { return b }, around(message(t, 2))},
		{"twice", Twice, around(append(message(t, 2), message(t, 2)...))},
		{"nothing", func([]byte) []byte { return nil }, around(nil)},
		{"wrong hop-by-hop", WrongHopByHop, around(message(t, 0x80000002))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var l Line
			b := around(l.Rewrite(message(t, 2), tt.f))
			require.Equal(t, 1, l.Outstanding())
			out, n, err := written(t, &l, b)
			require.NoError(t, err)
			require.Equal(t, len(b), n, "to the node it has all been written")
			require.Equal(t, tt.want, out)
			require.Zero(t, l.Outstanding())
		})
	}
	t.Run("disconnect", func(t *testing.T) {
		var l Line
		out, _, err := written(t, &l, around(l.Disconnect(message(t, 2))))
		require.ErrorIs(t, err, net.ErrClosed)
		require.Equal(t, []byte(one), out)
		require.Zero(t, l.Outstanding())
	})
	t.Run("no mark of ours", func(t *testing.T) {
		var l Line
		l.Disconnect(message(t, 2))
		alien := append(append(message(t, 1), markHead...), 0, 0, 0, 9)
		setLength(alien)
		out, _, err := written(t, &l, alien)
		require.NoError(t, err)
		require.Equal(t, []byte(alien), out)
		require.Equal(t, 1, l.Outstanding())
	})
}
