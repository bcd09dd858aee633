// Hsssim is an HSS simulator: subscribers whose vectors come over SWx, for
// laboratories, tests and measurements.
//
//	hsssim -listen 127.0.0.1:3868 -subscribers 1000
//	hsssim -listen "" -connect dra.example.org=192.0.2.7:3868 -provision subscribers.txt
//
// Without -provision the subscribers are those of twagd's laboratory and of
// apsim: IMSIs from 001010000000001 on, with keys that anybody can compute.
//
// A line of the provisioning file is an IMSI, K and OPc in hexadecimal, and
// words that may follow: sqn=NUMBER (the last one used), barred, no-non-3gpp,
// no-roaming, no-wlan, and of the profile msisdn=NUMBER, apn=NAME,
// access-barred. "#" begins a comment.
//
// Two processes that serve the same subscribers need one sequence of numbers:
//
//	hsssim -host hss1.example -listen 127.0.0.1:3868 -sqn-time -ind 1 -any-aaa-server
//	hsssim -host hss2.example -listen 127.0.0.1:3869 -sqn-time -ind 2 -any-aaa-server
//
// Which AAA server is registered each of them has to find out for itself.
//
// With -commands the HSS does of its own accord what lines of the standard
// input say: -h has the list.
package main

import (
	"context"
	"fmt"
	"io"

	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/examples/internal/simulator"
	"github.com/opentwag/twag/swx/swxtest"
)

func main() { simulator.Main(hsssim) }

// hsssim is the program; it returns its exit code.
func hsssim(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	return simulator.Run("hsssim", err, stderr, func() error { return serve(ctx, &o, stdin, stdout, stderr) })
}

// serve runs the HSS until ctx ends.
func serve(ctx context.Context, o *options, stdin io.Reader, stdout, stderr io.Writer) error {
	var numbers auc.Config
	if o.sqnTime {
		numbers.Scheme = swxtest.ClockSQN{IND: uint8(o.ind)}
	}
	hss, err := swxtest.New(swxtest.Config{
		Node:         o.Node("twag hsssim", stderr),
		AuC:          auc.New(numbers),
		Dialect:      o.dialect,
		AnyAAAServer: o.anyAAAServer,
	})
	if err != nil {
		return err
	}
	defer hss.Close()
	subscribers, err := o.subscribers()
	if err != nil {
		return err
	}
	for _, s := range subscribers {
		if err := hss.Add(s); err != nil {
			return err
		}
	}
	if f, ok := o.fault(); ok {
		hss.Inject(f)
	}
	err = o.Serve(ctx, hss, stdout, fmt.Sprintf("%d subscribers", len(subscribers)), func() {
		simulator.Obey(ctx, stdin, stdout, func(ctx context.Context, words []string) (string, error) { return command(ctx, hss, words) })
	})
	s := hss.Stats()
	fmt.Fprintf(stdout, "requests %d, vectors %d, resynchronisations %d, refusals %d, malformed %d, faults %d\n",
		s.Requests, s.Vectors, s.Resyncs, s.Refusals, s.Malformed, s.Faults)
	return err
}
