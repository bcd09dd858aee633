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
	"fmt"
	"io"
	"slices"

	"github.com/opentwag/twag/examples/internal/simulator"
	"github.com/opentwag/twag/gy/gytest"
)

func main() { simulator.Main(ocssim) }

// ocssim is the program; it returns its exit code.
func ocssim(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	return simulator.Run("ocssim", err, stderr, func() error { return serve(ctx, &o, stdin, stdout, stderr) })
}

// serve runs the OCS until ctx ends.
func serve(ctx context.Context, o *options, stdin io.Reader, stdout, stderr io.Writer) error {
	cfg := o.config
	cfg.Node = o.Node("twag ocssim", stderr)
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
	err = o.Serve(ctx, ocs, stdout, fmt.Sprintf("%d accounts", len(accounts)), func() {
		simulator.Obey(ctx, stdin, stdout, func(ctx context.Context, words []string) (string, error) {
			if slices.Equal(words, []string{"audit"}) {
				writeAudit(stdout, ocs.Audit())
			}
			return command(ctx, ocs, words[0], words[1:])
		})
	})
	if o.audit {
		writeAudit(stdout, ocs.Audit())
	}
	s := ocs.Stats()
	fmt.Fprintf(stdout, "requests %d, duplicates %d, refusals %d, malformed %d, faults %d, violations %d\n",
		s.Requests, s.Duplicates, s.Refusals, s.Malformed, s.Faults, ocs.Audit().TotalViolations)
	return err
}
