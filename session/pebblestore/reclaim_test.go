package pebblestore

import (
	"fmt"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
)

// TestReclaim: tables are removed when the last key they have is no longer used, in one go up
// to there, and nothing that is used ever is.
func TestReclaim(t *testing.T) {
	var mu sync.Mutex
	var done []string
	r := newReclaimer(func(span pebble.KeyRange) {
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, span.Start[:1], span.End[:1])
		end, err := parseJournalKey(append([]byte{prefixJournal}, span.End[1:]...))
		require.NoError(t, err)
		done = append(done, fmt.Sprintf("%s-%d", span.Start, end))
	})
	expect := func(want ...string) {
		t.Helper()
		waitFor(t, "nothing is reclaimed", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return !r.busy
		})
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, want, done)
		done = nil
	}
	table := func(last []byte) pebble.TableInfo {
		var info pebble.TableInfo
		info.Largest.UserKey = last
		return info
	}
	flushed := func(journal, log uint64) {
		r.tables([]pebble.TableInfo{table(appendJournalKey(nil, journal)), table(appendLogKey(nil, log)), table(trimKey)})
	}
	flushed(10, 5)
	expect()
	r.use(10, 5) // each the last of its table
	expect()
	r.use(11, 5)
	expect("j-11")
	r.use(11, 5)
	expect()
	flushed(20, 9)
	flushed(30, 12)
	flushed(30, 12) // as a compaction may say
	r.use(30, 13)
	expect("j-21", "l-13")
	r.use(1000, 13)
	expect("j-31")
	flushed(40, 12) // unused when it is written
	expect("j-41", "l-13")
}
