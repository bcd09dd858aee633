package dict

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

var table = []AVP{
	{1, 0, M, UTF8String, "User-Name", "RFC 6733 8.14"},
	{268, 0, M, Unsigned32, "Result-Code", "RFC 6733 7.1"},
	{448, 0, M, Unsigned64, "Wide", "nowhere"},
	{1, 10415, VM, OctetString, "3GPP-IMSI", "TS 29.061 16.4.7.2"},
}

func TestTable(t *testing.T) {
	require.NoError(t, Check(table))
	require.Equal(t, "3GPP-IMSI", Find(table, 1, 10415).Name)
	require.Nil(t, Find(table, 1, 99))
	require.True(t, Accepts(table, wire.AVP{Code: 1, Flags: M}))
	require.True(t, Accepts(table, wire.AVP{Code: 2}))
	require.False(t, Accepts(table, wire.AVP{Code: 2, Flags: M}))

	require.Equal(t, wire.AVP{Code: 268, Flags: M, Data: make([]byte, 4)}, table[1].Example())
	require.Equal(t, wire.AVP{Code: 448, Flags: M, Data: make([]byte, 8)}, table[2].Example())
	require.Equal(t, wire.AVP{Code: 1, Vendor: 10415, Flags: VM}, table[3].Example())

	why := errors.New("why")
	require.Equal(t, "decode: why", Blame(table, wire.AVP{}, why))
	require.Equal(t, "decode: User-Name: why", Blame(table, wire.AVP{Code: 1, Data: []byte("secret")}, why))
	require.Equal(t, "decode: AVP 1 of vendor 99: why", Blame(table, wire.AVP{Code: 1, Vendor: 99}, why))
}

func TestCheckFinds(t *testing.T) {
	for want, d := range map[string]AVP{
		"not all is said":           {3, 0, M, Unsigned32, "No-Source", ""},
		"V bit and vendor disagree": {3, 10415, M, Unsigned32, "No-V", "x"},
		"twice":                     {1, 0, M, Unsigned32, "Again", "x"},
	} {
		require.ErrorContains(t, Check(append(table[:len(table):len(table)], d)), want)
	}
}
