package accounting

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/session"
)

// vendorSaid is a Vendor-Specific attribute with one attribute inside.
func vendorSaid(vendor uint32, typ byte, value string) says1 {
	b := binary.BigEndian.AppendUint32(nil, vendor)
	return says1{vendorSpecific, append(append(b, typ, byte(2+len(value))), value...)}
}

func TestParseEvent(t *testing.T) {
	at := testBegin.Add(30 * time.Second)
	p := packet(Stop, "A1B2", append(volumes(3600, 5<<32|7, 1<<32|1),
		stamp(testBegin), delay(20), u32(typeInputPackets, 70), u32(typeOutputPackets, 80), u32(typeCause, 4),
		str(typeMultiID, "M1"), str(typePortID, "wlan0"), u32(typeNASPort, 12), says1{typeFramedIP, layeh.Attribute{100, 64, 0, 9}},
		str(typeClass, "first"), str(typeClass, "second"), vendorSaid(10415, 1, "001010000000001"),
		says1{typeProxyState, layeh.Attribute("p")}, says1{typeMessageAuth, make([]byte, 16)})...)
	e, err := ParseEvent(p, testSource, at)
	require.NoError(t, err)
	require.Equal(t, Stop, e.Status)
	require.Equal(t, session.NAS{Source: testSource, Identifier: "ap-1.example", Addr: netip.MustParseAddr("10.0.0.1")}, e.NAS)
	require.Equal(t, "A1B2", e.AccountID)
	require.Equal(t, "M1", e.MultiID)
	require.Equal(t, "0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org", e.User)
	require.Equal(t, "001010000000001", e.IMSI)
	require.Equal(t, "02-00-00-00-00-01", e.Station)
	require.Equal(t, "00-10-A4-23-19-C0", e.AP)
	require.Equal(t, "SSID", e.SSID)
	require.Equal(t, "wlan0", e.Port)
	require.Equal(t, uint32(19), e.PortType)
	require.Equal(t, netip.MustParseAddr("100.64.0.9"), e.Address)
	require.Equal(t, uint32(4), e.Cause)
	require.True(t, e.Stamp.Equal(testBegin))
	require.Equal(t, 20*time.Second, e.Delay)
	require.True(t, e.When().Equal(testBegin), "the NAS's own time")
	require.Equal(t, Counters{
		Has:         HasInputOctets | HasOutputOctets | HasInputPackets | HasOutputPackets | HasSessionTime | HasGigawords,
		InputOctets: 5<<32 | 7, OutputOctets: 1<<32 | 1, InputPackets: 70, OutputPackets: 80, SessionTime: time.Hour,
	}, e.Counters)
	require.Equal(t, [maxClasses][]byte{[]byte("first"), []byte("second")}, e.classes)

	// The ticket's attributes are the packet's but two, in order.
	got, err := layeh.ParseAttributes(e.Attributes)
	require.NoError(t, err)
	require.Equal(t, p.Attributes[:len(p.Attributes)-2], got)
}

// TestParseEventKeepsNothing: what the engine does with the packet afterwards is
// no business of the event.
func TestParseEventKeepsNothing(t *testing.T) {
	p := packet(Start, "A", str(typeClass, "class"))
	e := eventOf(t, testBegin, p)
	want := eventOf(t, testBegin, p)
	for _, a := range p.Attributes {
		clear(a.Attribute)
	}
	require.Equal(t, want, e)
}

