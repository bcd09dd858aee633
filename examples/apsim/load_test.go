package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slowStation takes a fixed time for each login and fails each n-th.
type slowStation struct {
	takes  time.Duration
	failOn int64
	logins *atomic.Int64
}

func (s slowStation) Login(ctx context.Context) (traffic, error) {
	n := s.logins.Add(1)
	select {
	case <-ctx.Done():
		return traffic{Requests: 1, Retransmissions: 1}, fmt.Errorf("login: %w", ctx.Err())
	case <-time.After(s.takes):
	}
	if s.failOn > 0 && n%s.failOn == 0 {
		return traffic{Requests: 2}, errors.New("rejected")
	}
	return traffic{Requests: 2}, nil
}

func (slowStation) Forget() {}

func stations(n int, s slowStation) []station {
	s.logins = new(atomic.Int64)
	list := make([]station, n)
	for i := range list {
		list[i] = s
	}
	return list
}

func TestClosedLoopByNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(t.Context(), stations(4, slowStation{takes: 10 * time.Millisecond, failOn: 10}),
			plan{Logins: 100, Timeout: time.Second})
		require.Equal(t, uint64(90), got.times.total)
		require.Equal(t, map[string]int{"rejected": 10}, got.failures)
		require.Equal(t, 10, got.failed())
		require.Equal(t, traffic{Requests: 200}, got.traffic)
		require.Equal(t, 250*time.Millisecond, got.elapsed)
		require.Equal(t, 10*time.Millisecond, got.times.quantile(0.99))
	})
}

func TestClosedLoopByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(t.Context(), stations(2, slowStation{takes: 30 * time.Millisecond}),
			plan{Duration: 100 * time.Millisecond, Timeout: time.Second})
		require.Equal(t, uint64(8), got.times.total, "logins begun at 0, 30, 60 and 90 ms")
		require.Equal(t, 120*time.Millisecond, got.elapsed)
	})
}

func TestOpenLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(t.Context(), stations(8, slowStation{takes: 20 * time.Millisecond}),
			plan{Duration: time.Second, Rate: 100, Timeout: time.Second})
		require.Equal(t, uint64(100), got.times.total)
		require.Equal(t, 20*time.Millisecond, got.times.max)
		require.Zero(t, got.late)
	})
}

// A server that is too slow for the rate shows in the times, not in a lower
// rate.
func TestOpenLoopCountsFromTheDueTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(t.Context(), stations(1, slowStation{takes: 20 * time.Millisecond}),
			plan{Logins: 100, Rate: 100, Timeout: time.Second})
		require.Equal(t, uint64(100), got.times.total)
		require.Equal(t, 99*10*time.Millisecond+20*time.Millisecond, got.times.max)
		require.NotZero(t, got.late)
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(t.Context(), stations(1, slowStation{takes: time.Minute}),
			plan{Logins: 2, Timeout: time.Second})
		require.Equal(t, map[string]int{"no answer in time": 2}, got.failures)
		require.Equal(t, traffic{Requests: 2, Retransmissions: 2}, got.traffic)
	})
}

func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, rate := range []float64{0, 10} {
			ctx, cancel := context.WithTimeout(t.Context(), 95*time.Millisecond)
			got := run(ctx, stations(1, slowStation{takes: 20 * time.Millisecond}), plan{Rate: rate, Timeout: time.Second})
			cancel()
			require.NotZero(t, got.times.total)
			require.Empty(t, got.failures, "the login that was cut off does not count")
			require.Equal(t, 95*time.Millisecond, got.elapsed)
		}
	})
}
