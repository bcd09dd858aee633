package swx

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
)

func TestVectorsOfTheSample(t *testing.T) {
	var m MAA
	require.NoError(t, m.Decode(sample(t, "MAA EAP-AKA'")))
	vectors, err := m.Vectors(aka.SchemeAKAPrime, true, "WLAN")
	require.NoError(t, err)
	require.Len(t, vectors, 1)
	// RFC 9048, appendix C, case 1.
	v := vectors[0]
	require.Equal(t, "81e92b6c0ee0e12ebceba8d92a99dfa5", fmt.Sprintf("%x", v.RAND))
	require.Equal(t, "bb52e91c747ac3ab2a5c23d15ee351d5", fmt.Sprintf("%x", v.AUTN))
	require.Equal(t, "28d7b0f2a2ec3de5", fmt.Sprintf("%x", v.XRES[:v.XRESLen]))
	require.Equal(t, "0093962d0dd84aa5684b045c9edffa04", fmt.Sprintf("%x", v.CK))
	require.Equal(t, "ccfc230ca74fcc96c0a5d61164f5a76c", fmt.Sprintf("%x", v.IK))
	require.True(t, v.Primed)
	require.Equal(t, "WLAN", v.NetworkName)
}

func TestVectorsStrict(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*AuthItem)
		code uint32 // the AVP to blame
	}{
		{"no RAND and AUTN", func(it *AuthItem) { it.Authenticate = nil }, 609},
		{"RAND only", func(it *AuthItem) { it.Authenticate = it.Authenticate[:16] }, 609},
		{"31 octets of RAND and AUTN", func(it *AuthItem) { it.Authenticate = it.Authenticate[:31] }, 609},
		{"33 octets of RAND and AUTN", func(it *AuthItem) { it.Authenticate = append(it.Authenticate, 0) }, 609},
		{"no XRES", func(it *AuthItem) { it.Authorization = nil }, 610},
		{"empty XRES", func(it *AuthItem) { it.Authorization = []byte{} }, 610},
		{"XRES of 3", func(it *AuthItem) { it.Authorization = it.Authorization[:3] }, 610},
		{"XRES of 17", func(it *AuthItem) { it.Authorization = make([]byte, 17) }, 610},
		{"no CK", func(it *AuthItem) { it.CK = nil }, 625},
		{"CK of 15", func(it *AuthItem) { it.CK = it.CK[:15] }, 625},
		{"CK of 32", func(it *AuthItem) { it.CK = make([]byte, 32) }, 625},
		{"no IK", func(it *AuthItem) { it.IK = nil }, 626},
		{"IK of 17", func(it *AuthItem) { it.IK = make([]byte, 17) }, 626},
		{"another scheme", func(it *AuthItem) { it.Scheme = []byte("EAP-AKA'") }, 608},
		{"a scheme of IMS", func(it *AuthItem) { it.Scheme = []byte("Digest-AKAv1-MD5") }, 608},
		{"an empty scheme", func(it *AuthItem) { it.Scheme = []byte{} }, 608},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := MAA{Items: []AuthItem{testItem(1), testItem(2)}}
			tt.edit(&m.Items[1])
			vectors, err := m.Vectors(aka.SchemeAKA, false, "")
			require.Nil(t, vectors, "one bad vector spoils the answer")
			var de *DecodeError
			require.ErrorAs(t, err, &de)
			require.Equal(t, tt.code, de.AVP.Code)
			require.Empty(t, de.AVP.Data, "no key in an error")
		})
	}

	t.Run("none", func(t *testing.T) {
		var m MAA
		_, err := m.Vectors(aka.SchemeAKA, false, "")
		require.ErrorContains(t, err, "SIP-Auth-Data-Item: success without a vector")
	})
	t.Run("no scheme", func(t *testing.T) {
		it := testItem(1)
		it.Scheme = nil
		m := MAA{Items: []AuthItem{it}}
		_, err := m.Vectors(aka.SchemeAKAPrime, true, "WLAN")
		require.NoError(t, err)
	})
	for _, n := range []int{4, 5, 8, 16} {
		it := testItem(1)
		it.Authorization = make([]byte, n)
		m := MAA{Items: []AuthItem{it}}
		vectors, err := m.Vectors(aka.SchemeAKA, false, "")
		require.NoError(t, err)
		require.EqualValues(t, n, vectors[0].XRESLen)
	}
}

func TestVectorsKeysAreTyped(t *testing.T) {
	for _, tt := range []struct {
		primed bool
		name   string
	}{{true, "WLAN"}, {false, ""}} {
		it := testItem(1)
		it.Scheme = nil
		m := MAA{Items: []AuthItem{it}}
		vectors, err := m.Vectors(aka.SchemeAKAPrime, tt.primed, "WLAN")
		require.NoError(t, err)
		require.Equal(t, tt.primed, vectors[0].Primed)
		require.Equal(t, tt.name, vectors[0].NetworkName)
	}
}

func TestVectorsOrder(t *testing.T) {
	unnumbered := func(n byte) AuthItem {
		it := testItem(n)
		it.Numbered = false
		return it
	}
	renumbered := func(n byte, number uint32) AuthItem {
		it := testItem(n)
		it.Number = number
		return it
	}
	for _, tt := range []struct {
		name  string
		items []AuthItem
		want  []byte
	}{
		{"ascending", []AuthItem{testItem(1), testItem(2), testItem(3)}, []byte{1, 2, 3}},
		{"descending", []AuthItem{testItem(3), testItem(2), testItem(1)}, []byte{1, 2, 3}},
		{"no numbers", []AuthItem{unnumbered(3), unnumbered(1), unnumbered(2)}, []byte{3, 1, 2}},
		{"some numbers", []AuthItem{testItem(3), unnumbered(1), testItem(2)}, []byte{3, 1, 2}},
		{"all the same number", []AuthItem{renumbered(2, 1), renumbered(1, 1)}, []byte{2, 1}},
		{"far apart", []AuthItem{renumbered(1, 1<<31), renumbered(2, 7)}, []byte{2, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := MAA{Items: slices.Clone(tt.items)}
			vectors, err := m.Vectors(aka.SchemeAKA, false, "")
			require.NoError(t, err)
			var got []byte
			for _, v := range vectors {
				got = append(got, v.RAND[0]>>4)
			}
			require.Equal(t, tt.want, got)
		})
	}
}
