package accounting

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tables say each thing once, and nothing that a file could not say.
func TestDictionaryIsSound(t *testing.T) {
	seen := map[string]bool{}
	check := func(vendor uint32, defs []attributeDef) {
		numbers := map[byte]bool{}
		for _, d := range defs {
			require.NotZero(t, d.number, d.name)
			require.False(t, numbers[d.number], "%d.%d twice", vendor, d.number)
			require.False(t, seen[d.name], "%s twice", d.name)
			numbers[d.number], seen[d.name] = true, true
			require.False(t, strings.HasPrefix(d.name, rawName) || strings.HasPrefix(d.name, computedPrefix), d.name)
			require.NotContains(t, d.name, "_", "facts have it in place of what no name may have")
			for i := range len(d.name) {
				require.True(t, isNameOctet(d.name[i]) && d.name[i] != ':', d.name)
			}
			values := map[string]bool{}
			for _, v := range d.values {
				require.False(t, v != "" && values[v], "%s: %s twice", d.name, v)
				values[v] = true
				require.NotContains(t, v, " ")
				require.False(t, v != "" && strings.Trim(v, "0123456789") == "", "%s: %q is a number", d.name, v)
			}
			if d.values != nil {
				require.Contains(t, []kind{number, number1, taggedNumber}, d.kind, d.name)
			}
			ref, ok := parseAttribute(d.name)
			require.True(t, ok)
			require.Equal(t, [2]uint32{vendor, uint32(d.number)}, [2]uint32{ref.vendor, uint32(ref.number)}, d.name)
		}
	}
	check(0, standardAttributes)
	for _, v := range vendorDefs {
		check(v.number, v.attributes)
	}
	require.Nil(t, standard[vendorSpecific])
}

func TestAttributeNames(t *testing.T) {
	for name, want := range map[string]attributeRef{
		"Attr-241":      {number: 241, tag: -1},
		"Attr-26.9.250": {vendor: 9, number: 250, tag: -1},
		"Attr-26":       {number: 26, tag: -1},
	} {
		got, ok := parseAttribute(name)
		require.True(t, ok)
		require.Equal(t, want, got)
		require.Equal(t, name, string(got.appendName(nil)))
	}
	for _, name := range []string{"", "Attr-", "Attr-256", "Attr-x", "Attr-26.9", "Attr-26.0.1", "Attr-26.4294967296.1", "Attr-26.9.256",
		"User-Name:1", "Tunnel-Type:32", "Tunnel-Type:01", "Tunnel-Type:", "ERX-Nothing", "user-name"} {
		_, ok := parseAttribute(name)
		require.False(t, ok, name)
	}
}
