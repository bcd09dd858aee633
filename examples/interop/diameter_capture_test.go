package interop

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/diametertest"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/swx"
)

// stage is a node of ours between two peers: one that it connects to, and one
// that connects to it.
type stage struct {
	t       *testing.T
	ctx     context.Context
	node    *diameter.Node
	swx     *swx.Client
	to      *diametertest.Link // its answers are ours to write
	from    *diametertest.Link
	second  *diametertest.Link // asked when the first is slow
	address string             // where the node listens
	dwrs    atomic.Int64
	release chan struct{} // ends the handler of RTR
}

// diameterMessages is every kind of Diameter message that we send: a display
// filter that knows it, and how to make us send it.
var diameterMessages = []struct {
	name, filter string
	send         func(*stage)
}{
	{"CER", request(257), func(*stage) {}}, // both at the beginning
	{"CEA", answer(257, 2001), func(*stage) {}},
	{"DWR", request(280), func(s *stage) { s.until(func() bool { return s.dwrs.Load() > 0 }) }},
	{"DWA", answer(280, 2001), func(s *stage) { s.from.Ping() }},
	{"MAR", request(303), func(s *stage) { s.ask(vectors(aka.SchemeAKA, nil)) }},
	{"MAR for EAP-AKA'", request(303), func(s *stage) { s.ask(vectors(aka.SchemeAKAPrime, nil)) }},
	{"MAR to resynchronise", request(303), func(s *stage) {
		s.ask(vectors(aka.SchemeAKA, &aka.Resync{}))
	}},

	{"MAR sent again", request(303) + " && diameter.flags.T == 1", func(s *stage) { s.askAgain(vectors(aka.SchemeAKAPrime, nil)) }},
	{"SAR sent again", request(301) + " && diameter.flags.T == 1", func(s *stage) {
		s.askAgain(func(s *stage) {
			_, _ = s.swx.Assign(s.ctx, swx.AssignmentRequest{IMSI: imsi(0), Type: swx.AAAUserDataRequest})
		})
	}},

	{"CEA 3010", answer(257, 3010), func(s *stage) { s.cer(3010, diametertest.Config{Host: "unknown.example.net"}) }},
	{"CEA 5010", answer(257, 5010), func(s *stage) {
		s.cer(5010, diametertest.Config{Host: hssHost, Applications: []diameter.Application{{ID: 1}}})
	}},
	{"CEA 5005, Failed-AVP", failed(257, 5005), func(s *stage) { s.malformedCER(5005) }},
	{"3001", answer(305, 3001), func(s *stage) { s.refused(wire.Header{Command: 305, Application: swx.Application.ID}, 3001) }},
	{"3002", answer(304, 3002), func(s *stage) {
		s.refused(wire.Header{Command: 304, Application: swx.Application.ID}, 3002, func(w *wire.Builder) {
			w.String(diameter.AVPDestinationHost, 0, wire.FlagMandatory, hssHost)
		})
	}},
	{"3004", answer(304, 3004), func(s *stage) { s.overload() }},
	{"3007", answer(272, 3007), func(s *stage) { s.refused(wire.Header{Command: 272, Application: 4}, 3007) }},
	{"3008", answer(304, 3008), func(s *stage) {
		s.refused(wire.Header{Flags: wire.FlagError, Command: 304, Application: swx.Application.ID}, 3008)
	}},
	{"5001, Failed-AVP", failed(280, 5001), func(s *stage) {
		s.refused(wire.Header{Command: 280}, 5001, func(w *wire.Builder) { w.String(1, 10415, wire.FlagMandatory, "001010000000001") })
	}},
	{"5014, Failed-AVP", failed(280, 5014), func(s *stage) {
		s.refused(wire.Header{Command: 280}, 5014, diametertest.Raw(0, 0, 1, 22, 0x40, 0, 0, 2))
	}},
	{"5015", answer(304, 5015), func(s *stage) {
		s.refused(wire.Header{Command: 304, Application: swx.Application.ID}, 5015, diametertest.Raw(make([]byte, 70000)...))
	}},

	{"DPA", answer(282, 2001), func(s *stage) { s.disconnect() }},
	{"DPR", request(282), func(s *stage) { require.NoError(s.t, s.node.Shutdown(s.ctx)) }},
}

