package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/opentwag/twag/accounting"
)

// ticketOptions are those of all commands that read ticket files.
type ticketOptions struct {
	offset time.Duration
	dedupe accounting.MergeConfig
}

func (o *ticketOptions) zoneFlag(fs *flag.FlagSet) {
	fs.DurationVar(&o.offset, "utc-offset", 0, "`time` zone of times that name none, such as -3h")
}

func (o *ticketOptions) dedupeFlags(fs *flag.FlagSet) {
	fs.DurationVar(&o.dedupe.Window, "window", 2*time.Hour, "`time` between the arrivals of an event's tickets, at most")
	fs.IntVar(&o.dedupe.MaxWindow, "max-window", 250_000, "`tickets` remembered, at most; about 1 KB each")
	fs.DurationVar(&o.dedupe.Tolerance, "tolerance", 5*time.Second, "`difference` in the times of one event, at most; -1ns for none")
}

func (o *ticketOptions) zone() *time.Location {
	if o.offset == 0 {
		return time.UTC
	}
	return time.FixedZone("", int(o.offset/time.Second))
}

// ticketFiles are open files.
type ticketFiles struct {
	inputs  []accounting.MergeInput
	formats []accounting.Format
	closers []io.Closer
}

// open opens files; "-" is the standard input.
func (in *invocation) open(o *ticketOptions, names []string) (*ticketFiles, error) {
	files := &ticketFiles{}
	for _, name := range names {
		r := in.stdin
		if name != "-" {
			f, err := os.Open(name)
			if err != nil {
				files.close()
				return nil, err
			}
			files.closers = append(files.closers, f)
			r = f
		}
		records, format := accounting.NewRecordReader(r, o.zone())
		files.inputs = append(files.inputs, accounting.MergeInput{Name: name, Records: records})
		files.formats = append(files.formats, format)
	}
	return files, nil
}

func (f *ticketFiles) close() {
	for _, c := range f.closers {
		_ = c.Close() // they were only read
	}
}

// oneFormat fails if the files have several.
func (f *ticketFiles) oneFormat() error {
	for i := range f.formats {
		if f.formats[i] != f.formats[0] {
			return fmt.Errorf("%s and %s are of different formats: see twagctl tickets cat", f.inputs[0].Name, f.inputs[i].Name)
		}
	}
	return nil
}
