package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opentwag/twag/accounting"
)

// checkMain is "apsim check"; it returns the exit code.
func checkMain(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("apsim check", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprint(stderr, "apsim check compares journals of apsim acct with a server's ticket files: each event\nthat was acknowledged has one ticket, no ticket is of an event that was never sent,\nand totals are equal.\n\n")
		fs.PrintDefaults()
	}
	var journals []string
	fs.Func("journal", "`file` that apsim acct wrote; may be given several times", func(s string) error {
		journals = append(journals, s)
		return nil
	})
	tickets := fs.String("tickets", "", "`directory` of the ticket files, or one file")
	offset := fs.Duration("utc-offset", 0, "`time` zone of times that name none, such as -3h")
	show := fs.Int("show", 20, "how many differences to show")
	asJSON := fs.Bool("json", false, "write the report as JSON")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case fs.NArg() > 0 || len(journals) == 0 || *tickets == "":
		fmt.Fprintln(stderr, "apsim: check: want -journal and -tickets, and nothing else")
		return exitUsage
	}
	c := newChecker(*show)
	for _, name := range journals {
		if err := c.readJournal(name); err != nil {
			fmt.Fprintf(stderr, "apsim: %s: %v\n", name, err)
			return exitFailed
		}
	}
	if err := c.readTickets(*tickets, time.FixedZone("", int(*offset/time.Second))); err != nil {
		fmt.Fprintf(stderr, "apsim: %v\n", err)
		return exitFailed
	}
	r := c.finish()
	write := r.writeText
	if *asJSON {
		write = r.writeJSON
	}
	if err := write(stdout); err != nil {
		fmt.Fprintf(stderr, "apsim: %v\n", err)
		return exitFailed
	}
	if r.Different > 0 {
		return exitFailed
	}
	return exitOK
}

// checker holds all events and sessions of the journals, in about a hundred octets each.
type checker struct {
	seed     maphash.Seed
	events   []checkEvent
	byKey    map[uint64]uint32 // index in events
	sessions []checkSession
	byID     map[string]uint32 // index in sessions, by Acct-Session-Id
	files    []string          // the journals
	key      []byte
	lastSeq  map[string]uint64 // by server

	// unknown are tickets of no event, as far as they will be shown.
	unknown []unknownTicket
	show    int
	report  checkReport
}

// checkEvent is one event of a journal.
type checkEvent struct {
	line         int64 // where its line begins in the journal
	session      uint32
	seq          uint32 // low half of its ticket's sequence number
	file         uint8
	status       uint8
	acknowledged bool
	tickets      uint8 // 1 or 0; further ones are differences
}

// checkSession is what is known of a session.
type checkSession struct {
	// Octets that the journal has acknowledged, that tickets say the NAS has counted, and that the
	// server made of these.
	acknowledged, counted, consolidated octets
	computed                            bool // some ticket has consolidated totals
}

type unknownTicket struct {
	session string
	status  accounting.Status
	where   string
}

func newChecker(show int) *checker {
	return &checker{seed: maphash.MakeSeed(), byKey: map[uint64]uint32{}, byID: map[string]uint32{}, lastSeq: map[string]uint64{}, show: show}
}

// eventKey is what both the journal and a ticket say of an event. No two events of a
// session are alike: what it has used grows.
type eventKey struct {
	nas, session string
	status       byte
	volume       volume
	sessionTime  uint32
	at           int64
}

func (c *checker) hash(k *eventKey) uint64 {
	b := append(append(append(c.key[:0], k.nas...), 0), k.session...)
	for _, n := range [...]uint64{
		uint64(k.status), k.volume.in, k.volume.out, uint64(k.volume.inPackets), uint64(k.volume.outPackets), uint64(k.sessionTime), uint64(k.at),
	} {
		b = appendHex(b, n, 16)
	}
	c.key = b
	return maphash.Bytes(c.seed, b)
}

