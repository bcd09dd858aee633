package accounting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/session"
)

// ErrOtherJournal: the sink has a ticket that the journal never had, so its tickets are
// those of another journal: the store was replaced, or restored from
// an old copy. Nothing is written until somebody gives the sink another directory.
var ErrOtherJournal = errors.New("accounting: the sink's tickets are not of this journal")

// ExporterConfig is how an [Exporter] works. The zero value is fit for use.
type ExporterConfig struct {
	// Interval is how often the journal is looked at, and at most how often the sink is
	// synced; 500 ms if 0.
	Interval time.Duration
	// Batch is how many tickets the sink gets at once; 512 if 0.
	Batch int
	// Retain is how many exported tickets stay in the journal; 10 000 if 0,
	// none if negative. They cost space only, and are there if a file is damaged.
	Retain int
	// MaxWait bounds the time between attempts after a failure, which
	// begins with Interval and doubles; 5 s if 0.
	MaxWait time.Duration
	// Drain is the time that Run has at its end for what the journal still has;
	// 5 s if 0, none if negative.
	Drain time.Duration
	// Logger gets the lines of this file's end; nil is silence.
	Logger *slog.Logger
	Hooks  ExporterHooks
}

// ExporterHooks are told what an exporter does. They must not block.
type ExporterHooks struct {
	// Exported: tickets are durable in the sink.
	Exported func(ExportInfo)
	// Failed: an attempt failed, and there will be another one.
	Failed func(error)
}

// ExportInfo says what was exported.
type ExportInfo struct {
	Tickets  int
	Last     uint64        // sequence number of the last one
	Duration time.Duration // from the first read until they were known to be durable
}

// Exporter brings a journal's tickets to a [Sink], each once, in order, and
// trims the journal behind them. While the sink fails the journal keeps everything.
type Exporter struct {
	cfg     ExporterConfig
	journal session.Journal
	sink    Sink
	log     *slog.Logger

	// Of Run's goroutine.
	asked   bool   // the sink has said what it has
	resumed bool   // it has been compared with the journal
	last    uint64 // ticket that the sink has
	trimmed uint64 // the journal begins there, as far as we know
	failing bool
	tickets []Ticket
	entries []byte
	bounds  []entryBound
	pending []uint64 // written, and not known to be durable; at most syncEvery batches

	exported, failures atomic.Uint64
	synced             atomic.Uint64
	broken             atomic.Bool
}

type entryBound struct {
	seq uint64
	end int
}

// NewExporter returns an exporter from the journal to the sink; [Exporter.Run] is its
// work. cfg may be nil.
func NewExporter(journal session.Journal, sink Sink, cfg *ExporterConfig) *Exporter {
	e := &Exporter{journal: journal, sink: sink}
	if cfg != nil {
		e.cfg = *cfg
	}
	c := &e.cfg
	c.Interval = orDefault(c.Interval, 500*time.Millisecond)
	c.Batch = orDefault(c.Batch, 512)
	c.Retain = orDefault(c.Retain, 10_000)
	c.MaxWait = max(orDefault(c.MaxWait, 5*time.Second), c.Interval)
	c.Drain = orDefault(c.Drain, 5*time.Second)
	if e.log = c.Logger; e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	return e
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return max(v, 0)
}

// ExporterStats are an exporter's counts.
type ExporterStats struct {
	Exported uint64 // tickets made durable in the sink
	Last     uint64 // sequence number of the last one
	Failures uint64 // attempts that failed
	Failing  bool   // the last attempt did
}

// Stats returns the counts. It may be called at any time.
func (e *Exporter) Stats() ExporterStats {
	return ExporterStats{e.exported.Load(), e.synced.Load(), e.failures.Load(), e.broken.Load()}
}

// Run exports until ctx ends, and then for at most Drain what the journal has still. It returns
// nil if nothing was left, the last failure otherwise, and [ErrOtherJournal]
// at once. It may be called once.
func (e *Exporter) Run(ctx context.Context) error {
	wait := e.cfg.Interval
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return e.drain(ctx)
		case <-timer.C:
		}
		err := e.round(ctx)
		switch {
		case err == nil:
			wait = e.cfg.Interval
		case errors.Is(err, ErrOtherJournal):
			return err
		case ctx.Err() == nil:
			wait = min(2*wait, e.cfg.MaxWait)
		}
		timer.Reset(wait)
	}
}

// drain exports what is left, although ctx is over.
func (e *Exporter) drain(ctx context.Context) error {
	if e.cfg.Drain == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.cfg.Drain)
	defer cancel()
	return e.round(ctx)
}

