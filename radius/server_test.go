package radius

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
)

// TestShutdownDrains: what was accepted is answered, in work or queued; what
// comes later is not read; contexts live until the end.
func TestShutdownDrains(t *testing.T) {
	s := &Server{Workers: 1, Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		time.Sleep(time.Second)
		require.NoError(t, r.Context().Err())
		acceptHandler(w, r)
	})}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, s)
		r.send(accessRequest(t, 1, 1))
		r.send(accessRequest(t, 2, 1))
		synctest.Wait()
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- s.Shutdown(context.Background()) }()
		}
		synctest.Wait()
		require.ErrorIs(t, <-r.done, ErrServerClosed)
		require.Empty(t, done)
		r.send(accessRequest(t, 3, 1))
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		require.Len(t, r.conn.out, 2)
		require.NoError(t, s.Shutdown(context.Background()))
		require.NoError(t, s.Close())
		<-r.conn.closed
	})
}

// TestShutdownTimesOut: Shutdown gives up with its context, Close cuts.
func TestShutdownTimesOut(t *testing.T) {
	var cut error
	s := &Server{Workers: 1, Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		<-ctx.Done()
		cut = context.Cause(r.Context())
	})}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, s)
		r.send(accessRequest(t, 1, 1))
		r.send(accessRequest(t, 2, 1))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Shutdown(ctx), context.DeadlineExceeded)
		require.NoError(t, s.Close())
		require.ErrorIs(t, cut, context.Canceled)
		require.ErrorIs(t, <-r.done, ErrServerClosed)
		require.EqualValues(t, 1, s.Stats().Dropped[DropExpired], "the one in the queue")
		require.NoError(t, s.Close())
	})
}

// TestCloseGivesUp: a handler that ignores its context cannot hold Close.
func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := &Server{Handler: layeh.HandlerFunc(func(layeh.ResponseWriter, *layeh.Request) { <-release })}
		r := newRig(t, s)
		r.send(accessRequest(t, 1, 1))
		synctest.Wait()
		require.ErrorContains(t, s.Close(), "1 handlers")
		close(release)
		require.NoError(t, s.Close())
		<-r.done
	})
}

// TestSocketClosedByOther: Serve ends when its socket does.
func TestSocketClosedByOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &Server{})
		synctest.Wait()
		require.NoError(t, r.conn.Close())
		require.ErrorIs(t, <-r.done, net.ErrClosed)
		require.NoError(t, r.s.Close())
	})
}

// udpServer runs a server on real sockets and returns its address and a
// function that ends it and checks that nothing is left.
func udpServer(t *testing.T, s *Server) (addr *net.UDPAddr, end func()) {
	before := runtime.NumGoroutine()
	ready := make(chan net.Addr, 1)
	s.Hooks.Listening = func(a net.Addr) { ready <- a }
	if s.Clients == nil {
		s.Clients = Subnets{{Secret: testSecret}}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.ListenAndServe(ctx) }()
	select {
	case a := <-ready:
		addr = a.(*net.UDPAddr)
	case err := <-done:
		cancel()
		require.NoError(t, err)
	}
	return addr, func() {
		cancel()
		require.NoError(t, <-done)
		for limit := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			require.True(t, time.Now().Before(limit), "goroutines are left")
		}
	}
}

// exchange sends a request and checks the answer.
func exchange(conn net.Conn, req []byte) error {
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := conn.Write(req); err != nil {
		return err
	}
	var b [4096]byte
	n, err := conn.Read(b[:])
	if err != nil {
		return err
	}
	_, err = CheckReply(b[:n], req, []byte(testSecret))
	return err
}

// TestListenAndServe: on real sockets, several on one port, from many clients
// at once; and no goroutine is left.
func TestListenAndServe(t *testing.T) {
	var reqs [][]byte
	for n := range 50 {
		reqs = append(reqs, accessRequest(t, byte(n), uint64(n)))
	}
	for _, sockets := range []int{1, 4} {
		handler, calls := counting()
		s := &Server{Addr: "127.0.0.1:0", Sockets: sockets, Handler: handler}
		addr, end := udpServer(t, s)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				conn, err := net.DialUDP("udp", nil, addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				for _, req := range reqs {
					if err := exchange(conn, req); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 400, calls.Load())
		end()
	}
}

// TestAnswerFromSameAddress: a server on all addresses answers from the one
// that the request was sent to; a client with a connected socket would not
// hear it otherwise.
func TestAnswerFromSameAddress(t *testing.T) {
	for _, c := range []struct{ listen, to string }{
		{":0", "127.0.0.77"},
		{"0.0.0.0:0", "127.0.0.77"},
		{":0", "::1"},
	} {
		t.Run(c.listen+" to "+c.to, func(t *testing.T) {
			if runtime.GOOS != "linux" && c.to == "127.0.0.77" {
				t.Skip("only Linux has all of 127/8")
			}
			s := &Server{Addr: c.listen, Handler: layeh.HandlerFunc(acceptHandler)}
			addr, end := udpServer(t, s)
			defer end()
			conn, err := net.Dial("udp", net.JoinHostPort(c.to, strconv.Itoa(addr.Port)))
			if err != nil && strings.Contains(c.to, ":") {
				t.Skip("no IPv6 here: ", err)
			}
			require.NoError(t, err)
			defer conn.Close()
			req := accessRequest(t, 1, 1)
			require.NoError(t, exchange(conn, req))
			require.NoError(t, exchange(conn, req), "from the cache")
		})
	}
}

// TestAddressInUse: a second server on the same port is an error, though
// sockets that share a port would hide it.
func TestAddressInUse(t *testing.T) {
	s := &Server{Addr: "127.0.0.1:0", Handler: layeh.HandlerFunc(acceptHandler)}
	addr, end := udpServer(t, s)
	defer end()
	other := &Server{Addr: addr.String(), Handler: s.Handler, Clients: s.Clients}
	require.ErrorContains(t, other.ListenAndServe(t.Context()), "address already in use")
}

// TestServeUDPConn: a caller's own socket, and a mapped source address.
func TestServeUDPConn(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &Server{Clients: Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: testSecret}},
		Handler: layeh.HandlerFunc(acceptHandler)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(pc) }()
	conn, err := net.Dial("udp", pc.LocalAddr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, exchange(conn, accessRequest(t, 1, 1)))
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-done, ErrServerClosed)
	_, err = pc.WriteTo(nil, conn.LocalAddr())
	require.ErrorIs(t, err, net.ErrClosed)
}
