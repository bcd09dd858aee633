// Apsim is a load generator: simulated phones with a USIM log in through
// simulated access points, and every key and every MAC is checked.
//
// It measures a RADIUS server from the outside: logins per second, how long
// they take, how many fail and why, and, given the process of a server on the
// same machine, its processor time per login.
//
//	apsim -server 127.0.0.1:1812 -secret SECRET -ues 64 -duration 20s -pid $(pidof twagd)
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
	"time"
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
	if r.Failed > 0 || r.Logins == 0 {
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
	serverBefore, err := serverTime(o.pid)
	if err != nil {
		return nil, fmt.Errorf("-pid: %w", err)
	}
	ownBefore, ownErr := cpuTime(os.Getpid())

	t := run(ctx, stations, o.plan)

	r := newReport(o.server.String(), string(o.method), o.stations, t)
	if o.pid > 0 {
		serverAfter, err := serverTime(o.pid)
		if err != nil {
			return nil, fmt.Errorf("the server is gone: %w", err)
		}
		r.ServerCPU = r.perLogin(serverAfter - serverBefore)
	}
	if ownAfter, err := cpuTime(os.Getpid()); err == nil && ownErr == nil {
		r.OwnCPU = r.perLogin(ownAfter - ownBefore)
	}
	return r, nil
}

func serverTime(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	return cpuTime(pid)
}
