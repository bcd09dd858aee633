package pebblestore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// envChild has the test binary be the process that is killed: its value is the directory.
const envChild = "PEBBLESTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envChild); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

const childWriters = 64

// child commits as fast as it can, and writes down what was acknowledged:
// writer, version, sequence number.
func child(dir string) int {
	s, err := Open(dir, small(vfs.Default))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for i := range childWriters {
		go func() {
			ctx := context.Background()
			r, _ := s.Get(ctx, recordKey(i, 0)) // version 0 if there is none
			for version := r.Version; ; {
				version++
				first, err := s.Commit(ctx, change(i, version))
				if err != nil {
					fmt.Fprintln(os.Stderr, i, version, err)
					os.Exit(1)
				}
				// One write call a line: it is whole, or not there.
				if _, err := os.Stdout.WriteString(fmt.Sprintf("%d %d %d\n", i, version, first)); err != nil {
					os.Exit(1)
				}
			}
		}()
	}
	select {}
}

// TestLongKill kills a process that commits, again and again: what it was
// promised by the store is there when the store is opened. TWAG_LONG is how long.
func TestLongKill(t *testing.T) {
	killRounds(t, long(t, 5*time.Minute), 1<<30)
}

// TestKill is a short one.
func TestKill(t *testing.T) { killRounds(t, time.Minute, 3) }

func killRounds(t *testing.T, d time.Duration, rounds int) {
	dir := t.TempDir()
	l := newLoad(childWriters)
	for until := time.Now().Add(d); rounds > 0 && time.Now().Before(until); rounds-- {
		acked := runChild(t, dir, time.Duration(100+rand.IntN(400))*time.Millisecond, l)
		t.Logf("%d changes acknowledged", acked)
		s := open(t, dir, small(vfs.Default))
		l.check(t, s, l.promises())
		// The journal is read whole each time: keep it short.
		last, err := s.Last(t.Context())
		require.NoError(t, err)
		if last > 200_000 {
			dir = t.TempDir()
			l = newLoad(childWriters)
		}
		require.NoError(t, s.Close())
	}
}

// runChild has a child commit for so long, kills it, and adds what it said to l.
func runChild(t *testing.T, dir string, d time.Duration, l *load) (acked int) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var once bool
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if !once { // it is at work
			once = true
			time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
		}
		var i int
		var version, seq uint64
		if _, err := fmt.Sscanf(lines.Text(), "%d %d %d", &i, &version, &seq); err != nil {
			t.Errorf("the child says %q", lines.Text())
			break
		}
		w := &l.writers[i]
		w.acked = max(w.acked, version)
		w.seqs = append(w.seqs, seq)
		acked++
	}
	_ = cmd.Process.Kill()
	require.Error(t, cmd.Wait(), "it was killed")
	require.Positive(t, acked)
	return acked
}

// long skips a test of the second tier unless TWAG_LONG is set, and returns
// how long it is to run: whole if TWAG_LONG is 1, else what TWAG_LONG says.
func long(t *testing.T, whole time.Duration) time.Duration {
	t.Helper()
	switch s := os.Getenv("TWAG_LONG"); s {
	case "":
		t.Skip("TWAG_LONG is not set")
	case "1":
		return whole
	default:
		d, err := time.ParseDuration(s)
		require.NoError(t, err, "TWAG_LONG")
		return d
	}
	return 0
}
