package accounting

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testSink is the contract of Sink as a test. reopen returns the sink as it is after a crash
// of its process, and read what it has.
func testSink(t *testing.T, reopen func() Sink, read func() []uint64) {
	t.Helper()
	ctx := t.Context()
	s := reopen()
	last := func(want uint64) {
		t.Helper()
		got, err := s.Last(ctx)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	last(0)
	require.NoError(t, s.Sync(ctx), "nothing to sync")
	require.NoError(t, s.Write(ctx, numbered(1, 2, 3)))
	require.NoError(t, s.Sync(ctx))
	last(3)
	s = reopen()
	last(3)
	require.Equal(t, []uint64{1, 2, 3}, read())
	// Numbers may have gaps.
	require.NoError(t, s.Write(ctx, numbered(7)))
	require.NoError(t, s.Write(ctx, numbered(8, 9)))
	require.NoError(t, s.Sync(ctx))
	require.NoError(t, s.Sync(ctx))
	last(9)
	// What was not synced is there, or it is not: Last knows.
	require.NoError(t, s.Write(ctx, numbered(10, 11)))
	s = reopen()
	got, err := s.Last(ctx)
	require.NoError(t, err)
	for seq := got + 1; seq <= 11; seq++ {
		require.NoError(t, s.Write(ctx, numbered(seq)))
	}
	require.NoError(t, s.Sync(ctx))
	require.Equal(t, []uint64{1, 2, 3, 7, 8, 9, 10, 11}, read())
	// A ticket that it has is refused, and nothing comes of it.
	require.Error(t, s.Write(ctx, numbered(11)))
	last(11)
	// A Write that is cut short fails, and Last says how far it came.
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Write(over, numbered(12, 13)); err != nil {
		require.ErrorIs(t, err, context.Canceled)
	}
	got, err = s.Last(ctx)
	require.NoError(t, err)
	for seq := got + 1; seq <= 13; seq++ {
		require.NoError(t, s.Write(ctx, numbered(seq)))
	}
	require.NoError(t, s.Sync(ctx))
	require.Equal(t, []uint64{1, 2, 3, 7, 8, 9, 10, 11, 12, 13}, read())
}

// numbered returns tickets with these sequence numbers.
func numbered(seqs ...uint64) []Ticket {
	var all []Ticket
	for _, seq := range seqs {
		t := fullTicket()
		t.Seq, t.Arrived = seq, time.Unix(int64(seq), 0).UTC()
		all = append(all, t)
	}
	return all
}
