package accounting

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// tlv returns one attribute, type and length included.
func tlv(kind byte, value string) string {
	return string([]byte{kind, byte(2 + len(value))}) + value
}

// vsa returns a Vendor-Specific attribute with one attribute inside.
func vsa(vendor uint16, kind byte, value string) string {
	return tlv(26, string([]byte{0, 0, byte(vendor >> 8), byte(vendor)})+tlv(kind, value))
}

// fullTicket has everything that a ticket can have.
func fullTicket() Ticket {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	return Ticket{
		Server: "aaa1", Status: Stop, Verdict: CounterReset, Archival: true, Reason: session.ReasonSilent,
		Session: session.NamedID("s"), Source: netip.MustParseAddr("192.0.2.1"),
		Arrived: at, EventTime: at.Add(-18 * time.Second), Started: at.Add(-time.Hour), Stopped: at.Add(-18 * time.Second),
		Attributes: []byte(tlv(40, "\x00\x00\x00\x02") + tlv(1, "0001010000000001@wlan.example") +
			tlv(44, "A1B2C3D4-00000001") + tlv(32, "ap1") + tlv(4, "\x0a\x00\x00\x01") +
			tlv(31, "02-00-00-00-00-01") + tlv(30, "00-10-A4-23-19-C0:carrier") + tlv(61, "\x00\x00\x00\x13") +
			tlv(46, "\x00\x00\x0e\x10") + tlv(42, "\x00\x01\x00\x00") + tlv(43, "\x00\x02\x00\x00") +
			tlv(52, "\x00\x00\x00\x01") + tlv(53, "\x00\x00\x00\x02") + tlv(47, "\x00\x00\x01\x00") +
			tlv(48, "\x00\x00\x02\x00") + tlv(49, "\x00\x00\x00\x01") + tlv(55, "\x69\x57\x34\x00") +
			tlv(25, "\x01\x02\x03\x04\x05\x06\x07\x08") + vsa(9, 1, "a=b") + vsa(10415, 8, "00101")),
		Class: []Fact{{"Service", "gold"}, {"Area", "north"}, {"Package", ""}},
		Usage: session.Usage{InputOctets: 1<<32 + 65536, OutputOctets: 2<<32 + 131072, InputPackets: 256, OutputPackets: 512, Time: time.Hour},
	}
}

func TestTicketRoundTrip(t *testing.T) {
	full := fullTicket()
	bare := Ticket{Status: AccountingOn, Verdict: New}
	six := Ticket{Status: Start, Verdict: Late, Source: netip.MustParseAddr("2001:db8::1"), Arrived: time.UnixMilli(1).UTC()}
	for name, ticket := range map[string]Ticket{"full": full, "bare": bare, "IPv6": six} {
		t.Run(name, func(t *testing.T) {
			b, err := ticket.Append([]byte("before"))
			require.NoError(t, err)
			b = b[len("before"):]
			got, err := DecodeTicket(b)
			require.NoError(t, err)
			require.Equal(t, ticket, got)
			for n := range b {
				_, err := DecodeTicket(b[:n])
				require.ErrorIs(t, err, ErrDecode, "%d octets", n)
			}
			_, err = DecodeTicket(append(b, 0))
			require.ErrorIs(t, err, ErrDecode, "an octet too many")
		})
	}
}

func TestDecodeDoesNotAlias(t *testing.T) {
	full := fullTicket()
	b, err := full.Append(nil)
	require.NoError(t, err)
	got, err := DecodeTicket(b)
	require.NoError(t, err)
	clear(b)
	require.Equal(t, full, got)
}

func TestTicketThatCannotBe(t *testing.T) {
	for name, spoil := range map[string]func(*Ticket){
		"no status":           func(t *Ticket) { t.Status = 0 },
		"status of nobody":    func(t *Ticket) { t.Status = 9 },
		"no verdict":          func(t *Ticket) { t.Verdict = 0 },
		"attribute cut short": func(t *Ticket) { t.Attributes = t.Attributes[:len(t.Attributes)-1] },
		"attribute length 1":  func(t *Ticket) { t.Attributes = []byte{1, 1} },
		"half an attribute":   func(t *Ticket) { t.Attributes = []byte{1} },
		"negative time":       func(t *Ticket) { t.Usage.Time = -1 },
		"year 10000":          func(t *Ticket) { t.EventTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"too long":            func(t *Ticket) { t.Class[0].Value = strings.Repeat("x", session.MaxValue) },
		"too many facts":      func(t *Ticket) { t.Class = make([]Fact, maxFacts+1) },
	} {
		t.Run(name, func(t *testing.T) {
			ticket := fullTicket()
			spoil(&ticket)
			b, err := ticket.Append([]byte("kept"))
			require.ErrorIs(t, err, ErrEncode)
			require.Equal(t, "kept", string(b))
		})
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	full := fullTicket()
	b := make([]byte, 0, 4096)
	require.Zero(t, testing.AllocsPerRun(100, func() { b, _ = full.Append(b[:0]) }))
}

func FuzzDecodeTicket(f *testing.F) {
	for _, t := range []Ticket{fullTicket(), {Status: Start, Verdict: New}} {
		b, err := t.Append(nil)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ticket, err := DecodeTicket(b)
		if err != nil {
			require.ErrorIs(t, err, ErrDecode)
			return
		}
		b, err = ticket.Append(nil)
		require.NoError(t, err)
		again, err := DecodeTicket(b)
		require.NoError(t, err)
		require.Equal(t, ticket, again)
	})
}

func BenchmarkTicketAppend(b *testing.B) {
	t := fullTicket()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = t.Append(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "octets")
}

func BenchmarkTicketDecode(b *testing.B) {
	t := fullTicket()
	buf, err := t.Append(nil)
	require.NoError(b, err)
	var got Ticket
	b.ReportAllocs()
	for b.Loop() {
		if err := got.decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}
