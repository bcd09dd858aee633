package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/opentwag/twag/session"
)

// engine is an opened database with its records in memory. It lives until its
// guard dies or the store is closed.
type engine struct {
	guard   *guard
	db      *pebble.DB
	cache   *pebble.Cache
	records *session.Projection
	// failed gets the reason of the guard's death.
	failed chan error
	// committed is closed when the committer has ended.
	committed chan struct{}

	// flushing and flushWanted are of flush, which must not begin with memTables octets in memory.
	flushing, flushWanted atomic.Bool
	memTables             uint64
	logger                *slog.Logger
	logged                atomic.Int64 // when, for errorInterval
	log                   recordLog    // of the committer, once loaded
	used                  uint64       // first entry of the journal's oldest block; of the committer, once loaded
	reclaimer             *reclaimer

	last  atomic.Uint64 // newest durable journal entry
	first atomic.Uint64 // oldest entry that was not trimmed

	// reading is held by who reads the journal, and by who closes.
	reading sync.RWMutex
	closed  bool
}

// cacheOctets is for reading the journal; records are in memory.
const cacheOctets = 16 << 20

// openEngine opens the database in dir and loads its records. On error nothing of it
// is left.
func openEngine(dir string, cfg *Config, disk *space) (e *engine, err error) {
	e = &engine{
		failed:    make(chan error, 1),
		committed: make(chan struct{}),
		records:   session.NewProjection(cfg.MaxRecords),
	}
	e.reclaimer, e.logger, e.memTables = newReclaimer(e.excise), cfg.Logger, uint64(memTables*cfg.MemTableOctets)
	e.guard = newGuard(cfg.fs, func(err error) { e.failed <- err })
	if disk.reserve > 0 {
		c := e.guard.compactor
		c.spare, c.allowance, c.gaveUp = disk.spare, int(cfg.MemTableOctets/16), e.tableError
	}
	e.cache = pebble.NewCache(cacheOctets)
	if e.db, err = openDB(dir, e.options(cfg)); err != nil {
		e.cache.Unref()
		e.guard.kill(err)
		e.drain()
		go e.guard.compactor.Unregister() // Pebble may not have; after a panic it may hold what that waits for
		return nil, <-e.failed            // the guard's, if it has one: Pebble's is a consequence
	}
	if err = e.load(); err == nil && !e.guard.dead.Load() {
		e.guard.opened.Store(true)
		return e, nil
	}
	e.guard.kill(err)
	e.drain()
	_ = e.close()
	return nil, <-e.failed
}

// openDB makes an error of a panic: Pebble answers some errors in that way.
func openDB(dir string, opts *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("pebblestore: open: %v", r)
		}
	}()
	return pebble.Open(dir, opts)
}

// options are chosen for two cores and records that are in memory anyway: few and
// late compactions, for nobody searches many tables, which overlap no other and
// so are moved between levels rather than rewritten.
func (e *engine) options(cfg *Config) *pebble.Options {
	mem := cfg.MemTableOctets
	o := &pebble.Options{
		FS:                          e.guard,
		Logger:                      quietLogger{e.guard, cfg.Logger},
		Cache:                       e.cache,
		FormatMajorVersion:          pebble.FormatTableFormatV6,
		MemTableSize:                uint64(mem),
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       16,
		L0StopWritesThreshold:       math.MaxInt32, // slow reading does not matter
		LBaseMaxBytes:               8 * mem,
		MaxOpenFiles:                256,
		EventListener: &pebble.EventListener{
			WriteStallBegin: func(i pebble.WriteStallBeginInfo) { cfg.Logger.Warn(msgStalled, "detail", i.Reason) },
			BackgroundError: e.tableError,
			FlushEnd:        e.flushed,
		},
	}
	o.Experimental.SpanPolicyFunc = apart
	o.Experimental.CompactionScheduler = e.guard.compactor
	o.Experimental.ReadSamplingMultiplier = -1 // reading never starts compactions
	for i := range o.TargetFileSizes {
		o.TargetFileSizes[i] = max(mem/4, 1<<20)
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 32 << 10
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	return o
}

// apart has Pebble keep what begins with different letters in different tables. Each kind of
// key only grows and is removed from its beginning, so a table of one kind overlaps no other, and can be
// removed as a whole: see reclaimer.
func apart(key []byte) (pebble.SpanPolicy, []byte, error) {
	if len(key) == 0 || key[0] == 0xff {
		return pebble.SpanPolicy{}, nil, nil
	}
	return pebble.SpanPolicy{}, []byte{key[0] + 1}, nil
}

// errorInterval is how often at most Pebble's errors are logged: it tries again and again.
const errorInterval = 10 * time.Second

// tableError logs an error of tables, which Pebble survives. It is called on any goroutine.
func (e *engine) tableError(err error) {
	now, last := time.Now().UnixNano(), e.logged.Load()
	if !e.guard.dead.Load() && now-last >= int64(errorInterval) && e.logged.CompareAndSwap(last, now) {
		e.logger.Warn(msgPebble, "detail", err.Error())
	}
}

// load reads what the database has.
func (e *engine) load() error {
	if err := e.loadFormat(); err != nil {
		return err
	}
	if err := e.loadJournal(); err != nil {
		return err
	}
	if err := e.loadLog(); err != nil {
		return err
	}
	return e.reclaimLoaded()
}

// loadFormat checks the format. It is written even if it is there: a database that can't be
// written is not ready.
func (e *engine) loadFormat() error {
	switch v, closer, err := e.db.Get(formatKey); {
	case errors.Is(err, pebble.ErrNotFound):
	case err != nil:
		return err
	default:
		err = checkFormat(v)
		_ = closer.Close()
		if err != nil {
			return err
		}
	}
	return e.db.Set(formatKey, formatValue, pebble.Sync)
}

func (e *engine) loadJournal() error {
	first, last := uint64(1), uint64(0)
	switch v, closer, err := e.db.Get(trimKey); {
	case errors.Is(err, pebble.ErrNotFound):
	case err != nil:
		return err
	default:
		first, last, err = parseTrim(v)
		_ = closer.Close()
		if err != nil {
			return err
		}
	}
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: journalBegin, UpperBound: journalEnd})
	if err != nil {
		return err
	}
	defer it.Close()
	if it.Last() {
		seq, err := parseJournalKey(it.Key())
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
		last = max(last, seq+n-1)
	}
	e.used = first
	if seekBlock(it, first) {
		seq, err := parseJournalKey(it.Key())
		if err != nil {
			return err
		}
		e.used = min(first, seq)
	}
	e.first.Store(first)
	e.last.Store(last)
	return it.Error()
}

// drain waits until nothing that the dead engine does can reach the disk.
func (e *engine) drain() {
	for d := 50 * time.Microsecond; !e.guard.drained(); d = min(2*d, 100*time.Millisecond) {
		time.Sleep(d)
	}
}

// close closes the database. Nobody may be committing.
func (e *engine) close() (err error) {
	e.reading.Lock()
	defer e.reading.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	defer e.cache.Unref()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebblestore: close: %v", r)
		}
	}()
	return e.db.Close()
}
