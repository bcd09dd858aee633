package accounting

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestJSONLine(t *testing.T) {
	full := fullTicket()
	full.Seq = 7
	full.Attributes = []byte(tlv(44, "A\"\n") + tlv(40, "\x00\x00\x00\x03") + vsa(9, 1, "a=b") + tlv(61, "\x00\x00\x00\x13") + vsa(9, 1, "\xff") +
		tlv(241, "\x01") + tlv(64, "\x01\x00\x00\x0d"))
	require.Equal(t, `{"ticket":"aaa1/7","server":"aaa1","seq":7,"session":"`+full.Session.String()+`","status":"Stop","verdict":"counter_reset",`+
		`"archival":"silent","source":"192.0.2.1","arrived":"2026-01-02T04:04:05.678+01:00","eventTime":"2026-01-02T04:03:47.678+01:00",`+
		`"startTime":"2026-01-02T03:04:05.678+01:00","stopTime":"2026-01-02T04:03:47.678+01:00","duration":3600,"inputOctets":4295032832,`+
		`"outputOctets":8590065664,"totalOctets":12885098496,"inputPackets":256,"outputPackets":512,`+
		`"class":{"Service":"gold","Area":"north","Package":""},"attributes":{"Acct-Session-Id":"A\"\u000a","Acct-Status-Type":"Stop",`+
		`"Cisco-AVPair":["a=b",{"base64":"/w=="}],"NAS-Port-Type":"Wireless-802.11","Attr-241":"0x01","Tunnel-Type:1":"VLAN"}}`+"\n",
		string(AppendJSON(nil, &full, time.FixedZone("", 3600))))
}

// sortedLines makes a ticket comparable: JSON does not keep the order of different attributes.
func sortedLines(t *testing.T, ticket Ticket) []string {
	t.Helper()
	return strings.Split(string(AppendDetail(nil, &ticket, nil)), "\n")
}

func TestJSONSaysWhatDetailSays(t *testing.T) {
	full := fullTicket()
	full.Seq = 1<<64 - 1
	full.Server = "s\"\u2028"
	full.Attributes = append(full.Attributes, tlv(1, "\x00\xff\"")+tlv(64, "\x01\x00\x00\x0d")+tlv(64, "\x00\x00\x00\x0d")+tlv(6, "\x01")+tlv(25, "again")...)
	for name, ticket := range map[string]Ticket{"full": full, "bare": {Status: AccountingOn, Verdict: New, Arrived: time.Unix(1, 0).UTC()}} {
		t.Run(name, func(t *testing.T) {
			line := AppendJSON(nil, &ticket, nil)
			require.True(t, json.Valid(line))
			require.Equal(t, 1, bytes.Count(line, []byte("\n")))
			records, wrong := readAll(t, NewJSONReader(bytes.NewReader(append(line, '\n'))))
			require.Empty(t, wrong)
			require.Len(t, records, 1)
			require.Equal(t, line, records[0].Raw)
			got, err := records[0].Ticket()
			require.NoError(t, err)
			require.ElementsMatch(t, sortedLines(t, ticket), sortedLines(t, got))
		})
	}
}

func TestFactsOfOneName(t *testing.T) {
	ticket := Ticket{Status: Start, Verdict: New, Class: []Fact{{"A", "1"}, {"A", "2"}, {"B", "3"}}}
	require.Contains(t, string(AppendJSON(nil, &ticket, nil)), `"class":{"A":"1","A/1":"2","B":"3"}`)
}

func TestJSONReaderGoesOn(t *testing.T) {
	full := fullTicket()
	good := string(AppendJSON(nil, &full, nil))
	for name, tc := range map[string]struct {
		in   string
		good int
		line int
		err  error
	}{
		"not JSON":          {"x\n" + good, 1, 1, ErrSyntax},
		"another thing":     {good + "{}\n" + good, 2, 2, ErrSyntax},
		"no such attribute": {strings.Replace(good, "Acct-Session-Id", "Nobody-Knows", 1) + good, 1, 1, ErrSyntax},
		"fact that is none": {strings.Replace(good, `"Area"`, `"User-Name"`, 1) + good, 1, 1, ErrSyntax},
		"bad value":         {strings.Replace(good, `"north"`, `{"x":1}`, 1) + good, 1, 1, ErrSyntax},
		"bad base64":        {strings.Replace(good, `"north"`, `{"base64":"?"}`, 1) + good, 1, 1, ErrSyntax},
		"array in an array": {strings.Replace(good, `"north"`, `[["x"]]`, 1) + good, 1, 1, ErrSyntax},
		"number":            {strings.Replace(good, `"north"`, `7`, 1) + good, 1, 1, ErrSyntax},
		"bad time":          {strings.Replace(good, `"arrived":"2`, `"arrived":"x`, 1) + good, 1, 1, ErrSyntax},
		"torn":              {good + good[:len(good)-1], 1, 2, ErrTorn},
		"long":              {strings.Repeat("x", maxRecord+1) + "\n" + good, 1, 1, ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			records, wrong := readAll(t, NewJSONReader(strings.NewReader(tc.in)))
			require.Len(t, records, tc.good)
			require.Len(t, wrong, 1)
			require.ErrorIs(t, wrong[0], tc.err)
			require.Equal(t, tc.line, wrong[0].Line)
		})
	}
}

func FuzzJSONReader(f *testing.F) {
	full := fullTicket()
	f.Add(AppendJSON(nil, &full, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, _ := readAll(t, NewJSONReader(bytes.NewReader(b)))
		for i := range records {
			ticket, err := records[i].Ticket()
			if err != nil || milli(ticket.Arrived) < minMilli {
				continue
			}
			line := AppendJSON(nil, &ticket, nil)
			require.True(t, json.Valid(line), "%s", line)
			again, wrong := readAll(t, NewJSONReader(bytes.NewReader(line)))
			require.Empty(t, wrong)
			require.Len(t, again, 1)
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	full := fullTicket()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendJSON(buf[:0], &full, nil)
	}
}
