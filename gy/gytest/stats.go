package gytest

import "sync/atomic"

// Stats is what the OCS has counted.
type Stats struct {
	// Requests is CCRs received.
	Requests uint64
	// Duplicates is those of them that had been answered before, Malformed
	// those that were no good.
	Duplicates, Malformed uint64
	// Refusals is answers to CCRs with another Result-Code than 2001.
	Refusals uint64
	// Faults is CCRs that a fault has struck.
	Faults uint64
}

type stats struct {
	requests, duplicates, malformed, refusals, faults atomic.Uint64
}

// Stats returns what the OCS has counted since it was made.
func (o *OCS) Stats() Stats {
	return Stats{
		Requests:   o.stats.requests.Load(),
		Duplicates: o.stats.duplicates.Load(),
		Malformed:  o.stats.malformed.Load(),
		Refusals:   o.stats.refusals.Load(),
		Faults:     o.stats.faults.Load(),
	}
}
