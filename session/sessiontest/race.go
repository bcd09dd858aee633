package sessiontest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/session"
)

// at runs n functions at once and returns what went wrong.
func at(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errors.Join(errs...)
}

// A turn is taken by who tries again and again.
type turn int

// wait lets others run; now and then it takes time, or in a bubble there would
// be no end.
func (t *turn) wait() {
	if *t++; *t%16 == 0 {
		time.Sleep(10 * time.Microsecond)
	} else {
		runtime.Gosched()
	}
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func numberOf(v []byte) uint64 {
	if len(v) != 8 {
		return 1<<64 - 1
	}
	return binary.BigEndian.Uint64(v)
}

// raceCases are about many callers at once.
var raceCases = []contractCase{
	{"of changes of one version one is made", func(r *run) {
		for round := range uint64(30) {
			var won atomic.Uint64
			r.no(at(8, func(i int) error {
				c := &session.Change{Puts: []session.Put{then(round, put(1, "a"))}, Journal: [][]byte{number(uint64(i))}}
				c.Puts[0].Value = number(uint64(i))
				_, err := r.s.Commit(r.ctx, c)
				if err == nil {
					if other := won.Swap(uint64(i) + 1); other != 0 {
						return fmt.Errorf("two changes of version %d were made", round)
					}
					return nil
				}
				if !errors.Is(err, session.ErrConflict) {
					return fmt.Errorf("commit: %w", err)
				}
				return nil
			}), "changes at once")
			if won.Load() == 0 {
				r.failf("no change of version %d was made", round)
			}
			if rec := r.get(key(1)); rec.Version != round+1 || numberOf(rec.Value) != won.Load()-1 {
				r.failf("the record is not that of the change that was made")
			}
			if got := r.journal(0); len(got) != int(round)+1 || numberOf([]byte(got[round].entry)) != won.Load()-1 {
				r.failf("the journal has not the entries of the changes that were made")
			}
		}
	}},
	{"nothing that was counted is lost", func(r *run) {
		const callers, each = 6, 40
		r.no(at(callers, func(int) error {
			var t turn
			for range each {
				for {
					rec, err := r.s.Get(r.ctx, key(1))
					count := uint64(0)
					if err == nil {
						count = numberOf(rec.Value)
					} else if !errors.Is(err, session.ErrNotFound) {
						return fmt.Errorf("get: %w", err)
					}
					p := then(rec.Version, put(1, ""))
					p.Value = number(count + 1)
					_, err = r.s.Commit(r.ctx, &session.Change{Puts: []session.Put{p}, Journal: [][]byte{number(count + 1)}})
					if err == nil {
						break
					}
					if !errors.Is(err, session.ErrConflict) {
						return fmt.Errorf("commit: %w", err)
					}
					t.wait()
				}
			}
			return nil
		}), "counting")
		if rec := r.get(key(1)); rec.Version != callers*each || numberOf(rec.Value) != callers*each {
			r.failf("%d changes count to %d, at version %d", callers*each, numberOf(rec.Value), rec.Version)
		}
		// The journal tells the same story, in the same order.
		got := r.journal(0)
		if len(got) != callers*each {
			r.failf("%d changes have %d entries", callers*each, len(got))
		}
		for i, e := range got {
			if numberOf([]byte(e.entry)) != uint64(i)+1 {
				r.failf("the journal has change %d in place %d", numberOf([]byte(e.entry)), i+1)
			}
		}
	}},
	{"a number has one entry", func(r *run) {
		const callers, each = 6, 30
		var mu sync.Mutex
		want := map[uint64]string{}
		r.no(at(callers, func(i int) error {
			for n := range each {
				c := &session.Change{Puts: []session.Put{put(i*each+n, "a")}}
				for e := range 1 + n%3 {
					c.Journal = append(c.Journal, value("%d %d %d", i, n, e))
				}
				first, err := r.s.Commit(r.ctx, c)
				if err != nil {
					return fmt.Errorf("commit: %w", err)
				}
				last, err := r.s.Last(r.ctx)
				if err != nil || last < first+uint64(len(c.Journal))-1 {
					return fmt.Errorf("number %d was committed, but the newest is %d (%v)", first, last, err)
				}
				mu.Lock()
				for e := range c.Journal {
					if _, twice := want[first+uint64(e)]; twice {
						err = fmt.Errorf("number %d was given twice", first+uint64(e))
					}
					want[first+uint64(e)] = string(c.Journal[e])
				}
				mu.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		}), "changes at once")
		got := r.journal(0)
		if len(got) != len(want) {
			r.failf("%d entries were committed, %d are shown", len(want), len(got))
		}
		for i, e := range got {
			if want[e.seq] != e.entry || i > 0 && e.seq <= got[i-1].seq {
				r.failf("number %d has the entry of another, or is not in order", e.seq)
			}
		}
	}},
	{"numbers grow as changes become visible", func(r *run) {
		// Each caller waits until it sees the other's change.
		const rounds = 100
		var firsts [2][rounds]uint64
		ctx, cancel := context.WithCancel(r.ctx)
		defer cancel()
		r.no(at(2, func(i int) (err error) {
			defer func() {
				if err != nil {
					cancel()
				}
			}()
			var t turn
			for n := range rounds {
				for other := uint64(n + i); other > 0; t.wait() {
					rec, err := r.s.Get(ctx, key(1-i))
					if err == nil && rec.Version >= other {
						break
					}
					if err != nil && !errors.Is(err, session.ErrNotFound) || ctx.Err() != nil {
						return fmt.Errorf("get: %w", errors.Join(err, ctx.Err()))
					}
				}
				firsts[i][n], err = r.s.Commit(r.ctx, &session.Change{Puts: []session.Put{then(uint64(n), put(i, "a"))}, Journal: entries("e")})
				if err != nil {
					return fmt.Errorf("commit: %w", err)
				}
			}
			return nil
		}), "changes in turn")
		last := uint64(0)
		for n := range rounds {
			for i := range firsts {
				if firsts[i][n] <= last {
					r.failf("number %d was visible before %d was given", last, firsts[i][n])
				}
				last = firsts[i][n]
			}
		}
	}},
	{"a change becomes visible at once", func(r *run) {
		var done atomic.Bool
		keys := [3]session.Key{key(0), key(1), key(2)}
		order := [3][3]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}}
		r.put(put(0, "a"), put(1, "a"), put(2, "a"))
		r.no(at(4, func(i int) error {
			if i == 0 {
				defer done.Store(true)
				for v := range uint64(300) {
					c := change(then(v+1, put(0, "a")), then(v+1, put(1, "a")), then(v+1, put(2, "a")))
					c.Journal = [][]byte{number(v + 2)}
					if _, err := r.s.Commit(r.ctx, c); err != nil {
						return fmt.Errorf("commit: %w", err)
					}
				}
				return nil
			}
			for t := turn(0); !done.Load(); t.wait() {
				// What is read later is not older.
				seen := uint64(0)
				for n := range keys {
					rec, err := r.s.Get(r.ctx, keys[order[i-1][n]])
					if err != nil || rec.Version < seen {
						return fmt.Errorf("version %d is shown after %d: half of a change is visible (%v)", rec.Version, seen, err)
					}
					seen = rec.Version
				}
			}
			return nil
		}), "reading during changes")
	}},
	{"an entry is shown with its change, not before", func(r *run) {
		var done atomic.Bool
		r.no(at(3, func(i int) error {
			if i == 0 {
				defer done.Store(true)
				for v := range uint64(200) {
					if _, err := r.s.Commit(r.ctx, &session.Change{Puts: []session.Put{then(v, put(1, "a"))}, Journal: [][]byte{number(v + 1)}}); err != nil {
						return fmt.Errorf("commit: %w", err)
					}
				}
				return nil
			}
			var t turn
			for from := uint64(1); !done.Load(); t.wait() {
				var wrong error
				err := r.s.ReadJournal(r.ctx, from, func(seq uint64, entry []byte) bool {
					rec, err := r.s.Get(r.ctx, key(1))
					switch {
					case seq != from || numberOf(entry) != from:
						wrong = fmt.Errorf("number %d is shown after %d", seq, from-1)
					case err != nil || rec.Version < from:
						wrong = fmt.Errorf("the entry of version %d is shown while the record has version %d (%v)", from, rec.Version, err)
					}
					from++
					return wrong == nil
				})
				if err := errors.Join(err, wrong); err != nil {
					return err
				}
			}
			return nil
		}), "reading during changes")
	}},
	{"what exists all the time is shown once", stayers},
}

