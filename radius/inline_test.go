package radius

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
)

// inlineHandler never blocks, or says so at least.
type inlineHandler func(layeh.ResponseWriter, *layeh.Request)

func (h inlineHandler) ServeRADIUS(w layeh.ResponseWriter, r *layeh.Request) { h(w, r) }
func (inlineHandler) NonBlocking() bool                                      { return true }

// TestReadersCallHandlersThatNeverBlock: no worker is there at all.
func TestReadersCallHandlersThatNeverBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Handler: inlineHandler(acceptHandler)}
		r := newRig(t, s)
		defer r.close()
		req := accessRequest(t, 0, 1)
		for i := range byte(3) {
			r.send(accessRequest(t, i+1, 1))
			r.want()
		}
		r.send(req)
		r.want()
		_, workers := s.eng.pool.load()
		require.Zero(t, workers)
		r.send(req)
		r.want() // from the cache
		require.EqualValues(t, 1, s.Stats().Resent)
	})
}

// TestHandoff: what may block runs on a worker; the reader goes on.
func TestHandoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Workers: 2, Handler: inlineHandler(func(w layeh.ResponseWriter, r *layeh.Request) {
			if r.Identifier == 0 {
				acceptHandler(w, r)
				return
			}
			require.True(t, Handoff(w, func() {
				time.Sleep(time.Second)
				require.NoError(t, r.Context().Err())
				require.True(t, Handoff(w, func() { acceptHandler(w, r) })) // here and now
			}))
		})}
		r := newRig(t, s)
		defer r.close()
		req := accessRequest(t, 1, 1)
		r.send(req)
		r.wantSilence("it sleeps")
		r.send(accessRequest(t, 0, 1))
		r.want()
		r.send(req)
		r.wantDropped(DropInProgress, 1)
		time.Sleep(time.Second)
		r.want()
	})
}

// TestHandoffIsRefusedWhenFull: one is at work, one waits, the third is told.
func TestHandoffIsRefusedWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Workers: 1, Queue: 1, Handler: inlineHandler(func(w layeh.ResponseWriter, r *layeh.Request) {
			if !Handoff(w, func() { time.Sleep(time.Second); acceptHandler(w, r) }) {
				Discard(w)
			}
		})}
		r := newRig(t, s)
		defer r.close()
		var req []byte
		for i := range byte(3) {
			req = accessRequest(t, i, 1)
			r.send(req)
			synctest.Wait()
		}
		r.wantSilence("all sleep")
		time.Sleep(2 * time.Second)
		r.want()
		r.want()
		r.wantSilence("the third was discarded")
		r.send(req) // and is new again
		time.Sleep(time.Second)
		r.want()
	})
}

// TestContinue: the handler answers later, from another goroutine; Shutdown
// waits for it; a panic there is the request's alone.
func TestContinue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Handler: inlineHandler(func(w layeh.ResponseWriter, r *layeh.Request) {
			Suspend(w)
			Suspend(w) // counts once
			go func() {
				time.Sleep(time.Second)
				Continue(w, func() {
					if r.Identifier == 2 {
						panic("to order")
					}
					acceptHandler(w, r)
				})
			}()
		})}
		r := newRig(t, s)
		r.send(accessRequest(t, 2, 1))
		r.wantSilence("it panics later")
		time.Sleep(time.Second)
		synctest.Wait()
		require.EqualValues(t, 1, s.Stats().Panics)
		r.send(accessRequest(t, 1, 1))
		synctest.Wait()
		begun := time.Now()
		require.NoError(t, s.Shutdown(context.Background()))
		require.GreaterOrEqual(t, time.Since(begun), time.Second)
		r.want()
		require.ErrorIs(t, <-r.done, ErrServerClosed)
		require.Zero(t, s.eng.suspended.Load())
	})
}

// TestShutdownDoesNotWaitForEver: a handler that never goes on costs its time.
func TestShutdownDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Timeout: 3 * time.Second, Handler: inlineHandler(func(w layeh.ResponseWriter, _ *layeh.Request) { Suspend(w) })}
		r := newRig(t, s)
		r.send(accessRequest(t, 1, 1))
		synctest.Wait()
		begun := time.Now()
		require.NoError(t, s.Shutdown(context.Background()))
		require.InDelta(t, 3, time.Since(begun).Seconds(), 0.1)
		require.ErrorIs(t, <-r.done, ErrServerClosed)
	})
}

// TestContinueTooLate: work that was suspended ends on a worker though the request's time is
// over, so that nobody waits for it after that.
func TestContinueTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var err error
		s := &Server{Timeout: time.Second, Handler: inlineHandler(func(w layeh.ResponseWriter, r *layeh.Request) {
			Suspend(w)
			time.AfterFunc(2*time.Second, func() {
				require.True(t, Handoff(w, func() {
					Continue(w, func() { err = w.Write(r.Response(layeh.CodeAccessAccept)) })
				}))
			})
		})}
		r := newRig(t, s)
		r.send(accessRequest(t, 1, 1))
		r.wantSilence("it takes too long")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		require.ErrorIs(t, err, ErrTooLate)
		require.Zero(t, s.eng.suspended.Load())
		r.close()
	})
}

// TestSuspendedPanic: a handler that panics before anybody goes on with its work keeps nobody
// waiting.
func TestSuspendedPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Handler: inlineHandler(func(w layeh.ResponseWriter, _ *layeh.Request) {
			Suspend(w)
			panic("to order")
		})}
		r := newRig(t, s)
		r.send(accessRequest(t, 1, 1))
		r.wantSilence("it panicked")
		synctest.Wait()
		require.Zero(t, s.eng.suspended.Load())
		begun := time.Now()
		r.close()
		require.Less(t, time.Since(begun), time.Second)
	})
}

// TestInlinePanic: a reader survives its handler.
func TestInlinePanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Handler: inlineHandler(func(w layeh.ResponseWriter, r *layeh.Request) {
			if r.Identifier == 1 {
				panic("to order")
			}
			acceptHandler(w, r)
		})}
		r := newRig(t, s)
		defer r.close()
		r.send(accessRequest(t, 1, 1))
		r.wantSilence("it panicked")
		r.send(accessRequest(t, 2, 1))
		r.want()
		require.EqualValues(t, 1, s.Stats().Panics)
	})
}

// TestElsewhere: without an engine behind the writer, all happens here and now.
func TestElsewhere(t *testing.T) {
	var ran int
	require.True(t, Handoff(nil, func() { ran++ }))
	Suspend(nil)
	Continue(nil, func() { ran++ })
	require.Equal(t, 2, ran)
}

// TestCopies: what a server's own writer was given is nobody's when Write returns; of others nothing is
// known.
func TestCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var packet *layeh.Packet
		s := &Server{Handler: inlineHandler(func(w layeh.ResponseWriter, r *layeh.Request) {
			require.True(t, Copies(w))
			require.False(t, Copies(struct{ layeh.ResponseWriter }{w}))
			if packet == nil {
				packet = new(layeh.Packet)
			}
			*packet = *r.Response(layeh.CodeAccessAccept)
			packet.Attributes.Add(1, layeh.Attribute{r.Identifier})
			require.NoError(t, w.Write(packet))
			*packet = layeh.Packet{}
		})}
		r := newRig(t, s)
		defer r.close()
		req := accessRequest(t, 1, 1)
		r.send(req)
		first := r.want()
		r.send(accessRequest(t, 2, 1))
		r.want()
		r.send(req)
		require.Equal(t, first, r.want(), "from the cache")
	})
}
