package diameter

import (
	"bytes"
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWithoutSCTP: where the kernel has none, that is what the error says.
func TestWithoutSCTP(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, protoSCTP)
	if err == nil {
		_ = syscall.Close(fd)
		t.Skip("this kernel has SCTP")
	}
	_, err = ListenSCTP("127.0.0.1:0")
	requireNoSCTP(t, err)
	require.EqualError(t, err, "listen sctp 127.0.0.1:0: socket: protocol not supported")

	cfg := clientConfig()
	cfg.Peers = []PeerConfig{{Host: serverHost, Address: "127.0.0.1:3868", Transport: TransportSCTP}}
	failed := make(chan error, 10)
	cfg.Hooks.PeerChange = func(c PeerChange) {
		if c.Err != nil {
			failed <- c.Err
		}
	}
	n := newNode(t, cfg)
	require.Equal(t, TransportSCTP, n.Peers()[0].Transport)
	n.Start()
	requireNoSCTP(t, <-failed)
	require.Equal(t, "dial sctp 127.0.0.1:3868: socket: protocol not supported", n.Peers()[0].LastError)
}

func requireNoSCTP(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, syscall.EPROTONOSUPPORT)
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	require.Equal(t, TransportSCTP, op.Net)
}

// TestStreamSockets is what SCTP's sockets do, with TCP in its place: all but
// the socket options.
func TestStreamSockets(t *testing.T) {
	l, err := listenStream(syscall.IPPROTO_TCP, "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	cfg := serverConfig()
	cfg.Dial = func(ctx context.Context, p PeerConfig) (net.Conn, error) {
		nc, err := dialStream(ctx, syscall.IPPROTO_TCP, p.Address)
		if err != nil {
			return nil, err
		}
		return sctpConn{nc}, nil
	}
	server := newNode(t, serverConfig())
	server.Handle(swxApplication, cmdMAR, echo)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()

	cfg.OriginHost, cfg.Peers = clientHost, []PeerConfig{{Host: serverHost, Address: l.Addr().String(), Transport: TransportSCTP}}
	client := newNode(t, cfg)
	client.Start()
	require.NoError(t, client.WaitOpen(testContext(t), serverHost))
	require.Equal(t, TransportSCTP, client.Peers()[0].Transport)
	_, err = client.Exchange(testContext(t), mar(t, "x"))
	require.NoError(t, err)
	require.NoError(t, client.Shutdown(testContext(t)))
	require.NoError(t, server.Shutdown(testContext(t)))
	require.ErrorIs(t, <-served, ErrClosed)

	for name, address := range map[string]string{"nobody there": "127.0.0.1:1", "no port": "127.0.0.1", "no such port": "127.0.0.1:nosuch"} {
		_, err = dialStream(t.Context(), syscall.IPPROTO_TCP, address)
		require.Error(t, err, name)
	}
	_, err = dialStream(t.Context(), syscall.IPPROTO_TCP, "127.0.0.1:1")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)

	// A listener whose queue is full lets nobody in and refuses nobody.
	full, err := listenStream(syscall.IPPROTO_TCP, "[::1]:0")
	if err != nil {
		return // no IPv6 here
	}
	defer full.Close()
	rc, err := full.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, rc.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for range 10 {
		nc, err := dialStream(ctx, syscall.IPPROTO_TCP, full.Addr().String())
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return
		}
		defer nc.Close()
	}
	require.Fail(t, "the context did not end it")
}

// TestSCTPWritesMessagesOneByOne: a write of the writer's holds many.
func TestSCTPWritesMessagesOneByOne(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	far, err := l.Accept()
	require.NoError(t, err)
	defer far.Close()
	first, second := mar(t, "one"), mar(t, "second")
	all := append(append([]byte(nil), first...), second...)
	c := sctpConn{nc.(*net.TCPConn)}
	require.Equal(t, [][]byte{first, second}, messagesOf(all))
	require.Equal(t, [][]byte{first, {1, 2, 3}}, messagesOf(append(append([]byte(nil), first...), 1, 2, 3)), "what is no message is as it is")
	n, err := c.Write(all)
	require.NoError(t, err)
	require.Equal(t, len(all), n)
	require.NoError(t, c.Close())
	got, err := io.ReadAll(far)
	require.NoError(t, err)
	require.True(t, bytes.Equal(all, got))
	_, err = c.Write(all)
	require.ErrorIs(t, err, net.ErrClosed)
	require.Equal(t, TransportSCTP, c.LocalAddr().Network())
}

// TestSndrcvinfo: the payload protocol identifier is where the kernel looks.
func TestSndrcvinfo(t *testing.T) {
	b := sndrcvinfo()
	// stream, ssn, flags, (padding), ppid, context, ttl, tsn, cumtsn, assoc_id
	require.Len(t, b, 4*2+6*4)
	require.Equal(t, []byte{0, 0, 0, 46}, b[8:12])
	b[11] = 0
	require.Equal(t, make([]byte, 32), b)
}
