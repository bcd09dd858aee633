package gateway_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/gateway"
)

// counting counts what is sent.
type counting struct {
	*ocs
	sent atomic.Int32
}

func (c *counting) SendFunc(ctx context.Context, req wire.Message, a *gy.CCA, done func(error)) error {
	c.sent.Add(1)
	return c.ocs.SendFunc(ctx, req, a, done)
}

// stall is a hook that holds up whoever is told of a step, once it is armed: as if the processor
// were taken away from him between the commit and what follows it.
type stall struct {
	armed atomic.Pointer[func(gy.Output) bool]
	gone  chan struct{}
}

func (s *stall) arm(which func(gy.Output) bool) {
	s.gone = make(chan struct{})
	s.armed.Store(&which)
}

func (s *stall) step(i gateway.ChargingStep) {
	if which := s.armed.Load(); which != nil && (*which)(i.Output) && s.armed.CompareAndSwap(which, nil) {
		<-s.gone
	}
}

func runStalled(t *testing.T, f func(r *rig, c *counting, s *stall)) {
	var s stall
	c := &counting{ocs: newOCS(nil, 300*mega, 10*mega)}
	runCharging(t, &rig{ocs: c.ocs, client: c, change: func(cfg *gateway.ChargingConfig) { cfg.Hooks.Step = s.step }}, func(r *rig) {
		refusal, _ := r.login()
		require.Zero(r, refusal)
		r.report(accounting.Start, 0, 0)
		time.Sleep(time.Minute)
		require.EqualValues(r, 1, c.sent.Load())
		f(r, c, &s)
	})
}

func (o *ocs) slow(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.delay = d
}

// TestNextRequestIsKept: who has taken in an answer is held up, and in the meantime the session's next
// request is sent. It is still known to be in hand.
func TestNextRequestIsKept(t *testing.T) {
	runStalled(t, func(r *rig, c *counting, s *stall) {
		s.arm(func(out gy.Output) bool { return !out.Send })
		r.report(accounting.Interim, 60, 9*mega)
		require.Nil(r, s.armed.Load(), "the answer is taken in")
		r.ocs.slow(5 * time.Second)
		r.report(accounting.Interim, 120, 18*mega)
		require.EqualValues(r, 3, c.sent.Load())
		close(s.gone)
		synctest.Wait()
		require.NoError(r, r.charging.Resume(r.Context()))
		time.Sleep(time.Minute)
		r.wantRequests("INITIAL_REQUEST 0", "UPDATE_REQUEST 1", "UPDATE_REQUEST 2")
		require.EqualValues(r, 3, c.sent.Load())
	})
}

// TestResumeLeavesWhatIsAboutToBeSent: a request that is stored, and will be sent in a moment, is none
// that a process left.
func TestResumeLeavesWhatIsAboutToBeSent(t *testing.T) {
	runStalled(t, func(r *rig, c *counting, s *stall) {
		s.arm(func(out gy.Output) bool { return out.Send })
		go func() { _ = r.tryReport(accounting.Interim, 60, 9*mega) }()
		synctest.Wait()
		require.Nil(r, s.armed.Load(), "the request is stored")
		require.EqualValues(r, 1, c.sent.Load())
		require.NoError(r, r.charging.Resume(r.Context()))
		close(s.gone)
		synctest.Wait()
		r.wantRequests("INITIAL_REQUEST 0", "UPDATE_REQUEST 1")
		require.EqualValues(r, 2, c.sent.Load())
	})
}

// deaf does not answer while it is, and has what was sent.
type deaf struct {
	*ocs
	is    bool
	flags []uint8
	done  []func(error)
}

func (d *deaf) SendFunc(ctx context.Context, req wire.Message, a *gy.CCA, done func(error)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.is {
		return d.ocs.SendFunc(ctx, req, a, done)
	}
	d.flags, d.done = append(d.flags, req.Header().Flags), append(d.done, done)
	return nil
}

// later is a store that makes changes that nobody waits for when it is told to.
type later struct {
	*session.MemoryStore
	now chan struct{}
}

func (s *later) CommitFunc(c *session.Change, done func(uint64, error)) {
	go func() {
		<-s.now
		s.MemoryStore.CommitFunc(c, done)
	}()
}

// TestGivenUpWhileItIsTakenIn: a request has timed out, and before that is stored its time is up by
// the session's own clock, too. The next attempt says that it is one (RFC 6733, section 3: T).
func TestGivenUpWhileItIsTakenIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &deaf{ocs: newOCS(t, 300*mega, 10*mega)}
		store := &later{session.NewMemoryStore(session.MemoryConfig{}), make(chan struct{})}
		r := &rig{T: t, ocs: d.ocs, client: d, store: store, nas: new(nas)}
		r.gy = func(c *gy.Config) {
			c.FailureHandling, c.Tx, c.RequestTimeout, c.Retry = gy.FailureContinue, time.Second, 5*time.Second, 3*time.Second
		}
		r.start()
		r.report(accounting.Start, 0, 0)
		store.now <- struct{}{}
		synctest.Wait()
		d.mu.Lock()
		d.is = true
		d.mu.Unlock()
		r.report(accounting.Interim, 60, 9*mega)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		d.done[0](context.DeadlineExceeded)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Greater(t, len(d.flags), 1)
		require.Zero(t, d.flags[0]&wire.FlagRetransmitted)
		for _, flags := range d.flags[1:] {
			require.NotZero(t, flags&wire.FlagRetransmitted)
		}
		close(store.now)
		r.stop()
	})
}
