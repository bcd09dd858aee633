package gateway_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
	"github.com/opentwag/twag/session/gateway"
)

// batches is a store that makes changes as one on a disk does: what waits is made together, and then
// all are told, by a goroutine of the store's. Some changes fail, with and without being made.
type batches struct {
	*session.MemoryStore
	work chan batched
}

type batched struct {
	change *session.Change
	done   func(uint64, error)
}

func (s *batches) CommitFunc(c *session.Change, done func(uint64, error)) { s.work <- batched{c, done} }

func (s *batches) Commit(ctx context.Context, c *session.Change) (first uint64, err error) {
	told := make(chan struct{})
	s.CommitFunc(c, func(n uint64, e error) {
		first, err = n, e
		close(told)
	})
	<-told
	return first, err
}

func (s *batches) run(ctx context.Context) {
	for {
		var batch []batched
		select {
		case b := <-s.work:
			batch = append(batch, b)
		case <-ctx.Done():
			return
		}
		for range 10 {
			runtime.Gosched()
		}
		for len(s.work) > 0 {
			batch = append(batch, <-s.work)
		}
		firsts, errs := make([]uint64, len(batch)), make([]error, len(batch))
		for i, b := range batch {
			switch n := rand.IntN(20); {
			case n > 2:
				firsts[i], errs[i] = s.MemoryStore.Commit(ctx, b.change)
			case n == 0:
				errs[i] = session.ErrUnavailable
			case n == 1:
				errs[i] = session.ErrUncertain
			default:
				if _, errs[i] = s.MemoryStore.Commit(ctx, b.change); errs[i] == nil {
					errs[i] = session.ErrUncertain
				}
			}
		}
		for i, b := range batch {
			runtime.Gosched()
			b.done(firsts[i], errs[i])
		}
	}
}

// waits is a store that can't but wait.
type waits struct{ session.Store }

// troubled is an OCS with a bad line: requests and answers are lost, and late.
type troubled struct {
	*ocs
}

func (o *troubled) SendFunc(ctx context.Context, req wire.Message, a *gy.CCA, done func(error)) error {
	n := rand.IntN(12)
	if n == 0 {
		return diameter.ErrNoPeer
	}
	go func() {
		time.Sleep(time.Duration(rand.IntN(3)*rand.IntN(4)) * 500 * time.Millisecond)
		if n == 1 {
			done(diameter.ErrDisconnected)
			return
		}
		err := o.send(ctx, req, a)
		if n == 2 {
			err = diameter.ErrDisconnected
		}
		done(err)
	}()
	return nil
}

// anyone returns the Session-Id of some session, if there has been one.
func (o *ocs) anyone() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range o.debited {
		return id
	}
	return ""
}

// semaphore is what a process's death waits for: a mutex would hold up the bubble's time.
type semaphore chan struct{}

func (s semaphore) take(n int) {
	for range n {
		s <- struct{}{}
	}
}

func (s semaphore) give(n int) {
	for range n {
		<-s
	}
}

// subscriber is one whose NAS reports what he uses, again and again until it is answered.
func (r *rig) subscriber(i int, process semaphore) (octets uint64) {
	tell := func(status accounting.Status, seconds uint32) {
		p := layeh.New(layeh.CodeAccountingRequest, []byte("secret"))
		p.Identifier = byte(seconds)
		_ = rfc2866.AcctStatusType_Set(p, rfc2866.AcctStatusType(status))
		_ = rfc2866.AcctSessionID_SetString(p, fmt.Sprint("S", i))
		_ = rfc2865.NASIdentifier_SetString(p, "ap1")
		_ = rfc2865.CallingStationID_SetString(p, fmt.Sprintf("02-00-00-00-00-%02X", i))
		_ = rfc2866.AcctSessionTime_Set(p, rfc2866.AcctSessionTime(seconds))
		_ = rfc2866.AcctInputOctets_Set(p, rfc2866.AcctInputOctets(octets))
		for {
			e, err := accounting.ParseEvent(p, netip.MustParseAddr("10.0.0.1"), time.Now())
			if err != nil {
				r.Error(err)
				return
			}
			process.take(1)
			told := make(chan error, 1)
			if !r.recorder.RecordFunc(context.Background(), &e, func(_ accounting.Verdict, err error) { told <- err }) {
				_, err := r.recorder.Record(context.Background(), &e)
				told <- err
			}
			err = <-told
			process.give(1)
			if err == nil {
				return
			}
			time.Sleep(time.Second)
		}
	}
	tell(accounting.Start, 0)
	at := uint32(0)
	for range 30 {
		pause := rand.Uint32N(8)
		time.Sleep(time.Duration(pause) * time.Second)
		at += pause
		octets += rand.Uint64N(7 * mega)
		tell(accounting.Interim, at+1)
	}
	tell(accounting.Stop, at+2)
	return octets
}

// TestStorm: the OCS's line is bad, commits fail, processes die and what they awaited is sent again,
// while sessions report usage and the OCS has them ask for credit. In the end the OCS has been told of each octet once.
func TestStorm(t *testing.T) {
	stores := map[string]func(t *testing.T) session.Store{
		"memory": func(*testing.T) session.Store { return session.NewMemoryStore(session.MemoryConfig{}) },
		"waits":  func(*testing.T) session.Store { return waits{session.NewMemoryStore(session.MemoryConfig{})} },
		"batches": func(t *testing.T) session.Store {
			s := &batches{MemoryStore: session.NewMemoryStore(session.MemoryConfig{}), work: make(chan batched, 1024)}
			go s.run(t.Context())
			return s
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &troubled{ocs: newOCS(t, 1<<50, 10*mega)}
				r := &rig{T: t, ocs: o.ocs, client: o, store: open(t), nas: new(nas)}
				r.gy = func(c *gy.Config) {
					c.FailureHandling, c.GraceOctets, c.GraceTime = gy.FailureContinue, -1, -1
					c.Tx, c.RequestTimeout, c.Retry, c.RetryMax = 2*time.Second, 5*time.Second, time.Second, 10*time.Second
				}
				r.start()
				const subscribers = 20
				process := make(semaphore, subscribers)
				var wg sync.WaitGroup
				var used [subscribers]uint64
				for i := range subscribers {
					wg.Go(func() { used[i] = r.subscriber(i, process) })
				}
				for range 5 {
					for range rand.IntN(30) {
						time.Sleep(time.Second)
						if id := o.anyone(); id != "" {
							r.charging.Sessions().Reauthorize(t.Context(), id, nil)
						}
					}
					process.take(subscribers)
					r.restart()
					process.give(subscribers)
					_ = r.charging.Resume(t.Context()) // some commits fail
				}
				wg.Wait()
				time.Sleep(time.Hour)
				var sum uint64
				for _, n := range used {
					sum += n
				}
				r.wantDebited(sum)
				require.Zero(t, gateway.InHand(r.charging))
				r.stop()
			})
		})
	}
}
