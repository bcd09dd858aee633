package sessiontest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/session"
)

// reopenCases are about crashes: what was acknowledged survives them.
var reopenCases = []contractCase{
	{"what was acknowledged survives", func(r *run) {
		due, expires := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		for round := range 3 {
			for n := range 20 {
				p := put(100*round+n, "a", term(100*round+n), term(-1))
				p.Due, p.Expires = due, expires
				r.commit(&session.Change{Puts: []session.Put{p}, Journal: [][]byte{value("%d %d", round, n)}})
			}
			r.reopen()
			if many := 20 * (round + 1); len(r.find(term(-1))) != many || len(r.scan(session.KindSession)) != many || len(r.due(session.KindSession, time.Now())) != many {
				r.failf("not all records are shown after a crash")
			}
			for old := range round + 1 {
				for n := range 20 {
					want := session.Record{Key: key(100*old + n), Version: 1, Due: due, Expires: expires, Value: []byte("a")}
					if !equal(r.get(want.Key), want) {
						r.failf("a record is not what it was before the crash")
					}
					r.want("find", r.find(term(100*old+n)), want.Key)
				}
			}
			r.wantJournal(0)
			r.wantLast()
		}
	}},
	{"each change is durable when Commit returns", func(r *run) {
		for v := range uint64(12) {
			r.commit(&session.Change{Puts: []session.Put{then(v, put(1, fmt.Sprint(v), term(int(v))))}, Journal: [][]byte{number(v)}})
			r.reopen()
			r.has(1, v+1, fmt.Sprint(v))
			r.want("find", r.find(term(int(v))), key(1))
			if v > 0 {
				r.want("find", r.find(term(int(v)-1)))
			}
			r.wantJournal(0)
		}
	}},
	{"the latest state survives, and no other", func(r *run) {
		r.put(put(1, "a", term(1)), put(2, "a", term(2)), put(3, "a", term(3)), put(4, "a", term(4)))
		same := then(1, put(3, "b"))
		same.SameTerms, same.Due = true, time.Now().Add(-time.Hour)
		r.put(session.Put{Key: key(1), Expect: 1, Delete: true}, then(1, put(2, "b", term(20))), same)
		r.refuse(&session.Change{Puts: []session.Put{then(1, put(4, "x", term(40))), put(3, "x")}, Journal: entries("x")}, session.ErrConflict, "conflict")
		for range 2 {
			r.reopen()
			r.hasNo(1, term(1))
			r.has(2, 2, "b")
			r.want("find", r.find(term(2)))
			r.want("find", r.find(term(20)), key(2))
			r.has(3, 2, "b")
			r.want("find", r.find(term(3)), key(3))
			r.want("due", r.due(session.KindSession, time.Now()), key(3))
			r.has(4, 1, "a")
			r.want("find", r.find(term(4)), key(4))
			r.want("find", r.find(term(40)))
			r.wantJournal(0)
			r.refuse(change(then(1, put(2, "x"))), session.ErrConflict, "an old version")
			r.refuse(change(put(2, "x")), session.ErrConflict, "a record that is there")
		}
		same.Expect, same.Value = 2, []byte("c")
		r.put(same)
		r.want("find", r.find(term(3)), key(3))
		r.put(put(1, "new"))
		r.has(1, 1, "new")
		r.want("find", r.find(term(1)))
	}},
	{"no number is used again", func(r *run) {
		r.commit(&session.Change{Journal: entries("1", "2")})
		r.reopen()
		r.wantLast()
		r.commit(&session.Change{Journal: entries("3")})
		r.trim(r.last() + 1)
		r.reopen()
		r.wantLast()
		r.wantJournal(0)
		r.reopen()
		r.commit(&session.Change{Journal: entries("4")})
		r.wantJournal(0)
		r.trim(r.last())
		r.reopen()
		r.wantLast()
		r.wantJournal(0)
	}},
	{"what has expired does not come back", func(r *run) {
		p := put(1, "a", term(1))
		p.Expires = time.Now().Add(time.Second)
		r.put(p, put(2, "b"))
		r.reopen()
		time.Sleep(2100 * time.Millisecond)
		r.hasNo(1, term(1))
		r.put(then(1, put(2, "c")))
		r.reopen()
		r.hasNo(1, term(1))
		again := put(1, "new")
		again.SameTerms = true
		r.put(again)
		r.reopen()
		r.has(1, 1, "new")
		r.want("find", r.find(term(1)))
	}},
	{"a crash amid changes", crash},
	{"a store that was closed opens again", func(r *run) {
		r.commit(&session.Change{Puts: []session.Put{put(1, "a", term(1))}, Journal: entries("1")})
		r.no(r.s.Close(), "close")
		r.reopen()
		r.has(1, 1, "a")
		r.want("find", r.find(term(1)), key(1))
		r.wantJournal(0)
		r.wantLast()
	}},
}

