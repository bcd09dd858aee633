package session

import (
	"context"
	"fmt"
	"slices"
)

// memoryJournal keeps entries in segments, which are freed whole.
type memoryJournal struct {
	maxOctets int
	octets    int // of all segments, as charged
	segments  []*journalSegment
	last      uint64 // newest number ever given
	trimmed   uint64 // newest number taken away
}

// A journalSegment has the entries from first on.
type journalSegment struct {
	first uint64
	data  []byte
	ends  []uint32 // where entries end in data
}

const (
	maxSegmentOctets = 256 << 10
	// minSegments is how many segments a journal has when it is full, at the
	// least: trimming is to give room before all was trimmed.
	minSegments = 16
	// entryCost is what an entry costs beside its octets.
	entryCost = 4
)

func (j *memoryJournal) segmentOctets() int { return min(maxSegmentOctets, j.maxOctets/minSegments) }

// errJournalFull is what a change gets while its entries have no room.
var errJournalFull = fmt.Errorf("%w: the journal is full", ErrUnavailable)

func (j *memoryJournal) fits(entries [][]byte) bool {
	need := 0
	for _, e := range entries {
		need += len(e) + entryCost
	}
	return need == 0 || j.octets+need <= j.maxOctets
}

// append returns the number of the first entry, 0 if there are none.
func (j *memoryJournal) append(entries [][]byte) uint64 {
	if len(entries) == 0 {
		return 0
	}
	first := j.last + 1
	for _, e := range entries {
		var s *journalSegment
		if n := len(j.segments); n > 0 {
			s = j.segments[n-1]
		}
		if s == nil || len(s.data)+len(e) > cap(s.data) {
			s = &journalSegment{first: j.last + 1, data: make([]byte, 0, max(len(e), j.segmentOctets()))}
			j.segments = append(j.segments, s)
		}
		s.data = append(s.data, e...)
		s.ends = append(s.ends, uint32(len(s.data)))
		j.octets += len(e) + entryCost
		j.last++
	}
	return first
}

// trim takes away entries before a number.
func (j *memoryJournal) trim(before uint64) {
	before = min(before, j.last+1)
	j.trimmed = max(j.trimmed, before-min(before, 1))
	n := 0
	for _, s := range j.segments {
		if s.first+uint64(len(s.ends)) > before {
			break
		}
		j.octets -= len(s.data) + len(s.ends)*entryCost
		n++
	}
	j.segments = slices.Delete(j.segments, 0, n)
}

// entry returns an entry that is there.
func (j *memoryJournal) entry(seq uint64) []byte {
	i, exact := slices.BinarySearchFunc(j.segments, seq, func(s *journalSegment, seq uint64) int {
		switch {
		case s.first < seq:
			return -1
		case s.first > seq:
			return 1
		default:
			return 0
		}
	})
	if !exact {
		i--
	}
	s := j.segments[i]
	n := seq - s.first
	var start uint32
	if n > 0 {
		start = s.ends[n-1]
	}
	return s.data[start:s.ends[n]]
}

// readEntries is how many entries are read at a time.
const readEntries = 64

// ReadJournal implements [Store]. It ends with the entry that was the newest
// when it was called.
func (m *MemoryStore) ReadJournal(ctx context.Context, from uint64, f func(seq uint64, entry []byte) bool) error {
	if m.closed.Load() {
		return ErrClosed
	}
	j, mu := &m.journal, &m.records.mu
	mu.RLock()
	last := j.last
	mu.RUnlock()
	var data []byte
	var ends []int
	for from <= last {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, ends = data[:0], ends[:0]
		mu.RLock()
		from = max(from, j.trimmed+1)
		for seq := from; seq <= last && seq < from+readEntries; seq++ {
			data = append(data, j.entry(seq)...)
			ends = append(ends, len(data))
		}
		mu.RUnlock()
		start := 0
		for _, end := range ends {
			if !f(from, data[start:end:end]) {
				return nil
			}
			from, start = from+1, end
		}
	}
	return nil
}

// TrimJournal implements [Store].
func (m *MemoryStore) TrimJournal(_ context.Context, before uint64) error {
	m.records.mu.Lock()
	defer m.records.mu.Unlock()
	if m.closed.Load() {
		return ErrClosed
	}
	m.journal.trim(before)
	return nil
}

// Last implements [Store].
func (m *MemoryStore) Last(context.Context) (uint64, error) {
	if m.closed.Load() {
		return 0, ErrClosed
	}
	m.records.mu.RLock()
	defer m.records.mu.RUnlock()
	return m.journal.last, nil
}
