package pebblestore

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

// stored is all records of a kind, with what finds them.
func stored(t *testing.T, s *Store) map[session.Key]session.Record {
	t.Helper()
	out := make(map[session.Key]session.Record)
	require.NoError(t, s.Scan(t.Context(), session.KindSession, func(r session.Record) bool {
		r.Value = slices.Clone(r.Value)
		out[r.Key] = r
		return true
	}))
	return out
}

// TestLogIsCleared: whatever was changed, the log has all that holds, and not much else, and so has
// the disk after any crash.
func TestLogIsCleared(t *testing.T) {
	t.Parallel()
	mem := vfs.NewCrashableMem()
	s := open(t, dbDir, small(mem))
	random := rand.New(rand.NewPCG(5, 6))
	const records = 60
	model := make(map[session.Key]session.Record)
	terms := make(map[session.Key]session.Term)
	most, cleared := 0, false
	for round := range 3000 {
		c := new(session.Change)
		for _, n := range random.Perm(records)[:1+random.IntN(3)] {
			if n < 10 && round > 100 {
				continue // some stay as they are
			}
			key := recordKey(n, 0)
			old, exists := model[key]
			put := session.Put{Key: key, Expect: old.Version, SameTerms: exists && random.IntN(2) == 0}
			if exists && random.IntN(4) == 0 {
				put.Delete = true
				delete(model, key)
				delete(terms, key)
			} else {
				put.Value = make([]byte, random.IntN(2000))
				put.Value = append(put.Value, byte(round), byte(round>>8))
				put.Due = time.Unix(int64(1_900_000_000+round), 0).UTC()
				if !put.SameTerms {
					terms[key] = session.Term(random.IntN(20) + 1)
					put.Terms = []session.Term{terms[key]}
				}
				model[key] = session.Record{Key: key, Version: old.Version + 1, Due: put.Due, Value: put.Value}
			}
			c.Puts = append(c.Puts, put)
		}
		if len(c.Puts) == 0 {
			continue
		}
		_, err := s.Commit(t.Context(), c)
		require.NoError(t, err)
		if round%250 == 249 {
			crashed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: random})
			require.NoError(t, s.Close())
			mem = crashed
			s = open(t, dbDir, small(mem))
			require.Equal(t, model, stored(t, s), round)
			for key, term := range terms {
				found := false
				require.NoError(t, s.Find(t.Context(), term, func(r session.Record) bool {
					found = found || r.Key == key
					return true
				}))
				require.True(t, found)
			}
			log := s.view.Load().log
			most = max(most, log.octets)
			cleared = cleared || log.first > 1
		}
	}
	require.True(t, cleared)
	// What has been cleared is removed a table at a time.
	require.Less(t, most, (2*spareTables+2)*minMemTable)
}
