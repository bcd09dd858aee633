package accounting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// event is one accounting event, of which several servers may have tickets.
type event struct {
	status  Status
	session string
	user    string
	seconds byte // Acct-Session-Time
	at      int  // seconds, when it happened
}

// ticket returns the event's ticket of a server that got it delay seconds later.
func (e event) ticket(server string, seq uint64, delay int) Ticket {
	base := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	at := base.Add(time.Duration(e.at) * time.Second)
	t := Ticket{
		Server: server, Seq: seq, Status: e.status, Verdict: New, Arrived: at.Add(time.Duration(delay)*time.Second + 300*time.Millisecond),
		Source: netip.MustParseAddr("192.0.2.1"),
		Attributes: []byte(tlv(40, "\x00\x00\x00"+string(rune(e.status))) + tlv(44, e.session) + tlv(1, e.user) + tlv(32, "nas") +
			tlv(46, "\x00\x00\x00"+string([]byte{e.seconds})) + tlv(42, "\x00\x00\x01\x00") + tlv(41, "\x00\x00\x00"+string([]byte{byte(delay)}))),
	}
	t.EventTime = t.Arrived.Add(-time.Duration(delay) * time.Second)
	if server == "secondary" {
		t.Source = netip.MustParseAddr("198.51.100.1")
	}
	return t
}

func detailOf(tickets ...Ticket) string {
	var b []byte
	for i := range tickets {
		b = AppendDetail(b, &tickets[i], nil)
	}
	return string(b)
}

func merge(t testing.TB, cfg *MergeConfig, files ...string) (string, MergeStats) {
	t.Helper()
	var inputs []MergeInput
	for i, f := range files {
		r, _ := NewRecordReader(strings.NewReader(f), nil)
		inputs = append(inputs, MergeInput{fmt.Sprintf("file %d", i), r})
	}
	var out bytes.Buffer
	stats, err := Merge(t.Context(), &out, cfg, inputs...)
	require.NoError(t, err)
	return out.String(), stats
}

func TestTwoFilesThatOverlap(t *testing.T) {
	a, b, c, d := event{Start, "s1", "u", 0, 0}, event{Interim, "s1", "u", 60, 60}, event{Start, "s2", "v", 0, 65}, event{Stop, "s1", "u", 90, 90}
	primary := []Ticket{a.ticket("primary", 1, 0), b.ticket("primary", 2, 0), d.ticket("primary", 3, 9)}
	secondary := []Ticket{b.ticket("secondary", 1, 5), c.ticket("secondary", 2, 0), d.ticket("secondary", 3, 0)}
	for name, one := range map[string]func(...Ticket) string{"detail": detailOf, "JSON": func(tickets ...Ticket) string {
		var b []byte
		for i := range tickets {
			b = AppendJSON(b, &tickets[i], nil)
		}
		return string(b)
	}} {
		t.Run(name, func(t *testing.T) {
			want := one(primary[0], primary[1], secondary[1], secondary[2])
			got, stats := merge(t, nil, one(primary...), one(secondary...))
			require.Equal(t, want, got)
			require.Equal(t, MergeStats{Read: 6, Written: 4, Duplicates: 2}, stats)
			got, _ = merge(t, nil, one(secondary...), one(primary...))
			require.Equal(t, want, got, "in any order")
			got, stats = merge(t, nil, one(primary...), one(secondary...), one(primary...), one(secondary[1:]...))
			require.Equal(t, want, got, "files given twice")
			require.Equal(t, uint64(7), stats.Duplicates)
			got, _ = merge(t, nil, got)
			require.Equal(t, want, got, "what was merged already")
		})
	}
}

func TestWhatIsOneEvent(t *testing.T) {
	e := event{Interim, "s1", "u", 60, 60}
	base := e.ticket("primary", 1, 0)
	for name, tc := range map[string]struct {
		other func() Ticket
		one   bool
	}{
		"the same":                     {func() Ticket { return e.ticket("secondary", 9, 0) }, true},
		"later, and says so":           {func() Ticket { return e.ticket("secondary", 9, 120) }, true},
		"clocks differ":                {func() Ticket { o := e; o.at += 5; return o.ticket("secondary", 9, 0) }, true},
		"clocks differ too much":       {func() Ticket { o := e; o.at += 6; return o.ticket("secondary", 9, 0) }, false},
		"earlier":                      {func() Ticket { o := e; o.at -= 5; return o.ticket("secondary", 9, 0) }, true},
		"much earlier":                 {func() Ticket { o := e; o.at -= 6; return o.ticket("secondary", 9, 0) }, false},
		"other status":                 {func() Ticket { o := e; o.status = Stop; return o.ticket("secondary", 9, 0) }, false},
		"other session":                {func() Ticket { o := e; o.session = "s2"; return o.ticket("secondary", 9, 0) }, false},
		"other user":                   {func() Ticket { o := e; o.user = "v"; return o.ticket("secondary", 9, 0) }, false},
		"other session time":           {func() Ticket { o := e; o.seconds++; return o.ticket("secondary", 9, 0) }, false},
		"of the same server":           {func() Ticket { return e.ticket("primary", 2, 0) }, false},
		"the very ticket":              {func() Ticket { return base }, true},
		"of a program without numbers": {func() Ticket { return e.ticket("", 0, 0) }, true},
		"made up by the server":        {func() Ticket { o := e.ticket("secondary", 9, 0); o.Archival = true; return o }, false},
		"other NAS": {func() Ticket {
			o := e.ticket("secondary", 9, 0)
			o.Attributes = bytes.Replace(o.Attributes, []byte("nas"), []byte("NAS"), 1)
			return o
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			other := tc.other()
			file := detailOf(other)
			if other.Server == "" {
				file = strings.Replace(file, "\tTwag-Ticket = \"/0\"\n", "", 1)
			}
			_, stats := merge(t, nil, detailOf(base), file)
			require.Equal(t, tc.one, stats.Duplicates == 1)
		})
	}
}