func TestParseEventVariants(t *testing.T) {
	parse := func(more ...says1) *Event { return eventOf(t, testBegin, packet(Start, "A", more...)) }
	bare := func(more ...says1) *Event {
		p := layeh.New(layeh.CodeAccountingRequest, nil)
		for _, a := range append(says{u32(typeStatus, 1), str(typeAccountID, "A")}, more...) {
			p.Add(a.typ, a.value)
		}
		return eventOf(t, testBegin, p)
	}
	v6 := netip.MustParseAddr("2001:db8::5")
	require.Equal(t, "12", parse(u32(typeNASPort, 12)).Port)
	require.Equal(t, "0", parse(u32(typeNASPort, 0)).Port)
	require.Equal(t, v6, bare(says1{typeNASIPv6, v6.AsSlice()}).NAS.Addr)
	require.Equal(t, v6, bare(says1{typeFramedIPv6, v6.AsSlice()}).Address)
	require.Equal(t, v6, bare(says1{typeFramedIP, layeh.Attribute{255, 255, 255, 254}}, says1{typeFramedIPv6, v6.AsSlice()}).Address)
	require.Equal(t, "opaque", bare(str(typeCUI, "opaque")).User)
	require.Empty(t, bare(str(typeCUI, "\x00")).User, "it only asks for one")
	require.Equal(t, "bob", bare(str(typeUserName, "bob"), str(typeCUI, "opaque")).User)
	require.Equal(t, "02-AB-00-00-00-01", bare(str(typeCalling, "02ab.0000.0001")).Station)
	require.Equal(t, "#JVECE701#E30#1620", bare(str(typeCalling, "#JVECE701#E30#1620")).Station)
	require.Empty(t, bare(vendorSaid(9, 1, "001010000000001")).IMSI)
	require.Empty(t, bare(vendorSaid(10415, 1, "00101x000000001")).IMSI)
	require.Empty(t, bare(says1{vendorSpecific, layeh.Attribute{0, 0, 40, 175, 1, 99}}).IMSI)
	require.Equal(t, "A", bare(str(typeAccountID, "B")).AccountID, "the first counts")
}

// TestWhen: Event-Timestamp, else arrival less Acct-Delay-Time; clocks that can't be right don't
// count.
func TestWhen(t *testing.T) {
	at := testBegin
	for _, c := range []struct {
		name string
		more []says1
		want time.Time
	}{
		{"arrival", nil, at},
		{"delay", []says1{delay(18)}, at.Add(-18 * time.Second)},
		{"timestamp", []says1{stamp(at.Add(-time.Hour)), delay(18)}, at.Add(-time.Hour)},
		{"a little ahead", []says1{stamp(at.Add(5 * time.Minute))}, at.Add(5 * time.Minute)},
		{"in the future", []says1{stamp(at.Add(6 * time.Minute)), delay(2)}, at.Add(-2 * time.Second)},
		{"never set", []says1{u32(typeTimestamp, 120)}, at},
		{"greatest delay", []says1{delay(1<<32 - 1)}, at.Add(-(1<<32 - 1) * time.Second)},
	} {
		require.True(t, c.want.Equal(eventOf(t, at, packet(Start, "A", c.more...)).When()), c.name)
	}
}

// TestRefused: each attribute that is read has to have its length.
func TestRefused(t *testing.T) {
	for _, typ := range []layeh.Type{typeNASIP, typeNASPort, typeFramedIP, typeStatus, typeDelay, typeInputOctets, typeOutputOctets,
		typeSessionTime, typeInputPackets, typeOutputPackets, typeCause, typeInputGigawords, typeOutputGigawords, typeTimestamp,
		typePortType, typeNASIPv6, typeFramedIPv6} {
		for _, n := range []int{0, 3, 5, 17} {
			p := layeh.New(layeh.CodeAccountingRequest, nil)
			p.Add(typ, make([]byte, n))
			p.Add(typeStatus, layeh.Attribute{0, 0, 0, 1})
			p.Add(typeAccountID, layeh.Attribute("A"))
			_, err := ParseEvent(p, testSource, testBegin)
			var refused *EventError
			require.ErrorAs(t, err, &refused, "%d", typ)
			require.Equal(t, &EventError{RefusedMalformed, int(typ)}, refused)
		}
	}
	_, err := ParseEvent(&layeh.Packet{Attributes: layeh.Attributes{{Type: 1, Attribute: make([]byte, 254)}}}, testSource, testBegin)
	require.EqualError(t, err, "accounting: malformed: attribute 1")
	_, err = ParseEvent(nasPacket(Status(9)), testSource, testBegin)
	require.EqualError(t, err, "accounting: unknown_status_type: attribute 40")
	_, err = ParseEvent(nasPacket(Status(255)), testSource, testBegin)
	require.Error(t, err)
	_, err = ParseEvent(nasPacket(AccountingOn), testSource, testBegin)
	require.NoError(t, err, "needs no Acct-Session-Id")
}

