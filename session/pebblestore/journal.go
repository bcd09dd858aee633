package pebblestore

import (
	"context"

	"github.com/cockroachdb/pebble/v2"
)

// Last implements session.Journal.
func (s *Store) Last(ctx context.Context) (uint64, error) {
	e, err := s.reader()
	if err != nil {
		return 0, err
	}
	return e.last.Load(), ctx.Err()
}

// readAhead is about how many octets of the journal are copied before entries
// are shown: an open iterator keeps files and memory from being freed, and f may take its
// time.
const readAhead = 256 << 10

// ReadJournal implements session.Journal.
func (s *Store) ReadJournal(ctx context.Context, from uint64, f func(seq uint64, entry []byte) bool) error {
	e, err := s.reader()
	if err != nil {
		return err
	}
	end := e.last.Load() // what comes later may not be durable, and would have no end
	from = max(from, e.first.Load())
	var p page
	for from <= end {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.readPage(e, from, end, &p); err != nil {
			return err
		}
		if len(p.blocks) == 0 {
			return nil
		}
		for _, b := range p.blocks {
			for seq, rest := b.first, p.octets[b.begin:b.end]; len(rest) > 0; seq++ {
				var entry []byte
				if entry, rest, err = cutEntry(rest); err != nil {
					return err
				}
				if seq > end {
					return nil
				}
				// It may have been trimmed since.
				if seq >= max(from, e.first.Load()) && !f(seq, entry[:len(entry):len(entry)]) {
					return nil
				}
				from = max(from, seq+1)
			}
		}
	}
	return nil
}

// page is a part of the journal.
type page struct {
	octets []byte
	blocks []pageBlock
}

type pageBlock struct {
	first      uint64
	begin, end int
}

// readPage reads the blocks from the one that has from, until there is enough.
func (s *Store) readPage(e *engine, from, end uint64, p *page) error {
	p.octets, p.blocks = p.octets[:0], p.blocks[:0]
	return s.iterate(e, func(it *pebble.Iterator) error {
		ok := seekBlock(it, from)
		for ; ok && len(p.octets) < readAhead; ok = it.Next() {
			first, err := parseJournalKey(it.Key())
			if err != nil || first > end {
				return err
			}
			v, err := it.ValueAndErr()
			if err != nil {
				return err
			}
			begin := len(p.octets)
			p.octets = append(p.octets, v...)
			p.blocks = append(p.blocks, pageBlock{first, begin, len(p.octets)})
		}
		return nil
	})
}

// seekBlock goes to the block that has entry seq, or else to the one after it.
func seekBlock(it *pebble.Iterator, seq uint64) bool {
	if seq < 1<<64-1 && it.SeekLT(appendJournalKey(nil, seq+1)) {
		first, err := parseJournalKey(it.Key())
		v, err2 := it.ValueAndErr()
		if err == nil && err2 == nil {
			if n, err := countEntries(v); err == nil && seq-first >= n {
				return it.Next()
			}
		}
		return true // errors are found by who reads the block
	}
	return it.SeekGE(appendJournalKey(nil, seq))
}

// iterate calls f with an iterator over the journal. The iterator's own error counts too.
func (s *Store) iterate(e *engine, f func(*pebble.Iterator) error) error {
	e.reading.RLock()
	defer e.reading.RUnlock()
	if e.closed {
		_, err := s.reader()
		if err == nil {
			err = errFailed
		}
		return err
	}
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: journalBegin, UpperBound: journalEnd})
	if err != nil {
		return err
	}
	defer it.Close()
	if err := f(it); err != nil {
		return err
	}
	return it.Error()
}

// TrimJournal implements session.Journal.
func (s *Store) TrimJournal(ctx context.Context, before uint64) error {
	e, err := s.reader()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	before = min(before, e.last.Load()+1)
	if before <= e.first.Load() {
		return nil
	}
	// Only whole blocks can be removed; blocks never change.
	block := before
	err = s.iterate(e, func(it *pebble.Iterator) (err error) {
		if it.SeekLT(appendJournalKey(nil, before+1)) {
			first, err := parseJournalKey(it.Key())
			if err != nil {
				return err
			}
			v, err := it.ValueAndErr()
			if err != nil {
				return err
			}
			n, err := countEntries(v)
			if err != nil {
				return err
			}
			if before-first < n {
				block = first
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r := newRequest(&noChange)
	r.trim, r.block, r.frees = before, block, true
	_, err = s.submit(r)
	return err
}
