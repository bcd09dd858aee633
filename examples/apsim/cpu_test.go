package main

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseCPUTime(t *testing.T) {
	d, err := parseCPUTime("812 (a (b) c) S 1 812 812 0 -1 4194304 5 6 7 8 123 77 1 2 20 0 9 0 4711 1 2 3")
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, d)

	for _, bad := range []string{"", "812 (a", "812 (a) S 1 2", "812 (a) S 1 2 3 4 5 6 7 8 9 10 x 12", "812 (a) S 1 2 3 4 5 6 7 8 9 10 11 x"} {
		_, err := parseCPUTime(bad)
		require.Error(t, err, "%q", bad)
	}
}

func TestCPUTimeOfThisProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	before, err := cpuTime(os.Getpid())
	require.NoError(t, err)
	after := before
	for start := time.Now(); after == before && time.Since(start) < 2*time.Minute; {
		after, err = cpuTime(os.Getpid()) // which burns time
		require.NoError(t, err)
	}
	require.Greater(t, after, before)

	_, err = cpuTime(1 << 30)
	require.ErrorIs(t, err, os.ErrNotExist)
}
