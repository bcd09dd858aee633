package radius

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
)

// TestNothingIsHeldForLong: handlers that block after they have answered do
// not hold back anybody's answer, however many there are for how many
// workers.
func TestNothingIsHeldForLong(t *testing.T) {
	for _, workers := range []int{1, 2, 10, 100, 200} {
		s := &Server{Workers: workers, Timeout: time.Hour,
			Handler: layeh.HandlerFunc(func(w layeh.ResponseWriter, r *layeh.Request) {
				acceptHandler(w, r)
				time.Sleep(time.Second)
			})}
		bubble(t, s, func(t *testing.T, r *rig) {
			for id := range 100 {
				r.send(accessRequest(t, byte(id), 1))
			}
			for n := workers; ; n += workers {
				synctest.Wait()
				require.Len(t, r.conn.out, min(n, 100), "%d workers", workers)
				if n >= 100 {
					break
				}
				time.Sleep(time.Second)
			}
		})
	}
}

// TestHold walks through the cases of an answer: sent at once, held back, taken
// by the worker that comes, sent when there are many.
func TestHold(t *testing.T) {
	sent := 0
	p := newPool(nil, func(b *outBatch) { sent += b.n }, 1, 1)
	direct, batch := p.hold(outgoing{})
	require.True(t, direct)
	require.Nil(t, batch)

	p.waking = true
	for range maxHeld - 1 {
		direct, batch = p.hold(outgoing{})
		require.False(t, direct)
		require.Nil(t, batch)
	}
	_, batch = p.hold(outgoing{})
	require.Equal(t, maxHeld, batch.n)
	require.Nil(t, p.held)

	_, _ = p.hold(outgoing{})
	require.Nil(t, p.takeHeldLocked(), "left to the worker on its way")
	require.Nil(t, p.next(&worker{wake: make(chan bool, 1)}, true))
	require.Equal(t, 1, sent)
	require.Nil(t, p.held)

	// Nobody on his way, but something held: it goes out with the next.
	p.waking = true
	_, _ = p.hold(outgoing{})
	p.waking = false
	_, batch = p.hold(outgoing{})
	require.Equal(t, 2, batch.n)
}
