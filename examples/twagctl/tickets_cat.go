package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opentwag/twag/accounting"
)

// ticketsCat is "twagctl tickets cat".
func ticketsCat(ctx context.Context, in *invocation) error {
	var o ticketOptions
	var format string
	fs := in.flags()
	fs.StringVar(&format, "format", "json", "`format` to write: json or detail")
	o.zoneFlag(fs)
	names, err := in.parse(fs)
	if err != nil {
		return err
	}
	appendTicket := accounting.AppendJSON
	switch {
	case format == "detail":
		appendTicket = accounting.AppendDetail
	case format != "json":
		return in.wrong("-format %s is none", format)
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	files, err := in.open(&o, names)
	if err != nil {
		return err
	}
	defer files.close()
	out := bufio.NewWriter(in.stdout)
	var buf []byte
	bad := false
	for _, f := range files.inputs {
		for {
			record, err := f.Records.Next()
			var wrong *accounting.ReadError
			switch {
			case errors.Is(err, io.EOF):
			case errors.As(err, &wrong):
				fmt.Fprintf(in.stderr, "%s: %v\n", f.Name, wrong)
				bad = true
				continue
			case err != nil:
				return fmt.Errorf("%s: %w", f.Name, err)
			}
			if err != nil {
				break
			}
			ticket, err := ours(record)
			if err != nil {
				fmt.Fprintf(in.stderr, "%s: %v\n", f.Name, err)
				bad = true
				continue
			}
			buf = appendTicket(buf[:0], &ticket, o.zone())
			if _, err := out.Write(buf); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if bad {
		return errors.New("there are tickets that cannot be written in that format")
	}
	return nil
}

// ours returns the ticket of a record. Those of other programs lack what the other
// format would have to say.
func ours(r *accounting.Record) (accounting.Ticket, error) {
	if _, _, ok := r.TicketID(); !ok {
		return accounting.Ticket{}, fmt.Errorf("line %d: no Twag-Ticket: another program's", r.Line)
	}
	return r.Ticket()
}
