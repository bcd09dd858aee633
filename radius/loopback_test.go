//go:build unix

package radius

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius/internal/wire"
)

// BenchmarkLoopback measures the server's processor time per request over
// loopback; client and server are separate processes, so that getrusage
// tells them apart. The client runs in a copy of the test binary.
func BenchmarkLoopback(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	ready := make(chan net.Addr, 1)
	s := &Server{
		Addr:    "127.0.0.1:0",
		Clients: Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: testSecret}},
		Handler: layeh.HandlerFunc(acceptHandler),
		Hooks:   Hooks{Listening: func(a net.Addr) { ready <- a }},
	}
	done := make(chan error, 1)
	go func() { done <- s.ListenAndServe(ctx) }()
	addr := <-ready
	for b.Loop() {
		n := 200_000
		cmd := exec.Command(os.Args[0], "-test.run=^TestLoopbackClient$", "-test.count=1")
		cmd.Env = append(os.Environ(), "TWAG_LOOPBACK_CLIENT="+addr.String(), "TWAG_LOOPBACK_N="+strconv.Itoa(n))
		before := cpuTime()
		var m0, m1 runtime.MemStats
		runtime.ReadMemStats(&m0)
		start := time.Now()
		out, err := cmd.CombinedOutput()
		require.NoError(b, err, string(out))
		runtime.ReadMemStats(&m1)
		b.ReportMetric(float64(cpuTime()-before)/float64(n)/1e3, "cpu-us/req")
		b.ReportMetric(float64(n)/time.Since(start).Seconds(), "req/s")
		b.ReportMetric(float64(m1.Mallocs-m0.Mallocs)/float64(n), "allocs/req")
	}
	cancel()
	require.NoError(b, <-done)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLoopbackClient is the client of BenchmarkLoopback, and does nothing when
// it is not called by it.
func TestLoopbackClient(t *testing.T) {
	addr := os.Getenv("TWAG_LOOPBACK_CLIENT")
	if addr == "" {
		return
	}
	n, err := strconv.Atoi(os.Getenv("TWAG_LOOPBACK_N"))
	require.NoError(t, err)
	const sockets, inFlight = 8, 32
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for range sockets {
		wg.Go(func() {
			conn, err := net.Dial("udp", addr)
			require.NoError(t, err)
			defer conn.Close()
			var reqs [256][]byte
			for i := range reqs {
				reqs[i], err = SignRequest(eapRequest(t, byte(i), 100))
				require.NoError(t, err)
			}
			key := wire.NewKey([]byte(testSecret))
			next := 0
			send := func() bool {
				if left.Add(-1) < 0 {
					return false
				}
				// A new request each time, since a repetition costs less.
				req := reqs[next%256]
				binary.BigEndian.PutUint64(req[4:], uint64(next))
				key.SignRequest(req, 22)
				_, err := conn.Write(req)
				require.NoError(t, err)
				next++
				return true
			}
			open := 0
			for range inFlight {
				if send() {
					open++
				}
			}
			var buf [4096]byte
			for open > 0 {
				require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
				_, err := conn.Read(buf[:])
				require.NoError(t, err)
				open--
				if send() {
					open++
				}
			}
		})
	}
	wg.Wait()
}
