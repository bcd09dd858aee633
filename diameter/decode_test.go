package diameter

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/fiorix/go-diameter/v4/diam"
	"github.com/fiorix/go-diameter/v4/diam/datatype"
	"github.com/fiorix/go-diameter/v4/diam/dict"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// samples returns the messages of testdata/diameter.json by name.
func samples(t testing.TB) map[string]wire.Message {
	t.Helper()
	b, err := os.ReadFile("../testdata/diameter.json")
	require.NoError(t, err)
	var file struct {
		Messages []struct{ Name, Hex string } `json:"messages"`
	}
	require.NoError(t, json.Unmarshal(b, &file))
	require.Equal(t, 29, len(file.Messages))
	out := make(map[string]wire.Message)
	for _, m := range file.Messages {
		b, err := hex.DecodeString(m.Hex)
		require.NoError(t, err)
		out[m.Name] = b
	}
	return out
}

func TestSamplesThroughGoDiametersTypes(t *testing.T) {
	d := DefaultDictionary()
	for name, m := range samples(t) {
		t.Run(name, func(t *testing.T) {
			dm, err := d.Decode(m)
			require.NoError(t, err)
			again, err := AppendMessage(nil, dm)
			require.NoError(t, err)
			require.Equal(t, m, again)
			if m.Header().Application == swxApplication || m.Header().Application == 0 {
				requireKnown(t, dm.AVP)
			}
		})
	}
}

// requireKnown: our dictionary has all of SWx and the base protocol.
func requireKnown(t *testing.T, list []*diam.AVP) {
	t.Helper()
	for _, a := range list {
		require.NotEqual(t, datatype.UnknownType, a.Data.Type(), "AVP %d of vendor %d", a.Code, a.VendorID)
		if g, ok := a.Data.(*diam.GroupedAVP); ok {
			requireKnown(t, g.AVP)
		}
	}
}

// libraryDictionary has what go-diameter's own decoder uses, flattened like
// that: Gy falls back on NASREQ.
func libraryDictionary() *Dictionary {
	defs := definitionsOf(dict.Default)
	defs[4] = append(append([]AVPDefinition(nil), defs[1]...), defs[4]...)
	for _, parent := range []uint32{16777238, 16777251} {
		defs[parent] = append(append([]AVPDefinition(nil), defs[4]...), defs[parent]...)
	}
	return newDictionary(defs, dict.Default)
}

// libraryRead is go-diameter's decoder, its panics caught.
func libraryRead(b []byte) (m *diam.Message, err error) {
	defer func() {
		if v := recover(); v != nil {
			m, err = nil, fmt.Errorf("panic: %v", v)
		}
	}()
	return diam.ReadMessage(bytes.NewReader(b), dict.Default)
}

func TestDecoderAgreesWithTheLibraryOnWhatIsValid(t *testing.T) {
	d := libraryDictionary()
	n := 0
	for name, m := range samples(t) {
		theirs, err := libraryRead(m)
		if err != nil {
			continue // a command that its dictionary lacks
		}
		ours, err := d.Decode(m)
		require.NoError(t, err, name)
		require.Equal(t, theirs.String(), ours.String(), name)
		requireSame(t, theirs.AVP, ours.AVP)
		n++
	}
	require.GreaterOrEqual(t, n, 20)
}

func requireSame(t testing.TB, theirs, ours []*diam.AVP) {
	t.Helper()
	require.Equal(t, len(theirs), len(ours))
	for i, a := range theirs {
		b := ours[i]
		require.Equal(t, [4]any{a.Code, a.Flags, a.VendorID, a.Length}, [4]any{b.Code, b.Flags, b.VendorID, b.Length})
		ga, ok := a.Data.(*diam.GroupedAVP)
		if !ok {
			require.Equal(t, a.Data.Type(), b.Data.Type())
			require.Equal(t, string(a.Data.Serialize()), string(b.Data.Serialize()))
			continue
		}
		gb, ok := b.Data.(*diam.GroupedAVP)
		require.True(t, ok)
		requireSame(t, ga.AVP, gb.AVP)
	}
}

// avp8 is an AVP of vendor 0 with the data.
func avp8(code uint32, data ...byte) []byte {
	return failedAVP(wire.AVP{Code: code, Flags: wire.FlagMandatory}, data)
}

