package pebblestore

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/session"
)

func TestRecord(t *testing.T) {
	second := time.Unix(1_800_000_000, 0).UTC()
	terms := []session.Term{1, math.MaxUint64}
	for _, c := range []struct {
		name         string
		given, there time.Time
	}{
		{"none", time.Time{}, time.Time{}},
		{"whole", second, second},
		{"rounded up", second.Add(1), second.Add(time.Second)},
		{"before 1970", time.Unix(-5, 0), time.Unix(1, 0).UTC()},
		{"after 2106", time.Unix(1<<40, 0), time.Unix(math.MaxUint32, 0).UTC()},
	} {
		t.Run(c.name, func(t *testing.T) {
			put := session.Put{Key: recordKey(3, 1), Expect: 6, Due: c.given, Expires: c.given, Value: []byte("value")}
			b := make([]byte, recordLen(terms, put.Value))
			putRecord(b, &put, terms)
			key, err := parseRecordKey(appendRecordKey(nil, put.Key))
			require.NoError(t, err)
			r, got, err := parseRecord(key, b, nil)
			require.NoError(t, err)
			require.Equal(t, session.Record{Key: put.Key, Version: 7, Due: c.there, Expires: c.there, Value: put.Value}, r)
			require.Equal(t, terms, got)
		})
	}
}

// FuzzParse: what the disk says is never trusted.
func FuzzParse(f *testing.F) {
	put := session.Put{Key: recordKey(3, 1), Value: []byte("value")}
	b := make([]byte, recordLen([]session.Term{5}, put.Value))
	putRecord(b, &put, []session.Term{5})
	f.Add(b)
	f.Add(appendEntry(appendEntry(nil, []byte("a")), nil))
	f.Add(appendTrim(nil, 1, 2))
	f.Add(appendJournalKey(nil, 9))
	f.Add(appendRecordKey(nil, put.Key))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, terms, err := parseRecord(put.Key, b, nil); err == nil {
			again := make([]byte, recordLen(terms, r.Value))
			putRecord(again, &session.Put{Expect: r.Version - 1, Due: r.Due, Expires: r.Expires, Value: r.Value}, terms)
			require.Equal(t, b, again)
		}
		if n, err := countEntries(b); err == nil {
			var again []byte
			for rest := b; len(rest) > 0; n-- {
				var entry []byte
				entry, rest, _ = cutEntry(rest)
				again = appendEntry(again, entry)
			}
			require.Zero(t, n)
			require.LessOrEqual(t, len(again), len(b)) // lengths may be written longer than need be
		}
		if first, last, err := parseTrim(b); err == nil {
			require.Equal(t, b, appendTrim(nil, first, last))
		}
		if seq, err := parseJournalKey(b); err == nil && b[0] == prefixJournal {
			require.Equal(t, b, appendJournalKey(nil, seq))
		}
		if key, err := parseRecordKey(b); err == nil && b[0] == prefixRecord {
			require.Equal(t, b, appendRecordKey(nil, key))
		}
		_ = checkFormat(b)
	})
}
