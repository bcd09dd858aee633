package accounting

import "fmt"

// AppendAttribute appends the RADIUS attribute with the dictionary's name and a value as
// text, as it is on the wire: "Session-Timeout" and "3600", "Filter-Id" and "walled-garden".
// Names and values are those of detail files, without quotation marks.
func AppendAttribute(b []byte, name, value string) ([]byte, error) {
	ref, ok := parseAttribute(name)
	if !ok {
		return b, fmt.Errorf("accounting: no attribute %q", name)
	}
	v, err := ref.encode(nil, Pair{Name: name, Value: value, Text: kindOf(ref) == text})
	if err != nil {
		return b, fmt.Errorf("accounting: %w", err)
	}
	out, ok := appendAttribute(b, ref, v)
	if !ok {
		return b, fmt.Errorf("accounting: %s of %d octets", name, len(v))
	}
	return out, nil
}
