package akatest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

// RunReauthStore checks a store against every sentence of the contract of
// [aka.ReauthStore]. newStore returns an empty store for each case; it holds 64
// contexts at the least.
func RunReauthStore(t *testing.T, newStore func(t *testing.T) aka.ReauthStore) {
	for _, c := range reauthCases {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(t.Context(), newStore(t)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

type reauthCase struct {
	name string
	run  func(ctx context.Context, s aka.ReauthStore) error
}

// reauthCases are the sentences of the contract.
var reauthCases = []reauthCase{
	{"get what was never put", func(ctx context.Context, s aka.ReauthStore) error {
		return absent(ctx, s, "4nobody")
	}},
	{"get what was put, as often as wanted", func(ctx context.Context, s aka.ReauthStore) error {
		for i, c := range contexts(12) {
			if err := s.Put(ctx, c); err != nil {
				return fmt.Errorf("put %d: %w", i, err)
			}
		}
		for _, c := range append(contexts(12), contexts(12)...) {
			if err := present(ctx, s, c); err != nil {
				return err
			}
		}
		return nil
	}},
	{"usernames differ by case", func(ctx context.Context, s aka.ReauthStore) error {
		a, b := contexts(2)[0], contexts(2)[1]
		a.Username, b.Username = "4AbCd", "4aBcD"
		if err := errors.Join(s.Put(ctx, a), absent(ctx, s, b.Username), s.Put(ctx, b), present(ctx, s, a)); err != nil {
			return err
		}
		return present(ctx, s, b)
	}},
	{"put replaces", func(ctx context.Context, s aka.ReauthStore) error {
		a, b := contexts(4)[0], contexts(4)[1] // of two subscribers
		b.Username = a.Username
		if err := errors.Join(s.Put(ctx, a), s.Put(ctx, b), present(ctx, s, b)); err != nil {
			return err
		}
		// What was replaced is nobody's any more.
		return errors.Join(s.Drop(ctx, a.IMSI), present(ctx, s, b), s.Drop(ctx, b.IMSI), absent(ctx, s, b.Username))
	}},
	{"values are the caller's", func(ctx context.Context, s aka.ReauthStore) error {
		all := contexts(2)
		a, next := all[0], all[1]
		if err := s.Put(ctx, a); err != nil {
			return err
		}
		swapped := next
		if err := s.Swap(ctx, a.Username, a.Counter, &swapped); err != nil {
			return err
		}
		swapped.Counter, swapped.Keys.KEncr[0] = 99, 99
		return present(ctx, s, next)
	}},
	{"swap for the next", func(ctx context.Context, s aka.ReauthStore) error {
		all := contexts(3)
		if err := errors.Join(s.Put(ctx, all[0]), s.Put(ctx, all[2])); err != nil {
			return err
		}
		if err := s.Swap(ctx, all[0].Username, all[0].Counter, &all[1]); err != nil {
			return fmt.Errorf("swap: %w", err)
		}
		return errors.Join(absent(ctx, s, all[0].Username), present(ctx, s, all[1]), present(ctx, s, all[2]))
	}},
	{"swap for nothing", func(ctx context.Context, s aka.ReauthStore) error {
		c := contexts(1)[0]
		if err := s.Put(ctx, c); err != nil {
			return err
		}
		if err := s.Swap(ctx, c.Username, c.Counter, nil); err != nil {
			return fmt.Errorf("swap: %w", err)
		}
		return absent(ctx, s, c.Username)
	}},
	{"swap under the same name", func(ctx context.Context, s aka.ReauthStore) error {
		c := contexts(1)[0]
		next := c
		next.Counter++
		return errors.Join(s.Put(ctx, c), s.Swap(ctx, c.Username, c.Counter, &next), present(ctx, s, next),
			used(ctx, s, c.Username, c.Counter, nil))
	}},
	{"swap what is not there", func(ctx context.Context, s aka.ReauthStore) error {
		next := contexts(1)[0]
		return errors.Join(used(ctx, s, "4nobody", 1, &next), absent(ctx, s, next.Username))
	}},
	{"swap with another counter", func(ctx context.Context, s aka.ReauthStore) error {
		all := contexts(2)
		c, next := all[0], all[1]
		if err := s.Put(ctx, c); err != nil {
			return err
		}
		for _, counter := range []uint16{0, c.Counter - 1, c.Counter + 1, 0xffff} {
			if err := errors.Join(used(ctx, s, c.Username, counter, &next), used(ctx, s, c.Username, counter, nil)); err != nil {
				return err
			}
		}
		return errors.Join(present(ctx, s, c), absent(ctx, s, next.Username))
	}},
	{"swap twice", func(ctx context.Context, s aka.ReauthStore) error {
		all := contexts(3)
		if err := errors.Join(s.Put(ctx, all[0]), s.Swap(ctx, all[0].Username, all[0].Counter, &all[1])); err != nil {
			return err
		}
		return errors.Join(used(ctx, s, all[0].Username, all[0].Counter, &all[2]), absent(ctx, s, all[2].Username), present(ctx, s, all[1]))
	}},
	{"of swaps at once one succeeds", swapAtOnce},
	{"drop a subscriber", func(ctx context.Context, s aka.ReauthStore) error {
		all := contexts(6) // two of each of three subscribers
		for _, c := range all {
			if err := s.Put(ctx, c); err != nil {
				return err
			}
		}
		gone := all[0].IMSI
		if err := s.Drop(ctx, gone); err != nil {
			return fmt.Errorf("drop: %w", err)
		}
		for _, c := range all {
			check := present(ctx, s, c)
			if c.IMSI == gone {
				check = errors.Join(absent(ctx, s, c.Username), used(ctx, s, c.Username, c.Counter, nil))
			}
			if check != nil {
				return check
			}
		}
		return nil
	}},
	{"drop follows swaps", func(ctx context.Context, s aka.ReauthStore) error {
		c := contexts(1)[0]
		if err := s.Put(ctx, c); err != nil {
			return err
		}
		for range 3 {
			next := c
			next.Username, next.Counter = c.Username+"x", c.Counter+1
			if err := s.Swap(ctx, c.Username, c.Counter, &next); err != nil {
				return err
			}
			c = next
		}
		return errors.Join(present(ctx, s, c), s.Drop(ctx, c.IMSI), absent(ctx, s, c.Username))
	}},
	{"drop nobody", func(ctx context.Context, s aka.ReauthStore) error {
		c := contexts(1)[0]
		return errors.Join(s.Drop(ctx, c.IMSI), s.Put(ctx, c), s.Drop(ctx, eap.MustParseIMSI("999999")), present(ctx, s, c))
	}},
}

// swapAtOnce has many swap one context, several times over.
func swapAtOnce(ctx context.Context, s aka.ReauthStore) error {
	const swappers = 16
	for round := range 20 {
		c := contexts(1)[0]
		c.Username = fmt.Sprintf("4round%d", round)
		if err := s.Put(ctx, c); err != nil {
			return err
		}
		nexts := make([]aka.ReauthContext, swappers)
		errs := make([]error, swappers)
		var wg sync.WaitGroup
		for i := range nexts {
			nexts[i] = c
			nexts[i].Username, nexts[i].Counter = fmt.Sprintf("4round%dnext%d", round, i), c.Counter+1
			wg.Go(func() { errs[i] = s.Swap(ctx, c.Username, c.Counter, &nexts[i]) })
		}
		wg.Wait()
		won := 0
		for i, err := range errs {
			check := absent(ctx, s, nexts[i].Username)
			switch {
			case err == nil:
				won++
				check = present(ctx, s, nexts[i])
			case !errors.Is(err, aka.ErrReauthUsed):
				check = fmt.Errorf("swap: %w, want ErrReauthUsed", err)
			}
			if check != nil {
				return check
			}
		}
		if won != 1 {
			return fmt.Errorf("%d of %d swaps of one context succeeded, want 1", won, swappers)
		}
		if err := errors.Join(absent(ctx, s, c.Username), s.Drop(ctx, c.IMSI)); err != nil {
			return err
		}
	}
	return nil
}

// contexts returns n contexts that differ in everything, of n/2 subscribers.
func contexts(n int) []aka.ReauthContext {
	all := make([]aka.ReauthContext, n)
	methods := []eap.Type{eap.TypeAKA, eap.TypeAKAPrime, eap.TypeSIM}
	for i := range all {
		c := aka.ReauthContext{
			Username: fmt.Sprintf("4Abc-_%dxyz", i),
			Method:   methods[i%len(methods)],
			IMSI:     eap.MustParseIMSI(fmt.Sprintf("00101000000%04d", i%max(n/2, 1))),
			Counter:  uint16(i*1000 + 1),
			Expires:  time.Now().Add(time.Hour + time.Duration(i)*time.Second).Truncate(time.Second),
		}
		if c.Method == eap.TypeAKAPrime {
			c.NetworkName = fmt.Sprintf("WLAN:%d", i)
			c.ForwardSecrecy = i%2 == 1
		}
		for k := range c.Keys.Master {
			c.Keys.KEncr[k/2] ^= byte(i + k)
			c.Keys.KAut[k] = byte(i + k + 1)
			c.Keys.Master[k] = byte(i*k + 2)
		}
		all[i] = c
	}
	return all
}

// present checks that a context is there, in every field.
func present(ctx context.Context, s aka.ReauthStore, want aka.ReauthContext) error {
	got, err := s.Get(ctx, want.Username)
	if err != nil {
		return fmt.Errorf("get(%q): %w", want.Username, err)
	}
	if !got.Expires.Equal(want.Expires) {
		return fmt.Errorf("get(%q): expires %v, want %v", want.Username, got.Expires, want.Expires)
	}
	got.Expires = want.Expires
	if got != want {
		return fmt.Errorf("get(%q): not what was stored", want.Username)
	}
	return nil
}

// absent checks that a context is not there.
func absent(ctx context.Context, s aka.ReauthStore, username string) error {
	if _, err := s.Get(ctx, username); !errors.Is(err, aka.ErrNoReauth) {
		return fmt.Errorf("get(%q): %v, want ErrNoReauth", username, err)
	}
	return nil
}

// used checks that a swap is refused.
func used(ctx context.Context, s aka.ReauthStore, username string, counter uint16, next *aka.ReauthContext) error {
	if err := s.Swap(ctx, username, counter, next); !errors.Is(err, aka.ErrReauthUsed) {
		return fmt.Errorf("swap(%q, %d): %v, want ErrReauthUsed", username, counter, err)
	}
	return nil
}
