package session

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// followEnds has a task follow the end of each session.
func followEnds(before, after *Session) (Task, bool) {
	if after.State != Ended || before.State == Ended {
		return Task{}, false
	}
	return Task{Kind: taskMine, Session: after.ID, Data: []byte(after.IMSI), NotBefore: time.Now().Add(time.Minute)}, true
}

// What follows from a session's new state is committed with it, and so outlives whoever
// committed it.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		m := newTestManager(t, store, Config{Follow: followEnds})
		ended := admit(t, m, phone("001010000000001", "02-00-00-00-00-01"))
		admit(t, m, phone("001010000000002", "02-00-00-00-00-02"))
		require.Zero(t, count(t, store, KindTask))
		e, err := m.Get(t.Context(), ended.ID)
		require.NoError(t, err)
		stale := *e
		require.NoError(t, m.End(t.Context(), e, ReasonSilent))
		require.Equal(t, 1, count(t, store, KindTask))
		require.ErrorIs(t, m.End(t.Context(), &stale, ReasonSilent), ErrConflict)
		require.Equal(t, 1, count(t, store, KindTask), "nothing follows from what was not committed")

		m = newTestManager(t, store, Config{})
		var done notes[Task]
		m.HandleTask(taskMine, func(_ context.Context, t Task) error { done.add(t); return nil })
		defer running(t, m)()
		pass(30 * time.Second)
		require.Empty(t, done.all())
		pass(time.Minute)
		require.Len(t, done.all(), 1)
		require.Equal(t, ended.ID, done.all()[0].Session)
		require.Equal(t, "001010000000001", string(done.all()[0].Data))
	})
}

// A transaction that is committed again after a failure has each task once.
func TestFollowCommittedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &wrapped{Store: newTestStore()}
		m := newTestManager(t, store, Config{Follow: followEnds})
		e := NewEntry(phone("001010000000001", "02-00-00-00-00-01"))
		e.Session.ID, e.Session.State = NewID(), Ended
		var txn Txn
		txn.Put(e)
		store.commit = func(*Change) error { return ErrUnavailable }
		_, err := m.Commit(t.Context(), &txn)
		require.ErrorIs(t, err, ErrUnavailable)
		store.commit = nil
		_, err = m.Commit(t.Context(), &txn)
		require.NoError(t, err)
		require.Equal(t, 1, count(t, store, KindTask))
		txn.Reset()
		require.Empty(t, txn.follow)
	})
}

// Tasks apart that hang keep no others waiting, however many they are; and none is lost.
func TestTasksApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slow, n = taskMine + 1, sweepBatch + 100
		store := newTestStore()
		m := newTestManager(t, store, Config{Workers: 1})
		var back atomic.Bool
		var done, began atomic.Int64
		m.HandleTaskApart(slow, 4, func(ctx context.Context, _ Task) error {
			if back.Load() {
				done.Add(1)
				return nil
			}
			began.Add(1)
			select {
			case <-time.After(10 * time.Second):
			case <-ctx.Done():
			}
			return errors.New("away")
		})
		var quick notes[time.Time]
		m.HandleTask(taskMine, func(context.Context, Task) error { quick.add(time.Now()); return nil })
		for range n {
			commitTask(t, m, Task{Kind: slow})
		}
		defer running(t, m)()
		pass(5 * time.Second)
		require.EqualValues(t, 4, began.Load(), "as many as there are workers")
		for range 10 {
			commitTask(t, m, Task{Kind: taskMine})
		}
		commitTask(t, m, Task{Kind: taskMine, NotBefore: time.Now().Add(time.Second)}) // found by the sweep
		pass(3 * time.Second)
		require.Len(t, quick.all(), 11)
		back.Store(true)
		pass(2 * time.Minute)
		require.EqualValues(t, n, done.Load())
		require.Zero(t, count(t, store, KindTask))
	})
}

// A session that is to end is told to its NAS, whoever does such tasks.
func TestDisconnectApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTestManager(t, newTestStore(), Config{})
		var asked notes[ID]
		m.HandleTaskApart(TaskDisconnect, 1, func(_ context.Context, t Task) error { asked.add(t.Session); return nil })
		defer running(t, m)()
		s := admit(t, m, phone("001010000000001", "02-00-00-00-00-01"))
		require.NoError(t, m.Disconnect(t.Context(), s.ID, ReasonNetwork))
		pass(0)
		require.Equal(t, []ID{s.ID}, asked.all())
	})
}
