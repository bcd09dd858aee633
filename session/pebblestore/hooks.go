package pebblestore

import "time"

// Hooks are called when something happens; each may be nil. They must not
// block, and not use the store.
type Hooks struct {
	// Committed: changes have been written and synced.
	Committed func(CommitInfo)
	// StateChanged: the store is in another state.
	StateChanged func(StateInfo)
}

// CommitInfo is what Committed gets: one write, which may hold many changes.
type CommitInfo struct {
	Changes  int
	Octets   int // that were written
	Duration time.Duration
}

// StateInfo is what StateChanged gets.
type StateInfo struct {
	Old, New State
	Err      error // why, if it is a failure
}

// State is how a store is.
//
//	Ready <----> NoSpace
//	  |  ^          |
//	  v  |          v
//	 Failed <-------+        Close leads from each to Closed
type State uint8

// States of a store.
const (
	// Ready: it takes changes.
	Ready State = iota + 1
	// NoSpace: the disk has less room than the reserve. It is read, and does not
	// change.
	NoSpace
	// Failed: the database failed and is being opened anew.
	Failed
	// Closed: it has been closed.
	Closed
)

func (s State) String() string {
	switch s {
	case Ready:
		return "ready"
	case NoSpace:
		return "no space"
	case Failed:
		return "failed"
	case Closed:
		return "closed"
	default:
		return "invalid"
	}
}
