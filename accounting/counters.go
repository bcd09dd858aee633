package accounting

import (
	"math"
	"time"
)

// Has says which counters an event carries.
type Has uint8

// Counters that an event may carry.
const (
	HasInputOctets Has = 1 << iota
	HasOutputOctets
	HasInputPackets
	HasOutputPackets
	HasSessionTime
	HasGigawords // in at least one direction
)

// Counters are what a NAS has counted since a session began (RFC 2866, section 5). Octets
// are with their gigawords: octets + 2^32 * gigawords.
type Counters struct {
	Has                         Has
	InputOctets, OutputOctets   uint64
	InputPackets, OutputPackets uint64
	SessionTime                 time.Duration
}

// The counters as numbers, in the order of their bits in Has.
const (
	inputOctets = iota
	outputOctets
	inputPackets
	outputPackets
	sessionTime // in seconds
	numCounters
)

type counts [numCounters]uint64

func (c *Counters) counts() counts {
	return counts{c.InputOctets, c.OutputOctets, c.InputPackets, c.OutputPackets, uint64(c.SessionTime / time.Second)}
}

func (h Has) counter(i int) bool { return h>>i&1 != 0 }

// wrapAt is where a counter without gigawords begins again.
const wrapAt = 1 << 32

// Bounds of what a wrap may mean.
const (
	// maxPacketOctets is more than any packet on a WLAN or Ethernet.
	maxPacketOctets = 9216
	// maxOctetRate in octets a second is 10 Gbit/s.
	maxOctetRate = 10_000_000_000 / 8
	// wrapFactor is how much faster than before a session may have become.
	wrapFactor = 4
)

// growth is what is known of a counter that went back, and of its session.
type growth struct {
	before, after  uint64        // the counter
	packets        uint64        // by how much its packet counter grew, if packetsKnown
	packetsKnown   bool          //
	elapsed        time.Duration // between the two events
	total          uint64        // counted until before
	since          time.Duration // it took so long
	gigawords      bool          // the NAS has sent gigawords in this session
	othersWentBack bool          // Session-Time, a packet counter or the other direction
}

// isWrap tells a 32-bit counter that began again at 2^32 from one that was reset, for a NAS
// that has never sent gigawords.
//
// A reset takes the other counters with it, so if one of them went back as well, it is
// none. Where packets are counted, the growth that a wrap means must fit in the packets. Where
// they are not, it must be less than half of the range (the smaller of the two possible changes, as
// with serial numbers), or no more than four times what the session's rate so far would give. It never
// exceeds 10 Gbit/s. More than one wrap between two events can't be told by anyone.
func (g *growth) isWrap() bool {
	if g.gigawords || g.othersWentBack || g.before >= wrapAt || g.after >= g.before {
		return false
	}
	grown := wrapAt - g.before + g.after
	seconds := max(g.elapsed.Seconds(), 1)
	if float64(grown) > seconds*maxOctetRate {
		return false
	}
	if g.packetsKnown {
		return grown <= saturatingMul(g.packets, maxPacketOctets)
	}
	if grown < wrapAt/2 {
		return true
	}
	return g.since > 0 && float64(grown) <= wrapFactor*seconds*float64(g.total)/g.since.Seconds()
}

func saturatingAdd(a, b uint64) uint64 {
	if sum := a + b; sum >= a {
		return sum
	}
	return math.MaxUint64
}

func saturatingMul(a, b uint64) uint64 {
	if b != 0 && a > math.MaxUint64/b {
		return math.MaxUint64
	}
	return a * b
}
