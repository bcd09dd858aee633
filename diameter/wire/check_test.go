package wire_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func message(t testing.TB, avps []byte) wire.Message {
	t.Helper()
	w := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest})
	w.Raw(avps)
	m, err := w.Message()
	require.NoError(t, err)
	return m
}

// nested returns depth groups in each other, the innermost one empty.
func nested(depth int) []byte {
	var b []byte
	for range depth {
		w := wire.NewBuilder(nil, wire.Header{})
		w.Octets(260, 0, 0, b)
		m, _ := w.Message()
		b = m[wire.HeaderLen:]
	}
	return b
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		avps   []byte
		limits wire.Limits
		err    error
		offset int
		code   uint32
	}{
		{"none", nil, wire.Limits{}, nil, 0, 0},
		{"last padding missing", []byte{0, 0, 0, 1, 0x40, 0, 0, 9, 'x'}, wire.Limits{}, nil, 0, 0},
		{"stray octets", []byte{0, 0, 0, 1, 0x40, 0, 0, 8, 0, 0, 1, 8}, wire.Limits{}, wire.ErrAVPLength, 28, 0x108},
		{"length 0", []byte{0, 0, 0, 1, 0x40, 0, 0, 0}, wire.Limits{}, wire.ErrAVPLength, 20, 1},
		{"length 7", []byte{0, 0, 0, 1, 0x40, 0, 0, 7}, wire.Limits{}, wire.ErrAVPLength, 20, 1},
		{"beyond the end", []byte{0, 0, 0, 1, 0x40, 0, 0, 12, 1, 2, 3, 4, 0, 0, 0, 2, 0, 0, 0, 16}, wire.Limits{}, wire.ErrAVPLength, 32, 2},
		{"V bit with length 8", []byte{0, 0, 0, 1, 0x80, 0, 0, 8}, wire.Limits{}, wire.ErrAVPLength, 20, 1},
		{"in a group", []byte{0, 0, 1, 4, 0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0, 9}, wire.Limits{}, wire.ErrAVPLength, 28, 5},
		{"16 deep", nested(16), wire.Limits{}, nil, 0, 0},
		{"17 deep", nested(17), wire.Limits{}, wire.ErrTooMany, 20 + 15*8, 260},
		{"4096", make8(4096), wire.Limits{}, nil, 0, 0},
		{"4097", make8(4097), wire.Limits{}, wire.ErrTooMany, 20 + 4096*8, 9},
		{"own limits", make8(3), wire.Limits{AVPs: 2}, wire.ErrTooMany, 36, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			if len(c.avps)%4 != 0 {
				c.avps = c.avps[:len(c.avps):len(c.avps)]
			}
			c.limits.Grouped = groupedCodes
			m := wire.Message(append(make([]byte, wire.HeaderLen), c.avps...))
			err := wire.Check(m, c.limits)
			if c.err == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.err)
			var ae *wire.AVPError
			require.True(t, errors.As(err, &ae))
			require.Equal(t, c.offset, ae.Offset)
			require.Equal(t, c.code, ae.AVP.Code)
		})
	}
}

// make8 returns n AVPs of 8 octets.
func make8(n int) (b []byte) {
	for range n {
		b = append(b, 0, 0, 0, 9, 0, 0, 0, 8)
	}
	return b
}

func TestGroupsAreNotEnteredUnlessKnown(t *testing.T) {
	m := message(t, []byte{0, 0, 1, 4, 0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0, 9})
	require.NoError(t, wire.Check(m, wire.Limits{}))
}

func TestCheckDoesNotAllocate(t *testing.T) {
	m := wire.Message(samples(t)[6].octets(t))
	l := wire.Limits{Grouped: groupedCodes}
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = wire.Check(m, l) }))
}

func TestUint(t *testing.T) {
	a := wire.AVP{Code: 268, Data: []byte{0, 0, 7, 0xd1}}
	v, err := a.Uint32()
	require.NoError(t, err)
	require.EqualValues(t, 2001, v)
	_, err = a.Uint64()
	require.ErrorIs(t, err, wire.ErrAVPLength)
	a.Data = []byte{1, 2}
	_, err = a.Uint32()
	require.ErrorIs(t, err, wire.ErrAVPLength)
	a.Data = []byte{0, 0, 0, 1, 0, 0, 0, 0}
	w, err := a.Uint64()
	require.NoError(t, err)
	require.EqualValues(t, 1<<32, w)
}

// FuzzMessage: whatever is well-formed is the same AVPs when it's built again,
// and nothing is read beyond what the lengths allow.
func FuzzMessage(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.octets(f))
	}
	f.Add(append(make([]byte, wire.HeaderLen), nested(20)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wire.Parse(b)
		if err != nil {
			return
		}
		n, err := wire.Count(m, wire.Limits{Grouped: groupedCodes})
		if err != nil {
			var ae *wire.AVPError
			if !errors.As(err, &ae) || ae.Offset < wire.HeaderLen || ae.Offset >= len(m) {
				t.Fatalf("%v, %+v", err, ae)
			}
			return
		}
		if n > (len(b)-wire.HeaderLen)/8 {
			t.Fatalf("%d AVPs in %d octets", n, len(b))
		}
		w := wire.NewBuilder(nil, m.Header())
		rebuild(w, m.AVPs())
		again, err := w.Message()
		if err != nil {
			t.Fatal(err)
		}
		same(t, m.AVPs(), again.AVPs())
	})
}

func same(t *testing.T, a, b wire.Reader) {
	var x, y wire.AVP
	for a.Next(&x) {
		if !b.Next(&y) {
			t.Fatalf("AVP %d is missing: %v", x.Code, b.Err())
		}
		if x.Code != y.Code || x.Vendor != y.Vendor || x.Flags&^wire.FlagVendor != y.Flags&^wire.FlagVendor {
			t.Fatalf("%+v became %+v", x, y)
		}
		if groupedCodes(x.Code, x.Vendor) {
			same(t, x.Group(), y.Group())
		} else if string(x.Data) != string(y.Data) {
			t.Fatalf("%x became %x", x.Data, y.Data)
		}
	}
	if b.Next(&y) {
		t.Fatalf("AVP %d came from nowhere", y.Code)
	}
}
