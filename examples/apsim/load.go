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
	// Forget makes the next login a full one.
	Forget()
}

// traffic is what one login sent.
type traffic struct {
	// Requests is the number of Access-Requests, retransmissions not counted.
	Requests int
	// Retransmissions is how often a request was sent again.
	Retransmissions int
	// Reauthenticated is true of a login that was a fast re-authentication.
	Reauthenticated bool
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
	// Reauth is how many fast re-authentications follow each full login; see
	// runRounds.
	Reauth int
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

func newTally() *tally { return &tally{failures: make(map[string]int)} }

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
	total := each(stations, func(_ int, s station, t *tally) {
		for {
			if _, ok := login(ctx, s, p, pace, t); !ok {
				return
			}
		}
	})
	total.elapsed = time.Since(start)
	return total
}

// each runs work for every station at once and returns what all have counted.
func each(stations []station, work func(i int, s station, t *tally)) *tally {
	parts := make([]*tally, len(stations))
	var wg sync.WaitGroup
	for i, s := range stations {
		parts[i] = newTally()
		wg.Go(func() { work(i, s, parts[i]) })
	}
	wg.Wait()
	total := newTally()
	for _, t := range parts {
		total.merge(t)
	}
	return total
}

// login logs one station in when it is time and counts it. ok is false when
// there is to be no login any more.
func login(ctx context.Context, s station, p plan, pace *pacer, t *tally) (good, ok bool) {
	due, ok := pace.next(ctx)
	if !ok {
		return false, false
	}
	loginCtx, cancel := context.WithTimeout(ctx, p.Timeout)
	sent, err := s.Login(loginCtx)
	cancel()
	if ctx.Err() != nil {
		return false, false
	}
	if err == nil && sent.Reauthenticated != pace.reauth {
		err = errNotFull
		if pace.reauth {
			err = errNotReauth
		}
	}
	t.traffic.Requests += sent.Requests
	t.traffic.Retransmissions += sent.Retransmissions
	if err != nil {
		t.fail(reason(err))
		return false, true
	}
	t.times.add(time.Since(due.at))
	if due.late {
		t.late++
	}
	return true, true
}

var (
	errNotFull   = errors.New("a fast re-authentication in place of a full login")
	errNotReauth = errors.New("a full login in place of a fast re-authentication (does the server allow as many?)")
)

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
	// reauth says whether logins are to be fast re-authentications. It is
	// changed only while no worker runs.
	reauth bool
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
