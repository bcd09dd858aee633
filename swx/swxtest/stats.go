package swxtest

import "sync/atomic"

// Stats is what the HSS has counted.
type Stats struct {
	// Requests is MARs and SARs received.
	Requests uint64
	// Malformed is those of them that were no good.
	Malformed uint64
	// Resyncs is MARs with an AUTS.
	Resyncs uint64
	// Vectors is vectors given away.
	Vectors uint64
	// Refusals is answers that refuse, malformed requests' included.
	Refusals uint64
	// Faults is requests that a fault has struck.
	Faults uint64
}

type stats struct {
	requests, malformed, resyncs, vectors, refusals, faults atomic.Uint64
}

// Stats returns what the HSS has counted since it was made.
func (h *HSS) Stats() Stats {
	return Stats{
		Requests:  h.stats.requests.Load(),
		Malformed: h.stats.malformed.Load(),
		Resyncs:   h.stats.resyncs.Load(),
		Vectors:   h.stats.vectors.Load(),
		Refusals:  h.stats.refusals.Load(),
		Faults:    h.stats.faults.Load(),
	}
}
