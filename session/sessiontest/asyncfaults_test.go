package sessiontest

import (
	"errors"

	"github.com/opentwag/twag/session"
)

// told is a fault of what done is told; it is not called if tell is false.
func told(change func(m *mutant, c *session.Change, first uint64, err error) (_ uint64, _ error, tell bool)) func(m *mutant) {
	return func(m *mutant) {
		m.commitFunc = func(c *session.Change, done func(uint64, error)) {
			first, err := m.driver.Commit(m.t.Context(), c)
			if first, err, tell := change(m, c, first, err); tell {
				done(first, err)
			}
		}
	}
}

// asyncFaults are those of CommitFunc.
var asyncFaults = map[string]fault{
	"does not tell of conflicts": {"done is told what Commit would return", told(func(_ *mutant, _ *session.Change, first uint64, err error) (uint64, error, bool) {
		return first, err, !errors.Is(err, session.ErrConflict)
	})},
	"tells no number": {"done is told what Commit would return", told(func(_ *mutant, _ *session.Change, _ uint64, err error) (uint64, error, bool) {
		return 0, err, true
	})},
	"takes conflicts lightly": {"done is told what Commit would return", told(func(_ *mutant, _ *session.Change, first uint64, err error) (uint64, error, bool) {
		if errors.Is(err, session.ErrConflict) {
			err = nil
		}
		return first, err, true
	})},
	"tells twice": {"done is called once", func(m *mutant) {
		m.commitFunc = func(c *session.Change, done func(uint64, error)) {
			first, err := m.driver.Commit(m.t.Context(), c)
			done(first, err)
			if err != nil {
				go done(0, err)
			}
		}
	}},
	"never tells": {"done is called once", func(m *mutant) {
		m.commitFunc = func(c *session.Change, done func(uint64, error)) {
			first, err := m.driver.Commit(m.t.Context(), c)
			if len(c.Journal) == 0 {
				done(first, err)
			}
		}
	}},
	"tells before it is done": {"a change is visible when done is called", tellsEarly},
	"reads the change later":  {"the change is the caller's again when done is called", tellsEarly},
	"changes the change": {"the change is the caller's again when done is called", told(func(_ *mutant, c *session.Change, first uint64, err error) (uint64, error, bool) {
		c.Puts[0].Expect++
		return first, err, true
	})},
	"asks for the number later": {"of changes that nobody waits for all are made", func(m *mutant) {
		m.commitFunc = func(c *session.Change, done func(uint64, error)) {
			_, err := m.driver.Commit(m.t.Context(), c)
			aWhile()
			last, _ := m.driver.Last(m.t.Context())
			done(last, err)
		}
	}},
	"forgets to tell when it is closed": {"a store that is closed tells done", told(func(_ *mutant, _ *session.Change, first uint64, err error) (uint64, error, bool) {
		return first, err, !errors.Is(err, session.ErrClosed)
	})},
	"closes before it has told": {"a store that is closed tells done", func(m *mutant) {
		tell := func() {}
		m.commitFunc = func(c *session.Change, done func(uint64, error)) {
			tell() // the one before
			first, err := m.driver.Commit(m.t.Context(), c)
			tell = func() { done(first, err) }
		}
	}},
	"tells before it is durable": {"a change is durable when done is called", func(m *mutant) {
		told(func(m *mutant, c *session.Change, first uint64, err error) (uint64, error, bool) {
			m.crash = func(d *disk) { // the latest change is not on it yet
				for _, p := range c.Puts {
					delete(d.records, p.Key)
				}
			}
			return first, err, true
		})(m)
	}},
	"says yes to who does not wait": {"a store that fails tells done", told(func(_ *mutant, _ *session.Change, first uint64, err error) (uint64, error, bool) {
		if errors.Is(err, session.ErrUnavailable) {
			return 1, nil, true
		}
		return first, err, true
	})},
	"drops what it can't make": {"a store that fails tells done", told(func(_ *mutant, _ *session.Change, first uint64, err error) (uint64, error, bool) {
		return first, err, !errors.Is(err, session.ErrUnavailable)
	})},
}

// tellsEarly: done is told the outcome that is to be expected.
func tellsEarly(m *mutant) {
	m.commitFunc = func(c *session.Change, done func(uint64, error)) {
		last, _ := m.driver.Last(m.t.Context())
		done(last+1, m.Check(c))
		_, _ = m.driver.Commit(m.t.Context(), c)
	}
}
