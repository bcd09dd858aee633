package accounting

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// readAll returns the records of a reader and what was wrong with others.
func readAll(t testing.TB, r RecordReader) (records []Record, wrong []*ReadError) {
	t.Helper()
	for {
		record, err := r.Next()
		var bad *ReadError
		switch {
		case err == nil:
			c := *record
			c.Pairs = append([]Pair(nil), c.Pairs...)
			c.Raw = bytes.Clone(c.Raw)
			records = append(records, c)
		case errors.As(err, &bad):
			wrong = append(wrong, bad)
		default:
			require.ErrorIs(t, err, io.EOF)
			return records, wrong
		}
	}
}

func readDetail(t testing.TB, s string) ([]Record, []*ReadError) {
	t.Helper()
	return readAll(t, NewDetailReader(strings.NewReader(s), nil))
}

func TestDetailLayout(t *testing.T) {
	full := fullTicket()
	full.Seq = 7
	full.Attributes = append(full.Attributes, tlv(64, "\x01\x00\x00\x0d")+tlv(81, "\x0120")+tlv(241, "\x01\xff")+vsa(9, 240, "x")+
		tlv(4, "\x0a")+tlv(97, "\x00\x40\x20\x01\x0d\xb8\x00\x00\x00\x00")...)
	require.Equal(t, `Thu Jan  1 23:04:05 2026
	Acct-Status-Type = Stop
	User-Name = "0001010000000001@wlan.example"
	Acct-Session-Id = "A1B2C3D4-00000001"
	NAS-Identifier = "ap1"
	NAS-IP-Address = 10.0.0.1
	Calling-Station-Id = "02-00-00-00-00-01"
	Called-Station-Id = "00-10-A4-23-19-C0:carrier"
	NAS-Port-Type = Wireless-802.11
	Acct-Session-Time = 3600
	Acct-Input-Octets = 65536
	Acct-Output-Octets = 131072
	Acct-Input-Gigawords = 1
	Acct-Output-Gigawords = 2
	Acct-Input-Packets = 256
	Acct-Output-Packets = 512
	Acct-Terminate-Cause = User-Request
	Event-Timestamp = 1767322624
	Class = 0x0102030405060708
	Cisco-AVPair = "a=b"
	3GPP-IMSI-MCC-MNC = "00101"
	Tunnel-Type:1 = VLAN
	Tunnel-Private-Group-Id:1 = "20"
	Attr-241 = 0x01ff
	Attr-26.9.240 = 0x78
	NAS-IP-Address = 0x0a
	Framed-IPv6-Prefix = 2001:db8::/64
	Service = "gold"
	Area = "north"
	Package = ""
	Twag-Ticket = "aaa1/7"
	Twag-Session-Id = "`+full.Session.String()+`"
	Twag-Verdict = counter_reset
	Twag-Archival = silent
	Twag-Source = 192.0.2.1
	Twag-Arrived = "2026-01-01T23:04:05.678-04:00"
	Twag-Event-Time = "2026-01-01T23:03:47.678-04:00"
	Twag-Start-Time = "2026-01-01T22:04:05.678-04:00"
	Twag-Stop-Time = "2026-01-01T23:03:47.678-04:00"
	Twag-Duration = 3600
	Twag-Input-Octets = 4295032832
	Twag-Output-Octets = 8590065664
	Twag-Total-Octets = 12885098496
	Twag-Input-Packets = 256
	Twag-Output-Packets = 512
	Timestamp = 1767323045

`, string(AppendDetail(nil, &full, time.FixedZone("", -4*3600))))
}

