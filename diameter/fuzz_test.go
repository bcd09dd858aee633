package diameter

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// FuzzInbound sends octets to a node, before and after the capabilities
// exchange: it lives, and takes the next connection.
//
// Run it with -fuzzminimizetime 10x: what it covers depends on goroutines, so
// the minute that go test spends on each find by default (saying 0 execs/sec)
// is spent for nothing.
func FuzzInbound(f *testing.F) {
	for _, m := range samples(f) {
		f.Add([]byte(m), true)
		f.Add([]byte(m), false)
	}
	f.Add([]byte{1, 0, 0, 19}, true)
	f.Add([]byte{1, 0, 0, 0, 0x80, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, false)

	cfg := serverConfig()
	cfg.MaxHandlers = 8
	n, err := NewNode(cfg)
	require.NoError(f, err)
	n.Handle(swxApplication, cmdMAR, echo)
	n.HandleDiam(swxApplication, 301, diamEcho{n})
	l := newMemListener()
	go func() { _ = n.Serve(l) }()
	f.Cleanup(func() { _ = n.Close() })

	cer, err := cerOf(clientHost)
	require.NoError(f, err)
	dwr, err := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest, Command: CmdDeviceWatchdog, HopByHop: 0xabcd1234}).Message()
	require.NoError(f, err)

	f.Fuzz(func(t *testing.T, b []byte, open bool) {
		near, end := net.Pipe()
		l.conns <- near
		_ = end.SetDeadline(time.Now().Add(time.Minute))
		go func() {
			if open {
				if _, err := end.Write(cer); err != nil {
					return
				}
			}
			if _, err := end.Write(b); err != nil {
				return
			}
			if _, err := end.Write(dwr); err != nil {
				return
			}
			// Whatever was announced and not sent: the node has seen all.
			time.Sleep(time.Millisecond)
			_ = end.Close()
		}()
		_, _ = io.Copy(io.Discard, end)

		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for {
			gone := true
			for _, p := range n.Peers() {
				gone = gone && p.Host != clientHost
			}
			if gone {
				return
			}
			select {
			case <-ctx.Done():
				t.Fatal("the peer stays")
			case <-time.After(100 * time.Microsecond):
			}
		}
	})
}

// cerOf returns a CER of the host.
func cerOf(host string) (wire.Message, error) {
	w := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest, Command: CmdCapabilitiesExchange})
	originOf(host)(w)
	withCapabilities(swxApplication)(w)
	return w.Message()
}
