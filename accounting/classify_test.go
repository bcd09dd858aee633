package accounting

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// step is an event and what becomes of it.
type step struct {
	at     int // arrival, in seconds since the beginning
	status Status
	says   []says1
	want   Verdict
	in     uint64 // total input octets from now on
	time   int    // total seconds
}

// at returns Event-Timestamp.
func at(seconds int) says1 { return stamp(testBegin.Add(time.Duration(seconds) * time.Second)) }

// counted are attributes with octets in one direction.
func counted(seconds, in uint32, more ...says1) []says1 {
	return append([]says1{u32(typeSessionTime, seconds), u32(typeInputOctets, in)}, more...)
}

const gib = 1 << 30

var classifyCases = []struct {
	name  string
	steps []step
}{
	{"a session", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 1000), New, 1000, 600},
		{1200, Interim, counted(1200, 1000), New, 1000, 1200},
		{1500, Stop, counted(1500, 5000), New, 5000, 1500},
	}},
	{"duplicates", []step{
		{0, Start, nil, New, 0, 0},
		{20, Start, nil, Duplicate, 0, 0},
		{600, Interim, counted(600, 1000), New, 1000, 600},
		{601, Interim, counted(600, 1000), Duplicate, 1000, 600},
		{900, Interim, counted(600, 1000), Duplicate, 1000, 600}, // the session time says that it is the same
		{1500, Stop, counted(1500, 5000), New, 5000, 1500},
		{1501, Stop, counted(1500, 5000), Duplicate, 5000, 1500},
		{1502, Interim, counted(600, 1000), Duplicate, 5000, 1500},
		{1503, Start, nil, Duplicate, 5000, 1500},
	}},
	{"retransmissions with a higher Acct-Delay-Time", []step{
		{0, Start, nil, New, 0, 0},
		{4, Start, []says1{delay(4)}, Retransmission, 0, 0},
		{600, Interim, counted(600, 1000), New, 1000, 600},
		{610, Interim, counted(600, 1000, delay(10)), Retransmission, 1000, 600},
		{1500, Stop, counted(1500, 5000, delay(3)), New, 5000, 1500},
		{1510, Stop, counted(1500, 5000, delay(13)), Retransmission, 5000, 1500},
		{1510, Stop, counted(1500, 5000, delay(13)), Retransmission, 5000, 1500},
		{1511, Stop, counted(1500, 5000, delay(3)), Duplicate, 5000, 1500},
	}},
	{"an Event-Timestamp that is the time of sending", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{5, Start, []says1{at(5), delay(5)}, Retransmission, 0, 0},
		{600, Interim, counted(600, 7, at(600)), New, 7, 600},
		{630, Interim, counted(600, 7, at(630), delay(30)), Retransmission, 7, 600},
	}},
	{"idle interims without any time are two if they are apart", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, []says1{u32(typeInputOctets, 5)}, New, 5, 600},
		{620, Interim, []says1{u32(typeInputOctets, 5)}, Duplicate, 5, 600},
		{622, Interim, []says1{u32(typeInputOctets, 5), delay(20)}, Retransmission, 5, 600},
		{1200, Interim, []says1{u32(typeInputOctets, 5)}, New, 5, 1200},
	}},
	{"late", []step{
		{0, Start, nil, New, 0, 0},
		{1200, Interim, counted(1200, 2000), New, 2000, 1200},
		{1201, Interim, counted(600, 1000, delay(601)), Late, 2000, 1200},
		{1202, Interim, counted(600, 1000, delay(602)), Retransmission, 2000, 1200},
		{1500, Stop, counted(1500, 3000), New, 3000, 1500},
		{1501, Interim, counted(1300, 2500, delay(201)), Late, 3000, 1500},
	}},
	{"an interim before the Start", []step{
		{600, Interim, counted(600, 1000), OutOfOrder, 1000, 600},
		{601, Start, []says1{delay(601)}, OutOfOrder, 1000, 600},
		{1200, Interim, counted(1200, 2000), New, 2000, 1200},
	}},
	{"the Start after the Stop", []step{
		{60, Stop, counted(60, 1000), OutOfOrder, 1000, 60},
		{61, Start, nil, OutOfOrder, 1000, 60},
		{62, Start, nil, Duplicate, 1000, 60},
		{63, Stop, counted(60, 1000), Duplicate, 1000, 60},
	}},
	{"the Start after the Stop, without session time", []step{
		{60, Stop, []says1{u32(typeInputOctets, 9), at(60)}, OutOfOrder, 9, 0},
		{61, Start, []says1{at(0)}, OutOfOrder, 9, 60},
	}},
	{"a second Start in between", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 1000), New, 1000, 600},
		{601, Start, []says1{str(typeSSID, "x"), delay(300)}, Late, 1000, 600},
		{602, Start, []says1{str(typeSSID, "x"), delay(301)}, Retransmission, 1000, 600},
	}},
	{"counters reset, with Acct-Session-Time", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 1000), New, 1000, 600},
		{1200, Interim, counted(300, 400), CounterReset, 1400, 900},
		{1800, Interim, counted(900, 500), New, 1500, 1500},
		{1900, Stop, counted(1000, 600), New, 1600, 1600},
	}},
	{"counters reset, Acct-Session-Time goes on", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 1_000_000, u32(typeInputPackets, 1000)), New, 1_000_000, 600},
		{1200, Interim, counted(1200, 400, u32(typeInputPackets, 3)), CounterReset, 1_000_400, 1200},
		{1300, Stop, counted(1300, 500, u32(typeInputPackets, 4)), New, 1_000_500, 1300},
	}},
	{"counters reset, and have run for longer since", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{600, Interim, counted(600, 5000, at(600)), New, 5000, 600},
		{2600, Interim, counted(1500, 3000, at(2600)), CounterReset, 8000, 2100},
	}},
	{"counters reset, and an interim from before comes late", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{600, Interim, counted(600, 1000, at(600)), New, 1000, 600},
		{1400, Interim, counted(100, 50, at(1400)), CounterReset, 1050, 700},
		{1401, Interim, counted(1200, 2000, at(1200)), Late, 2050, 1300},
		{1402, Interim, counted(900, 1500, at(900)), Late, 2050, 1300},
		{1500, Stop, counted(200, 70, at(1500)), New, 2070, 1400},
	}},
	{"counters reset twice, and an interim from before the first comes late", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{1200, Interim, counted(1200, 9000, at(1200)), New, 9000, 1200},
		{1400, Interim, counted(100, 50, at(1400)), CounterReset, 9050, 1300},
		{1600, Interim, counted(60, 30, at(1600)), CounterReset, 9080, 1360},
		{1601, Interim, counted(600, 8000, at(600)), Late, 9080, 1360},
		{1602, Interim, counted(150, 70, at(1450)), Late, 9100, 1410},
		{1700, Stop, counted(160, 40, at(1700)), New, 9110, 1510},
	}},
	{"one counter reset, and an interim from before comes late", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{600, Interim, counted(600, 1000, u32(typeInputPackets, 10), at(600)), New, 1000, 600},
		{1800, Interim, counted(1800, 50, u32(typeInputPackets, 1), at(1800)), CounterReset, 1050, 1800},
		{1801, Interim, counted(1200, 1500, u32(typeInputPackets, 15), at(1200)), Late, 1550, 1800},
		{1802, Interim, counted(300, 400, u32(typeInputPackets, 4), at(300)), Late, 1550, 1800},
		{1900, Stop, counted(1900, 60, u32(typeInputPackets, 2), at(1900)), New, 1560, 1900},
	}},
	{"a reset that only a late interim shows", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{1200, Interim, counted(1200, 500, u32(typeInputPackets, 5), at(1200)), New, 500, 1200},
		{1201, Interim, counted(600, 9000, u32(typeInputPackets, 90), at(600)), CounterReset, 9500, 1200},
		{1300, Stop, counted(1300, 600, u32(typeInputPackets, 6), at(1300)), New, 9600, 1300},
	}},
	{"gigawords", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 4*gib-1), New, 4*gib - 1, 600},
		{1200, Interim, counted(1200, 1, u32(typeInputGigawords, 1)), New, 4*gib + 1, 1200},
		{1500, Stop, counted(1500, 2, u32(typeInputGigawords, 1<<32-1)), New, (1<<32-1)<<32 | 2, 1500},
	}},
	{"a reset although there are gigawords", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 5, u32(typeInputGigawords, 2)), New, 8*gib + 5, 600},
		{1200, Interim, counted(1200, 3*gib, u32(typeInputGigawords, 0)), CounterReset, 11*gib + 5, 1200},
	}},
	{"a wrap without gigawords", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 3*gib+1), New, 3*gib + 1, 600},
		{1200, Interim, counted(1200, 100), Wrapped, 4*gib + 100, 1200},
		{1800, Stop, counted(1800, 200), New, 4*gib + 200, 1800},
	}},
	{"a wrap that the packets confirm", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, gib, u32(typeInputPackets, 1_000_000)), New, gib, 600},
		// 3 GiB + 100 octets in 3 000 000 packets of at most 9216.
		{1200, Interim, counted(1200, 100, u32(typeInputPackets, 4_000_000)), Wrapped, 4*gib + 100, 1200},
	}},
	{"no wrap: too few packets", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, gib, u32(typeInputPackets, 1_000_000)), New, gib, 600},
		{1200, Interim, counted(1200, 100, u32(typeInputPackets, 1_000_010)), CounterReset, gib + 100, 1200},
	}},
	{"no wrap: more than half of the range, and faster than ever", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 100_000), New, 100_000, 600},
		{1200, Interim, counted(1200, 50_000), CounterReset, 150_000, 1200},
	}},
	{"a wrap by the rate so far", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, gib), New, gib, 600},
		// 3 GiB + 7 in 600 s are three times what it was before.
		{1200, Interim, counted(1200, 7), Wrapped, 4*gib + 7, 1200},
	}},
	{"no wrap: 10 Gbit/s and more", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 4*gib-2*gib+1), New, 2*gib + 1, 600},
		{601, Interim, counted(601, 5), CounterReset, 2*gib + 6, 601},
	}},
	{"no wrap: the other direction went back as well", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 3*gib, u32(typeOutputOctets, 1000)), New, 3 * gib, 600},
		{1200, Interim, counted(1200, 100, u32(typeOutputOctets, 10)), CounterReset, 3*gib + 100, 1200},
	}},
	{"a wrap, and the interim before it comes late", []step{
		{0, Start, nil, New, 0, 0},
		{1200, Interim, counted(1200, 100), New, 100, 1200},
		{1201, Interim, counted(600, 3*gib, delay(601)), Wrapped, 4*gib + 100, 1200},
		{1300, Stop, counted(1300, 200), New, 4*gib + 200, 1300},
	}},
	{"a step back of less than a 128th", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 1_000_000), New, 1_000_000, 600},
		{601, Stop, counted(601, 999_990), New, 1_000_000, 601},
	}},
	{"Acct-Session-Id used again: a Start after the Stop", []step{
		{0, Start, nil, New, 0, 0},
		{60, Stop, counted(60, 1000), New, 1000, 60},
		{600, Start, nil, Reused, 1000, 60},
	}},
	{"Acct-Session-Id used again: a Start after an interim", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{600, Interim, counted(600, 1000, at(600)), New, 1000, 600},
		{700, Start, []says1{at(700)}, Reused, 1000, 600},
	}},
	{"Acct-Session-Id used again: the Start was lost", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{60, Stop, counted(60, 1000, at(60)), New, 1000, 60},
		{400, Interim, counted(300, 50, at(400)), Reused, 1000, 60},
		{450, Stop, counted(350, 60, at(450)), Reused, 1000, 60},
	}},
	{"the Start again and again until it is answered", []step{
		{0, Start, nil, New, 0, 0},
		{400, Start, nil, Duplicate, 0, 0},
	}},
	{"the session goes on after the Stop", []step{
		{0, Start, nil, New, 0, 0},
		{60, Stop, counted(60, 1000), New, 1000, 60},
		{600, Interim, counted(600, 5000), OutOfOrder, 5000, 600},
		{660, Stop, counted(660, 6000), New, 6000, 660},
	}},
	{"a second Stop with more", []step{
		{0, Start, nil, New, 0, 0},
		{60, Stop, counted(60, 1000), New, 1000, 60},
		{61, Stop, counted(60, 1200), New, 1200, 60},
		{62, Stop, counted(60, 1200), Duplicate, 1200, 60},
		{63, Stop, counted(59, 900, delay(4)), Late, 1200, 60},
	}},
	{"counters that are not there", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 1000), New, 1000, 600},
		{1200, Interim, []says1{u32(typeSessionTime, 1200)}, New, 1000, 1200},
		{1300, Stop, nil, New, 1000, 1200},
	}},
	{"the clock of the NAS is set back", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{600, Interim, counted(600, 1000, at(600)), New, 1000, 600},
		{1200, Interim, counted(1200, 2000, at(-5000)), New, 2000, 1200},
		{1300, Stop, counted(1300, 2500, at(-4900)), New, 2500, 1300},
	}},
	{"the clock of a NAS without Acct-Session-Time is set back", []step{
		{0, Start, []says1{at(0)}, New, 0, 0},
		{600, Interim, []says1{u32(typeInputOctets, 1000), at(600)}, New, 1000, 600},
		{1200, Interim, []says1{u32(typeInputOctets, 2000), at(-5000)}, New, 2000, 600},
		{1300, Stop, []says1{u32(typeInputOctets, 2500), at(-4900)}, New, 2500, 600},
	}},
	{"an interim without any time that the Stop has overtaken", []step{
		{0, Start, nil, New, 0, 0},
		{60, Stop, []says1{u32(typeInputOctets, 1000)}, New, 1000, 60},
		{70, Interim, []says1{u32(typeInputOctets, 1000)}, Late, 1000, 60},
		{75, Interim, []says1{u32(typeInputOctets, 900)}, Late, 1000, 60},
	}},
	{"a NAS that sends gigawords does not wrap", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 3_000_000_000, u32(typeInputGigawords, 0)), New, 3_000_000_000, 600},
		{1200, Interim, counted(1200, 1000), CounterReset, 3_000_001_000, 1200},
	}},
	{"more than 10 Gbit/s is no wrap", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(600, 4_000_000_000, u32(typeInputPackets, 100)), New, 4_000_000_000, 600},
		{601, Interim, counted(601, 3_900_000_000, u32(typeInputPackets, 1_000_100)), CounterReset, 7_900_000_000, 601},
	}},
	{"the greatest numbers", []step{
		{0, Start, nil, New, 0, 0},
		{600, Interim, counted(1<<32-1, 1<<32-1, u32(typeInputGigawords, 1<<32-1)), New, 1<<64 - 1, int(maxDuration / time.Second)},
		{1200, Interim, counted(5, 5, u32(typeInputGigawords, 0)), CounterReset, 1<<64 - 1, int(maxDuration / time.Second)},
	}},
}

