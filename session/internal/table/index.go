package table

// An Index finds items, which are numbers, by the hashes of what they stand
// for. The zero value is empty.
//
// It is an open-addressed hash table in segments that grow on their own, by a
// quarter: no addition copies more than a small part of the whole, and at the
// least five of eight places are used. A place is 32 bits of the hash beside
// the item, so that most probes look at nothing else. Hashes must be seeded:
// who can choose them can make the table slow.
type Index struct {
	segments [segments]segment
}

const (
	segments     = 256
	firstSegment = 8
)

type segment struct {
	places []uint64 // high half: tag; low half: item + 1; 0: free
	used   int
}

// place returns what stands for the item in a segment.
func place(h uint64, item uint32) uint64 { return h>>24<<32 | uint64(item) + 1 }

// locate returns the segment of a hash. What the segment goes by is the tag,
// which has none of the bits that chose it.
func (x *Index) locate(h uint64) *segment { return &x.segments[h>>56] }

// home returns where the search for a place begins.
func (s *segment) home(place uint64) int {
	return int(place >> 32 * uint64(len(s.places)) >> 32)
}

func (s *segment) after(i int) int {
	if i++; i < len(s.places) {
		return i
	}
	return 0
}

// Find returns an item of this hash that same agrees to.
func (x *Index) Find(h uint64, same func(item uint32) bool) (item uint32, ok bool) {
	s := x.locate(h)
	if len(s.places) == 0 {
		return 0, false
	}
	tag := place(h, 0) >> 32
	for i := s.home(tag << 32); s.places[i] != 0; i = s.after(i) {
		if p := s.places[i]; p>>32 == tag && same(uint32(p)-1) {
			return uint32(p) - 1, true
		}
	}
	return 0, false
}

// Add adds an item, which must be less than 1<<32 - 1 and not be there.
func (x *Index) Add(h uint64, item uint32) {
	s := x.locate(h)
	if 5*(s.used+1) > 4*len(s.places) {
		s.grow()
	}
	s.insert(place(h, item))
	s.used++
}

func (s *segment) insert(p uint64) {
	i := s.home(p)
	for s.places[i] != 0 {
		i = s.after(i)
	}
	s.places[i] = p
}

func (s *segment) grow() {
	old := s.places
	s.places = make([]uint64, max(firstSegment, len(old)+len(old)/4))
	for _, p := range old {
		if p != 0 {
			s.insert(p)
		}
	}
}

// search returns where the place is, which has to be there.
func (s *segment) search(p uint64) int {
	i := s.home(p)
	for s.places[i] != p {
		if s.places[i] == 0 {
			panic("table: no such item")
		}
		i = s.after(i)
	}
	return i
}

// Replace puts another item of the same hash where old is, which must be
// there.
func (x *Index) Replace(h uint64, old, item uint32) {
	s := x.locate(h)
	s.places[s.search(place(h, old))] = place(h, item)
}

// Remove removes an item, which must be there.
func (x *Index) Remove(h uint64, item uint32) {
	s := x.locate(h)
	hole := s.search(place(h, item))
	// What comes after it moves up unless that were before its home, so that
	// no search ends at the hole.
	for i := s.after(hole); s.places[i] != 0; i = s.after(i) {
		if p := s.places[i]; s.distance(s.home(p), i) >= s.distance(hole, i) {
			s.places[hole] = p
			hole = i
		}
	}
	s.places[hole] = 0
	s.used--
}

// distance returns how many steps lead from one place to another.
func (s *segment) distance(from, to int) int {
	if to >= from {
		return to - from
	}
	return to - from + len(s.places)
}
