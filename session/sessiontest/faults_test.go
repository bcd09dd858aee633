package sessiontest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/opentwag/twag/session"
)

// A fault is what a mutant does wrong. fails is the case that is about it.
type fault struct {
	fails string
	spoil func(m *mutant)
}

// clone copies a change, so that a fault may change it.
func clone(c *session.Change) *session.Change {
	return &session.Change{Puts: slices.Clone(c.Puts), Journal: slices.Clone(c.Journal)}
}

// eachPut is a fault of Commit that changes what is put.
func eachPut(change func(m *mutant, p *session.Put)) func(m *mutant) {
	return func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			c = clone(c)
			for i := range c.Puts {
				change(m, &c.Puts[i])
			}
			return m.driver.Commit(ctx, c)
		}
	}
}

// eachRecord is a fault of what is read.
func eachRecord(change func(rec *session.Record)) func(m *mutant) {
	return func(m *mutant) {
		show := func(f func(session.Record) bool) func(session.Record) bool {
			return func(rec session.Record) bool {
				change(&rec)
				return f(rec)
			}
		}
		m.get = func(ctx context.Context, key session.Key) (session.Record, error) {
			rec, err := m.Projection.Get(ctx, key)
			change(&rec)
			rec.Key = key
			return rec, err
		}
		m.find = func(ctx context.Context, t session.Term, f func(session.Record) bool) error {
			return m.Projection.Find(ctx, t, show(f))
		}
		m.scan = func(ctx context.Context, kind session.Kind, f func(session.Record) bool) error {
			return m.Projection.Scan(ctx, kind, show(f))
		}
		m.due = func(ctx context.Context, kind session.Kind, now time.Time, f func(session.Record) bool) error {
			return m.Projection.Due(ctx, kind, now, show(f))
		}
	}
}

// committed is a fault of what Commit returns.
func committed(change func(m *mutant, c *session.Change, first uint64, err error) (uint64, error)) func(m *mutant) {
	return func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			return change(m, c, first, err)
		}
	}
}

// version returns the record's version, 0 if there is none.
func (m *mutant) version(key session.Key) uint64 {
	rec, _ := m.Projection.Get(context.Background(), key)
	return rec.Version
}

// expectWhatIs makes a change one that nothing conflicts with.
func (m *mutant) expectWhatIs(c *session.Change) *session.Change {
	c = clone(c)
	for i := range c.Puts {
		c.Puts[i].Expect = m.version(c.Puts[i].Key)
	}
	return c
}

// crashes is a fault of what is on the disk after a crash.
func crashes(crash func(d *disk)) func(m *mutant) {
	return func(m *mutant) { m.crash = crash }
}

// eachOnDisk is a fault of what is on the disk of each record.
func eachOnDisk(change func(rec *onDisk)) func(m *mutant) {
	return crashes(func(d *disk) {
		for key, rec := range d.records {
			change(&rec)
			d.records[key] = rec
		}
	})
}

// lateExpiry has records live an hour longer than it shows: what it does not
// hide itself is shown when it should not.
func lateExpiry(hide func(m *mutant)) func(m *mutant) {
	return func(m *mutant) {
		const more = time.Hour
		eachRecord(func(rec *session.Record) {
			if !rec.Expires.IsZero() {
				rec.Expires = rec.Expires.Add(-more)
			}
		})(m)
		hide(m)
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			c = clone(c)
			for i := range c.Puts {
				if p := &c.Puts[i]; !p.Expires.IsZero() {
					p.Expires = p.Expires.Add(more)
				}
			}
			return m.driver.Commit(ctx, c)
		}
	}
}

func gone(rec session.Record) bool {
	return !rec.Expires.IsZero() && !rec.Expires.After(time.Now())
}

func hideFromGet(m *mutant) {
	get := m.get
	m.get = func(ctx context.Context, key session.Key) (session.Record, error) {
		rec, err := get(ctx, key)
		if err == nil && gone(rec) {
			return session.Record{}, session.ErrNotFound
		}
		return rec, err
	}
}