// typeSSID is some attribute that Classify knows nothing of.
const typeSSID = 200

func TestClassify(t *testing.T) {
	for _, c := range classifyCases {
		t.Run(c.name, func(t *testing.T) {
			var m Memory
			for i, s := range c.steps {
				e := eventOf(t, testBegin.Add(time.Duration(s.at)*time.Second), packet(s.status, "A", s.says...))
				v, next := Classify(m, e)
				require.Equal(t, s.want, v, "step %d", i)
				u := next.Usage()
				require.Equal(t, s.in, u.InputOctets, "step %d", i)
				require.Equal(t, time.Duration(s.time)*time.Second, u.Time, "step %d", i)
				noLess(t, m.Usage(), u)
				var err error
				b := next.Append(nil)
				require.Less(t, len(b), 180)
				m, err = DecodeMemory(b)
				require.NoError(t, err)
			}
		})
	}
}

// TestBurst: interims that a NAS has gathered come at once, in any order, and each is repeated at the
// end of them all.
func TestBurst(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	order := rng.Perm(ringLen)
	for _, stamped := range []bool{true, false} {
		var m Memory
		_, m = Classify(m, eventOf(t, testBegin, packet(Start, "A", at(0))))
		arrives := testBegin.Add(10 * time.Hour)
		interim := func(i int, delayed uint32) *Event {
			p := packet(Interim, "A", volumes(uint32(600*(i+1)), uint64(i)*5e6, uint64(i)*2e6)...)
			p.Add(typeDelay, binary.BigEndian.AppendUint32(nil, uint32(600*(ringLen-i))+delayed))
			if stamped {
				p.Add(typeTimestamp, at(600*(i+1)).value)
			}
			return eventOf(t, arrives.Add(time.Duration(delayed)*time.Second), p)
		}
		for _, i := range order {
			var v Verdict
			v, m = Classify(m, interim(i, 0))
			require.NotContains(t, []Verdict{Duplicate, Retransmission}, v)
		}
		for i := range ringLen {
			b := m.Append(nil)
			decoded, err := DecodeMemory(b)
			require.NoError(t, err)
			require.Equal(t, b, decoded.Append(nil))
			require.Equal(t, m.ring, decoded.ring)
			for delayed, verdict := range map[uint32]Verdict{0: Duplicate, 30: Retransmission} {
				v, after := Classify(m, interim(i, delayed))
				require.Equal(t, verdict, v, i)
				require.Equal(t, m, after)
			}
		}
		require.Less(t, len(m.Append(nil)), 520)
		// Later ones need no more than before.
		for i := range ringLeast {
			_, m = Classify(m, eventOf(t, arrives.Add(time.Duration(i+1)*10*time.Minute), packet(Interim, "A", volumes(uint32(36000+600*i), 1e9, 1e9)...)))
		}
		require.Equal(t, ringLeast, m.ringed)
	}
}

