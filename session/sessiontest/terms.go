package sessiontest

import (
	"github.com/opentwag/twag/session"
)

// termCases are about what records are found by.
var termCases = []contractCase{
	{"a record is found by each of its terms", func(r *run) {
		var all []session.Term
		for n := range session.MaxTerms {
			all = append(all, term(n))
		}
		r.put(put(1, "a", all...), put(2, "b", all[3]), put(3, "c"))
		for n, t := range all {
			if n == 3 {
				r.want("find", r.find(t), key(1), key(2))
			} else {
				r.want("find", r.find(t), key(1))
			}
		}
		r.want("find", r.find(term(100)))
		r.put(put(4, "d", 0, 1, 1<<63, 1<<64-1)) // terms are any numbers
		for _, t := range []session.Term{0, 1, 1 << 63, 1<<64 - 1} {
			r.want("find", r.find(t), key(4))
		}
		r.put(put(5, "e", 7), put(6, "f", 7|1<<32), put(7, "g", 7<<32), put(8, "h", 8))
		for n, t := range []session.Term{7, 7 | 1<<32, 7 << 32, 8} {
			r.want("find", r.find(t), key(5+n))
		}
	}},
	{"a record that has a term twice is shown once", func(r *run) {
		r.put(put(1, "a", term(1), term(2), term(1), term(1)))
		r.want("find", r.find(term(1)), key(1))
		r.put(then(1, put(1, "a", term(2), term(2))))
		r.want("find", r.find(term(1)))
		r.want("find", r.find(term(2)), key(1))
		r.put(session.Put{Key: key(1), Expect: 2, Delete: true})
		r.want("find", r.find(term(2)))
	}},
	{"terms are replaced", func(r *run) {
		r.put(put(1, "a", term(1), term(2), term(3)), put(2, "b", term(2)))
		r.put(then(1, put(1, "a", term(3), term(4), term(2))))
		r.want("find", r.find(term(1)))
		r.want("find", r.find(term(2)), key(1), key(2))
		r.want("find", r.find(term(3)), key(1))
		r.want("find", r.find(term(4)), key(1))
		r.put(then(2, put(1, "a")))
		r.want("find", r.find(term(2)), key(2))
		r.want("find", r.find(term(3)))
		r.want("find", r.find(term(4)))
	}},
	{"SameTerms keeps the terms", func(r *run) {
		r.put(put(1, "a", term(1), term(2)))
		same := then(1, put(1, "b", term(3)))
		same.SameTerms = true
		same.Terms = append(same.Terms, make([]session.Term, 2*session.MaxTerms)...) // ignored
		r.put(same)
		r.has(1, 2, "b")
		r.want("find", r.find(term(1)), key(1))
		r.want("find", r.find(term(2)), key(1))
		r.want("find", r.find(term(3)))
		r.want("find", r.find(0))
		r.put(session.Put{Key: key(2), SameTerms: true, Terms: []session.Term{term(1)}}) // has none
		r.want("find", r.find(term(1)), key(1))
	}},
	{"the terms of a deleted record are gone for good", func(r *run) {
		r.put(put(1, "a", term(1)))
		r.put(session.Put{Key: key(1), Expect: 1, Delete: true})
		again := put(1, "b")
		again.SameTerms = true
		r.put(again)
		r.want("find", r.find(term(1)))
		for n := range 20 { // in its place
			r.put(put(10+n, "c", term(2)))
		}
		r.want("find", r.find(term(1)))
	}},
	{"a term of many records", func(r *run) {
		const many = 600
		var want []session.Key
		for n := 0; n < many; n += 20 {
			c := &session.Change{}
			for i := range 20 {
				c.Puts = append(c.Puts, put(n+i, "a", term(n+i), term(-1), term(-2-(n+i)%2)))
				want = append(want, key(n+i))
			}
			r.commit(c)
		}
		r.want("find", r.find(term(-1)), want...)
		// The first, the last, and every third in between go, one way or another.
		want = want[:0]
		for n := range many {
			switch {
			case n%3 == 0 || n == many-1:
				if n%2 == 0 {
					r.put(session.Put{Key: key(n), Expect: 1, Delete: true})
				} else {
					r.put(then(1, put(n, "a", term(n))))
				}
			default:
				want = append(want, key(n))
			}
		}
		r.want("find", r.find(term(-1)), want...)
		for n := range many {
			if n%3 == 0 && n%2 == 0 {
				r.want("find", r.find(term(n)))
			} else {
				r.want("find", r.find(term(n)), key(n))
			}
		}
	}},
}
