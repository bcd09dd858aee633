package radius

import (
	"sync/atomic"

	layeh "layeh.com/radius"
)

// Stats is a snapshot of a server's counters.
type Stats struct {
	// Datagrams counts all that was read from the network.
	Datagrams uint64
	// Requests and Replies count authentic new requests, and answers to them,
	// by code. Status-Server and its answers are among them; answers that
	// were sent again are not.
	Requests, Replies map[layeh.Code]uint64
	// Resent counts repetitions that got the same answer again.
	Resent uint64
	// Dropped counts datagrams that got no answer, by reason.
	Dropped map[DropReason]uint64
	// Panics counts handlers that panicked.
	Panics uint64
	// SendErrors counts answers that the network did not take.
	SendErrors uint64
	// Queued is the number of requests that wait for a worker.
	Queued int
	// Workers is the number of goroutines for handlers, busy or idle.
	Workers int
	// Remembered is the number of requests in the duplicate cache.
	Remembered int
}

// counters are the live numbers behind Stats.
type counters struct {
	datagrams, resent, panics, sendErrors atomic.Uint64
	requests, replies                     [maxCode + 1]atomic.Uint64
	dropped                               [numDropReasons]atomic.Uint64
}

// maxCode is the highest code that a server takes or sends.
const maxCode = int(layeh.CodeCoANAK)

func (c *counters) snapshot() Stats {
	s := Stats{
		Datagrams:  c.datagrams.Load(),
		Requests:   byCode(&c.requests),
		Replies:    byCode(&c.replies),
		Resent:     c.resent.Load(),
		Dropped:    make(map[DropReason]uint64),
		Panics:     c.panics.Load(),
		SendErrors: c.sendErrors.Load(),
	}
	for r := range c.dropped {
		if n := c.dropped[r].Load(); n > 0 {
			s.Dropped[DropReason(r)] = n
		}
	}
	return s
}

func byCode(c *[maxCode + 1]atomic.Uint64) map[layeh.Code]uint64 {
	m := make(map[layeh.Code]uint64)
	for code := range c {
		if n := c[code].Load(); n > 0 {
			m[layeh.Code(code)] = n
		}
	}
	return m
}
