package session

import (
	"context"
	"errors"
	"time"
)

// Errors of stores. Drivers return them, possibly wrapped.
var (
	// ErrNotFound: there is no such record.
	ErrNotFound = errors.New("session: not found")
	// ErrConflict: a record has not the version that the change expects. Nothing
	// was changed.
	ErrConflict = errors.New("session: changed by somebody else")
	// ErrUnavailable: the store can't take changes now (no space, failed, being
	// opened again). Nothing was changed, and nothing will be.
	ErrUnavailable = errors.New("session: store unavailable")
	// ErrUncertain: it is not known whether the change was made. Read
	// again, then decide.
	ErrUncertain = errors.New("session: outcome unknown")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("session: closed")
)

// Kind is what a record is about.
type Kind uint8

// Kinds of record. Stores treat all alike.
const (
	_           Kind = iota
	KindSession      // a [Session]
	KindAP           // an [AP]
	KindNAS          // what is known of a NAS: its last restart
	KindTask         // a [Task]
	KindMark         // a position or mark of some program; its ID is a name
)

// Key names a record.
type Key struct {
	Kind Kind
	ID   ID
}

// Index is what a term is about.
type Index uint8

// Indexes of sessions.
const (
	_            Index = iota
	IndexIMSI          // the subscriber
	IndexStation       // the station's address
	IndexAP            // the access point
	IndexAddress       // the station's IP address
	IndexAccount       // the NAS with its Acct-Session-Id
	IndexNAS           // the NAS
	IndexUser          // the user's name
)

// Term is a hash of something that records are found by, with its Index
// ([NewTerm]). Different things may have equal terms: who looks records up
// has to look at what they say.
type Term uint64

// Record is what a store keeps under a key.
type Record struct {
	Key Key
	// Version is 1 for a new record and one more with each change.
	Version uint64
	// Due is when the record's owner wants to see it again; zero: never.
	// Seconds are exact enough.
	Due time.Time
	// Expires is when the record ceases to exist; zero: never. Seconds are
	// exact enough.
	Expires time.Time
	// Value is the record's content. It must not be changed, and holds only
	// until the function that it was handed to returns; Get's is the caller's own.
	Value []byte
}

// Put is a new record, or a new state of one.
type Put struct {
	Key Key
	// Expect is the version that the record must have: 0 if there must be none.
	Expect uint64
	// Delete removes the record; nothing below counts then.
	Delete bool
	Due    time.Time
	// Expires as in Record.
	Expires time.Time
	// Terms are what the record is found by; at most MaxTerms.
	Terms []Term
	// SameTerms keeps the terms that the record has; Terms is ignored.
	SameTerms bool
	Value     []byte
}

// Change is what is committed at once: all of it or nothing.
type Change struct {
	Puts []Put // of different keys
	// Journal entries are appended to the journal, in this order.
	Journal [][]byte
}

// Bounds that every store keeps.
const (
	MaxTerms = 8
	MaxValue = 16 << 10 // octets of a value, and of a journal entry
)

// Store keeps records, finds them, and has a journal. Implementations are
// safe for concurrent use. Package sessiontest has this contract as tests.
//
// # Commit
//
// Commit makes the whole change or nothing. When it returns nil, the change is
// as durable as the store can make it, and visible to every later read. It fails with
// ErrConflict if a record's version is not the expected one, 0 standing for
// a record that does not exist or has expired, and with ErrInvalid if the change
// does not validate; nothing is changed then. A
// record's new version is Expect+1. The journal's entries get consecutive
// sequence numbers, the first of which is returned (0 if the change has none);
// numbers grow in the order in which changes become visible, begin with 1, and
// are never used twice, even after a crash. Commit does not keep the change's
// octets after it has returned.
//
// It fails with ErrUnavailable when nothing was and will be changed, and with ErrUncertain
// when the store can't tell: the change is then made whole or not at all, and reads tell which.
// If ctx ends while the change is being made, Commit still waits for the
// outcome: it is a matter of milliseconds or of ErrUncertain.
//
// # Reading
//
// A record whose Expires has passed does not exist: Get, Find, Scan and Due don't
// show it, and its memory and space are freed in time. Get returns ErrNotFound for a
// record that does not exist.
//
// Find calls f for each record that has the term, Scan for each of a kind, Due for each
// of a kind whose Due is not after now; all in no particular order, until f returns false.
// They show the record as it is when f is called or was shortly
// before; a record that exists all the time is shown once. f may use the
// store. A record that is committed before the call is shown.
//
// # Journal
//
// ReadJournal calls f for the entries from sequence number from on, in order, without
// gaps among those committed and not trimmed, until f returns false or the end is reached.
// An entry is shown only after its change has become durable; entry holds only until f
// returns. TrimJournal removes entries before the sequence number given; it may do so late.
// Last returns the sequence number of the newest durable entry that there ever was; 0 for none.
//
// # Close
//
// Close waits for changes being made. After it, everything fails with ErrClosed.
type Store interface {
	Get(ctx context.Context, key Key) (Record, error)
	Find(ctx context.Context, term Term, f func(Record) bool) error
	Scan(ctx context.Context, kind Kind, f func(Record) bool) error
	Due(ctx context.Context, kind Kind, now time.Time, f func(Record) bool) error
	Commit(ctx context.Context, c *Change) (first uint64, err error)
	Journal
	Close() error
}

// AsyncStore is what a [Store] adds whose changes need nobody to wait for them.
type AsyncStore interface {
	Store
	// CommitFunc does what Commit does, and hands the outcome to done: once, from a
	// goroutine of the store's, or before it returns. The change, and what it refers to,
	// must stay as it is until then. Changes that wait at the same time are made in any order.
	// done may read, but must not block, panic, or call Commit.
	CommitFunc(c *Change, done func(first uint64, err error))
}

// Journal is the part of a [Store] that exporters of tickets need.
type Journal interface {
	ReadJournal(ctx context.Context, from uint64, f func(seq uint64, entry []byte) bool) error
	TrimJournal(ctx context.Context, before uint64) error
	Last(ctx context.Context) (uint64, error)
}
