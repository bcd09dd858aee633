package eap

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

const (
	// minMethodType is the lowest type of an authentication method (RFC 3748,
	// section 5.3.1).
	minMethodType Type = 4
	// expandedLen is the length of a type in expanded form: 254, Vendor-Id (3),
	// Vendor-Type (4) (RFC 3748, section 5.7).
	expandedLen = 8
)

// isExpandedNak reports whether p is of type 254 with Vendor-Id 0 and
// Vendor-Type 3.
func isExpandedNak(p Packet) bool {
	return p.Type == TypeExpanded && len(p.Data) >= expandedLen-1 &&
		binary.BigEndian.Uint32(p.Data) == 0 && [3]byte(p.Data[4:7]) == [3]byte{0, 0, byte(TypeNak)}
}

// onNak handles a legacy Nak: the types that the peer wants, one octet each;
// 0 is none (RFC 3748, section 5.3.1).
func (c *Conversation) onNak(now time.Time, p Packet) Outcome {
	if !c.mayNak() || len(p.Data) == 0 {
		return c.discard(fmt.Errorf("%w: Nak in answer to %v", ErrUnexpected, c.requested))
	}
	return c.another(now, p, func(t Type) bool { return slices.Contains(p.Data, byte(t)) })
}

// onExpandedNak handles an expanded Nak, which answers a Request of type 254
// only (RFC 3748, section 5.3.2).
func (c *Conversation) onExpandedNak(now time.Time, p Packet) Outcome {
	items := p.Data[expandedLen-1:]
	if !c.mayNak() || c.requested != TypeExpanded || len(items) == 0 || len(items)%expandedLen != 0 {
		return c.discard(fmt.Errorf("%w: expanded Nak in answer to %v", ErrUnexpected, c.requested))
	}
	return c.another(now, p, func(t Type) bool {
		for item := range slices.Chunk(items, expandedLen) {
			// Vendor-Id 0: the IETF's own types. The expanded types of vendors
			// all share 254, which has just been refused.
			if Type(item[0]) == TypeExpanded && binary.BigEndian.Uint64(item)&^(0xff<<56) == uint64(t) {
				return true
			}
		}
		return false
	})
}

// mayNak reports whether the outstanding request is the first one of a method.
func (c *Conversation) mayNak() bool {
	return c.phase == phaseMethod && c.nak && c.requested >= minMethodType
}

// another begins the preferred method of those that the peer wants and has not
// refused before. Without one, there is nothing to talk about.
func (c *Conversation) another(now time.Time, p Packet, wants func(Type) bool) Outcome {
	c.accept(p)
	c.tried = append(c.tried, c.method.Type())
	for _, m := range c.auth.methods {
		if t := m.Type(); wants(t) && !slices.Contains(c.tried, t) {
			return c.begin(now, m)
		}
	}
	return c.fail(fmt.Errorf("%w: peer refused %v", ErrNoMethod, c.tried))
}
