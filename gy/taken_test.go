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
	do := func(what string, f func(*Session) Output) Output {
		t.Helper()
		s, err := m.Restore(stored)
		require.NoError(t, err)
		s.Taken(inHand)
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

	// Without it, the request counts as one that nobody waits for.
	s, err := m.Restore(stored)
	require.NoError(t, err)
	s.Taken(inHand + 1)
	require.True(t, s.Resume(now.Add(5*time.Second)).Send)
}
