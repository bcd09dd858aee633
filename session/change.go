package session

import (
	"errors"
	"fmt"
)

// ErrInvalid: no store can make the change, for it breaks the rules of
// [Change]: a programmer's error.
var ErrInvalid = errors.New("session: invalid change")

// fewPuts is how many keys are compared each with each.
const fewPuts = 16

// Validate tells a change that stores can make: keys have a kind and a valid
// ID, and are different, and MaxTerms and MaxValue are kept. The error wraps
// ErrInvalid.
func (c *Change) Validate() error {
	for i := range c.Puts {
		p := &c.Puts[i]
		switch {
		case p.Key.Kind == 0 || !p.Key.ID.IsValid():
			return fmt.Errorf("%w: put %d has no key", ErrInvalid, i)
		case p.Delete:
		case len(p.Value) > MaxValue:
			return fmt.Errorf("%w: put %d has a value of %d octets", ErrInvalid, i, len(p.Value))
		case !p.SameTerms && len(p.Terms) > MaxTerms:
			return fmt.Errorf("%w: put %d has %d terms", ErrInvalid, i, len(p.Terms))
		}
	}
	if len(c.Puts) <= fewPuts {
		for i := range c.Puts {
			for j := range i {
				if c.Puts[i].Key == c.Puts[j].Key {
					return fmt.Errorf("%w: puts %d and %d have one key", ErrInvalid, j, i)
				}
			}
		}
	} else {
		seen := make(map[Key]int, len(c.Puts))
		for i := range c.Puts {
			if j, again := seen[c.Puts[i].Key]; again {
				return fmt.Errorf("%w: puts %d and %d have one key", ErrInvalid, j, i)
			}
			seen[c.Puts[i].Key] = i
		}
	}
	for i, entry := range c.Journal {
		if len(entry) > MaxValue {
			return fmt.Errorf("%w: journal entry %d has %d octets", ErrInvalid, i, len(entry))
		}
	}
	return nil
}
