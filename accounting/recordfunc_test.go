package accounting

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/session"
)

// lateStore takes its time: a commit that nobody waits for is made when the test says so.
type lateStore struct {
	*raceStore
	late chan func()
}

func newLateStore(store session.Store) *lateStore {
	return &lateStore{&raceStore{Store: store}, make(chan func(), 16)}
}

func (s *lateStore) CommitFunc(c *session.Change, done func(uint64, error)) {
	s.late <- func() { done(s.Commit(context.Background(), c)) }
}

// makes makes the oldest commit.
func (s *lateStore) makes(t testing.TB) {
	t.Helper()
	select {
	case f := <-s.late:
		f()
	case <-time.After(time.Minute):
		t.Fatal("there is no commit")
	}
}

// outcome is what RecordFunc tells.
type outcome struct {
	v   Verdict
	err error
}

func TestRecordFunc(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	begun := func(e *Event, told chan outcome) bool {
		return d.r.RecordFunc(t.Context(), e, func(v Verdict, err error) { told <- outcome{v, err} })
	}
	at, told := now(), make(chan outcome, 4)
	start := eventOf(t, at, packet(Start, "A", stamp(at)))
	d.use(&raceStore{Store: d.store}, RecorderConfig{}, session.Config{})
	require.False(t, begun(start, told), "a store that has to be waited for")

	store := newLateStore(d.store)
	d.use(store, RecorderConfig{}, session.Config{})
	require.False(t, begun(eventOf(t, at, packet(AccountingOn, "")), told), "more than a session")
	require.True(t, begun(start, told))
	require.False(t, begun(start, told), "the same number")
	require.Empty(t, told)
	require.Empty(t, d.tickets())
	store.makes(t)
	require.Equal(t, outcome{New, nil}, <-told)
	require.Len(t, d.tickets(), 1)
	require.True(t, begun(start, told))
	require.Equal(t, outcome{Duplicate, nil}, <-told, "at once")

	store.fail(session.ErrUnavailable, false)
	interim := eventOf(t, at, packet(Interim, "A", append(volumes(60, 1, 1), stamp(at.Add(time.Minute)))...))
	require.True(t, begun(interim, told))
	store.makes(t)
	require.ErrorIs(t, (<-told).err, session.ErrUnavailable)
	store.fail(nil, false)
	require.True(t, begun(interim, told))
	store.makes(t)
	require.Equal(t, outcome{New, nil}, <-told)
	require.Empty(t, told)
	require.Empty(t, store.late)
}

// TestRecordFuncPanic: a hook that panics leaves nothing locked, whether before the commit or after.
func TestRecordFuncPanic(t *testing.T) {
	for _, hooks := range []struct {
		r RecorderConfig
		m session.Config
	}{
		{r: RecorderConfig{Charge: func(*session.Txn, *session.Session, time.Time) func() { panic("to order") }}},
		{r: RecorderConfig{Charge: func(*session.Txn, *session.Session, time.Time) func() { return func() { panic("to order") } }}},
		{r: RecorderConfig{Hooks: RecorderHooks{Recorded: func(RecordInfo) { panic("to order") }}}},
		{m: session.Config{Hooks: session.Hooks{Changed: func(context.Context, *session.Session, *session.Session) { panic("to order") }}}},
	} {
		d := newDesk(t, hooks.r, hooks.m)
		e := eventOf(t, now(), packet(Start, "A"))
		record := func() { d.r.RecordFunc(t.Context(), e, func(Verdict, error) { t.Error("it is done") }) }
		require.PanicsWithValue(t, "to order", record)
		lock := d.r.lock(e)
		require.True(t, lock.TryLock())
		lock.Unlock()
	}
}

// TestHandlerLater: the answer comes when the record is durable, and however many attempts that took.
func TestHandlerLater(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	store := newLateStore(d.store)
	s := newServer(t, store)
	at := now()
	for _, c := range []struct {
		err     error
		lies    bool
		verdict Verdict
	}{
		{nil, false, New},
		{session.ErrUncertain, false, New},
		{session.ErrUncertain, true, New},
	} {
		at = at.Add(time.Minute)
		store.fail(c.err, c.lies)
		b := s.send(packet(Interim, "A", stamp(at)))
		select {
		case <-s.info:
			t.Fatal("answered before it was recorded")
		case <-time.After(20 * time.Millisecond):
		}
		before := len(d.tickets())
		store.makes(t)
		reply, info := s.hear(b)
		require.NotNil(t, reply)
		if before > 0 {
			require.Equal(t, c.verdict, info.Verdict, "%v %v", c.err, c.lies)
		}
		require.Len(t, d.tickets(), before+1)
	}
	store.fail(session.ErrUnavailable, false)
	b := s.send(packet(Stop, "A"))
	store.makes(t)
	_, info := s.hear(b)
	require.ErrorIs(t, info.Err, session.ErrUnavailable)
	require.Equal(t, 1, strings.Count(s.log.String(), logFailing))
	store.fail(nil, false)
	b = s.send(packet(Stop, "A"))
	store.makes(t)
	_, info = s.hear(b)
	require.NoError(t, info.Err, "it was not taken for a repetition")
}

// TestHandlerConflict: somebody else has changed the session meanwhile.
func TestHandlerConflict(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	store := newLateStore(d.store)
	s := newServer(t, store)
	at := now()
	d.record(at, packet(Start, "B"))
	b := s.send(packet(Start, "A", stamp(at)))
	commit := <-store.late
	other := newLateStore(d.store)
	d.use(other.raceStore, RecorderConfig{}, session.Config{})
	e := eventOf(t, at, packet(Start, "A", stamp(at)))
	e.NAS.Source = sourceOf(s.conn.LocalAddr())
	_, err := d.r.Record(t.Context(), e)
	require.NoError(t, err)
	commit()
	reply, info := s.hear(b)
	require.NotNil(t, reply)
	require.Equal(t, Duplicate, info.Verdict)
	require.Len(t, d.tickets(), 2)
}

// TestHandlerFullQueue: what is recorded is answered, though no worker is to be had.
func TestHandlerFullQueue(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	store := newLateStore(d.store)
	busy, idle := make(chan struct{}), make(chan struct{})
	store.before = func() { close(busy); <-idle }
	s := startServer(t, store, RecorderConfig{}, &radius.Server{Workers: 1, Queue: 1})
	at := now()
	b := s.send(packet(Start, "A", stamp(at)))
	f := <-store.late
	on := packet(AccountingOn, "", stamp(at))
	on.Identifier = 100
	s.send(on) // is at work
	<-busy
	on.Identifier++
	s.send(on) // waits
	on.Identifier++
	_, info := s.hear(s.send(on))
	require.ErrorIs(t, info.Err, ErrOverload)
	f()
	reply, info := s.hear(b)
	require.NotNil(t, reply)
	require.Equal(t, Start, info.Status)
	close(idle)
	for range 2 {
		require.NoError(t, (<-s.info).Err)
	}
}

// TestHandlerShutdown: what is being stored is answered before the server ends.
func TestHandlerShutdown(t *testing.T) {
	d := newDesk(t, RecorderConfig{}, session.Config{})
	store := newLateStore(d.store)
	srv := &radius.Server{}
	s := startServer(t, store, RecorderConfig{}, srv)
	b := s.send(packet(Start, "A"))
	f := <-store.late
	over := make(chan error, 1)
	go func() { over <- srv.Shutdown(context.Background()) }()
	select {
	case <-over:
		t.Fatal("the server did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	f()
	reply, _ := s.hear(b)
	require.NotNil(t, reply)
	require.NoError(t, <-over)
}
