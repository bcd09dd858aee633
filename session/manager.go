package session

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Messages of the log.
const (
	logTaskGivenUp = "Session task given up"
	logSweepFailed = "Session upkeep failed"
	logBadRecord   = "Session record can't be read"
	logNewAP       = "Access point is new"
)

var errNoHandler = errors.New("session: nobody does tasks of this kind")

// ErrLimit: the subscriber has as many sessions as allowed.
var ErrLimit = errors.New("session: subscriber has too many sessions")

// LimitPolicy says what happens to a login of a subscriber who has as many sessions as allowed.
type LimitPolicy uint8

// Policies.
const (
	LimitRefuse  LimitPolicy = iota // the new login is refused
	LimitReplace                    // the subscriber's oldest session is ended
)

// Config configures a [Manager]. Zero fields have the defaults named.
type Config struct {
	// PerSubscriber bounds the sessions of one subscriber, not counting those
	// that are closing. 0: no bound.
	PerSubscriber int
	OnLimit       LimitPolicy

	// AdmitTimeout is how long an admitted session waits for accounting to begin.
	// Default 5 min.
	AdmitTimeout time.Duration
	// Silence is how many of its interim intervals a session may miss before it is ended. Default 4.
	Silence int
	// MaxSilence is how long a session without an interim interval may be silent.
	// Default 25 h; negative: for ever.
	MaxSilence time.Duration
	// Grace is how long a closing session waits for its NAS's Stop, and how much later than
	// the NAS we look at a session's time-outs, and how late an interim may be. Default 90 s.
	Grace time.Duration
	// Linger is how long an ended session is remembered, so that what its NAS repeats is
	// recognised. Default 15 min.
	Linger time.Duration
	// ArchivalLinger is how long a session is remembered that was ended here because its NAS did
	// not end it: a NAS that was cut off for so long may come back with counters that go on. Default
	// 24 h, and at least Linger. Sessions whose NAS is known to have restarted have Linger.
	ArchivalLinger time.Duration

	// TaskAge is how long a task that fails is tried again. Default 24 h.
	TaskAge time.Duration
	// Workers do tasks and end sessions. Default 8.
	Workers int
	// Sweep is how often sessions and tasks that are due are looked for.
	// Default 1 s.
	Sweep time.Duration

	// MaxAPs bounds the registry of access points; the one seen last longest ago is
	// forgotten first. Default 65536.
	MaxAPs int

	// End ends a session from its latest interim: package accounting's Recorder writes the
	// ticket. nil: it is ended without.
	End func(ctx context.Context, e *Entry, why Reason) error

	// Follow is called for each state of a session that is about to be committed, with the state
	// that it replaces as in Hooks.Changed, and says whether a task is to be committed with it: what
	// has to follow, whatever dies. After a conflict it may be called again. It must not block,
	// nor keep or change the sessions. nil: nothing follows.
	Follow func(before, after *Session) (Task, bool)

	// Wake is called for a session whose Wake has come. It has to commit a later
	// one, or none. nil: Wake doesn't count.
	Wake func(ctx context.Context, e *Entry) error

	Logger *slog.Logger // nil: silence
	Hooks  Hooks
}

// Hooks are called synchronously after a commit, often by a goroutine of the
// store's: they must not block or panic, and may be called concurrently. Each may be
// nil.
type Hooks struct {
	// Changed is called for each committed state of a session. before is the state
	// that after replaces in the store, whoever committed it, so that differences
	// (such as of Usage) add up, over all managers of a store too; its State is 0
	// if the session is new. They must not be kept or changed.
	Changed func(ctx context.Context, before, after *Session)
	// Task is called when a task was tried.
	Task func(TaskInfo)
	// AP is called when an access point was seen for the first time.
	AP func(AP)
}

// TaskInfo describes an attempt at a task.
type TaskInfo struct {
	Kind     TaskKind
	Err      error // nil: it is done
	Attempts uint32
}

