package main

import (
	"context"
	"time"
)

// A meter returns the processor time that the server and this process have
// used so far, as far as they can be measured.
type meter func() (cpu, error)

// cpu is processor time.
type cpu struct{ server, own time.Duration }

func (c *cpu) add(from, to cpu) {
	c.server += to.server - from.server
	c.own += to.own - from.own
}

// part is what one kind of login came to.
type part struct {
	*tally
	cpu cpu
}

// runRounds drives all stations in rounds: all log in, each with a full login,
// and when all are done each re-authenticates p.Reauth times. So the two kinds
// are measured apart, the processor time of both sides too.
//
// A station whose login fails waits for the next round.
func runRounds(ctx context.Context, stations []station, p plan, read meter) (full, again part, err error) {
	full.tally, again.tally = newTally(), newTally()
	pace := newPacer(p, time.Now())
	over := false
	good := make([]bool, len(stations))
	phase := func(sum *part, n int, reauth bool) error {
		pace.reauth = reauth
		before, err := read()
		if err != nil {
			return err
		}
		start := time.Now()
		ended := make([]bool, len(stations))
		counted := each(stations, func(i int, s station, t *tally) {
			if !reauth {
				s.Forget()
				good[i] = true
			}
			for range n {
				if !good[i] || ended[i] {
					return
				}
				var ok bool
				good[i], ok = login(ctx, s, p, pace, t)
				ended[i] = !ok
			}
		})
		sum.elapsed += time.Since(start)
		sum.merge(counted)
		for _, e := range ended {
			over = over || e
		}
		after, err := read()
		if err != nil {
			return err
		}
		sum.cpu.add(before, after)
		return nil
	}
	for !over {
		if err := phase(&full, 1, false); err != nil {
			return full, again, err
		}
		if err := phase(&again, p.Reauth, true); err != nil {
			return full, again, err
		}
	}
	return full, again, nil
}