func request(command int) string {
	return fmt.Sprintf("diameter.cmd.code == %d && diameter.flags.request == 1", command)
}

func answer(command, result int) string {
	return fmt.Sprintf("diameter.cmd.code == %d && diameter.flags.request == 0 && diameter.Result-Code == %d", command, result)
}

func failed(command, result int) string {
	return answer(command, result) + " && diameter.Failed-AVP"
}

// until waits until f is true.
func (s *stage) until(f func() bool) {
	s.t.Helper()
	require.Eventually(s.t, f, time.Minute, 10*time.Millisecond)
}

// ask lets f ask the peer something, which is refused; f must not mind.
func (s *stage) ask(f func(*stage)) {
	s.t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f(s) }()
	s.to.Answer(s.to.Next(), diameter.ResultUnableToComply)
	<-done
}

// askAgain is ask where the first peer does not answer in time.
func (s *stage) askAgain(f func(*stage)) {
	s.t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f(s) }()
	slow := s.to.Next()
	s.second.Answer(s.second.Next(), diameter.ResultUnableToComply)
	<-done
	s.to.Answer(slow, diameter.ResultUnableToComply) // nobody's any more
	s.until(func() bool { return s.node.Peers()[1].State == diameter.PeerOpen })
}

func vectors(scheme aka.Scheme, resync *aka.Resync) func(*stage) {
	return func(s *stage) {
		_, _ = s.swx.Vectors(s.ctx, aka.VectorRequest{IMSI: imsi(0), Scheme: scheme, NetworkName: "WLAN", Resync: resync})
	}
}

// refused sends a request that is answered with the Result-Code.
func (s *stage) refused(h wire.Header, code uint32, parts ...diametertest.Part) {
	s.t.Helper()
	session := func(w *wire.Builder) {
		if h.Application != 0 {
			w.String(diameter.AVPSessionID, 0, wire.FlagMandatory, hssHost+";1;1")
		}
	}
	s.from.Request(h, append([]diametertest.Part{session}, parts...)...)
	s.from.WantResult(h.Command, code)
}

// cer connects as a peer that is answered with the Result-Code.
func (s *stage) cer(code uint32, c diametertest.Config) {
	s.t.Helper()
	link := diametertest.NewPeer(s.t, c).Dial(s.address)
	link.Send(link.CER())
	link.WantResult(diameter.CmdCapabilitiesExchange, code)
	link.WantClosed()
}

// malformedCER sends a CER without an Origin-Host.
func (s *stage) malformedCER(code uint32) {
	s.t.Helper()
	link := diametertest.NewPeer(s.t, diametertest.Config{}).Dial(s.address)
	link.Send(diametertest.Build(wire.Header{Flags: wire.FlagRequest, Command: diameter.CmdCapabilitiesExchange}))
	link.WantResult(diameter.CmdCapabilitiesExchange, code)
}

// overload sends more requests than are handled and queued.
func (s *stage) overload() {
	s.t.Helper()
	h := wire.Header{Command: 304, Application: swx.Application.ID}
	for range 3 {
		s.from.Request(h)
	}
	s.from.WantResult(304, diameter.ResultTooBusy)
	close(s.release)
	s.from.WantResult(304, diameter.ResultSuccess)
	s.from.WantResult(304, diameter.ResultSuccess)
}

// disconnect is the peer's way to go.
func (s *stage) disconnect() {
	s.t.Helper()
	s.from.Request(wire.Header{Command: diameter.CmdDisconnectPeer}, func(w *wire.Builder) {
		w.Uint32(diameter.AVPDisconnectCause, 0, wire.FlagMandatory, diameter.DisconnectRebooting)
	})
	s.from.WantResult(diameter.CmdDisconnectPeer, diameter.ResultSuccess)
	s.from.Close()
}

