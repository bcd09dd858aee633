package sessiontest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/opentwag/twag/session"
)

// commitCases are about Commit and what it says of a record.
var commitCases = []contractCase{
	{"an empty store has nothing", func(r *run) {
		r.hasNo(1, term(1))
		r.wantLast()
		r.wantJournal(0)
	}},
	{"a change is visible when Commit returns", func(r *run) {
		for n := range 50 {
			r.put(put(n, "a", term(n), term(-1)))
			r.has(n, 1, "a")
			r.want("find", r.find(term(n)), key(n))
			if len(r.find(term(-1))) != n+1 || len(r.scan(session.KindSession)) != n+1 {
				r.failf("record %d is not shown", n)
			}
		}
		for n := range 50 {
			r.has(n, 1, "a")
		}
	}},
	{"a record keeps what was put", func(r *run) {
		due, expires := time.Now().Add(90*time.Minute), time.Now().Add(48*time.Hour)
		for n, p := range []session.Put{
			{},
			{Value: []byte{0}},
			{Value: bytes.Repeat([]byte{0, 0xff, 7}, 100), Due: due},
			{Value: bytes.Repeat([]byte("x"), session.MaxValue), Expires: expires},
			{Value: bytes.Repeat([]byte("y"), session.MaxValue-1), Expires: expires, Due: due},
			{Value: []byte("years"), Due: due.AddDate(20, 0, 0), Expires: expires.AddDate(20, 0, 0)},
			{Value: []byte("past"), Due: due.AddDate(-2, 0, 0)},
		} {
			p.Key = key(n)
			r.put(p)
			want := session.Record{Key: p.Key, Version: 1, Due: p.Due, Expires: p.Expires, Value: p.Value}
			if !equal(r.get(p.Key), want) {
				r.failf("record %d is not what was put", n)
			}
			r.want("find", r.find(term(1)))
		}
	}},
	{"values of all sizes come and go", func(r *run) {
		sizes := []int{0, 1, 15, 16, 17, 100, 255, 256, 300, 500, 511, 512, 513, 1000, 2000, 4096, 5000, 9000, 16000, session.MaxValue}
		for round := range 2 * len(sizes) {
			var puts []session.Put
			for n := range sizes {
				puts = append(puts, then(uint64(round), put(n, strings.Repeat(string(rune('a'+n)), sizes[(n+round)%len(sizes)]))))
			}
			r.put(puts...)
			for n := range sizes {
				r.has(n, uint64(round)+1, string(puts[n].Value))
			}
		}
	}},
	{"a version is one more with each change", func(r *run) {
		r.put(put(1, "a"))
		for v := range uint64(300) {
			r.has(1, v+1, "a")
			r.put(then(v+1, put(1, "a")))
		}
	}},
	{"a change replaces all of a record", func(r *run) {
		soon := time.Now().Add(time.Hour)
		p := put(1, "a")
		p.Due, p.Expires = soon, soon
		r.put(p)
		r.put(then(1, put(1, "b")))
		if rec := r.get(key(1)); !rec.Due.IsZero() || !rec.Expires.IsZero() || string(rec.Value) != "b" {
			r.failf("something of the old state stays")
		}
		p.Due, p.Expires = soon.Add(time.Hour), soon.Add(2*time.Hour)
		r.put(then(2, p))
		if rec := r.get(key(1)); !near(rec.Due, p.Due) || !near(rec.Expires, p.Expires) {
			r.failf("the times are not those of the new state")
		}
	}},
	{"another version conflicts", func(r *run) {
		r.refuse(change(then(1, put(1, "x"))), session.ErrConflict, "there is no record")
		r.hasNo(1)
		r.put(put(1, "a", term(1)))
		r.put(then(1, put(1, "b", term(1))))
		for _, expect := range []uint64{0, 1, 3, 1 << 32, 2 + 1<<32, 1<<64 - 1} {
			c := change(then(expect, put(1, "x", term(2))))
			c.Puts[0].Due, c.Journal = time.Now(), entries("x")
			r.refuse(c, session.ErrConflict, "another version")
			c.Puts[0].Delete = true
			r.refuse(c, session.ErrConflict, "delete of another version")
		}
		r.has(1, 2, "b")
		r.want("find", r.find(term(1)), key(1))
		r.want("find", r.find(term(2)))
		if !r.get(key(1)).Due.IsZero() {
			r.failf("a change that was refused changed when the record is due")
		}
		r.wantJournal(0)
	}},
	{"a change is made whole or not at all", func(r *run) {
		r.put(put(1, "a", term(1)), put(2, "b", term(2)), put(3, "c", term(3)))
		for _, wrong := range []int{0, 1, 2, 3} {
			c := change(then(1, put(1, "x", term(9))), put(4, "x", term(9)), session.Put{Key: key(2), Expect: 1, Delete: true}, then(1, put(3, "x", term(9))))
			c.Journal = entries("x", "x")
			c.Puts[wrong].Expect += 2
			r.refuse(c, session.ErrConflict, "one of many")
			for n, v := range []string{"a", "b", "c"} {
				r.has(n+1, 1, v)
				r.want("find", r.find(term(n+1)), key(n+1))
			}
			r.hasNo(4)
			r.want("find", r.find(term(9)))
			r.wantJournal(0)
			r.wantLast()
		}
		c := change(then(1, put(1, "x", term(9))), put(4, "x", term(9)), session.Put{Key: key(2), Expect: 1, Delete: true}, then(1, put(3, "x", term(9))))
		c.Journal = entries("one", "two")
		r.commit(c)
		r.has(1, 2, "x")
		r.hasNo(2, term(2))
		r.has(3, 2, "x")
		r.has(4, 1, "x")
		r.want("find", r.find(term(9)), key(1), key(3), key(4))
		r.wantJournal(0)
	}},
	{"what is deleted does not exist", func(r *run) {
		p := put(1, "a", term(1))
		p.Due = time.Now().Add(-time.Minute)
		r.put(p, put(2, "b", term(1)))
		r.put(session.Put{Key: key(1), Expect: 1, Delete: true, Value: []byte("x"), Terms: []session.Term{term(3)}, Due: p.Due})
		r.hasNo(1, term(1), term(3))
		r.has(2, 1, "b")
		r.want("find", r.find(term(1)), key(2))
		r.refuse(change(session.Put{Key: key(1), Expect: 1, Delete: true}), session.ErrConflict, "delete what is gone")
		r.refuse(change(then(1, put(1, "x"))), session.ErrConflict, "change what is gone")
		r.refuse(change(then(2, put(1, "x"))), session.ErrConflict, "change what is gone")
		r.put(session.Put{Key: key(1), Delete: true}) // there is none, as expected
		r.hasNo(1)
		r.put(put(1, "again"))
		r.has(1, 1, "again")
		r.want("find", r.find(term(1)), key(2))
		r.refuse(change(session.Put{Key: key(1), Delete: true}), session.ErrConflict, "delete what should not be there")
		r.has(1, 1, "again")
	}},
	{"kinds are apart, and alike", func(r *run) {
		kinds := []session.Kind{session.KindSession, session.KindAP, session.KindNAS, session.KindTask, session.KindMark, 200, 255}
		for i, kind := range kinds {
			r.put(session.Put{Key: keyOf(kind, 1), Value: value("%d", kind), Terms: []session.Term{term(1)}, Due: time.Now().Add(-time.Hour)})
			r.want("find", r.find(term(1)), keysOf(kinds[:i+1])...)
		}
		for _, kind := range kinds {
			if got := r.get(keyOf(kind, 1)); !bytes.Equal(got.Value, value("%d", kind)) {
				r.failf("kind %d has the value of another", kind)
			}
			r.want("scan", r.scan(kind), keyOf(kind, 1))
			r.want("due", r.due(kind, time.Now()), keyOf(kind, 1))
		}
		r.want("scan", r.scan(100))
		r.put(session.Put{Key: keyOf(kinds[0], 1), Expect: 1, Delete: true})
		r.want("find", r.find(term(1)), keysOf(kinds[1:])...)
	}},
	{"a change that breaks the rules is refused", func(r *run) {
		r.put(put(1, "a", term(1)))
		long := strings.Repeat("x", session.MaxValue+1)
		var many []session.Term
		for n := range session.MaxTerms + 1 {
			many = append(many, term(100+n))
		}
		good := []session.Put{put(5, "x", term(5)), then(1, put(1, "x"))}
		for why, bad := range map[string]*session.Change{
			"no kind":              change(append(good, session.Put{Key: session.Key{ID: key(2).ID}})...),
			"no ID":                change(append(good, session.Put{Key: session.Key{Kind: session.KindSession}})...),
			"a value too long":     change(append(good, put(2, long))...),
			"too many terms":       change(append(good, put(2, "x", many...))...),
			"a key twice":          change(append(good, put(5, "y"))...),
			"a key twice, deleted": change(append(good, session.Put{Key: key(1), Expect: 1, Delete: true})...),
			"an entry too long":    {Puts: good, Journal: entries("x", long)},
		} {
			bad.Journal = append(bad.Journal, []byte("x"))
			r.refuse(bad, session.ErrInvalid, why)
			r.has(1, 1, "a")
			r.want("find", r.find(term(1)), key(1))
			r.hasNo(2)
			r.hasNo(5, term(5))
			r.wantLast()
		}
		r.put(put(2, long[1:], many[1:]...)) // the most there may be
		r.commit(&session.Change{Journal: entries(long[1:])})
		r.wantJournal(0)
	}},
	{"Commit does not keep the change's octets", func(r *run) {
		v, e, terms := []byte("value"), []byte("entry"), []session.Term{term(1)}
		c := &session.Change{Puts: []session.Put{{Key: key(1), Value: v, Terms: terms}}, Journal: [][]byte{e}}
		r.commit(c)
		spoil := func() {
			copy(v, "spoil")
			copy(e, "spoil")
			terms[0] = term(2)
			c.Puts[0] = session.Put{}
			c.Journal[0] = nil
		}
		spoil()
		r.has(1, 1, "value")
		r.want("find", r.find(term(1)), key(1))
		r.want("find", r.find(term(2)))
		r.wantJournal(0)
		// The same for a record that is there.
		v, e, terms = []byte("other"), []byte("event"), []session.Term{term(3)}
		*c = session.Change{Puts: []session.Put{{Key: key(1), Expect: 1, Value: v, Terms: terms}}, Journal: [][]byte{e}}
		r.commit(c)
		spoil()
		r.has(1, 2, "other")
		r.want("find", r.find(term(3)), key(1))
		r.wantJournal(0)
	}},
	{"what Get returned is the caller's own", func(r *run) {
		r.put(put(1, "value"))
		old := r.get(key(1))
		copy(old.Value, "spoil")
		r.has(1, 1, "value")
		old = r.get(key(1))
		r.put(then(1, put(1, "other")), put(2, "new"))
		r.put(session.Put{Key: key(1), Expect: 2, Delete: true})
		r.put(put(1, "third"))
		r.has(1, 1, "third")
		if string(old.Value) != "value" {
			r.failf("a later change is seen in what Get returned before")
		}
	}},
	{"a context that ends leaves no doubt", func(r *run) {
		for n := range 100 {
			ctx, cancel := context.WithCancel(r.ctx)
			if n%2 == 0 {
				cancel()
			} else {
				go cancel()
			}
			c := change(put(2*n, "a"), put(2*n+1, "a"))
			c.Journal = entries("a")
			before := r.last()
			_, err := r.s.Commit(ctx, c)
			cancel()
			_, one := r.s.Get(r.ctx, key(2*n))
			_, two := r.s.Get(r.ctx, key(2*n+1))
			made := one == nil
			switch {
			case made != (two == nil) || made != (r.last() > before):
				r.failf("half of the change was made")
			case err == nil && !made:
				r.failf("Commit returned nil, but the change was not made")
			case err != nil && made && !errors.Is(err, session.ErrUncertain):
				r.failf("Commit returned %w, but the change was made", err)
			}
		}
	}},
}

func keysOf(kinds []session.Kind) []session.Key {
	var keys []session.Key
	for _, kind := range kinds {
		keys = append(keys, keyOf(kind, 1))
	}
	return keys
}
