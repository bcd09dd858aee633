package interop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fillDisk fills the disk that dir is on, all but so many octets.
func fillDisk(t *testing.T, dir string, but int64) (remove func()) {
	t.Helper()
	name := filepath.Join(dir, "of-somebody-else")
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close()
	var size int64
	for _, step := range []int{1 << 20, 4096} {
		for err == nil {
			var n int
			n, err = f.Write(make([]byte, step))
			size += int64(n)
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
		err = nil
	}
	require.NoError(t, f.Truncate(max(size-but, 0)))
	return func() { require.NoError(t, os.Remove(name)) }
}

// TestLongFullDisk: somebody else fills the disk that the sessions and the tickets are on: up to
// the reserve, to the last block, and to the last block while the server dies and is started
// again and again. What was acknowledged has its ticket, nothing is acknowledged when
// there is no room to write it down, and when there is room again everything is.
func TestLongFullDisk(t *testing.T) {
	rate, full, rounds := 2000, 10*time.Second, 2
	if long(t, time.Hour) != time.Hour {
		rate, full, rounds = 500, 4*time.Second, 1
	}
	Need(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512m"); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("no tmpfs can be mounted here: ", err)
	} else {
		require.NoError(t, err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })

	const memtable, reserve = 4 << 20, 4 * (4 << 20)
	server := startBookkeeper(t, "twag1", filepath.Join(dir, "data"), fmt.Sprintf("sessions: {memtable_mib: %d}", memtable>>20))
	cases := []struct {
		name string
		but  int64 // octets that are left
		dies bool
	}{{"less than the reserve", reserve / 2, false}, {"nothing", 0, false}, {"nothing, and it dies", 0, true}}
	load := startAccounting(t, server.radiusServer, "-rate", fmt.Sprint(rate), "-sessions", fmt.Sprint(8*rate), "-nases", "64",
		"-duration", (time.Duration(rounds*len(cases)) * (full + 4*time.Second)).String(), "-close")

	type outage struct{ from, to time.Time }
	var outages []outage
	var returned []time.Time
	var names []string
	for range rounds {
		for _, c := range cases {
			time.Sleep(2 * time.Second)
			remove := fillDisk(t, dir, c.but)
			o := outage{from: time.Now().Add(full / 2)} // by then what was on its way has come
			if !c.dies {
				time.Sleep(full)
			}
			for end := time.Now().Add(full); c.dies && time.Now().Before(end); { // as under a supervisor
				server.Kill()
				server.launch()
				time.Sleep(full / 5)
			}
			o.to = time.Now()
			remove()
			outages, returned, names = append(outages, o), append(returned, o.to), append(names, c.name)
			server.serveAgain(15 * time.Second)
			time.Sleep(2 * time.Second)
		}
	}
	r := load.report()
	server.ended()
	for i, first := range load.firstAfter(returned) {
		t.Logf("%-22s left: first acknowledgement %.2f s after space returned", names[i], first.Seconds())
		require.GreaterOrEqual(t, first, time.Duration(0))
		require.Less(t, first, 15*time.Second)
	}
	early := make([]int, len(outages))
	load.acknowledgements(func(at time.Time) {
		for i, o := range outages {
			if at.After(o.from) && at.Before(o.to) {
				early[i]++
			}
		}
	})
	t.Logf("acknowledged while the disk was full: %v", early)
	t.Logf("%d requests, %d retransmissions, in %.1f s, the longest %.2f s, at most %d without an answer",
		r.Requests, r.Retransmitted, r.Seconds, r.MaxMillis/1000, r.MostWaiting)
	for _, n := range early {
		require.Zero(t, n)
	}
	load.checkTickets(filepath.Join(server.dir, "tickets"))
}
