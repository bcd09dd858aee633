package dict

import (
	"fmt"

	"github.com/opentwag/twag/diameter/wire"
)

// Type is the data format of an AVP (RFC 6733, sections 4.2 and 4.3).
type Type uint8

// Types.
const (
	OctetString Type = iota
	UTF8String
	DiameterIdentity
	Unsigned32
	Unsigned64
	Enumerated
	Address
	Time
	Grouped
)

// AVP is what the standards say of one AVP. Flags are those that we send;
// what comes in may have M set or clear, since releases differ.
type AVP struct {
	Code, Vendor uint32
	Flags        uint8
	Type         Type
	Name, Source string
}

// Row returns a row of a table.
func Row(code, vendor uint32, flags uint8, typ Type, name, source string) AVP {
	return AVP{code, vendor, flags, typ, name, source}
}

// Flags of AVPs.
const (
	M  = wire.FlagMandatory
	V  = wire.FlagVendor
	VM = V | M
)

// Find returns the row of the AVP, or nil.
func Find(table []AVP, code, vendor uint32) *AVP {
	for i := range table {
		if d := &table[i]; d.Code == code && d.Vendor == vendor {
			return d
		}
	}
	return nil
}

// Accepts reports whether a is in the table, or need not be known (RFC 6733, section 4.1).
func Accepts(table []AVP, a wire.AVP) bool {
	return a.Flags&M == 0 || Find(table, a.Code, a.Vendor) != nil
}

// Example is the AVP with the zero value of its type, for the Failed-AVP of one that is missing
// (RFC 6733, section 7.5).
func (d *AVP) Example() wire.AVP {
	a := wire.AVP{Code: d.Code, Vendor: d.Vendor, Flags: d.Flags}
	switch d.Type {
	case Unsigned32, Enumerated, Time:
		a.Data = make([]byte, 4)
	case Unsigned64:
		a.Data = make([]byte, 8)
	}
	return a
}

// Blame is the text of an error about a, with no octet of its data. Its Code is 0 where a message
// could not be walked.
func Blame(table []AVP, a wire.AVP, err error) string {
	switch d := Find(table, a.Code, a.Vendor); {
	case a.Code == 0:
		return fmt.Sprintf("decode: %v", err)
	case d != nil:
		return fmt.Sprintf("decode: %s: %v", d.Name, err)
	default:
		return fmt.Sprintf("decode: AVP %d of vendor %d: %v", a.Code, a.Vendor, err)
	}
}

// Check returns what is wrong with a table.
func Check(table []AVP) error {
	type key struct{ code, vendor uint32 }
	seen := make(map[key]bool)
	for _, d := range table {
		switch k := (key{d.Code, d.Vendor}); {
		case d.Code == 0, d.Name == "", d.Source == "":
			return fmt.Errorf("dict: %d %q: not all is said", d.Code, d.Name)
		case d.Vendor != 0 != (d.Flags&V != 0):
			return fmt.Errorf("dict: %s: V bit and vendor disagree", d.Name)
		case seen[k]:
			return fmt.Errorf("dict: %s: twice", d.Name)
		default:
			seen[k] = true
		}
	}
	return nil
}
