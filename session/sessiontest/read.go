package sessiontest

import (
	"time"

	"github.com/opentwag/twag/session"
)

// readCases are about Find, Scan, Due, and about time.
var readCases = []contractCase{
	{"Scan shows all of a kind", func(r *run) {
		var want []session.Key
		for n := range 100 {
			r.put(put(n, "a"), session.Put{Key: keyOf(session.KindAP, n)})
			want = append(want, key(n))
		}
		r.want("scan", r.scan(session.KindSession), want...)
		for n := range 100 {
			r.put(session.Put{Key: keyOf(session.KindAP, n), Expect: 1, Delete: true})
		}
		r.want("scan", r.scan(session.KindSession), want...)
		r.want("scan", r.scan(session.KindAP))
	}},
	{"reading ends when f returns false", func(r *run) {
		for n := range 20 {
			p := put(n, "a", term(1))
			p.Due = time.Now().Add(-time.Hour)
			r.commit(&session.Change{Puts: []session.Put{p}, Journal: entries("e")})
		}
		for stop := 1; stop <= 3; stop++ {
			calls := 0
			f := func(session.Record) bool { calls++; return calls < stop }
			for how, read := range map[string]func() error{
				"find": func() error { return r.s.Find(r.ctx, term(1), f) },
				"scan": func() error { return r.s.Scan(r.ctx, session.KindSession, f) },
				"due":  func() error { return r.s.Due(r.ctx, session.KindSession, time.Now(), f) },
				"read the journal": func() error {
					return r.s.ReadJournal(r.ctx, 1, func(uint64, []byte) bool { return f(session.Record{}) })
				},
			} {
				calls = 0
				r.no(read(), how)
				if calls != stop {
					r.failf("%s goes on: %d calls, not %d", how, calls, stop)
				}
			}
		}
	}},
	{"Due shows what is due", func(r *run) {
		now := time.Now().Truncate(time.Second)
		for n, due := range []time.Time{{}, now.Add(-time.Hour), now.Add(-2 * time.Second), now, now.Add(2 * time.Second), now.Add(time.Hour)} {
			p := put(n, "a")
			p.Due = due
			r.put(p)
			p.Key.Kind = session.KindTask
			r.put(p)
		}
		for at, want := range map[time.Time][]session.Key{
			now.Add(-2 * time.Hour):   nil,
			now.Add(-time.Minute):     {key(1)},
			now:                       {key(1), key(2), key(3)},
			now.Add(time.Minute):      {key(1), key(2), key(3), key(4)},
			now.Add(24 * time.Hour):   {key(1), key(2), key(3), key(4), key(5)},
			now.AddDate(15, 0, 0):     {key(1), key(2), key(3), key(4), key(5)},
			time.Unix(0, 0).UTC():     nil,
			now.Add(-3 * time.Second): {key(1)},
		} {
			r.want("due", r.due(session.KindSession, at), want...)
		}
		r.want("due", r.due(session.KindTask, now.Add(-time.Minute)), keyOf(session.KindTask, 1))
		r.want("due", r.due(session.KindMark, now.Add(24*time.Hour)))
	}},
	{"a record is due when its latest state says", func(r *run) {
		now := time.Now()
		move := func(version uint64, due time.Time) {
			p := then(version, put(1, "a"))
			p.Due = due
			r.put(p)
		}
		move(0, now.Add(-time.Minute))
		r.want("due", r.due(session.KindSession, now), key(1))
		move(1, now.Add(time.Minute))
		r.want("due", r.due(session.KindSession, now))
		r.want("due", r.due(session.KindSession, now.Add(time.Hour)), key(1))
		move(2, now.Add(-time.Hour))
		r.want("due", r.due(session.KindSession, now.Add(-time.Minute)), key(1))
		move(3, time.Time{})
		r.want("due", r.due(session.KindSession, now.Add(time.Hour)))
	}},
	{"f may use the store", func(r *run) {
		const many = 40
		for n := range many {
			p := put(n, "a", term(1))
			p.Due = time.Now().Add(-time.Hour)
			r.put(p)
		}
		version := uint64(1)
		for _, read := range []func(f func(session.Record) bool) error{
			func(f func(session.Record) bool) error { return r.s.Find(r.ctx, term(1), f) },
			func(f func(session.Record) bool) error { return r.s.Scan(r.ctx, session.KindSession, f) },
			func(f func(session.Record) bool) error {
				return r.s.Due(r.ctx, session.KindSession, time.Now(), f)
			},
		} {
			calls := 0
			r.no(read(func(rec session.Record) bool {
				calls++
				p := session.Put{Key: rec.Key, Expect: rec.Version, SameTerms: true, Due: rec.Due, Value: []byte("b")}
				r.put(p)
				if len(r.find(term(1))) != many || len(r.scan(session.KindSession)) != many {
					r.failf("a read inside of a read shows something else")
				}
				return true
			}), "read")
			if calls != many {
				r.failf("records that exist all the time are shown %d times, not %d", calls, many)
			}
			version++
			for n := range many {
				r.has(n, version, "b")
			}
		}
		// Records that f removes are not shown any more.
		calls := 0
		r.no(r.s.Find(r.ctx, term(1), func(session.Record) bool {
			calls++
			if calls == 1 {
				for n := range many {
					r.put(session.Put{Key: key(n), Expect: version, Delete: true})
				}
				time.Sleep(time.Millisecond)
			}
			return true
		}), "find")
		if calls > many/2 {
			r.failf("%d of %d records are shown after they were removed", calls-1, many)
		}
	}},
	{"a record whose time has passed does not exist", expiry},
}

