package pebblestore

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// unused is what has been deleted from the database: the journal before an entry, and the
// log of records before a block.
type unused struct {
	journal, log uint64
}

// makeRoom has Pebble give back to the disk what has been deleted, and does not wait for it. By itself it
// removes that from its newest tables only by compacting them, which takes room.
func (c *committer) makeRoom() {
	c.unused.log = c.e.log.first
	if c.unused == c.given {
		return
	}
	c.given = c.unused
	if err := c.e.giveBack(c.unused); err != nil {
		c.e.guard.kill(err)
	}
}

// giveBack begins to remove what is unused. To Pebble that is a change that comes after those in
// memory, so these are written first: otherwise it would wait for them, and nobody could close the
// database.
func (e *engine) giveBack(u unused) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebblestore: flush: %v", r)
		}
	}()
	flushed, err := e.db.AsyncFlush()
	if err != nil {
		return err
	}
	go func() {
		select {
		case <-flushed:
			e.excise(u)
		case <-e.committed:
		}
	}()
	return nil
}

// excise removes what is unused from every table. If that fails, which Pebble logs, nothing is lost but room.
func (e *engine) excise(u unused) {
	e.reading.RLock()
	defer e.reading.RUnlock()
	if e.closed {
		return
	}
	defer func() { _ = recover() }()
	for _, span := range []pebble.KeyRange{
		{Start: journalBegin, End: appendJournalKey(nil, u.journal)},
		{Start: logBegin, End: appendLogKey(nil, u.log)},
	} {
		_ = e.db.Excise(context.Background(), span)
	}
}