func TestDetailRoundTrip(t *testing.T) {
	zone := time.FixedZone("", 5*3600+1800)
	nasty := fullTicket()
	nasty.Server = "a\"\n\\/b"
	nasty.Usage.Time = 13*time.Second + 70*time.Millisecond
	nasty.Attributes = append(nasty.Attributes, tlv(1, "\"\n\tUser-Name = \"forged\"\r\n\n\\134")+tlv(11, "gr\u00fc\u00df \xff\x00\x7f\u2028\u0085\u202e")+tlv(18, "")+
		tlv(25, "")+tlv(6, "\x00\x00\x00\x63")+tlv(6, "\x01")+vsa(31337, 1, "")+tlv(26, "\x00\x00\x00")+tlv(26, "\x00\x00\x00\x09")+
		tlv(26, "\x00\x00\x7a\x69\x01\x03a\x02\x03b")+tlv(66, "1.2.3.4")+tlv(66, "\x001.2.3.4")+tlv(64, "\xff\x00\x00\x01")+tlv(83, "\x00\x00\x00\x07")+
		tlv(95, string(netip.MustParseAddr("2001:db8::9").AsSlice()))+tlv(97, "\x01\x40")+tlv(97, "\x00\x04\xff")+vsa(10415, 21, "\x03")+vsa(10415, 21, "\x03\x04")...)
	nasty.Class = []Fact{{"Odd", "\"\n"}}
	bare := Ticket{Status: AccountingOn, Verdict: New, Arrived: time.Unix(1, 0).UTC()}
	for name, ticket := range map[string]Ticket{"full": fullTicket(), "nasty": nasty} {
		t.Run(name, func(t *testing.T) {
			ticket.Seq = 1<<64 - 1
			records, wrong := readDetail(t, string(AppendDetail(nil, &ticket, zone))+"\n")
			require.Empty(t, wrong)
			require.Len(t, records, 1)
			got, err := records[0].Ticket()
			require.NoError(t, err)
			require.Equal(t, ticket, got)
		})
	}
	t.Run("no attributes", func(t *testing.T) {
		records, _ := readDetail(t, string(AppendDetail(nil, &bare, zone)))
		require.Len(t, records, 1)
		got, err := records[0].Ticket()
		require.NoError(t, err)
		bare.Attributes = []byte(tlv(40, "\x00\x00\x00\x07")) // the line that says the status
		require.Equal(t, bare, got)
	})
}

func TestVendorAttributesComeOneByOne(t *testing.T) {
	ticket := Ticket{Status: Start, Verdict: New, Attributes: []byte(tlv(40, "\x00\x00\x00\x01") + tlv(26, "\x00\x00\x00\x09"+tlv(1, "a")+tlv(1, "b")))}
	records, _ := readDetail(t, string(AppendDetail(nil, &ticket, nil)))
	require.Equal(t, []Pair{{"Cisco-AVPair", "a", true}, {"Cisco-AVPair", "b", true}}, records[0].Pairs[1:3])
}

func TestFactsCannotPretend(t *testing.T) {
	ticket := Ticket{Status: Start, Verdict: New, Class: []Fact{
		{"User-Name", "x"}, {"Twag-Ticket", "x"}, {"Attr-26.9.1", "x"}, {"Timestamp", "x"}, {"", "x"}, {"a b\n\tc = d", "x"}, {"Plain", "x"}}}
	records, wrong := readDetail(t, string(AppendDetail(nil, &ticket, nil)))
	require.Empty(t, wrong)
	var names []string
	for _, p := range records[0].Pairs {
		if p.Value == "x" {
			names = append(names, p.Name)
		}
	}
	require.Equal(t, []string{"Local-User-Name", "Local-Twag-Ticket", "Local-Attr-26.9.1", "Local-Timestamp", "Local-", "a_b__c___d", "Plain"}, names)
}

func TestArchivalTicketSaysWhatItIs(t *testing.T) {
	ticket := fullTicket()
	ticket.Attributes = []byte(tlv(44, "A") + tlv(40, "\x00\x00\x00\x03")) // of its last interim
	records, _ := readDetail(t, string(AppendDetail(nil, &ticket, nil)))
	require.Equal(t, Stop, records[0].Status())
	require.Equal(t, []Pair{{"Acct-Session-Id", "A", true}, {"Acct-Status-Type", "Stop", false}}, records[0].Pairs[:2])
}

