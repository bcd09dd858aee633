package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// A journal says what a server has acknowledged. It is lines of fields with tabs between
// them. The first line is its name and the version; then there is a line for each event:
//
//	A  NAS-Identifier  Acct-Session-Id  status  number  input octets  output octets  input packets  output packets  session time  event time  first sent  acknowledged  sends
//
// number is the event's in its session, from 0; the event time is in seconds since 1970; the times of
// sending and of acknowledgement are in microseconds. Events that were sent and not acknowledged
// are at the end, with U in place of A. The last line is E, how many A there were and how many U:
// a journal without it is not whole.
const (
	journalTitle  = "apsim accounting journal 1\n"
	journalFields = 14

	journalAcknowledged = 'A'
	journalSent         = 'U'
	journalEnd          = 'E'
)

// journalFlush is how often the journal is written out. What is not yet written out is lost only if
// apsim itself dies.
const journalFlush = 100 * time.Millisecond

// journalEntry is one event's line.
type journalEntry struct {
	event        acctEvent
	nas          int
	first        int64 // in microseconds since 1970; 0: never sent
	acknowledged int64 // likewise; 0: it was not
	sends        int
}

// journalWriter writes a journal. It is not safe for concurrent use.
type journalWriter struct {
	out     *bufio.Writer
	close   func() error
	buf     []byte
	flushed time.Time
	names   []string // of the NASes
}

// createJournal begins a journal in a file that must not exist: one of another run is not to be
// lost by a slip.
func createJournal(path string) (*journalWriter, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	j := newJournalWriter(f)
	j.close = f.Close
	return j, nil
}

func newJournalWriter(w io.Writer) *journalWriter {
	j := &journalWriter{out: bufio.NewWriterSize(w, 1<<16), close: func() error { return nil }, flushed: time.Now()}
	_, _ = j.out.WriteString(journalTitle) // a bufio.Writer keeps its error
	return j
}

func (j *journalWriter) write(f *acctFleet, e *journalEntry) error {
	for len(j.names) <= e.nas {
		j.names = append(j.names, nasIdentifier(len(j.names)))
	}
	kind := byte(journalAcknowledged)
	if e.acknowledged == 0 {
		kind = journalSent
	}
	b := append(j.buf[:0], kind, '\t')
	b = append(append(b, j.names[e.nas]...), '\t')
	b = f.appendSessionID(b, e.event.session)
	v := &e.event.volume
	for _, n := range [...]uint64{
		uint64(e.event.status), uint64(e.event.number), v.in, v.out, uint64(v.inPackets), uint64(v.outPackets),
		uint64(e.event.sessionTime()), uint64(e.event.at), uint64(e.first), uint64(e.acknowledged), uint64(e.sends),
	} {
		b = strconv.AppendUint(append(b, '\t'), n, 10)
	}
	j.buf = append(b, '\n')
	_, err := j.out.Write(j.buf)
	return journalError(err)
}

// flush writes out what there is, if it is time.
func (j *journalWriter) flush(now time.Time) error {
	if now.Sub(j.flushed) < journalFlush {
		return nil
	}
	j.flushed = now
	return journalError(j.out.Flush())
}

// end writes the last line and closes the journal.
func (j *journalWriter) end(acknowledged, sent uint64) error {
	fmt.Fprintf(j.out, "%c\t%d\t%d\n", journalEnd, acknowledged, sent)
	err := j.out.Flush()
	if closed := j.close(); err == nil {
		err = closed
	}
	return journalError(err)
}

func journalError(err error) error {
	if err != nil {
		return fmt.Errorf("-journal: %w", err)
	}
	return nil
}
