package diameter

import (
	"context"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiorix/go-diameter/v4/diam"
	"github.com/fiorix/go-diameter/v4/diam/avp"
	"github.com/fiorix/go-diameter/v4/diam/datatype"
	"github.com/fiorix/go-diameter/v4/diam/dict"
	"github.com/fiorix/go-diameter/v4/diam/sm"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// The pair benchmarks send a MAR of some 390 octets and have it answered with
// a MAA of some 350, over one TCP connection on loopback with both ends in
// this process, 64 in flight.
var benchInFlight = 64

func benchMAR(b testing.TB) wire.Message {
	w := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest | wire.FlagProxiable, Command: cmdMAR, Application: swxApplication})
	const m = wire.FlagMandatory
	w.String(AVPSessionID, 0, m, "aaa1.epc.mnc044.mcc555.3gppnetwork.org;1700000000;1")
	g := w.Begin(AVPVendorSpecificApplicationID, 0, m)
	w.Uint32(AVPVendorID, 0, m, vendor3GPP)
	w.Uint32(AVPAuthApplicationID, 0, m, swxApplication)
	w.End(g)
	w.Uint32(AVPAuthSessionState, 0, m, 1)
	w.String(AVPOriginHost, 0, m, "aaa1.epc.mnc044.mcc555.3gppnetwork.org")
	w.String(AVPOriginRealm, 0, m, "epc.mnc044.mcc555.3gppnetwork.org")
	w.String(AVPDestinationRealm, 0, m, "epc.mnc044.mcc555.3gppnetwork.org")
	w.String(AVPUserName, 0, m, "555440000000001")
	w.Uint32(1032, vendor3GPP, 0, 0)
	w.String(1504, vendor3GPP, m, "WLAN")
	w.Uint32(607, vendor3GPP, m, 1)
	g = w.Begin(612, vendor3GPP, m)
	w.String(608, vendor3GPP, m, "EAP-AKA'")
	w.End(g)
	msg, err := w.Message()
	require.NoError(b, err)
	return msg
}

var benchVector [16]byte

// benchMAA is a handler that answers a MAR with one vector.
var benchMAA = HandlerFunc(func(_ context.Context, r *Request) (wire.Message, error) {
	const m = wire.FlagMandatory
	w := r.Answer(ResultSuccess)
	g := w.Begin(AVPVendorSpecificApplicationID, 0, m)
	w.Uint32(AVPVendorID, 0, m, vendor3GPP)
	w.Uint32(AVPAuthApplicationID, 0, m, swxApplication)
	w.End(g)
	w.Uint32(AVPAuthSessionState, 0, m, 1)
	w.String(AVPUserName, 0, m, "555440000000001")
	w.Uint32(607, vendor3GPP, m, 1)
	g = w.Begin(612, vendor3GPP, m)
	w.Uint32(613, vendor3GPP, m, 1)
	w.String(608, vendor3GPP, m, "EAP-AKA'")
	var v [32]byte
	w.Octets(609, vendor3GPP, m, v[:])
	w.Octets(610, vendor3GPP, m, benchVector[:8])
	w.Octets(625, vendor3GPP, m, benchVector[:])
	w.Octets(626, vendor3GPP, m, benchVector[:])
	w.End(g)
	return w.Message()
})

// inFlight runs do b.N times, benchInFlight at once, and reports the rate.
func inFlight(b *testing.B, do func() error) {
	b.ReportAllocs()
	var next atomic.Int64
	var wg sync.WaitGroup
	cpu, start := cpuTime(), time.Now()
	b.ResetTimer()
	for range benchInFlight {
		wg.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "pairs/s")
	b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1e3/float64(b.N), "cpu-µs/pair")
}

func benchNative(b *testing.B) {
	c, s := connected(b, clientConfig(), serverConfig())
	s.Handle(swxApplication, cmdMAR, benchMAA)
	m := benchMAR(b)
	inFlight(b, func() error {
		a, err := c.Exchange(context.Background(), m)
		if err == nil && len(a) < 300 {
			b.Error("short answer")
		}
		return err
	})
}

