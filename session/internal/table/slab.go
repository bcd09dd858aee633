package table

import (
	"encoding/binary"
	"math/bits"
)

// A Slab keeps strings of octets, each of which belongs to an owner, a number.
// The zero value is empty.
//
// Strings of about the same size are items of one class. A class is dense:
// when an item is freed the class's last one takes its place, so that whatever
// was stored before, a class has less than two pages more than its items need.
// Sizes are rounded up to 16 octets, above 512 to an eighth.
type Slab struct {
	classes [classes]class
	spare   [][]byte // pages that are nobody's
}

// MaxString is the size of the longest string that a Slab keeps.
const MaxString = 16 << 10

// A Ref says where a string is. The zero Ref is that of the empty string.
type Ref struct {
	Item  uint32
	Size  uint16
	Class uint8 // 0: no item
}

const (
	pageOctets  = 64 << 10
	maxSpare    = 32
	ownerOctets = 4 // at the beginning of an item
	fineOctets  = 512
	fineStep    = 16
	fineClasses = fineOctets / fineStep
	classes     = 1 + fineClasses + 41
)

type class struct {
	stride, perPage uint32
	items           uint32
	pages           [][]byte
}

// classOf returns the class, from 1 on, that items of n octets belong to, and
// the size of its items.
func classOf(n int) (c uint8, stride uint32) {
	if n <= fineOctets {
		i := (n - 1) / fineStep
		return uint8(1 + i), uint32(i+1) * fineStep
	}
	// Eight classes for each doubling.
	length := bits.Len(uint(n - 1)) // 10 and more
	eighth := (n - 1) >> (length - 4)
	return uint8(1 + fineClasses + (length-10)*8 + eighth - 8), uint32(eighth+1) << (length - 4)
}

func (c *class) at(item uint32) []byte {
	return c.pages[item/c.perPage][item%c.perPage*c.stride:][:c.stride]
}

// Get returns the string at r. It holds until the Slab is changed.
func (s *Slab) Get(r Ref) []byte {
	if r.Class == 0 {
		return nil
	}
	return s.classes[r.Class].at(r.Item)[ownerOctets:][:r.Size]
}

// Put stores a string of at most MaxString octets for its owner.
func (s *Slab) Put(owner uint32, v []byte) Ref {
	if len(v) == 0 {
		return Ref{}
	}
	number, stride := classOf(len(v) + ownerOctets)
	c := &s.classes[number]
	if c.stride == 0 {
		c.stride, c.perPage = stride, pageOctets/stride
	}
	item := c.items
	if int(item/c.perPage) == len(c.pages) {
		c.pages = append(c.pages, s.page())
	}
	c.items++
	at := c.at(item)
	binary.LittleEndian.PutUint32(at, owner)
	copy(at[ownerOctets:], v)
	return Ref{Item: item, Class: number, Size: uint16(len(v))}
}

// Set stores v in place of the string at r if it fits there, and says so.
func (s *Slab) Set(r Ref, v []byte) (Ref, bool) {
	if len(v) == 0 {
		return r, r.Class == 0
	}
	if number, _ := classOf(len(v) + ownerOctets); number != r.Class {
		return r, false
	}
	copy(s.classes[r.Class].at(r.Item)[ownerOctets:], v)
	r.Size = uint16(len(v))
	return r, true
}

// Free removes the string at r. If another had to move for it, moved is true,
// and owner's string is the item of that number now.
func (s *Slab) Free(r Ref) (owner, item uint32, moved bool) {
	if r.Class == 0 {
		return 0, 0, false
	}
	c := &s.classes[r.Class]
	c.items--
	if last := c.at(c.items); r.Item != c.items {
		copy(c.at(r.Item), last)
		owner, item, moved = binary.LittleEndian.Uint32(last), r.Item, true
	}
	// One page stays empty, so that coming and going at its edge costs nothing.
	if n := len(c.pages); n > 1 && c.items <= uint32(n-2)*c.perPage {
		if len(s.spare) < maxSpare {
			s.spare = append(s.spare, c.pages[n-1])
		}
		c.pages[n-1] = nil
		c.pages = c.pages[:n-1]
	}
	return owner, item, moved
}

func (s *Slab) page() []byte {
	if n := len(s.spare); n > 0 {
		p := s.spare[n-1]
		s.spare[n-1], s.spare = nil, s.spare[:n-1]
		return p
	}
	return make([]byte, pageOctets)
}
