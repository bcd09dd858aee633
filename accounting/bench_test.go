package accounting

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/class"
)

// benchInterim is an interim as a WLAN access point sends it, 20 attributes.
func benchInterim(class []byte) *layeh.Packet {
	return packet(Interim, "5FD4C1B2A3E49807", append(volumes(600, 5<<32|7, 1<<32|1), stamp(testBegin), delay(0),
		u32(typeInputPackets, 70), u32(typeOutputPackets, 80), says1{typeFramedIP, layeh.Attribute{100, 64, 0, 9}},
		says1{typeClass, class})...)
}

func BenchmarkParseEvent(b *testing.B) {
	p := benchInterim(make([]byte, 120))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseEvent(p, testSource, testBegin); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	var m Memory
	_, m = Classify(m, eventOf(b, testBegin, packet(Start, "A", at(0))))
	for i := range uint32(10) {
		_, m = Classify(m, eventOf(b, testBegin.Add(time.Duration(i+1)*10*time.Minute), packet(Interim, "A", append(volumes(600*(i+1), uint64(i), uint64(i)), at(600*int(i+1)))...)))
	}
	blob := m.Append(nil)
	e := eventOf(b, testBegin.Add(2*time.Hour), packet(Interim, "A", append(volumes(7200, 1000, 1000), at(7200))...))
	var out []byte
	b.ReportAllocs()
	b.ReportMetric(float64(len(blob)), "octets")
	for b.Loop() {
		m, err := DecodeMemory(blob)
		if err != nil {
			b.Fatal(err)
		}
		_, m = Classify(m, e)
		out = m.Append(out[:0])
	}
}

// benchDesk is a recorder whose journal never fills, and an event of each of n sessions.
func benchDesk(b *testing.B, n int) (*desk, []*layeh.Packet) {
	codec := testClass(b)
	d := newDesk(b, RecorderConfig{Class: codec}, session.Config{})
	all := make([]*layeh.Packet, n)
	for i := range all {
		station := "02-00-00-00-" + strconv.Itoa(10+i/90) + "-" + strconv.Itoa(10+i%90)
		s, err := d.m.Admit(b.Context(), session.Session{IMSI: strconv.Itoa(100000 + i), Station: station})
		require.NoError(b, err)
		value, err := codec.Append(nil, &class.Facts{Session: s.ID, Server: "aaa1", IMSI: "001010000000001", Service: "gold", Method: "AKA'"}, time.Now())
		require.NoError(b, err)
		all[i] = benchInterim(value)
		all[i].Set(typeAccountID, layeh.Attribute("5FD4C1B2A3E4"+strconv.Itoa(1000+i)))
		all[i].Set(typeCalling, layeh.Attribute(station))
	}
	return d, all
}

// next makes of a packet the session's next interim.
func next(p *layeh.Packet, i int) {
	binary.BigEndian.PutUint32(p.Get(typeSessionTime), uint32(600+i))
	binary.BigEndian.PutUint32(p.Get(typeTimestamp), uint32(testBegin.Unix())+uint32(600+i))
}

// trim keeps the journal from filling.
func (d *desk) trim(b *testing.B, i int) {
	if i%4096 == 0 {
		last, err := d.store.Last(context.Background())
		require.NoError(b, err)
		require.NoError(b, d.store.TrimJournal(context.Background(), last))
	}
}

func BenchmarkRecorder(b *testing.B) {
	d, all := benchDesk(b, 1000)
	begin := time.Now()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		d.trim(b, i)
		p := all[i%len(all)]
		next(p, i)
		e, err := ParseEvent(p, testSource, begin)
		if err == nil {
			_, err = d.r.Record(context.Background(), &e)
		}
		if err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkHandler is a request over loopback, engine and client included, one at a time.
func BenchmarkHandler(b *testing.B) {
	d, all := benchDesk(b, 1000)
	srv := &radius.Server{
		Clients: radius.Subnets{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Secret: testSecret}},
		Codes:   []layeh.Code{layeh.CodeAccountingRequest}, Handler: NewHandler(d.r, HandlerConfig{}),
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(b, err)
	go func() { _ = srv.Serve(pc) }()
	defer func() { require.NoError(b, srv.Close()) }()
	conn, err := net.Dial("udp", pc.LocalAddr().String())
	require.NoError(b, err)
	defer func() { require.NoError(b, conn.Close()) }()
	buf := make([]byte, 4096)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		d.trim(b, i)
		p := all[i%len(all)]
		next(p, i)
		p.Identifier = byte(i)
		raw, err := radius.SignRequest(p)
		if err == nil {
			_, err = conn.Write(raw)
		}
		if err == nil {
			_, err = conn.Read(buf)
		}
		if err != nil {
			b.Fatal(err)
		}
		i++
	}
}
