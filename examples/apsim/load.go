package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// A station is a simulated phone behind a simulated access point.
type station interface {
	// Login logs in once, from EAP-Response/Identity to Access-Accept, and
	// checks every key and MAC on the way. Its error says what went wrong.
	Login(ctx context.Context) (traffic, error)
}

// traffic is what one login sent.
type traffic struct {
	// Requests is the number of Access-Requests, retransmissions not counted.
	Requests int
	// Retransmissions is how often a request was sent again.
	Retransmissions int
}

// plan says how much load to make.
type plan struct {
	// Logins is the number of logins after which to stop; 0: no such limit.
	Logins int
	// Duration is the time after which no login is begun; 0: no such limit.
	Duration time.Duration
	// Rate is the number of logins to begin per second, whatever the server
	// does (open loop). 0 lets each station log in again as soon as its last
	// login is done (closed loop).
	Rate float64
	// Timeout is the longest that one login may take.
	Timeout time.Duration
}

// tally is what a run, or one worker of it, counted.
type tally struct {
	times    histogram
	traffic  traffic
	failures map[string]int
	// late counts logins of an open loop that began more than a tenth of a
	// second after their time, since no station was free.
	late    int
	elapsed time.Duration
}

func (t *tally) failed() int {
	n := 0
	for _, k := range t.failures {
		n += k
	}
	return n
}

// maxReasons bounds the reasons that are told apart.
const maxReasons = 32

func (t *tally) fail(reason string) {
	if _, known := t.failures[reason]; !known && len(t.failures) >= maxReasons {
		reason = "other reasons"
	}
	t.failures[reason]++
}

func (t *tally) merge(other *tally) {
	t.times.merge(&other.times)
	t.traffic.Requests += other.traffic.Requests
	t.traffic.Retransmissions += other.traffic.Retransmissions
	t.late += other.late
	for reason, n := range other.failures {
		t.failures[reason] += n
	}
}

const lateAfter = 100 * time.Millisecond

// run drives all stations by the plan, each in a goroutine of its own, and
// returns what they counted when the last one is done. When ctx ends no login
// is begun any more, and those under way are cut off and not counted.
func run(ctx context.Context, stations []station, p plan) *tally {
	start := time.Now()
	pace := newPacer(p, start)
	parts := make([]tally, len(stations))
	var wg sync.WaitGroup
	for i, s := range stations {
		wg.Go(func() {
			parts[i].failures = make(map[string]int)
			work(ctx, s, p, pace, &parts[i])
		})
	}
	wg.Wait()
	total := tally{failures: make(map[string]int), elapsed: time.Since(start)}
	for i := range parts {
		total.merge(&parts[i])
	}
	return &total
}

// work logs one station in again and again.
func work(ctx context.Context, s station, p plan, pace *pacer, t *tally) {
	for {
		due, ok := pace.next(ctx)
		if !ok {
			return
		}
		loginCtx, cancel := context.WithTimeout(ctx, p.Timeout)
		sent, err := s.Login(loginCtx)
		cancel()
		if ctx.Err() != nil {
			return
		}
		t.traffic.Requests += sent.Requests
		t.traffic.Retransmissions += sent.Retransmissions
		if err != nil {
			t.fail(reason(err))
			continue
		}
		t.times.add(time.Since(due.at))
		if due.late {
			t.late++
		}
	}
}

// reason turns an error into the line of the report that counts it.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}

// pacer says when the next login begins; all workers share one.
type pacer struct {
	start    time.Time
	end      time.Time // zero: none
	limit    int64     // negative: none
	interval time.Duration
	begun    atomic.Int64
}

// begin is when a login is to begin. In an open loop its time counts from
// there, even if every station was busy: a slow server must not thin out the
// load that it is measured with.
type begin struct {
	at   time.Time
	late bool
}

func newPacer(p plan, start time.Time) *pacer {
	c := &pacer{start: start, limit: -1}
	if p.Logins > 0 {
		c.limit = int64(p.Logins)
	}
	if p.Duration > 0 {
		c.end = start.Add(p.Duration)
	}
	if p.Rate > 0 {
		c.interval = time.Duration(float64(time.Second) / p.Rate)
	}
	return c
}

// next waits for the time of the next login; ok is false when there is none.
func (c *pacer) next(ctx context.Context) (b begin, ok bool) {
	if ctx.Err() != nil {
		return begin{}, false
	}
	n := c.begun.Add(1) - 1
	if c.limit >= 0 && n >= c.limit {
		return begin{}, false
	}
	now := time.Now()
	if c.interval == 0 {
		return begin{at: now}, c.end.IsZero() || now.Before(c.end)
	}
	due := c.start.Add(time.Duration(n) * c.interval)
	if !c.end.IsZero() && !due.Before(c.end) {
		return begin{}, false
	}
	if wait := due.Sub(now); wait > 0 {
		select {
		case <-ctx.Done():
			return begin{}, false
		case <-time.After(wait):
		}
	}
	return begin{at: due, late: now.Sub(due) > lateAfter}, true
}
