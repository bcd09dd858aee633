package pebblestore

import (
	"errors"
	"time"

	"github.com/opentwag/twag/session"
)

// noChange is what a trim has for a change.
var noChange session.Change

const (
	sweepInterval = time.Second
	// sweepShare is the part of the records that is looked at each time.
	sweepShare = 16
	// sweepLook is how many records the projection looks at in a call.
	sweepLook = 4096
	// sweepKeys is how many expired records are removed by one change.
	sweepKeys = 64
)

// sweep removes what has expired, from the disk and from memory.
func (s *Store) sweep() {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	keys := make([]session.Key, 0, sweepKeys)
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		e := s.view.Load()
		if e == nil {
			continue
		}
		for looks := e.records.Len()/sweepLook/sweepShare + 1; looks > 0; {
			keys = e.records.Expired(keys[:0])
			if len(keys) < sweepKeys {
				looks--
			}
			if !s.remove(keys) {
				break
			}
		}
	}
}

// remove deletes expired records, but not those that were made anew since:
// the change is an ordinary one that expects them not to exist.
func (s *Store) remove(keys []session.Key) bool {
	if len(keys) == 0 {
		return true
	}
	c := session.Change{Puts: make([]session.Put, len(keys))}
	for i, key := range keys {
		c.Puts[i] = session.Put{Key: key, Delete: true}
	}
	r := newRequest(&c)
	r.frees = true
	_, err := s.submit(r)
	if errors.Is(err, session.ErrConflict) && len(keys) > 1 {
		return s.remove(keys[:len(keys)/2]) && s.remove(keys[len(keys)/2:])
	}
	return err == nil || errors.Is(err, session.ErrConflict)
}
