package sessiontest

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/opentwag/twag/session"
)

// Harness is what [Run] has to know of a store.
type Harness struct {
	// Open returns an empty store, which Run closes. Several may be open at
	// once. It holds at least 4096 records and a journal of 4 MiB.
	Open func(t testing.TB) session.Store

	// Reopen has the store end without a warning, as if the machine had lost
	// its power: what is not durable is lost. It returns the store that is
	// opened after that. The old one may be in use, or have been closed; it is
	// the harness that closes it. Nil: nothing outlives the store.
	Reopen func(t testing.TB, s session.Store) session.Store

	// Break makes the store fail: changes with journal entries end with
	// ErrUnavailable or ErrUncertain from then on, while reads go on. mend
	// makes it serve again, within seconds. Both may add to the journal, and
	// trim what they added. Nil: the store can't be made to fail.
	Break func(t testing.TB, s session.Store) (mend func())

	// Async says that the stores are [session.AsyncStore]s.
	Async bool

	// Bubble says that the store may be used in a bubble of package
	// testing/synctest: it has no real I/O. The suite takes no time then;
	// otherwise some seconds go by while records expire.
	Bubble bool
}

// Run checks a store against every sentence of the contract of
// [session.Store], and of [session.AsyncStore] if it is one, in a test of its own each.
func Run(t *testing.T, h Harness) {
	for _, c := range cases(h) {
		t.Run(c.name, func(t *testing.T) {
			if err := h.check(t, c); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A contractCase is a sentence of the contract, or a few that belong together. It
// calls its argument's methods, which end it when something is wrong.
type contractCase struct {
	name string
	run  func(r *run)
}

// cases returns those that the harness makes possible.
func cases(h Harness) []contractCase {
	all := append([]contractCase(nil), commitCases...)
	all = append(all, termCases...)
	all = append(all, readCases...)
	all = append(all, journalCases...)
	all = append(all, raceCases...)
	all = append(all, closeCases...)
	if h.Reopen != nil {
		all = append(all, reopenCases...)
	}
	if h.Break != nil {
		all = append(all, breakCases...)
	}
	if !h.Async {
		return all
	}
	all = append(all, asyncCases...)
	if h.Reopen != nil {
		all = append(all, asyncReopenCases...)
	}
	if h.Break != nil {
		all = append(all, asyncBreakCases...)
	}
	return all
}

// check runs one case.
func (h Harness) check(t *testing.T, c contractCase) (err error) {
	if !h.Bubble {
		return h.checkHere(t, c)
	}
	synctest.Test(t, func(t *testing.T) { err = h.checkHere(t, c) })
	return err
}

func (h Harness) checkHere(t *testing.T, c contractCase) (err error) {
	r := &run{Harness: h, t: t, ctx: t.Context(), s: h.Open(t)}
	defer func() { _ = r.s.Close() }()
	defer func() {
		switch f := recover().(type) {
		case nil:
		case failure:
			err = fmt.Errorf("%s: %w", c.name, f.error)
		default:
			panic(f)
		}
	}()
	c.run(r)
	return nil
}

// failure is what a run panics with.
type failure struct{ error }

// A run is a case that runs.
type run struct {
	Harness
	t   *testing.T
	ctx context.Context
	s   session.Store

	// What commit has put into the journal, and what trim has taken away.
	entries []journalEntry
	trimmed uint64
}

func (r *run) failf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// no fails if there is an error.
func (r *run) no(err error, doing string) {
	if err != nil {
		r.failf("%s: %w", doing, err)
	}
}

// reopen is a crash.
func (r *run) reopen() { r.s = r.Reopen(r.t, r.s) }
