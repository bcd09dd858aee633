// Package simulatortest runs simulators in tests, inside the test's process.
package simulatortest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/examples/internal/simulator"
)

// Running is a program while a test uses it.
type Running struct {
	// Address is where it listens.
	Address string
	// Stop ends it, and demands that it ends in good order. The test's end does it too.
	Stop func()

	t     *testing.T
	stdin *io.PipeWriter
	out   buffer
}

// Run runs the program with more arguments, until the test ends.
func Run(t *testing.T, program simulator.Program, args ...string) *Running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdin, commands := io.Pipe()
	r := &Running{t: t, stdin: commands}
	done := make(chan int)
	go func() {
		done <- program(ctx, append([]string{"-listen", "127.0.0.1:0"}, args...), stdin, &r.out, io.Discard)
	}()
	r.Stop = sync.OnceFunc(func() {
		_ = commands.Close()
		cancel()
		require.Equal(t, simulator.ExitOK, <-done)
		require.Contains(t, r.Output(), "requests ")
	})
	t.Cleanup(r.Stop)
	require.Eventually(t, func() bool { return strings.Contains(r.Output(), "serves") }, time.Minute, time.Millisecond)
	r.Address, _, _ = strings.Cut(strings.TrimPrefix(r.Output(), "listening on "), "\n")
	return r
}

// Output is what it has said so far.
func (r *Running) Output() string { return r.out.String() }

// Say gives a command, and wants what its answer begins with.
func (r *Running) Say(line, want string) {
	r.t.Helper()
	_, err := io.WriteString(r.stdin, line+"\n")
	require.NoError(r.t, err)
	answer := strings.TrimSpace(line) + ": " + want
	require.Eventually(r.t, func() bool { return strings.Contains(r.Output(), answer) }, time.Minute, time.Millisecond, answer)
}

// buffer is written by the program and read by the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
