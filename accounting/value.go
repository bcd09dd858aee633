package accounting

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// appendValue appends the value of a known attribute as text. A value that has not the
// length of its kind becomes octets, so that nothing is lost; quoted is called for text.
func (a *attribute) appendValue(b, v []byte, quoted func(b, v []byte) []byte) []byte {
	switch a.kind {
	case text, taggedText:
		return quoted(b, v)
	case number:
		if len(v) == 4 {
			return a.appendNumber(b, uint64(binary.BigEndian.Uint32(v)))
		}
	case taggedNumber:
		if len(v) == 4 && v[0] <= 0x1f {
			return a.appendNumber(b, uint64(binary.BigEndian.Uint32(v)&0xffffff))
		}
	case number1:
		if len(v) == 1 {
			return a.appendNumber(b, uint64(v[0]))
		}
	case number8:
		if len(v) == 8 {
			return strconv.AppendUint(b, binary.BigEndian.Uint64(v), 10)
		}
	case addr4:
		if len(v) == 4 {
			return netip.AddrFrom4([4]byte(v)).AppendTo(b)
		}
	case addr6:
		if len(v) == 16 {
			return netip.AddrFrom16([16]byte(v)).AppendTo(b)
		}
	case prefix6:
		if p, ok := decodePrefix(v); ok {
			return p.AppendTo(b)
		}
	case octets:
	}
	return appendHex(b, v)
}

func (a *attribute) appendNumber(b []byte, n uint64) []byte {
	if n < uint64(len(a.values)) && a.values[n] != "" {
		return append(b, a.values[n]...)
	}
	return strconv.AppendUint(b, n, 10)
}

// decodePrefix returns the prefix of an attribute that is written as short as it can
// be and with nothing but zeros behind it; others are octets.
func decodePrefix(v []byte) (netip.Prefix, bool) {
	if len(v) < 2 || v[0] != 0 || v[1] > 128 || len(v) != 2+(int(v[1])+7)/8 {
		return netip.Prefix{}, false
	}
	var raw [16]byte
	copy(raw[:], v[2:])
	p := netip.PrefixFrom(netip.AddrFrom16(raw), int(v[1]))
	return p, p == p.Masked()
}

// tag splits the tag off a value; -1 if it has none. A number with tag 0 has none that
// had to be named.
func (a *attribute) tag(v []byte) (int, []byte) {
	switch {
	case a.kind == taggedText && len(v) > 0 && v[0] <= 0x1f:
		return int(v[0]), v[1:]
	case a.kind == taggedNumber && len(v) == 4 && 0 < v[0] && v[0] <= 0x1f:
		return int(v[0]), v
	default:
		return -1, v
	}
}

// encode appends the octets of a value that a file gives as text.
func (r attributeRef) encode(b []byte, p Pair) ([]byte, error) {
	a := r.known
	if !p.Text {
		if raw, ok := parseHex(p.Value); ok && (a == nil || r.tag < 0) {
			return append(b, raw...), nil
		}
	}
	if a == nil {
		return b, fmt.Errorf("%s: value is not 0x and hexadecimal digits", p.Name)
	}
	switch a.kind {
	case octets, text:
		return append(b, p.Value...), nil
	case taggedText:
		if r.tag >= 0 {
			b = append(b, byte(r.tag))
		}
		return append(b, p.Value...), nil
	case number:
		n, err := a.valueNumber(p.Value, 32)
		return binary.BigEndian.AppendUint32(b, uint32(n)), err
	case taggedNumber:
		n, err := a.valueNumber(p.Value, 24)
		return binary.BigEndian.AppendUint32(b, uint32(max(r.tag, 0))<<24|uint32(n)), err
	case number1:
		n, err := a.valueNumber(p.Value, 8)
		return append(b, byte(n)), err
	case number8:
		n, err := a.valueNumber(p.Value, 64)
		return binary.BigEndian.AppendUint64(b, n), err
	case addr4, addr6:
		addr, err := netip.ParseAddr(p.Value)
		if err != nil || addr.Is4() != (a.kind == addr4) || addr.Zone() != "" {
			return b, fmt.Errorf("%s: %q is not its kind of address", p.Name, p.Value)
		}
		return append(b, addr.AsSlice()...), nil
	case prefix6:
		prefix, err := netip.ParsePrefix(p.Value)
		if err != nil || !prefix.Addr().Is6() {
			return b, fmt.Errorf("%s: %q is not an IPv6 prefix", p.Name, p.Value)
		}
		raw := prefix.Addr().As16()
		b = append(b, 0, byte(prefix.Bits()))
		return append(b, raw[:(prefix.Bits()+7)/8]...), nil
	default:
		return b, fmt.Errorf("%s: kind %d", p.Name, a.kind)
	}
}

const hexDigits = "0123456789abcdef"

func appendHex(b, v []byte) []byte {
	b = append(b, "0x"...)
	for _, c := range v {
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

// appendQuoted appends v in quotation marks. What could end the string or the line, what
// is not printable and what is not UTF-8 is escaped, as FreeRADIUS does: \n, \r, \t, \" and
// \\, and three octal digits for any other octet.
func appendQuoted[T string | []byte](b []byte, v T) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(v); {
		c := v[i]
		if ' ' <= c && c <= '~' && c != '"' && c != '\\' {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			// At most the octets of one character: a conversion of all could allocate.
			r, size = utf8.DecodeRuneInString(string(v[i:min(len(v), i+utf8.UTFMax)]))
			if isPlain(r, size) {
				i += size
				continue
			}
		}
		b = append(b, v[done:i]...)
		for _, c := range []byte(v[i : i+size]) {
			b = appendEscaped(b, c)
		}
		i += size
		done = i
	}
	b = append(b, v[done:]...)
	return append(b, '"')
}

// isPlain reports whether a character beyond ASCII is shown as it is: not what is no UTF-8,
// no control characters, nothing that some reader takes for the end of a line, nothing that
// turns the direction of writing.
func isPlain(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size == 1, r < 0xa0, r == 0xfeff:
		return false
	case 0x2028 <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069, r == 0x200e, r == 0x200f:
		return false
	default:
		return true
	}
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case '"', '\\':
		return append(b, '\\', c)
	default:
		return append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
	}
}

// unquote returns what stands between quotation marks. A backslash before
// anything that is not escaped so stands for itself, as old writers have it.
func unquote(s string) string {
	at := strings.IndexByte(s, '\\')
	if at < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for ; at >= 0; at = strings.IndexByte(s, '\\') {
		b.WriteString(s[:at])
		s = s[at+1:]
		switch {
		case s == "":
			b.WriteByte('\\')
		case s[0] == 'n':
			b.WriteByte('\n')
			s = s[1:]
		case s[0] == 'r':
			b.WriteByte('\r')
			s = s[1:]
		case s[0] == 't':
			b.WriteByte('\t')
			s = s[1:]
		case s[0] == '"' || s[0] == '\\':
			b.WriteByte(s[0])
			s = s[1:]
		case len(s) >= 3 && '0' <= s[0] && s[0] <= '3' && isOctal(s[1]) && isOctal(s[2]):
			b.WriteByte((s[0]-'0')<<6 | (s[1]-'0')<<3 | (s[2] - '0'))
			s = s[3:]
		default:
			b.WriteByte('\\')
		}
	}
	b.WriteString(s)
	return b.String()
}

func isOctal(c byte) bool { return '0' <= c && c <= '7' }
