package diametertest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/diameter/wire"
)

const (
	nodeHost = "aaa.example.org"
	swxApp   = 16777265
	cmdMAR   = 303
)

var mar = diametertest.Build(wire.Header{Flags: wire.FlagRequest, Command: cmdMAR, Application: swxApp}, func(w *wire.Builder) {
	w.String(diameter.AVPSessionID, 0, wire.FlagMandatory, "sid")
})

func newNode(t *testing.T, pc diameter.PeerConfig, change func(*diameter.Config)) *diameter.Node {
	t.Helper()
	cfg := diameter.Config{
		OriginHost: nodeHost, OriginRealm: "example.org",
		Applications: []diameter.Application{{ID: swxApp, Vendor: 10415}}, Peers: []diameter.PeerConfig{pc},
	}
	if change != nil {
		change(&cfg)
	}
	n, err := diameter.NewNode(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = n.Close() })
	n.Start()
	return n
}

// exchange sends a MAR; the function returned waits for the outcome.
func exchange(ctx context.Context, n *diameter.Node) func() (wire.Message, error) {
	type outcome struct {
		m   wire.Message
		err error
	}
	ch := make(chan outcome, 1)
	go func() {
		m, err := n.Exchange(ctx, mar)
		ch <- outcome{m, err}
	}()
	return func() (wire.Message, error) { o := <-ch; return o.m, o.err }
}

// TestInMemory: a conversation in a bubble, with hours going by.
func TestInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := diametertest.NewPeer(t, diametertest.Config{Timeout: time.Minute})
		n := newNode(t, diameter.PeerConfig{Host: peer.Host(), Dial: peer.Pipe}, nil)
		link := peer.Accept()
		require.NoError(t, n.WaitOpen(t.Context(), ""))
		link.Ping()
		time.Sleep(5 * time.Hour) // watchdogs are answered
		require.Equal(t, diameter.PeerOpen, n.Peers()[0].State)

		wait := exchange(t.Context(), n)
		request := link.Want(cmdMAR, true)
		time.Sleep(time.Second)
		wrong := link.Reply(request, diametertest.Result(5012))
		wrong.SetHopByHop(request.Header().HopByHop + 1)
		link.Send(wrong)
		right := link.Answer(request, 2001)
		link.Send(right) // again
		a, err := wait()
		require.NoError(t, err)
		require.EqualValues(t, 2001, diametertest.ResultOf(a))
		sid, _ := a.Find(diameter.AVPSessionID, 0)
		require.Equal(t, "sid", string(sid.Data))
		synctest.Wait()
		require.EqualValues(t, 2, n.Peers()[0].Unmatched)

		require.NoError(t, n.Shutdown(t.Context()), "a DPR is answered")
		link.WantClosed()
		require.ErrorIs(t, link.Err(), io.EOF)
		peer.Close()
		_, err = peer.Pipe(t.Context())
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

// TestStall: a peer that stops reading, and goes on.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := diametertest.NewPeer(t, diametertest.Config{Timeout: 5 * time.Minute})
		n := newNode(t, diameter.PeerConfig{Host: peer.Host(), Dial: peer.Pipe}, func(c *diameter.Config) { c.WriteTimeout = time.Hour })
		link := peer.Accept()
		require.NoError(t, n.WaitOpen(t.Context(), ""))
		link.Stall()
		time.Sleep(40 * time.Second)
		link.Resume()
		link.Ping()
		link.Stall()
		time.Sleep(75 * time.Second)
		require.NotEqual(t, diameter.PeerOpen, n.Peers()[0].State)
		link.Resume()
	})
}

// TestManual: the test does everything itself.
func TestManual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := diametertest.NewPeer(t, diametertest.Config{Manual: true, Timeout: time.Minute})
		n := newNode(t, diameter.PeerConfig{Host: peer.Host(), Dial: peer.Pipe}, nil)
		link := peer.Arrived()
		cer := link.Want(diameter.CmdCapabilitiesExchange, true)
		link.WantIdle(time.Second)
		require.Equal(t, diameter.PeerConnecting, n.Peers()[0].State)
		link.Answer(cer, 5012)
		link.WantClosed()
		link = peer.Arrived()
		cer = link.Want(diameter.CmdCapabilitiesExchange, true)
		cea := link.Reply(cer, diametertest.Result(2001), link.Capabilities())
		link.Send(cea[:10])
		time.Sleep(time.Second)
		link.Send(cea[10:])
		require.NoError(t, n.WaitOpen(t.Context(), ""))
		link.Want(diameter.CmdDeviceWatchdog, true)
		link.Manual(false)
		time.Sleep(time.Hour)
	})
}

// TestPipeListener: the peer connects, to a listener in memory.
func TestPipeListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := diametertest.NewPeer(t, diametertest.Config{
			Applications: []diameter.Application{{ID: 4}, {ID: 3, Acct: true}, {ID: swxApp, Vendor: 10415}},
		})
		n := newNode(t, diameter.PeerConfig{Host: peer.Host()}, nil)
		l := peer.PipeListener()
		done := make(chan error, 1)
		go func() { done <- n.Serve(l) }()
		l.Dial().Open().Ping()
		synctest.Wait()
		require.Equal(t, []diameter.Application{{ID: 4}, {ID: 3, Acct: true}, {ID: swxApp, Vendor: 10415}}, n.Peers()[0].Applications)
		require.NoError(t, n.Close())
		require.ErrorIs(t, <-done, diameter.ErrClosed)
		require.NotNil(t, l.Addr())
	})
}