// TestBadInput is the table of what go-diameter's decoder does not survive or
// reads wrongly. Ours has no panic, no memory beyond four times the input, and
// an error with the right Result-Code or the right message.
func TestBadInput(t *testing.T) {
	frame := func(avps ...[]byte) []byte {
		w := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest, Command: cmdMAR, Application: swxApplication, HopByHop: 1, EndToEnd: 2})
		for _, a := range avps {
			w.Raw(a)
		}
		m, err := w.Message()
		require.NoError(t, err)
		return m
	}
	raw := func(b ...byte) []byte { return b }
	length := func(b []byte, n int) []byte { b[1], b[2], b[3] = byte(n>>16), byte(n>>8), byte(n); return b }

	for _, c := range []struct {
		name string
		b    []byte
		code uint32 // 0: decoded
	}{
		{"Message-Length 0", length(frame(), 0), ResultInvalidMessageLength},
		{"Message-Length 19", length(frame(), 19), ResultInvalidMessageLength},
		{"Message-Length 16 MiB without a body", length(frame(), 1<<24-4), ResultInvalidMessageLength},
		{"Message-Length that is no multiple of 4", length(frame(raw(0, 0)), 22), ResultInvalidMessageLength},
		{"version 2", append(raw(2), frame()[1:]...), ResultUnsupportedVersion},
		{"nested groups, 8 KB", frame(nestedGroups(1000)), ResultUnableToComply},
		{"nested groups, 64 KB", frame(nestedGroups(8100)), ResultUnableToComply},
		{"nested groups, 256 KB", frame(nestedGroups(32000)), ResultUnableToComply},
		{"nested groups, 16 deep", frame(nestedGroups(16)), 0},
		{"8000 unknown empty AVPs", frame(bytes.Repeat(raw(0, 0, 0x7f, 0xff, 0, 0, 0, 8), 8000)), ResultUnableToComply},
		{"AVP length 0", frame(raw(0, 0, 0, 1, 0, 0, 0, 0)), ResultInvalidAVPLength},
		{"AVP length 7", frame(raw(0, 0, 0, 1, 0, 0, 0, 7)), ResultInvalidAVPLength},
		{"AVP beyond the end", frame(raw(0, 0, 0, 1, 0, 0, 0, 200)), ResultInvalidAVPLength},
		{"V bit with length 8", frame(raw(0, 0, 0, 1, 0x80, 0, 0, 8)), ResultInvalidAVPLength},
		{"stray trailing octets", frame(avp8(1, 'x'), raw(0, 0, 0, 1)), ResultInvalidAVPLength},
		{"truncated child", frame(raw(0, 0, 1, 4, 0x40, 0, 0, 20, 0, 0, 1, 10, 0x40, 0, 0, 16, 0, 0, 0, 0)), ResultInvalidAVPLength},
		{"Address with 3 octets", frame(avp8(AVPHostIPAddress, 0, 1, 10, 0, 0)), ResultInvalidAVPLength},
		{"Address with 1 octet", frame(avp8(AVPHostIPAddress, 0)), ResultInvalidAVPLength},
		{"Address of family 0", frame(avp8(AVPHostIPAddress, 0, 0, 10, 0, 0, 1)), ResultInvalidAVPValue},
		{"unknown vendor's AVP with the code of a group", frame(failedAVP(wire.AVP{Code: 260, Vendor: 9}, raw(1, 2, 3))), 0},
		{"unknown vendor's AVP with the code of an Unsigned32", frame(failedAVP(wire.AVP{Code: AVPResultCode, Vendor: 9}, raw(1, 2))), 0},
		{"Result-Code of 2 octets", frame(avp8(AVPResultCode, 7, 0xd1)), ResultInvalidAVPLength},
		{"Enumerated of 16 octets that hide a Result-Code", frame(avp8(AVPAuthSessionState, append(raw(0, 0, 0, 1), avp8(AVPResultCode, 0, 0, 7, 0xd1)...)...)), ResultInvalidAVPLength},
		{"Unsigned64 of 4 octets", frame(avp8(124, 0, 0, 0, 1)), ResultInvalidAVPLength},
		{"Time of 8 octets", frame(avp8(AVPEventTimestamp, 0, 0, 0, 0, 0, 0, 0, 1)), ResultInvalidAVPLength},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := DefaultDictionary()
			decode := func() (*diam.Message, error) {
				m, err := wire.Parse(c.b)
				if err != nil {
					return nil, err
				}
				return d.Decode(m)
			}
			dm, err := decode()
			used := uint64(1) << 62
			for range 3 { // something else of the process may allocate, too
				used = min(used, allocated(func() { _, _ = decode() }))
			}
			require.LessOrEqual(t, used, uint64(4*len(c.b)+4096), "octets allocated for %d", len(c.b))
			switch c.code {
			case 0:
				require.NoError(t, err)
				again, err := AppendMessage(nil, dm)
				require.NoError(t, err)
				require.Equal(t, c.b, []byte(again))
			case ResultInvalidMessageLength:
				require.ErrorIs(t, err, wire.ErrLength)
			case ResultUnsupportedVersion:
				require.ErrorIs(t, err, wire.ErrVersion)
			default:
				require.Error(t, err)
				require.Equal(t, c.code, avpResult(err).Code)
			}
		})
	}
}

