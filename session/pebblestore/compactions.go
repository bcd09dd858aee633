package pebblestore

import (
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// compactor lets Pebble compact its tables, one compaction at a time, and keeps them from the last
// room on the disk. A compaction may have many times the reserve to write before what it has read
// is removed; it can wait, and be done again, while a log that can't be written is the end of the
// database.
//
// Pebble's own would begin the same compaction again at once.
type compactor struct {
	// spare reports whether there is room for more than the log and the tables in memory
	// need; nil: nobody watches.
	spare func() bool
	// allowance is what a compaction may write in any case: tables that are small have to be few.
	allowance int
	// gaveUp is told about one that had to give up.
	gaveUp func(error)

	db   pebble.DBForCompaction
	kick chan struct{}
	stop chan struct{}
	once sync.Once // closes stop
	wg   sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu, which nobody holds while calling Pebble:
	busy  bool          // a compaction runs, or may be about to
	rest  time.Duration // after one that gives up
	until time.Time     // no compaction before
	wrote int           // by the one that runs, octets
	gave  bool          // it gave up
	ended bool
}

var (
	_ pebble.CompactionScheduler   = (*compactor)(nil)
	_ pebble.CompactionGrantHandle = (*compactor)(nil)
)

// After a compaction that had to give up there is none for a while, longer each time.
const (
	firstRest = 100 * time.Millisecond
	maxRest   = 5 * time.Second
)

// compactionInterval is how often Pebble is offered one: it may have been refused before, and asks once.
const compactionInterval = 100 * time.Millisecond

// errNoRoom is what a compaction gets when it would take what others need. Pebble takes it for one that was
// called off; after any other error it would leave those tables alone for half a minute.
var errNoRoom = fmt.Errorf("pebblestore: no room on the disk to compact tables: %w", pebble.ErrCancelledCompaction)

func newCompactor() *compactor {
	return &compactor{kick: make(chan struct{}, 1), stop: make(chan struct{}), rest: firstRest}
}

// Register implements [pebble.CompactionScheduler].
func (c *compactor) Register(_ int, db pebble.DBForCompaction) {
	c.db = db
	c.wg.Go(func() {
		tick := time.NewTicker(compactionInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-c.kick:
			case <-c.stop:
				return
			}
			c.offer()
		}
	})
}

// Unregister implements [pebble.CompactionScheduler]. It may be called again.
func (c *compactor) Unregister() {
	c.once.Do(func() { close(c.stop) })
	c.wg.Wait()
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
}

// TrySchedule implements [pebble.CompactionScheduler].
func (c *compactor) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.busy || time.Now().Before(c.until) {
		return false, nil
	}
	c.busy, c.wrote = true, 0
	return true, c
}

func (c *compactor) offer() {
	if free, handle := c.TrySchedule(); free {
		if waiting, _ := c.db.GetWaitingCompaction(); !waiting || !c.db.Schedule(handle) {
			c.release()
		}
	}
}

func (c *compactor) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	if !c.gave {
		return
	}
	c.gave = false
	c.until = time.Now().Add(c.rest)
	c.rest = min(2*c.rest, maxRest)
}

// UpdateGetAllowedWithoutPermission implements [pebble.CompactionScheduler].
func (c *compactor) UpdateGetAllowedWithoutPermission() {}

// Started implements [pebble.CompactionGrantHandle].
func (c *compactor) Started() {}

// MeasureCPU implements [pebble.CompactionGrantHandle].
func (c *compactor) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats implements [pebble.CompactionGrantHandle].
func (c *compactor) CumulativeStats(pebble.CompactionGrantHandleStats) {}

// Done implements [pebble.CompactionGrantHandle].
func (c *compactor) Done() {
	c.mu.Lock()
	if !c.gave {
		c.rest = firstRest
	}
	c.mu.Unlock()
	c.release()
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// mayWrite is asked before a compaction writes n octets.
func (c *compactor) mayWrite(n int) error {
	c.mu.Lock()
	c.wrote += n
	allowed := c.wrote <= c.allowance
	c.mu.Unlock()
	if c.spare == nil || allowed || c.spare() {
		return nil
	}
	c.mu.Lock()
	c.gave = true
	c.mu.Unlock()
	c.gaveUp(errNoRoom)
	return errNoRoom
}

// compactionCategory is what Pebble calls files that it compacts others into.
const compactionCategory = vfs.DiskWriteCategory("pebble-compaction")

// compactedFile is a table that a compaction writes.
type compactedFile struct {
	guardedFile
	compactor *compactor
}

// Write fails at once if there is no room, for the sooner Pebble gives up the sooner it removes
// what it has written.
func (f *compactedFile) Write(p []byte) (int, error) {
	if err := f.compactor.mayWrite(len(p)); err != nil {
		return 0, err
	}
	return f.guardedFile.Write(p)
}
