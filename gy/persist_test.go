package gy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// states are sessions at many points, stored.
func states(t testing.TB) [][]byte {
	t.Helper()
	m := NewMachine(config())
	now := time.Unix(1700000000, 0)
	s := m.NewSession("twag1.example.net;1;2", &Info{
		Subscriptions: []Subscription{{SubscriptionIMSI, []byte("001010000000001")}, {SubscriptionE164, []byte("15551234")}},
		PS:            PSInformation{CalledStationID: []byte("internet"), RATType: []byte{3}, SSID: []byte("cafe")},
	})
	var all [][]byte
	keep := func(Output) { all = append(all, s.AppendState(nil)) }
	answer := func(a CCA) { keep(s.Answer(now, s.request.seq, &a)) }
	keep(Output{})
	keep(s.Start(now))
	a := grant(mega, final(FinalRestrict))
	a.Services[0].Granted.TariffChange = now.Add(time.Second)
	a.OriginHost = []byte("ocs1")
	answer(a)
	now = now.Add(2 * time.Second)
	keep(s.Account(now, 0, Counters{1, 2, 3}))
	keep(s.Account(now, 0, Counters{1, 2, mega}))
	keep(s.Change(now, &Info{}, true))
	keep(s.Fail(now, s.request.seq, FailureLost))
	keep(s.Timer(now.Add(time.Minute)))
	keep(s.Stop(now, 0, Counters{1, 2, 2 * mega}, CauseLogout))
	return all
}

func TestRestoreRefuses(t *testing.T) {
	m := NewMachine(config())
	for _, b := range states(t) {
		_, err := m.Restore(b)
		require.NoError(t, err)
		for n := range b {
			_, err := m.Restore(b[:n])
			require.ErrorIs(t, err, ErrState, "cut at %d", n)
		}
		_, err = m.Restore(append(b[:len(b):len(b)], 0))
		require.ErrorIs(t, err, ErrState)
	}
	_, err := m.Restore([]byte{stateVersion + 1})
	require.ErrorIs(t, err, ErrState)
	_, err = m.Restore(make([]byte, maxState+1))
	require.ErrorIs(t, err, ErrState)
}

// A session in the memory of another is the same as in memory of its own, also when what was
// read before could not be.
func TestRestoreInto(t *testing.T) {
	m := NewMachine(config())
	all := states(t)
	var s Session
	for i, before := range all {
		for _, b := range all {
			require.NoError(t, m.RestoreInto(&s, before))
			if i%2 == 0 {
				require.ErrorIs(t, m.RestoreInto(&s, before[:len(before)-i-1]), ErrState)
			}
			require.NoError(t, m.RestoreInto(&s, b))
			fresh, err := m.Restore(b)
			require.NoError(t, err)
			now := time.Unix(1700000100, 0)
			require.Equal(t, fresh.Resume(now), s.Resume(now))
			require.Equal(t, fresh.Stop(now, 0, Counters{9, 9, 9 * mega}, CauseLogout), s.Stop(now, 0, Counters{9, 9, 9 * mega}, CauseLogout))
			require.Equal(t, fresh.AppendState(nil), s.AppendState(nil))
		}
	}
}

// BenchmarkState restores a session and stores it again, as each step does.
func BenchmarkState(b *testing.B) {
	all := states(b)
	m := NewMachine(config())
	var s Session
	var buf []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		require.NoError(b, m.RestoreInto(&s, all[i%len(all)]))
		buf = s.AppendState(buf[:0])
	}
}

func TestStateIsSmall(t *testing.T) {
	for _, b := range states(t) {
		require.Less(t, len(b), 640)
	}
}