// allocated returns the octets that f allocates.
func allocated(f func()) uint64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestVendorDecides(t *testing.T) {
	w := wire.NewBuilder(nil, wire.Header{Application: swxApplication, Command: cmdMAR})
	w.Octets(AVPUserName, 0, 0, []byte("imsi"))
	w.Octets(AVPUserName, 99, 0, []byte("other"))
	w.Uint32(AVPResultCode, 0, 0, 2001)
	w.Octets(1516, vendor3GPP, 0, []byte{1})
	m, err := w.Message()
	require.NoError(t, err)
	dm, err := DefaultDictionary().Decode(m)
	require.NoError(t, err)
	require.Equal(t, datatype.UTF8String("imsi"), dm.AVP[0].Data)
	require.Equal(t, datatype.Unknown("other"), dm.AVP[1].Data)
	require.Equal(t, datatype.Unsigned32(2001), dm.AVP[2].Data)
	require.Equal(t, datatype.OctetString("\x01"), dm.AVP[3].Data)
	a, ok := Find(dm, AVPUserName, 99)
	require.True(t, ok)
	require.Same(t, dm.AVP[1], a)
	_, ok = Find(dm, AVPUserName, 98)
	require.False(t, ok)

	clear(m)
	require.Equal(t, datatype.UTF8String("imsi"), dm.AVP[0].Data, "its own memory")
	require.Equal(t, datatype.Unknown("other"), dm.AVP[1].Data)
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		data []byte
		want datatype.Type
	}{
		{[]byte{0, 1, 192, 0, 2, 1}, datatype.Address(net.IPv4(192, 0, 2, 1).To4())},
		{append([]byte{0, 2}, net.ParseIP("2001:db8::1")...), datatype.Address(net.ParseIP("2001:db8::1"))},
		{[]byte{0, 8, '4', '9', '1'}, datatype.Address([]byte{0, 8, '4', '9', '1'})},
		{[]byte{0, 8, '4', '9'}, datatype.Unknown([]byte{0, 8, '4', '9'})},
	} {
		w := wire.NewBuilder(nil, wire.Header{})
		w.Octets(AVPHostIPAddress, 0, wire.FlagMandatory, c.data)
		m, err := w.Message()
		require.NoError(t, err)
		dm, err := DefaultDictionary().Decode(m)
		require.NoError(t, err)
		require.Equal(t, c.want, dm.AVP[0].Data)
		again, err := AppendMessage(nil, dm)
		require.NoError(t, err)
		require.Equal(t, m, again)
	}
}

const extraXML = `<?xml version="1.0" encoding="UTF-8"?>
<diameter>
	<application id="16777265" type="auth" name="SWx">
		<vendor id="9" name="Nine"/>
		<avp name="Own-Address" code="4001" must="V" may="P" must-not="-" may-encrypt="-" vendor-id="9"><data type="IPv6"/></avp>
		<avp name="Own-Rule" code="4002" must="V,M" may="P" must-not="-" may-encrypt="-" vendor-id="9"><data type="QoSFilterRule"/></avp>
		<avp name="Own-Time" code="4003" must="V" may="P" must-not="-" may-encrypt="-" vendor-id="9"><data type="Time"/></avp>
		<avp name="Own-Signed" code="4004" must="V" may="P" must-not="-" may-encrypt="-" vendor-id="9"><data type="Integer64"/></avp>
		<avp name="Own-Float" code="4005" must="V" may="P" must-not="-" may-encrypt="-" vendor-id="9"><data type="Float32"/></avp>
	</application>
</diameter>`

