package pebblestore

import (
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/opentwag/twag/session"
)

// space watches the room on the disk.
type space struct {
	fs      vfs.FS
	dir     string
	reserve uint64 // 0: nobody watches

	mu sync.Mutex
	// Guarded by mu:
	looked time.Time
	free   uint64
	low    bool
}

// spaceInterval is how long a look at the disk holds. Within it not even a fast disk
// takes a noticeable part of a reserve.
const spaceInterval = 5 * time.Millisecond

// errNoSpace is what changes get while the disk has less than the reserve.
var errNoSpace = fmt.Errorf("%w: disk nearly full", session.ErrUnavailable)

// look reports whether there is too little room for changes (low), and for what
// frees room (lowest).
func (s *space) look() (free uint64, low, lowest bool) {
	if s.reserve == 0 {
		return 0, false, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.looked) >= spaceInterval {
		s.looked = now
		usage, err := s.fs.GetDiskUsage(s.dir)
		if err != nil {
			return s.free, s.low, s.low // as before; the write will tell
		}
		s.free = usage.AvailBytes
		limit := s.reserve
		if s.low {
			limit += limit / 8 // lest it change with every write
		}
		s.low = s.free < limit
	}
	return s.free, s.low, s.low && s.free < s.reserve/2
}

// spare reports whether a compaction may go on writing. What it leaves is more than the reserve, so that no
// change is refused for it. It asks the disk each time: a compaction writes as fast as the disk can.
func (s *space) spare() bool {
	usage, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		return true // the write will tell
	}
	return usage.AvailBytes > s.reserve/4*5
}
