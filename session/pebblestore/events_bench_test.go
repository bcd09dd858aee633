package pebblestore

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/session"
)

// BenchmarkEvents records interims of 10 000 sessions, 512 under way at a time: what accounting costs but
// for the network and the ticket files.
func BenchmarkEvents(b *testing.B) {
	s, err := Open(b.TempDir(), Config{})
	require.NoError(b, err)
	defer s.Close()
	m, err := session.NewManager(s, session.Config{})
	require.NoError(b, err)
	r := accounting.NewRecorder(m, accounting.RecorderConfig{Server: "twag1"})
	const sessions, window = 10_000, 512
	packets := make([]*layeh.Packet, sessions)
	for i := range packets {
		packets[i] = benchPacket(i)
	}
	source := netip.MustParseAddr("127.0.0.1")
	type slot struct {
		event accounting.Event
		done  func(accounting.Verdict, error)
	}
	free := make(chan *slot, window)
	for range window {
		x := new(slot)
		x.done = func(_ accounting.Verdict, err error) {
			if err != nil {
				b.Error(err)
			}
			free <- x
		}
		free <- x
	}
	began := time.Now()
	record := func(i int, status accounting.Status) {
		x := <-free
		p := packets[i%sessions]
		binary.BigEndian.PutUint32(p.Get(attrStatus), uint32(status))
		seconds := uint32(i / sessions * 300)
		for _, typ := range []layeh.Type{attrSessionTime, attrInput, 43, 47, 48} {
			binary.BigEndian.PutUint32(p.Get(typ), seconds)
		}
		now := began.Add(time.Duration(seconds) * time.Second)
		binary.BigEndian.PutUint32(p.Get(55), uint32(now.Unix()))
		if x.event, err = accounting.ParseEvent(p, source, now); err != nil {
			b.Fatal(err)
		}
		if !r.RecordFunc(b.Context(), &x.event, x.done) {
			x.done(r.Record(b.Context(), &x.event))
		}
	}
	for i := range sessions {
		record(i, accounting.Start)
	}
	i := sessions
	cpu := usedCPU()
	b.ReportAllocs()
	for b.Loop() {
		record(i, accounting.Interim)
		i++
	}
	for range window {
		<-free
	}
	b.ReportMetric(float64((usedCPU()-cpu).Microseconds())/float64(i-sessions), "cpu-µs/event")
}

// benchPacket is an interim such as access points send.
func benchPacket(i int) *layeh.Packet {
	p := layeh.New(layeh.CodeAccountingRequest, []byte(acctSecret))
	number := func(typ layeh.Type, v uint32) { p.Add(typ, binary.BigEndian.AppendUint32(nil, v)) }
	number(attrStatus, 3)
	p.Add(1, fmt.Appendf(nil, "0001010%09d@wlan.mnc001.mcc001.3gppnetwork.org", i))
	p.Add(attrAcctSession, fmt.Appendf(nil, "5FD4C1B2-%08X", i))
	p.Add(attrNASIdentifier, fmt.Appendf(nil, "ap-%02d.example", i%16))
	p.Add(4, []byte{10, 0, 0, byte(i % 16)})
	p.Add(attrCalling, fmt.Appendf(nil, "02-00-00-%02X-%02X-%02X", i>>16, i>>8&255, i&255))
	p.Add(30, fmt.Appendf(nil, "00-10-A4-23-19-%02X:wlan", i%16))
	p.Add(8, []byte{100, 64, byte(i >> 8), byte(i)})
	number(61, 19)
	p.Add(87, []byte("wlan0"))
	p.Add(50, fmt.Appendf(nil, "%016X", i))
	for _, typ := range []layeh.Type{attrInput, 43, attrSessionTime, 47, 48, 52, 53, 55} {
		number(typ, 0)
	}
	return p
}