// The largest state there can be is read back.
func TestLargestState(t *testing.T) {
	cfg := config()
	cfg.Profile.RatingGroups = make([]uint32, maxGroups)
	long := make([]byte, 900)
	m := NewMachine(cfg)
	s := m.NewSession(string(make([]byte, 600)), &Info{
		Subscriptions: []Subscription{{SubscriptionIMSI, long}, {SubscriptionE164, long}},
		PS:            PSInformation{CalledStationID: long},
	})
	now := time.Unix(1700000000, 0)
	s.Start(now)
	a := grant(1, final(FinalRedirect))
	for range maxFilters {
		a.Services[0].Final.Filters = append(a.Services[0].Final.Filters, long)
		a.Services[0].Final.FilterIDs = append(a.Services[0].Final.FilterIDs, long)
	}
	a.Services[0].HasRatingGroup = false
	a.OriginHost = make([]byte, 300)
	s.Answer(now, s.request.seq, &a)
	for i := range maxGroups {
		s.Account(now, i, Counters{1<<64 - 1, 1<<64 - 1, 1<<64 - 1})
	}
	b := s.AppendState(nil)
	require.Greater(t, len(b), 30000)
	back, err := m.Restore(b)
	require.NoError(t, err)
	require.Equal(t, PendingU, back.State())
}

// FuzzRestore: what is read back can be used without a panic, and is written
// as it was read.
func FuzzRestore(f *testing.F) {
	for _, b := range states(f) {
		f.Add(b)
	}
	m := NewMachine(config())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := m.Restore(b)
		if err != nil {
			return
		}
		again, err := m.Restore(s.AppendState(nil))
		if err != nil {
			t.Fatal(err)
		}
		if string(again.AppendState(nil)) != string(s.AppendState(nil)) {
			t.Fatal("not stable")
		}
		now := time.Unix(1700000000, 0)
		s.Resume(now)
		s.Timer(now.Add(time.Hour))
		s.Account(now, 0, Counters{1 << 40, 1 << 40, 1 << 40})
		s.Reauthorize(now, nil)
		a := grant(mega)
		s.Answer(now, s.request.seq, &a)
		if s.request.kind != 0 {
			if _, err := s.AppendRequest(nil); err != nil {
				t.Fatal(err)
			}
		}
		s.NextInterim(now)
		s.SessionTimeout()
		s.Abort(now)
		s.Stop(now, 0, Counters{1 << 41, 1 << 41, 1 << 41}, CauseLogout)
		s.Usage()
	})
}

// BenchmarkUpdate is a whole charged interim: counters, CCR-U, the state
// stored, the request made, the answer read and taken, the state stored again.
func BenchmarkUpdate(b *testing.B) {
	m := NewMachine(config())
	now := time.Unix(1700000000, 0)
	s := m.NewSession("twag1.example.net;1;2", &Info{
		Subscriptions: []Subscription{{SubscriptionIMSI, []byte("001010000000001")}, {SubscriptionE164, []byte("15551234")}},
		PS:            PSInformation{CalledStationID: []byte("internet"), RATType: []byte{3}, SSID: []byte("cafe")},
	})
	s.Start(now)
	g := grant(mega)
	s.Answer(now, s.request.seq, &g)
	msg, err := g.Encode(nil, requestHeader(false, 0))
	if err != nil {
		b.Fatal(err)
	}
	state, req := make([]byte, 0, 1024), make([]byte, 0, 1024)
	var a CCA
	var c Counters
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Minute)
		c.Seconds += 60
		c.Input += mega
		out := s.Account(now, 0, c)
		if !out.Send {
			b.Fatal("no request")
		}
		state = s.AppendState(state[:0])
		if _, err := s.AppendRequest(req); err != nil {
			b.Fatal(err)
		}
		if err := a.Decode(msg); err != nil {
			b.Fatal(err)
		}
		s.Answer(now, out.Seq, &a)
		state = s.AppendState(state[:0])
	}
	b.ReportMetric(float64(len(state)), "state-octets")
}

func BenchmarkRestore(b *testing.B) {
	m := NewMachine(config())
	state := states(b)[4]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Restore(state); err != nil {
			b.Fatal(err)
		}
	}
}
