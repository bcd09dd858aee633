package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/simulator"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/gy/gytest"
)

// maxAccounts bounds what -accounts may ask for.
const maxAccounts = 10_000_000

// options is the command line.
type options struct {
	simulator.Options
	config gytest.Config
	audit  bool

	first   eap.IMSI
	count   int
	balance int64

	faults []gytest.Fault
	times  int
}

// parseOptions reads the command line. It returns flag.ErrHelp if help was
// asked for; help and mistakes are written to w.
func parseOptions(args []string, w io.Writer) (options, error) {
	o := options{balance: 1_000_000_000, config: gytest.Config{Plan: gytest.Plan{Chunk: 10_000_000}}}
	plan, dialect := &o.config.Plan, &o.config.Dialect
	fs := flag.NewFlagSet("ocssim", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprint(w, "ocssim is an OCS that charges accounts over Gy.\nAmounts are numbers, or numbers with k, M or G behind (1000, 1000000, 1000000000).\n\n")
		fs.PrintDefaults()
		fmt.Fprint(w, "\n"+commandHelp)
	}
	o.Define(fs, gytest.DefaultHost, gytest.DefaultRealm)
	fs.BoolVar(&o.audit, "audit", false, "print the audit at the end: every session, what it was granted, used and debited")
	fs.StringVar(&o.config.Ledger, "ledger", "", "file to go on from, and to write everything to before it is answered (default: none)")

	fs.IntVar(&o.count, "accounts", 100, "how many accounts there are")
	first := fs.String("imsi-start", provision.FirstIMSI, "IMSI of the first; the others follow it")
	fs.Func("balance", "what each account has to begin with (default 1G)", func(s string) (err error) {
		o.balance, err = parseAmount(s)
		return err
	})
	unit := fs.String("unit", "total", "what is granted and debited: total, input or output octets, or time")
	fs.Func("price", "PRICE/UNITS to debit, such as 3/1M (default 1/1)", func(s string) error { return parsePrice(plan, s) })
	fs.Func("chunk", "how many units are granted at a time (default 10M)", func(s string) error {
		n, err := parseAmount(s)
		if plan.Chunk = uint64(n); err == nil && n <= 0 {
			err = errors.New("want more than nothing")
		}
		return err
	})
	fs.DurationVar(&plan.TimeLimit, "time-limit", 0, "grant this time beside octets (default: none)")
	fs.DurationVar(&plan.Validity, "validity", 0, "Validity-Time of grants (default: none)")
	fs.Func("threshold", "Volume-Quota-Threshold of grants, in octets (default: none)", func(s string) error {
		n, err := parseAmount(s)
		if err == nil && (n < 0 || n > math.MaxUint32) {
			err = errors.New("want 32 bits")
		}
		plan.VolumeThreshold = uint32(n)
		return err
	})
	fs.DurationVar(&plan.TimeThreshold, "time-threshold", 0, "Time-Quota-Threshold of grants (default: none)")
	fs.DurationVar(&plan.HoldingTime, "holding-time", 0, "Quota-Holding-Time of grants (default: none)")
	fs.Func("final-unit", "what is to be done when the last grant is used: terminate (the default),\nredirect=URL, restrict=FILTER-ID, or none to say nothing", func(s string) error {
		return parseFinal(plan, s)
	})
	fs.Func("exhausted", "Result-Code when nothing is left (default 4012); 2001 is a grant of nothing", func(s string) (err error) {
		plan.Exhausted, err = parseCode(s)
		return err
	})
	fs.DurationVar(&o.config.Supervision, "supervision", 0, "close sessions that are silent for so long (default: twice the validity)")
	fs.Uint64Var(&o.config.MaxOvershoot, "max-overshoot", 0, "usage beyond a grant by more units than this is a violation (default: none is)")
	failure := fs.String("failure-handling", "", "Credit-Control-Failure-Handling: terminate, continue or retry (default: not said)")
	failover := fs.String("failover", "", "CC-Session-Failover: yes or no (default: not said)")

	requested := fs.String("requested", "any", "dialect: what Requested-Service-Unit has to be: any, present, empty or sized")
	fs.BoolVar(&dialect.GrantsUnasked, "grants-unasked", false, "dialect: grant to CCR-U without Requested-Service-Unit")
	fs.BoolVar(&dialect.NeedTimestamp, "need-timestamp", false, "dialect: want Event-Timestamp")
	fs.BoolVar(&dialect.IgnoresFinalUsage, "ignore-final-usage", false, "dialect: debit nothing of CCR-T")
	fs.BoolVar(&dialect.DropsRefusedUsage, "drop-refused-usage", false, "dialect: debit nothing of requests that are refused")
	fs.BoolVar(&dialect.RefusesCommand, "refuse-command", false, "dialect: refuse the request, not its rating groups")
	fs.BoolVar(&dialect.RoutineFinal, "routine-final", false, "dialect: send Final-Unit-Indication with every grant")
	fs.BoolVar(&dialect.OmitServiceResult, "omit-service-result", false, "dialect: leave out Result-Code of rating groups")

	fs.Func("fault", "fault from the beginning, as in the command of that name;\nmay be given again", func(s string) error {
		f, err := parseFault(s)
		o.faults = append(o.faults, f)
		return err
	})
	fs.IntVar(&o.times, "times", 0, "how many requests each -fault strikes (default: all)")
	err := o.Parse(fs, args, w, func() (err error) {
		if o.first, err = eap.ParseIMSI(*first); err != nil {
			return fmt.Errorf("-imsi-start: %w", err)
		}
		if err := choose("unit", *unit, &plan.Unit, map[string]gy.UnitSet{
			"total": gy.UnitTotal, "input": gy.UnitInput, "output": gy.UnitOutput, "time": gy.UnitTime,
		}); err != nil {
			return err
		}
		if err := choose("failure-handling", *failure, &o.config.FailureHandling, map[string]gy.FailureHandling{
			"": 0, "terminate": gy.FailureTerminate, "continue": gy.FailureContinue, "retry": gy.FailureRetry,
		}); err != nil {
			return err
		}
		if err := choose("failover", *failover, &o.config.Failover, map[string]gy.Failover{
			"": 0, "yes": gy.FailoverSupported, "no": gy.FailoverNotSupported,
		}); err != nil {
			return err
		}
		if err := choose("requested", *requested, &dialect.Requested, map[string]gytest.Requested{
			"any": gytest.RequestedAny, "present": gytest.RequestedPresent, "empty": gytest.RequestedEmpty, "sized": gytest.RequestedSized,
		}); err != nil {
			return err
		}
		return o.check()
	})
	return o, err
}