// The three tickets of the accounting thesis, whose time lines name the zone.
func TestTicketsOfTheThesis(t *testing.T) {
	f, err := os.Open("../testdata/accounting/tickets.txt")
	require.NoError(t, err)
	defer f.Close()
	records, wrong := readAll(t, NewDetailReader(f, nil))
	require.Empty(t, wrong)
	require.Len(t, records, 3)
	for i, want := range []struct {
		arrived          string
		line, pairs      int
		in, out, seconds uint64
		nas              string
	}{
		{"2008-06-13T20:40:26-03:00", 1, 17, 145, 208, 13, "BSACE703"},
		{"2008-06-19T18:08:39-03:00", 20, 16, 170, 190, 10, "DOSCE700"},
		{"2007-11-03T08:00:13-03:00", 38, 31, 20010, 13029, 21073, "JVECE701"},
	} {
		r := &records[i]
		require.Equal(t, want.arrived, r.Time.Format(time.RFC3339))
		require.Equal(t, want.line, r.Line)
		require.Len(t, r.Pairs, want.pairs)
		require.Equal(t, Stop, r.Status())
		for name, n := range map[string]uint64{"Acct-Input-Octets": want.in, "Acct-Output-Octets": want.out, "Acct-Session-Time": want.seconds} {
			got, err := r.Number(name)
			require.NoError(t, err)
			require.Equal(t, n, got, name)
		}
		nas, ok := r.Lookup("NAS-Identifier")
		require.True(t, ok)
		require.Equal(t, want.nas, nas)
	}
	require.Equal(t, "2007-11-03T10:59:56Z", records[2].EventTime().Format(time.RFC3339), "Event-Timestamp")
	_, err = records[2].Ticket()
	require.NoError(t, err)
	_, err = records[0].Number("Acct-Session-Id")
	require.ErrorIs(t, err, ErrNoAttribute)
	_, err = records[0].Number("NAS-Identifier")
	require.ErrorContains(t, err, "not a number")
}

func TestDetailReaderGoesOn(t *testing.T) {
	const good = "Fri Jun 13 20:40:26 2008\n\tUser-Name = \"a\"\n\n"
	type bad struct {
		line int
		err  error
	}
	long := "\tFilter-Id = \"" + strings.Repeat("x", maxLine) + "\"\n"
	for name, tc := range map[string]struct {
		in   string
		good int
		bad  []bad
	}{
		"nothing":                 {"", 0, nil},
		"empty lines":             {"\n\n \n", 0, nil},
		"good":                    {good + "\n" + good, 2, nil},
		"CR LF":                   {strings.ReplaceAll(good+good, "\n", "\r\n"), 2, nil},
		"line without =":          {"Fri Jun 13 20:40:26 2008\n\tUser-Name\n\tb = c\n\n" + good, 1, []bad{{2, ErrSyntax}}},
		"open quotation":          {"Fri Jun 13 20:40:26 2008\n\tb = c\n\tUser-Name = \"a\\\"\n\n" + good, 1, []bad{{3, ErrSyntax}}},
		"text behind quotation":   {"Fri Jun 13 20:40:26 2008\n\tUser-Name = \"a\" b\n\n" + good, 1, []bad{{2, ErrSyntax}}},
		"name of two words":       {"Fri Jun 13 20:40:26 2008\n\tUser Name = \"a\"\n\n" + good, 1, []bad{{2, ErrSyntax}}},
		"no time":                 {"\tUser-Name = \"a\"\n\n" + good, 1, []bad{{1, ErrSyntax}}},
		"bad time":                {"Fri Jun 33 20:40:26 2008\n\tUser-Name = \"a\"\n\n" + good, 1, []bad{{1, ErrSyntax}}},
		"zone of letters":         {"Fri Jun 13 20:40:26 BRT 2008\n\tUser-Name = \"a\"\n\n" + good, 1, []bad{{1, ErrSyntax}}},
		"zeros":                   {good + strings.Repeat("\x00", 300) + "\n\n" + good, 2, []bad{{4, ErrSyntax}}},
		"torn in a line":          {good + good[:30], 1, []bad{{5, ErrTorn}}},
		"torn behind a line":      {good + good[:len(good)-1], 1, []bad{{5, ErrTorn}}},
		"torn in the time":        {good + good[:5], 1, []bad{{4, ErrTorn}}},
		"torn, and another began": {good[:len(good)-1] + good, 1, []bad{{2, ErrTorn}}},
		"torn in a line, another": {good[:len(good)-6] + "\n" + good, 1, []bad{{2, ErrTorn}}},
		"long line":               {"Fri Jun 13 20:40:26 2008\n" + long + "\n" + good, 1, []bad{{2, ErrTooLong}}},
		"long ticket":             {"Fri Jun 13 20:40:26 2008\n" + strings.Repeat("\ta = b\n", maxRecord/7) + "\n" + good, 1, []bad{{74896, ErrTooLong}}},
		"two bad":                 {"x\n\n" + good + "y\n\n" + good, 2, []bad{{1, ErrSyntax}, {6, ErrSyntax}}},
	} {
		t.Run(name, func(t *testing.T) {
			records, wrong := readDetail(t, tc.in)
			require.Len(t, records, tc.good)
			require.Len(t, wrong, len(tc.bad), "%v", wrong)
			for i, w := range wrong {
				require.ErrorIs(t, w, tc.bad[i].err)
				require.Equal(t, tc.bad[i].line, w.Line, w.Error())
			}
			for _, r := range records {
				require.Equal(t, []Pair{{"User-Name", "a", true}}, r.Pairs)
			}
		})
	}
}