// stayers reads while other records come and go, and those that stay change too.
func stayers(r *run) {
	const stay, come = 120, 200
	everybody := term(-1)
	for n := range stay {
		r.put(put(n, "a", everybody), put(stay+n, "b", everybody))
	}
	for n := range stay { // gaps for those who come
		if n%2 == 0 {
			r.put(session.Put{Key: key(stay + n), Expect: 1, Delete: true})
		}
	}
	names := map[session.Key]bool{}
	for n := range stay {
		names[key(n)] = true
	}
	var done atomic.Bool
	r.no(at(4, func(i int) error {
		switch i {
		case 0:
			defer done.Store(true)
			for n := range come {
				time.Sleep(10 * time.Microsecond) // so that the others meet it
				if _, err := r.s.Commit(r.ctx, change(put(1000+n, "c", everybody), put(2000+n, "a long one that lies elsewhere"))); err != nil {
					return fmt.Errorf("commit: %w", err)
				}
				if n >= 10 {
					if _, err := r.s.Commit(r.ctx, change(session.Put{Key: key(990 + n), Expect: 1, Delete: true})); err != nil {
						return fmt.Errorf("delete: %w", err)
					}
				}
			}
			return nil
		case 1:
			var t turn
			for version := uint64(1); !done.Load(); version++ {
				t.wait()
				for n := 0; n < stay; n += 7 {
					p := then(version, put(n, fmt.Sprint(version, " grows and shrinks", version%5*100000), everybody))
					if _, err := r.s.Commit(r.ctx, change(p)); err != nil {
						return fmt.Errorf("commit: %w", err)
					}
				}
			}
			return nil
		}
		for t := turn(0); !done.Load(); t.wait() {
			seen := map[session.Key]bool{}
			var wrong error
			show := func(rec session.Record) bool {
				if seen[rec.Key] && names[rec.Key] {
					wrong = errors.New("a record that exists all the time is shown twice")
				}
				seen[rec.Key] = true
				return true
			}
			var err error
			if i == 2 {
				err = r.s.Find(r.ctx, everybody, show)
			} else {
				err = r.s.Scan(r.ctx, session.KindSession, show)
			}
			if err := errors.Join(err, wrong); err != nil {
				return err
			}
			for k := range names {
				if !seen[k] {
					return errors.New("a record that exists all the time is not shown")
				}
			}
		}
		return nil
	}), "reading during changes")
}
