package session

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// The benchmarks share a store of a million sessions.
var million = sync.OnceValue(func() *MemoryStore {
	m := NewMemoryStore(MemoryConfig{})
	f := newFiller()
	for i := range 1_000_000 {
		if _, err := m.Commit(context.Background(), &Change{Puts: []Put{f.put(i)}}); err != nil {
			panic(err)
		}
	}
	return m
})

func BenchmarkMemoryGet(b *testing.B) {
	m, f, ctx := million(), newFiller(), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Get(ctx, f.id(rand.IntN(1_000_000))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMemoryFind(b *testing.B) {
	m, f, ctx := million(), newFiller(), b.Context()
	found := 0
	show := func(Record) bool { found++; return true }
	b.ReportAllocs()
	for b.Loop() {
		f.put(rand.IntN(1_000_000))
		if err := m.Find(ctx, f.terms[6], show); err != nil {
			b.Fatal(err)
		}
	}
	if found != b.N {
		b.Fatal(found)
	}
}

// An update as accounting makes it: same terms, a journal entry.
func BenchmarkMemoryCommit(b *testing.B) {
	m, f, ctx := million(), newFiller(), b.Context()
	ticket := make([]byte, 400)
	due, expires := time.Now().Add(time.Hour), time.Now().Add(24*time.Hour)
	c := Change{Puts: make([]Put, 1), Journal: [][]byte{ticket}}
	b.ReportAllocs()
	for b.Loop() {
		key := f.id(rand.IntN(1_000_000))
		n, _ := m.records.find(key)
		c.Puts[0] = Put{Key: key, Expect: m.records.slot(n).version, SameTerms: true, Value: f.value[:300], Due: due, Expires: expires}
		first, err := m.Commit(ctx, &c)
		if err != nil {
			b.Fatal(err)
		}
		if first%10_000 == 0 {
			_ = m.TrimJournal(ctx, first)
		}
	}
}

// A login and an end: a record comes, and another goes.
func BenchmarkMemoryComeAndGo(b *testing.B) {
	m, f, ctx := million(), newFiller(), b.Context()
	i := 1_000_000
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Commit(ctx, &Change{Puts: []Put{f.put(i)}}); err != nil {
			b.Fatal(err)
		}
		if _, err := m.Commit(ctx, &Change{Puts: []Put{{Key: f.id(i), Expect: 1, Delete: true}}}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkMemoryDue(b *testing.B) {
	m, ctx := million(), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Due(ctx, KindSession, time.Now(), func(Record) bool { b.Error("due"); return true }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMemoryScan(b *testing.B) {
	m, ctx := million(), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Scan(ctx, KindSession, func(Record) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProjectionLoad(b *testing.B) {
	p, f := NewProjection(0), newFiller()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		put := f.put(i)
		if err := p.Load(Record{Key: put.Key, Version: 1, Due: put.Due, Expires: put.Expires, Value: put.Value}, put.Terms); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