// round exports what the journal has, and reports what comes of it.
func (e *Exporter) round(ctx context.Context) error {
	began := time.Now()
	err := e.export(ctx, began)
	if err == nil {
		err = e.trim(ctx)
	}
	if err == nil {
		if e.failing {
			e.failing = false
			e.broken.Store(false)
			e.log.Info(logExportAgain, "last", e.last)
		}
		return nil
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err // not the sink's fault
	}
	e.failures.Add(1)
	if !e.failing {
		e.failing = true
		e.broken.Store(true)
		e.log.Error(logExportFailed, "last", e.last, "error", err)
	}
	if e.cfg.Hooks.Failed != nil {
		e.cfg.Hooks.Failed(err)
	}
	return err
}

// syncEvery is how many batches are written before the sink is synced, in a
// round that finds more.
const syncEvery = 32

func (e *Exporter) export(ctx context.Context, began time.Time) error {
	if err := e.resume(ctx, began); err != nil {
		return err
	}
	for batch := 1; ; batch++ {
		n, err := e.read(ctx)
		if err == nil && n > 0 {
			if err = e.sink.Write(ctx, e.tickets[:n]); err == nil {
				e.last = e.tickets[n-1].Seq
			}
			// Also what a failed Write may have brought there.
			for i := range n {
				e.pending = append(e.pending, e.tickets[i].Seq)
			}
		}
		if err == nil && len(e.pending) > 0 && (n < e.cfg.Batch || batch%syncEvery == 0) {
			if err = e.sink.Sync(ctx); err == nil {
				e.done(e.last, began)
				began = time.Now()
			}
		}
		if err != nil {
			e.asked = false
			return err
		}
		if n < e.cfg.Batch {
			return nil
		}
	}
}

// done counts what is durable up to last.
func (e *Exporter) done(last uint64, began time.Time) {
	n := 0
	for n < len(e.pending) && e.pending[n] <= last {
		n++
	}
	e.pending = e.pending[:0]
	if n == 0 {
		return
	}
	e.synced.Store(last)
	e.exported.Add(uint64(n))
	if e.cfg.Hooks.Exported != nil {
		e.cfg.Hooks.Exported(ExportInfo{n, last, time.Since(began)})
	}
}

// resume asks the sink where it is, at the beginning and after failures.
func (e *Exporter) resume(ctx context.Context, began time.Time) error {
	if e.asked {
		return nil
	}
	last, err := e.sink.Last(ctx)
	if err != nil {
		return err
	}
	if !e.resumed {
		newest, err := e.journal.Last(ctx)
		if err != nil {
			return fmt.Errorf("accounting: journal: %w", err)
		}
		if newest < last {
			e.log.Error(logOtherJournal, "last", last, "journal", newest)
			return fmt.Errorf("%w: ticket %d of %d", ErrOtherJournal, last, newest)
		}
		e.log.Info(logExportResumed, "last", last, "journal", newest)
		e.synced.Store(last)
		e.resumed = true
	}
	e.done(last, began) // a sink may make durable what a failure came after
	e.asked, e.last = true, last
	return nil
}

// read reads the next batch into tickets. They refer to entries.
func (e *Exporter) read(ctx context.Context) (int, error) {
	e.entries, e.bounds = e.entries[:0], e.bounds[:0]
	err := e.journal.ReadJournal(ctx, e.last+1, func(seq uint64, entry []byte) bool {
		e.entries = append(e.entries, entry...)
		e.bounds = append(e.bounds, entryBound{seq, len(e.entries)})
		return len(e.bounds) < e.cfg.Batch
	})
	if err != nil {
		return 0, fmt.Errorf("accounting: journal: %w", err)
	}
	if need := len(e.bounds) - len(e.tickets); need > 0 {
		e.tickets = append(e.tickets, make([]Ticket, need)...)
	}
	begin := 0
	for i, bound := range e.bounds {
		t := &e.tickets[i]
		// What cannot be read is not passed over: a later version of the program may have
		// written it, and can read it.
		if err := t.decode(e.entries[begin:bound.end]); err != nil {
			return 0, fmt.Errorf("accounting: journal entry %d: %w", bound.seq, err)
		}
		t.Seq = bound.seq
		begin = bound.end
	}
	return len(e.bounds), nil
}

// trimStep is how many entries are worth a trim.
const trimStep = 4096

// trim lets the journal forget what is durable in the sink, but for what is retained.
func (e *Exporter) trim(ctx context.Context) error {
	before := e.synced.Load() + 1
	if retain := uint64(e.cfg.Retain); before <= retain+1 {
		return nil
	} else {
		before -= retain
	}
	if before < e.trimmed+trimStep && e.trimmed > 0 {
		return nil
	}
	if err := e.journal.TrimJournal(ctx, before); err != nil {
		return fmt.Errorf("accounting: journal: %w", err)
	}
	e.trimmed = before
	return nil
}

// Lines of the log, all about state: none comes for each ticket.
const (
	logExportResumed = "ticket export resumed" // Info: last, journal
	logExportFailed  = "ticket export failed"  // Error: last, error; once until it works again
	logExportAgain   = "ticket export works again"
	logOtherJournal  = "ticket files are of another journal"
)
