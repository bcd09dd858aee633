package pebblestore

import (
	"fmt"
	"time"

	"github.com/opentwag/twag/session"
)

var (
	errFailed   = fmt.Errorf("%w: database failed", session.ErrUnavailable)
	errQueue    = fmt.Errorf("%w: too many changes are waiting", session.ErrUnavailable)
	errTooLarge = fmt.Errorf("%w: change too large", session.ErrUnavailable)
	errLost     = fmt.Errorf("%w: database failed meanwhile", session.ErrUncertain)
)

// maxAbandoned is how many databases that don't close are left behind, with the memory
// they have, before the store waits for one of them.
const maxAbandoned = 4

// supervise keeps the store with an engine until it is closed.
func (s *Store) supervise(e *engine) {
	for e != nil {
		err := s.watch(e)
		if err == nil {
			break
		}
		s.fail(err)
		if !s.giveUp(e) {
			return // closed meanwhile
		}
		e = s.reopen()
	}
	if e != nil {
		s.closeErr = s.closeEngine(e)
	}
}

// closeEngine closes the database. What that would have to wait for, on a disk that hangs or is full, is not needed: all
// that was promised is in the log.
func (s *Store) closeEngine(e *engine) error {
	patience := time.AfterFunc(s.cfg.closeTimeout, func() {
		e.guard.kill(fmt.Errorf("pebblestore: close takes longer than %v", s.cfg.closeTimeout))
	})
	defer patience.Stop()
	return e.close()
}

// watch returns the reason of the engine's failure, or nil when the store is
// closed and the last change has been made.
func (s *Store) watch(e *engine) error {
	tick := time.NewTicker(s.cfg.look)
	defer tick.Stop()
	for {
		select {
		case err := <-e.failed:
			return err
		case <-e.committed:
			if e.guard.dead.Load() {
				return <-e.failed // that is why
			}
			return nil
		case <-s.poke:
		case <-tick.C:
			if s.overdue() {
				e.guard.kill(fmt.Errorf("pebblestore: write takes longer than %v", s.cfg.CommitTimeout))
				continue
			}
			// The committer looks too, unless it waits for a disk that has become full.
			_, low, lowest := s.space.look()
			if !s.low.Swap(low) && low && !lowest {
				e.flush()
			}
		}
		s.showSpace()
	}
}

func (s *Store) overdue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flight != nil && time.Since(s.since) > s.cfg.CommitTimeout
}

// setLow is how the committer says whether there is too little room.
func (s *Store) setLow(low bool) {
	if s.low.Swap(low) != low {
		select {
		case s.poke <- struct{}{}:
		default:
		}
	}
}

// showSpace makes the state what the committer found.
func (s *Store) showSpace() {
	free, _, _ := s.space.look()
	switch state := s.State(); {
	case s.low.Load() && state == Ready:
		s.log.Error(msgNoSpace, "dir", s.dir, "free", free, "reserve", s.cfg.ReserveOctets)
		s.setState(NoSpace, errNoSpace)
	case !s.low.Load() && state == NoSpace:
		s.log.Info(msgSpace, "dir", s.dir, "free", free)
		s.setState(Ready, nil)
	}
}

// fail takes the engine away from everybody, and tells those who wait.
func (s *Store) fail(err error) {
	s.view.Store(nil)
	s.mu.Lock()
	s.engine = nil
	flight, waiting := s.flight, s.queue.waiting
	s.flight, s.queue.waiting, s.queue.octets = nil, nil, 0
	s.queue.wake()
	s.mu.Unlock()
	s.log.Error(msgFailed, "dir", s.dir, "err", err)
	s.setState(Failed, err)
	for _, r := range flight {
		r.finish(errLost)
	}
	for _, r := range waiting {
		r.finish(errFailed)
	}
}

// giveUp sees to it that the failed engine touches the directory no more. It
// returns false if the store was closed before that.
func (s *Store) giveUp(e *engine) bool {
	drained, ended := make(chan struct{}), make(chan struct{})
	s.wg.Go(func() {
		e.drain()
		close(drained)
	})
	<-drained // a disk that hangs is waited for: opening would hang as well
	s.abandoned.Add(1)
	s.closers.Go(func() {
		<-e.committed
		_ = e.close() // its error is a consequence
		s.abandoned.Add(-1)
		close(ended)
	})
	patience := time.NewTimer(s.cfg.closeTimeout)
	defer patience.Stop()
	for {
		select {
		case <-ended:
			return true
		case <-patience.C:
			if s.abandoned.Load() <= maxAbandoned {
				s.log.Error(msgAbandoned, "dir", s.dir)
				return true
			}
			patience.Reset(s.cfg.closeTimeout)
		case <-s.stop:
			return false
		}
	}
}

// reopen returns a new engine at work, or nil when the store is closed first.
func (s *Store) reopen() *engine {
	for pause := s.cfg.firstRetry; ; pause = min(2*pause, s.cfg.maxRetry) {
		select {
		case <-time.After(pause):
		case <-s.stop:
			return nil
		}
		if _, low, _ := s.space.look(); low {
			pause = s.cfg.firstRetry // looking costs nothing
			continue
		}
		e, err := s.start(msgReadyAnew)
		if err == nil {
			return e
		}
		s.log.Warn(msgRetry, "dir", s.dir, "err", err)
	}
}

// start opens an engine and puts it to work.
func (s *Store) start(msg string) (*engine, error) {
	began := time.Now()
	e, err := openEngine(s.dir, &s.cfg, &s.space)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		close(e.committed)
		return e, nil
	}
	s.engine = e
	s.view.Store(e)
	s.mu.Unlock()
	s.log.Info(msg, "dir", s.dir, "records", e.records.Len(), "duration", time.Since(began))
	s.low.Store(false)
	s.setState(Ready, nil)
	s.wg.Go((&committer{store: s, e: e}).run)
	return e, nil
}
