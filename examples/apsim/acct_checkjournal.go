package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// maxJournals is as many as a checkEvent can name.
const maxJournals = 255

// readJournal takes all events of a journal.
func (c *checker) readJournal(name string) error {
	if len(c.files) == maxJournals {
		return fmt.Errorf("more than %d journals", maxJournals)
	}
	c.files = append(c.files, name)
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	if title, err := in.ReadString('\n'); title != journalTitle {
		return errors.Join(errors.New("not a journal of apsim acct"), noEOF(err))
	}
	at := int64(len(journalTitle))
	var acknowledged, sent uint64
	for number := 2; ; number++ {
		line, err := in.ReadSlice('\n')
		if err != nil {
			c.report.notice("%s: its end is missing: apsim acct did not come to it, and events that were sent and not acknowledged are not known", name)
			c.report.Unfinished++
			return noEOF(err)
		}
		kind, counts, ok := c.journalLine(line[:len(line)-1], at)
		if !ok {
			return fmt.Errorf("line %d is not understood", number)
		}
		switch kind {
		case journalAcknowledged:
			acknowledged++
		case journalSent:
			sent++
		case journalEnd:
			if counts != [2]uint64{acknowledged, sent} {
				return fmt.Errorf("it has %d and %d events, and its end says %d and %d", acknowledged, sent, counts[0], counts[1])
			}
			return nil
		}
		at += int64(len(line))
	}
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// journalLine takes one line, which begins at an offset of its file.
func (c *checker) journalLine(line []byte, at int64) (kind byte, counts [2]uint64, ok bool) {
	if len(line) == 0 {
		return 0, counts, false
	}
	kind = line[0]
	fields := strings.Split(string(bytes.TrimSuffix(line, []byte{'\r'})), "\t")
	if kind == journalEnd && len(fields) == 3 {
		for i := range counts {
			if counts[i], ok = number(fields[1+i]); !ok {
				return kind, counts, false
			}
		}
		return kind, counts, true
	}
	if kind != journalAcknowledged && kind != journalSent || len(fields) != journalFields {
		return kind, counts, false
	}
	var n [journalFields]uint64
	for i := 3; i < journalFields; i++ {
		if n[i], ok = number(fields[i]); !ok {
			return kind, counts, false
		}
	}
	key := eventKey{
		nas: fields[1], session: fields[2], status: byte(n[3]),
		volume:      volume{in: n[5], out: n[6], inPackets: uint32(n[7]), outPackets: uint32(n[8])},
		sessionTime: uint32(n[9]), at: int64(n[10]),
	}
	c.event(&key, kind == journalAcknowledged, at)
	return kind, counts, true
}

func number(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// event takes an event of the last journal.
func (c *checker) event(key *eventKey, acknowledged bool, at int64) {
	session, known := c.byID[key.session]
	if !known {
		session = uint32(len(c.sessions))
		c.byID[strings.Clone(key.session)] = session
		c.sessions = append(c.sessions, checkSession{})
	}
	c.report.Sent++
	if acknowledged {
		c.report.Acknowledged++
		c.sessions[session].acknowledged.raise(key.volume.in, key.volume.out)
	}
	hash := c.hash(key)
	if _, twice := c.byKey[hash]; twice {
		c.report.Alike++
		c.differ("%s: two events of session %s are alike: the journal can't be checked", c.files[len(c.files)-1], key.session)
		return
	}
	c.byKey[hash] = uint32(len(c.events))
	c.events = append(c.events, checkEvent{
		line: at, session: session, file: uint8(len(c.files) - 1), status: key.status, acknowledged: acknowledged,
	})
}

// journalText returns the line of an event.
func (c *checker) journalText(e *checkEvent) string {
	f, err := os.Open(c.files[e.file])
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	line, err := bufio.NewReader(io.NewSectionReader(f, e.line, 1<<12)).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", " ")
}