// living is f without what has expired.
func living(f func(session.Record) bool) func(session.Record) bool {
	return func(rec session.Record) bool { return gone(rec) || f(rec) }
}

func hideFromFind(m *mutant) {
	find := m.find
	m.find = func(ctx context.Context, t session.Term, f func(session.Record) bool) error {
		return find(ctx, t, living(f))
	}
}

func hideFromScan(m *mutant) {
	scan := m.scan
	m.scan = func(ctx context.Context, kind session.Kind, f func(session.Record) bool) error {
		return scan(ctx, kind, living(f))
	}
}

func hideFromDue(m *mutant) {
	due := m.due
	m.due = func(ctx context.Context, kind session.Kind, now time.Time, f func(session.Record) bool) error {
		return due(ctx, kind, now, living(f))
	}
}

func hide(from ...func(*mutant)) func(*mutant) {
	return func(m *mutant) {
		for _, f := range from {
			f(m)
		}
	}
}

// faults are the mutants, by what is wrong with them.
var faults = map[string]fault{
	// Commit.
	"is born with something": {"an empty store has nothing", func(m *mutant) {
		m.last = func(ctx context.Context) (uint64, error) {
			last, err := m.driver.Last(ctx)
			return max(last, 1), err
		}
	}},
	"loses every fourth change": {"a change is visible when Commit returns", func(m *mutant) {
		n := 0
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if n++; n%4 == 0 {
				return 0, nil
			}
			return m.driver.Commit(ctx, c)
		}
	}},
	"acknowledges early": {"a change is visible when Commit returns", func(m *mutant) {
		var pending *session.Change
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if pending != nil {
				_, _ = m.driver.Commit(ctx, pending)
			}
			pending = clone(c)
			return 0, nil
		}
	}},
	"shows in Find only later": {"a change is visible when Commit returns", func(m *mutant) {
		var newest session.Key
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			newest = c.Puts[0].Key
			return m.driver.Commit(ctx, c)
		}
		m.find = func(ctx context.Context, t session.Term, f func(session.Record) bool) error {
			return m.Projection.Find(ctx, t, func(rec session.Record) bool { return rec.Key == newest || f(rec) })
		}
	}},
	"cuts long values": {"a record keeps what was put", eachPut(func(_ *mutant, p *session.Put) {
		p.Value = p.Value[:min(len(p.Value), session.MaxValue-2)]
	})},
	"cuts values at zeros": {"a record keeps what was put", eachPut(func(_ *mutant, p *session.Put) {
		p.Value = bytes.TrimRight(p.Value, "\x00")
	})},
	"forgets when a record is due": {"a record keeps what was put", eachPut(func(_ *mutant, p *session.Put) { p.Due = time.Time{} })},
	"takes zero for a time": {"a record keeps what was put", eachRecord(func(rec *session.Record) {
		if rec.Due.IsZero() {
			rec.Due = time.Unix(0, 0)
		}
	})},
	"knows minutes only": {"a record keeps what was put", eachRecord(func(rec *session.Record) {
		rec.Expires = rec.Expires.Truncate(time.Minute)
		if !rec.Expires.IsZero() {
			rec.Expires = rec.Expires.Add(time.Minute)
		}
	})},
	"does not grow a value": {"values of all sizes come and go", eachPut(func(m *mutant, p *session.Put) {
		if rec, err := m.Projection.Get(context.Background(), p.Key); err == nil && len(rec.Value) > 0 {
			p.Value = p.Value[:min(len(p.Value), len(rec.Value))]
		}
	})},
	"counts versions in an octet": {"a version is one more with each change", eachRecord(func(rec *session.Record) { rec.Version &= 0xff })},
	"counts versions from 0": {"a version is one more with each change", eachRecord(func(rec *session.Record) {
		rec.Version -= min(rec.Version, 1)
	})},
	"keeps Due": {"a change replaces all of a record", eachPut(func(m *mutant, p *session.Put) {
		if rec, err := m.Projection.Get(context.Background(), p.Key); err == nil {
			p.Due = rec.Due
		}
	})},
	"keeps Expires unless there is another": {"a change replaces all of a record", eachPut(func(m *mutant, p *session.Put) {
		if rec, err := m.Projection.Get(context.Background(), p.Key); err == nil && p.Expires.IsZero() {
			p.Expires = rec.Expires
		}
	})},
	"ignores compare-and-set": {"another version conflicts", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			return m.driver.Commit(ctx, m.expectWhatIs(c))
		}
	}},
	"deletes whatever version": {"another version conflicts", eachPut(func(m *mutant, p *session.Put) {
		if p.Delete {
			p.Expect = m.version(p.Key)
		}
	})},
	"compares 32 bits of versions": {"another version conflicts", eachPut(func(_ *mutant, p *session.Put) { p.Expect &= 1<<32 - 1 })},
	"takes newer versions too": {"another version conflicts", eachPut(func(m *mutant, p *session.Put) {
		p.Expect = min(p.Expect, max(m.version(p.Key), 1))
	})},
	"puts when there should be a record": {"another version conflicts", eachPut(func(m *mutant, p *session.Put) {
		if m.version(p.Key) == 0 {
			p.Expect = 0
		}
	})},
	"has an error of its own": {"another version conflicts", committed(func(_ *mutant, _ *session.Change, first uint64, err error) (uint64, error) {
		if errors.Is(err, session.ErrConflict) {
			err = errors.New("conflict")
		}
		return first, err
	})},
	"makes half a change": {"a change is made whole or not at all", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if err := c.Validate(); err != nil {
				return 0, err
			}
			for i := range c.Puts {
				if _, err := m.driver.Commit(ctx, change(c.Puts[i])); err != nil {
					return 0, err
				}
			}
			return m.driver.Commit(ctx, &session.Change{Journal: c.Journal})
		}
	}},
	"makes the last of a change's puts only": {"a change is made whole or not at all", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			c = clone(c)
			if n := len(c.Puts); n > 3 {
				if err := m.Check(c); err != nil {
					return 0, err
				}
				c.Puts = c.Puts[n-1:]
			}
			return m.driver.Commit(ctx, c)
		}
	}},
	"does not delete": {"what is deleted does not exist", eachPut(func(_ *mutant, p *session.Put) { p.Delete = false })},
	"finds what was deleted": {"what is deleted does not exist", func(m *mutant) {
		graves := map[session.Key]session.Record{}
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			for _, p := range c.Puts {
				if rec, err := m.Projection.Get(ctx, p.Key); err == nil && p.Delete {
					graves[p.Key] = rec
				}
			}
			return m.driver.Commit(ctx, c)
		}
		m.find = func(ctx context.Context, t session.Term, f func(session.Record) bool) error {
			for _, rec := range graves {
				if !f(rec) {
					return nil
				}
			}
			return m.Projection.Find(ctx, t, f)
		}
	}},
	"goes on with the version of what was deleted": {"what is deleted does not exist", func(m *mutant) {
		graves := map[session.Key]uint64{}
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			for _, p := range c.Puts {
				if p.Delete {
					graves[p.Key] += m.version(p.Key)
				}
			}
			return m.driver.Commit(ctx, c)
		}
		m.get = func(ctx context.Context, key session.Key) (session.Record, error) {
			rec, err := m.Projection.Get(ctx, key)
			rec.Version += graves[key]
			return rec, err
		}
	}},
	"does not delete what is not there": {"what is deleted does not exist", committed(func(_ *mutant, c *session.Change, first uint64, err error) (uint64, error) {
		if err == nil && len(c.Puts) == 1 && c.Puts[0].Delete && c.Puts[0].Expect == 0 {
			err = session.ErrConflict
		}
		return first, err
	})},
	"has one kind": {"kinds are apart, and alike", eachPut(func(_ *mutant, p *session.Put) { p.Key.Kind = session.KindSession })},
	"knows few kinds": {"kinds are apart, and alike", func(m *mutant) {
		m.get = func(ctx context.Context, key session.Key) (session.Record, error) {
			if key.Kind > session.KindMark {
				return session.Record{}, session.ErrNotFound
			}
			return m.Projection.Get(ctx, key)
		}
	}},
	"cuts what is too long": {"a change that breaks the rules is refused", eachPut(func(_ *mutant, p *session.Put) {
		p.Value = p.Value[:min(len(p.Value), session.MaxValue)]
		p.Terms = p.Terms[:min(len(p.Terms), session.MaxTerms)]
	})},
	"takes the last put of a key": {"a change that breaks the rules is refused", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			latest := map[session.Key]session.Put{}
			for _, p := range c.Puts {
				latest[p.Key] = p
			}
			c = &session.Change{Journal: c.Journal}
			for _, p := range latest {
				c.Puts = append(c.Puts, p)
			}
			return m.driver.Commit(ctx, c)
		}
	}},
	"takes less than the most": {"a change that breaks the rules is refused", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			for _, e := range c.Journal {
				if len(e) >= session.MaxValue {
					return 0, session.ErrInvalid
				}
			}
			return m.driver.Commit(ctx, c)
		}
	}},
	"aliases values": {"Commit does not keep the change's octets", func(m *mutant) {
		alias := map[session.Key][]byte{}
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			for _, p := range c.Puts {
				if err == nil {
					alias[p.Key] = p.Value
				}
			}
			return first, err
		}
		m.get = func(ctx context.Context, key session.Key) (session.Record, error) {
			rec, err := m.Projection.Get(ctx, key)
			copy(rec.Value, alias[key])
			return rec, err
		}
	}},
	"aliases entries": {"Commit does not keep the change's octets", func(m *mutant) {
		alias := map[uint64][]byte{}
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			for i, e := range c.Journal {
				alias[first+uint64(i)] = e
			}
			return first, err
		}
		m.read = func(ctx context.Context, from uint64, f func(uint64, []byte) bool) error {
			return m.driver.ReadJournal(ctx, from, func(seq uint64, _ []byte) bool { return f(seq, alias[seq]) })
		}
	}},
	"hands out its own octets": {"what Get returned is the caller's own", func(m *mutant) {
		var mine session.Record
		m.get = func(ctx context.Context, key session.Key) (session.Record, error) {
			rec, err := m.Projection.Get(ctx, key)
			if err == nil && rec.Key == mine.Key && rec.Version == mine.Version {
				return mine, nil
			}
			mine = rec
			return rec, err
		}
	}},
	"uses one buffer for all": {"what Get returned is the caller's own", func(m *mutant) {
		var buf [session.MaxValue]byte
		m.get = func(ctx context.Context, key session.Key) (session.Record, error) {
			rec, err := m.Projection.Get(ctx, key)
			rec.Value = buf[:copy(buf[:], rec.Value)]
			return rec, err
		}
	}},
	"does not wait when the context ends": {"a context that ends leaves no doubt", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, err := m.driver.Commit(ctx, c)
			return first, errors.Join(err, ctx.Err())
		}
	}},
	"stops half-way when the context ends": {"a context that ends leaves no doubt", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			if err := ctx.Err(); err != nil {
				_, _ = m.driver.Commit(ctx, change(c.Puts[0]))
				return 0, session.ErrUnavailable
			}
			return m.driver.Commit(ctx, c)
		}
	}},

	// Terms.
	"finds by seven terms": {"a record is found by each of its terms", eachPut(func(_ *mutant, p *session.Put) {
		p.Terms = p.Terms[:min(len(p.Terms), session.MaxTerms-1)]
	})},
	"compares half of a term": {"a record is found by each of its terms", func(m *mutant) {
		eachPut(func(_ *mutant, p *session.Put) {
			p.Terms = slices.Clone(p.Terms)
			for i := range p.Terms {
				p.Terms[i] >>= 32
			}
		})(m)
		m.find = func(ctx context.Context, t session.Term, f func(session.Record) bool) error {
			return m.Projection.Find(ctx, t>>32, f)
		}
	}},
	"shows a record for each time it has the term": {"a record that has a term twice is shown once", func(m *mutant) {
		var twice session.Term
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			for _, p := range c.Puts {
				for i, t := range p.Terms {
					if slices.Contains(p.Terms[:i], t) {
						twice = t
					}
				}
			}
			return m.driver.Commit(ctx, c)
		}
		m.find = func(ctx context.Context, t session.Term, f func(session.Record) bool) error {
			return m.Projection.Find(ctx, t, func(rec session.Record) bool { return f(rec) && (t != twice || f(rec)) })
		}
	}},
	"Find misses updated terms": {"terms are replaced", eachPut(func(_ *mutant, p *session.Put) { p.SameTerms = p.Expect > 0 })},
	"finds by former terms": {"terms are replaced", eachPut(func(m *mutant, p *session.Put) {
		if !p.SameTerms {
			p.Terms = append(m.Terms(p.Key, nil), p.Terms...)
			p.Terms = p.Terms[:min(len(p.Terms), session.MaxTerms)]
		}
	})},
	"SameTerms takes them away": {"SameTerms keeps the terms", eachPut(func(_ *mutant, p *session.Put) {
		if p.SameTerms {
			p.SameTerms, p.Terms = false, nil
		}
	})},
	"SameTerms is ignored": {"SameTerms keeps the terms", eachPut(func(_ *mutant, p *session.Put) {
		p.SameTerms, p.Terms = false, p.Terms[:min(len(p.Terms), session.MaxTerms)]
	})},
	"the dead leave their terms": {"the terms of a deleted record are gone for good", func(m *mutant) {
		graves := map[session.Key][]session.Term{}
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			c = clone(c)
			for i := range c.Puts {
				p := &c.Puts[i]
				if p.Delete {
					graves[p.Key] = m.Terms(p.Key, nil)
				} else if p.SameTerms && p.Expect == 0 {
					p.SameTerms, p.Terms = false, graves[p.Key]
				}
			}
			return m.driver.Commit(ctx, c)
		}
	}},
	"shows some hundreds": {"a term of many records", func(m *mutant) {
		m.find = func(ctx context.Context, t session.Term, f func(session.Record) bool) error {
			n := 0
			return m.Projection.Find(ctx, t, func(rec session.Record) bool { n++; return n <= 500 && f(rec) })
		}
	}},

	// Reading.
	"scans all kinds": {"Scan shows all of a kind", func(m *mutant) {
		m.scan = func(ctx context.Context, kind session.Kind, f func(session.Record) bool) error {
			return errors.Join(m.Projection.Scan(ctx, session.KindSession, f), m.Projection.Scan(ctx, session.KindAP, f))
		}
	}},
	"scans the first page": {"Scan shows all of a kind", func(m *mutant) {
		m.scan = func(ctx context.Context, kind session.Kind, f func(session.Record) bool) error {
			n := 0
			return m.Projection.Scan(ctx, kind, func(rec session.Record) bool { n++; return n <= 64 && f(rec) })
		}
	}},
	"does not stop": {"reading ends when f returns false", func(m *mutant) {
		m.find = func(ctx context.Context, t session.Term, f func(session.Record) bool) error {
			return m.Projection.Find(ctx, t, func(rec session.Record) bool { f(rec); return true })
		}
	}},
	"does not stop reading the journal": {"reading ends when f returns false", func(m *mutant) {
		m.read = func(ctx context.Context, from uint64, f func(uint64, []byte) bool) error {
			return m.driver.ReadJournal(ctx, from, func(seq uint64, e []byte) bool { f(seq, e); return true })
		}
	}},
	"shows what is not due": {"Due shows what is due", func(m *mutant) {
		m.due = func(ctx context.Context, kind session.Kind, _ time.Time, f func(session.Record) bool) error {
			return m.Projection.Scan(ctx, kind, f)
		}
	}},
	"is due after the time only": {"Due shows what is due", func(m *mutant) {
		m.due = func(ctx context.Context, kind session.Kind, now time.Time, f func(session.Record) bool) error {
			return m.Projection.Due(ctx, kind, now.Add(-time.Second), f)
		}
	}},
	"asks the clock what is due": {"Due shows what is due", func(m *mutant) {
		m.due = func(ctx context.Context, kind session.Kind, _ time.Time, f func(session.Record) bool) error {
			return m.Projection.Due(ctx, kind, time.Now(), f)
		}
	}},
	"Due ignores updates": {"a record is due when its latest state says", func(m *mutant) {
		born := map[session.Key]time.Time{}
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			for _, p := range c.Puts {
				if p.Expect == 0 {
					born[p.Key] = p.Due
				}
			}
			return m.driver.Commit(ctx, c)
		}
		m.due = func(ctx context.Context, kind session.Kind, now time.Time, f func(session.Record) bool) error {
			return m.Projection.Scan(ctx, kind, func(rec session.Record) bool { return born[rec.Key].After(now) || f(rec) })
		}
	}},
	"begins again when something changed": {"f may use the store", func(m *mutant) {
		m.scan = func(ctx context.Context, kind session.Kind, f func(session.Record) bool) error {
			var changed bool
			err := m.Projection.Scan(ctx, kind, func(rec session.Record) bool {
				more := f(rec)
				changed = changed || m.version(rec.Key) != rec.Version
				return more
			})
			if changed {
				return m.Projection.Scan(ctx, kind, f)
			}
			return err
		}
	}},
	"shows what was there at the beginning": {"f may use the store", func(m *mutant) {
		m.find = func(ctx context.Context, t session.Term, f func(session.Record) bool) error {
			var all []session.Record
			err := m.Projection.Find(ctx, t, func(rec session.Record) bool {
				rec.Value = bytes.Clone(rec.Value)
				all = append(all, rec)
				return true
			})
			for _, rec := range all {
				if !f(rec) {
					break
				}
			}
			return err
		}
	}},
	"ignores expiry":                {"a record whose time has passed does not exist", lateExpiry(hide())},
	"Get shows what has expired":    {"a record whose time has passed does not exist", lateExpiry(hide(hideFromFind, hideFromScan, hideFromDue))},
	"Find shows what has expired":   {"a record whose time has passed does not exist", lateExpiry(hide(hideFromGet, hideFromScan, hideFromDue))},
	"Scan shows what has expired":   {"a record whose time has passed does not exist", lateExpiry(hide(hideFromGet, hideFromFind, hideFromDue))},
	"Due shows what has expired":    {"a record whose time has passed does not exist", lateExpiry(hide(hideFromGet, hideFromFind, hideFromScan))},
	"Commit finds what has expired": {"a record whose time has passed does not exist", lateExpiry(hide(hideFromGet, hideFromFind, hideFromScan, hideFromDue))},
	"remembers the first Expires": {"a record whose time has passed does not exist", eachPut(func(m *mutant, p *session.Put) {
		if rec, err := m.Projection.Get(context.Background(), p.Key); err == nil {
			p.Expires = rec.Expires
		}
	})},

	// The journal.
	"returns the next number": {"entries are numbered from 1 on, in order", committed(func(_ *mutant, _ *session.Change, first uint64, err error) (uint64, error) {
		if first > 0 {
			first++
		}
		return first, err
	})},
	"returns the last number": {"entries are numbered from 1 on, in order", committed(func(_ *mutant, c *session.Change, first uint64, err error) (uint64, error) {
		return first + uint64(max(len(c.Journal), 1)-1), err
	})},
	"returns a number for nothing": {"entries are numbered from 1 on, in order", committed(func(m *mutant, _ *session.Change, first uint64, err error) (uint64, error) {
		if first == 0 {
			first, _ = m.driver.Last(context.Background())
		}
		return first, err
	})},
	"numbers from 0": {"entries are numbered from 1 on, in order", func(m *mutant) {
		committed(func(_ *mutant, _ *session.Change, first uint64, err error) (uint64, error) {
			return first - min(first, 1), err
		})(m)
		m.read = func(ctx context.Context, from uint64, f func(uint64, []byte) bool) error {
			return m.driver.ReadJournal(ctx, from+1, func(seq uint64, e []byte) bool { return f(seq-1, e) })
		}
	}},
	"reads from the next": {"entries are numbered from 1 on, in order", func(m *mutant) {
		m.read = func(ctx context.Context, from uint64, f func(uint64, []byte) bool) error {
			return m.driver.ReadJournal(ctx, max(from, 1)+from%2, f)
		}
	}},
	"reads backwards": {"entries are numbered from 1 on, in order", func(m *mutant) {
		m.read = func(ctx context.Context, from uint64, f func(uint64, []byte) bool) error {
			var all []journalEntry
			err := m.driver.ReadJournal(ctx, from, func(seq uint64, e []byte) bool {
				all = append(all, journalEntry{seq, string(e)})
				return true
			})
			for _, e := range slices.Backward(all) {
				if !f(e.seq, []byte(e.entry)) {
					break
				}
			}
			return err
		}
	}},
	"skips journal entries": {"entries are numbered from 1 on, in order", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			c = clone(c)
			if n := len(c.Journal); n > 2 {
				c.Journal = c.Journal[:n-1]
			}
			return m.driver.Commit(ctx, c)
		}
	}},
	"skips empty entries": {"a change may have nothing but entries, of any size", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			c = clone(c)
			c.Journal = slices.DeleteFunc(c.Journal, func(e []byte) bool { return len(e) == 0 })
			return m.driver.Commit(ctx, c)
		}
	}},
	"writes the journal first": {"a change that fails has no entries", func(m *mutant) {
		m.commit = func(ctx context.Context, c *session.Change) (uint64, error) {
			first, _ := m.driver.Commit(ctx, &session.Change{Journal: c.Journal})
			if _, err := m.driver.Commit(ctx, &session.Change{Puts: c.Puts}); err != nil {
				return 0, err
			}
			return first, nil
		}
	}},
	"returns a number with an error": {"a change that fails has no entries", committed(func(m *mutant, _ *session.Change, first uint64, err error) (uint64, error) {
		if err != nil {
			first, _ = m.driver.Last(context.Background())
		}
		return first, err
	})},
	"trims one too many": {"trimming removes only what it should", func(m *mutant) {
		m.trim = func(ctx context.Context, before uint64) error { return m.driver.TrimJournal(ctx, before+1) }
	}},
	"brings back what was trimmed, with a gap": {"trimming removes only what it should", func(m *mutant) {
		var first []byte
		m.trim = func(ctx context.Context, before uint64) error {
			return errors.Join(m.driver.ReadJournal(ctx, 1, func(seq uint64, e []byte) bool {
				if seq == 1 {
					first = e
				}
				return false
			}), m.driver.TrimJournal(ctx, before))
		}
		m.read = func(ctx context.Context, from uint64, f func(uint64, []byte) bool) error {
			if first != nil && from <= 1 && !f(1, first) {
				return nil
			}
			return m.driver.ReadJournal(ctx, max(from, 2), f)
		}
	}},
	"Last is what is left": {"trimming removes only what it should", func(m *mutant) {
		m.last = func(ctx context.Context) (last uint64, err error) {
			return last, m.driver.ReadJournal(ctx, 1, func(seq uint64, _ []byte) bool { last = seq; return true })
		}
	}},
	"begins again when all was trimmed": {"numbers go on after trimming", func(m *mutant) {
		m.trim = func(ctx context.Context, before uint64) error {
			err := m.driver.TrimJournal(ctx, before)
			m.mu.Lock()
			defer m.mu.Unlock()
			if len(m.disk.journal) == 0 {
				m.disk.last = 0
			}
			return err
		}
	}},
	"trims what comes": {"numbers go on after trimming", func(m *mutant) {
		var trimmed uint64
		m.trim = func(ctx context.Context, before uint64) error {
			trimmed = max(trimmed, before)
			return m.driver.TrimJournal(ctx, before)
		}
		m.read = func(ctx context.Context, from uint64, f func(uint64, []byte) bool) error {
			return m.driver.ReadJournal(ctx, max(from, trimmed), f)
		}
	}},
}
