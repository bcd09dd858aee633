package pebblestore

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// TestGather follows the decision how many to wait for.
func TestGather(t *testing.T) {
	g := gatherer{delay: time.Millisecond, ceiling: 1}
	require.Equal(t, 1, g.want(1), "a lone change does not wait")
	g.took(1)
	require.Equal(t, 1, g.want(1))
	g.took(10) // they came during the write
	require.Equal(t, 10, g.want(3), "under load it waits for as many as came")
	g.timedOut(4)
	require.Equal(t, 4, g.want(1), "and for fewer when fewer come")
	for g.batches%probeEvery != 0 {
		g.took(4)
	}
	require.Equal(t, gatherTarget, g.want(4), "now and then it tries for more")
	g.took(500)
	require.Equal(t, gatherTarget, g.want(4))
	g.idle()
	require.Equal(t, 1, g.want(1))
	require.Equal(t, 7, (&gatherer{ceiling: 50}).want(7), "without a delay none waits")
}

// TestLoneChangeDoesNotWait counts the time in a bubble, where only waiting takes any.
func TestLoneChangeDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := Store{queue: queue{kick: make(chan struct{}, 1)}, engine: &engine{}, maxBatchOctets: 1 << 20}
		q.cfg.MaxQueue = 100
		g := gatherer{delay: 2 * time.Millisecond, ceiling: 30, last: 30}
		timer := time.NewTimer(time.Hour)
		took := make(chan int)
		go func() {
			for {
				reqs, ok := q.next(q.engine, &g, timer, nil)
				if !ok {
					close(took)
					return
				}
				took <- len(reqs)
			}
		}()
		time.Sleep(time.Second) // nothing comes: it forgets that there was load
		put := func() { require.NoError(t, q.enqueue(newRequest(&session.Change{}))) }
		for range 3 {
			began := time.Now()
			put()
			require.Equal(t, 1, <-took)
			require.Zero(t, time.Since(began))
		}
		// Many at once, and then a pause: those that came wait 2 ms for others.
		g.ceiling = 30
		began := time.Now()
		put()
		put()
		<-took
		require.LessOrEqual(t, time.Since(began), 2*time.Millisecond)
		q.mu.Lock()
		q.closing = true
		q.queue.wake()
		q.mu.Unlock()
		<-took
	})
}

// TestQueueIsBounded: what does not fit is refused, not kept.
func TestQueueIsBounded(t *testing.T) {
	q := Store{queue: queue{kick: make(chan struct{}, 1)}, engine: &engine{}}
	q.cfg.MaxQueue = 2
	c := &session.Change{Journal: [][]byte{{1}}}
	require.NoError(t, q.enqueue(newRequest(c)))
	require.NoError(t, q.enqueue(newRequest(c)))
	require.ErrorIs(t, q.enqueue(newRequest(c)), session.ErrUnavailable)
	q.queue.waiting, q.queue.octets, q.cfg.MaxQueue = nil, 10, 100
	large := newRequest(c)
	large.octets = maxQueueOctets
	require.ErrorIs(t, q.enqueue(large), session.ErrUnavailable)
	q.queue.octets = 0
	require.NoError(t, q.enqueue(large))
	huge := newRequest(c)
	huge.octets = maxChangeOctets + 1
	q.queue.octets = 0
	require.ErrorIs(t, q.enqueue(huge), session.ErrUnavailable)
}

// TestTake takes a bounded part of the queue, in order.
func TestTake(t *testing.T) {
	var q queue
	for n := range 5 {
		q.put(&request{octets: 10, first: uint64(n)})
	}
	got := q.take(nil, 25)
	require.Len(t, got, 2)
	require.EqualValues(t, 0, got[0].first)
	require.Equal(t, 30, q.octets)
	q.giveBack(got)
	got = q.take(nil, 1)
	require.Len(t, got, 1, "one is always taken")
	require.EqualValues(t, 0, got[0].first)
	require.Len(t, q.take(nil, 1000), 4)
	require.Zero(t, q.octets)
}

// TestLargeChange: a change that is larger than Pebble's table in memory is one all the same.
func TestLargeChange(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := open(t, dbDir, small(mem))
	var c session.Change
	for n := range 200 {
		c.Puts = append(c.Puts, session.Put{Key: recordKey(n, 0), Value: make([]byte, session.MaxValue)})
		c.Journal = append(c.Journal, make([]byte, session.MaxValue))
	}
	for version := range uint64(3) {
		for n := range c.Puts {
			c.Puts[n].Expect = version
		}
		first, err := s.Commit(t.Context(), &c)
		require.NoError(t, err)
		require.EqualValues(t, 200*version+1, first)
	}
	s = open(t, dbDir, small(mem.CrashClone(vfs.CrashCloneCfg{})))
	require.Equal(t, 200, s.Stats().Records)
	require.EqualValues(t, 600, s.Stats().JournalLast)
}
