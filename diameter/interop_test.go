package diameter

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fiorix/go-diameter/v4/diam"
	"github.com/fiorix/go-diameter/v4/diam/avp"
	"github.com/fiorix/go-diameter/v4/diam/datatype"
	"github.com/fiorix/go-diameter/v4/diam/dict"
	"github.com/fiorix/go-diameter/v4/diam/sm"
	"github.com/fiorix/go-diameter/v4/diam/sm/smpeer"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// The peers here are go-diameter's own client and server.

func libSettings(host, realm string) *sm.Settings {
	return &sm.Settings{
		OriginHost: datatype.DiameterIdentity(host), OriginRealm: datatype.DiameterIdentity(realm),
		VendorID: vendor3GPP, ProductName: "go-diameter", OriginStateID: 5, FirmwareRevision: 1,
		HostIPAddresses: []datatype.Address{datatype.Address(net.IPv4(127, 0, 0, 1))},
	}
}

func libVendorApp() *diam.AVP {
	return diam.NewAVP(avp.VendorSpecificApplicationID, avp.Mbit, 0, &diam.GroupedAVP{AVP: []*diam.AVP{
		diam.NewAVP(avp.VendorID, avp.Mbit, 0, datatype.Unsigned32(vendor3GPP)),
		diam.NewAVP(avp.AuthApplicationID, avp.Mbit, 0, datatype.Unsigned32(swxApplication)),
	}})
}

// libServer runs go-diameter's server and returns its address.
func libServer(t testing.TB, h diam.HandlerFunc) string {
	mux := sm.New(libSettings(serverHost, testRealm))
	mux.HandleIdx(diam.CommandIndex{AppID: swxApplication, Code: cmdMAR, Request: true}, h)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() { _ = (&diam.Server{Handler: mux, Dict: dict.Default}).Serve(l) }()
	return l.Addr().String()
}

func TestWithGoDiametersServer(t *testing.T) {
	t.Parallel() // watchdogs take their time
	addr := libServer(t, func(c diam.Conn, m *diam.Message) { _, _ = diamMAA(m).WriteTo(c) })
	cfg := clientConfig()
	cfg.Peers = []PeerConfig{{Host: serverHost, Address: addr}}
	cfg.Watchdog, cfg.AllowShortWatchdog = 500*time.Millisecond, true
	probed := make(chan bool, 100)
	cfg.Hooks.Message = func(m MessageInfo) {
		if m.Command == CmdDeviceWatchdog && !m.Request && !m.Sent {
			probed <- true
		}
	}
	n := newNode(t, cfg)
	n.Start()
	ctx := testContext(t)
	require.NoError(t, n.WaitOpen(ctx, serverHost))

	a, err := n.Exchange(ctx, mar(t, "x"))
	require.NoError(t, err)
	require.EqualValues(t, ResultSuccess, resultOf(t, a))

	req := diamMAR()
	req.Header.CommandFlags |= diam.RetransmittedFlag // which their answer keeps
	dm, err := n.Do(ctx, req)
	require.NoError(t, err)
	require.Equal(t, req.Header.HopByHopID, dm.Header.HopByHopID)
	require.Equal(t, req.Header.EndToEndID, dm.Header.EndToEndID)
	name, ok := Find(dm, AVPUserName, 0)
	require.True(t, ok)
	require.Equal(t, datatype.UTF8String("555440000000001"), name.Data)

	// Watchdogs go to and fro, and the connection is still the first.
	first := n.peerList()[0].shown.Load()
	require.NotNil(t, first)
	<-probed
	<-probed
	require.Same(t, first, n.peerList()[0].shown.Load())
	require.Equal(t, "go-diameter", n.Peers()[0].ProductName)
}

