package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"text/tabwriter"

	"github.com/opentwag/twag/accounting"
)

// ticketTotals is what a check adds up.
type ticketTotals struct {
	byStatus      map[accounting.Status]uint64
	input, output uint64 // of Stop tickets
	seconds       uint64
	overflow      bool
	notNumbers    uint64 // tickets whose counters cannot be read
}

// ticketsCheck is "twagctl tickets check".
func ticketsCheck(ctx context.Context, in *invocation) error {
	var o ticketOptions
	fs := in.flags()
	o.zoneFlag(fs)
	o.dedupeFlags(fs)
	names, err := in.parse(fs)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return in.wrong("no files")
	}
	files, err := in.open(&o, names)
	if err != nil {
		return err
	}
	defer files.close()
	totals := ticketTotals{byStatus: map[accounting.Status]uint64{}}
	o.dedupe.Record = func(r *accounting.Record, duplicate bool) {
		if !duplicate {
			totals.add(r)
		}
	}
	o.dedupe.Bad = func(name string, bad *accounting.ReadError) error {
		fmt.Fprintf(in.stderr, "%s: %v\n", name, bad)
		return nil
	}
	stats, err := accounting.Merge(ctx, io.Discard, &o.dedupe, files.inputs...)
	if err != nil {
		return err
	}
	totals.print(in.stdout, stats)
	switch {
	case stats.Bad > stats.Torn, totals.notNumbers > 0:
		return errors.New("there are tickets that cannot be read")
	case stats.Torn > 0:
		return errors.New("there are torn tickets")
	case stats.Duplicates > 0:
		return errors.New("there are duplicates")
	default:
		return nil
	}
}

// add counts a ticket, and adds up what a session used if it is its Stop.
func (t *ticketTotals) add(r *accounting.Record) {
	status := r.Status()
	t.byStatus[status]++
	if status != accounting.Stop {
		return
	}
	input, err1 := octets(r, "Twag-Input-Octets", "Acct-Input-Octets", "Acct-Input-Gigawords")
	output, err2 := octets(r, "Twag-Output-Octets", "Acct-Output-Octets", "Acct-Output-Gigawords")
	seconds, err3 := number(r, "Acct-Session-Time")
	if errors.Join(err1, err2, err3) != nil {
		t.notNumbers++
		return
	}
	t.sum(&t.input, input)
	t.sum(&t.output, output)
	t.sum(&t.seconds, seconds)
}

func (t *ticketTotals) sum(total *uint64, n uint64) {
	sum, carry := bits.Add64(*total, n, 0)
	*total, t.overflow = sum, t.overflow || carry > 0
}

// number returns an attribute, 0 if it is absent.
func number(r *accounting.Record, name string) (uint64, error) {
	n, err := r.Number(name)
	if errors.Is(err, accounting.ErrNoAttribute) {
		return 0, nil
	}
	return n, err
}

// octets returns what our server has made of a counter, or else what the NAS said.
func octets(r *accounting.Record, consolidated, low, high string) (uint64, error) {
	n, err := r.Number(consolidated)
	if !errors.Is(err, accounting.ErrNoAttribute) {
		return n, err
	}
	l, err1 := number(r, low)
	h, err2 := number(r, high)
	return h<<32 + l, errors.Join(err1, err2)
}

func (t *ticketTotals) print(w io.Writer, stats accounting.MergeStats) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, n uint64) { fmt.Fprintf(tw, "%s\t%d\n", name, n) }
	row("tickets", stats.Read)
	for _, s := range []accounting.Status{accounting.Start, accounting.Interim, accounting.Stop, accounting.AccountingOn, accounting.AccountingOff} {
		row(s.String(), t.byStatus[s])
	}
	row("other", t.byStatus[0])
	row("duplicates", stats.Duplicates)
	row("torn", stats.Torn)
	row("not readable", stats.Bad-stats.Torn+t.notNumbers)
	row("input octets", t.input)
	row("output octets", t.output)
	row("session seconds", t.seconds)
	_ = tw.Flush() // to the standard output
	if t.overflow {
		fmt.Fprintln(w, "a total is greater than 64 bits, and began again at 0")
	}
	if stats.Crowded > 0 {
		fmt.Fprintln(w, "-max-window was too small for -window: there may be more duplicates")
	}
}
