package session

import (
	"context"
	"errors"
	"time"
)

// errIncomplete is a mistake of the caller.
var errIncomplete = errors.New("session: commit of a session without ID or state")

// Entry is a session as it was read, with the version that a change of it
// has to find.
type Entry struct {
	Session Session // what a commit writes

	was     Session // what was read; its State is 0 for a new one
	version uint64
}

// NewEntry returns an entry of a session that no store has yet.
func NewEntry(s Session) *Entry { return &Entry{Session: s} }

// IsNew reports whether the session has not been committed yet.
func (e *Entry) IsNew() bool { return e.version == 0 }

// Was returns the session as it was read or last committed; its State is 0 if it
// was neither.
func (e *Entry) Was() Session { return e.was }

// Txn collects what is to be committed at once. The zero value is empty.
type Txn struct {
	entries []*Entry
	tasks   []Task
	raw     []Put
	journal [][]byte
	follow  []Task // by Config.Follow
}

// Reset empties t; its memory is used again.
func (t *Txn) Reset() {
	clear(t.entries)
	clear(t.tasks)
	clear(t.raw)
	clear(t.journal)
	clear(t.follow)
	t.entries, t.tasks, t.raw, t.journal, t.follow = t.entries[:0], t.tasks[:0], t.raw[:0], t.journal[:0], t.follow[:0]
}

// Put adds the state of an entry's session. Each session may be put once.
func (t *Txn) Put(e *Entry) { t.entries = append(t.entries, e) }

// Journal adds an entry to the journal. It must not be changed until the commit
// is over.
func (t *Txn) Journal(entry []byte) { t.journal = append(t.journal, entry) }

// Task adds something to do once this is committed; see [Manager.HandleTask]. Its Data
// must not be changed until the commit is over.
func (t *Txn) Task(task Task) { t.tasks = append(t.tasks, task) }

// Record adds a change of a record that is no session and no task.
func (t *Txn) Record(p Put) { t.raw = append(t.raw, p) }

// Commit makes t's changes, all or none, and returns the sequence number of its
// first journal entry. After it has returned nil, the entries can be changed and
// committed again, hooks have been called, and the tasks are on their way.
//
// Errors are those of [Store]'s Commit: after ErrConflict and ErrUncertain read the
// sessions again and decide again.
func (m *Manager) Commit(ctx context.Context, t *Txn) (first uint64, err error) {
	now := time.Now()
	c, err := m.build(t, now)
	if err != nil {
		return 0, err
	}
	first, err = m.store.Commit(ctx, &c.change)
	m.built(c)
	if err != nil {
		return 0, err
	}
	m.committed(ctx, t, now)
	return first, nil
}

// CommitFunc is Commit without waiting, if the store is an [AsyncStore]: done is called once with
// what Commit would return, perhaps before CommitFunc has returned, and must neither
// block nor commit. t and its entries must be left alone until then.
func (m *Manager) CommitFunc(ctx context.Context, t *Txn, done func(first uint64, err error)) {
	if m.async == nil {
		done(m.Commit(ctx, t))
		return
	}
	now := time.Now()
	c, err := m.build(t, now)
	if err != nil {
		done(0, err)
		return
	}
	c.m, c.ctx, c.t, c.now, c.done = m, ctx, t, now, done
	m.async.CommitFunc(&c.change, c.then)
}

// Async reports whether CommitFunc does not wait.
func (m *Manager) Async() bool { return m.async != nil }

// build makes the change that t is; built gives it back.
func (m *Manager) build(t *Txn, now time.Time) (*builder, error) {
	c := m.changes.Get().(*builder)
	t.follow = t.follow[:0] // it may be committed again
	for _, e := range t.entries {
		if !e.Session.ID.IsValid() || e.Session.State < Admitted || e.Session.State > Ended {
			m.built(c)
			return nil, errIncomplete
		}
		c.session(m, e, now)
		if f := m.cfg.Follow; f != nil {
			if task, ok := f(&e.was, &e.Session); ok {
				t.follow = append(t.follow, task)
			}
		}
	}
	for i := range t.tasks {
		c.task(&t.tasks[i], now)
	}
	for i := range t.follow {
		c.task(&t.follow[i], now)
	}
	c.change.Puts = append(c.change.Puts, t.raw...)
	c.change.Journal = t.journal
	return c, nil
}