// crash has callers that change two records each, at once, while the store
// crashes. What was acknowledged or shown before the crash began has to be there
// after it; the old store makes no promises any more.
func crash(r *run) {
	const callers = 6
	type promise struct{ version, number uint64 } // of a caller
	for range 3 {
		old := r.s
		var stop atomic.Bool
		var mu sync.Mutex
		var promised [callers]promise
		var shown uint64
		var wg sync.WaitGroup
		for i := range callers {
			version := r.version(2 * i)
			wg.Go(func() {
				for v := version; !stop.Load(); v++ {
					c := change(then(v, put(2*i, "a")), then(v, put(2*i+1, "a")))
					c.Journal = [][]byte{number(uint64(i)<<32 | (v + 1))}
					first, err := old.Commit(r.ctx, c)
					if err != nil {
						return
					}
					mu.Lock()
					promised[i] = promise{v + 1, first}
					mu.Unlock()
					time.Sleep(100 * time.Microsecond)
				}
			})
		}
		wg.Go(func() {
			for from := uint64(1); !stop.Load(); time.Sleep(time.Millisecond) {
				if old.ReadJournal(r.ctx, from, func(seq uint64, _ []byte) bool {
					from = seq + 1
					mu.Lock()
					shown = seq
					mu.Unlock()
					return true
				}) != nil {
					return
				}
			}
		})
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		before, shownBefore := promised, shown
		mu.Unlock()
		r.reopen()
		stop.Store(true)
		wg.Wait()

		if last := r.last(); last < shownBefore {
			r.failf("number %d was shown before the crash, and %d is the newest after it", shownBefore, last)
		}
		var counts [callers]uint64
		byNumber := map[uint64]uint64{}
		for _, e := range r.journal(0) {
			n := numberOf([]byte(e.entry))
			byNumber[e.seq] = n
			i := n >> 32
			if i >= callers || n&(1<<32-1) != counts[i]+1 {
				r.failf("the journal has not each change once and in order")
			}
			counts[i]++
		}
		for i, p := range before {
			v := r.version(2 * i)
			switch {
			case v < p.version:
				r.failf("version %d was acknowledged, the record has %d", p.version, v)
			case v != r.version(2*i+1):
				r.failf("half of a change survived: versions %d and %d", v, r.version(2*i+1))
			case v != counts[i]:
				r.failf("the record has version %d, the journal %d changes", v, counts[i])
			case p.version > 0 && byNumber[p.number] != uint64(i)<<32|p.version:
				r.failf("the entry of an acknowledged change is lost")
			}
		}
	}
}

// version returns the record's version, 0 if there is none.
func (r *run) version(n int) uint64 {
	rec, err := r.s.Get(r.ctx, key(n))
	if errors.Is(err, session.ErrNotFound) {
		return 0
	}
	r.no(err, "get")
	return rec.Version
}

// breakCases are about stores that fail for a while.
var breakCases = []contractCase{
	{"a store that fails promises nothing, and recovers", func(r *run) {
		r.commit(&session.Change{Puts: []session.Put{put(0, "a", term(0))}, Journal: entries("1")})
		mend := r.Break(r.t, r.s)
		made := map[int]bool{}
		before := r.last()
		try := func(n int) error {
			_, err := r.s.Commit(r.ctx, &session.Change{Puts: []session.Put{put(n, "a", term(n))}, Journal: [][]byte{value("entry %d", n)}})
			return err
		}
		for n := 1; n <= 20; n++ {
			switch err := try(n); {
			case errors.Is(err, session.ErrUnavailable):
				r.hasNo(n, term(n))
			case errors.Is(err, session.ErrUncertain):
			default:
				r.failf("Commit of a store that fails returns %v", err)
			}
		}
		r.has(0, 1, "a")
		mend()
		for n := 21; len(made) == 0; n++ {
			if err := try(n); err == nil {
				made[n] = true
			} else if !errors.Is(err, session.ErrUnavailable) && !errors.Is(err, session.ErrUncertain) || n > 3000 {
				r.failf("a store that was mended does not serve: %w", err)
			} else {
				time.Sleep(20 * time.Millisecond)
			}
		}
		for range 2 {
			entries := map[string]int{}
			for _, e := range r.journal(before + 1) {
				entries[e.entry]++
			}
			for n := 1; n <= 3021; n++ {
				there := r.version(n) == 1
				if made[n] && !there || entries[fmt.Sprint("entry ", n)] > 1 || there != (entries[fmt.Sprint("entry ", n)] == 1) {
					r.failf("record %d and its entry tell different stories", n)
				}
			}
			if r.Reopen == nil {
				break
			}
			r.reopen()
		}
	}},
}
