//go:build linux && !race

package diameter

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// quickPair returns a connection that is quick and its other end.
func quickPair(t *testing.T) (ours, other net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	other, err = l.Accept()
	require.NoError(t, err)
	ours = quick(nc)
	require.IsType(t, &tcpConn{}, ours)
	t.Cleanup(func() {
		_ = ours.Close()
		_ = other.Close()
	})
	return ours, other
}

// TestQuickTCP: what net.TCPConn does, it does.
func TestQuickTCP(t *testing.T) {
	t.Run("octets both ways, more than buffers hold", func(t *testing.T) {
		ours, other := quickPair(t)
		sent := make([]byte, 16<<20)
		for i := range sent {
			sent[i] = byte(i >> 3)
		}
		var wg sync.WaitGroup
		for _, pair := range [][2]net.Conn{{ours, other}, {other, ours}} {
			wg.Go(func() {
				n, err := pair[0].Write(sent)
				require.NoError(t, err)
				require.Equal(t, len(sent), n)
			})
			wg.Go(func() {
				got := make([]byte, len(sent))
				_, err := io.ReadFull(pair[1], got)
				require.NoError(t, err)
				require.Equal(t, sent, got)
			})
		}
		wg.Wait()
		n, err := ours.Read(nil)
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = ours.Write(nil)
		require.NoError(t, err)
		require.Zero(t, n)
	})
	t.Run("end of what the peer says", func(t *testing.T) {
		ours, other := quickPair(t)
		require.NoError(t, other.(*net.TCPConn).CloseWrite())
		_, err := ours.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		require.NoError(t, ours.(interface{ CloseWrite() error }).CloseWrite())
		_, err = other.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	})
	t.Run("deadlines", func(t *testing.T) {
		ours, _ := quickPair(t)
		require.NoError(t, ours.SetDeadline(time.Now().Add(20*time.Millisecond)))
		_, err := ours.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		n, err := ours.Write(make([]byte, 64<<20)) // nobody reads
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Less(t, n, 64<<20)
	})
	t.Run("reset", func(t *testing.T) {
		ours, other := quickPair(t)
		require.NoError(t, other.(*net.TCPConn).SetLinger(0))
		require.NoError(t, other.Close())
		_, err := ours.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		var op *net.OpError
		require.True(t, errors.As(err, &op))
		require.Equal(t, ours.RemoteAddr(), op.Addr)
		_, err = ours.Write([]byte("x"))
		require.ErrorIs(t, err, syscall.EPIPE)
	})
	t.Run("closed while it reads", func(t *testing.T) {
		ours, _ := quickPair(t)
		time.AfterFunc(20*time.Millisecond, func() { _ = ours.Close() })
		_, err := ours.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = ours.Write([]byte("x"))
		require.ErrorIs(t, err, net.ErrClosed)
		require.IsType(t, &tcpConn{}, quick(ours.(*tcpConn).TCPConn), "the first read says so")
	})
	t.Run("others stay what they are", func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		require.Equal(t, a, quick(a))
	})
}