func (c Config) withDefaults() Config {
	setDefault(&c.AdmitTimeout, 5*time.Minute)
	setDefault(&c.Silence, 4)
	setDefault(&c.MaxSilence, 25*time.Hour)
	setDefault(&c.Grace, 90*time.Second)
	setDefault(&c.Linger, 15*time.Minute)
	setDefault(&c.ArchivalLinger, 24*time.Hour)
	c.ArchivalLinger = max(c.ArchivalLinger, c.Linger)
	setDefault(&c.TaskAge, 24*time.Hour)
	setDefault(&c.Workers, 8)
	setDefault(&c.Sweep, time.Second)
	setDefault(&c.MaxAPs, 1<<16)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Validate returns an error that names the first field that is wrong.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name string
		v    time.Duration
	}{{"AdmitTimeout", c.AdmitTimeout}, {"Grace", c.Grace}, {"Linger", c.Linger},
		{"ArchivalLinger", c.ArchivalLinger}, {"TaskAge", c.TaskAge}, {"Sweep", c.Sweep}} {
		if f.v < 0 {
			return fmt.Errorf("session: %s: %v is negative", f.name, f.v)
		}
	}
	for _, f := range []struct {
		name string
		v    int
	}{{"PerSubscriber", c.PerSubscriber}, {"Silence", c.Silence}, {"Workers", c.Workers}, {"MaxAPs", c.MaxAPs}} {
		if f.v < 0 {
			return fmt.Errorf("session: %s: %d is negative", f.name, f.v)
		}
	}
	if c.OnLimit > LimitReplace {
		return fmt.Errorf("session: OnLimit: %d is no policy", c.OnLimit)
	}
	return nil
}

// Manager holds the rules of sessions over a [Store]. It is safe for concurrent
// use.
type Manager struct {
	store   Store
	async   AsyncStore // store, if it is one
	cfg     Config
	tasks   *tasks
	apart   map[TaskKind]*tasks // of kinds that have workers of their own
	ending  ending
	aps     apTable
	changes sync.Pool                // of *builder
	logins  [loginStripes]sync.Mutex // by subscriber
	seed    maphash.Seed

	admitted, open atomic.Int64

	logMu sync.Mutex
	// Guarded by logMu:
	logged   time.Time // when a failure was logged
	unlogged int       // failures since
}

// NewManager returns a manager of the sessions in store. Call Run for what
// happens by itself.
func NewManager(store Store, cfg Config) (*Manager, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Manager{store: store, cfg: cfg.withDefaults(), seed: maphash.MakeSeed()}
	m.async, _ = store.(AsyncStore)
	m.changes.New = func() any { return newBuilder() }
	m.tasks, m.apart = newTasks(m, m.cfg.Workers), make(map[TaskKind]*tasks)
	m.ending = ending{m: m, queue: make(chan ID, sweepBatch), busy: make(map[ID]struct{}), failed: make(map[ID]failure)}
	m.aps.init(m.cfg.MaxAPs)
	return m, nil
}

// HandleTask says who does the tasks of a kind. Call it before Run and before the
// first login.
func (m *Manager) HandleTask(kind TaskKind, h TaskHandler) { m.tasks.handlers[kind] = h }

// HandleTaskApart is HandleTask for tasks whose far end may be slow, or away for long: they have
// workers of their own, at least one, so that no other task has to wait for them.
func (m *Manager) HandleTaskApart(kind TaskKind, workers int, h TaskHandler) {
	lane := newTasks(m, max(1, workers))
	lane.handlers[kind] = h
	m.apart[kind] = lane
}

// OnEnd sets [Config.End], for those who need the manager to make what ends
// sessions. Call it before Run and before the first login.
func (m *Manager) OnEnd(end func(ctx context.Context, e *Entry, why Reason) error) { m.cfg.End = end }

// OnWake sets [Config.Wake]. Call it before Run and before the first login.
func (m *Manager) OnWake(wake func(ctx context.Context, e *Entry) error) { m.cfg.Wake = wake }

// Counts is how many sessions there are.
type Counts struct{ Admitted, Open int }

// Counts returns how many sessions there are now: those that Load found, and what
// this manager has committed since. It does not know what other managers of
// the store do, nor what became of commits that failed with ErrUncertain.
func (m *Manager) Counts() Counts {
	return Counts{int(max(m.admitted.Load(), 0)), int(max(m.open.Load(), 0))}
}

// changed keeps count of a committed change, and tells.
func (m *Manager) changed(ctx context.Context, before, after *Session) {
	if before.State != after.State {
		m.count(before.State, -1)
		m.count(after.State, 1)
	}
	if h := m.cfg.Hooks.Changed; h != nil {
		h(ctx, before, after)
	}
}

func (m *Manager) count(s State, n int64) {
	switch s {
	case Admitted:
		m.admitted.Add(n)
	case Open:
		m.open.Add(n)
	}
}
