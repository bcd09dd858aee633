package faulttest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQueue: faults strike in order, those that do not match wait, and one
// without a number of times stays until it is cleared.
func TestQueue(t *testing.T) {
	var q Queue[string]
	next := func(matches func(string) bool) string {
		f, struck := q.Next(matches)
		require.Equal(t, struck, f != "")
		return f
	}
	all := func(string) bool { return true }
	not := func(other string) func(string) bool { return func(f string) bool { return f != other } }

	require.True(t, q.Empty())
	require.Empty(t, next(all))
	q.Add("two", 2)
	q.Add("one", 1)
	require.False(t, q.Empty())
	require.Equal(t, "two", next(all))
	require.Equal(t, "one", next(not("two")))
	require.Empty(t, next(not("two")))
	require.Equal(t, "two", next(all))
	require.True(t, q.Empty())
	require.Empty(t, next(all))

	q.Add("ever", 0)
	q.Add("late", 1)
	for range 3 {
		require.Equal(t, "ever", next(all))
	}
	q.Clear()
	require.True(t, q.Empty())
	require.Empty(t, next(all))
}
