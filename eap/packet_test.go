package eap

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want Packet
	}{
		"identity":       {[]byte{2, 7, 0, 8, 1, 'b', 'o', 'b'}, Packet{Code: CodeResponse, Identifier: 7, Type: TypeIdentity, Data: []byte("bob")}},
		"empty data":     {[]byte{1, 0, 0, 5, 1}, Packet{Code: CodeRequest, Type: TypeIdentity, Data: []byte{}}},
		"success":        {[]byte{3, 255, 0, 4}, Packet{Code: CodeSuccess, Identifier: 255}},
		"failure":        {[]byte{4, 1, 0, 4}, Packet{Code: CodeFailure, Identifier: 1}},
		"padded":         {[]byte{2, 7, 0, 6, 3, 0, 99, 99}, Packet{Code: CodeResponse, Identifier: 7, Type: TypeNak, Data: []byte{0}}},
		"padded failure": {[]byte{4, 1, 0, 4, 0, 0}, Packet{Code: CodeFailure, Identifier: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(c.in)
			require.NoError(t, err)
			n := int(c.in[3])
			require.Equal(t, c.in[:n], got.Raw)
			require.Equal(t, n, cap(got.Raw), "nobody can append to what follows")
			require.Equal(t, len(got.Data), cap(got.Data))
			again, err := got.Append([]byte("front"))
			require.NoError(t, err)
			require.Equal(t, "front"+string(c.in[:n]), string(again))
			got.Raw = nil
			require.Equal(t, c.want, got)
		})
	}
}

func TestDecodeMalformed(t *testing.T) {
	long := append([]byte{2, 1, 0x10, 0x01, 1}, make([]byte, MaxPacketLen)...)
	for name, in := range map[string][]byte{
		"empty":             {},
		"three octets":      {2, 1, 0},
		"length 0":          {2, 1, 0, 0, 1},
		"length 3":          {2, 1, 0, 3, 1},
		"longer than it":    {2, 1, 0, 6, 1},
		"response, no type": {2, 1, 0, 4},
		"request, no type":  {1, 1, 0, 4, 1},
		"long success":      {3, 1, 0, 5, 0},
		"long failure":      {4, 1, 0, 5, 0},
		"code 0":            {0, 1, 0, 5, 1},
		"code 5":            {5, 1, 0, 5, 1},
		"4097 octets":       long,
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode(in)
			require.ErrorIs(t, err, ErrMalformed)
			require.Zero(t, p)
		})
	}
}

func TestAppend(t *testing.T) {
	b := AppendHeader([]byte{0xaa}, CodeRequest, 9, TypeAKA)
	b = append(b, 1, 0, 0)
	EndPacket(b, 1)
	require.Equal(t, []byte{0xaa, 1, 9, 0, 8, 23, 1, 0, 0}, b)
	require.Equal(t, []byte{4, 9, 0, 4}, AppendHeader(nil, CodeFailure, 9, TypeAKA))
	require.Equal(t, []byte{2, 9, 0, 5, 23}, AppendHeader(nil, CodeResponse, 9, TypeAKA), "right without EndPacket")

	// The longest packet there is.
	p := Packet{Code: CodeResponse, Type: TypeAKA, Data: make([]byte, MaxPacketLen-5)}
	b, err := p.Append(nil)
	require.NoError(t, err)
	_, err = Decode(b)
	require.NoError(t, err)
	p.Data = append(p.Data, 0)
	b, err = p.Append([]byte{1})
	require.ErrorIs(t, err, ErrMalformed)
	require.Equal(t, []byte{1}, b)
}

func TestPacketStrings(t *testing.T) {
	for c, want := range map[Code]string{CodeRequest: "Request", CodeResponse: "Response", CodeSuccess: "Success", CodeFailure: "Failure", 9: "Code(9)"} {
		require.Equal(t, want, c.String())
	}
	for typ, want := range map[Type]string{
		TypeIdentity: "Identity", TypeNotification: "Notification", TypeNak: "Nak", TypeSIM: "EAP-SIM",
		TypeAKA: "EAP-AKA", TypeAKAPrime: "EAP-AKA'", TypeExpanded: "Expanded", 13: "Type(13)",
	} {
		require.Equal(t, want, typ.String())
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{2, 7, 0, 8, 1, 'b', 'o', 'b'})
	f.Add([]byte{3, 255, 0, 4, 0, 0})
	f.Add([]byte{1, 1, 0, 12, 50, 5, 0, 0, 13, 1, 0, 0})
	f.Add(expandedNak(9, 50, 20<<32|50))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			return
		}
		require.True(t, bytes.HasPrefix(b, p.Raw))
		again, err := p.Append(nil)
		require.NoError(t, err)
		require.Equal(t, p.Raw, again)
	})
}
