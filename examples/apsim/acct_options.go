package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"
)

// acctOptions is the command line of "apsim acct".
type acctOptions struct {
	server   netip.AddrPort
	secret   string
	nases    int
	sessions int
	stations int
	sockets  int
	class    string
	imsi     bool
	plan     acctPlan
	duration time.Duration
	drain    time.Duration
	end      bool // all sessions at the end
	sample   time.Duration
	settle   time.Duration
	journal  string
	coa      string
	pid      int
	seed     uint64
	json     bool

	// opening: the run is that of -open.
	opening bool
}

const acctUsage = `apsim acct simulates access points that account for their sessions: Start,
interims, Stop, repeated until the server acknowledges them.

Without -rate each answer makes room for another request (-window). With it
requests happen at that rate, whatever the server does.

`

// parseAcctOptions reads the command line of "apsim acct".
func parseAcctOptions(args []string, w io.Writer) (acctOptions, error) {
	o := acctOptions{}
	fs := flag.NewFlagSet("apsim acct", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprint(w, acctUsage)
		fs.PrintDefaults()
	}
	server := fs.String("server", "127.0.0.1:1813", "address of the accounting server")
	fs.StringVar(&o.secret, "secret", "", "shared secret")
	fs.IntVar(&o.nases, "nases", 16, "access points; those with even numbers repeat a request octet by octet,\nthe others make a new one with a higher Acct-Delay-Time")
	fs.IntVar(&o.sessions, "sessions", 10000, "sessions at a time")
	fs.IntVar(&o.stations, "stations", 0, "stations that take turns (default four for each session)")
	fs.IntVar(&o.sockets, "sockets", 0, "sockets, each with 256 requests in flight (default: by -window or -rate)")
	class := fs.String("class", "", "Class that the login gave, as text or 0x and hexadecimal digits")
	fs.BoolVar(&o.imsi, "imsi", false, "tell each station's IMSI in 3GPP-IMSI, 00101 and its number in ten digits")
	fs.Float64Var(&o.plan.rate, "rate", 0, "requests a second, whatever the server does")
	fs.IntVar(&o.plan.window, "window", 256, "requests in flight, without -rate")
	fs.IntVar(&o.plan.requests, "requests", 0, "stop after this many requests")
	fs.DurationVar(&o.duration, "duration", 0, "stop after this `time` (default 10s if no -requests are given);\nwith -open the time that the sessions stay open")
	fs.IntVar(&o.plan.lives.interims, "interims", 8, "interims of a session, on the average")
	fs.DurationVar(&o.plan.interim, "interim", 0, "`time` from one event of a session to the next (default: as -rate or -window lets it)")
	fs.IntVar(&o.plan.overlap, "overlap", 0, "events of a session that may wait for an answer (default 1, with -rate 4)")
	fs.DurationVar(&o.plan.firstRetransmission, "irt", 2*time.Second, "`time` after which a request is first sent again, 10 % more or less")
	fs.DurationVar(&o.plan.maxRetransmission, "mrt", 16*time.Second, "longest `time` between two transmissions")
	fs.DurationVar(&o.drain, "drain", time.Minute, "at the end wait so `long` for acknowledgements of all that was sent,\nand with -close as long for the sessions to stop")
	fs.BoolVar(&o.end, "close", false, "at the end stop all sessions")
	open := fs.Int("open", 0, "open this many sessions, tell what each costs the server's memory, and keep them\nopen for -duration; with -interim they send interims")
	fs.DurationVar(&o.settle, "settle", 3*time.Second, "`time` that the server has to settle before its memory is measured for -open")
	fs.DurationVar(&o.sample, "sample", 2*time.Second, "how `often` to look at the server's memory")
	fs.StringVar(&o.journal, "journal", "", "write what was acknowledged into this new `file`, for apsim check")
	fs.StringVar(&o.coa, "coa", "", "`address` at which to take Disconnect- and CoA-Requests, such as :3799")
	fs.IntVar(&o.pid, "pid", 0, "process of the server on this machine, to measure its processor time and memory")
	fs.Uint64Var(&o.seed, "seed", 1, "seed of the random numbers")
	fs.BoolVar(&o.json, "json", false, "write the report as JSON")
	if err := fs.Parse(args); err != nil {
		return acctOptions{}, err
	}
	err := func() (err error) {
		if fs.NArg() > 0 {
			return fmt.Errorf("%q is not a flag", fs.Arg(0))
		}
		if o.server, err = netip.ParseAddrPort(*server); err != nil {
			return errors.New("-server: want an IP address and a port, such as 127.0.0.1:1813")
		}
		o.class = *class
		if digits, ok := strings.CutPrefix(*class, "0x"); ok {
			b, err := hex.DecodeString(digits)
			if err != nil {
				return fmt.Errorf("-class: %w", err)
			}
			o.class = string(b)
		}
		if *open != 0 {
			o.opening, o.sessions, o.plan.lives.endless = true, *open, true
		}
		return o.check()
	}()
	if err != nil {
		fmt.Fprintf(w, "apsim: %v\n", err)
	}
	return o, err
}