// TestFingerprint: what sets a repetition apart does not count; everything else does.
func TestFingerprint(t *testing.T) {
	print := func(p *layeh.Packet) fingerprint { return eventOf(t, testBegin, p).print }
	base := print(packet(Interim, "A", volumes(60, 1, 1)...))
	same := packet(Interim, "A", append(volumes(60, 1, 1), delay(7), stamp(testBegin), str(typeProxyState, "x"),
		says1{typeMessageAuth, make([]byte, 16)})...)
	same.Identifier, same.Authenticator = 77, [16]byte{1}
	require.Equal(t, base, print(same))
	for _, other := range []*layeh.Packet{
		packet(Stop, "A", volumes(60, 1, 1)...), packet(Interim, "B", volumes(60, 1, 1)...), packet(Interim, "A", volumes(61, 1, 1)...),
		packet(Interim, "A", volumes(60, 1, 2)...), packet(Interim, "A", append(volumes(60, 1, 1), str(typeClass, "c"))...),
	} {
		require.NotEqual(t, base, print(other))
	}
}

// FuzzEvent: any attributes make an event or an error; and an event can be recorded.
func FuzzEvent(f *testing.F) {
	for _, p := range []*layeh.Packet{
		packet(Start, "A", stamp(testBegin)), packet(Stop, "A", append(volumes(60, 1<<40, 1), delay(5))...), nasPacket(AccountingOn),
		packet(Interim, "A", vendorSaid(10415, 1, "001010000000001"), str(typeClass, "a_b_c")),
	} {
		f.Add(eventOf(f, testBegin, p).Attributes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		attributes, err := layeh.ParseAttributes(b)
		if err != nil {
			return
		}
		e, err := ParseEvent(&layeh.Packet{Attributes: attributes}, testSource, testBegin)
		if err != nil {
			require.IsType(t, &EventError{}, err)
			return
		}
		_, m := Classify(Memory{}, &e)
		back, err := DecodeMemory(m.Append(nil))
		require.NoError(t, err)
		require.Equal(t, m.Usage(), back.Usage())
		ticket := Ticket{Status: e.Status, Verdict: New, Arrived: e.Arrived, EventTime: e.When(), Attributes: e.Attributes, Usage: m.Usage()}
		_, err = ticket.Append(nil)
		require.NoError(t, err)
	})
}

// FuzzMemory: anything is an error or a memory that goes on.
func FuzzMemory(f *testing.F) {
	var m Memory
	for i, p := range []*layeh.Packet{
		packet(Start, "A", stamp(testBegin)), packet(Interim, "A", volumes(60, 100, 100)...), packet(Interim, "A", volumes(10, 1, 1)...),
		packet(Stop, "A", volumes(20, 2, 2)...),
	} {
		_, m = Classify(m, eventOf(f, testBegin.Add(time.Duration(i)*time.Minute), p))
		f.Add(m.Append(nil), uint32(100), uint64(5))
	}
	f.Fuzz(func(t *testing.T, b []byte, seconds uint32, octets uint64) {
		m, err := DecodeMemory(b)
		if err != nil {
			return
		}
		before := m.Usage()
		_, next := Classify(m, eventOf(t, testBegin, packet(Interim, "A", volumes(seconds, octets, octets)...)))
		noLess(t, before, next.Usage())
		_, err = DecodeMemory(next.Append(nil))
		require.NoError(t, err)
	})
}
