package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// acctMain is "apsim acct"; it returns the exit code.
func acctMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseAcctOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	net, err := dialAcct(o.server, o.sockets)
	if err != nil {
		fmt.Fprintf(stderr, "apsim: %v\n", err)
		return exitFailed
	}
	r, err := account(ctx, &o, net)
	_ = net.close() // it was only a transport
	if r != nil {
		write := r.writeText
		if o.json {
			write = r.writeJSON
		}
		err = errors.Join(err, write(stdout))
	}
	if err != nil {
		fmt.Fprintf(stderr, "apsim: %v\n", err)
		return exitFailed
	}
	if !r.good() {
		return exitFailed
	}
	return exitOK
}

// acctRun is a load and what looks after it.
type acctRun struct {
	o        *acctOptions
	load     *acctLoad
	meter    meter
	resident residentLog
	commands <-chan dynAuthCommand // nil: none
}

// account runs the load and returns the report.
func account(ctx context.Context, o *acctOptions, net acctNet) (*acctReport, error) {
	began := time.Now()
	fleet := newAcctFleet(uint32(began.Unix()), o.nases, o.sessions, o.stations, o.class, o.secret)
	fleet.imsi = o.imsi
	load := newAcctLoad(fleet, o.plan, net, o.sockets, o.seed)
	load.began = began
	a := &acctRun{o: o, load: load, meter: (&options{pid: o.pid}).meter()}
	if o.journal != "" {
		j, err := createJournal(o.journal)
		if err != nil {
			return nil, fmt.Errorf("-journal: %w", err)
		}
		load.journal = j
	}
	if o.coa != "" {
		commands, closeAll, err := serveDynAuth(o.coa, o.secret)
		if err != nil {
			return nil, fmt.Errorf("-coa: %w", err)
		}
		defer closeAll()
		a.commands = commands
	}
	if o.pid > 0 {
		a.resident.pid, a.resident.every = o.pid, o.sample
		if err := a.resident.begin(); err != nil {
			return nil, fmt.Errorf("-pid: %w", err)
		}
	}
	r, err := a.run(ctx)
	if finished := load.finish(); err == nil {
		err = finished
	}
	return r, err
}

// run goes through the load's phases: sessions come and go, or open and stay; they end
// if they are to; and what was sent is acknowledged.
func (a *acctRun) run(ctx context.Context) (*acctReport, error) {
	o, l := a.o, a.load
	before, err := a.meter()
	if err != nil {
		return nil, err
	}
	report := &acctReport{}
	if o.opening {
		err = a.loop(ctx, func(time.Duration) bool { return l.tally.starts >= uint64(o.sessions) })
	} else {
		err = a.loop(ctx, func(now time.Duration) bool {
			return l.exhausted() && len(l.ops) == 0 || o.duration > 0 && now >= o.duration
		})
	}
	report.measured(o, l, a.since(), a.used(before))
	if err == nil && o.opening {
		err = a.hold(ctx, report)
	}
	over := func(done func() bool) func(time.Duration) bool {
		deadline := a.since() + o.drain
		return func(now time.Duration) bool { return done() || now >= deadline }
	}
	if err == nil && o.end && ctx.Err() == nil {
		l.close(a.since())
		err = a.loop(ctx, over(l.done))
	}
	if err == nil {
		// An interrupted run is ended properly as well.
		l.stopping = true
		err = a.loop(context.WithoutCancel(ctx), over(func() bool { return len(l.ops) == 0 }))
	}
	report.ended(l, a.since(), &a.resident)
	return report, err
}

// hold keeps sessions open, and looks at what they cost the server.
func (a *acctRun) hold(ctx context.Context, r *acctReport) error {
	wait := func(d time.Duration) error {
		end := a.since() + d
		return a.loop(ctx, func(now time.Duration) bool { return now >= end })
	}
	if err := wait(a.o.settle); err != nil {
		return err
	}
	if a.o.pid > 0 {
		a.resident.look(a.since())
		r.opened(&a.resident, a.load.open)
	}
	return wait(a.o.duration)
}

func (a *acctRun) since() time.Duration { return time.Since(a.load.began) }

// used returns the processor time since before; that of a server that is gone is not
// known.
func (a *acctRun) used(before cpu) (c cpu) {
	if after, err := a.meter(); err == nil {
		c.add(before, after)
	}
	return c
}

// loop runs the load until the end or until ctx ends.
func (a *acctRun) loop(ctx context.Context, end func(now time.Duration) bool) error {
	l := a.load
	receive := func(socket int, b []byte) { l.receive(socket, b, a.since()) }
	for {
		now := a.since()
		l.step(now)
		if err := errors.Join(l.net.flush(), l.err); err != nil {
			return err
		}
		if end(now) || ctx.Err() != nil {
			return nil
		}
		a.attend(now)
		if err := l.net.wait(l.idleFor(now), receive); err != nil {
			return err
		}
	}
}

// attend does what is not the load's.
func (a *acctRun) attend(now time.Duration) {
	a.resident.tick(now)
	if j := a.load.journal; j != nil {
		if err := j.flush(a.load.began.Add(now)); err != nil {
			a.load.err = err
		}
	}
	for {
		select {
		case c := <-a.commands:
			c.answer <- a.load.dynAuth(c.request, now)
		default:
			return
		}
	}
}

// residentLog is how much memory the server has had.
type residentLog struct {
	pid     int // 0: nobody looks
	every   time.Duration
	next    time.Duration
	before  uint64
	samples []residentSample
}

// residentSample is one look. Its JSON names are for scripts.
type residentSample struct {
	Seconds float64 `json:"seconds"`
	Octets  uint64  `json:"octets"`
}

// maxSamples bounds the looks of a run: every second one is forgotten, and they become half as
// frequent.
const maxSamples = 4096

func (r *residentLog) begin() (err error) {
	r.before, err = residentOctets(r.pid)
	return err
}

// tick looks if it is time.
func (r *residentLog) tick(now time.Duration) {
	if r.pid == 0 || now < r.next {
		return
	}
	r.next = now + r.every
	r.look(now)
}

func (r *residentLog) look(now time.Duration) {
	octets, err := residentOctets(r.pid)
	if err != nil {
		return // it is gone; the report will show until when it was there
	}
	if len(r.samples) == maxSamples {
		for i := range maxSamples / 2 {
			r.samples[i] = r.samples[2*i+1]
		}
		r.samples = r.samples[:maxSamples/2]
		r.every *= 2
	}
	r.samples = append(r.samples, residentSample{now.Seconds(), octets})
}
