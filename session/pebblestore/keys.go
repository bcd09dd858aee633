package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/opentwag/twag/session"
)

// What is in the database, format 2:
//
//	"f"                       the format, a varint
//	"j" first sequence number journal entries that were committed together, each a
//	                          varint with its length and its octets; numbers
//	                          have 8 octets, big endian
//	"t"                       the journal's state when it was last trimmed: first number that
//	                          is kept, last number that there was; 8 octets each
//	"l" number                changes of records that were committed together (see recordLog): of
//	                          each the record's kind (1 octet) and ID (16), a varint with the
//	                          length of its new state, 0 if it was removed, and that: version
//	                          (8 octets), due and expires (4 each, seconds since 1970, 0: none),
//	                          number of terms (1), terms (8 each), value. Numbers have 8 octets
//
// Journal and log are written in the order of their keys and deleted from their beginning, by
// excising whole tables (see reclaimer), so that Pebble never writes them again. What of them is there but
// not used does no harm.
const (
	format = 2

	prefixFormat  = 'f'
	prefixJournal = 'j'
	prefixLog     = 'l'
	prefixTrim    = 't'
)

var (
	formatKey     = []byte{prefixFormat}
	formatValue   = []byte{format}
	logBegin      = []byte{prefixLog}
	logEnd        = []byte{prefixLog + 1}
	trimKey       = []byte{prefixTrim}
	journalBegin  = []byte{prefixJournal}
	journalEnd    = []byte{prefixJournal + 1}
	errBadRecord  = errors.New("pebblestore: damaged record")
	errBadLog     = errors.New("pebblestore: damaged log of records")
	errBadJournal = errors.New("pebblestore: damaged journal")
	errBadState   = errors.New("pebblestore: damaged state of the journal")
)

const (
	recordKeyLen  = 1 + len(session.ID{})
	recordHead    = 8 + 4 + 4 + 1
	journalKeyLen = 1 + 8
	trimLen       = 8 + 8
)

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

// loggedChange is a change of a record.
type loggedChange struct {
	key    session.Key
	record []byte // its new state; empty: it was removed
}

// version is the record's from then on; 0 if it was removed.
func (l *loggedChange) version() (uint64, error) {
	switch {
	case len(l.record) == 0:
		return 0, nil
	case len(l.record) < recordHead:
		return 0, errBadRecord
	default:
		return binary.BigEndian.Uint64(l.record), nil
	}
}

func appendHead(b []byte, key session.Key, length int) []byte {
	b = append(append(b, byte(key.Kind)), key.ID[:]...)
	return binary.AppendUvarint(b, uint64(length))
}

// appendRemoval appends that a record was removed.
func appendRemoval(b []byte, key session.Key) []byte { return appendHead(b, key, 0) }

// appendChange appends a record's new state.
func appendChange(b []byte, r *session.Record, terms []session.Term) []byte {
	b = appendHead(b, r.Key, recordHead+8*len(terms)+len(r.Value))
	b = binary.BigEndian.AppendUint64(b, r.Version)
	b = binary.BigEndian.AppendUint32(b, seconds(r.Due))
	b = binary.BigEndian.AppendUint32(b, seconds(r.Expires))
	b = append(b, byte(len(terms)))
	for _, t := range terms {
		b = binary.BigEndian.AppendUint64(b, uint64(t))
	}
	return append(b, r.Value...)
}

// cutChange splits the first change off those of a block.
func cutChange(b []byte) (l loggedChange, rest []byte, err error) {
	if len(b) < recordKeyLen {
		return l, nil, errBadLog
	}
	l.key = session.Key{Kind: session.Kind(b[0]), ID: session.ID(b[1:recordKeyLen])}
	if l.record, rest, err = cutEntry(b[recordKeyLen:]); err != nil {
		return l, nil, errBadLog
	}
	return l, rest, nil
}

func appendLogKey(b []byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefixLog), number)
}

func parseLogKey(b []byte) (number uint64, err error) {
	if len(b) != journalKeyLen {
		return 0, errBadLog
	}
	return binary.BigEndian.Uint64(b[1:]), nil
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

// checkFormat returns an error unless this package can read the format.
func checkFormat(b []byte) error {
	switch v, used := binary.Uvarint(b); {
	case used <= 0 || used != len(b):
		return fmt.Errorf("%w: not a number", ErrFormat)
	case v != format:
		return fmt.Errorf("%w: written by another version (format %d, this one knows %d)", ErrFormat, v, format)
	default:
		return nil
	}
}
