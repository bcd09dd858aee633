package main

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc3576"

	"github.com/opentwag/twag/radius/radiustest"
)

// fakeNet keeps what is sent, and answers what it is told to.
type fakeNet struct {
	t       *testing.T
	answers bool
	sent    []sentPacket
	in      []inboundPacket
}

type sentPacket struct {
	socket int
	octets []byte
	*layeh.Packet
	at time.Time
}

type inboundPacket struct {
	socket int
	b      []byte
}

func (n *fakeNet) send(socket int, b []byte) {
	p, err := layeh.Parse(b, []byte(testSecret))
	require.NoError(n.t, err)
	require.True(n.t, layeh.IsAuthenticRequest(b, []byte(testSecret)))
	n.sent = append(n.sent, sentPacket{socket, slices.Clone(b), p, time.Now()})
	if n.answers {
		n.answer(len(n.sent) - 1)
	}
}

// answer lets the answer to the i-th request arrive.
func (n *fakeNet) answer(i int) {
	n.in = append(n.in, inboundPacket{n.sent[i].socket, reply(n.t, n.sent[i].octets, false)})
}

func (*fakeNet) flush() error { return nil }
func (*fakeNet) close() error { return nil }

func (n *fakeNet) wait(d time.Duration, receive func(socket int, b []byte)) error {
	if len(n.in) == 0 {
		time.Sleep(d)
	}
	in := n.in
	n.in = nil
	for _, p := range in {
		receive(p.socket, p.b)
	}
	return nil
}

// testRun is a load over a fake network, in a bubble.
type testRun struct {
	acctRun
	net *fakeNet
}

func newTestRun(t *testing.T, answers bool, args ...string) *testRun {
	t.Helper()
	o, err := parseAcctOptions(append([]string{"-secret", testSecret}, args...), t.Output())
	require.NoError(t, err)
	r := &testRun{net: &fakeNet{t: t, answers: answers}}
	fleet := newAcctFleet(1, o.nases, o.sessions, o.stations, o.class, o.secret)
	r.o, r.load = &o, newAcctLoad(fleet, o.plan, r.net, o.sockets, o.seed)
	r.load.began = time.Now()
	r.meter = func() (cpu, error) { return cpu{}, nil }
	return r
}

// for runs the load for some time.
func (r *testRun) runFor(t *testing.T, d time.Duration) {
	t.Helper()
	end := r.since() + d
	require.NoError(t, r.loop(t.Context(), func(now time.Duration) bool { return now >= end }))
}

// TestRetransmission: RFC 5080, section 2.2.1, without a limit; identical from one half of the
// access points, a new request with a higher delay from the other.
func TestRetransmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t, false, "-sessions", "2", "-nases", "2", "-irt", "2s", "-mrt", "16s")
		r.runFor(t, 200*time.Second)
		byNAS := map[string][]sentPacket{}
		for _, p := range r.net.sent {
			id := rfc2866.AcctSessionID_GetString(p.Packet)
			byNAS[id] = append(byNAS[id], p)
		}
		require.Len(t, byNAS, 2)
		identical, renewed := byNAS["00000001-000000000000"], byNAS["00000001-000000000001"]
		for _, all := range [][]sentPacket{identical, renewed} {
			require.Greater(t, len(all), 11, "never given up")
			want := 2 * time.Second
			for i := 1; i < len(all); i++ {
				gap := all[i].at.Sub(all[i-1].at)
				if i <= 3 {
					require.InDelta(t, want.Seconds(), gap.Seconds(), 0.2*want.Seconds()+0.1*float64(i))
				} else {
					require.InDelta(t, 16, gap.Seconds(), 1.7, "MRT")
				}
				want *= 2
			}
		}
		for _, p := range identical {
			require.Equal(t, identical[0].octets, p.octets)
			require.Equal(t, identical[0].socket, p.socket, "the Identifier is that of a socket")
		}
		for i, p := range renewed {
			delay := rfc2866.AcctDelayTime_Get(p.Packet)
			require.EqualValues(t, p.at.Sub(renewed[0].at)/time.Second, delay)
			if i > 0 {
				before := renewed[i-1]
				require.False(t, before.socket == p.socket && before.Identifier == p.Identifier)
				require.NotEqual(t, before.Authenticator, p.Authenticator)
			}
		}
		// The latest transmission of each is what may be answered.
		last := len(r.net.sent) - 1
		r.net.answer(slices.IndexFunc(r.net.sent, func(p sentPacket) bool { return bytes.Equal(p.octets, renewed[0].octets) }))
		r.runFor(t, time.Millisecond)
		require.EqualValues(t, 1, r.load.tally.stray)
		require.Zero(t, r.load.tally.acknowledged)
		r.load.stopping = true
		r.net.answer(slices.IndexFunc(r.net.sent, func(p sentPacket) bool { return bytes.Equal(p.octets, renewed[len(renewed)-1].octets) }))
		r.net.answer(0)
		r.net.answer(0) // a second answer
		r.runFor(t, time.Millisecond)
		require.EqualValues(t, 2, r.load.tally.acknowledged)
		require.EqualValues(t, 2, r.load.tally.stray)
		require.Zero(t, r.load.tally.forged)
		require.True(t, r.load.done())
		r.runFor(t, time.Minute)
		require.Len(t, r.net.sent, last+1, "nothing is repeated that has its answer")
	})
}

func TestForgedAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t, false, "-sessions", "1")
		r.runFor(t, time.Millisecond)
		require.Len(t, r.net.sent, 1)
		b := reply(t, r.net.sent[0].octets, false)
		b[5] ^= 1
		socket := r.net.sent[0].socket
		r.net.in = []inboundPacket{{socket, b}, {socket, b[:10]}, {(socket + 1) % len(r.load.sockets), b}}
		r.runFor(t, time.Millisecond)
		require.EqualValues(t, 3, r.load.tally.forged)
		require.Zero(t, r.load.tally.acknowledged)
	})
}

// TestLives: each session is one Start, its interims and one Stop, whose counters grow; places
// have one session after the other, each of another station.
func TestLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t, true, "-sessions", "16", "-requests", "1500", "-window", "8", "-interims", "6", "-close")
		report, err := r.run(t.Context())
		require.NoError(t, err)
		require.True(t, report.good())
		require.Equal(t, report.Started, report.Stopped)
		require.EqualValues(t, 1500, report.Acknowledged)
		require.LessOrEqual(t, report.MostWaiting, 8)
		type life struct {
			events int
			last   uint64
			ended  bool
		}
		lives := map[string]*life{}
		heavy := false
		for _, p := range r.net.sent {
			id := rfc2866.AcctSessionID_GetString(p.Packet)
			l := lives[id]
			status := rfc2866.AcctStatusType_Get(p.Packet)
			if l == nil {
				require.Equal(t, rfc2866.AcctStatusType_Value_Start, status)
				lives[id] = &life{}
				continue
			}
			require.False(t, l.ended)
			l.events++
			l.ended = status == rfc2866.AcctStatusType_Value_Stop
			high, _ := p.Lookup(attrOutputGigawords)
			used := uint64(rfc2866.AcctOutputOctets_Get(p.Packet))
			if len(high) == 4 {
				used += uint64(high[3]) << 32
			}
			require.Greater(t, used, l.last)
			l.last, heavy = used, heavy || used > 1<<32
		}
		require.True(t, heavy, "some pass 2^32 octets")
		require.EqualValues(t, report.Started, len(lives))
		for id, l := range lives {
			require.True(t, l.ended, id)
			require.LessOrEqual(t, l.events, 10)
		}
	})
}

// TestOpenRate: the rate does not depend on the server; what a session may have unanswered does.
func TestOpenRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t, true, "-sessions", "100", "-rate", "1000")
		r.runFor(t, 2*time.Second)
		require.InDelta(t, 2000, r.load.tally.sent, 20)
		require.Zero(t, r.load.tally.heldBack)
	})
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t, false, "-sessions", "10000", "-rate", "1000", "-sockets", "8")
		r.runFor(t, 8*time.Second)
		require.InDelta(t, 8000, r.load.tally.sent, 100, "a server that is dead")
		require.Zero(t, r.load.tally.heldBack)
		require.Positive(t, r.load.held.len(), "eight sockets have 2048 Identifiers")
		r.net.answers, r.load.stopping = true, true
		require.NoError(t, r.loop(t.Context(), func(time.Duration) bool { return r.load.done() }))
		require.Equal(t, r.load.tally.sent, r.load.tally.acknowledged)
		require.Zero(t, r.load.tally.forged)
	})
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t, false, "-sessions", "100", "-rate", "1000", "-overlap", "2")
		r.runFor(t, 10*time.Second)
		require.EqualValues(t, 200, r.load.tally.sent)
		require.InDelta(t, 9800, r.load.tally.heldBack, 100)
	})
}

func TestInterimInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t, true, "-open", "50", "-interim", "10s", "-duration", "95s")
		report, err := r.run(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 50, report.Acknowledged, "until all were open")
		require.EqualValues(t, 50+9*50, report.TotalAcknowledged)
	})
}

