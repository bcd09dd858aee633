package sessiontest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opentwag/twag/session"
)

// key returns a key of its own for each number.
func key(n int) session.Key {
	return session.Key{Kind: session.KindSession, ID: session.NamedID(fmt.Sprint("sessiontest ", n))}
}

func keyOf(kind session.Kind, n int) session.Key {
	k := key(n)
	k.Kind = kind
	return k
}

// term returns a term of its own for each number.
func term(n int) session.Term { return session.NewTerm(session.IndexUser, fmt.Sprint(n)) }

func value(format string, args ...any) []byte { return fmt.Appendf(nil, format, args...) }

// put is a record that is new.
func put(n int, v string, terms ...session.Term) session.Put {
	return session.Put{Key: key(n), Value: []byte(v), Terms: terms}
}

// then is the record's next state.
func then(expect uint64, p session.Put) session.Put {
	p.Expect = expect
	return p
}

func change(puts ...session.Put) *session.Change { return &session.Change{Puts: puts} }

func entries(e ...string) [][]byte {
	all := make([][]byte, len(e))
	for i := range e {
		all[i] = []byte(e[i])
	}
	return all
}

// commit makes a change that must succeed.
func (r *run) commit(c *session.Change) {
	first, err := r.s.Commit(r.ctx, c)
	r.no(err, "commit")
	last := r.lastEntry()
	switch {
	case len(c.Journal) == 0 && first != 0:
		r.failf("a change without entries has the number %d", first)
	case len(c.Journal) > 0 && first <= last:
		r.failf("number %d comes after number %d", first, last)
	case len(c.Journal) > 0 && last == 0 && first != 1:
		r.failf("the first number is %d", first)
	}
	for i, e := range c.Journal {
		r.entries = append(r.entries, journalEntry{first + uint64(i), string(e)})
	}
	r.wantLast()
}

func (r *run) put(puts ...session.Put) { r.commit(change(puts...)) }

// refuse makes a change that must fail with want.
func (r *run) refuse(c *session.Change, want error, why string) {
	first, err := r.s.Commit(r.ctx, c)
	if !errors.Is(err, want) {
		r.failf("%s: Commit returns %v, not %q", why, err, want)
	}
	if first != 0 {
		r.failf("%s: refused, but with the sequence number %d", why, first)
	}
}

func (r *run) get(k session.Key) session.Record {
	rec, err := r.s.Get(r.ctx, k)
	r.no(err, "get")
	if rec.Key != k {
		r.failf("get returns another record")
	}
	return rec
}

// has wants the record to be there, with this version and value.
func (r *run) has(n int, version uint64, v string) {
	rec := r.get(key(n))
	if rec.Version != version || string(rec.Value) != v {
		r.failf("record %d has version %d and value %.40q, not %d and %.40q", n, rec.Version, rec.Value, version, v)
	}
}

// hasNo wants no trace of the record.
func (r *run) hasNo(n int, terms ...session.Term) {
	if _, err := r.s.Get(r.ctx, key(n)); !errors.Is(err, session.ErrNotFound) {
		r.failf("get of record %d, which does not exist, returns %v, not %q", n, err, session.ErrNotFound)
	}
	for _, t := range terms {
		if slices.Contains(r.find(t), key(n)) {
			r.failf("record %d does not exist, but is found", n)
		}
	}
	if slices.Contains(r.scan(session.KindSession), key(n)) {
		r.failf("record %d does not exist, but a scan shows it", n)
	}
	if slices.Contains(r.due(session.KindSession, time.Now().AddDate(10, 0, 0)), key(n)) {
		r.failf("record %d does not exist, but is due", n)
	}
}

func (r *run) find(t session.Term) []session.Key {
	return r.shown("find", func(f func(session.Record) bool) error { return r.s.Find(r.ctx, t, f) })
}

func (r *run) scan(kind session.Kind) []session.Key {
	return r.shown("scan", func(f func(session.Record) bool) error { return r.s.Scan(r.ctx, kind, f) })
}

func (r *run) due(kind session.Kind, now time.Time) []session.Key {
	return r.shown("due", func(f func(session.Record) bool) error { return r.s.Due(r.ctx, kind, now, f) })
}

// shown returns the keys of what is shown, in the order of keys. What is shown must be
// what Get returns.
func (r *run) shown(how string, show func(f func(session.Record) bool) error) []session.Key {
	var keys []session.Key
	var wrong error
	r.no(show(func(rec session.Record) bool {
		keys = append(keys, rec.Key)
		if got, err := r.s.Get(r.ctx, rec.Key); err != nil || !equal(got, rec) {
			wrong = fmt.Errorf("%s shows another record than Get does (%v)", how, err)
		}
		return true
	}), how)
	r.no(wrong, "reading")
	slices.SortFunc(keys, compareKeys)
	return keys
}

func compareKeys(a, b session.Key) int {
	if a.Kind != b.Kind {
		return int(a.Kind) - int(b.Kind)
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}

// want compares keys, whose order does not count.
func (r *run) want(what string, got []session.Key, want ...session.Key) {
	slices.SortFunc(want, compareKeys)
	if !slices.Equal(got, want) {
		r.failf("%s shows %d records, or others than the %d that it should", what, len(got), len(want))
	}
}

func equal(a, b session.Record) bool {
	return a.Key == b.Key && a.Version == b.Version && bytes.Equal(a.Value, b.Value) && near(a.Due, b.Due) && near(a.Expires, b.Expires)
}

// near tells times that are the same but for a second; zero is but zero.
func near(a, b time.Time) bool {
	return a.IsZero() == b.IsZero() && a.Sub(b).Abs() <= time.Second
}

// A journalEntry is what ReadJournal shows.
type journalEntry struct {
	seq   uint64
	entry string
}

func (r *run) journal(from uint64) []journalEntry {
	var all []journalEntry
	r.no(r.s.ReadJournal(r.ctx, from, func(seq uint64, entry []byte) bool {
		all = append(all, journalEntry{seq, string(entry)})
		return true
	}), "read the journal")
	return all
}

// lastEntry is the number of the newest entry that was committed.
func (r *run) lastEntry() uint64 {
	if len(r.entries) == 0 {
		return 0
	}
	return r.entries[len(r.entries)-1].seq
}

// wantJournal compares what is shown with what was committed. Entries that were
// trimmed may be shown still, but then without gaps.
func (r *run) wantJournal(from uint64) {
	want, must := r.entries, 0
	for len(want) > 0 && want[0].seq < from {
		want = want[1:]
	}
	for _, e := range want {
		if e.seq >= r.trimmed {
			must++
		}
	}
	got := r.journal(from)
	if len(got) < must || len(got) > len(want) {
		r.failf("the journal from %d on shows %d entries of %d", from, len(got), must)
	}
	for i, e := range want[len(want)-len(got):] {
		if got[i] != e {
			r.failf("the journal shows %.40q as number %d, not %.40q as number %d", got[i].entry, got[i].seq, e.entry, e.seq)
		}
	}
}

func (r *run) trim(before uint64) {
	r.no(r.s.TrimJournal(r.ctx, before), "trim the journal")
	r.trimmed = max(r.trimmed, min(before, r.lastEntry()+1))
}

func (r *run) last() uint64 {
	last, err := r.s.Last(r.ctx)
	r.no(err, "last")
	return last
}

func (r *run) wantLast() {
	if last, want := r.last(), r.lastEntry(); last != want {
		r.failf("the newest number is %d, not %d", last, want)
	}
}