func (m *Manager) built(c *builder) {
	c.reset() // the pool keeps nobody's octets
	m.changes.Put(c)
}

// committed makes known what was committed.
func (m *Manager) committed(ctx context.Context, t *Txn, now time.Time) {
	for _, e := range t.entries {
		m.changed(ctx, &e.was, &e.Session)
		e.was = e.Session
		e.version++
	}
	for i := range t.tasks {
		m.lane(t.tasks[i].Kind).offer(t.tasks[i], now)
	}
	for i := range t.follow {
		m.lane(t.follow[i].Kind).offer(t.follow[i], now)
	}
}

// builder makes a Change in memory that is used again.
type builder struct {
	change Change
	octets []byte

	// Of CommitFunc:
	m    *Manager
	ctx  context.Context
	t    *Txn
	now  time.Time
	done func(first uint64, err error)
	then func(first uint64, err error) // finish; made once
}

func newBuilder() *builder {
	c := new(builder)
	c.then = c.finish
	return c
}

// finish is told what became of the change.
func (c *builder) finish(first uint64, err error) {
	m, ctx, t, now, done := c.m, c.ctx, c.t, c.now, c.done
	m.built(c)
	if err == nil {
		m.committed(ctx, t, now)
	}
	done(first, err)
}

func (c *builder) reset() {
	c.m, c.ctx, c.t, c.done = nil, nil, nil, nil
	clear(c.change.Puts)
	c.change.Puts, c.change.Journal = c.change.Puts[:0], nil
	if cap(c.octets) > MaxValue {
		c.octets = nil
	}
	c.octets = c.octets[:0]
}

func (c *builder) session(m *Manager, e *Entry, now time.Time) {
	s := &e.Session
	p := Put{Key: Key{KindSession, s.ID}, Expect: e.version, Due: m.next(s)}
	if s.State == Ended {
		// Only what its NAS may repeat is to be found.
		if p.Due.IsZero() {
			from := s.Seen
			if from.IsZero() {
				from = now
			}
			linger := m.cfg.Linger
			if s.isArchival() && s.Closing != ReasonRestart {
				linger = m.cfg.ArchivalLinger
			}
			p.Expires = from.Add(linger)
		}
		if s.AccountID != "" {
			p.Terms = []Term{AccountTerm(s.NAS, s.AccountID)}
		}
	} else if p.SameTerms = e.version > 0 && sameTerms(s, &e.was); !p.SameTerms {
		p.Terms = s.Terms()
	}
	p.Value = c.value(s.Append)
	c.change.Puts = append(c.change.Puts, p)
}

func (c *builder) task(t *Task, now time.Time) {
	if !t.ID.IsValid() {
		t.ID = NewID()
	}
	if t.Created.IsZero() {
		t.Created = now
	}
	c.change.Puts = append(c.change.Puts, t.put(c.value(t.append)))
}

// value returns what f appends. Growing leaves what was cut off before in its
// old memory.
func (c *builder) value(f func([]byte) []byte) []byte {
	begin := len(c.octets)
	c.octets = f(c.octets)
	return c.octets[begin:len(c.octets):len(c.octets)]
}

// sameTerms reports whether two states of a session are found by the same
// terms.
func sameTerms(a, b *Session) bool {
	return b.State != Ended && a.IMSI == b.IMSI && a.User == b.User && a.Station == b.Station && a.AP == b.AP &&
		a.Address == b.Address && a.NAS == b.NAS && a.AccountID == b.AccountID
}
