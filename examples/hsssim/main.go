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
// no-roaming, no-wlan. "#" begins a comment.
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
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(hsssim(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// hsssim is the program; it returns its exit code.
func hsssim(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if err := serve(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "hsssim: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// leaveTime is how long peers have to let us go.
const leaveTime = 3 * time.Second

// serve runs the HSS until ctx ends.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	hss, err := swxtest.New(swxtest.Config{
		Node: diameter.Config{
			OriginHost:  o.host,
			OriginRealm: o.realm,
			ProductName: "twag hsssim",
			Peers:       o.peers,
			Logger:      slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: o.level})),
		},
		Dialect:      swx.Profile{PlainKeys: o.plainKeys},
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
	if o.listen != "" {
		addr, err := hss.Listen(o.listen)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "listening on %v\n", addr)
	}
	hss.Start()
	fmt.Fprintf(stdout, "%s serves %d subscribers\n", o.host, len(subscribers))

	<-ctx.Done()
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	err = hss.Shutdown(leave)
	s := hss.Stats()
	fmt.Fprintf(stdout, "requests %d, vectors %d, resynchronisations %d, refusals %d, malformed %d, faults %d\n",
		s.Requests, s.Vectors, s.Resyncs, s.Refusals, s.Malformed, s.Faults)
	return err
}