func BenchmarkPairs(b *testing.B) {
	b.Run("native", benchNative)
	b.Run("native, few in flight", func(b *testing.B) {
		defer func(n int) { benchInFlight = n }(benchInFlight)
		benchInFlight = 4
		c, s := connected(b, clientConfig(), serverConfig())
		s.Handle(swxApplication, cmdMAR, benchMAA)
		m := benchMAR(b)
		inFlight(b, func() error {
			_, err := c.Exchange(context.Background(), m)
			return err
		})
	})
	b.Run("Do", func(b *testing.B) {
		c, s := connected(b, clientConfig(), serverConfig())
		s.Handle(swxApplication, cmdMAR, benchMAA)
		inFlight(b, func() error {
			_, err := c.Do(context.Background(), diamMAR())
			return err
		})
	})
	b.Run("go-diameter", benchGoDiameter)
}

// diamMAR builds the same MAR with go-diameter.
func diamMAR() *diam.Message {
	m := diam.NewMessage(cmdMAR, diam.RequestFlag|diam.ProxiableFlag, swxApplication, 0, 0, dict.Default)
	m.NewAVP(avp.SessionID, avp.Mbit, 0, datatype.UTF8String("aaa1.epc.mnc044.mcc555.3gppnetwork.org;1700000000;1"))
	m.NewAVP(avp.VendorSpecificApplicationID, avp.Mbit, 0, &diam.GroupedAVP{AVP: []*diam.AVP{
		diam.NewAVP(avp.VendorID, avp.Mbit, 0, datatype.Unsigned32(vendor3GPP)),
		diam.NewAVP(avp.AuthApplicationID, avp.Mbit, 0, datatype.Unsigned32(swxApplication)),
	}})
	m.NewAVP(avp.AuthSessionState, avp.Mbit, 0, datatype.Enumerated(1))
	m.NewAVP(avp.OriginHost, avp.Mbit, 0, datatype.DiameterIdentity("aaa1.epc.mnc044.mcc555.3gppnetwork.org"))
	m.NewAVP(avp.OriginRealm, avp.Mbit, 0, datatype.DiameterIdentity("epc.mnc044.mcc555.3gppnetwork.org"))
	m.NewAVP(avp.DestinationRealm, avp.Mbit, 0, datatype.DiameterIdentity("epc.mnc044.mcc555.3gppnetwork.org"))
	m.NewAVP(avp.UserName, avp.Mbit, 0, datatype.UTF8String("555440000000001"))
	m.NewAVP(uint32(1032), avp.Vbit, vendor3GPP, datatype.Enumerated(0))
	m.NewAVP(uint32(1504), avp.Vbit|avp.Mbit, vendor3GPP, datatype.UTF8String("WLAN"))
	m.NewAVP(uint32(607), avp.Vbit|avp.Mbit, vendor3GPP, datatype.Unsigned32(1))
	m.NewAVP(uint32(612), avp.Vbit|avp.Mbit, vendor3GPP, &diam.GroupedAVP{AVP: []*diam.AVP{
		diam.NewAVP(608, avp.Vbit|avp.Mbit, vendor3GPP, datatype.UTF8String("EAP-AKA'")),
	}})
	return m
}

// diamMAA answers it.
func diamMAA(req *diam.Message) *diam.Message {
	const f = avp.Vbit | avp.Mbit
	m := req.Answer(diam.Success)
	sid, _ := Find(req, AVPSessionID, 0)
	m.InsertAVP(sid)
	m.NewAVP(avp.OriginHost, avp.Mbit, 0, datatype.DiameterIdentity(serverHost))
	m.NewAVP(avp.OriginRealm, avp.Mbit, 0, datatype.DiameterIdentity(testRealm))
	m.NewAVP(avp.VendorSpecificApplicationID, avp.Mbit, 0, &diam.GroupedAVP{AVP: []*diam.AVP{
		diam.NewAVP(avp.VendorID, avp.Mbit, 0, datatype.Unsigned32(vendor3GPP)),
		diam.NewAVP(avp.AuthApplicationID, avp.Mbit, 0, datatype.Unsigned32(swxApplication)),
	}})
	m.NewAVP(avp.AuthSessionState, avp.Mbit, 0, datatype.Enumerated(1))
	m.NewAVP(avp.UserName, avp.Mbit, 0, datatype.UTF8String("555440000000001"))
	m.NewAVP(uint32(607), f, vendor3GPP, datatype.Unsigned32(1))
	m.NewAVP(uint32(612), f, vendor3GPP, &diam.GroupedAVP{AVP: []*diam.AVP{
		diam.NewAVP(613, f, vendor3GPP, datatype.Unsigned32(1)),
		diam.NewAVP(608, f, vendor3GPP, datatype.UTF8String("EAP-AKA'")),
		diam.NewAVP(609, f, vendor3GPP, datatype.OctetString(make([]byte, 32))),
		diam.NewAVP(610, f, vendor3GPP, datatype.OctetString(make([]byte, 8))),
		diam.NewAVP(625, f, vendor3GPP, datatype.OctetString(make([]byte, 16))),
		diam.NewAVP(626, f, vendor3GPP, datatype.OctetString(make([]byte, 16))),
	}})
	return m
}

