package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/examples/internal/freeport"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
)

// asProgram makes the test's binary the program.
const asProgram = "OCSSIM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(ocssim(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// process starts the program in a process of its own, and waits until it
// serves.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "serves") {
	}
	return cmd
}

// TestKills: the process is killed again and again, with many sessions that ask
// it. In the end each request is in the ledger, and was debited, once.
func TestKills(t *testing.T) {
	const sessions, kills = 100, 8
	ledger := filepath.Join(t.TempDir(), "ledger")
	free, err := freeport.Loopback()
	require.NoError(t, err)
	address := free.String()
	begin := func() *exec.Cmd {
		return process(t, "-log", "error", "-listen", address, "-accounts", "1", "-balance", "1000000G", "-ledger", ledger)
	}
	ocs := begin()
	node := connect(t, address)

	var wg sync.WaitGroup
	var over atomic.Bool
	used := make([]uint64, sessions)
	numbers := make([]uint32, sessions)
	for i := range sessions {
		wg.Go(func() {
			for n := uint32(0); ; n++ {
				kind, octets := gy.RequestUpdate, uint64(n+1)
				last := over.Load() && n > 0
				switch {
				case n == 0:
					kind, octets = gy.RequestInitial, 0
				case last:
					kind = gy.RequestTermination
				}
				ccr := request(fmt.Sprint("s;", i), kind, n, octets)
				for {
					a, err := send(t, node, ccr, time.Second)
					if err == nil {
						if a.ResultCode != gy.ResultSuccess {
							t.Errorf("session %d, request %d: %d", i, n, a.ResultCode)
							return
						}
						break
					}
					ccr.Retransmitted = true
				}
				used[i] += octets
				numbers[i] = n + 1
				if last {
					return
				}
			}
		})
	}
	for range kills {
		time.Sleep(150 * time.Millisecond)
		require.NoError(t, ocs.Process.Kill())
		_ = ocs.Wait()
		ocs = begin()
	}
	over.Store(true)
	wg.Wait()
	require.NoError(t, ocs.Process.Kill())
	_ = ocs.Wait()

	book, err := gytest.ReadLedger(ledger)
	require.NoError(t, err)
	require.Empty(t, book.Audit.Violations)
	require.Len(t, book.Audit.Sessions, sessions)
	var sum uint64
	for i := range sessions {
		s := book.Audit.Sessions[fmt.Sprint("s;", i)]
		require.False(t, s.Open)
		require.EqualValues(t, used[i], s.Debited, i)
		require.EqualValues(t, numbers[i], s.Requests, i)
		sum += used[i]
	}
	for _, a := range book.Audit.Accounts {
		require.EqualValues(t, sum, a.Debited)
		require.Zero(t, a.Reserved)
	}
	again := 0
	for _, e := range book.Entries {
		if e.Retransmitted {
			again++
		}
	}
	t.Logf("%d requests, %d of them first seen as copies", len(book.Entries)-1, again)
}
