package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
)

// method is which EAP method the stations use.
type method string

const (
	methodAKA      method = "aka"
	methodAKAPrime method = "aka'"
	methodSIM      method = "sim"
	methodMix      method = "mix"
)

// options is the command line.
type options struct {
	server      netip.AddrPort
	secret      string
	stations    int
	method      method
	firstIMSI   eap.IMSI
	keys        provision.Keys
	networkName string
	fsGroups    []aka.FSGroup // none: without forward secrecy
	plan        plan
	pid         int
	json        bool
}

// parseOptions reads the command line. It returns flag.ErrHelp if help was
// asked for; help and mistakes are written to w.
func parseOptions(args []string, w io.Writer) (options, error) {
	o := options{}
	fs := flag.NewFlagSet("apsim", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprint(w, "apsim logs simulated phones in through a RADIUS server and measures it.\n"+
			"For accounting see apsim acct -help and apsim check -help.\n\n")
		fs.PrintDefaults()
	}
	server := fs.String("server", "127.0.0.1:1812", "address of the RADIUS server")
	fs.StringVar(&o.secret, "secret", "", "shared secret")
	fs.IntVar(&o.stations, "ues", 64, "number of phones, each logging in one after the other")
	fs.IntVar(&o.plan.Logins, "logins", 0, "stop after this many logins")
	fs.DurationVar(&o.plan.Duration, "duration", 0, "stop after this time (default 10s if no -logins are given)")
	fs.Float64Var(&o.plan.Rate, "rate", 0, "begin this many logins a second, however long they take\n(default: each phone logs in again as soon as it can)")
	fs.DurationVar(&o.plan.Timeout, "timeout", 30*time.Second, "longest time that a login may take")
	methodFlag := fs.String("method", string(methodAKA), "aka, aka' (or aka-prime), sim, or mix, which takes aka and aka' in turn")
	fs.IntVar(&o.plan.Reauth, "reauth", 0, "after each full login, re-authenticate fast this many times; the two are measured apart")
	secrecy := fs.String("fs", "", "phones insist on forward secrecy (EAP-AKA'): p256, x25519, or any, which takes what the server likes")
	first := fs.String("imsi-start", provision.FirstIMSI, "IMSI of the first phone; the others follow it")
	k := fs.String("k", "", "K of all subscribers, 32 hexadecimal digits (default: each has its own, made from the IMSI)")
	opc := fs.String("opc", "", "OPc of all subscribers, with -k")
	fs.StringVar(&o.networkName, "network-name", "WLAN", "access network name that an EAP-AKA' phone expects")
	fs.IntVar(&o.pid, "pid", 0, "process of the server on this machine, to measure its processor time")
	fs.BoolVar(&o.json, "json", false, "write the report as JSON")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	err := func() (err error) {
		if fs.NArg() > 0 {
			return fmt.Errorf("%q is not a flag", fs.Arg(0))
		}
		if o.server, err = netip.ParseAddrPort(*server); err != nil {
			return errors.New("-server: want an IP address and a port, such as 127.0.0.1:1812")
		}
		if o.firstIMSI, err = eap.ParseIMSI(*first); err != nil {
			return fmt.Errorf("-imsi-start: %w", err)
		}
		if o.keys, err = provision.ParseKeys(*k, *opc); err != nil {
			return fmt.Errorf("-k, -opc: %w", err)
		}
		if o.method, err = parseMethod(*methodFlag); err != nil {
			return fmt.Errorf("-method: %w", err)
		}
		if o.fsGroups, err = parseGroups(*secrecy); err != nil {
			return fmt.Errorf("-fs: %w", err)
		}
		return o.check()
	}()
	if err != nil {
		fmt.Fprintf(w, "apsim: %v\n", err)
	}
	return o, err
}

func parseMethod(s string) (method, error) {
	switch s {
	case "aka":
		return methodAKA, nil
	case "aka'", "aka-prime":
		return methodAKAPrime, nil
	case "sim":
		return methodSIM, nil
	case "mix":
		return methodMix, nil
	default:
		return "", fmt.Errorf("%q is neither aka, aka', sim nor mix", s)
	}
}

func parseGroups(s string) ([]aka.FSGroup, error) {
	switch s {
	case "":
		return nil, nil
	case "any":
		return []aka.FSGroup{aka.FSP256, aka.FSX25519}, nil
	case "p256":
		return []aka.FSGroup{aka.FSP256}, nil
	case "x25519":
		return []aka.FSGroup{aka.FSX25519}, nil
	default:
		return nil, fmt.Errorf("%q is neither p256, x25519 nor any", s)
	}
}

// check refuses what makes no sense and fills in the default end of the run.
func (o *options) check() error {
	switch {
	case o.secret == "":
		return errors.New("-secret is missing")
	case o.stations < 1 || o.stations > 100000:
		return errors.New("-ues: want 1 to 100000")
	case o.plan.Logins < 0 || o.plan.Duration < 0 || o.plan.Timeout <= 0:
		return errors.New("-logins, -duration and -timeout must not be negative")
	case o.plan.Rate < 0 || o.plan.Rate > 1e6:
		return errors.New("-rate: want 0 to 1000000")
	case o.plan.Reauth < 0 || o.plan.Reauth > 65534: // AT_COUNTER has 16 bits
		return errors.New("-reauth: want 0 to 65534")
	case o.plan.Reauth > 0 && o.plan.Rate > 0:
		return errors.New("-reauth, -rate: phones that re-authenticate go in rounds")
	case len(o.fsGroups) > 0 && o.method != methodAKAPrime:
		return errors.New("-fs: only EAP-AKA' has forward secrecy")
	case o.pid < 0:
		return errors.New("-pid: want a process number")
	}
	if o.plan.Logins == 0 && o.plan.Duration == 0 {
		o.plan.Duration = 10 * time.Second
	}
	_, err := provision.IMSI(o.firstIMSI, o.stations-1)
	if err != nil {
		return fmt.Errorf("-imsi-start, -ues: %w", err)
	}
	return nil
}