// libClient connects go-diameter's client to a node.
func libClient(t testing.TB, addr string, answers chan<- *diam.Message) diam.Conn {
	mux := sm.New(libSettings(clientHost, "example.org"))
	mux.HandleIdx(diam.CommandIndex{AppID: swxApplication, Code: cmdMAR, Request: false},
		diam.HandlerFunc(func(_ diam.Conn, m *diam.Message) { answers <- m }))
	mux.HandleIdx(diam.CommandIndex{AppID: swxApplication, Code: cmdRTR, Request: true},
		diam.HandlerFunc(func(c diam.Conn, m *diam.Message) { _, _ = m.Answer(diam.Success).WriteTo(c) }))
	cl := &sm.Client{
		Dict: dict.Default, Handler: mux, MaxRetransmits: 1, RetransmitInterval: time.Minute,
		EnableWatchdog: true, WatchdogInterval: time.Second,
		VendorSpecificApplicationID: []*diam.AVP{libVendorApp()},
	}
	conn, err := cl.DialNetwork("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

func TestWithGoDiametersClient(t *testing.T) {
	n := newNode(t, serverConfig())
	n.Handle(swxApplication, cmdMAR, benchMAA)
	addr := serveTCP(t, n)
	answers := make(chan *diam.Message, 10)
	conn := libClient(t, addr, answers)
	meta, ok := smpeer.FromContext(conn.Context())
	require.True(t, ok)
	require.EqualValues(t, serverHost, meta.OriginHost)
	require.Equal(t, []uint32{swxApplication}, meta.Applications)

	req := diamMAR()
	_, err := req.WriteTo(conn)
	require.NoError(t, err)
	a := <-answers
	require.Equal(t, req.Header.HopByHopID, a.Header.HopByHopID)
	code, err := a.FindAVP(avp.ResultCode, 0)
	require.NoError(t, err)
	require.Equal(t, datatype.Unsigned32(2001), code.Data)

	rtr, err := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest, Command: cmdRTR, Application: swxApplication}).Message()
	require.NoError(t, err)
	got, err := n.Exchange(testContext(t), rtr)
	require.NoError(t, err)
	require.EqualValues(t, ResultSuccess, resultOf(t, got))
}

// TestHandlersOfGoDiameter: handlers and WriteTo as users of that module have
// them, on our connection.
func TestHandlersOfGoDiameter(t *testing.T) {
	server := newNode(t, serverConfig())
	var conns sync.Map
	server.HandleDiam(swxApplication, cmdMAR, diam.HandlerFunc(func(c diam.Conn, m *diam.Message) {
		conns.Store(c, true)
		meta, ok := smpeer.FromContext(c.Context())
		if !ok || meta.OriginHost != clientHost {
			panic("no metadata")
		}
		a := server.Answer(m, ResultSuccess)
		name, _ := Find(m, AVPUserName, 0)
		a.AddAVP(name)
		go func() { _, _ = a.WriteTo(c) }() // answering later is allowed
	}))
	addr := serveTCP(t, server)

	cfg := clientConfig()
	cfg.Peers = []PeerConfig{{Host: serverHost, Address: addr}}
	client := newNode(t, cfg)
	// A handler that, asked something, asks the peer and waits for the answer
	// in the way go-diameter has it: by a handler of its own.
	asked := make(chan *diam.Message, 1)
	answered := make(chan *diam.Message, 1)
	client.HandleDiam(swxApplication, cmdMAR, diam.HandlerFunc(func(_ diam.Conn, m *diam.Message) { answered <- m }))
	client.HandleDiam(swxApplication, cmdRTR, diam.HandlerFunc(func(c diam.Conn, m *diam.Message) {
		q := diamMAR()
		if _, err := q.WriteTo(c); err != nil {
			panic(err)
		}
		asked <- q
		_, _ = client.Answer(m, ResultSuccess).WriteTo(c)
	}))
	client.Start()
	ctx := testContext(t)
	require.NoError(t, client.WaitOpen(ctx, ""))
	require.NoError(t, server.WaitOpen(ctx, ""))

	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			a, err := client.Do(ctx, diamMAR())
			if err != nil || len(a.AVP) != 5 {
				t.Errorf("%v, %v", a, err)
			}
		})
	}
	wg.Wait()

	rtr := diam.NewMessage(cmdRTR, diam.RequestFlag, swxApplication, 1, 1, dict.Default)
	rtr.Header.HopByHopID, rtr.Header.EndToEndID = 0, 0
	rtr.NewAVP(avp.SessionID, avp.Mbit, 0, datatype.UTF8String("s"))
	a, err := server.Do(ctx, rtr)
	require.NoError(t, err)
	require.Zero(t, a.Header.HopByHopID)
	sid, ok := Find(a, AVPSessionID, 0)
	require.True(t, ok)
	require.Equal(t, datatype.UTF8String("s"), sid.Data)
	q, m := <-asked, <-answered
	require.Equal(t, q.Header.HopByHopID, m.Header.HopByHopID)
	require.Equal(t, q.Header.EndToEndID, m.Header.EndToEndID)

	conns.Range(func(k, _ any) bool {
		c := k.(diam.Conn)
		require.NotNil(t, c.LocalAddr())
		require.Equal(t, c.RemoteAddr(), c.Connection().RemoteAddr())
		_, err := c.Connection().Write([]byte("x"))
		require.Error(t, err)
		_, err = c.Connection().Read(make([]byte, 1))
		require.Error(t, err)
		require.Nil(t, c.TLS())
		require.Same(t, dict.Default, c.Dictionary())
		_, err = c.Write([]byte("half a message"))
		require.Error(t, err)
		type key struct{}
		c.SetContext(context.WithValue(c.Context(), key{}, 1))
		require.Equal(t, 1, c.Context().Value(key{}))
		gone := c.(diam.CloseNotifier).CloseNotify()
		c.Close()
		<-gone
		_, err = c.WriteStream(mustEncode(t, server.Answer(diamMAR(), ResultSuccess)), 0)
		require.ErrorIs(t, err, ErrDisconnected)
		_, err = diamMAR().WriteTo(c)
		require.ErrorIs(t, err, ErrDisconnected)
		return true
	})
}

