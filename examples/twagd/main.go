// Twagd is the reference server: a trusted WLAN access gateway's AAA server
// for WiFi access points (RADIUS, EAP-AKA and EAP-AKA') in front of an HSS
// (Diameter, SWx).
//
// Without an argument it is a laboratory in one process: an HSS simulator
// reached over a real Diameter connection, a simulated access point whose
// subscribers log in again and again, and a recipe to try a real supplicant.
// With a configuration file it is the real thing:
//
//	twagd -config twagd.yaml
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends the process at once.
	context.AfterFunc(ctx, stop)
	code := twagd(ctx, os.Args[1:], os.Stdout, os.Stderr)
	os.Exit(code)
}

// Exit codes: a supervisor tells a wrong configuration, which a restart does
// not mend, from the rest.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// options is the command line.
type options struct {
	config     string
	check      bool
	duration   time.Duration
	cpuprofile string
}

func parseOptions(args []string, w io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("twagd", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprint(w, "twagd is a laboratory in one process, or with -config a AAA server for WiFi access points.\n\n")
		fs.PrintDefaults()
	}
	fs.StringVar(&o.config, "config", "", "configuration `file`; without one, the laboratory is started")
	fs.BoolVar(&o.check, "check", false, "check the configuration file and start nothing")
	fs.DurationVar(&o.duration, "duration", 0, "end after this time (default: at Ctrl-C)")
	fs.StringVar(&o.cpuprofile, "cpuprofile", "", "write a profile of the processor time to this `file`")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	var err error
	switch {
	case fs.NArg() > 0:
		err = fmt.Errorf("%q is not a flag", fs.Arg(0))
	case o.check && o.config == "":
		err = errors.New("-check needs -config")
	case o.duration < 0:
		err = errors.New("-duration must not be negative")
	}
	if err != nil {
		fmt.Fprintf(w, "twagd: %v\n", err)
	}
	return o, err
}

// twagd is the program; it returns its exit code.
func twagd(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	if o.cpuprofile != "" {
		stop, err := startProfile(o.cpuprofile)
		if err != nil {
			fmt.Fprintf(stderr, "twagd: -cpuprofile: %v\n", err)
			return exitFailed
		}
		defer stop()
	}
	if o.config == "" {
		garbageOfOthers.keep(ctx)
		err = runLab(ctx, stdout)
	} else {
		var cfg config
		var warnings []error
		cfg, warnings, err = readConfig(o.config)
		for _, w := range warnings {
			fmt.Fprintf(stderr, "WARNING: %v\n", w)
		}
		switch {
		case err != nil:
			fmt.Fprintln(stderr, err)
			return exitUsage
		case o.check:
			fmt.Fprintf(stdout, "%s: no mistake found\n", o.config)
			return exitOK
		}
		if cfg.has(roleAcct) {
			garbageOfSessions.keep(ctx)
		} else {
			garbageOfOthers.keep(ctx)
		}
		err = runServer(ctx, cfg, stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "twagd: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// startProfile begins a profile and returns what ends it.
func startProfile(name string) (stop func(), err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}
