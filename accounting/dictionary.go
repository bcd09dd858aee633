package accounting

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// kind is how an attribute's value is written.
type kind uint8

const (
	octets kind = iota // 0x and hexadecimal digits
	text
	number  // four octets, as are dates
	number1 // one octet
	number8 // eight octets
	addr4
	addr6
	prefix6      // reserved octet, length, prefix (RFC 3162, section 2.3)
	taggedText   // an octet up to 0x1f before the text is a tag (RFC 2868, section 3.3)
	taggedNumber // the first of the four octets is the tag (RFC 2868, section 3.1)
)

// attributeDef is a row of the dictionary.
type attributeDef struct {
	number byte
	name   string
	kind   kind
	values []string // names of numbers
}

// vendorDef is a vendor of the dictionary.
type vendorDef struct {
	number     uint32
	name       string
	attributes []attributeDef
}

// attribute is what the dictionary knows of an attribute.
type attribute struct {
	attributeDef
	vendor uint32 // 0: standard
	line   string // what a line of a detail file begins with
}

// The dictionary's indexes.
var (
	standard        [256]*attribute
	vendors         = make([]vendor, 0, len(vendorDefs))
	attributeByName = make(map[string]*attribute, 1024)
)

type vendor struct {
	number     uint32
	attributes *[256]*attribute
}

func init() {
	index(0, standardAttributes, &standard)
	for _, v := range vendorDefs {
		all := new([256]*attribute)
		index(v.number, v.attributes, all)
		vendors = append(vendors, vendor{v.number, all})
	}
}

func index(vendor uint32, defs []attributeDef, all *[256]*attribute) {
	rows := make([]attribute, len(defs))
	for i, d := range defs {
		rows[i] = attribute{attributeDef: d, vendor: vendor, line: "\t" + d.name + " = "}
		all[d.number] = &rows[i]
		attributeByName[d.name] = &rows[i]
	}
}

// vendorAttributes returns the attributes of a vendor, or nil.
func vendorAttributes(number uint32) *[256]*attribute {
	for i := range vendors {
		if vendors[i].number == number {
			return vendors[i].attributes
		}
	}
	return nil
}

// attributeRef names an attribute of the wire, known or not.
type attributeRef struct {
	vendor uint32 // 0: standard
	number byte
	known  *attribute // nil if the dictionary does not have it
	tag    int        // -1: none was named
}

// appendName appends what files call the attribute.
func (r attributeRef) appendName(b []byte) []byte {
	if r.known == nil {
		return r.appendNumbers(b)
	}
	b = append(b, r.known.name...)
	if r.tag >= 0 {
		b = strconv.AppendInt(append(b, ':'), int64(r.tag), 10)
	}
	return b
}

// appendNumbers appends the name of an attribute that the dictionary does not have.
func (r attributeRef) appendNumbers(b []byte) []byte {
	b = append(b, rawName...)
	if r.vendor != 0 {
		b = append(b, "26."...)
		b = strconv.AppendUint(b, uint64(r.vendor), 10)
		b = append(b, '.')
	}
	return strconv.AppendUint(b, uint64(r.number), 10)
}

// rawName is what the name of an attribute begins with that is known by its numbers
// only: Attr-241, Attr-26.9.250.
const rawName = "Attr-"

// parseAttribute returns the attribute of a name: one of the dictionary,
// with ":" and a tag where it has tags, or one by its numbers.
func parseAttribute(name string) (attributeRef, bool) {
	if a := attributeByName[name]; a != nil {
		return attributeRef{a.vendor, a.number, a, -1}, true
	}
	if base, tag, ok := strings.Cut(name, ":"); ok {
		a := attributeByName[base]
		n, err := strconv.ParseUint(tag, 10, 8)
		if a == nil || a.kind != taggedText && a.kind != taggedNumber || err != nil || n > 0x1f || tag != strconv.FormatUint(n, 10) {
			return attributeRef{}, false
		}
		return attributeRef{a.vendor, a.number, a, int(n)}, true
	}
	if rest, ok := strings.CutPrefix(name, "ERX-"); ok { // what others call Unisphere's
		if a := attributeByName["Unisphere-"+rest]; a != nil {
			return attributeRef{a.vendor, a.number, a, -1}, true
		}
	}
	rest, ok := strings.CutPrefix(name, rawName)
	if !ok {
		return attributeRef{}, false
	}
	r := attributeRef{tag: -1}
	last := rest
	if sub, ok := strings.CutPrefix(rest, "26."); ok {
		id, number, ok := strings.Cut(sub, ".")
		n, err := strconv.ParseUint(id, 10, 32)
		if !ok || err != nil || n == 0 {
			return attributeRef{}, false
		}
		r.vendor, last = uint32(n), number
	}
	n, err := strconv.ParseUint(last, 10, 8)
	if err != nil {
		return attributeRef{}, false
	}
	r.number = byte(n)
	return r, true
}

// parseHex returns the octets of 0x and hexadecimal digits.
func parseHex(s string) ([]byte, bool) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return nil, false
	}
	b, err := hex.DecodeString(digits)
	return b, err == nil
}

const eventTimestamp = 55

// valueNumber returns the number that s names or is.
func (a *attribute) valueNumber(s string, bits int) (uint64, error) {
	if s == "" {
		return 0, fmt.Errorf("%s: no value", a.name)
	}
	if '0' <= s[0] && s[0] <= '9' {
		if n, err := strconv.ParseUint(s, 10, bits); err == nil {
			return n, nil
		}
	}
	if a.vendor == 0 && a.number == eventTimestamp {
		if at, err := parseDate(s); err == nil {
			return uint64(uint32(at.Unix())), nil
		}
	}
	if a.vendor == 0 && a.number == acctStatusType && s == "Alive" { // older name
		return uint64(Interim), nil
	}
	for n, name := range a.values {
		if name == s {
			return uint64(n), nil
		}
	}
	return 0, fmt.Errorf("%s: %q is neither a number nor a name", a.name, s)
}