// TestMemorySize: a million of them live in memory.
func TestMemorySize(t *testing.T) {
	var m Memory
	_, m = Classify(m, eventOf(t, testBegin, packet(Start, "A", at(0))))
	require.Less(t, len(m.Append(nil)), 50)
	for i := range uint32(100) {
		p := packet(Interim, "A", append(volumes(600*(i+1), uint64(i)*5e8, uint64(i)*2e9), at(600*int(i+1)), u32(typeInputPackets, i*1e6), u32(typeOutputPackets, i*1e6))...)
		_, m = Classify(m, eventOf(t, testBegin.Add(time.Duration(i+1)*10*time.Minute), p))
	}
	require.Less(t, len(m.Append(nil)), 115)
}

// TestDurations are equations 4.1 to 4.3 of the thesis, in their order of preference.
func TestDurations(t *testing.T) {
	// Start: CT 1000, ADT 2, ET 990. Stop: CT 4000, ADT 30, ET 3980.
	for _, c := range []struct {
		name        string
		start, stop []says1
		want        int
	}{
		{"Acct-Session-Time", []says1{at(990), delay(2)}, []says1{at(3980), delay(30), u32(typeSessionTime, 2985)}, 2985},
		{"Event-Timestamps", []says1{at(990), delay(2)}, []says1{at(3980), delay(30)}, 3980 - 990},
		{"arrivals and delays", []says1{delay(2)}, []says1{delay(30)}, (4000 - 1000) - 30 + 2},
		{"one Event-Timestamp is none", []says1{at(990), delay(2)}, []says1{delay(30)}, (4000 - 1000) - 30 + 2},
		{"a clock that was not set", []says1{u32(typeTimestamp, 5), delay(2)}, []says1{at(3980), delay(30)}, (4000 - 1000) - 30 + 2},
		{"a clock that was set", []says1{at(990 - 400*86400), delay(2)}, []says1{at(3980), delay(30)}, (4000 - 1000) - 30 + 2},
		{"a clock that was set back", []says1{at(990 + 400*86400), delay(2)}, []says1{at(3980), delay(30)}, (4000 - 1000) - 30 + 2},
		{"events that were kept", []says1{at(990 - 6*86400)}, []says1{at(3980)}, 3980 - 990 + 6*86400},
		{"no delays", nil, nil, 3000},
		{"never negative", nil, []says1{delay(9000)}, 0},
	} {
		_, m := Classify(Memory{}, eventOf(t, testBegin.Add(1000*time.Second), packet(Start, "A", c.start...)))
		_, m = Classify(m, eventOf(t, testBegin.Add(4000*time.Second), packet(Stop, "A", c.stop...)))
		require.Equal(t, time.Duration(c.want)*time.Second, m.Usage().Time, c.name)
	}
}

