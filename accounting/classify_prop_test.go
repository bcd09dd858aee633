package accounting

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"

	"github.com/opentwag/twag/session"
)

// nasKind is how a NAS tells of its sessions.
type nasKind struct {
	stamps, sessionTime, gigawords, packets bool
}

// happened is something that happened to a session, and the truth of it.
type happened struct {
	status Status
	at     time.Time
	truth  session.Usage
}

func (n nasKind) event(t testing.TB, h happened, sentAfter time.Duration) *Event {
	return eventOf(t, h.at.Add(sentAfter), n.packet(h, sentAfter))
}

func (n nasKind) packet(h happened, sentAfter time.Duration) *layeh.Packet {
	var more []says1
	if n.stamps {
		more = append(more, stamp(h.at))
	}
	if sentAfter > 0 {
		more = append(more, delay(uint32(sentAfter/time.Second)))
	}
	if h.status != Start {
		if n.sessionTime {
			more = append(more, u32(typeSessionTime, uint32(h.truth.Time/time.Second)))
		}
		more = append(more, u32(typeInputOctets, uint32(h.truth.InputOctets)), u32(typeOutputOctets, uint32(h.truth.OutputOctets)))
		if n.gigawords {
			more = append(more, u32(typeInputGigawords, uint32(h.truth.InputOctets>>32)), u32(typeOutputGigawords, uint32(h.truth.OutputOctets>>32)))
		}
		if n.packets {
			more = append(more, u32(typeInputPackets, uint32(h.truth.InputPackets)), u32(typeOutputPackets, uint32(h.truth.OutputPackets)))
		}
	}
	return packet(h.status, "A", more...)
}

// life makes the events of one session.
func (n nasKind) life(r *rand.Rand) []happened {
	at := testBegin
	var truth session.Usage
	out := []happened{{Start, at, truth}}
	interims := r.IntN(ringLeast + 1)
	for i := range interims + 1 {
		step := time.Duration(60+r.IntN(1000)) * time.Second
		at = at.Add(step)
		growth := uint64(1) << r.IntN(31)
		if n.gigawords {
			growth = 1 << r.IntN(36)
		}
		if r.IntN(5) > 0 {
			truth.InputOctets += r.Uint64N(growth)
			truth.OutputOctets += r.Uint64N(growth)
			truth.InputPackets += r.Uint64N(growth)/1000 + 1
			truth.OutputPackets += r.Uint64N(growth)/1000 + 1
		}
		truth.Time += step
		status := Interim
		if i == interims {
			status = Stop
		}
		out = append(out, happened{status, at, truth})
	}
	return out
}

func noLess(t testing.TB, before, now session.Usage, why ...any) {
	t.Helper()
	require.GreaterOrEqual(t, now.InputOctets, before.InputOctets, why...)
	require.GreaterOrEqual(t, now.OutputOctets, before.OutputOctets, why...)
	require.GreaterOrEqual(t, now.InputPackets, before.InputPackets, why...)
	require.GreaterOrEqual(t, now.OutputPackets, before.OutputPackets, why...)
	require.GreaterOrEqual(t, now.Time, before.Time, why...)
}

// TestAnyOrder: whatever the network does to a session's true events, totals never go back, each
// event has one ticket, and once the Stop is there they are what the NAS counted.
func TestAnyOrder(t *testing.T) {
	for kind := range 16 {
		n := nasKind{kind&1 != 0, kind&2 != 0, kind&4 != 0, kind&8 != 0}
		t.Run(fmt.Sprintf("%+v", n), func(t *testing.T) {
			for seed := range uint64(400) {
				n.anyOrder(t, rand.New(rand.NewPCG(seed, 1)))
			}
		})
	}
}

func (n nasKind) anyOrder(t *testing.T, r *rand.Rand) {
	life := n.life(r)
	// Every event is sent up to three times; some never arrive.
	type sent struct {
		event int
		after time.Duration
	}
	var all []sent
	for i := range life {
		if i < len(life)-1 && r.IntN(4) == 0 {
			continue // lost
		}
		delays := []time.Duration{0, 5 * time.Second, time.Duration(r.IntN(3000)) * time.Second}
		for range 1 + r.IntN(3) {
			all = append(all, sent{i, delays[r.IntN(3)]})
		}
	}
	if r.IntN(2) == 0 { // in the order of arrival, else in any
		slices.SortFunc(all, func(a, b sent) int {
			return life[a.event].at.Add(a.after).Compare(life[b.event].at.Add(b.after))
		})
	} else {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	var m Memory
	var log []string
	before := session.Usage{}
	tickets := make(map[int]int)
	for _, s := range all {
		e := n.event(t, life[s.event], s.after)
		v, next := Classify(m, e)
		log = append(log, fmt.Sprint(life[s.event].status, " ", life[s.event].at.Sub(testBegin), " +", s.after, ": ", v))
		require.NotEqual(t, Reused, v, log)
		if v != Duplicate && v != Retransmission {
			tickets[s.event]++
		}
		var err error
		m, err = DecodeMemory(next.Append(nil))
		require.NoError(t, err)
		noLess(t, before, m.Usage(), log)
		before = m.Usage()
		if m.Stopped() {
			want := life[len(life)-1].truth
			if !n.packets {
				want.InputPackets, want.OutputPackets = 0, 0
			}
			if !n.sessionTime && m.flags&memStarted == 0 {
				want.Time = 0 // nobody knows when it began
			}
			require.Equal(t, want, before, "%v", log)
		}
	}
	for i, n := range tickets {
		require.Equal(t, 1, n, "event %d: %v", i, log)
	}
	for _, s := range all {
		require.Contains(t, tickets, s.event, "%v", log)
	}
}
