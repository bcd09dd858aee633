package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// garbage is how much of it there may be before it is collected: room octets, or share percent
// of what is alive if that is more. By the share alone a server with little alive would
// collect tens of times a second under load, and one with a million sessions in memory would have as
// much again for garbage.
type garbage struct {
	room  uint64
	share int
}

// What a server keeps that has sessions, and what any other does.
var (
	garbageOfSessions = garbage{128 << 20, 25}
	garbageOfOthers   = garbage{64 << 20, 100}
)

// collectEvery is how often the collector is told, for what is alive grows.
const collectEvery = 250 * time.Millisecond

// keep has the collector keep to g until ctx ends. The environment variable GOGC has
// precedence.
func (g garbage) keep(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := g.percent(0)
	debug.SetGCPercent(percent)
	go func() {
		tick := time.NewTicker(collectEvery)
		defer tick.Stop()
		counted := newCountedByCollector()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			// Telling stops the world.
			if p := g.percent(counted.read()); p < percent || p > percent+percent/8 {
				percent = p
				debug.SetGCPercent(percent)
			}
		}
	}()
}

// percent is what the collector is told for octets that are alive.
func (g garbage) percent(alive uint64) int {
	// With less alive the runtime's least goal, 4 MiB by the same percentage, counts.
	return max(g.share, int(100*g.room/max(alive, 4<<20)))
}

// countedByCollector is what the collector adds its percentage to (https://go.dev/doc/gc-guide): what it
// has found alive, and the roots.
type countedByCollector []metrics.Sample

func newCountedByCollector() countedByCollector {
	return countedByCollector{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
}

func (c countedByCollector) read() (octets uint64) {
	metrics.Read(c)
	for i := range c {
		octets += c[i].Value.Uint64()
	}
	return octets
}
