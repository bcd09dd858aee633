package sessiontest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/opentwag/twag/session"
)

// patience is how long done may take.
const patience = time.Minute

// asyncCases are about CommitFunc.
var asyncCases = []contractCase{
	{"done is told what Commit would return", func(r *run) {
		c := &session.Change{Puts: []session.Put{put(1, "a", term(1)), put(2, "a")}, Journal: entries("1", "2")}
		r.later(c, nil)
		r.has(1, 1, "a")
		r.has(2, 1, "a")
		r.later(change(then(1, put(1, "b", term(2)))), nil)
		r.has(1, 2, "b")
		r.want("find", r.find(term(1)))
		r.want("find", r.find(term(2)), key(1))
		r.later(&session.Change{Journal: entries("3")}, nil)
		r.commit(&session.Change{Journal: entries("4")})
		r.later(&session.Change{}, nil)
		r.later(&session.Change{Puts: []session.Put{then(1, put(2, "x")), then(1, put(1, "x"))}, Journal: entries("x")}, session.ErrConflict)
		r.later(change(put(3, "x"), put(1, "x")), session.ErrConflict)
		r.later(change(put(3, "x"), put(3, "x")), session.ErrInvalid)
		r.later(&session.Change{Puts: []session.Put{put(3, "x")}, Journal: [][]byte{make([]byte, session.MaxValue+1)}}, session.ErrInvalid)
		r.later(change(session.Put{Key: key(2), Expect: 1, Delete: true}), nil)
		r.has(1, 2, "b")
		r.hasNo(2)
		r.hasNo(3)
		r.wantJournal(0)
		r.wantLast()
	}},
	{"done is called once", func(r *run) {
		const many = 60
		var mu sync.Mutex
		var told [many]int
		for n := range many {
			c := change(put(n, "a"))
			switch n % 4 {
			case 1:
				c.Puts[0].Expect = 7 // conflicts
			case 2:
				c.Puts[0].Key = session.Key{} // invalid
			case 3:
				c.Journal = entries("e")
			}
			r.async().CommitFunc(c, func(uint64, error) {
				mu.Lock()
				defer mu.Unlock()
				told[n]++
			})
		}
		r.later(change(put(many, "a")), nil)
		time.Sleep(20 * time.Millisecond) // time for a second call
		mu.Lock()
		defer mu.Unlock()
		for n := range told {
			if told[n] != 1 {
				r.failf("done was called %d times", told[n])
			}
		}
	}},
	{"a change is visible when done is called", func(r *run) {
		for n := range 30 {
			wrong := make(chan error, 1)
			r.async().CommitFunc(&session.Change{Puts: []session.Put{put(n, "a", term(n))}, Journal: [][]byte{number(uint64(n))}},
				func(first uint64, err error) { wrong <- errors.Join(err, r.isThere(n, first)) })
			r.no(within(wrong), "in done")
		}
	}},
	{"the change is the caller's again when done is called", func(r *run) {
		for n := range 20 {
			v, e, terms := value("value %d", n), value("entry %d", n), []session.Term{term(n)}
			c := &session.Change{Puts: []session.Put{{Key: key(n), Value: v, Terms: terms}}, Journal: [][]byte{e}}
			same := &session.Change{Puts: slices.Clone(c.Puts), Journal: slices.Clone(c.Journal)}
			told := make(chan error, 1)
			r.async().CommitFunc(c, func(_ uint64, err error) {
				if !reflect.DeepEqual(c, same) || string(v) != fmt.Sprint("value ", n) || string(e) != fmt.Sprint("entry ", n) || terms[0] != term(n) {
					err = errors.New("the change is not what it was")
				}
				clear(v)
				clear(e)
				terms[0] = term(-1)
				c.Puts[0], c.Journal[0] = session.Put{}, nil
				told <- err
			})
			r.no(within(told), "done")
			r.has(n, 1, fmt.Sprint("value ", n))
			r.want("find", r.find(term(n)), key(n))
			if got := r.journal(0); len(got) != n+1 || got[n].entry != fmt.Sprint("entry ", n) {
				r.failf("the journal has not the entry that was committed")
			}
		}
		if r.Reopen != nil {
			r.reopen()
			for n := range 20 {
				r.has(n, 1, fmt.Sprint("value ", n))
			}
		}
	}},
	{"of changes that nobody waits for all are made", func(r *run) {
		const callers, each = 6, 40
		var mu sync.Mutex
		want := map[uint64]uint64{} // of the journal
		wins := 0
		told := make(chan error, callers*each)
		r.no(at(callers, func(i int) error {
			for n := range each {
				me := i*each + n
				// One of the callers' changes of the record that they share is made.
				c := change(put(1000+n, "a"), put(2000+me, "a"))
				c.Journal = [][]byte{number(uint64(me))}
				if i%2 == 1 {
					c.Puts = c.Puts[1:]
				}
				r.async().CommitFunc(c, func(first uint64, err error) {
					mu.Lock()
					defer mu.Unlock()
					if _, twice := want[first]; err == nil && twice {
						err = fmt.Errorf("number %d was given twice", first)
					}
					if err == nil {
						want[first] = uint64(me)
					}
					if i%2 == 0 {
						if err == nil {
							wins++
						} else if errors.Is(err, session.ErrConflict) {
							err = nil
						}
					}
					told <- err
				})
			}
			return nil
		}), "changes at once")
		for range callers * each {
			r.no(within(told), "done")
		}
		if wins != each {
			r.failf("of the changes of %d records %d were made", each, wins)
		}
		if len(r.scan(session.KindSession)) != len(want)+each {
			r.failf("of the records that were committed some are missing")
		}
		got := r.journal(0)
		for i, e := range got {
			if n, ok := want[e.seq]; !ok || n != numberOf([]byte(e.entry)) || i > 0 && e.seq <= got[i-1].seq {
				r.failf("number %d has the entry of another, or is not in order", e.seq)
			}
		}
		if len(got) != len(want) {
			r.failf("%d entries were committed, %d are shown", len(want), len(got))
		}
	}},
	{"a store that is closed tells done", func(r *run) {
		const many = 100
		made := map[int]bool{}
		var mu sync.Mutex
		told := 0
		for n := range many {
			r.async().CommitFunc(&session.Change{Puts: []session.Put{put(n, "a")}, Journal: entries("e")}, func(_ uint64, err error) {
				mu.Lock()
				defer mu.Unlock()
				told++
				made[n] = err == nil
			})
		}
		r.no(r.s.Close(), "close")
		mu.Lock()
		missing := many - told
		mu.Unlock()
		if missing != 0 {
			r.failf("Close returned before %d of %d calls of done", missing, many)
		}
		r.later(&session.Change{Puts: []session.Put{put(many, "a")}, Journal: entries("e")}, session.ErrClosed)
		r.later(&session.Change{}, session.ErrClosed)
		if r.Reopen == nil {
			return
		}
		r.reopen()
		for n := range many {
			if made[n] {
				r.has(n, 1, "a")
			}
		}
		r.hasNo(many)
	}},
}

