package gytest

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// written returns what a conn makes of the octets, and how the write ended.
func written(t *testing.T, m *marks, b []byte) ([]byte, int, error) {
	t.Helper()
	near, far := net.Pipe()
	var out []byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, _ = io.ReadAll(far)
	}()
	c := &conn{near, m}
	n, err := c.Write(b)
	_ = c.Close()
	<-done
	return out, n, err
}

// The node writes several messages at a time; only the marked one is struck.
func TestMarkedMessages(t *testing.T) {
	msg := func(id uint32) wire.Message {
		b := wire.NewBuilder(nil, wire.Header{Command: 272, HopByHop: id})
		b.String(263, 0, 0, "session")
		m, err := b.Message()
		require.NoError(t, err)
		return m
	}
	one, three := msg(1), msg(3)
	batch := func(m *marks, f Fault) []byte {
		return bytes.Join([][]byte{one, m.put(msg(2), f), three}, nil)
	}
	for _, tt := range []struct {
		name string
		f    Fault
		want []byte
	}{
		{"unchanged", Fault{Rewrite: func(b []byte) []byte { return b }}, bytes.Join([][]byte{one, msg(2), three}, nil)},
		{"twice", Fault{Rewrite: Twice}, bytes.Join([][]byte{one, msg(2), msg(2), three}, nil)},
		{"nothing", Fault{Rewrite: func([]byte) []byte { return nil }}, bytes.Join([][]byte{one, three}, nil)},
		{"wrong hop-by-hop", Fault{Rewrite: WrongHopByHop}, bytes.Join([][]byte{one, msg(0x80000002), three}, nil)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m marks
			b := batch(&m, tt.f)
			out, n, err := written(t, &m, b)
			require.NoError(t, err)
			require.Equal(t, len(b), n, "to the node it has all been written")
			require.Equal(t, tt.want, out)
			require.Zero(t, m.outstanding.Load())
		})
	}
	t.Run("disconnect", func(t *testing.T) {
		var m marks
		out, _, err := written(t, &m, batch(&m, Fault{Disconnect: true}))
		require.ErrorIs(t, err, net.ErrClosed)
		require.Equal(t, []byte(one), out)
	})
	t.Run("no mark of ours", func(t *testing.T) {
		m := marks{}
		m.outstanding.Store(1)
		alien := append(append(msg(1), markHead...), 0, 0, 0, 9)
		setLength(alien)
		out, _, err := written(t, &m, alien)
		require.NoError(t, err)
		require.Equal(t, []byte(alien), out)
	})
}