// TestVolumes are equations 4.4 to 4.6: octets plus 2^32 times gigawords, each direction, and
// their sum.
func TestVolumes(t *testing.T) {
	_, m := Classify(Memory{}, eventOf(t, testBegin, packet(Stop, "A", volumes(10, 3<<32+20010, 1<<32+13029)...)))
	u := m.Usage()
	require.Equal(t, uint64(3*4_294_967_296+20010), u.InputOctets)
	require.Equal(t, uint64(4_294_967_296+13029), u.OutputOctets)
	require.Equal(t, uint64(4*4_294_967_296+33039), u.TotalOctets())
	u.InputOctets = 1<<64 - 1
	require.Equal(t, uint64(1<<64-1), u.TotalOctets())
}

func TestDecodeMemoryErrors(t *testing.T) {
	var m Memory
	_, m = Classify(m, eventOf(t, testBegin, packet(Start, "A", at(0))))
	_, m = Classify(m, eventOf(t, testBegin.Add(time.Minute), packet(Interim, "A", counted(60, 100)...)))
	b := m.Append(nil)
	for n := 1; n < len(b); n++ {
		_, err := DecodeMemory(b[:n])
		require.Error(t, err, n)
	}
	_, err := DecodeMemory(append(b, 0))
	require.Error(t, err)
	m, err = DecodeMemory(nil)
	require.NoError(t, err)
	require.Equal(t, session.Usage{}, m.Usage())
	require.True(t, m.Started().IsZero())
	m, err = DecodeMemory(new(Memory).Append(nil))
	require.NoError(t, err)
	require.True(t, m.nothing())
}
