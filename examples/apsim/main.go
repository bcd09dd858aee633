// Apsim is a load generator: simulated phones with a USIM log in through
// simulated access points, and every key and every MAC is checked.
//
// It measures a RADIUS server from the outside: logins per second, how long
// they take, how many fail and why, and, given the process of a server on the
// same machine, its processor time per login.
//
//	apsim -server 127.0.0.1:1812 -secret SECRET -ues 64 -duration 20s -pid $(pidof twagd)
//
// As "apsim acct" the access points account for sessions, and "apsim check"
// compares what the server has acknowledged with its tickets:
//
//	apsim acct -server 127.0.0.1:1813 -secret SECRET -rate 10000 -duration 60s -journal run.journal
//	apsim check -journal run.journal -tickets /var/lib/twagd/tickets
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(apsim(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes: scripts tell a failed login from a wrong command line.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// apsim is the program; it returns its exit code.
func apsim(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "acct":
			return acctMain(ctx, args[1:], stdout, stderr)
		case "check":
			return checkMain(args[1:], stdout, stderr)
		}
	}
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	r, err := measure(ctx, o)
	if err != nil {
		fmt.Fprintf(stderr, "apsim: %v\n", err)
		return exitFailed
	}
	write := r.writeText
	if o.json {
		write = r.writeJSON
	}
	if err := write(stdout); err != nil {
		fmt.Fprintf(stderr, "apsim: %v\n", err)
		return exitFailed
	}
	if !r.good() {
		return exitFailed
	}
	return exitOK
}

// measure runs the load and returns the report.
func measure(ctx context.Context, o options) (*report, error) {
	stations, closeAll, err := newStations(o)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	read := o.meter()
	full, again := part{}, part{}
	if o.plan.Reauth > 0 {
		full, again, err = runRounds(ctx, stations, o.plan, read)
	} else {
		var before, after cpu
		if before, err = read(); err == nil {
			full.tally = run(ctx, stations, o.plan)
			after, err = read()
		}
		full.cpu.add(before, after)
	}
	if err != nil {
		return nil, err
	}
	return newReport(o, full, again), nil
}

// meter returns what reads the clocks of this run.
func (o *options) meter() meter {
	own := os.Getpid()
	return func() (c cpu, err error) {
		if o.pid > 0 {
			if c.server, err = cpuTime(o.pid); err != nil {
				return cpu{}, fmt.Errorf("-pid: %w", err)
			}
		}
		c.own, _ = cpuTime(own) // not everywhere to be had
		return c, nil
	}
}
