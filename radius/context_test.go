package radius

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRequestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open openContexts
		start := time.Now()
		make3 := func() (cs [3]*requestContext) {
			for i := range cs {
				cs[i] = &requestContext{deadline: start.Add(time.Duration(i+1) * time.Second), open: &open}
			}
			return cs
		}
		cs := make3()
		for i := 2; i >= 0; i-- { // asked for out of order
			d, ok := cs[i].Deadline()
			require.True(t, ok)
			require.Equal(t, start.Add(time.Duration(i+1)*time.Second), d)
			require.NoError(t, cs[i].Err())
			cs[i].Done()
		}
		child, cancel := context.WithTimeout(cs[0], time.Hour)
		defer cancel()
		<-child.Done()
		require.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, child.Err(), context.DeadlineExceeded)
		require.ErrorIs(t, cs[0].Err(), context.DeadlineExceeded)
		require.NoError(t, cs[1].Err())

		require.Equal(t, context.Canceled, cs[1].cancel(context.Canceled))
		require.Equal(t, context.Canceled, cs[1].cancel(context.DeadlineExceeded))
		<-cs[1].Done()
		require.Nil(t, cs[1].Value(1))

		// A context that had ended before it was asked for.
		cs = make3()
		<-cs[0].Done()
		require.ErrorIs(t, cs[0].Err(), context.DeadlineExceeded)
		cs[1].cancel(context.Canceled)
		<-cs[1].Done()
		ran := make(chan bool, 4)
		stop := cs[1].AfterFunc(func() { ran <- true })
		require.True(t, <-ran)
		require.False(t, stop())

		stop = cs[2].AfterFunc(func() { ran <- true })
		kept := cs[2].AfterFunc(func() { ran <- false })
		require.True(t, stop())
		require.False(t, stop())
		open.close(context.Canceled)
		require.False(t, <-ran)
		require.False(t, kept())
		synctest.Wait()
		require.Empty(t, ran)
		require.ErrorIs(t, cs[2].Err(), context.Canceled)
		require.Nil(t, open.first)

		late := &requestContext{deadline: time.Now().Add(time.Hour), open: &open}
		require.ErrorIs(t, late.Err(), context.Canceled)
		late = &requestContext{deadline: time.Now().Add(time.Hour), open: &open}
		<-late.Done()
		require.Nil(t, open.first)
	})
}

// BenchmarkRequestContext is what a handler pays that waits for something with
// a time limit of its own.
func BenchmarkRequestContext(b *testing.B) {
	var open openContexts
	b.ReportAllocs()
	for b.Loop() {
		c := &requestContext{deadline: time.Now().Add(10 * time.Second), open: &open}
		ctx, cancel := context.WithTimeout(c, 8*time.Second)
		ctx.Done()
		cancel()
		c.cancel(context.Canceled)
	}
}