// TestDynAuth: a session that the server disconnects ends with a Stop that says so.
func TestDynAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t, true, "-open", "10", "-nases", "2")
		r.runFor(t, time.Second)
		l := r.load
		ask := func(q radiustest.DynAuthRequest) rfc3576.ErrorCause { return l.dynAuth(q, r.since()) }
		const disconnect, coa = layeh.CodeDisconnectRequest, layeh.CodeCoARequest
		unknown := rfc3576.ErrorCause_Value_SessionContextNotFound
		id := func(n uint64) string { return string(l.fleet.appendSessionID(nil, n)) }
		station := func(n uint64) string { return string(appendStation(nil, n)) }

		require.Zero(t, ask(radiustest.DynAuthRequest{Code: coa, AccountID: id(3), Station: "02:00:00:00:00:03", NASIdentifier: nasIdentifier(1)}))
		require.Len(t, r.net.sent, 10, "a change ends nothing")
		for _, q := range []radiustest.DynAuthRequest{
			{AccountID: id(10)}, {AccountID: "x"}, {AccountID: id(3), Station: station(4)}, {Station: station(10)}, {Station: "x"},
			{User: "somebody"}, {AccountID: id(3), User: string(appendUser(nil, 4))}, {Station: station(3), Called: calledStation(0)}, {},
		} {
			q.Code = disconnect
			require.Equal(t, unknown, ask(q), "%+v", q)
		}
		require.Equal(t, rfc3576.ErrorCause_Value_NASIdentificationMismatch, ask(radiustest.DynAuthRequest{Code: disconnect, AccountID: id(3), NASIdentifier: nasIdentifier(0)}))

		require.Zero(t, ask(radiustest.DynAuthRequest{Code: disconnect, AccountID: id(3), Station: station(3)}))
		require.Equal(t, unknown, ask(radiustest.DynAuthRequest{Code: disconnect, AccountID: id(3)}), "it has ended")
		require.Zero(t, ask(radiustest.DynAuthRequest{Code: disconnect, User: string(appendUser(nil, 4))}))
		stops := r.net.sent[10:]
		require.Len(t, stops, 2)
		for i, p := range stops {
			require.Equal(t, id(3+uint64(i)), rfc2866.AcctSessionID_GetString(p.Packet))
			require.Equal(t, rfc2866.AcctStatusType_Value_Stop, rfc2866.AcctStatusType_Get(p.Packet))
			require.Equal(t, rfc2866.AcctTerminateCause_Value_AdminReset, rfc2866.AcctTerminateCause_Get(p.Packet))
		}
		require.EqualValues(t, 2, l.tally.kicked)
		r.runFor(t, time.Second)
		require.EqualValues(t, 2, l.tally.stops)
	})
}

func TestTimers(t *testing.T) {
	var w timers
	r := rand.New(rand.NewPCG(1, 2))
	var ops []*acctOp
	for range 1000 {
		op := &acctOp{due: 1 + time.Duration(r.Int64N(int64(50*time.Second)))}
		ops = append(ops, op)
		w.add(op, op.due)
	}
	ops[0].due = 0 // answered
	ops[1].due++   // and sent again
	got := 0
	for now := time.Duration(0); now < time.Minute; now += 7 * time.Millisecond {
		w.expire(now, func(op *acctOp) {
			require.GreaterOrEqual(t, now, op.due)
			require.Less(t, now-op.due, 3*timerTick)
			got++
		})
	}
	require.Equal(t, 998, got)
}

func TestQueue(t *testing.T) {
	var q queue[int]
	next, want := 0, 0
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		if q.len() == 0 || r.IntN(5) < 3 {
			q.push(next)
			next++
			continue
		}
		require.Equal(t, want, *q.front())
		q.pop()
		want++
	}
	require.Equal(t, next-want, q.len())
}

func BenchmarkAcctLoad(b *testing.B) {
	f := newAcctFleet(1, 16, 10000, 40000, "", testSecret)
	l := newAcctLoad(f, acctPlan{window: 1 << 20, overlap: 1, lives: lives{interims: 8}, firstRetransmission: time.Second, maxRetransmission: time.Second}, nullNet{}, 16, 1)
	now := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		now += time.Microsecond
		l.takeTurn(now)
		l.acknowledge(l.ops[0], now)
		l.timers.expire(now, func(*acctOp) {})
	}
}

type nullNet struct{}

func (nullNet) send(int, []byte)                            {}
func (nullNet) flush() error                                { return nil }
func (nullNet) close() error                                { return nil }
func (nullNet) wait(time.Duration, func(int, []byte)) error { return nil }