// expiry has all that waits for the clock, so that a real one is waited for but once.
func expiry(r *run) {
	now := time.Now()
	soon, late := now.Add(6*time.Second), now.Add(time.Hour)
	until := func(n int, expires time.Time) session.Put {
		p := put(n, "a", term(n), term(-1))
		p.Due, p.Expires = now.Add(-time.Hour), expires
		return p
	}
	r.put(until(1, soon), until(2, soon), until(3, soon), until(4, soon), until(5, late), until(6, time.Time{}), until(7, late), until(8, soon))
	r.put(until(9, now.Add(-time.Hour))) // never existed
	r.hasNo(9, term(9), term(-1))
	r.put(then(1, until(3, late)), then(1, until(4, time.Time{})), then(1, until(7, soon))) // 3 and 4 live on, 7 does not
	r.has(1, 1, "a")
	r.want("find", r.find(term(2)), key(2))

	time.Sleep(time.Until(soon) + 1100*time.Millisecond)
	for _, n := range []int{1, 2, 7, 8} {
		r.hasNo(n, term(n), term(-1))
	}
	alive := []session.Key{key(3), key(4), key(5), key(6)}
	r.want("find", r.find(term(-1)), alive...)
	r.want("scan", r.scan(session.KindSession), alive...)
	r.want("due", r.due(session.KindSession, now), alive...)

	// It has no version, and leaves nothing to one of the same key.
	r.refuse(change(then(1, until(1, late))), session.ErrConflict, "change of what has expired")
	r.refuse(change(session.Put{Key: key(2), Expect: 1, Delete: true}), session.ErrConflict, "delete of what has expired")
	r.hasNo(1, term(1))
	again := put(1, "new")
	again.SameTerms = true
	r.put(again)
	r.has(1, 1, "new")
	r.want("find", r.find(term(1)))
	r.put(session.Put{Key: key(2), Delete: true})
	r.hasNo(2, term(2))
	r.put(put(8, "new", term(80)))
	r.has(8, 1, "new")
	r.want("find", r.find(term(8)))
	r.want("find", r.find(term(80)), key(8))

	// Changes go on; those that exist stay.
	for n := range 300 {
		r.put(put(1000+n, "a"))
	}
	r.want("find", r.find(term(-1)), alive...)
	r.has(1, 1, "new")
	r.has(8, 1, "new")
}
