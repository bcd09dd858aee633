package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/opentwag/twag/session"
)

// What is in the database, format 1:
//
//	"f"                       the format, a varint
//	"j" first sequence number journal entries that were committed together, each a
//	                          varint with its length and its octets; numbers
//	                          have 8 octets, big endian
//	"t"                       the journal's state when it was last trimmed: first number that
//	                          is kept, last number that there was; 8 octets each
//	"r" kind, ID              a record: version (8 octets), due and expires (4 each,
//	                          seconds since 1970, 0: none), number of terms (1),
//	                          terms (8 each), value
//
// Entries lie in the order of their numbers apart from the records, so that
// Pebble moves its files of them without writing them again.
const (
	format = 1

	prefixFormat  = 'f'
	prefixJournal = 'j'
	prefixRecord  = 'r'
	prefixTrim    = 't'
)

var (
	formatKey     = []byte{prefixFormat}
	trimKey       = []byte{prefixTrim}
	journalBegin  = []byte{prefixJournal}
	journalEnd    = []byte{prefixJournal + 1}
	recordsBegin  = []byte{prefixRecord}
	recordsEnd    = []byte{prefixRecord + 1}
	errBadRecord  = errors.New("pebblestore: damaged record")
	errBadJournal = errors.New("pebblestore: damaged journal")
	errBadState   = errors.New("pebblestore: damaged state of the journal")
)

const (
	recordKeyLen  = 1 + 1 + len(session.ID{})
	recordHead    = 8 + 4 + 4 + 1
	journalKeyLen = 1 + 8
	trimLen       = 8 + 8
)

func appendRecordKey(b []byte, key session.Key) []byte {
	b = append(b, prefixRecord, byte(key.Kind))
	return append(b, key.ID[:]...)
}

func parseRecordKey(b []byte) (session.Key, error) {
	if len(b) != recordKeyLen {
		return session.Key{}, errBadRecord
	}
	return session.Key{Kind: session.Kind(b[1]), ID: session.ID(b[2:])}, nil
}

// seconds rounds up, so that nothing expires before its time; what there are no
// seconds for gets the nearest.
func seconds(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return uint32(min(max(s, 1), math.MaxUint32))
}

func timeOf(s uint32) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}

func recordLen(terms []session.Term, value []byte) int {
	return recordHead + 8*len(terms) + len(value)
}

// putRecord writes the record that a put makes into b, which has recordLen octets.
func putRecord(b []byte, put *session.Put, terms []session.Term) {
	binary.BigEndian.PutUint64(b, put.Expect+1)
	binary.BigEndian.PutUint32(b[8:], seconds(put.Due))
	binary.BigEndian.PutUint32(b[12:], seconds(put.Expires))
	b[16] = byte(len(terms))
	b = b[recordHead:]
	for _, t := range terms {
		binary.BigEndian.PutUint64(b, uint64(t))
		b = b[8:]
	}
	copy(b, put.Value)
}

// parseRecord returns the record under a key; its value aliases b, the terms are
// appended to buf.
func parseRecord(key session.Key, b []byte, buf []session.Term) (session.Record, []session.Term, error) {
	if len(b) < recordHead || len(b) < recordHead+8*int(b[16]) || b[16] > session.MaxTerms {
		return session.Record{}, buf, errBadRecord
	}
	r := session.Record{
		Key:     key,
		Version: binary.BigEndian.Uint64(b),
		Due:     timeOf(binary.BigEndian.Uint32(b[8:])),
		Expires: timeOf(binary.BigEndian.Uint32(b[12:])),
	}
	n := int(b[16])
	b = b[recordHead:]
	for range n {
		buf = append(buf, session.Term(binary.BigEndian.Uint64(b)))
		b = b[8:]
	}
	r.Value = b
	return r, buf, nil
}

func appendJournalKey(b []byte, first uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefixJournal), first)
}

func parseJournalKey(b []byte) (first uint64, err error) {
	if len(b) != journalKeyLen {
		return 0, errBadJournal
	}
	return binary.BigEndian.Uint64(b[1:]), nil
}

func appendEntry(b, entry []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(entry))), entry...)
}

// cutEntry splits the first entry off those that were committed together.
func cutEntry(b []byte) (entry, rest []byte, err error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, errBadJournal
	}
	end := used + int(n)
	return b[used:end], b[end:], nil
}

// countEntries returns how many entries were committed together.
func countEntries(b []byte) (n uint64, err error) {
	for ; len(b) > 0; n++ {
		if _, b, err = cutEntry(b); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func appendTrim(b []byte, first, last uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, first), last)
}

func parseTrim(b []byte) (first, last uint64, err error) {
	if len(b) != trimLen {
		return 0, 0, errBadState
	}
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), nil
}

// checkFormat returns an error unless this package can read format b.
func checkFormat(b []byte) error {
	switch v, used := binary.Uvarint(b); {
	case used <= 0 || used != len(b) || v == 0:
		return fmt.Errorf("%w: not a number", ErrFormat)
	case v > format:
		return fmt.Errorf("%w: written by a later version (format %d, this one knows %d)", ErrFormat, v, format)
	default:
		return nil
	}
}