func TestOwnXML(t *testing.T) {
	d, err := NewDictionary(strings.NewReader(extraXML))
	require.NoError(t, err)
	def, ok := d.Find(swxApplication, 4002, 9)
	require.True(t, ok)
	require.Equal(t, "Own-Rule", def.Name)
	require.True(t, def.Mandatory)
	_, ok = DefaultDictionary().Find(swxApplication, 4002, 9)
	require.False(t, ok)
	_, ok = d.Find(4, 4002, 9)
	require.False(t, ok, "of another application")
	_, ok = d.Find(4, AVPUserName, 0)
	require.True(t, ok, "base")

	w := wire.NewBuilder(nil, wire.Header{Application: swxApplication, Command: cmdMAR})
	w.Octets(4001, 9, 0, net.ParseIP("2001:db8::1"))
	w.String(4002, 9, wire.FlagMandatory, "permit")
	w.Uint32(4003, 9, 0, 0xe8fe6f80)
	w.Uint64(4004, 9, 0, 1<<63)
	w.Uint32(4005, 9, 0, 0x3f800000)
	w.Uint32(607, vendor3GPP, 0, 3)
	m, err := w.Message()
	require.NoError(t, err)
	dm, err := d.Decode(m)
	require.NoError(t, err)
	require.Equal(t, datatype.IPv6Type, dm.AVP[0].Data.Type())
	require.Equal(t, datatype.QoSFilterRule("permit"), dm.AVP[1].Data)
	require.Equal(t, datatype.Float32(1), dm.AVP[4].Data)
	require.Equal(t, datatype.Unsigned32(3), dm.AVP[5].Data)
	a, err := dm.FindAVP("Own-Rule", 9)
	require.NoError(t, err)
	require.Same(t, dm.AVP[1], a)
	again, err := AppendMessage(nil, dm)
	require.NoError(t, err)
	require.Equal(t, m, again)

	for _, bad := range []string{"", "<diameter><application id='1'><avp name='x' code='1'><data type='Nonsense'/></avp></application></diameter>"} {
		_, err = NewDictionary(strings.NewReader(bad))
		require.ErrorContains(t, err, "document 0")
	}
}

func TestDictionaryTables(t *testing.T) {
	for app, list := range defaultDefinitions() {
		seen := make(map[avpKey]string)
		for _, a := range list {
			k := avpKey{a.Code, a.Vendor}
			require.Empty(t, seen[k], "%s is there twice", a.Name)
			seen[k] = a.Name
			// Where go-diameter knows the AVP, the types agree.
			if theirs, err := dict.Default.FindAVPWithVendor(app, a.Code, a.Vendor); err == nil && theirs.VendorID == a.Vendor &&
				strings.ReplaceAll(theirs.Name, "TGPP", "3GPP") == a.Name {
				require.Equal(t, theirs.Data.Type, a.Type, a.Name)
			}
		}
	}
}

func TestEncoderRefuses(t *testing.T) {
	group := &diam.GroupedAVP{}
	group.AVP = []*diam.AVP{{Code: 260, Data: group}}
	for name, avps := range map[string][]*diam.AVP{
		"nil AVP":                  {nil},
		"nil data":                 {{Code: 1}},
		"nil group":                {{Code: 260, Data: (*diam.GroupedAVP)(nil)}},
		"group in itself":          {{Code: 260, Data: group}},
		"AVP beyond 24 bits":       {diam.NewAVP(1, 0, 0, datatype.OctetString(make([]byte, 1<<24)))},
		"message beyond 24 bits":   {diam.NewAVP(1, 0, 0, datatype.OctetString(make([]byte, 1<<24-20)))},
		"vendor 0 and no data too": {{Code: 1, Flags: wire.FlagVendor}},
	} {
		m := diam.NewRequest(cmdMAR, swxApplication, dict.Default)
		m.AVP = avps
		_, err := AppendMessage(nil, m)
		require.Error(t, err, name)
	}
	many := diam.NewRequest(cmdMAR, swxApplication, dict.Default)
	many.AVP = make([]*diam.AVP, 5000)
	for i := range many.AVP {
		many.AVP[i] = diam.NewAVP(1, 0, 0, datatype.OctetString(""))
	}
	_, err := AppendMessage(nil, many)
	require.ErrorIs(t, err, wire.ErrTooMany)
	_, err = AppendMessage(nil, nil)
	require.Error(t, err)
	_, err = AppendMessage(nil, &diam.Message{Header: &diam.Header{CommandCode: 1 << 24}})
	require.Error(t, err)
}

