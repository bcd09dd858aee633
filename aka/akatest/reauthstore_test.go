package akatest

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
)

func TestMemoryReauthStore(t *testing.T) {
	RunReauthStore(t, func(*testing.T) aka.ReauthStore { return aka.NewMemoryReauthStore(64) })
}

// mutant is a store with one fault; what it does not change is the store in
// memory.
type mutant struct {
	*aka.MemoryReauthStore
	get  func(m *mutant, ctx context.Context, username string) (aka.ReauthContext, error)
	put  func(m *mutant, ctx context.Context, c aka.ReauthContext) error
	swap func(m *mutant, ctx context.Context, username string, counter uint16, next *aka.ReauthContext) error
	drop func(m *mutant, ctx context.Context, imsi eap.IMSI) error

	puts int
}

func (m *mutant) Get(ctx context.Context, username string) (aka.ReauthContext, error) {
	if m.get != nil {
		return m.get(m, ctx, username)
	}
	return m.MemoryReauthStore.Get(ctx, username)
}

func (m *mutant) Put(ctx context.Context, c aka.ReauthContext) error {
	if m.put != nil {
		return m.put(m, ctx, c)
	}
	return m.MemoryReauthStore.Put(ctx, c)
}

func (m *mutant) Swap(ctx context.Context, username string, counter uint16, next *aka.ReauthContext) error {
	if m.swap != nil {
		return m.swap(m, ctx, username, counter, next)
	}
	return m.MemoryReauthStore.Swap(ctx, username, counter, next)
}

func (m *mutant) Drop(ctx context.Context, imsi eap.IMSI) error {
	if m.drop != nil {
		return m.drop(m, ctx, imsi)
	}
	return m.MemoryReauthStore.Drop(ctx, imsi)
}

// swapLoosely is Get, then Swap as if it were still as then.
func swapLoosely(m *mutant, ctx context.Context, username string, counter uint16, next *aka.ReauthContext) error {
	c, err := m.MemoryReauthStore.Get(ctx, username)
	if err != nil || c.Counter != counter {
		return aka.ErrReauthUsed
	}
	runtime.Gosched()
	_ = m.MemoryReauthStore.Swap(ctx, username, counter, nil)
	if next != nil {
		return m.MemoryReauthStore.Put(ctx, *next)
	}
	return nil
}

// A suite that lets a bad store pass proves nothing: each of these fails it.
func TestMutantsFail(t *testing.T) {
	mutants := map[string]mutant{
		"loses every fourth write": {put: func(m *mutant, ctx context.Context, c aka.ReauthContext) error {
			if m.puts++; m.puts%4 == 0 {
				return nil
			}
			return m.MemoryReauthStore.Put(ctx, c)
		}},
		"does not replace": {put: func(m *mutant, ctx context.Context, c aka.ReauthContext) error {
			if _, err := m.MemoryReauthStore.Get(ctx, c.Username); err == nil {
				return nil
			}
			return m.MemoryReauthStore.Put(ctx, c)
		}},
		"forgets the time": {put: func(m *mutant, ctx context.Context, c aka.ReauthContext) error {
			c.Expires = time.Now().Add(24 * time.Hour)
			return m.MemoryReauthStore.Put(ctx, c)
		}},
		"cuts the key": {put: func(m *mutant, ctx context.Context, c aka.ReauthContext) error {
			c.Keys.Master[31] = 0
			return m.MemoryReauthStore.Put(ctx, c)
		}},
		"forgets the network": {put: func(m *mutant, ctx context.Context, c aka.ReauthContext) error {
			c.NetworkName = ""
			return m.MemoryReauthStore.Put(ctx, c)
		}},
		"forgets forward secrecy": {put: func(m *mutant, ctx context.Context, c aka.ReauthContext) error {
			c.ForwardSecrecy = false
			return m.MemoryReauthStore.Put(ctx, c)
		}},
		"uses up by getting": {get: func(m *mutant, ctx context.Context, username string) (aka.ReauthContext, error) {
			c, err := m.MemoryReauthStore.Get(ctx, username)
			_ = m.MemoryReauthStore.Swap(ctx, username, c.Counter, nil)
			return c, err
		}},
		"other error": {get: func(m *mutant, ctx context.Context, username string) (aka.ReauthContext, error) {
			c, err := m.MemoryReauthStore.Get(ctx, username)
			if err != nil {
				err = errors.New("not found")
			}
			return c, err
		}},
		"no regard to case": {
			get: func(m *mutant, ctx context.Context, username string) (aka.ReauthContext, error) {
				return m.MemoryReauthStore.Get(ctx, strings.ToLower(username))
			},
			put: func(m *mutant, ctx context.Context, c aka.ReauthContext) error {
				c.Username = strings.ToLower(c.Username)
				return m.MemoryReauthStore.Put(ctx, c)
			},
		},
		"no regard to the counter": {swap: func(m *mutant, ctx context.Context, username string, _ uint16, next *aka.ReauthContext) error {
			c, err := m.MemoryReauthStore.Get(ctx, username)
			if err != nil {
				return aka.ErrReauthUsed
			}
			return m.MemoryReauthStore.Swap(ctx, username, c.Counter, next)
		}},
		"keeps the old one": {swap: func(m *mutant, ctx context.Context, username string, counter uint16, next *aka.ReauthContext) error {
			c, err := m.MemoryReauthStore.Get(ctx, username)
			if err != nil || c.Counter != counter {
				return aka.ErrReauthUsed
			}
			if next != nil {
				return m.MemoryReauthStore.Put(ctx, *next)
			}
			return nil
		}},
		"loses the next one": {swap: func(m *mutant, ctx context.Context, username string, counter uint16, _ *aka.ReauthContext) error {
			return m.MemoryReauthStore.Swap(ctx, username, counter, nil)
		}},
		"stores the next one anyway": {swap: func(m *mutant, ctx context.Context, username string, counter uint16, next *aka.ReauthContext) error {
			err := m.MemoryReauthStore.Swap(ctx, username, counter, next)
			if err != nil && next != nil {
				_ = m.MemoryReauthStore.Put(ctx, *next)
			}
			return err
		}},
		"swaps in two steps": {swap: swapLoosely},
		"swaps what is not there": {swap: func(m *mutant, ctx context.Context, username string, counter uint16, next *aka.ReauthContext) error {
			if err := m.MemoryReauthStore.Swap(ctx, username, counter, next); err != nil && next != nil {
				return m.MemoryReauthStore.Put(ctx, *next)
			}
			return nil
		}},
		"drops nobody": {drop: func(*mutant, context.Context, eap.IMSI) error { return nil }},
		"drops all": {drop: func(m *mutant, _ context.Context, _ eap.IMSI) error {
			m.MemoryReauthStore = aka.NewMemoryReauthStore(64)
			return nil
		}},
		"drop fails for nobody": {drop: func(m *mutant, ctx context.Context, imsi eap.IMSI) error {
			n := m.Len()
			if err := m.MemoryReauthStore.Drop(ctx, imsi); err != nil || n == m.Len() {
				return aka.ErrNoReauth
			}
			return nil
		}},
	}
	for name, fault := range mutants {
		t.Run(name, func(t *testing.T) {
			failed := 0
			for _, c := range reauthCases {
				m := fault
				m.MemoryReauthStore = aka.NewMemoryReauthStore(64)
				if c.run(t.Context(), &m) != nil {
					failed++
				}
			}
			require.NotZero(t, failed)
			require.Less(t, failed, len(reauthCases), "the fault is one, not all")
		})
	}
}
