package sessiontest

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/opentwag/twag/session"
)

// A mutant is a driver with a fault: what it has a function for is done by
// that. Without one it is a store as it should be.
type mutant struct {
	*driver
	t          testing.TB
	commit     func(ctx context.Context, c *session.Change) (uint64, error)
	commitFunc func(c *session.Change, done func(uint64, error))
	get        func(ctx context.Context, key session.Key) (session.Record, error)
	find       func(ctx context.Context, t session.Term, f func(session.Record) bool) error
	scan       func(ctx context.Context, kind session.Kind, f func(session.Record) bool) error
	due        func(ctx context.Context, kind session.Kind, now time.Time, f func(session.Record) bool) error
	read       func(ctx context.Context, from uint64, f func(uint64, []byte) bool) error
	trim       func(ctx context.Context, before uint64) error
	last       func(ctx context.Context) (uint64, error)
	close      func() error
	// crash is what becomes of the disk.
	crash func(d *disk)
}

// over returns f unless it is nil.
func over[F any](isNil bool, f, otherwise F) F {
	if isNil {
		return otherwise
	}
	return f
}

func (m *mutant) isClosed() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return session.ErrClosed
	}
	return nil
}

func (m *mutant) Commit(ctx context.Context, c *session.Change) (uint64, error) {
	return over(m.commit == nil, m.commit, m.driver.Commit)(ctx, c)
}

func (m *mutant) CommitFunc(c *session.Change, done func(uint64, error)) {
	if m.commitFunc != nil {
		m.commitFunc(c, done)
		return
	}
	done(m.Commit(m.t.Context(), c))
}

func (m *mutant) Get(ctx context.Context, key session.Key) (session.Record, error) {
	if err := m.isClosed(); err != nil {
		return session.Record{}, err
	}
	return over(m.get == nil, m.get, m.Projection.Get)(ctx, key)
}

func (m *mutant) Find(ctx context.Context, t session.Term, f func(session.Record) bool) error {
	if err := m.isClosed(); err != nil {
		return err
	}
	return over(m.find == nil, m.find, m.Projection.Find)(ctx, t, f)
}

func (m *mutant) Scan(ctx context.Context, kind session.Kind, f func(session.Record) bool) error {
	if err := m.isClosed(); err != nil {
		return err
	}
	return over(m.scan == nil, m.scan, m.Projection.Scan)(ctx, kind, f)
}

func (m *mutant) Due(ctx context.Context, kind session.Kind, now time.Time, f func(session.Record) bool) error {
	if err := m.isClosed(); err != nil {
		return err
	}
	return over(m.due == nil, m.due, m.Projection.Due)(ctx, kind, now, f)
}

func (m *mutant) ReadJournal(ctx context.Context, from uint64, f func(uint64, []byte) bool) error {
	return over(m.read == nil, m.read, m.driver.ReadJournal)(ctx, from, f)
}

func (m *mutant) TrimJournal(ctx context.Context, before uint64) error {
	return over(m.trim == nil, m.trim, m.driver.TrimJournal)(ctx, before)
}

func (m *mutant) Last(ctx context.Context) (uint64, error) {
	return over(m.last == nil, m.last, m.driver.Last)(ctx)
}

func (m *mutant) Close() error { return over(m.close == nil, m.close, m.driver.Close)() }

// harness returns one whose stores have the fault that spoil puts in.
func harness(spoil func(m *mutant)) Harness {
	open := func(t testing.TB, d *disk) session.Store {
		m := &mutant{driver: openDriver(t, d), t: t}
		spoil(m)
		return m
	}
	return Harness{
		Open: func(t testing.TB) session.Store { return open(t, newDisk()) },
		Reopen: func(t testing.TB, s session.Store) session.Store {
			m := s.(*mutant)
			d := m.end()
			if m.crash != nil {
				m.crash(d)
			}
			return open(t, d.clone())
		},
		Break: func(_ testing.TB, s session.Store) (mend func()) {
			m := s.(*mutant)
			set := func(broken bool) {
				m.mu.Lock()
				defer m.mu.Unlock()
				m.broken = broken
			}
			set(true)
			return func() { set(false) }
		},
		Async:  true,
		Bubble: true,
	}
}

// allFaults returns the faults of all kinds.
func allFaults() map[string]fault {
	all := maps.Clone(faults)
	maps.Copy(all, lateFaults)
	maps.Copy(all, asyncFaults)
	return all
}

// A driver over a Projection passes.
func TestDriver(t *testing.T) {
	Run(t, harness(func(*mutant) {}))
}

// A suite that lets a bad store pass proves nothing: each of these fails it, in
// the case that is about its fault.
func TestMutantsFail(t *testing.T) {
	ran, faults := 0, allFaults()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			h := harness(fault.spoil)
			for _, c := range cases(h) {
				if c.name == fault.fails {
					ran++
					err := h.check(t, c)
					if err == nil {
						t.Fatal("the suite lets it pass")
					}
					t.Log(err)
				}
			}
		})
	}
	if ran != len(faults) {
		t.Fatalf("%d faults of %d name a case that there is", ran, len(faults))
	}
}

// Every case has a fault that it finds, or it may be one that can't fail.
func TestCasesCanFail(t *testing.T) {
	find := map[string]bool{}
	for _, fault := range allFaults() {
		find[fault.fails] = true
	}
	for _, c := range cases(harness(nil)) {
		if !find[c.name] {
			t.Errorf("no fault is found by %q", c.name)
		}
	}
}
