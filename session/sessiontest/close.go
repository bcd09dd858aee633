package sessiontest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/opentwag/twag/session"
)

// closeCases are about the end.
var closeCases = []contractCase{
	{"a closed store fails", func(r *run) {
		r.commit(&session.Change{Puts: []session.Put{put(1, "a", term(1))}, Journal: entries("1")})
		r.no(r.s.Close(), "close")
		f := func(session.Record) bool { return true }
		_, get := r.s.Get(r.ctx, key(1))
		_, commit := r.s.Commit(r.ctx, &session.Change{Puts: []session.Put{put(2, "a")}, Journal: entries("2")})
		_, last := r.s.Last(r.ctx)
		for how, err := range map[string]error{
			"Get":         get,
			"Commit":      commit,
			"Last":        last,
			"Find":        r.s.Find(r.ctx, term(1), f),
			"Scan":        r.s.Scan(r.ctx, session.KindSession, f),
			"Due":         r.s.Due(r.ctx, session.KindSession, time.Now(), f),
			"ReadJournal": r.s.ReadJournal(r.ctx, 1, func(uint64, []byte) bool { return true }),
			"TrimJournal": r.s.TrimJournal(r.ctx, 1),
		} {
			if !errors.Is(err, session.ErrClosed) {
				r.failf("%s of a closed store returns %v, not %q", how, err, session.ErrClosed)
			}
		}
	}},
	{"Close waits for changes being made", func(r *run) {
		var mu sync.Mutex
		made := map[int]uint64{}
		r.no(at(5, func(i int) error {
			if i == 0 {
				time.Sleep(2 * time.Millisecond)
				return r.s.Close()
			}
			for n := i; ; n += 10 {
				first, err := r.s.Commit(r.ctx, &session.Change{Puts: []session.Put{put(n, "a")}, Journal: [][]byte{number(uint64(n))}})
				switch {
				case errors.Is(err, session.ErrClosed):
					return nil
				case err != nil:
					return fmt.Errorf("commit: %w", err)
				}
				mu.Lock()
				made[n] = first
				mu.Unlock()
				if n > 1000 {
					time.Sleep(100 * time.Microsecond)
				}
			}
		}), "changes until the store is closed")
		if r.Reopen == nil {
			return
		}
		r.reopen()
		byNumber := map[uint64]uint64{}
		for _, e := range r.journal(0) {
			byNumber[e.seq] = numberOf([]byte(e.entry))
		}
		for n, first := range made {
			r.has(n, 1, "a")
			if byNumber[first] != uint64(n) {
				r.failf("the entry of a change that was made is lost")
			}
		}
	}},
}
