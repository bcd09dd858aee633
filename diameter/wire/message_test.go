package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

type sample struct {
	Name  string `json:"name"`
	Hex   string `json:"hex"`
	Count int    `json:"avp_count_incl_nested"`
}

// samples returns the messages of testdata/diameter.json.
func samples(t testing.TB) []sample {
	t.Helper()
	b, err := os.ReadFile("../../testdata/diameter.json")
	require.NoError(t, err)
	var file struct {
		Messages []sample `json:"messages"`
	}
	require.NoError(t, json.Unmarshal(b, &file))
	require.Equal(t, 29, len(file.Messages))
	return file.Messages
}

func (s sample) octets(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(s.Hex)
	require.NoError(t, err)
	return b
}

// groupedCodes are the groups in the samples.
func groupedCodes(code, vendor uint32) bool {
	switch code {
	case 260, 279, 284, 297, 443, 446, 431, 437, 456, 486, 348, 413, 430, 434, 445, 458:
		return true
	}
	switch {
	case vendor != 10415:
	case code == 612, code == 615, code == 628, code == 873, code == 874, code == 1430, code == 1431, code == 1034,
		code == 1435, code == 1500, code == 1505, code == 2714, code == 1264:
		return true
	}
	return false
}

// rebuild copies m AVP by AVP, going into groups.
func rebuild(w *wire.Builder, r wire.Reader) {
	var a wire.AVP
	for r.Next(&a) {
		if groupedCodes(a.Code, a.Vendor) {
			g := w.Begin(a.Code, a.Vendor, a.Flags)
			rebuild(w, a.Group())
			w.End(g)
			continue
		}
		w.AVP(a)
	}
}

func TestSamplesRoundTrip(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.Name, func(t *testing.T) {
			b := s.octets(t)
			m, err := wire.Parse(b)
			require.NoError(t, err)
			n, err := wire.Count(m, wire.Limits{Grouped: groupedCodes})
			require.NoError(t, err)
			require.Equal(t, s.Count, n)

			w := wire.NewBuilder([]byte("in front"), m.Header())
			rebuild(w, m.AVPs())
			got, err := w.Message()
			require.NoError(t, err)
			require.Equal(t, b, []byte(got))
		})
	}
}

func TestFrameLen(t *testing.T) {
	head := func(version byte, length int) []byte {
		b := make([]byte, wire.HeaderLen)
		b[0], b[1], b[2], b[3] = version, byte(length>>16), byte(length>>8), byte(length)
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		max  int
		want int
		err  error
	}{
		{"least", head(1, 20), 0, 20, nil},
		{"greatest", head(1, 1<<24-4), 0, 1<<24 - 4, nil},
		{"at the limit", head(1, 4096), 4096, 4096, nil},
		{"over the limit", head(1, 4100), 4096, 0, wire.ErrLength},
		{"length 0", head(1, 0), 0, 0, wire.ErrLength},
		{"length 19", head(1, 19), 0, 0, wire.ErrLength},
		{"not a multiple of 4", head(1, 22), 0, 0, wire.ErrLength},
		{"version 0", head(0, 20), 0, 0, wire.ErrVersion},
		{"version 2", head(2, 20), 0, 0, wire.ErrVersion},
		{"short", head(1, 20)[:19], 0, 0, wire.ErrLength},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := wire.FrameLen(c.b, c.max)
			require.Equal(t, c.want, n)
			require.ErrorIs(t, err, c.err)
		})
	}
}

func TestParseWantsOneMessage(t *testing.T) {
	b := samples(t)[0].octets(t)
	_, err := wire.Parse(append(b[:len(b):len(b)], 0))
	require.ErrorIs(t, err, wire.ErrLength)
	_, err = wire.Parse(b[:len(b)-4])
	require.ErrorIs(t, err, wire.ErrLength)
}

func TestHeaderInPlace(t *testing.T) {
	w := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest, Command: 0xabcdef, Application: 1, HopByHop: 2, EndToEnd: 3})
	m, err := w.Message()
	require.NoError(t, err)
	m.SetHopByHop(0x01020304)
	m.SetEndToEnd(0x05060708)
	m.SetFlags(wire.FlagRequest | wire.FlagRetransmitted)
	require.Equal(t, wire.Header{
		Flags: wire.FlagRequest | wire.FlagRetransmitted, Command: 0xabcdef, Application: 1,
		HopByHop: 0x01020304, EndToEnd: 0x05060708,
	}, m.Header())
}

func TestCheckBits(t *testing.T) {
	for _, c := range []struct {
		flags uint8
		ok    bool
	}{
		{wire.FlagRequest, true},
		{wire.FlagRequest | wire.FlagProxiable | wire.FlagRetransmitted, true},
		{wire.FlagProxiable | wire.FlagError, true},
		{wire.FlagRequest | wire.FlagError, false},
		{wire.FlagRetransmitted, false},
		{wire.FlagRequest | 1, false},
		{8, false},
	} {
		err := wire.Header{Flags: c.flags}.CheckBits()
		if c.ok {
			require.NoError(t, err, "%#x", c.flags)
		} else {
			require.ErrorIs(t, err, wire.ErrHeaderBits, "%#x", c.flags)
		}
	}
}

func TestBuilderRefusesWhatDoesNotFit(t *testing.T) {
	w := wire.NewBuilder(nil, wire.Header{})
	w.Octets(1, 0, 0, make([]byte, 1<<24))
	w.Uint32(2, 0, 0, 1)
	_, err := w.Message()
	require.ErrorIs(t, err, wire.ErrAVPLength)

	w = wire.NewBuilder(nil, wire.Header{})
	for range 3 {
		w.Octets(1, 0, 0, make([]byte, 1<<23))
	}
	_, err = w.Message()
	require.ErrorIs(t, err, wire.ErrLength)
}

func BenchmarkBuild(b *testing.B) {
	b.ReportAllocs()
	buf := make([]byte, 0, 1024)
	for b.Loop() {
		w := wire.MakeBuilder(buf, wire.Header{Flags: wire.FlagRequest, Command: 303, Application: 16777265})
		w.String(263, 0, wire.FlagMandatory, "aaa1.epc.mnc044.mcc555.3gppnetwork.org;1700000000;1")
		g := w.Begin(260, 0, wire.FlagMandatory)
		w.Uint32(266, 0, wire.FlagMandatory, 10415)
		w.Uint32(258, 0, wire.FlagMandatory, 16777265)
		w.End(g)
		w.Uint32(277, 0, wire.FlagMandatory, 1)
		w.String(264, 0, wire.FlagMandatory, "aaa1.epc.mnc044.mcc555.3gppnetwork.org")
		w.String(296, 0, wire.FlagMandatory, "epc.mnc044.mcc555.3gppnetwork.org")
		w.String(283, 0, wire.FlagMandatory, "epc.mnc044.mcc555.3gppnetwork.org")
		w.String(1, 0, wire.FlagMandatory, "555440000000001")
		w.Uint32(607, 10415, wire.FlagMandatory, 1)
		if _, err := w.Message(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, s := range samples(b) {
		if s.Name != "MAA 2001 EAP-AKA'" && s.Name != "MAR EAP-AKA'" {
			continue
		}
		m := wire.Message(s.octets(b))
		b.Run(s.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := wire.Check(m, wire.Limits{Grouped: groupedCodes}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
