package session

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const taskMine TaskKind = 200

func commitTask(t *testing.T, m *Manager, task Task) {
	t.Helper()
	var txn Txn
	txn.Task(task)
	_, err := m.Commit(t.Context(), &txn)
	require.NoError(t, err)
}

func TestTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		var infos notes[TaskInfo]
		m := newTestManager(t, store, Config{Hooks: Hooks{Task: func(i TaskInfo) { infos.add(i) }}})
		var notes notes[Task]
		m.HandleTask(taskMine, func(_ context.Context, t Task) error { notes.add(t); return nil })
		defer running(t, m)()
		start, id := time.Now(), NewID()
		data := []byte("data")
		commitTask(t, m, Task{Kind: taskMine, Session: id, Data: data})
		copy(data, "else") // is the caller's again
		pass(0)
		got := notes.all()
		require.Len(t, got, 1)
		require.Equal(t, id, got[0].Session)
		require.Equal(t, "data", string(got[0].Data))
		require.Equal(t, start, got[0].Created)
		require.Zero(t, count(t, store, KindTask))

		commitTask(t, m, Task{Kind: taskMine, NotBefore: start.Add(time.Hour)})
		pass(time.Hour - time.Second)
		require.Len(t, notes.all(), 1)
		pass(2 * time.Second)
		require.Len(t, notes.all(), 2)
		require.Equal(t, []TaskInfo{{Kind: taskMine}, {Kind: taskMine}}, infos.all())
		m.tasks.mu.Lock()
		defer m.tasks.mu.Unlock()
		require.Empty(t, m.tasks.busy)
	})
}

// A task that was committed is done, whatever died meanwhile.
func TestTaskAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		// One dies before it begins, one while it does the task.
		commitTask(t, newTestManager(t, store, Config{}), Task{Kind: taskMine, Data: []byte("d")})
		second := newTestManager(t, store, Config{})
		var began atomic.Int64
		second.HandleTask(taskMine, func(ctx context.Context, _ Task) error { began.Add(1); <-ctx.Done(); return ctx.Err() })
		stop := running(t, second)
		pass(time.Second)
		stop()
		require.Equal(t, int64(1), began.Load())
		require.Equal(t, 1, count(t, store, KindTask))

		third := newTestManager(t, store, Config{})
		var notes notes[Task]
		third.HandleTask(taskMine, func(_ context.Context, t Task) error { notes.add(t); return nil })
		defer running(t, third)()
		pass(0)
		got := notes.all()
		require.Len(t, got, 1)
		require.Equal(t, "d", string(got[0].Data))
		require.Zero(t, got[0].Attempts)
		pass(time.Hour)
		require.Len(t, notes.all(), 1)
		require.Zero(t, count(t, store, KindTask))
	})
}

// What has been done while the manager stops is not done again.
func TestTaskDoneWhileStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &wrapped{Store: newTestStore()}
		m := newTestManager(t, store, Config{})
		m.HandleTask(taskMine, func(ctx context.Context, _ Task) error { <-ctx.Done(); return nil })
		stop := running(t, m)
		commitTask(t, m, Task{Kind: taskMine})
		pass(0)
		stop()
		require.Zero(t, count(t, store, KindTask))
	})
}

func TestTaskIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		m := newTestManager(t, store, Config{})
		start := time.Now()
		var tries notes[time.Duration]
		m.HandleTask(taskMine, func(_ context.Context, task Task) error {
			if n := tries.add(time.Since(start)); int(task.Attempts) != n-1 {
				t.Error(task.Attempts)
			} else if n < 10 {
				return errors.New("not yet")
			}
			return nil
		})
		defer running(t, m)()
		commitTask(t, m, Task{Kind: taskMine})
		pass(time.Hour)
		at := tries.all()
		require.Len(t, at, 10)
		for i, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
			require.InDelta(t, wait, (at[i+1] - at[i]).Seconds(), 2.1, i)
		}
		require.Zero(t, count(t, store, KindTask))
	})
}