// Two events that look alike, which the primary told apart, are two, and the secondary's
// two tickets are theirs.
func TestEventsThatLookAlike(t *testing.T) {
	e, later := event{Start, "s1", "u", 0, 0}, event{Start, "s1", "u", 0, 3}
	want := detailOf(e.ticket("primary", 1, 0), later.ticket("primary", 2, 0))
	got, stats := merge(t, nil, want, detailOf(e.ticket("secondary", 1, 9), later.ticket("secondary", 2, 9)))
	require.Equal(t, want, got)
	require.Equal(t, uint64(2), stats.Duplicates)
}

func TestMergeForgets(t *testing.T) {
	var primary, secondary []Ticket
	for i := range 100 {
		e := event{Start, fmt.Sprint(i), "u", 0, 60 * i}
		primary = append(primary, e.ticket("primary", uint64(i+1), 0))
		secondary = append(secondary, e.ticket("secondary", uint64(i+1), 200))
	}
	_, stats := merge(t, nil, detailOf(primary...), detailOf(secondary...))
	require.Equal(t, uint64(100), stats.Duplicates)
	_, stats = merge(t, &MergeConfig{Window: 199 * time.Second}, detailOf(primary...), detailOf(secondary...))
	require.Equal(t, MergeStats{Read: 200, Written: 200}, stats, "too far apart")
	_, stats = merge(t, &MergeConfig{MaxWindow: 5}, detailOf(primary...), detailOf(secondary...))
	require.Equal(t, uint64(100), stats.Duplicates, "five are enough for 200 seconds of them")
	require.NotZero(t, stats.Crowded)
	_, stats = merge(t, &MergeConfig{MaxWindow: 3}, detailOf(primary...), detailOf(secondary...))
	require.NotZero(t, stats.Crowded)
	require.Less(t, stats.Duplicates, uint64(10))
}

func TestMergeOfBadFiles(t *testing.T) {
	good := detailOf(event{Start, "s", "u", 0, 0}.ticket("primary", 1, 0))
	inputs := func() []MergeInput {
		return []MergeInput{
			{"a", NewDetailReader(strings.NewReader("x\n\n"+good), nil)},
			{"b", NewDetailReader(strings.NewReader(good+good[:100]), nil)},
		}
	}
	_, err := Merge(t.Context(), io.Discard, nil, inputs()...)
	require.ErrorIs(t, err, ErrSyntax)
	require.ErrorContains(t, err, "a: accounting: line 1: ")
	var bad []string
	stats, err := Merge(t.Context(), io.Discard, &MergeConfig{Bad: func(name string, err *ReadError) error { bad = append(bad, name); return nil }}, inputs()...)
	require.NoError(t, err)
	require.Equal(t, MergeStats{Read: 2, Written: 1, Duplicates: 1, Bad: 2, Torn: 1}, stats)
	require.Equal(t, []string{"a", "b"}, bad)
	stop := errors.New("stop")
	_, err = Merge(t.Context(), io.Discard, &MergeConfig{Bad: func(string, *ReadError) error { return stop }}, inputs()...)
	require.ErrorIs(t, err, stop)
	_, err = Merge(t.Context(), io.Discard, nil, MergeInput{"a", NewDetailReader(errReader{}, nil)})
	require.ErrorIs(t, err, io.ErrNoProgress)
	r, _ := NewRecordReader(errReader{}, nil)
	_, err = Merge(t.Context(), io.Discard, nil, MergeInput{"a", r})
	require.Error(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Merge(over, io.Discard, nil, MergeInput{"a", NewDetailReader(strings.NewReader(good), nil)})
	require.ErrorIs(t, err, context.Canceled)
	_, err = Merge(t.Context(), failingWriter{}, nil, MergeInput{"a", NewDetailReader(strings.NewReader(good), nil)})
	require.ErrorIs(t, err, io.ErrShortWrite)
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestMergeGoesByArrival(t *testing.T) {
	var first, second []Ticket
	for i := range 20 {
		t := event{Start, fmt.Sprint(i), "u", 0, 10 * i}.ticket("primary", uint64(i+1), 0)
		if i%3 == 0 {
			first = append(first, t)
		} else {
			second = append(second, t)
		}
	}
	got, _ := merge(t, nil, detailOf(first...), detailOf(second...))
	records, _ := readDetail(t, got)
	for i := range records {
		_, seq, _ := records[i].TicketID()
		require.Equal(t, uint64(i+1), seq)
	}
}

func TestRecordsAreShown(t *testing.T) {
	var shown []bool
	one := detailOf(event{Start, "s", "u", 0, 0}.ticket("primary", 1, 0))
	merge(t, &MergeConfig{Record: func(r *Record, duplicate bool) { shown = append(shown, duplicate) }}, one, one)
	require.Equal(t, []bool{false, true}, shown)
}

func BenchmarkMerge(b *testing.B) {
	var tickets []Ticket
	for i := range 1000 {
		tickets = append(tickets, event{Start, fmt.Sprint(i), "u", 0, i}.ticket("primary", uint64(i+1), 0))
	}
	file := detailOf(tickets...)
	b.SetBytes(int64(2 * len(file)))
	for b.Loop() {
		merge(b, nil, file, file)
	}
}
