package session

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// MemoryConfig is what a [MemoryStore] may use. The zero value has defaults.
type MemoryConfig struct {
	// MaxRecords is how many records there may be. A change that would make
	// one more fails with ErrUnavailable. Default: four million (4 << 20).
	MaxRecords int
	// JournalOctets is how much memory the journal may use. While it is full,
	// changes with journal entries fail with ErrUnavailable, until it is
	// trimmed. Default: 64 MiB.
	JournalOctets int
}

const defaultJournalOctets = 64 << 20

// Validate names a field that makes no sense.
func (c *MemoryConfig) Validate() error {
	switch {
	case c.MaxRecords < 0:
		return errors.New("session: MaxRecords is negative")
	case c.MaxRecords > limitRecords:
		return fmt.Errorf("session: MaxRecords is more than %d", limitRecords)
	case c.JournalOctets < 0:
		return errors.New("session: JournalOctets is negative")
	}
	return nil
}

// MemoryStore is a [Store] in memory: nothing in it outlives the process. It is
// for tests, and for who can do without tickets when a server dies. Commit
// does not look at its context, since it waits for nothing.
//
// It has no goroutine. Records that have expired are removed by later changes,
// a few by each, and until then count for MaxRecords.
type MemoryStore struct {
	records *Projection
	closed  atomic.Bool
	journal memoryJournal // guarded by records.mu
}

var _ AsyncStore = (*MemoryStore)(nil)

// What a change removes of expired records for each of its own.
const (
	sweepLook   = 128
	sweepRemove = 8
)

// NewMemoryStore returns an empty store. A configuration that does not
// validate panics.
func NewMemoryStore(cfg MemoryConfig) *MemoryStore {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	if cfg.JournalOctets == 0 {
		cfg.JournalOctets = defaultJournalOctets
	}
	return &MemoryStore{
		records: NewProjection(cfg.MaxRecords),
		journal: memoryJournal{maxOctets: cfg.JournalOctets},
	}
}

// CommitFunc implements [AsyncStore]: done has been called when it returns.
func (m *MemoryStore) CommitFunc(c *Change, done func(first uint64, err error)) {
	done(m.Commit(context.Background(), c))
}

// Commit implements [Store].
func (m *MemoryStore) Commit(_ context.Context, c *Change) (first uint64, err error) {
	if err := c.Validate(); err != nil {
		return 0, err
	}
	p := m.records
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.closed.Load() {
		return 0, ErrClosed
	}
	now, left := secondsNow(), sweepRemove*len(c.Puts)
	p.sweep(sweepLook*len(c.Puts), now, func(n uint32) bool {
		p.remove(n)
		left--
		return left > 0
	})
	if err := p.check(c, now); err != nil {
		return 0, err
	}
	if !m.journal.fits(c.Journal) {
		return 0, errJournalFull
	}
	p.apply(c)
	return m.journal.append(c.Journal), nil
}

// Get implements [Store].
func (m *MemoryStore) Get(ctx context.Context, key Key) (Record, error) {
	if m.closed.Load() {
		return Record{}, ErrClosed
	}
	return m.records.Get(ctx, key)
}

// Find implements [Store].
func (m *MemoryStore) Find(ctx context.Context, term Term, f func(Record) bool) error {
	if m.closed.Load() {
		return ErrClosed
	}
	return m.records.Find(ctx, term, f)
}

// Scan implements [Store].
func (m *MemoryStore) Scan(ctx context.Context, kind Kind, f func(Record) bool) error {
	if m.closed.Load() {
		return ErrClosed
	}
	return m.records.Scan(ctx, kind, f)
}

// Due implements [Store].
func (m *MemoryStore) Due(ctx context.Context, kind Kind, now time.Time, f func(Record) bool) error {
	if m.closed.Load() {
		return ErrClosed
	}
	return m.records.Due(ctx, kind, now, f)
}

// Close implements [Store]. It may be called again.
func (m *MemoryStore) Close() error {
	m.records.mu.Lock()
	defer m.records.mu.Unlock()
	m.closed.Store(true)
	return nil
}