// readTickets reads a file, or all files of a directory whose names don't begin with a dot, in
// the order of their names.
func (c *checker) readTickets(path string, zone *time.Location) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	names := []string{path}
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		names = names[:0]
		for _, e := range entries {
			if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
				names = append(names, filepath.Join(path, e.Name()))
			}
		}
		slices.SortFunc(names, func(a, b string) int {
			hourA, numberA := fileOrder(a)
			hourB, numberB := fileOrder(b)
			return cmp.Or(strings.Compare(hourA, hourB), cmp.Compare(numberA, numberB), strings.Compare(a, b))
		})
	}
	for i, name := range names {
		if err := c.readTicketFile(name, zone, i == len(names)-1); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// fileOrder takes a name such as detail-20260102T03.001 apart: the thousandth file of an hour comes
// behind the 999th.
func fileOrder(path string) (hour string, number int) {
	hour, rest, _ := strings.Cut(filepath.Base(path), ".")
	digits, _, _ := strings.Cut(rest, ".")
	number, _ = strconv.Atoi(digits) // 0 if there is none: the first one of the hour
	return hour, number
}

func (c *checker) readTicketFile(name string, zone *time.Location, newest bool) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	records, _ := accounting.NewRecordReader(f, zone)
	for {
		r, err := records.Next()
		var bad *accounting.ReadError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			c.report.Unreadable++
			if newest && errors.Is(err, accounting.ErrTorn) {
				// The server will cut it off when it starts again.
				c.report.Torn++
				c.report.notice("%s: %v", name, bad)
				continue
			}
			c.differ("%s: %v", name, bad)
		case err != nil:
			return err
		default:
			c.ticket(name, r)
		}
	}
}

// ticket takes one ticket.
func (c *checker) ticket(file string, r *accounting.Record) {
	c.report.Tickets++
	status := r.Status()
	where := func() string { return fmt.Sprintf("%s: line %d", file, r.Line) }
	server, seq, numbered := r.TicketID()
	again := numbered && seq <= c.lastSeq[server] // a server's files are in order
	if !again && numbered {
		c.report.Gaps += seq - c.lastSeq[server] - 1
		c.lastSeq[server] = seq
	}
	if status != accounting.Start && status != accounting.Interim && status != accounting.Stop {
		c.report.OtherTickets++
		c.orderly(again, where, seq)
		return
	}
	t, archival, err := readTicketCounters(r)
	if err != nil {
		c.report.Unreadable++
		c.differ("%s: %v", where(), err)
		return
	}
	session, known := c.byID[t.key.session]
	if archival {
		c.report.Archival++
		c.orderly(again, where, seq)
		return
	}
	at, found := c.byKey[c.hash(&t.key)]
	if !known || !found {
		c.report.NeverSent++
		if len(c.unknown) < c.show {
			c.unknown = append(c.unknown, unknownTicket{t.key.session, status, where()})
		}
		return
	}
	e, s := &c.events[at], &c.sessions[session]
	if e.tickets > 0 {
		c.report.Twice++
		what := "recorded twice" // by the server
		if e.seq == uint32(seq) && seq != 0 {
			what = "written twice" // by its exporter
		}
		c.differ("%s: %s: %s of session %s, ticket %d", what, where(), status, t.key.session, seq)
		return
	}
	e.tickets, e.seq = 1, uint32(seq)
	s.counted.raise(t.key.volume.in, t.key.volume.out)
	if t.computed {
		s.computed = true
		s.consolidated.raise(t.in, t.out)
	}
}

// orderly takes a ticket of what no station's event has caused: only its number can tell whether it
// is there twice.
func (c *checker) orderly(again bool, where func() string, seq uint64) {
	if again {
		c.report.Twice++
		c.differ("written twice: %s: ticket %d, or one behind it, was there before", where(), seq)
	}
}

// ticketCounters is what a ticket says.
type ticketCounters struct {
	key      eventKey
	in, out  uint64 // consolidated
	computed bool
}

// readTicketCounters reads them in one pass: there may be tens of millions.
func readTicketCounters(r *accounting.Record) (t ticketCounters, archival bool, err error) {
	var in, out, inHigh, outHigh, inPackets, outPackets, seconds uint64
	numbers := 0
	for i := range r.Pairs {
		p := &r.Pairs[i]
		var to *uint64
		switch p.Name {
		case "NAS-Identifier":
			t.key.nas = p.Value
		case "Acct-Session-Id":
			t.key.session = p.Value
		case "Twag-Archival":
			archival = true
		case "Acct-Input-Octets":
			to = &in
		case "Acct-Output-Octets":
			to = &out
		case "Acct-Input-Gigawords":
			to = &inHigh
		case "Acct-Output-Gigawords":
			to = &outHigh
		case "Acct-Input-Packets":
			to = &inPackets
		case "Acct-Output-Packets":
			to = &outPackets
		case "Acct-Session-Time":
			to = &seconds
		case "Twag-Input-Octets":
			to, numbers = &t.in, numbers|1
		case "Twag-Output-Octets":
			to, numbers = &t.out, numbers|2
		}
		if to == nil {
			continue
		}
		if *to, err = r.Number(p.Name); err != nil {
			return t, archival, err
		}
	}
	t.computed = numbers == 3
	t.key.status = byte(r.Status())
	t.key.volume = volume{inHigh<<32 | in, outHigh<<32 | out, uint32(inPackets), uint32(outPackets)}
	t.key.sessionTime = uint32(seconds)
	t.key.at = r.EventTime().Unix()
	return t, archival, nil
}
