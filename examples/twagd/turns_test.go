package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// One at a time has a subscriber's turn; others don't wait for that.
func TestTurns(t *testing.T) {
	var turns turns
	done, err := turns.take(t.Context(), "a")
	require.NoError(t, err)
	other, err := turns.take(t.Context(), "b")
	require.NoError(t, err)
	other()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = turns.take(ctx, "a")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	second := takeLater(t, &turns)
	select {
	case <-second:
		t.Fatal("two at a time")
	case <-time.After(10 * time.Millisecond):
	}
	done()
	(<-second)()
	require.Empty(t, turns.busy)
}

// takeLater takes the turn of "a" once it is free.
func takeLater(t *testing.T, turns *turns) <-chan func() {
	taken := make(chan func())
	go func() {
		done, err := turns.take(t.Context(), "a")
		if err != nil {
			t.Error(err)
		}
		taken <- done
	}()
	return taken
}

// Who has borrowed a turn is broken off by who takes it, also if that one was there first.
func TestTurnsAreTakenBack(t *testing.T) {
	var turns turns
	ctx, done, err := turns.borrow(t.Context(), "a")
	require.NoError(t, err)
	require.NoError(t, ctx.Err())
	second := takeLater(t, &turns)
	<-ctx.Done()
	done()
	done = <-second

	third := make(chan func())
	go func() {
		_, done, err := turns.borrow(t.Context(), "a")
		if err != nil {
			t.Error(err)
		}
		third <- done
	}()
	select {
	case <-third:
		t.Fatal("two at a time")
	case <-time.After(10 * time.Millisecond):
	}
	done()
	(<-third)()

	// Somebody is about to take the turn and has not got it yet.
	waiting := turns.join("a", 1)
	ctx, done, err = turns.borrow(t.Context(), "a")
	require.NoError(t, err)
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	done()
	turns.leave("a", waiting, 1)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, done, err = turns.borrow(t.Context(), "a")
	require.NoError(t, err)
	_, _, err = turns.borrow(ended, "a")
	require.ErrorIs(t, err, context.Canceled)
	done()
	require.Empty(t, turns.busy)
}
