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
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"github.com/opentwag/twag/radius/internal/wire"
)

const testSecret = "a-secret-of-some-length"

// eapRequest returns an Access-Request as an access point sends it.
func eapRequest(t testing.TB, id byte, eapLen int) *layeh.Packet {
	p := layeh.New(layeh.CodeAccessRequest, []byte(testSecret))
	p.Identifier = id
	require.NoError(t, rfc2865.UserName_SetString(p, "0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org"))
	require.NoError(t, rfc2865.NASIPAddress_Set(p, net.IPv4(192, 0, 2, 1)))
	require.NoError(t, rfc2865.NASIdentifier_SetString(p, "ap-1.example"))
	require.NoError(t, rfc2865.CalledStationID_SetString(p, "00-10-A4-23-19-C0:SSID"))
	require.NoError(t, rfc2865.CallingStationID_SetString(p, "02-00-00-00-00-01"))
	require.NoError(t, rfc2865.NASPortType_Set(p, 19))
	require.NoError(t, rfc2865.ServiceType_Set(p, 2))
	require.NoError(t, rfc2865.FramedMTU_Set(p, 1400))
	p.Add(77, layeh.Attribute("CONNECT 54Mbps 802.11g"))
	require.NoError(t, rfc2865.State_Set(p, make([]byte, 16)))
	require.NoError(t, rfc2869.EAPMessage_Set(p, make([]byte, eapLen)))
	return p
}

func acceptHandler(w layeh.ResponseWriter, r *layeh.Request) {
	p := r.Response(layeh.CodeAccessAccept)
	p.Add(79, layeh.Attribute{3, 1, 0, 4})
	_ = w.Write(p)
}

// nullCarrier gives the same datagrams again and again and swallows answers.
type nullCarrier struct{ from path }

func (c *nullCarrier) read() (int, error)             { return 0, net.ErrClosed }
func (c *nullCarrier) datagram(int) ([]byte, *path)   { return nil, nil }
func (c *nullCarrier) write(b []byte, to *path) error { return nil }
func (c *nullCarrier) stopReading()                   {}
func (c *nullCarrier) close() error                   { return nil }
func (c *nullCarrier) localAddr() net.Addr            { return &net.UDPAddr{} }

// BenchmarkReceive is the whole path of one authenticated EAP Access-Request
// through checks, duplicate cache, handler and signed reply, without a socket
// and without a change of goroutine.
func BenchmarkReceive(b *testing.B) {
	s := &Server{
		Clients: Subnets{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Secret: testSecret}},
		Handler: layeh.HandlerFunc(acceptHandler),
	}
	e, err := s.engine()
	require.NoError(b, err)
	var reqs [256][]byte
	for i := range reqs {
		reqs[i], err = SignRequest(eapRequest(b, byte(i), 100))
		require.NoError(b, err)
	}
	c := &nullCarrier{}
	from := &path{}
	var scratch [4096]byte
	b.ReportAllocs()
	b.ReportMetric(float64(len(reqs[0])), "octets")
	i := 0
	for b.Loop() {
		from.remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i >> 24)}), uint16(i>>8))
		r := e.receive(c, 1, reqs[i&255], from, time.Now(), 0, scratch[:0])
		if r == nil {
			b.Fatal("dropped", e.count.snapshot())
		}
		e.serve(r)
		i++
	}
}

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
				require.NoError(t, conn.SetReadDeadline(time.Now().Add(2*time.Second)))
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
