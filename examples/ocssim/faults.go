package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/opentwag/twag/gy/gytest"
)

// faults are those that a word stands for.
var faults = map[string]gytest.Fault{
	"silent":            {Silent: true},
	"unseen":            {Unseen: true},
	"disconnect":        {Disconnect: true},
	"disconnect-unseen": {Disconnect: true, Unseen: true},
	"twice":             {Rewrite: gytest.Twice},
	"garbage":           {Rewrite: gytest.Garbage},
	"wrong-hop-by-hop":  {Rewrite: gytest.WrongHopByHop},
	"wrong-session":     {Rewrite: gytest.WrongSession},
	"no-results":        {Rewrite: gytest.OmitResults},
	"empty-grants":      {Rewrite: gytest.EmptyGrants},
}

// parseFault reads a fault.
func parseFault(s string) (gytest.Fault, error) {
	if f, ok := faults[s]; ok {
		return f, nil
	}
	word, value, _ := strings.Cut(s, "=")
	switch word {
	case "delay":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return gytest.Fault{}, errors.New("delay: want a time, such as 2s")
		}
		return gytest.Fault{Delay: d}, nil
	case "result":
		code, err := parseCode(value)
		return gytest.Fault{ResultCode: code}, err
	default:
		return gytest.Fault{}, errors.New("no such fault")
	}
}

// parseFaultTimes reads a fault and, if it is there, how often it strikes.
func parseFaultTimes(words []string) (gytest.Fault, error) {
	if len(words) == 0 || len(words) > 2 {
		return gytest.Fault{}, errors.New("want a fault, and how many times")
	}
	f, err := parseFault(words[0])
	if err == nil && len(words) == 2 {
		if f.Times, err = strconv.Atoi(words[1]); err != nil || f.Times < 0 {
			err = errors.New("want how many times")
		}
	}
	return f, err
}
