package diameter

import (
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"
)

// identifiers makes End-to-End identifiers and Session-Ids.
type identifiers struct {
	endToEnd atomic.Uint32
	session  atomic.Uint64
}

// start begins the sequences: End-to-End identifiers with the low 12 bits of
// the time and 20 random ones (RFC 6733, section 3), Session-Ids with the time
// in their high half (section 8.8).
func (i *identifiers) start(now time.Time) {
	i.endToEnd.Store(uint32(now.Unix())<<20 | rand.Uint32()>>12)
	i.session.Store(uint64(now.Unix()) << 32)
}

func (i *identifiers) nextEndToEnd() uint32 {
	for {
		if id := i.endToEnd.Add(1); id != 0 {
			return id
		}
	}
}

// NewEndToEndID returns an End-to-End identifier that was never used, for a
// request that has to keep its own when it is sent again (RFC 6733, section
// 3). Exchange gives one to a request that has none.
func (n *Node) NewEndToEndID() uint32 { return n.ids.nextEndToEnd() }

func (i *identifiers) nextSession(host string) string {
	n := i.session.Add(1)
	b := make([]byte, 0, len(host)+22)
	b = append(b, host...)
	b = append(b, ';')
	b = strconv.AppendUint(b, n>>32, 10)
	b = append(b, ';')
	b = strconv.AppendUint(b, n&0xffffffff, 10)
	return string(b)
}