func TestTaskIsGivenUp(t *testing.T) {
	for name, handler := range map[string]TaskHandler{
		"fails":    func(context.Context, Task) error { return errors.New("never") },
		"nobody's": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newTestStore()
				var log output
				var tries notes[TaskInfo]
				m := newTestManager(t, store, Config{TaskAge: 6 * time.Hour, Logger: slog.New(slog.NewTextHandler(&log, nil)),
					Hooks: Hooks{Task: func(i TaskInfo) {
						if n := tries.add(i); i.Err == nil || i.Attempts != uint32(min(n, 256)) { // kept in one octet
							t.Error(i)
						}
					}}})
				if handler != nil {
					m.HandleTask(taskMine, handler)
				}
				defer running(t, m)()
				commitTask(t, m, Task{Kind: taskMine})
				pass(5 * time.Hour)
				require.Equal(t, 1, count(t, store, KindTask))
				require.Empty(t, log.String())
				pass(2 * time.Hour)
				require.Zero(t, count(t, store, KindTask))
				require.Equal(t, 1, strings.Count(log.String(), logTaskGivenUp))
				if handler == nil {
					require.Less(t, len(tries.all()), 25, "it must not cost much")
				}
			})
		})
	}
}

// A kind without handler waits for one.
func TestTaskOfLaterHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		m := newTestManager(t, store, Config{})
		stop := running(t, m)
		commitTask(t, m, Task{Kind: taskMine})
		pass(time.Minute)
		stop()
		m = newTestManager(t, store, Config{})
		var done atomic.Int64
		m.HandleTask(taskMine, func(context.Context, Task) error { done.Add(1); return nil })
		defer running(t, m)()
		pass(2 * time.Minute)
		require.Equal(t, int64(1), done.Load())
	})
}

// More tasks than the queue holds: none is lost, none is done twice.
func TestManyTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		m := newTestManager(t, store, Config{})
		var mu sync.Mutex
		done := make(map[ID]int)
		m.HandleTask(taskMine, func(_ context.Context, t Task) error {
			mu.Lock()
			defer mu.Unlock()
			done[t.ID]++
			return nil
		})
		const n = 2*sweepBatch + 100
		for range n {
			commitTask(t, m, Task{Kind: taskMine})
		}
		defer running(t, m)()
		pass(10 * time.Second)
		require.Len(t, done, n)
		for _, times := range done {
			require.Equal(t, 1, times)
		}
		require.Zero(t, count(t, store, KindTask))
	})
}

// What another manager has done, or has put off, is left alone.
func TestTaskOfTwoManagers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		var done atomic.Int64
		handler := func(context.Context, Task) error { done.Add(1); return nil }
		a, b := newTestManager(t, store, Config{}), newTestManager(t, store, Config{})
		a.HandleTask(taskMine, handler)
		b.HandleTask(taskMine, handler)
		for range 100 {
			commitTask(t, a, Task{Kind: taskMine})
		}
		require.NoError(t, b.sweep(t.Context(), time.Now())) // b has them queued
		stop := running(t, a)
		pass(time.Second)
		stop()
		require.Equal(t, int64(100), done.Load())
		defer running(t, b)()
		pass(time.Second)
		require.Equal(t, int64(100), done.Load())
	})
}

func TestTaskCodec(t *testing.T) {
	want := Task{ID: NewID(), Kind: taskMine, Session: NewID(), Data: []byte("data"), Created: time.UnixMilli(1e12).UTC(), Attempts: 7}
	r := Record{Key: Key{KindTask, want.ID}, Value: want.append(nil)}
	got, err := decodeTask(r)
	require.NoError(t, err)
	require.Equal(t, want, got)
	for n := range len(r.Value) - len(want.Data) {
		_, err := decodeTask(Record{Key: r.Key, Value: r.Value[:n]})
		require.ErrorIs(t, err, ErrDecode, n)
	}
	want.Attempts = 300
	got, err = decodeTask(Record{Key: r.Key, Value: want.append(nil)})
	require.NoError(t, err)
	require.Equal(t, uint32(255), got.Attempts)
}

// A task of a later version is kept for who can read it, and doesn't fill the log.
func TestTaskThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		putBad(t, store, KindTask)
		var log output
		m := newTestManager(t, store, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		defer running(t, m)()
		pass(10 * time.Minute)
		require.Equal(t, 1, count(t, store, KindTask))
		require.NotEmpty(t, log.String())
		require.LessOrEqual(t, strings.Count(log.String(), logSweepFailed), 11)
	})
}
