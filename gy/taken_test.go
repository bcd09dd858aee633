package gy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTakenIsAsIfNeverStored: a process that stores the session after each step, and
// restores it for the next, sees what one sees that keeps it.
func TestTakenIsAsIfNeverStored(t *testing.T) {
	m := NewMachine(config())
	now := time.Unix(1700000000, 0)
	kept := m.NewSession("twag1.example.net;1;2", &Info{})
	stored := kept.AppendState(nil)
	var inHand uint32
	waiting := true
	do := func(what string, f func(*Session) Output) Output {
		t.Helper()
		s, err := m.Restore(stored)
		require.NoError(t, err)
		s.Taken(inHand, waiting)
		want, got := f(kept), f(s)
		require.Equal(t, want, got, what)
		stored = s.AppendState(nil)
		require.Equal(t, kept.AppendState(nil), stored, what)
		if got.Send {
			inHand = got.Seq
			a, err := kept.AppendRequest(nil)
			require.NoError(t, err)
			b, err := s.AppendRequest(nil)
			require.NoError(t, err)
			require.Equal(t, a, b, what)
		}
		return got
	}
	require.True(t, do("start", func(s *Session) Output { return s.Start(now) }).Send)
	a := grant(mega)
	do("granted", func(s *Session) Output { return s.Answer(now, inHand, &a) })
	now = now.Add(time.Second)
	require.True(t, do("used", func(s *Session) Output { return s.Account(now, 0, Counters{1, 0, mega * 9 / 10}) }).Send)
	do("used more", func(s *Session) Output { return s.Account(now.Add(time.Second), 0, Counters{2, 0, mega}) })
	more := grant(mega, final(FinalTerminate))
	do("granted again", func(s *Session) Output { return s.Answer(now.Add(2*time.Second), inHand, &more) })
	require.True(t, do("stopped", func(s *Session) Output {
		return s.Stop(now.Add(3*time.Second), 0, Counters{3, 0, mega + 5}, CauseLogout)
	}).Send)

	// What goes wrong has happened before, too: Tx and the intervals go on, and a server that
	// is too busy is not asked for ever.
	waiting = false
	do("lost", func(s *Session) Output {
		s.request.inHand = true // as who tells of it does
		return s.Fail(now.Add(3*time.Second), inHand, FailureLost)
	})
	now = now.Add(4 * time.Second)
	require.True(t, do("again", func(s *Session) Output { return s.Timer(now) }).Send)
	waiting = true
	busy := CCA{ResultCode: ResultTooBusy}
	require.False(t, do("busy", func(s *Session) Output { return s.Answer(now, inHand, &busy) }).Send)

	// Without it, the request counts as one that nobody waits for.
	s, err := m.Restore(stored)
	require.NoError(t, err)
	s.Taken(inHand+1, true)
	require.True(t, s.Resume(now.Add(5*time.Second)).Send)
}

// TestTakenKeepsTheTimers: a server that is not to be reached is a failure when Tx expires,
// however often the session is stored meanwhile; one that is too busy is asked twice.
func TestTakenKeepsTheTimers(t *testing.T) {
	m := NewMachine(config())
	now := time.Unix(1700000000, 0)
	s := m.NewSession("twag1.example.net;1;2", &Info{})
	var seq uint32
	step := func(waiting bool, f func() Output) Output {
		t.Helper()
		var err error
		s, err = m.Restore(s.AppendState(nil))
		require.NoError(t, err)
		s.Taken(seq, waiting)
		out := f()
		if out.Send {
			seq = out.Seq
		}
		return out
	}
	step(false, func() Output { return s.Start(now) })
	a := grant(mega)
	a.Failover = FailoverSupported
	step(true, func() Output { return s.Answer(now, seq, &a) })
	require.True(t, s.Serving())
	require.True(t, step(false, func() Output { return s.Account(now, 0, Counters{1, 0, mega}) }).Send)
	asked := now
	for s.Serving() {
		out := step(true, func() Output { return s.Fail(now, seq, FailureNotSent) })
		for !out.Send && s.Serving() {
			now = out.Deadline
			require.LessOrEqual(t, now.Sub(asked), 10*time.Second)
			out = step(false, func() Output { return s.Timer(now) })
		}
	}
	require.Equal(t, 10*time.Second, now.Sub(asked))
	_, ok := s.Pending()
	require.True(t, ok)

	s = m.NewSession("twag1.example.net;1;3", &Info{})
	busy := CCA{ResultCode: ResultTooBusy}
	require.True(t, step(false, func() Output { return s.Start(now) }).Send)
	require.True(t, step(true, func() Output { return s.Answer(now, seq, &busy) }).Send)
	require.Equal(t, ServiceRefused, step(true, func() Output { return s.Answer(now, seq, &busy) }).Service)
}
