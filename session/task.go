package session

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// TaskKind says what a task is, and so who does it.
type TaskKind uint8

// Kinds of task that this module knows. Others may use numbers from 128 on.
const (
	_              TaskKind = iota
	TaskNASRestart          // end the sessions that a NAS had before it started again
	TaskDisconnect          // ask the NAS to end a session
	TaskChange              // ask the NAS to change a session; Data are the attributes
)

// Task is a side effect of something that was committed: it is kept until it has been
// done, across restarts. It is done at least once, so doing it twice must do no harm.
type Task struct {
	ID      ID
	Kind    TaskKind
	Session ID        // that it is about; may be zero
	Data    []byte    // what else the task's handler needs
	Created time.Time // when it was committed first
	// NotBefore is when to do it; zero: at once.
	NotBefore time.Time
	Attempts  uint32 // that failed

	version uint64
}

// TaskHandler does a task. On nil the task is gone. Otherwise it is tried
// again, later and later, until [Config.TaskAge] is over. It occupies one of
// [Config.Workers], or of its kind's own, meanwhile, so it has to have an end of its own.
type TaskHandler func(ctx context.Context, t Task) error

const taskVersion = 1

func (t *Task) append(b []byte) []byte {
	b = append(b, taskVersion, byte(t.Kind))
	b = append(b, t.Session[:]...)
	b = appendTime(b, t.Created)
	b = appendTime(b, t.NotBefore)
	b = append(b, byte(min(t.Attempts, 255)))
	return append(b, t.Data...)
}

func (t *Task) put(value []byte) Put {
	due := t.NotBefore
	if due.IsZero() {
		due = t.Created
	}
	return Put{Key: Key{KindTask, t.ID}, Expect: t.version, Due: due, Value: value}
}

func decodeTask(r Record) (Task, error) {
	t := Task{ID: r.Key.ID, version: r.Version}
	if len(r.Value) < 2+len(t.Session) || r.Value[0] != taskVersion {
		return Task{}, fmt.Errorf("%w: task", ErrDecode)
	}
	t.Kind = TaskKind(r.Value[1])
	copy(t.Session[:], r.Value[2:])
	d := decoder{rest: string(r.Value[2+len(t.Session):])}
	for _, p := range [...]*time.Time{&t.Created, &t.NotBefore} {
		*p = d.time()
	}
	attempts := d.take(1)
	if d.failed {
		return Task{}, fmt.Errorf("%w: task cut short", ErrDecode)
	}
	t.Attempts, t.Data = uint32(attempts[0]), []byte(d.rest)
	return t, nil
}

// tasks does what has been committed to be done.
type tasks struct {
	m        *Manager
	workers  int
	handlers map[TaskKind]TaskHandler // fixed before the first commit
	queue    chan Task

	mu   sync.Mutex
	busy map[ID]struct{} // queued or being done
}

func newTasks(m *Manager, workers int) *tasks {
	return &tasks{m: m, workers: workers, handlers: make(map[TaskKind]TaskHandler), queue: make(chan Task, sweepBatch), busy: make(map[ID]struct{})}
}

// lane returns what does tasks of a kind.
func (m *Manager) lane(kind TaskKind) *tasks {
	if lane := m.apart[kind]; lane != nil {
		return lane
	}
	return m.tasks
}

func (q *tasks) start(ctx context.Context, wg *sync.WaitGroup) {
	for range q.workers {
		wg.Go(func() { q.work(ctx) })
	}
}

// maxTaskWait and maxKindWait bound how long a task waits for its next attempt,
// maxKindWait if this process has nobody who does such tasks.
const (
	maxTaskWait = time.Minute
	maxKindWait = time.Hour
)

// backOff returns how long to wait after one more failure than attempts.
func backOff(attempts uint32, longest time.Duration) time.Duration {
	return min(time.Second<<min(attempts, 16), longest)
}

// offer queues a task that is due, and reports whether there may be room for
// another. One that finds no room is found again by the sweep.
func (q *tasks) offer(t Task, now time.Time) bool {
	if t.NotBefore.After(now) {
		return true
	}
	if t.version == 0 {
		t.version = 1 // as it was just committed
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.busy[t.ID]; ok {
		return true
	}
	t.Data = slices.Clone(t.Data) // who committed it may use his memory again
	select {
	case q.queue <- t:
		q.busy[t.ID] = struct{}{}
		return true
	default:
		return false
	}
}

// work does queued tasks until ctx ends.
func (q *tasks) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-q.queue:
			q.do(ctx, t)
			q.mu.Lock()
			delete(q.busy, t.ID)
			q.mu.Unlock()
		}
	}
}

func (q *tasks) do(ctx context.Context, t Task) {
	key := Key{KindTask, t.ID}
	// Between the sweep that found it and now it may have been done, here or
	// by another manager.
	if r, err := q.m.store.Get(ctx, key); err != nil || r.Version != t.version {
		return
	}
	handler, longest := q.handlers[t.Kind], maxTaskWait
	err := errNoHandler
	if handler != nil {
		err = handler(ctx, t)
	} else {
		longest = maxKindWait
	}
	if err != nil && ctx.Err() != nil {
		return // stopping: the task is still in the store
	}
	var p Put
	switch now := time.Now(); {
	case err == nil:
		p = Put{Key: key, Expect: t.version, Delete: true}
	case now.Sub(t.Created) >= q.m.cfg.TaskAge:
		q.m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, logTaskGivenUp, slog.String("session", t.Session.String()), slog.Int("kind", int(t.Kind)), slog.Any("error", err))
		t.Attempts++
		p = Put{Key: key, Expect: t.version, Delete: true}
	default:
		t.NotBefore = now.Add(backOff(t.Attempts, longest))
		t.Attempts++
		p = t.put(t.append(nil))
	}
	// A conflict means that somebody else has done it; any other failure that
	// it is done again. What has been done is noted even while stopping.
	_, _ = q.m.store.Commit(context.WithoutCancel(ctx), &Change{Puts: []Put{p}})
	if h := q.m.cfg.Hooks.Task; h != nil {
		h(TaskInfo{Kind: t.Kind, Err: err, Attempts: t.Attempts})
	}
}
