package pebblestore

import (
	"sync/atomic"
)

// counts are what Stats tells.
type counts struct {
	changes, batches, octets atomic.Uint64
}

// count counts a batch, and tells the hook.
func (s *Store) count(i CommitInfo) {
	s.counts.batches.Add(1)
	s.counts.changes.Add(uint64(i.Changes))
	s.counts.octets.Add(uint64(i.Octets))
	if s.cfg.Hooks.Committed != nil {
		s.cfg.Hooks.Committed(i)
	}
}

// Stats are figures of a store since it was opened.
type Stats struct {
	State   State
	Records int // those that have expired lately included
	Waiting int // changes that wait to be written
	Changes uint64
	Batches uint64 // that they were written in
	Octets  uint64 // that were written to the log
	// Journal is the range of journal entries that are kept.
	JournalFirst, JournalLast uint64
	// DiskOctets is what the database takes, and FreeOctets what the disk has left, 0 if the
	// store keeps no reserve.
	DiskOctets, FreeOctets uint64
}

// Stats returns figures. Of a store that has failed, those of its database are
// missing.
func (s *Store) Stats() Stats {
	st := Stats{
		State:   s.State(),
		Changes: s.counts.changes.Load(),
		Batches: s.counts.batches.Load(),
		Octets:  s.counts.octets.Load(),
	}
	st.FreeOctets, _, _ = s.space.look()
	s.mu.Lock()
	st.Waiting = len(s.queue.waiting)
	s.mu.Unlock()
	if e := s.view.Load(); e != nil {
		st.Records = e.records.Len()
		st.JournalFirst, st.JournalLast = e.first.Load(), e.last.Load()
		e.reading.RLock()
		if !e.closed {
			st.DiskOctets = e.db.Metrics().DiskSpaceUsage()
		}
		e.reading.RUnlock()
	}
	return st
}