// asyncReopenCases are about crashes.
var asyncReopenCases = []contractCase{
	{"a change is durable when done is called", func(r *run) {
		for n := range 12 {
			r.later(&session.Change{Puts: []session.Put{put(n, "a", term(n))}, Journal: [][]byte{number(uint64(n))}}, nil)
			r.reopen()
			r.has(n, 1, "a")
			r.want("find", r.find(term(n)), key(n))
			r.wantJournal(0)
			r.wantLast()
		}
		const many = 100
		told := make(chan error, many)
		for n := range many {
			r.async().CommitFunc(change(put(100+n, "a")), func(_ uint64, err error) { told <- err })
		}
		for range many {
			r.no(within(told), "done")
		}
		r.reopen()
		for n := range many {
			r.has(100+n, 1, "a")
		}
	}},
}

// asyncBreakCases are about stores that fail for a while.
var asyncBreakCases = []contractCase{
	{"a store that fails tells done", func(r *run) {
		mend := r.Break(r.t, r.s)
		type outcome struct {
			n   int
			err error
		}
		const many = 20
		told := make(chan outcome, 2*many)
		for n := range many {
			r.async().CommitFunc(&session.Change{Puts: []session.Put{put(n, "a")}, Journal: entries("e")},
				func(_ uint64, err error) { told <- outcome{n, err} })
		}
		for range many {
			select {
			case o := <-told:
				if errors.Is(o.err, session.ErrUnavailable) {
					r.hasNo(o.n)
				} else if !errors.Is(o.err, session.ErrUncertain) {
					r.failf("done of a store that fails is told %v", o.err)
				}
			case <-time.After(patience):
				r.failf("done was not called")
			}
		}
		mend()
		var err error
		for range 3000 {
			if _, err = r.commitFunc(&session.Change{Puts: []session.Put{put(many, "a")}, Journal: entries("e")}); err == nil {
				r.has(many, 1, "a")
				if len(told) > 0 {
					r.failf("done was called twice")
				}
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		r.failf("a store that was mended does not serve: %w", err)
	}},
}

func (r *run) async() session.AsyncStore {
	s, ok := r.s.(session.AsyncStore)
	if !ok {
		r.failf("it is no AsyncStore")
	}
	return s
}

// within returns what a channel has, in time.
func within(told <-chan error) error {
	select {
	case err := <-told:
		return err
	case <-time.After(patience):
		return errors.New("done was not called")
	}
}

// commitFunc is Commit by CommitFunc.
func (r *run) commitFunc(c *session.Change) (first uint64, err error) {
	told := make(chan error, 2)
	r.async().CommitFunc(c, func(n uint64, err error) {
		first = n
		told <- err
	})
	return first, within(told)
}

// later makes a change whose outcome must be want.
func (r *run) later(c *session.Change, want error) {
	first, err := r.commitFunc(c)
	switch {
	case want == nil && err != nil:
		r.failf("done is told: %w", err)
	case !errors.Is(err, want):
		r.failf("done is told %v, not %q", err, want)
	case err != nil && first != 0:
		r.failf("refused, but with the sequence number %d", first)
	case err != nil:
		return
	case len(c.Journal) == 0 && first != 0:
		r.failf("a change without entries has the number %d", first)
	case len(c.Journal) > 0 && first <= r.lastEntry():
		r.failf("number %d comes after number %d", first, r.lastEntry())
	}
	for i, e := range c.Journal {
		r.entries = append(r.entries, journalEntry{first + uint64(i), string(e)})
	}
}

// isThere returns an error unless record n and the journal's newest entry, which tells of it,
// are shown.
func (r *run) isThere(n int, seq uint64) error {
	rec, err := r.s.Get(r.ctx, key(n))
	if err != nil || rec.Version != 1 {
		return fmt.Errorf("the record has version %d (%w)", rec.Version, err)
	}
	last, err := r.s.Last(r.ctx)
	if err != nil || last != seq {
		return fmt.Errorf("number %d was committed, but the newest is %d (%w)", seq, last, err)
	}
	found := false
	err = errors.Join(r.s.Find(r.ctx, term(n), func(session.Record) bool { found = true; return true }),
		r.s.ReadJournal(r.ctx, seq, func(got uint64, entry []byte) bool {
			found = found && got == seq && numberOf(entry) == uint64(n)
			return true
		}))
	if err != nil || !found {
		return fmt.Errorf("the record is not found, or its entry not shown (%w)", err)
	}
	return nil
}