// choose sets *v to what the word stands for.
func choose[T any](flag, word string, v *T, words map[string]T) error {
	t, ok := words[word]
	if !ok {
		return fmt.Errorf("-%s: no such word: %q", flag, word)
	}
	*v = t
	return nil
}

func (o *options) check() error {
	switch {
	case o.count < 0 || o.count > maxAccounts:
		return fmt.Errorf("-accounts: want 0 to %d", maxAccounts)
	case o.times < 0:
		return errors.New("-times must not be negative")
	}
	return nil
}

// parseAmount reads a number that may have k, M or G behind it.
func parseAmount(s string) (int64, error) {
	factor := int64(1)
	for suffix, f := range map[string]int64{"k": 1_000, "M": 1_000_000, "G": 1_000_000_000} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			s, factor = number, f
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > math.MaxInt64/factor || n < math.MinInt64/factor {
		return 0, errors.New("want a number, or one with k, M or G behind it")
	}
	return n * factor, nil
}

func parsePrice(p *gytest.Plan, s string) error {
	price, per, ok := strings.Cut(s, "/")
	n, err1 := parseAmount(price)
	d, err2 := parseAmount(per)
	if !ok || err1 != nil || err2 != nil || n <= 0 || d <= 0 {
		return errors.New("want PRICE/UNITS, both more than 0")
	}
	p.Price, p.Per = uint64(n), uint64(d)
	return nil
}

func parseFinal(p *gytest.Plan, s string) error {
	word, value, _ := strings.Cut(s, "=")
	switch {
	case s == "none":
		p.OmitFinal = true
	case s == "terminate":
	case word == "redirect" && value != "":
		p.Final = gy.FinalUnit{Action: gy.FinalRedirect, Redirect: gy.Redirect{Type: gy.RedirectURL, Address: []byte(value)}}
	case word == "restrict" && value != "":
		p.Final = gy.FinalUnit{Action: gy.FinalRestrict, FilterIDs: [][]byte{[]byte(value)}}
	default:
		return errors.New("want terminate, redirect=URL, restrict=FILTER-ID or none")
	}
	return nil
}

func parseCode(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n != 0 && n < 1000 {
		return 0, errors.New("want a Result-Code")
	}
	return uint32(n), nil
}

// accounts returns the laboratory's.
func (o *options) accounts() ([]gytest.Account, error) {
	list := make([]gytest.Account, 0, o.count)
	for n := range o.count {
		imsi, err := provision.IMSI(o.first, n)
		if err != nil {
			return nil, err
		}
		list = append(list, gytest.Account{IMSI: gytest.Identity(imsi.Digits()), Balance: o.balance})
	}
	return list, nil
}
