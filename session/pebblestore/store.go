package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/opentwag/twag/session"
)

// Store is a [session.Store] on the disk. It is safe for concurrent use.
type Store struct {
	dir            string
	cfg            Config
	log            *slog.Logger
	maxBatchOctets int
	space          space

	// view is what is read; nil while there is nothing to be read.
	view      atomic.Pointer[engine]
	low       atomic.Bool // too little room on the disk
	state     atomic.Uint32
	counts    counts
	abandoned atomic.Int64

	poke chan struct{} // has one place: low has changed
	stop chan struct{} // closed by Close
	lock interface{ Close() error }

	mu sync.Mutex
	// Guarded by mu:
	engine  *engine // whose committer may write
	queue   queue
	flight  []*request // being written
	since   time.Time  // since when
	closing bool

	closeOnce sync.Once
	closeErr  error // the supervisor's, then Close's
	wg        sync.WaitGroup
	closers   sync.WaitGroup // of failed engines
}

var _ session.AsyncStore = (*Store)(nil)

// Open opens the store in a directory, which is made if there is none, and
// loads its records.
//
// The error wraps ErrLocked if the directory is in use, and ErrFormat if another version
// of this package wrote it.
func Open(dir string, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.fs == nil {
		cfg.fs = vfs.Default
	}
	if err := makeDir(cfg.fs, dir); err != nil {
		return nil, fmt.Errorf("pebblestore: %w", err)
	}
	usage, _ := cfg.fs.GetDiskUsage(dir) // zero if it is not known
	cfg = cfg.withDefaults(usage.TotalBytes)
	lock, err := cfg.fs.Lock(cfg.fs.PathJoin(dir, "LOCK"))
	if opening := new(fs.PathError); errors.As(err, &opening) { // its file can't even be made
		return nil, fmt.Errorf("pebblestore: %w", err)
	} else if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLocked, dir, err)
	}
	s := &Store{
		dir:            dir,
		cfg:            cfg,
		log:            cfg.Logger,
		maxBatchOctets: int(min(cfg.MemTableOctets/8, 4<<20)),
		space:          space{fs: cfg.fs, dir: dir, reserve: uint64(max(cfg.ReserveOctets, 0))},
		poke:           make(chan struct{}, 1),
		stop:           make(chan struct{}),
		lock:           lock,
		queue:          queue{kick: make(chan struct{}, 1)},
	}
	e, err := s.start(msgReady)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pebblestore: %w", err), lock.Close())
	}
	s.wg.Go(func() { s.supervise(e) })
	s.wg.Go(s.sweep)
	return s, nil
}

// makeDir makes the directory and those it is in, durably.
func makeDir(disk vfs.FS, dir string) error {
	if info, err := disk.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if parent := disk.PathDir(dir); parent != dir {
		if err := makeDir(disk, parent); err != nil {
			return err
		}
		if err := disk.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		d, err := disk.OpenDir(parent)
		if err != nil {
			return err
		}
		return errors.Join(d.Sync(), d.Close())
	}
	return disk.MkdirAll(dir, 0o700)
}

// State returns how the store is.
func (s *Store) State() State { return State(s.state.Load()) }

// setState is called by one goroutine at a time.
func (s *Store) setState(state State, err error) {
	old := State(s.state.Swap(uint32(state)))
	if s.cfg.Hooks.StateChanged != nil && old != 0 && old != state {
		s.cfg.Hooks.StateChanged(StateInfo{Old: old, New: state, Err: err})
	}
}

// reader returns the engine to read from.
func (s *Store) reader() (*engine, error) {
	if e := s.view.Load(); e != nil {
		return e, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, session.ErrClosed
	}
	return nil, errFailed
}

// Get implements session.Store.
func (s *Store) Get(ctx context.Context, key session.Key) (session.Record, error) {
	e, err := s.reader()
	if err != nil {
		return session.Record{}, err
	}
	return e.records.Get(ctx, key)
}

// Find implements session.Store.
func (s *Store) Find(ctx context.Context, term session.Term, f func(session.Record) bool) error {
	v, err := s.look(f)
	if err != nil {
		return err
	}
	return v.end(v.engine.records.Find(ctx, term, v.show))
}

// Scan implements session.Store.
func (s *Store) Scan(ctx context.Context, kind session.Kind, f func(session.Record) bool) error {
	v, err := s.look(f)
	if err != nil {
		return err
	}
	return v.end(v.engine.records.Scan(ctx, kind, v.show))
}

// Due implements session.Store.
func (s *Store) Due(ctx context.Context, kind session.Kind, now time.Time, f func(session.Record) bool) error {
	v, err := s.look(f)
	if err != nil {
		return err
	}
	return v.end(v.engine.records.Due(ctx, kind, now, v.show))
}

// view shows records until the engine that they are from is no longer the store's: what it
// shows then may be wrong.
type view struct {
	store  *Store
	engine *engine
	f      func(session.Record) bool
	gone   bool
	show   func(session.Record) bool // one; made once
}

var views = sync.Pool{New: func() any {
	v := new(view)
	v.show = v.one
	return v
}}

// look returns a view, which has to be ended.
func (s *Store) look(f func(session.Record) bool) (*view, error) {
	e, err := s.reader()
	if err != nil {
		return nil, err
	}
	v := views.Get().(*view)
	v.store, v.engine, v.f, v.gone = s, e, f, false
	return v, nil
}

func (v *view) one(r session.Record) bool {
	v.gone = v.store.view.Load() != v.engine
	return !v.gone && v.f(r)
}

// end returns the error of what was shown.
func (v *view) end(err error) error {
	s, gone := v.store, v.gone
	v.store, v.engine, v.f = nil, nil, nil
	views.Put(v)
	if gone {
		if _, err := s.reader(); err != nil {
			return err
		}
		return errFailed // and is back: the caller begins again
	}
	return err
}

// Commit implements session.Store.
func (s *Store) Commit(ctx context.Context, c *session.Change) (first uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(c.Puts)+len(c.Journal) == 0 {
		_, err := s.reader()
		return 0, err
	}
	return s.submit(newRequest(c))
}

// CommitFunc implements session.AsyncStore.
func (s *Store) CommitFunc(c *session.Change, done func(first uint64, err error)) {
	if len(c.Puts)+len(c.Journal) == 0 {
		_, err := s.reader()
		done(0, err)
		return
	}
	r := newRequest(c)
	r.then = done
	if err := s.enqueue(r); err != nil {
		r.finish(err)
	}
}

func (s *Store) submit(r *request) (first uint64, err error) {
	if err := s.enqueue(r); err != nil {
		r.finish(err)
	}
	return r.wait()
}

// Close implements session.Store. It waits for the changes being made and for the disk.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.closing = true
		s.view.Store(nil)
		s.queue.wake()
		s.mu.Unlock()
		close(s.stop)
		s.wg.Wait()
		s.leave()
		s.setState(Closed, nil)
		s.closeErr = errors.Join(s.closeErr, s.lock.Close())
	})
	return s.closeErr
}

// leave waits for databases that failed to close, but not for long: they are harmless.
func (s *Store) leave() {
	closed := make(chan struct{})
	go func() {
		s.closers.Wait()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(s.cfg.closeTimeout):
		s.log.Error(msgAbandoned, "dir", s.dir)
	}
}