func TestReaderReturnsTheFilesError(t *testing.T) {
	r := NewDetailReader(io.MultiReader(strings.NewReader("Fri Jun 13 20:40:26 2008\n\ta = b\n"), errReader{}), nil)
	for range 2 {
		_, err := r.Next()
		require.ErrorIs(t, err, io.ErrNoProgress)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

func TestWhatOthersWrite(t *testing.T) {
	records, wrong := readDetail(t, "Fri Jun 13 20:40:26 2008\n        User-Name = \"DOM\\user\\000\\9\"\n\tEvent-Timestamp = \"Jun 13 2008 20:40:08 UTC\"\n"+
		"\tERX-Dhcp-Options = 0x01\n\tAcct-Status-Type = Alive\n\tAcct-Unique-Session-Id = \"ab\"\n\n")
	require.Empty(t, wrong)
	require.Equal(t, "DOM\\user\x00\\9", records[0].Pairs[0].Value)
	require.Equal(t, "2008-06-13T20:40:08Z", records[0].EventTime().Format(time.RFC3339))
	got, err := records[0].Ticket()
	require.NoError(t, err)
	require.Equal(t, Interim, got.Status)
	require.Equal(t, []Fact{{"Acct-Unique-Session-Id", "ab"}}, got.Class)
	require.Equal(t, tlv(1, "DOM\\user\x00\\9")+tlv(55, "\x48\x52\xdb\x28")+vsa(4874, 55, "\x01")+tlv(40, "\x00\x00\x00\x03"), string(got.Attributes))
}

func TestRecordThatIsNoTicket(t *testing.T) {
	const stop = "\tAcct-Status-Type = Stop\n"
	for name, lines := range map[string]string{
		"no status":    "\tUser-Name = \"a\"\n",
		"bad address":  stop + "\tNAS-IP-Address = 2001:db8::1\n",
		"bad number":   stop + "\tNAS-Port = x\n",
		"big number":   stop + "\tNAS-Port = 4294967296\n",
		"bad prefix":   stop + "\tFramed-IPv6-Prefix = 10.0.0.0/8\n",
		"long text":    stop + "\tUser-Name = \"" + strings.Repeat("x", 254) + "\"\n",
		"unknown text": stop + "\tAttr-241 = \"x\"\n",
		"bad time":     stop + "\tTwag-Arrived = \"yesterday\"\n",
		"bad verdict":  stop + "\tTwag-Verdict = good\n",
		"bad reason":   stop + "\tTwag-Archival = bored\n",
		"bad session":  stop + "\tTwag-Session-Id = \"12\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			records, _ := readDetail(t, "Fri Jun 13 20:40:26 2008\n"+lines+"\n")
			require.Len(t, records, 1)
			_, err := records[0].Ticket()
			require.Error(t, err)
		})
	}
}

