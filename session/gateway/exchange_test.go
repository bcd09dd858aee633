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
