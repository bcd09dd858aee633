package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/examples/internal/simulator"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// vendor3GPP is the vendor of the Experimental-Results of SWx.
const vendor3GPP = 10415

// maxSubscribers bounds what -subscribers may ask for.
const maxSubscribers = 10_000_000

// options is the command line.
type options struct {
	simulator.Options
	dialect      swx.Profile
	anyAAAServer bool
	sqnTime      bool
	ind          uint

	provision string
	first     eap.IMSI
	count     int
	keys      provision.Keys

	silent, disconnect   bool
	delay                time.Duration
	result, experimental uint
	times                int
}

// parseOptions reads the command line. It returns flag.ErrHelp if help was
// asked for; help and mistakes are written to w.
func parseOptions(args []string, w io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("hsssim", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprint(w, "hsssim is an HSS that hands out authentication vectors and profiles over SWx.\n\n")
		fs.PrintDefaults()
		fmt.Fprint(w, "\n"+commandHelp)
	}
	o.Define(fs, swxtest.DefaultHost, swxtest.DefaultRealm)
	fs.BoolVar(&o.dialect.PlainKeys, "plain-keys", false, "send CK and IK with EAP-AKA' vectors, not CK' and IK'")
	fs.BoolVar(&o.dialect.OmitSAR, "no-sar", false, "know MAR only; there are no profiles")
	fs.BoolVar(&o.sqnTime, "sqn-time", false, "number challenges by the clock, so that several HSSes have one sequence between them;\neach needs an -ind of its own")
	fs.UintVar(&o.ind, "ind", 0, "with -sqn-time: the IND in our numbers, 0 to 31")
	fs.BoolVar(&o.anyAAAServer, "any-aaa-server", false, "answer whatever AAA server asks, registered or not")

	fs.StringVar(&o.provision, "provision", "", "file of subscribers")
	fs.IntVar(&o.count, "subscribers", 100, "without -provision: how many subscribers there are")
	first := fs.String("imsi-start", provision.FirstIMSI, "IMSI of the first; the others follow it")
	k := fs.String("k", "", "K of all subscribers, 32 hexadecimal digits (default: each has its own, made from the IMSI)")
	opc := fs.String("opc", "", "OPc of all subscribers, with -k")

	fs.BoolVar(&o.silent, "silent", false, "fault: answer nothing")
	fs.BoolVar(&o.disconnect, "disconnect", false, "fault: close the connection in place of an answer")
	fs.DurationVar(&o.delay, "delay", 0, "fault: answer only after this time")
	fs.UintVar(&o.result, "result", 0, "fault: answer with this Result-Code")
	fs.UintVar(&o.experimental, "experimental", 0, "fault: answer with this Experimental-Result of 3GPP")
	fs.IntVar(&o.times, "times", 0, "how many requests the fault strikes (default: all)")
	err := o.Parse(fs, args, w, func() (err error) {
		if o.first, err = eap.ParseIMSI(*first); err != nil {
			return fmt.Errorf("-imsi-start: %w", err)
		}
		if o.keys, err = provision.ParseKeys(*k, *opc); err != nil {
			return fmt.Errorf("-k, -opc: %w", err)
		}
		return o.check()
	})
	return o, err
}

func (o *options) check() error {
	switch {
	case o.ind > 31 || o.ind != 0 && !o.sqnTime:
		return errors.New("-ind: want 0 to 31, and -sqn-time")
	case o.count < 0 || o.count > maxSubscribers:
		return fmt.Errorf("-subscribers: want 0 to %d", maxSubscribers)
	case o.delay < 0 || o.times < 0:
		return errors.New("-delay and -times must not be negative")
	case uint64(o.result) > math.MaxUint32 || uint64(o.experimental) > math.MaxUint32:
		return errors.New("-result, -experimental: more than 32 bits")
	}
	return nil
}

// fault returns what goes wrong with requests, and false if nothing does.
func (o *options) fault() (swxtest.Fault, bool) {
	f := swxtest.Fault{
		Times: o.times, Delay: o.delay, Silent: o.silent, Disconnect: o.disconnect,
		ResultCode: uint32(o.result),
	}
	if o.experimental != 0 {
		f.Experimental = swx.ExperimentalResult{Vendor: vendor3GPP, Code: uint32(o.experimental)}
	}
	return f, o.delay > 0 || o.silent || o.disconnect || o.result != 0 || o.experimental != 0
}

// subscribers returns those of the file, or the laboratory's.
func (o *options) subscribers() ([]swxtest.Subscriber, error) {
	if o.provision != "" {
		f, err := os.Open(o.provision)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readSubscribers(o.provision, f)
	}
	list := make([]swxtest.Subscriber, 0, o.count)
	for n := range o.count {
		imsi, err := provision.IMSI(o.first, n)
		if err != nil {
			return nil, err
		}
		k, opc := o.keys.Of(imsi)
		list = append(list, swxtest.Subscriber{IMSI: imsi, K: k, OPc: opc, AMF: provision.AMF})
	}
	return list, nil
}