func TestAttributesCutShort(t *testing.T) {
	for _, attributes := range []string{"\x01", "\x01\x00", "\x01\x05ab", "\x28\x01"} {
		ticket := Ticket{Status: Start, Verdict: New, Attributes: []byte(tlv(1, "u") + attributes)}
		require.Contains(t, string(AppendDetail(nil, &ticket, nil)), "\tUser-Name = \"u\"\n")
	}
}

func TestAppendDetailDoesNotAllocate(t *testing.T) {
	full := fullTicket()
	zone := time.FixedZone("", 3600)
	b := make([]byte, 0, 8192)
	require.Zero(t, testing.AllocsPerRun(100, func() { b = AppendDetail(b[:0], &full, zone) }))
}

func FuzzDetailReader(f *testing.F) {
	full := fullTicket()
	f.Add(AppendDetail(nil, &full, nil))
	thesis, err := os.ReadFile("../testdata/accounting/tickets.txt")
	require.NoError(f, err)
	f.Add(thesis)
	f.Add([]byte("Fri Jun 13 20:40:26 2008\n\tUser-Name = \"\\\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, _ := readAll(t, NewDetailReader(bytes.NewReader(b), nil))
		for i := range records {
			ticket, err := records[i].Ticket()
			if err != nil || milli(ticket.Arrived) < minMilli {
				continue
			}
			// What is read is written and read again as the same.
			again, wrong := readDetail(t, string(AppendDetail(nil, &ticket, nil)))
			require.Empty(t, wrong)
			require.Len(t, again, 1)
			got, err := again[0].Ticket()
			require.NoError(t, err)
			require.Equal(t, ticket.Usage, got.Usage)
			require.Equal(t, ticket.Status, got.Status)
			require.Len(t, got.Class, len(ticket.Class))
		}
	})
}

// FuzzAppendDetail: no ticket can make lines of its own, and none loses anything.
func FuzzAppendDetail(f *testing.F) {
	full := fullTicket()
	f.Add(full.Attributes, "Name", "value")
	f.Add([]byte(tlv(26, "\x00\x00\x00\x09\x01\x03a\x01\x02")), "a\n", "\"\n\tb = c")
	f.Fuzz(func(t *testing.T, attributes []byte, name, value string) {
		ticket := Ticket{Status: Stop, Verdict: New, Attributes: attributes, Server: value, Class: []Fact{{name, value}}}
		if _, err := ticket.Append(nil); err != nil {
			return
		}
		lines := AppendDetail(nil, &ticket, nil)
		records, wrong := readDetail(t, string(lines))
		require.Empty(t, wrong)
		require.Len(t, records, 1)
		got, err := records[0].Ticket()
		require.NoError(t, err)
		require.Equal(t, value, got.Class[0].Value)
		require.Equal(t, value, got.Server)
		// A second time, nothing changes any more.
		again := got
		again.Class = ticket.Class
		require.Equal(t, string(lines), string(AppendDetail(nil, &again, nil)))
	})
}

func BenchmarkAppendDetail(b *testing.B) {
	full := fullTicket()
	zone := time.FixedZone("", -3*3600)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendDetail(buf[:0], &full, zone)
	}
	b.ReportMetric(float64(len(buf)), "octets")
}

func BenchmarkDetailReader(b *testing.B) {
	full := fullTicket()
	one := AppendDetail(nil, &full, nil)
	file := bytes.Repeat(one, 1000)
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	r := NewDetailReader(bytes.NewReader(file), nil)
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			r = NewDetailReader(bytes.NewReader(file), nil)
		}
	}
}
