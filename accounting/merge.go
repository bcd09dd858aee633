package accounting

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// MergeConfig is how [Merge] works. The zero value is fit for use.
type MergeConfig struct {
	// Window is how far apart two tickets of one event may have arrived to be
	// recognised; 2 h if 0.
	Window time.Duration
	// MaxWindow bounds the tickets that are remembered, and with it the memory: about 1 KB
	// each; 250 000 if 0.
	MaxWindow int
	// Tolerance is how much the times of one event may differ between two tickets: what
	// Acct-Delay-Time rounds off, and the servers' clocks; 5 s if 0, none if negative.
	Tolerance time.Duration
	// Bad is told of each ticket that cannot be read, and ends the merge if it returns an
	// error. nil: the first one ends it.
	Bad func(input string, err *ReadError) error
	// Record is told of each ticket. nil: nobody is.
	Record func(r *Record, duplicate bool)
}

// MergeInput is one file.
type MergeInput struct {
	Name    string // for errors
	Records RecordReader
}

// MergeStats says what was done.
type MergeStats struct {
	Read       uint64
	Written    uint64
	Duplicates uint64
	Bad        uint64 // tickets that could not be read, torn ones included
	Torn       uint64
	// Crowded counts tickets that were forgotten before their time because
	// MaxWindow was reached: duplicates of theirs may have stayed.
	Crowded uint64
}

// Merge writes the tickets of all inputs to w, by time of arrival, and leaves out those whose
// event has a ticket already: a NAS that gets no answer from one server tells the event to another
// one, and then both may have a ticket. Each ticket is written as it was in its file, and of one event
// it is the first one that stays.
//
// Two tickets are of one event if they have the same NAS, Acct-Session-Id, station, user,
// status, session time, counters and cause, and event times that differ by no more
// than Tolerance. The times of arrival, Acct-Delay-Time, Proxy-State, the source and what servers compute do
// not count. Two tickets of one server are of one event only if they are the same ticket:
// servers know their events apart. What a server made up for a session that its NAS
// did not end is no duplicate of what a NAS sent.
//
// Inputs may have any size, since memory is bounded by Window and MaxWindow; each should be
// ordered by arrival, as exporters write them. A duplicate that arrived farther away than that is
// not recognised.
//
// The error is that of an input, with its name, of w, or of ctx. The stats are right
// in any case.
func Merge(ctx context.Context, w io.Writer, cfg *MergeConfig, inputs ...MergeInput) (MergeStats, error) {
	var c MergeConfig
	if cfg != nil {
		c = *cfg
	}
	c.Window = orDefault(c.Window, 2*time.Hour)
	c.MaxWindow = max(orDefault(c.MaxWindow, 250_000), 1)
	c.Tolerance = orDefault(c.Tolerance, 5*time.Second)
	m := merger{cfg: c, dedupe: newDedupe(&c)}
	out := bufio.NewWriterSize(w, 256<<10)
	err := m.run(ctx, out, inputs)
	if err == nil {
		err = out.Flush()
	}
	m.stats.Crowded = m.dedupe.events.crowded
	return m.stats, err
}

type merger struct {
	cfg    MergeConfig
	dedupe *dedupe
	heads  []head
	stats  MergeStats
}

// head is the next ticket of an input.
type head struct {
	MergeInput
	record  *Record // nil at the end
	arrived int64
	order   int64 // arrived, but never less than the one before
}

// advance reads an input's next ticket.
func (m *merger) advance(h *head) error {
	for {
		record, err := h.Records.Next()
		var bad *ReadError
		switch {
		case err == nil:
			m.stats.Read++
			h.record, h.arrived = record, record.milliArrived()
			h.order = max(h.order, h.arrived)
			return nil
		case errors.Is(err, io.EOF):
			h.record = nil
			return nil
		case !errors.As(err, &bad):
			return fmt.Errorf("%s: %w", h.Name, err)
		}
		m.stats.Bad++
		if errors.Is(bad, ErrTorn) {
			m.stats.Torn++
		}
		if m.cfg.Bad == nil {
			return fmt.Errorf("%s: %w", h.Name, bad)
		}
		if err := m.cfg.Bad(h.Name, bad); err != nil {
			return err
		}
	}
}

func (m *merger) run(ctx context.Context, out io.Writer, inputs []MergeInput) error {
	m.heads = make([]head, len(inputs))
	for i := range inputs {
		m.heads[i] = head{MergeInput: inputs[i], order: math.MinInt64}
		if err := m.advance(&m.heads[i]); err != nil {
			return err
		}
	}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var h *head
		for i := range m.heads {
			if next := &m.heads[i]; next.record != nil && (h == nil || next.order < h.order) {
				h = next
			}
		}
		if h == nil {
			return nil
		}
		duplicate := m.dedupe.seen(h.record, h.arrived)
		if m.cfg.Record != nil {
			m.cfg.Record(h.record, duplicate)
		}
		if duplicate {
			m.stats.Duplicates++
		} else {
			if _, err := out.Write(h.record.Raw); err != nil {
				return err
			}
			m.stats.Written++
		}
		if err := m.advance(h); err != nil {
			return err
		}
	}
}

// NewRecordReader returns the reader for what r begins with, and the format. Times of detail
// files without a zone are in zone; nil is UTC.
func NewRecordReader(r io.Reader, zone *time.Location) (RecordReader, Format) {
	in := bufio.NewReaderSize(r, maxLine)
	// An error of reading comes again, to the reader.
	begin, _ := in.Peek(512)
	if begin = bytes.TrimLeft(begin, " \t\r\n"); len(begin) > 0 && begin[0] == '{' {
		return NewJSONReader(in), FormatJSON
	}
	return NewDetailReader(in, zone), FormatDetail
}
