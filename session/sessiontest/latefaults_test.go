package sessiontest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/opentwag/twag/session"
)

// aWhile is when others have their turn, in a fault that leaves a gap.
func aWhile() { time.Sleep(50 * time.Microsecond) }

// notAtOnce is Commit in two steps with a gap between them.
func notAtOnce(split func(c *session.Change) (one, two *session.Change)) func(m *mutant) {
	return func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if err := m.Check(c); err != nil {
				return 0, err
			}
			one, two := split(c)
			first, err := m.driver.Commit(ctx, one)
			if err != nil {
				return 0, err
			}
			aWhile()
			second, err := m.driver.Commit(ctx, two)
			return max(first, second), err
		}
	}
}

// lateFaults are those that show when others use the store too, and at
// its end.
var lateFaults = map[string]fault{
	// Many callers.
	"compares, then sets": {"of changes of one version one is made", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if err := m.Check(c); err != nil {
				return 0, err
			}
			aWhile()
			return m.driver.Commit(ctx, m.expectWhatIs(c))
		}
	}},
	"refuses both of two": {"of changes of one version one is made", func(m *mutant) {
		busy := make(chan struct{}, 1)
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			select {
			case busy <- struct{}{}:
				defer func() { <-busy }()
				aWhile()
				if len(busy) > 0 && c.Puts[0].Expect == 3 {
					return 0, session.ErrConflict
				}
				return m.driver.Commit(ctx, c)
			default:
				return 0, session.ErrConflict
			}
		}
	}},
	"loses what is counted": {"nothing that was counted is lost", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if err := m.Check(c); err != nil {
				return 0, err
			}
			aWhile()
			return m.driver.Commit(ctx, m.expectWhatIs(c))
		}
	}},
	"has the journal in another order": {"nothing that was counted is lost", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if _, err := m.driver.Commit(ctx, &session.Change{Puts: c.Puts}); err != nil {
				return 0, err
			}
			if n := len(c.Journal); n > 0 && c.Journal[0][7]%3 == 0 {
				aWhile()
			}
			return m.driver.Commit(ctx, &session.Change{Journal: c.Journal})
		}
	}},
	"asks for the number afterwards": {"a number has one entry", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if _, err := m.driver.Commit(ctx, c); err != nil {
				return 0, err
			}
			aWhile()
			last, err := m.driver.Last(ctx)
			return last - uint64(len(c.Journal)) + 1, err
		}
	}},
	"takes its time to count": {"a number has one entry", func(m *mutant) {
		m.last = func(ctx context.Context) (uint64, error) {
			last, err := m.driver.Last(ctx)
			return last - last%5, err
		}
	}},
	"numbers by caller": {"numbers grow as changes become visible", func(m *mutant) {
		committed(func(_ *mutant, c *session.Change, first uint64, err error) (uint64, error) {
			if len(c.Puts) == 1 && c.Puts[0].Key == key(1) {
				first += 1000
			}
			return first, err
		})(m)
	}},
	"shows half of a change": {"a change becomes visible at once", notAtOnce(func(c *session.Change) (*session.Change, *session.Change) {
		return &session.Change{Puts: c.Puts[:1]}, &session.Change{Puts: c.Puts[1:], Journal: c.Journal}
	})},
	"shows the entry before its change": {"an entry is shown with its change, not before", notAtOnce(func(c *session.Change) (*session.Change, *session.Change) {
		return &session.Change{Journal: c.Journal}, &session.Change{Puts: c.Puts}
	})},
	"leaves out what has just changed": {"what exists all the time is shown once", func(m *mutant) {
		m.scan = func(ctx context.Context, kind session.Kind, f func(session.Record) bool) error {
			versions := map[session.Key]uint64{}
			if err := m.Projection.Scan(ctx, kind, func(rec session.Record) bool {
				versions[rec.Key] = rec.Version
				return true
			}); err != nil {
				return err
			}
			aWhile()
			return m.Projection.Scan(ctx, kind, func(rec session.Record) bool { return versions[rec.Key] != rec.Version || f(rec) })
		}
	}},

	// The end.
	"is read when it is closed": {"a closed store fails", func(m *mutant) {
		m.last = func(context.Context) (uint64, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.disk.last, nil
		}
	}},
	"does not close": {"a closed store fails", func(m *mutant) { m.close = func() error { return nil } }},
	"closes amid changes": {"Close waits for changes being made", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if err := m.isClosed(); err != nil {
				return 0, err
			}
			aWhile()
			first, err := m.driver.Commit(ctx, c)
			if errors.Is(err, session.ErrClosed) {
				return 1, nil
			}
			return first, err
		}
	}},

	// Crashes.
	"loses what was not synced": {"what was acknowledged survives", func(m *mutant) {
		var before *disk
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			m.mu.Lock()
			synced := m.disk.clone()
			m.mu.Unlock()
			first, err := m.driver.Commit(ctx, c)
			if err == nil {
				before = synced
			}
			return first, err
		}
		m.crash = func(d *disk) { *d = *before }
	}},
	"acknowledges before it syncs": {"each change is durable when Commit returns", func(m *mutant) {
		synced := newDisk()
		commits := 0
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			if commits++; commits%4 == 0 {
				m.mu.Lock()
				synced = m.disk.clone()
				m.mu.Unlock()
			}
			return first, err
		}
		m.crash = func(d *disk) { *d = *synced }
	}},
	"loses the journal":     {"what was acknowledged survives", crashes(func(d *disk) { d.journal = nil })},
	"loses the last entry":  {"each change is durable when Commit returns", crashes(func(d *disk) { d.journal = d.journal[:max(len(d.journal), 1)-1] })},
	"loses times":           {"what was acknowledged survives", eachOnDisk(func(rec *onDisk) { rec.Due, rec.Expires = time.Time{}, time.Time{} })},
	"loses terms":           {"what was acknowledged survives", eachOnDisk(func(rec *onDisk) { rec.terms = nil })},
	"begins versions again": {"each change is durable when Commit returns", eachOnDisk(func(rec *onDisk) { rec.Version = 1 })},
	"SameTerms loses terms": {"the latest state survives, and no other", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, p := range c.Puts {
				if rec := m.disk.records[p.Key]; err == nil && p.SameTerms {
					rec.terms = nil
					m.disk.records[p.Key] = rec
				}
			}
			return first, err
		}
	}},
	"brings back what was deleted": {"the latest state survives, and no other", func(m *mutant) {
		graves := map[session.Key]onDisk{}
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			m.mu.Lock()
			for _, p := range c.Puts {
				if p.Delete {
					graves[p.Key] = m.disk.records[p.Key]
				}
			}
			m.mu.Unlock()
			return m.driver.Commit(ctx, c)
		}
		m.crash = func(d *disk) {
			for key, rec := range graves {
				d.records[key] = rec
			}
		}
	}},
	"makes what it refused": {"the latest state survives, and no other", func(m *mutant) {
		var refused []session.Put
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			if err != nil {
				refused = append(refused, c.Puts...)
			}
			return first, err
		}
		m.crash = func(d *disk) {
			for _, p := range refused {
				d.records[p.Key] = onDisk{Record: session.Record{Key: p.Key, Version: p.Expect + 1, Value: p.Value}}
			}
		}
	}},
	"numbers by what is left": {"no number is used again", crashes(func(d *disk) {
		d.last = 0
		if n := len(d.journal); n > 0 {
			d.last = d.journal[n-1].seq
		}
	})},
	"lets the dead rise": {"what has expired does not come back", eachOnDisk(func(rec *onDisk) { rec.Expires = time.Time{} })},
	"crashes amid a change": {"a crash amid changes", notAtOnce(func(c *session.Change) (*session.Change, *session.Change) {
		n := len(c.Puts) / 2
		return &session.Change{Puts: c.Puts[:n], Journal: c.Journal}, &session.Change{Puts: c.Puts[n:]}
	})},
	"shows entries before they are durable": {"a crash amid changes", func(m *mutant) {
		m.crash = func(d *disk) {
			n := max(len(d.journal), 3) - 3
			for _, e := range d.journal[n:] {
				v := numberOf([]byte(e.entry))
				for i := range 2 {
					k := key(2*int(v>>32) + i)
					rec := d.records[k]
					rec.Version--
					d.records[k] = rec
				}
			}
			d.journal = slices.Clone(d.journal[:n])
			d.last = d.journal[n-1].seq
		}
	}},
	"tidies up in Close": {"a store that was closed opens again", func(m *mutant) {
		m.close = func() error {
			clear(m.disk.records)
			return m.driver.Close()
		}
	}},

	// Failure.
	"says yes when it fails": {"a store that fails promises nothing, and recovers", committed(func(_ *mutant, _ *session.Change, first uint64, err error) (uint64, error) {
		if errors.Is(err, session.ErrUnavailable) {
			return 1, nil
		}
		return first, err
	})},
	"says no, and does it": {"a store that fails promises nothing, and recovers", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			if errors.Is(err, session.ErrUnavailable) {
				_, _ = m.driver.Commit(ctx, &session.Change{Puts: c.Puts})
			}
			return first, err
		}
	}},
	"does half when it does not know": {"a store that fails promises nothing, and recovers", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			if errors.Is(err, session.ErrUnavailable) {
				_, _ = m.driver.Commit(ctx, &session.Change{Puts: c.Puts})
				err = session.ErrUncertain
			}
			return first, err
		}
	}},
	"does it later": {"a store that fails promises nothing, and recovers", func(m *mutant) {
		var later []*session.Change
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			if errors.Is(err, session.ErrUnavailable) {
				later = append(later, &session.Change{Puts: clone(c).Puts})
			} else {
				for _, c := range later {
					_, _ = m.driver.Commit(ctx, c)
				}
				later = nil
			}
			return first, err
		}
	}},
	"fails for ever": {"a store that fails promises nothing, and recovers", func(m *mutant) {
		failed := false
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			if failed = failed || errors.Is(err, session.ErrUnavailable); failed {
				return 0, session.ErrUnavailable
			}
			return first, err
		}
	}},
}