func TestEncoderComputesLengths(t *testing.T) {
	m := diam.NewRequest(cmdMAR, swxApplication, dict.Default)
	group := &diam.GroupedAVP{}
	m.NewAVP(uint32(260), 0x40, 0, group)
	group.AddAVP(diam.NewAVP(AVPVendorID, 0x40, 0, datatype.Unsigned32(vendor3GPP)))
	// A vendor without the V bit, and the V bit with vendor 0.
	m.AddAVP(&diam.AVP{Code: 607, VendorID: vendor3GPP, Data: datatype.Unsigned32(1)})
	m.AddAVP(&diam.AVP{Code: 7, Flags: wire.FlagVendor, Data: datatype.OctetString("x")})
	b, err := AppendMessage([]byte("before"), m)
	require.NoError(t, err)
	_, err = wire.Parse(b)
	require.NoError(t, err)
	n, err := wire.Count(b, wire.Limits{Grouped: DefaultDictionary().groupedIn(swxApplication)})
	require.NoError(t, err)
	require.Equal(t, 4, n)
	a, ok := b.Find(607, vendor3GPP)
	require.True(t, ok)
	require.EqualValues(t, wire.FlagVendor, a.Flags)
	a, ok = b.Find(7, 0)
	require.True(t, ok)
	require.EqualValues(t, wire.FlagVendor, a.Flags)
	require.Equal(t, "x", string(a.Data))
}

// FuzzDecode: no panic, bounded memory, and what is decoded is encoded to the
// same AVPs. What go-diameter's own decoder can read, and reads by the same
// definitions, it reads the same.
func FuzzDecode(f *testing.F) {
	for _, m := range samples(f) {
		f.Add([]byte(m))
	}
	f.Add(append(make([]byte, 20), nestedGroups(20)...))
	d, lib := DefaultDictionary(), libraryDictionary()
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wire.Parse(b)
		if err != nil {
			return
		}
		dm, err := d.Decode(m)
		if err != nil {
			if code := avpResult(err).Code; code < 5000 {
				t.Fatal(code, err)
			}
			return
		}
		_ = dm.String()
		again, err := AppendMessage(nil, dm)
		if err != nil {
			t.Fatal(err)
		}
		back, err := d.Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		padGroups(dm.AVP)
		requireSame(t, dm.AVP, back.AVP)

		if !sameDefinitions(lib, dm.Header.ApplicationID, m) {
			return
		}
		ours, err := lib.Decode(m)
		theirs, err2 := libraryRead(b)
		if err == nil && err2 == nil {
			requireSame(t, theirs.AVP, ours.AVP)
		}
	})
}

// padGroups makes the lengths of groups what they are with the padding that
// was missing at their ends.
func padGroups(list []*diam.AVP) {
	for _, a := range list {
		if g, ok := a.Data.(*diam.GroupedAVP); ok {
			padGroups(g.AVP)
			a.Length = a.Len()
		}
	}
}

// sameDefinitions reports whether the library would not take an AVP of m for
// one of another vendor, and m has only what it reads by the same rules.
func sameDefinitions(lib *Dictionary, app uint32, m wire.Message) bool {
	var walk func(r wire.Reader) bool
	walk = func(r wire.Reader) bool {
		var a wire.AVP
		for r.Next(&a) {
			def, known := lib.Find(app, a.Code, a.Vendor)
			theirs, err := dict.Default.FindAVPWithVendor(app, a.Code, a.Vendor)
			switch {
			case err != nil && known, err == nil && !known:
				return false
			case known && def.Type != theirs.Data.Type, known && def.Type == datatype.AddressType:
				return false
			case a.Flags&wire.FlagVendor != 0 && a.Vendor == 0:
				return false
			case known && def.Type == datatype.GroupedType && !walk(a.Group()):
				return false
			}
		}
		return r.Err() == nil
	}
	return walk(m.AVPs())
}

func BenchmarkDecode(b *testing.B) {
	all := samples(b)
	for _, name := range []string{"MAA EAP-AKA'", "CCR-U threshold, usage split at the tariff change"} {
		m := all[name]
		b.Run(strings.Fields(name)[0], func(b *testing.B) {
			d := libraryDictionary()
			b.Run("ours", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := d.Decode(m); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("go-diameter", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := diam.ReadMessage(bytes.NewReader(m), dict.Default); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	m := diamMAR()
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 1024)
		for b.Loop() {
			if _, err := AppendMessage(buf, m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("go-diameter", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.WriteTo(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}
