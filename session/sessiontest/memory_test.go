package sessiontest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

func openMemory(testing.TB) session.Store {
	return session.NewMemoryStore(session.MemoryConfig{MaxRecords: 4096, JournalOctets: 4 << 20})
}

// breakMemory fills the journal.
func breakMemory(t testing.TB, s session.Store) (mend func()) {
	for size := session.MaxValue; size > 0; {
		_, err := s.Commit(t.Context(), &session.Change{Journal: [][]byte{bytes.Repeat([]byte("x"), size)}})
		if errors.Is(err, session.ErrUnavailable) {
			size /= 2
			continue
		}
		require.NoError(t, err)
	}
	return func() {
		last, err := s.Last(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.TrimJournal(t.Context(), last+1))
	}
}

func TestMemoryStore(t *testing.T) {
	Run(t, Harness{Open: openMemory, Break: breakMemory, Async: true, Bubble: true})
}

// The same by the real clock.
func TestMemoryStoreByTheClock(t *testing.T) {
	Run(t, Harness{Open: openMemory, Break: breakMemory, Async: true})
}
