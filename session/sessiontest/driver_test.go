package sessiontest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/opentwag/twag/session"
)

// A disk is what outlives a driver.
type disk struct {
	records map[session.Key]onDisk
	journal []journalEntry
	last    uint64
}

type onDisk struct {
	session.Record
	terms []session.Term
}

func newDisk() *disk { return &disk{records: map[session.Key]onDisk{}} }

func (d *disk) clone() *disk {
	return &disk{records: maps.Clone(d.records), journal: slices.Clone(d.journal), last: d.last}
}

// A driver is a store as drivers are made: a [session.Projection] in front of a
// disk. The mutants are made of it.
type driver struct {
	*session.Projection
	mu     sync.Mutex // held by changes
	disk   *disk      // its journal is guarded by mu
	closed bool
	broken bool
}

func openDriver(t testing.TB, d *disk) *driver {
	s := &driver{Projection: session.NewProjection(4096), disk: d}
	for _, rec := range d.records {
		if err := s.Load(rec.Record, rec.terms); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *driver) Commit(_ context.Context, c *session.Change) (first uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return 0, session.ErrClosed
	case s.broken && len(c.Journal) > 0:
		return 0, session.ErrUnavailable
	}
	expired := s.Expired(make([]session.Key, 0, 8))
	for _, key := range expired {
		delete(s.disk.records, key)
	}
	s.Forget(expired)
	if err := s.Check(c); err != nil {
		return 0, err
	}
	for _, p := range c.Puts {
		if p.Delete {
			delete(s.disk.records, p.Key)
			continue
		}
		terms := slices.Clone(p.Terms)
		if p.SameTerms {
			terms = nil
			if p.Expect > 0 {
				terms = s.Terms(p.Key, nil)
			}
		}
		s.disk.records[p.Key] = onDisk{
			Record: session.Record{Key: p.Key, Version: p.Expect + 1, Due: p.Due, Expires: p.Expires, Value: bytes.Clone(p.Value)},
			terms:  terms,
		}
	}
	for i, e := range c.Journal {
		s.disk.last++
		if i == 0 {
			first = s.disk.last
		}
		s.disk.journal = append(s.disk.journal, journalEntry{s.disk.last, string(e)})
	}
	s.Apply(c)
	return first, nil
}

// end returns the disk; nothing is written to it any more.
func (s *driver) end() *disk {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.disk
}

func (s *driver) ReadJournal(_ context.Context, from uint64, f func(uint64, []byte) bool) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return session.ErrClosed
	}
	all := slices.Clone(s.disk.journal)
	s.mu.Unlock()
	for _, e := range all {
		if e.seq >= from && !f(e.seq, []byte(e.entry)) {
			return nil
		}
	}
	return nil
}

func (s *driver) TrimJournal(_ context.Context, before uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return session.ErrClosed
	}
	s.disk.journal = slices.DeleteFunc(s.disk.journal, func(e journalEntry) bool { return e.seq < before })
	return nil
}

func (s *driver) Last(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, session.ErrClosed
	}
	return s.disk.last, nil
}

func (s *driver) Close() error {
	s.end()
	return nil
}
