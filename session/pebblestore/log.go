package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/opentwag/twag/session"
)

// recordLog is where a database keeps its records: block after block of changes of them, each
// written once, in the order of their numbers. Records are read from memory, so nobody looks for
// one in the database; what is written under growing keys Pebble puts at the end of its tables,
// which costs a fraction of finding each record's place.
//
// Most changes are soon overtaken by later ones. The oldest blocks are given up while there is too
// much of that; what still holds there is written anew.
type recordLog struct {
	first, next uint64 // numbers of the oldest block, and of the one to come
	changes     int    // in the blocks
	octets      int
}

// added notes a block.
func (l *recordLog) added(changes, octets int) {
	l.next++
	l.changes += changes
	l.octets += octets
}

// keepChanges is how many changes are kept for each record that there is. With three, what still
// holds of the oldest is a third, and each change has half of another written anew; that is if records
// change at random, and less if they change in turns.
const keepChanges = 3

// isCrowded reports whether changes that were overtaken take more than spare octets.
func (l *recordLog) isCrowded(records int, spare int64) bool {
	extra := l.changes - keepChanges*records
	return extra > 0 && int64(extra)*int64(l.octets/l.changes) > spare
}

// spareTables is how much may be overtaken in any case, in MemTableOctets: clearing up pays when much has been.
const spareTables = 2

// clearAtOnce is how much is cleared up at a time at least, so that it is seldom begun.
const clearAtOnce = 1 << 20

// clearLog removes the oldest blocks, if there is too much, and puts into the batch what still holds
// there.
func (c *committer) clearLog() (err error) {
	l := &c.e.log
	if c.low || !l.isCrowded(c.e.records.Len(), spareTables*c.store.cfg.MemTableOctets) {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebblestore: clear: %v", r)
		}
	}()
	c.key = appendLogKey(c.key[:0], l.first)
	it, err := c.e.db.NewIter(&pebble.IterOptions{LowerBound: c.key, UpperBound: appendLogKey(nil, l.next)})
	if err != nil {
		return err
	}
	defer it.Close()
	// More than the batch adds, or it would grow for ever.
	enough := max(keepChanges*len(c.log), int(min(c.store.cfg.MemTableOctets/8, clearAtOnce)))
	first, changes, octets := l.first, 0, 0
	for ok := it.First(); ok && octets < enough; ok = it.Next() {
		number, err := parseLogKey(it.Key())
		if err != nil {
			return err
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		first, octets = number+1, octets+len(v)
		for ; len(v) > 0; changes++ {
			var logged loggedChange
			if logged, v, err = cutChange(v); err != nil {
				return err
			}
			if err := c.keep(&logged); err != nil {
				return err
			}
		}
	}
	if err := it.Error(); err != nil {
		return err
	}
	l.first, l.changes, l.octets = first, l.changes-changes, l.octets-octets
	return nil
}

// keep writes a record anew whose latest change may be the one given. What is written is what
// memory has: another record of the same version may have been there under the key.
func (c *committer) keep(logged *loggedChange) error {
	version, err := logged.version()
	if err != nil || version == 0 || version != c.e.records.Version(logged.key) {
		return err
	}
	if _, ok := c.keys[logged.key]; ok {
		return nil
	}
	r, err := c.e.records.Get(context.Background(), logged.key)
	if errors.Is(err, session.ErrNotFound) {
		return nil // expired
	}
	c.terms = c.e.records.Terms(logged.key, c.terms[:0])
	c.log = appendChange(c.log, &r, c.terms)
	c.logged++
	return err
}

// loadLog makes the records what the log says.
func (e *engine) loadLog() error {
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: logBegin, UpperBound: logEnd})
	if err != nil {
		return err
	}
	defer it.Close()
	e.log = recordLog{first: 1, next: 1}
	var terms []session.Term
	now := time.Now()
	for ok := it.First(); ok; ok = it.Next() {
		number, err := parseLogKey(it.Key())
		if err != nil {
			return err
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if e.log.octets == 0 {
			e.log.first = number
		}
		e.log.next = number
		octets, changes := len(v), 0
		for ; len(v) > 0; changes++ {
			var logged loggedChange
			if logged, v, err = cutChange(v); err != nil {
				return err
			}
			if terms, err = e.loadChange(&logged, now, terms[:0]); err != nil {
				return err
			}
		}
		e.log.added(changes, octets)
	}
	return it.Error()
}

// loadChange makes a change of the log again; terms is room. An expired record was removed, or
// would be.
func (e *engine) loadChange(logged *loggedChange, now time.Time, terms []session.Term) ([]session.Term, error) {
	if len(logged.record) > 0 {
		r, terms, err := parseRecord(logged.key, logged.record, terms)
		if err != nil {
			return terms, err
		}
		if r.Expires.IsZero() || r.Expires.After(now) {
			return terms, e.records.Load(r, terms)
		}
	}
	e.records.Apply(&session.Change{Puts: []session.Put{{Key: logged.key, Delete: true}}})
	return terms, nil
}
