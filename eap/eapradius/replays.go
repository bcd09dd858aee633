package eapradius

import (
	"encoding/binary"
	"math"
	"sync"
	"time"
)

const loginLen = 8

// loginID names a login in its sealed States. It is random.
type loginID [loginLen]byte

// replays remembers which States of which login have been used, for as long
// as those States are good. It holds a few octets per login, without pointers.
//
// It is kept in two generations: a login is in the newer one, from the time of
// its last State, and the older one is dropped when its States have all run
// out. When the newer one is full before that, the older one goes early: a
// server under more logins than it has memory for forgets the oldest, and of
// these a State could be used again until it runs out.
type replays struct {
	max      int // per shard and generation
	lifetime time.Duration
	shards   [shards]replayShard
}

type replayShard struct {
	mu         sync.Mutex
	newer, old map[loginID]usage
	since      time.Time // when newer was begun
}

// usage is what is known of a login.
type usage struct {
	turn    uint16 // the latest State that was used
	invalid uint8  // packets that came with it and were discarded
	state   usageState
}

// claimed reports whether the State with this number is the one being worked
// on. It is not if a later one has come, which another server made of the same
// State, or if that has ended the login.
func (u *usage) claimed(turn uint16) bool { return u.state == usageBusy && u.turn == turn }

type usageState uint8

const (
	// usageBusy: the request with the State is being worked on.
	usageBusy usageState = iota
	// usageDone: it was answered with the next State.
	usageDone
	// usageOpen: it was of no use; the State may be used once more.
	usageOpen
	// usageEnded: the login is over.
	usageEnded
)

func newReplays(max int, lifetime time.Duration) *replays {
	r := &replays{max: (max + shards - 1) / shards, lifetime: lifetime}
	for i := range r.shards {
		r.shards[i].newer = make(map[loginID]usage)
	}
	return r
}

func (r *replays) shard(id loginID) *replayShard {
	return &r.shards[binary.BigEndian.Uint64(id[:])%shards]
}

// claim takes State number turn of the login for the caller, and returns how
// many packets were discarded that came with it before. It fails with
// ErrUnknownState if the login is over, ErrBusy if the State is in use, and
// ErrStaleState if it or a later one was used.
func (r *replays) claim(id loginID, turn uint16, now time.Time) (invalid int, err error) {
	sh := r.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	u, known, newer := sh.get(id)
	switch {
	case !known:
	case u.state == usageEnded:
		return 0, ErrUnknownState
	case turn < u.turn:
		return 0, ErrStaleState
	case turn > u.turn:
		u = usage{}
	case u.state == usageBusy:
		return 0, ErrBusy
	case u.state == usageDone:
		return 0, ErrStaleState
	}
	u.turn, u.state = turn, usageBusy
	r.put(sh, id, u, newer, now)
	return int(u.invalid), nil
}

// done notes that the claimed State was answered with the next one.
func (r *replays) done(id loginID, turn uint16, now time.Time) {
	r.set(id, turn, now, func(u *usage) {
		if u.claimed(turn) {
			u.state = usageDone
		}
	})
}

// release gives the claimed State back: the packet that came with it was
// discarded.
func (r *replays) release(id loginID, turn uint16, now time.Time) {
	r.set(id, turn, now, func(u *usage) {
		if !u.claimed(turn) {
			return
		}
		u.state = usageOpen
		if u.invalid < math.MaxUint8 {
			u.invalid++
		}
	})
}

// end notes that the login is over, whatever State of it is being worked on;
// turn is the one that the caller has claimed, 0 if none.
func (r *replays) end(id loginID, turn uint16, now time.Time) {
	r.set(id, turn, now, func(u *usage) { u.state = usageEnded })
}

func (r *replays) set(id loginID, turn uint16, now time.Time, change func(*usage)) {
	if turn == 0 {
		// No State was used yet, so there is nothing to look for.
		return
	}
	sh := r.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if u, known, newer := sh.get(id); known {
		change(&u)
		r.put(sh, id, u, newer, now)
	}
}

// get returns what is known of the login, if anything, and whether that is in
// the newer generation.
func (sh *replayShard) get(id loginID) (u usage, known, newer bool) {
	if u, newer = sh.newer[id]; newer {
		return u, true, true
	}
	u, known = sh.old[id]
	return u, known, false
}

// put notes u for the login; newer tells whether the newer generation has it.
func (r *replays) put(sh *replayShard, id loginID, u usage, newer bool, now time.Time) {
	age := now.Sub(sh.since)
	if age >= r.lifetime || !newer && len(sh.newer) >= r.max {
		sh.old = sh.newer
		if age >= 2*r.lifetime {
			sh.old = nil
		}
		sh.newer = make(map[loginID]usage, len(sh.old))
		sh.since = now
	}
	sh.newer[id] = u
}
