package pebblestore

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config is how a store works. The zero Config is good.
type Config struct {
	// Logger gets what an operator has to know; nil: silence.
	Logger *slog.Logger
	Hooks  Hooks
	// MaxRecords is how many records there may be; a change that would make one
	// more gets session.ErrUnavailable. 0: what session.NewProjection makes of it.
	MaxRecords int
	// CommitDelay is how long a change waits at most for others to be written
	// with; only under load does any wait. 0: 2 ms; negative: never.
	CommitDelay time.Duration
	// MaxQueue is how many changes may wait to be written; one more gets
	// session.ErrUnavailable. 0: 65536.
	MaxQueue int
	// CommitTimeout is how long a write may take before the store gives the
	// database up and opens it anew. 0: 5 s.
	CommitTimeout time.Duration
	// MemTableOctets is the size of Pebble's tables in memory, up to three of which
	// are in use, each with a log of that size on the disk. Larger ones save
	// writing. 0: 64 MiB, less on a disk of less than 8 GiB: a 128th, at least 1 MiB.
	// From 256 KiB to 1 GiB.
	MemTableOctets int64
	// ReserveOctets is the room on the disk below which changes are refused. Pebble
	// needs some to write its tables from memory to the disk, three at most, and a log and a
	// manifest: four times MemTableOctets are enough, and what 0 stands for. What Pebble
	// would compact besides waits while that would take the reserve. Negative: no
	// reserve; a disk that is full is then noticed by writes that fail.
	ReserveOctets int64

	// For tests:
	fs vfs.FS
	// firstRetry is the pause before the database is opened anew, maxRetry what it
	// grows to.
	firstRetry, maxRetry time.Duration
	closeTimeout         time.Duration
	// look is how often the supervisor looks at the write under way and at the room on the
	// disk: 16 times in CommitTimeout.
	look time.Duration
}

const (
	minMemTable = 256 << 10
	maxMemTable = 1 << 30
	// memTables is how many there are before writes wait for the disk.
	memTables = 3
	// reserveTables is the default reserve in MemTableOctets.
	reserveTables = memTables + 1
)

// Validate names the field that can't be.
func (c Config) Validate() error {
	switch {
	case c.MaxRecords < 0:
		return fmt.Errorf("pebblestore: MaxRecords: negative")
	case c.MaxQueue < 0:
		return fmt.Errorf("pebblestore: MaxQueue: negative")
	case c.CommitTimeout < 0:
		return fmt.Errorf("pebblestore: CommitTimeout: negative")
	case c.MemTableOctets != 0 && (c.MemTableOctets < minMemTable || c.MemTableOctets > maxMemTable):
		return fmt.Errorf("pebblestore: MemTableOctets: %d is not within %d and %d", c.MemTableOctets, minMemTable, maxMemTable)
	default:
		return nil
	}
}

// withDefaults returns c with its defaults, for a disk of so many octets (0:
// not known).
func (c Config) withDefaults(disk uint64) Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.CommitDelay == 0 {
		c.CommitDelay = 2 * time.Millisecond
	}
	if c.MaxQueue == 0 {
		c.MaxQueue = 1 << 16
	}
	if c.CommitTimeout == 0 {
		c.CommitTimeout = 5 * time.Second
	}
	if c.MemTableOctets == 0 {
		c.MemTableOctets = 64 << 20
		if disk > 0 {
			c.MemTableOctets = min(c.MemTableOctets, max(int64(min(disk, 1<<40)/128), 1<<20))
		}
	}
	if c.ReserveOctets == 0 {
		c.ReserveOctets = reserveTables * c.MemTableOctets
	}
	if c.firstRetry == 0 {
		c.firstRetry = 100 * time.Millisecond
	}
	if c.maxRetry == 0 {
		c.maxRetry = 5 * time.Second
	}
	if c.closeTimeout == 0 {
		c.closeTimeout = 5 * time.Second
	}
	if c.look == 0 {
		c.look = max(c.CommitTimeout/16, time.Millisecond)
	}
	return c
}