// TestDiameterAsTsharkSeesIt: no message that we send has an AVP that tshark
// does not know, or a field that it can't read.
func TestDiameterAsTsharkSeesIt(t *testing.T) {
	Need(t, Tshark, Dumpcap)
	capture, err := StartCapture(t.TempDir())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := &stage{t: t, ctx: ctx, release: make(chan struct{})}

	to := diametertest.NewPeer(t, diametertest.Config{Host: relayHost, Realm: diameterRealm})
	toAddress := to.Listen()
	second := diametertest.NewPeer(t, diametertest.Config{Host: "dra2." + diameterRealm, Realm: diameterRealm})
	secondAddress := second.Listen()
	s.node, err = diameter.NewNode(diameter.Config{
		OriginHost: serverHost, OriginRealm: diameterRealm, FirmwareRevision: 1,
		Applications: []diameter.Application{swx.Application},
		Peers: []diameter.PeerConfig{
			{Host: relayHost, Address: toAddress}, {Host: hssHost},
			{Host: "dra2." + diameterRealm, Address: secondAddress, Priority: 1},
		},
		Watchdog: 2 * time.Second, AllowShortWatchdog: true, AttemptTimeout: 2 * time.Second,
		MaxHandlers: 1, MaxQueuedRequests: 1,
		Hooks: diameter.Hooks{Message: func(m diameter.MessageInfo) {
			if m.Sent && m.Request && m.Command == diameter.CmdDeviceWatchdog {
				s.dwrs.Add(1)
			}
		}},
	})
	require.NoError(t, err)
	defer s.node.Close()
	s.node.Handle(swx.Application.ID, 304, diameter.HandlerFunc(func(_ context.Context, r *diameter.Request) (wire.Message, error) {
		<-s.release
		return r.Answer(diameter.ResultSuccess).Message()
	}))
	s.swx = swx.NewClient(s.node, swx.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.address = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- s.node.Serve(l) }()
	s.to, s.second = to.Accept(), second.Accept()
	require.NoError(t, s.node.WaitOpen(ctx, relayHost))
	require.NoError(t, s.node.WaitOpen(ctx, "dra2."+diameterRealm))

	// Of another realm, so that nobody asks it.
	s.from = diametertest.NewPeer(t, diametertest.Config{Host: hssHost, Realm: "epc.mnc002.mcc001.3gppnetwork.org"}).Dial(s.address).Open()
	for _, m := range diameterMessages {
		m.send(s)
	}
	require.ErrorIs(t, <-done, diameter.ErrClosed)

	ports := []int{l.Addr().(*net.TCPAddr).Port, portOf(t, toAddress), portOf(t, secondAddress)}
	ours := fmt.Sprintf("(tcp.srcport == %d || tcp.dstport in {%d, %d})", ports[0], ports[1], ports[2])
	decoder := blameless(t, capture, ours, ports...)
	for _, m := range diameterMessages {
		n, err := decoder.Count(capture.File, ours+" && "+m.filter)
		require.NoError(t, err)
		require.NotZero(t, n, "%s is not in the capture", m.name)
	}
}

// blameless ends a capture, and wants tshark to find nothing wrong with the
// Diameter packets on the ports that the display filter is for. It returns
// what reads the capture.
func blameless(t *testing.T, capture *Capture, filter string, ports ...int) Decoder {
	t.Helper()
	require.NoError(t, capture.Stop())
	d := Decoder{DiameterPorts: ports}
	bad, err := d.Run(capture.File, "-Y", filter+" && ("+strings.Join(complaints, " || ")+")", "-V", "-O", "diameter")
	require.NoError(t, err)
	require.Empty(t, bad, "%s", strings.Join(bad, "\n"))
	return d
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", address)
	require.NoError(t, err)
	return a.Port
}
