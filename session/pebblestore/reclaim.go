package pebblestore

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// reclaimer gives back the room of what the journal and the log of records no longer have. Both grow
// at one end and are removed at the other, and a table has one of them only, so it need not be compacted: once
// nothing of it is used it is excised as a whole, which writes some octets to Pebble's manifest.
//
// Nothing depends on that having been done: what is not used is passed over by who reads the
// journal, and does no harm to who loads the log, since what overtook it comes after it.
type reclaimer struct {
	// excise removes the keys of a span.
	excise func(pebble.KeyRange)

	mu sync.Mutex
	// Guarded by mu:
	journal, log region
	busy         bool
}

// region is the keys of one kind.
type region struct {
	prefix byte
	ends   []uint64 // of tables: the number after the last they have; growing
	used   uint64   // numbers before are not
}

// table notes a table that has keys up to the one given.
func (r *region) table(last []byte) {
	end := binary.BigEndian.Uint64(last[1:]) + 1
	if i, ok := slices.BinarySearch(r.ends, end); !ok {
		r.ends = slices.Insert(r.ends, i, end)
	}
}

// cut returns what is to be removed, if that is a table at least.
func (r *region) cut() (span pebble.KeyRange, ok bool) {
	i, found := slices.BinarySearch(r.ends, r.used)
	if found {
		i++
	}
	if i == 0 {
		return span, false
	}
	end := r.ends[i-1]
	r.ends = slices.Delete(r.ends, 0, i)
	return pebble.KeyRange{Start: []byte{r.prefix}, End: binary.BigEndian.AppendUint64([]byte{r.prefix}, end)}, true
}

func newReclaimer(excise func(pebble.KeyRange)) *reclaimer {
	return &reclaimer{excise: excise, journal: region{prefix: prefixJournal}, log: region{prefix: prefixLog}}
}

// tables notes tables, which are on the disk.
func (r *reclaimer) tables(tables []pebble.TableInfo) {
	r.mu.Lock()
	for i := range tables {
		last := tables[i].Largest.UserKey
		if len(last) != journalKeyLen {
			continue
		}
		switch last[0] {
		case prefixJournal:
			r.journal.table(last)
		case prefixLog:
			r.log.table(last)
		}
	}
	r.mu.Unlock()
	r.reclaim()
}

// use notes the first journal entry and the first block of the log that are used. That has to be
// durable.
func (r *reclaimer) use(journal, log uint64) {
	r.mu.Lock()
	r.journal.used, r.log.used = journal, log
	r.mu.Unlock()
	r.reclaim()
}

// reclaim does not wait for what it begins.
func (r *reclaimer) reclaim() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy {
		return
	}
	var spans []pebble.KeyRange
	for _, region := range []*region{&r.journal, &r.log} {
		if span, ok := region.cut(); ok {
			spans = append(spans, span)
		}
	}
	if len(spans) == 0 {
		return
	}
	r.busy = true
	go func() {
		for _, span := range spans {
			r.excise(span)
		}
		r.mu.Lock()
		r.busy = false
		r.mu.Unlock()
		r.reclaim()
	}()
}

// whileOpen calls f unless the database is closed, which waits for it. Pebble's panics are errors.
func (e *engine) whileOpen(f func() error) (err error) {
	e.reading.RLock()
	defer e.reading.RUnlock()
	if e.closed {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebblestore: reclaim: %v", r)
		}
	}()
	return f()
}

// excise removes the keys of a span. None of them is in a table in memory, which Pebble would write first.
// If it fails, the room comes back with the next span, which has this one's keys too.
func (e *engine) excise(span pebble.KeyRange) {
	if err := e.whileOpen(func() error { return e.db.Excise(context.Background(), span) }); err != nil {
		e.tableError(err)
	}
}

// flush has Pebble write its table in memory to the disk, so that what is not used of it can be
// reclaimed. It does not wait, nor would Pebble: if so many tables wait already that it would, it is done after the next of
// them. Whoever commits or closes would wait behind it.
func (e *engine) flush() {
	e.flushWanted.Store(true)
	if e.flushing.Swap(true) {
		return
	}
	go func() {
		defer e.flushing.Store(false)
		if err := e.whileOpen(func() error {
			if e.db.Metrics().MemTable.Size >= e.memTables {
				return nil
			}
			e.flushWanted.Store(false)
			_, err := e.db.AsyncFlush()
			return err
		}); err != nil {
			e.guard.kill(err)
		}
	}()
}

// flushed is told what Pebble has written to the disk.
func (e *engine) flushed(i pebble.FlushInfo) {
	e.reclaimer.tables(i.Output)
	if e.flushWanted.Load() {
		e.flush()
	}
}

// reclaimLoaded has the reclaimer know the tables that there are.
func (e *engine) reclaimLoaded() error {
	levels, err := e.db.SSTables()
	if err != nil {
		return err
	}
	for _, level := range levels {
		for i := range level {
			e.reclaimer.tables([]pebble.TableInfo{level[i].TableInfo})
		}
	}
	e.reclaimer.use(e.used, e.log.first)
	return nil
}