func mustEncode(t testing.TB, m *diam.Message) []byte {
	b, err := AppendMessage(nil, m)
	require.NoError(t, err)
	return b
}

func TestMalformedForAGoDiameterHandler(t *testing.T) {
	runScript(t, nil, func(t *testing.T, s *script) {
		s.node.HandleDiam(swxApplication, cmdRTR, diam.HandlerFunc(func(c diam.Conn, m *diam.Message) {
			if _, ok := Find(m, AVPUserName, 0); !ok {
				panic("no User-Name")
			}
			_, _ = s.node.Answer(m, ResultSuccess).WriteTo(c)
		}))
		f := s.open()
		f.request(rtr(), func(w *wire.Builder) { w.Octets(AVPAuthSessionState, 0, wire.FlagMandatory, make([]byte, 16)) })
		f.wantResult(cmdRTR, ResultInvalidAVPLength)
		f.request(rtr(), func(w *wire.Builder) { w.Octets(AVPHostIPAddress, 0, wire.FlagMandatory, make([]byte, 6)) })
		f.wantResult(cmdRTR, ResultInvalidAVPValue)
		f.request(rtr())
		f.wantResult(cmdRTR, ResultUnableToComply)
		f.request(rtr(), func(w *wire.Builder) { w.String(AVPUserName, 0, wire.FlagMandatory, "x") })
		f.wantResult(cmdRTR, ResultSuccess)
	})
}

func TestRequestOfAGoDiameterHandlerThatIsNeverAnswered(t *testing.T) {
	runScript(t, func(c *Config) { c.Watchdog, c.AttemptTimeout = 10*time.Minute, -1 }, func(t *testing.T, s *script) {
		s.node.HandleDiam(swxApplication, cmdRTR, diam.HandlerFunc(func(c diam.Conn, _ *diam.Message) { _, _ = diamMAR().WriteTo(c) }))
		f := s.open()
		f.request(rtr())
		f.want(cmdMAR, true)
		require.Equal(t, 1, s.node.Peers()[0].Pending)
		time.Sleep(31 * time.Second)
		require.Zero(t, s.node.Peers()[0].Pending)
	})
}

// Shutdown waits for the answers to requests of go-diameter handlers, too, but
// not for longer than they have time.
func TestShutdownWaitsForRequestsOfGoDiameterHandlers(t *testing.T) {
	for _, answered := range []bool{true, false} {
		t.Run(fmt.Sprintf("answered %v", answered), func(t *testing.T) {
			runScript(t, func(c *Config) { c.Watchdog, c.AttemptTimeout = 10*time.Minute, -1 }, func(t *testing.T, s *script) {
				got := make(chan *diam.Message, 1)
				s.node.HandleDiam(swxApplication, cmdMAR, diam.HandlerFunc(func(_ diam.Conn, m *diam.Message) { got <- m }))
				s.node.HandleDiam(swxApplication, cmdRTR, diam.HandlerFunc(func(c diam.Conn, _ *diam.Message) { _, _ = diamMAR().WriteTo(c) }))
				f := s.open()
				f.request(rtr())
				req := f.want(cmdMAR, true)
				done := make(chan error, 1)
				start := time.Now()
				go func() { done <- s.node.Shutdown(context.Background()) }()
				time.Sleep(time.Second)
				f.wantIdle()
				if answered {
					f.answer(req, withResult(ResultSuccess))
					<-got
				}
				f.answer(f.want(CmdDisconnectPeer, true), withResult(ResultSuccess))
				require.NoError(t, <-done)
				require.Equal(t, answered, time.Since(start) < 2*time.Second)
			})
		})
	}
}

// diamEcho answers with what it gets.
type diamEcho struct{ n *Node }

func (d diamEcho) ServeDIAM(c diam.Conn, m *diam.Message) {
	a := d.n.Answer(m, ResultSuccess)
	for _, x := range m.AVP {
		a.AddAVP(x)
	}
	_, _ = a.WriteTo(c)
}
