package accounting_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/session"
)

// A NAS that got no answer from the primary told the secondary too: of two tickets, one
// stays.
func ExampleMerge() {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	attributes := []byte{40, 6, 0, 0, 0, 2, 44, 4, 'A', '1', 32, 5, 'n', 'a', 's'}
	primary := accounting.Ticket{
		Server: "primary", Seq: 17, Status: accounting.Stop, Verdict: accounting.New, Source: netip.MustParseAddr("192.0.2.1"),
		Arrived: at, EventTime: at, Attributes: attributes, Usage: session.Usage{InputOctets: 7, OutputOctets: 5_000_000_000},
	}
	secondary := primary
	secondary.Server, secondary.Seq, secondary.Arrived = "secondary", 3, at.Add(10*time.Second)

	read := func(t accounting.Ticket) accounting.RecordReader {
		return accounting.NewDetailReader(strings.NewReader(string(accounting.AppendDetail(nil, &t, nil))), nil)
	}
	stats, err := accounting.Merge(context.Background(), os.Stdout, nil,
		accounting.MergeInput{Name: "primary", Records: read(primary)}, accounting.MergeInput{Name: "secondary", Records: read(secondary)})
	fmt.Println(stats.Duplicates, err)
	// Output:
	// Fri Jan  2 03:04:05 2026
	// 	Acct-Status-Type = Stop
	// 	Acct-Session-Id = "A1"
	// 	NAS-Identifier = "nas"
	// 	Twag-Ticket = "primary/17"
	// 	Twag-Verdict = new
	// 	Twag-Source = 192.0.2.1
	// 	Twag-Arrived = "2026-01-02T03:04:05Z"
	// 	Twag-Event-Time = "2026-01-02T03:04:05Z"
	// 	Twag-Duration = 0
	// 	Twag-Input-Octets = 7
	// 	Twag-Output-Octets = 5000000000
	// 	Twag-Total-Octets = 5000000007
	// 	Twag-Input-Packets = 0
	// 	Twag-Output-Packets = 0
	// 	Timestamp = 1767323045
	//
	// 1 <nil>
}
