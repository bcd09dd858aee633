package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// roundStation logs in fully in 50 ms and re-authenticates in 10 ms, as often
// as it is allowed to.
type roundStation struct {
	allowed  int
	left     int
	failFull int // full logins that still fail
	all      int
}

func (s *roundStation) Login(ctx context.Context) (traffic, error) {
	s.all++
	if s.left > 0 {
		s.left--
		time.Sleep(10 * time.Millisecond)
		return traffic{Requests: 2, Reauthenticated: true}, nil
	}
	time.Sleep(50 * time.Millisecond)
	if s.failFull > 0 {
		s.failFull--
		return traffic{Requests: 2}, errors.New("rejected")
	}
	s.left = s.allowed
	return traffic{Requests: 3}, nil
}

func (s *roundStation) Forget() { s.left = 0 }

// clock is a meter that advances with time: the server's as fast, ours half.
func clock() meter {
	start := time.Now()
	return func() (cpu, error) { return cpu{time.Since(start), time.Since(start) / 2}, nil }
}

func TestRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := []station{&roundStation{allowed: 5}, &roundStation{allowed: 9}}
		full, again, err := runRounds(t.Context(), list, plan{Logins: 30, Timeout: time.Second, Reauth: 4}, clock())
		require.NoError(t, err)
		require.Equal(t, uint64(6), full.times.total)
		require.Equal(t, uint64(24), again.times.total)
		require.Empty(t, full.failures)
		require.Empty(t, again.failures)
		require.Equal(t, 18, full.traffic.Requests)
		require.Equal(t, 48, again.traffic.Requests)
		require.Equal(t, 50*time.Millisecond, full.times.max)
		require.Equal(t, 10*time.Millisecond, again.times.max)
		// Three rounds, and the full logins of the fourth that find no login
		// left.
		require.Equal(t, 150*time.Millisecond, full.elapsed)
		require.Equal(t, 120*time.Millisecond, again.elapsed)
		require.Equal(t, cpu{150 * time.Millisecond, 75 * time.Millisecond}, full.cpu)
		require.Equal(t, cpu{120 * time.Millisecond, 60 * time.Millisecond}, again.cpu)
	})
}

func TestRoundsByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &roundStation{allowed: 100}
		full, again, err := runRounds(t.Context(), []station{s}, plan{Duration: 145 * time.Millisecond, Timeout: time.Second, Reauth: 4}, clock())
		require.NoError(t, err)
		require.Equal(t, uint64(2), full.times.total)
		require.Equal(t, uint64(5), again.times.total)
	})
}

// A phone whose login fails waits for the next round.
func TestRoundsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad, few := &roundStation{allowed: 4, failFull: 1}, &roundStation{allowed: 2}
		full, again, err := runRounds(t.Context(), []station{bad, few}, plan{Duration: 170 * time.Millisecond, Timeout: time.Second, Reauth: 4}, clock())
		require.NoError(t, err)
		require.Equal(t, map[string]int{"rejected": 1}, full.failures)
		require.Equal(t, map[string]int{errNotReauth.Error(): 1}, again.failures)
		require.Equal(t, uint64(3), full.times.total, "one of the first round, both of the second")
		require.Equal(t, uint64(2), again.times.total)
		require.Equal(t, 2, bad.all, "no re-authentication without a full login")

		_, _, err = runRounds(t.Context(), nil, plan{Reauth: 1}, func() (cpu, error) { return cpu{}, context.Canceled })
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestRoundsInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 75*time.Millisecond)
		defer cancel()
		full, again, err := runRounds(ctx, []station{&roundStation{allowed: 4}}, plan{Timeout: time.Second, Reauth: 4}, clock())
		require.NoError(t, err)
		require.Equal(t, uint64(1), full.times.total)
		require.Equal(t, uint64(2), again.times.total)
	})
}
