// Ocssim is an OCS simulator: accounts that are charged over Gy, for
// laboratories, tests and measurements.
//
//	ocssim -listen 127.0.0.1:3868 -accounts 1000 -balance 30M -chunk 10M
//	ocssim -listen "" -connect dra.example.org=192.0.2.7:3868 -ledger ocs.ledger
//
// The accounts are those of twagd's laboratory and of apsim: IMSIs from
// 001010000000001 on. Each has a balance in octets (or seconds, with -unit
// time; or in whatever -price says) that all its sessions share. Grants cover
// it exactly; the one after which nothing is left says so, with what
// -final-unit says is to be done then.
//
// With -ledger everything that changes an account or a session is in a file
// before the answer goes out. A process that is killed and started again with
// the same file goes on exactly where it was; -balance then counts for
// accounts that the file does not have.
//
// With -commands the OCS does of its own accord what lines of the standard
// input say: -h has the list.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy/gytest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(ocssim(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// ocssim is the program; it returns its exit code.
func ocssim(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if err := serve(ctx, o, stdin, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "ocssim: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// leaveTime is how long peers have to let us go.
const leaveTime = 3 * time.Second

// serve runs the OCS until ctx ends.
func serve(ctx context.Context, o options, stdin io.Reader, stdout, stderr io.Writer) error {
	cfg := o.config
	cfg.Node = diameter.Config{
		OriginHost:  o.host,
		OriginRealm: o.realm,
		ProductName: "twag ocssim",
		Peers:       o.peers,
		Logger:      slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: o.level})),
	}
	ocs, err := gytest.New(cfg)
	if err != nil {
		return err
	}
	defer ocs.Close()
	accounts, err := o.accounts()
	if err != nil {
		return err
	}
	if err := ocs.Add(accounts...); err != nil {
		return err
	}
	for _, f := range o.faults {
		f.Times = o.times
		ocs.Inject(f)
	}
	if o.listen != "" {
		addr, err := ocs.Listen(o.listen)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "listening on %v\n", addr)
	}
	ocs.Start()
	fmt.Fprintf(stdout, "%s serves %d accounts\n", o.host, len(accounts))
	if o.commands {
		// Nobody can end a read from a terminal: it ends with the process.
		go obey(ctx, ocs, stdin, stdout)
	}

	<-ctx.Done()
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	err = ocs.Shutdown(leave)
	if o.audit {
		writeAudit(stdout, ocs.Audit())
	}
	s := ocs.Stats()
	fmt.Fprintf(stdout, "requests %d, duplicates %d, refusals %d, malformed %d, faults %d, violations %d\n",
		s.Requests, s.Duplicates, s.Refusals, s.Malformed, s.Faults, ocs.Audit().TotalViolations)
	return err
}