// benchGoDiameter is the same with go-diameter at both ends, and a table of
// pending requests by Hop-by-Hop identifier as its users write it.
func benchGoDiameter(b *testing.B) {
	settings := func(host string) *sm.Settings {
		return &sm.Settings{
			OriginHost: datatype.DiameterIdentity(host), OriginRealm: testRealm,
			VendorID: vendor3GPP, ProductName: "x", OriginStateID: 1, FirmwareRevision: 1,
			HostIPAddresses: []datatype.Address{datatype.Address(net.IPv4(127, 0, 0, 1))},
		}
	}
	server := sm.New(settings(serverHost))
	server.HandleIdx(diam.CommandIndex{AppID: swxApplication, Code: cmdMAR, Request: true},
		diam.HandlerFunc(func(c diam.Conn, m *diam.Message) { _, _ = diamMAA(m).WriteTo(c) }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	log.SetOutput(io.Discard) // which it tells of the listener's end
	defer log.SetOutput(os.Stderr)
	served := make(chan struct{})
	defer func() { _ = l.Close(); <-served }()
	go func() {
		defer close(served)
		_ = (&diam.Server{Handler: server, Dict: dict.Default}).Serve(l)
	}()

	var mu sync.Mutex
	pending := make(map[uint32]chan *diam.Message)
	client := sm.New(settings(clientHost))
	client.HandleIdx(diam.CommandIndex{AppID: swxApplication, Code: cmdMAR, Request: false},
		diam.HandlerFunc(func(_ diam.Conn, m *diam.Message) {
			mu.Lock()
			ch := pending[m.Header.HopByHopID]
			delete(pending, m.Header.HopByHopID)
			mu.Unlock()
			if ch != nil {
				ch <- m
			}
		}))
	cl := &sm.Client{
		Dict: dict.Default, Handler: client, MaxRetransmits: 3, RetransmitInterval: time.Minute,
		VendorSpecificApplicationID: []*diam.AVP{diam.NewAVP(avp.VendorSpecificApplicationID, avp.Mbit, 0, &diam.GroupedAVP{AVP: []*diam.AVP{
			diam.NewAVP(avp.VendorID, avp.Mbit, 0, datatype.Unsigned32(vendor3GPP)),
			diam.NewAVP(avp.AuthApplicationID, avp.Mbit, 0, datatype.Unsigned32(swxApplication)),
		}})},
	}
	conn, err := cl.DialNetwork("tcp", l.Addr().String())
	require.NoError(b, err)
	defer conn.Close()
	inFlight(b, func() error {
		m := diamMAR()
		ch := make(chan *diam.Message, 1)
		mu.Lock()
		pending[m.Header.HopByHopID] = ch
		mu.Unlock()
		if _, err := m.WriteTo(conn); err != nil {
			return err
		}
		<-ch
		return nil
	})
}

// TestLongPairsAgainstGoDiameter: at least four times the pairs of
// go-diameter's own client and server, in turns in one run. Where the machine
// has something else to do, the time of its processors counts.
func TestLongPairsAgainstGoDiameter(t *testing.T) {
	if os.Getenv("TWAG_LONG") == "" {
		t.Skip("TWAG_LONG is not set")
	}
	rate := func(f func(*testing.B)) (pairs, cpu float64) {
		r := testing.Benchmark(f)
		require.NotZero(t, r.N)
		return r.Extra["pairs/s"], r.Extra["cpu-µs/pair"]
	}
	var ratios []float64
	for range 5 {
		native, cpu := rate(benchNative)
		theirs, theirCPU := rate(benchGoDiameter)
		t.Logf("%.0f pairs/s (%.1f µs of CPU) against %.0f (%.1f µs): %.1f times", native, cpu, theirs, theirCPU, native/theirs)
		ratio := native / theirs
		if cpu > 0 {
			ratio = max(ratio, theirCPU/cpu)
		}
		ratios = append(ratios, ratio)
	}
	slices.Sort(ratios)
	t.Logf("median: %.1f times", ratios[2])
	require.GreaterOrEqual(t, ratios[2], 4.0)
}