// TestReset: the other side is told by a reset, or by an end.
func TestReset(t *testing.T) {
	peer := diametertest.NewPeer(t, diametertest.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for _, c := range []struct {
		end  func(*diametertest.Link)
		want error
	}{{(*diametertest.Link).Reset, syscall.ECONNRESET}, {(*diametertest.Link).Close, io.EOF}} {
		link := peer.Dial(l.Addr().String())
		nc, err := l.Accept()
		require.NoError(t, err)
		c.end(link)
		_, err = nc.Read(make([]byte, 1))
		require.ErrorIs(t, err, c.want)
		require.NoError(t, nc.Close())
		link.WantClosed()
	}
}

// TestTLS: certificates in files, and the other uses of an authority.
func TestTLS(t *testing.T) {
	a := diametertest.NewAuthority(t)
	peer := diametertest.NewPeer(t, diametertest.Config{TLS: a.Config(a.Certificate("peer.example.net"))})
	n := newNode(t, diameter.PeerConfig{Host: peer.Host(), Address: peer.Listen(), Transport: diameter.TransportTLS},
		func(c *diameter.Config) { c.TLS = a.Config(a.Certificate(nodeHost)) })
	link := peer.Accept()
	link.Ping()
	wait := exchange(t.Context(), n)
	request := link.Want(cmdMAR, true)
	link.Answer(request, 3004)
	m, err := wait()
	require.NoError(t, err)
	require.NotZero(t, m.Header().Flags&wire.FlagError)
	link.Reset()

	cert, key, err := diametertest.PEM(a.Certificate(nodeHost))
	require.NoError(t, err)
	require.Contains(t, string(cert), "BEGIN CERTIFICATE")
	require.Contains(t, string(key), "BEGIN PRIVATE KEY")
	require.Contains(t, string(a.PEM()), "BEGIN CERTIFICATE")
}

// TestMalformedIsWhatItSays: each input is named once, and its frame is as
// promised.
func TestMalformedIsWhatItSays(t *testing.T) {
	seen := map[string]bool{}
	for _, in := range diametertest.Malformed(mar.Header(), nil) {
		require.False(t, seen[in.Name], in.Name)
		seen[in.Name] = true
		size, err := wire.FrameLen(in.Octets, 0)
		if in.Code == diameter.ResultUnsupportedVersion {
			require.ErrorIs(t, err, wire.ErrVersion)
			continue
		}
		require.Equal(t, in.Framed, err == nil && size == len(in.Octets), in.Name)
		if in.Code == diameter.ResultInvalidAVPLength && !in.Typed {
			require.Error(t, wire.Check(in.Octets, wire.Limits{Grouped: func(code, _ uint32) bool {
				return code == diameter.AVPVendorSpecificApplicationID
			}}), in.Name)
		}
	}
	require.GreaterOrEqual(t, len(seen), 25)
}

func inBubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// TestExpectationsFail: a kit whose expectations are always met proves
// nothing.
func TestExpectationsFail(t *testing.T) {
	for name, f := range map[string]func(*diametertest.Peer, *diametertest.Link){
		"nobody connects": func(p *diametertest.Peer, _ *diametertest.Link) { p.Accept() },
		"no message":      func(_ *diametertest.Peer, l *diametertest.Link) { l.Next() },
		"other command":   func(_ *diametertest.Peer, l *diametertest.Link) { l.Send(mar); l.Want(1, false) },
		"other result":    func(_ *diametertest.Peer, l *diametertest.Link) { l.Send(mar); l.WantResult(cmdMAR, 2001) },
		"not idle":        func(_ *diametertest.Peer, l *diametertest.Link) { l.Send(mar); l.WantIdle(2 * time.Second) },
		"not closed":      func(_ *diametertest.Peer, l *diametertest.Link) { l.WantClosed() },
		"nobody listens":  func(p *diametertest.Peer, _ *diametertest.Link) { p.PipeListener().Dial() },
	} {
		inBubble(t, name, func(t *testing.T) {
			fake := &failing{TB: t, failed: make(chan struct{})}
			peer := diametertest.NewPeer(fake, diametertest.Config{Host: "hss.example.net", Timeout: 5 * time.Second})
			n := newNode(t, diameter.PeerConfig{Host: "hss.example.net", Dial: peer.Pipe}, nil)
			link := peer.Accept()
			require.NoError(t, n.WaitOpen(t.Context(), ""))
			returned := make(chan struct{})
			go func() {
				defer func() {
					if v := recover(); v != nil && v != errFailed {
						panic(v)
					}
					close(returned)
				}()
				f(peer, link)
			}()
			<-returned
			select {
			case <-fake.failed:
			default:
				require.Fail(t, "it did not fail")
			}
		})
	}
}

var errFailed = errors.New("failed")

// failing is a test that ends in a panic when it fails.
type failing struct {
	testing.TB
	failed chan struct{}
}

func (f *failing) Fatal(...any)          { close(f.failed); panic(errFailed) }
func (f *failing) Fatalf(string, ...any) { close(f.failed); panic(errFailed) }
