package accounting

import (
	"context"
	"sync"

	"github.com/opentwag/twag/session"
)

// RecordFunc begins to do what Record does, if nobody has to wait for that, and calls done once with
// the outcome, perhaps before it returns; done must not block. It returns false, without having
// done anything, if this event needs Record. So it does if done is told
// session.ErrConflict or session.ErrUncertain.
//
// e must be left alone until done is called.
func (r *Recorder) RecordFunc(ctx context.Context, e *Event, done func(Verdict, error)) bool {
	if !r.m.Async() || !e.hasSession() {
		return false
	}
	lock := r.lock(e)
	if !lock.TryLock() {
		return false
	}
	x := r.recordings.Get().(*recording)
	x.r, x.ctx, x.e, x.done, x.lock, x.b = r, ctx, e, done, lock, r.bufs.Get().(*buffers)
	returned := false
	defer func() {
		if !returned && x.lock != nil {
			x.release() // a hook has panicked; others may still have this number
		}
	}()
	x.begin()
	returned = true
	return true
}

// recording is an event that is recorded without somebody who waits for it.
type recording struct {
	commit func(uint64, error) // committed; made once

	r    *Recorder
	ctx  context.Context
	e    *Event
	done func(Verdict, error)

	// Held from the beginning to the end; nil then.
	lock *sync.Mutex
	b    *buffers

	info RecordInfo
	s    *session.Session
}

func (x *recording) begin() {
	c := x.r.open(x.e)
	x.b.reset()
	var err error
	x.info, x.s, err = x.r.prepareSession(x.ctx, x.e, &c, x.b)
	if err != nil || x.info.repeated() {
		x.end(err)
		return
	}
	x.r.m.CommitFunc(x.ctx, &x.b.txn, x.commit)
}

// committed is told what became of the commit.
func (x *recording) committed(_ uint64, err error) {
	if err == nil {
		x.r.committed(x.ctx, x.e, x.s, x.b)
	}
	x.end(err)
}

// end ends the recording; nobody may use it after.
func (x *recording) end(err error) {
	if err == nil {
		x.r.recorded(x.info)
	}
	x.release()
	x.done(x.info.Verdict, err)
	r := x.r
	*x = recording{commit: x.commit}
	r.recordings.Put(x)
}

// release lets others use what the recording had to itself.
func (x *recording) release() {
	lock := x.lock
	x.lock = nil
	x.r.bufs.Put(x.b)
	lock.Unlock()
}