// Bounds of what may be asked for.
const (
	maxNASes    = 1 << 16
	maxSessions = 10_000_000
	maxSockets  = 4096
)

// check refuses what makes no sense and fills in what was left out.
func (o *acctOptions) check() error {
	p := &o.plan
	switch {
	case o.secret == "":
		return errors.New("-secret is missing")
	case len(o.secret) > 128:
		return errors.New("-secret: want at most 128 octets")
	case o.nases < 1 || o.nases > maxNASes:
		return fmt.Errorf("-nases: want 1 to %d", maxNASes)
	case o.sessions < 1 || o.sessions > maxSessions:
		return fmt.Errorf("-sessions, -open: want 1 to %d", maxSessions)
	case o.stations < 0 || o.stations > 1e10:
		return errors.New("-stations: want at most 10000000000")
	case o.sockets < 0 || o.sockets > maxSockets:
		return fmt.Errorf("-sockets: want 1 to %d", maxSockets)
	case len(o.class) > 253:
		return errors.New("-class: want at most 253 octets")
	case p.rate < 0 || p.rate > 1e6:
		return errors.New("-rate: want 0 to 1000000")
	case p.window < 1 || p.window > 256*maxSockets:
		return fmt.Errorf("-window: want 1 to %d", 256*maxSockets)
	case p.requests < 0 || o.duration < 0 || p.interim < 0 || o.drain < 0 || o.settle < 0:
		return errors.New("-requests and times must not be negative")
	case o.sample < 10*time.Millisecond:
		return errors.New("-sample: want at least 10ms")
	case p.lives.interims < 0 || p.lives.interims > 1e9:
		return errors.New("-interims: want 0 or more")
	case p.overlap < 0 || p.overlap > 64:
		return errors.New("-overlap: want 1 to 64")
	case p.firstRetransmission < 2*timerTick || p.maxRetransmission < p.firstRetransmission || p.maxRetransmission > time.Minute-10*time.Second:
		return errors.New("-irt, -mrt: want 32ms to 50s, and -mrt not less than -irt")
	case o.opening && p.requests > 0:
		return errors.New("-open, -requests: -duration says how long sessions stay open")
	case o.pid < 0:
		return errors.New("-pid: want a process number")
	}
	if p.overlap == 0 {
		p.overlap = 1
		if p.rate > 0 {
			p.overlap = 4
		}
	}
	if !o.opening && p.requests == 0 && o.duration == 0 {
		o.duration = 10 * time.Second
	}
	if o.stations == 0 {
		o.stations = 4 * o.sessions
		if o.opening {
			o.stations = o.sessions
		}
	}
	// A place's stations are its own, so that no station has two sessions.
	o.stations = (o.stations + o.sessions - 1) / o.sessions * o.sessions
	if o.sockets == 0 {
		inFlight := p.window
		if p.rate > 0 { // what four seconds without an answer leave in flight
			inFlight = int(4 * p.rate)
		}
		o.sockets = min(max(inFlight/128, 8), 256)
	}
	return nil
}
