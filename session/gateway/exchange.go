package gateway

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
)

// job is a session's credit control in hand, from a step to the end of what the step asks for,
// and the memory for that, which is used again. Nobody waits for anything here: it is the goroutines
// of the store and of the OCS's connection that go on with it.
type job struct {
	c  *Charging
	id session.ID

	// step is the step that is being taken, and stored; nil while the OCS is asked.
	*step

	seq     uint32 // of the request that was sent
	req     wire.Message
	cca     gy.CCA
	failure error // why there is no cca

	// Methods of it: each time anew they would be an allocation each.
	goOn      func()
	answered  func(error)
	committed func(uint64, error)
}

// step is what a step needs.
type step struct {
	gs    *gy.Session
	out   gy.Output
	state []byte // for the session's Charging
	txn   session.Txn
	room  session.Entries
}

var steps = sync.Pool{New: func() any { return &step{gs: new(gy.Session)} }}

func (c *Charging) newJob() any {
	j := &job{c: c}
	j.goOn, j.answered, j.committed = j.stored, j.onAnswer, j.onCommit
	return j
}

// job returns a job for the session.
func (c *Charging) job(id session.ID) *job {
	j := c.jobs.Get().(*job)
	j.id = id
	j.begin()
	return j
}

func (j *job) begin() { j.step = steps.Get().(*step) }

// over is the end of the step.
func (j *job) over() {
	s := j.step
	j.step = nil
	s.out = gy.Output{}
	s.txn.Reset()
	s.room.Reset()
	steps.Put(s)
}

func (j *job) free() {
	if j.step != nil {
		j.over()
	}
	j.failure = nil
	j.c.jobs.Put(j)
}

// enter has Close wait for leave; false if Close was called.
func (c *Charging) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wg.Add(1)
	return true
}

func (c *Charging) leave() { c.wg.Done() }

// take takes one step of the session's credit control, f, in txn. by is the request that it is
// about; nil: none.
func (j *job) take(txn *session.Txn, s *session.Session, by *request, f func(gs *gy.Session, now time.Time) gy.Output) error {
	r, err := readRecord(s)
	if err != nil {
		return err
	}
	if !r.isCharged() {
		return session.ErrNotFound
	}
	if by != nil {
		err = j.c.restoreWith(j, s, &r, *by)
	} else {
		_, err = j.c.restore(j, s, &r)
	}
	if err != nil {
		return err
	}
	now := time.Now()
	j.out = f(j.gs, now)
	r.room = j.state
	j.c.put(txn, s, &r, j.gs, &j.out, now)
	j.state = s.Charging
	return nil
}

// stored does what the job's step asks for, after it has been stored. It is the end of the job,
// but for a request that is sent.
func (j *job) stored() {
	c, out := j.c, &j.out
	if h := c.cfg.Hooks.Step; h != nil {
		h(ChargingStep{Output: *out, Usage: j.gs.Usage()})
	}
	if out.Service == gy.ServiceGranted || out.Service == gy.ServiceRefused {
		c.tell(j.id, verdict{out: *out})
	}
	if !out.Send {
		if _, pending := j.gs.Pending(); !pending {
			c.forget(j.id)
		}
		j.free()
		return
	}
	var err error
	if j.req, err = j.gs.AppendRequest(j.req); err != nil {
		c.cfg.Logger.LogAttrs(c.ctx, slog.LevelError, logUncharged, slog.Any("session", j.id), slog.Any("error", err))
		c.tell(j.id, verdict{err: err})
		j.free()
		return
	}
	j.seq = out.Seq
	j.over()
	c.mu.Lock()
	c.taken[j.id] = request{j.seq, waiting}
	c.mu.Unlock()
	if err = c.cfg.Client.SendFunc(c.ctx, j.req, &j.cca, j.answered); err != nil && c.enter() {
		// Whoever is here may be just in the middle of a commit.
		j.failure = err
		go j.settle()
	}
}

// onAnswer takes in what came of the request.
func (j *job) onAnswer(err error) {
	c := j.c
	if !c.enter() {
		return
	}
	j.failure = err
	if !c.m.Async() {
		go j.settle()
		return
	}
	c.progress(j.id, j.seq, taking)
	j.begin()
	e, err := c.m.GetIn(c.ctx, &j.room, j.id)
	if err == nil {
		err = j.take(&j.txn, &e.Session, &request{j.seq, waiting}, j.outcome)
	}
	if err != nil {
		j.end(err)
		return
	}
	j.txn.Put(e)
	c.m.CommitFunc(c.ctx, &j.txn, j.committed)
}

// onCommit is told what became of the answer's commit.
func (j *job) onCommit(_ uint64, err error) {
	if errors.Is(err, session.ErrConflict) {
		go j.settle()
		return
	}
	j.end(err)
}

// settle takes in what came of the request, and waits until it is stored, however often
// somebody else is faster.
func (j *job) settle() {
	j.c.progress(j.id, j.seq, taking)
	if j.step == nil {
		j.begin()
	}
	j.end(j.c.update(j.c.ctx, j, &request{j.seq, waiting}, j.outcome))
}

// outcome is the step that comes of the request.
func (j *job) outcome(gs *gy.Session, now time.Time) gy.Output {
	if j.failure != nil {
		return gs.Fail(now, j.seq, gy.FailureOf(j.failure))
	}
	return gs.Answer(now, j.seq, &j.cca)
}

// end is the end of an exchange; err is why its outcome could not be stored.
func (j *job) end(err error) {
	c := j.c
	defer c.leave()
	c.progress(j.id, j.seq, stored)
	if err == nil {
		j.stored()
		return
	}
	// The answer is lost on us. If the session is still there, it is asked for again when that
	// wakes.
	c.forget(j.id)
	c.tell(j.id, verdict{err: err})
	if !errors.Is(err, session.ErrNotFound) && c.ctx.Err() == nil {
		c.cfg.Logger.LogAttrs(c.ctx, slog.LevelWarn, logNotStored, slog.Any("session", j.id), slog.Any("error", err))
	}
	j.free()
}

// tell answers a login that waits, if one does.
func (c *Charging) tell(id session.ID, v verdict) {
	c.mu.Lock()
	ch := c.waiting[id]
	delete(c.waiting, id)
	c.mu.Unlock()
	if ch != nil {
		ch <- v
	}
}

// progress notes how far a request is, unless the session has another one by now.
func (c *Charging) progress(id session.ID, seq uint32, at progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken[id].seq == seq {
		c.taken[id] = request{seq, at}
	}
}

// forget makes the session's request, if there is one, one that nobody here has had in hand. One whose
// outcome is still to be stored is left alone: somebody else has sent it since.
func (c *Charging) forget(id session.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken[id].at == stored {
		delete(c.taken, id)
	}
}
