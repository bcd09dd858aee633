package sessiontest

import (
	"fmt"
	"strings"

	"github.com/opentwag/twag/session"
)

// journalCases are about the journal as one caller sees it. What it has to
// show is in commit and wantJournal.
var journalCases = []contractCase{
	{"entries are numbered from 1 on, in order", func(r *run) {
		for n := range 40 {
			c := change(put(n, "a"))
			for e := range n % 4 {
				c.Journal = append(c.Journal, value("%d %d", n, e))
			}
			r.commit(c)
		}
		r.wantJournal(0)
		for _, e := range r.entries {
			r.wantJournal(e.seq)
		}
		r.wantJournal(r.last() + 1)
		r.wantJournal(1<<64 - 1)
	}},
	{"a change may have nothing but entries, of any size", func(r *run) {
		sizes := []int{0, 1, 100, session.MaxValue, 0, 10_000}
		for round := range 30 {
			c := &session.Change{}
			for i, size := range sizes {
				c.Journal = append(c.Journal, []byte(strings.Repeat(string(rune('a'+(i+round)%26)), size)))
			}
			r.commit(c)
		}
		r.wantJournal(0)
		r.wantJournal(r.entries[90].seq)
		r.commit(&session.Change{})
	}},
	{"a change that fails has no entries", func(r *run) {
		r.commit(&session.Change{Puts: []session.Put{put(1, "a")}, Journal: entries("1")})
		for range 10 {
			r.refuse(&session.Change{Puts: []session.Put{put(1, "a")}, Journal: entries("x", "x")}, session.ErrConflict, "conflict")
			r.wantLast()
		}
		r.commit(&session.Change{Puts: []session.Put{put(2, "a")}, Journal: entries("2", "3")})
		r.wantJournal(0)
	}},
	{"trimming removes only what it should", func(r *run) {
		for n := range 60 {
			r.commit(&session.Change{Journal: entries(strings.Repeat(fmt.Sprint(n, " "), 500))})
		}
		for _, before := range []int{0, 1, 10, 5, 30, 31, 59} {
			r.trim(r.entries[before].seq)
			r.wantLast()
			r.wantJournal(0)
			r.wantJournal(r.trimmed)
			r.wantJournal(r.entries[40].seq)
		}
		r.trim(0)
		r.wantJournal(0)
		r.trim(r.last() + 1)
		r.trim(r.last() + 1)
		r.wantLast()
		r.wantJournal(0)
	}},
	{"numbers go on after trimming", func(r *run) {
		r.commit(&session.Change{Journal: entries("1", "2", "3")})
		r.trim(r.last() + 1)
		r.wantLast()
		r.commit(&session.Change{Journal: entries("4", "5")})
		r.wantJournal(0)
		// What is not there yet is not trimmed.
		r.trim(r.last() + 1000)
		r.wantLast()
		r.commit(&session.Change{Journal: entries("6")})
		r.wantJournal(0)
	}},
}
