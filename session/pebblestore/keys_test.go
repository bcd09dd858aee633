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
			given := session.Record{Key: recordKey(3, 1), Version: 7, Due: c.given, Expires: c.given, Value: []byte("value")}
			b := appendRemoval(appendChange(nil, &given, terms), recordKey(3, 0))
			first, rest, err := cutChange(b)
			require.NoError(t, err)
			version, err := first.version()
			require.NoError(t, err)
			require.EqualValues(t, 7, version)
			r, got, err := parseRecord(first.key, first.record, nil)
			require.NoError(t, err)
			require.Equal(t, session.Record{Key: given.Key, Version: 7, Due: c.there, Expires: c.there, Value: given.Value}, r)
			require.Equal(t, terms, got)
			second, rest, err := cutChange(rest)
			require.NoError(t, err)
			require.Equal(t, recordKey(3, 0), second.key)
			require.Empty(t, second.record)
			require.Empty(t, rest)
		})
	}
}

// FuzzParse: what the disk says is never trusted.
func FuzzParse(f *testing.F) {
	given := session.Record{Key: recordKey(3, 1), Version: 1, Value: []byte("value")}
	b := appendChange(nil, &given, []session.Term{5})
	f.Add(b)
	f.Add(b[recordKeyLen+1:])
	f.Add(appendRemoval(b, given.Key))
	f.Add(appendLogKey(nil, 9))
	f.Add(appendEntry(appendEntry(nil, []byte("a")), nil))
	f.Add(appendTrim(nil, 1, 2))
	f.Add(appendJournalKey(nil, 9))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, terms, err := parseRecord(given.Key, b, nil); err == nil {
			again, _, err := cutChange(appendChange(nil, &r, terms))
			require.NoError(t, err)
			require.Equal(t, b, again.record)
		}
		if l, rest, err := cutChange(b); err == nil {
			require.LessOrEqual(t, len(appendLogged(nil, l))+len(rest), len(b)) // likewise
			_, _ = l.version()
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
		if number, err := parseLogKey(b); err == nil && b[0] == prefixLog {
			require.Equal(t, b, appendLogKey(nil, number))
		}
		_ = checkFormat(b)
	})
}

func appendLogged(b []byte, l loggedChange) []byte {
	return append(appendHead(b, l.key, len(l.record)), l.record...)
}
