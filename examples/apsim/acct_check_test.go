package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/session"
)

// books are a journal and the tickets that go with it.
type books struct {
	t       *testing.T
	fleet   *acctFleet
	entries []journalEntry
	tickets []accounting.Ticket
}

// newBooks has three sessions of a Start, two interims and a Stop each.
func newBooks(t *testing.T) *books {
	b := &books{t: t, fleet: testFleet()}
	for n := range uint64(3) {
		p := place{session: n}
		var v volume
		for i, status := range []byte{statusStart, statusInterim, statusInterim, statusStop} {
			if i > 0 {
				v.in, v.out = v.in+1000+n, v.out+3<<30
				v.inPackets, v.outPackets = v.inPackets+1, v.outPackets+2
			}
			e := acctEvent{session: p.session, number: uint32(i), status: status, cause: 1, volume: v, start: 1_790_000_000, at: 1_790_000_000 + int64(i)*300}
			b.entries = append(b.entries, journalEntry{event: e, nas: b.fleet.nas(n), first: 1, acknowledged: 2, sends: 1})
			pkt, _ := b.fleet.appendRequest(nil, &e)
			b.tickets = append(b.tickets, accounting.Ticket{
				Seq: uint64(len(b.tickets) + 1), Server: "aaa1", Status: accounting.Status(status), Verdict: accounting.New,
				Session: session.NamedID(string(rune(n))), Arrived: time.Unix(e.at, 0).UTC(), EventTime: time.Unix(e.at, 0).UTC(),
				Attributes: pkt[radiusHeader:], Usage: session.Usage{InputOctets: v.in, OutputOctets: v.out, Time: time.Duration(i) * 300 * time.Second},
			})
		}
	}
	return b
}

func (b *books) writeJournal(end bool) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "journal")
	j, err := createJournal(path)
	require.NoError(b.t, err)
	var acknowledged, sent uint64
	for i := range b.entries {
		require.NoError(b.t, j.write(b.fleet, &b.entries[i]))
		if b.entries[i].acknowledged > 0 {
			acknowledged++
		} else {
			sent++
		}
	}
	if !end {
		require.NoError(b.t, j.flush(j.flushed.Add(time.Hour)))
		require.NoError(b.t, j.close())
		return path
	}
	require.NoError(b.t, j.end(acknowledged, sent))
	return path
}

// writeTickets writes two files, of detail or JSON.
func (b *books) writeTickets(json bool) string {
	b.t.Helper()
	dir := b.t.TempDir()
	var files [2][]byte
	for i := range b.tickets {
		at := &files[2*i/len(b.tickets)]
		if json {
			*at = accounting.AppendJSON(*at, &b.tickets[i], nil)
		} else {
			*at = accounting.AppendDetail(*at, &b.tickets[i], nil)
		}
	}
	for i, name := range []string{"detail-20260101T00", "detail-20260101T01"} {
		require.NoError(b.t, os.WriteFile(filepath.Join(dir, name), files[i], 0o600))
	}
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, ".detail.position"), []byte("not a ticket"), 0o600))
	return dir
}

func (b *books) check() (int, checkReport, string) {
	b.t.Helper()
	return runCheck(b.t, b.writeJournal(true), b.writeTickets(false))
}

func TestCheckGood(t *testing.T) {
	for _, json := range []bool{false, true} {
		b := newBooks(t)
		b.tickets = append(b.tickets, accounting.Ticket{Server: "aaa1", Seq: 100, Status: accounting.AccountingOn, Verdict: accounting.New, Arrived: time.Now()})
		archival := b.tickets[3]
		archival.Seq, archival.Archival, archival.Reason = 101, true, session.ReasonSilent
		b.tickets = append(b.tickets, archival)
		code, r, text := runCheck(t, b.writeJournal(true), b.writeTickets(json))
		require.Equal(t, exitOK, code, text)
		require.Equal(t, checkReport{
			Sent: 12, Acknowledged: 12, Sessions: 3, Tickets: 14, Archival: 1, OtherTickets: 1, Gaps: 87,
			AcknowledgedOctets: octets{9009, 27 << 30}, TicketOctets: octets{9009, 27 << 30}, ConsolidatedOctets: octets{9009, 27 << 30},
		}, r)
	}
}

// TestCheckFindsFaults: what a check is for.
func TestCheckFindsFaults(t *testing.T) {
	for name, c := range map[string]struct {
		plant func(b *books)
		want  checkReport // what of it is not zero
		says  string
	}{
		"missing interim": {
			func(b *books) { b.tickets = append(b.tickets[:5], b.tickets[6:]...) },
			checkReport{Missing: 1, Different: 1}, "missing: no ticket of A ap-00001.apsim.example abcdef01-000000000001 3 1 ",
		},
		"missing stop": { // the totals of the session are short too
			func(b *books) { b.tickets = b.tickets[:11] },
			checkReport{Missing: 1, WrongTotals: 1, Different: 2}, "missing: no ticket of A ap-00002",
		},
		"recorded twice": {
			func(b *books) {
				again := b.tickets[4]
				again.Seq = 50
				b.tickets = append(b.tickets, again)
			},
			checkReport{Twice: 1, Different: 1}, "recorded twice: ",
		},
		"written twice": {
			func(b *books) { b.tickets = append(b.tickets, b.tickets[4]) },
			checkReport{Twice: 1, Different: 1}, "written twice: ",
		},
		"archival ticket written twice": {
			func(b *books) {
				archival := b.tickets[3]
				archival.Seq, archival.Archival, archival.Reason = 13, true, session.ReasonSilent
				b.tickets = append(b.tickets, archival, archival)
			},
			checkReport{Twice: 1, Different: 1}, "written twice: ",
		},
		"altered counter": {
			func(b *books) {
				e := b.entries[5].event
				e.volume.out++
				pkt, _ := b.fleet.appendRequest(nil, &e)
				b.tickets[5].Attributes = pkt[radiusHeader:]
			},
			checkReport{Missing: 1, NeverSent: 1, Different: 2}, "altered: ",
		},
		"altered total": {
			func(b *books) { b.tickets[7].Usage.InputOctets++ },
			checkReport{WrongTotals: 1, Different: 1}, "totals: session abcdef01-000000000001: ",
		},
		"lost gigaword": {
			func(b *books) { b.tickets[7].Usage.OutputOctets -= 1 << 32 },
			checkReport{WrongTotals: 1, Different: 1}, "totals: ",
		},
		"never sent": {
			func(b *books) {
				e := b.entries[0].event
				e.session = 99
				pkt, _ := b.fleet.appendRequest(nil, &e)
				invented := b.tickets[0]
				invented.Seq, invented.Attributes = 77, pkt[radiusHeader:]
				b.tickets = append(b.tickets, invented)
			},
			checkReport{NeverSent: 1, Different: 1}, "never sent: ",
		},
		"events alike": {
			func(b *books) { b.entries = append(b.entries, b.entries[0]) },
			checkReport{Alike: 1, Different: 1}, "are alike",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBooks(t)
			c.plant(b)
			code, r, text := b.check()
			require.Equal(t, exitFailed, code)
			require.Contains(t, text, c.says)
			require.Equal(t, c.want, checkReport{
				Missing: r.Missing, Twice: r.Twice, NeverSent: r.NeverSent, WrongTotals: r.WrongTotals, Alike: r.Alike, Different: r.Different,
			})
		})
	}
}

// TestCheckUnacknowledged: an event that was sent in vain may have a ticket, or none.
func TestCheckUnacknowledged(t *testing.T) {
	b := newBooks(t)
	b.entries[11].acknowledged, b.entries[10].acknowledged = 0, 0
	b.tickets = b.tickets[:11]
	code, r, text := b.check()
	require.Equal(t, exitOK, code, text)
	require.EqualValues(t, 1, r.Unasked)
}

func TestCheckUnfinished(t *testing.T) {
	b := newBooks(t)
	b.entries = b.entries[:11]
	journal := b.writeJournal(false)
	code, r, text := runCheck(t, journal, b.writeTickets(false))
	require.Equal(t, exitOK, code, text)
	require.Equal(t, 1, r.Unfinished)
	require.EqualValues(t, 1, r.NeverSent, "and nobody knows whether that is a fault")
	require.Len(t, r.Notices, 2)

	// A last line that is cut off is none.
	whole, err := os.ReadFile(journal)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(journal, whole[:len(whole)-5], 0o600))
	code, r, _ = runCheck(t, journal, b.writeTickets(false))
	require.Equal(t, exitOK, code)
	require.EqualValues(t, 10, r.Acknowledged)
}

func TestCheckTorn(t *testing.T) {
	b := newBooks(t)
	journal, dir := b.writeJournal(true), b.writeTickets(false)
	for i, name := range []string{"detail-20260101T01", "detail-20260101T00"} {
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(whole, "Thu Jan  1 00:00:00 2026\n\tAcct-Status-Type = Start\n"...), 0o600))
		code, r, text := runCheck(t, journal, dir)
		require.Equal(t, i, code, "only that of the newest file may be at work: %s", text)
		require.EqualValues(t, 1, r.Torn)
		require.EqualValues(t, 1+i, r.Unreadable)
	}
	// One file can be checked as well.
	b.tickets, b.entries = b.tickets[:4], b.entries[:4]
	one := filepath.Join(t.TempDir(), "tickets")
	var all []byte
	for i := range b.tickets {
		all = accounting.AppendDetail(all, &b.tickets[i], nil)
	}
	require.NoError(t, os.WriteFile(one, all, 0o600))
	code, _, text := runCheck(t, b.writeJournal(true), one)
	require.Equal(t, exitOK, code, text)
	require.NoError(t, os.WriteFile(one, []byte("\tAcct-Input-Octets = 7\n"), 0o600))
	code, _, _ = runCheck(t, b.writeJournal(true), one)
	require.Equal(t, exitFailed, code)
}

func TestJournalRefused(t *testing.T) {
	good := journalTitle + "A\tap-00000.apsim.example\tabcdef01-000000000000\t1\t0\t0\t0\t0\t0\t0\t1790000000\t1\t2\t1\n"
	for name, content := range map[string]string{
		"empty":          "",
		"other file":     "Thu Jan  1 00:00:00 2026\n",
		"other kind":     good + "X\t1\t2\n",
		"empty line":     good + "\n",
		"few fields":     journalTitle + "A\tap\tid\t1\n",
		"not a number":   strings.Replace(good, "1790000000", "x", 1),
		"wrong end":      good + "E\t2\t0\n",
		"end without":    good + "E\tx\t0\n",
		"a line too big": good + strings.Repeat("x", 100_000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			require.Error(t, newChecker(1).readJournal(path))
		})
	}
	path := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(path, []byte(good+"E\t1\t0\n"), 0o600))
	require.NoError(t, newChecker(1).readJournal(path))
	_, err := createJournal(path)
	require.ErrorIs(t, err, os.ErrExist, "that of another run stays")
	require.Error(t, newChecker(1).readTickets(filepath.Join(t.TempDir(), "none"), time.UTC))
}

func TestFileOrder(t *testing.T) {
	for name, want := range map[string]struct {
		hour   string
		number int
	}{
		"/x/detail-20260101T00":             {"detail-20260101T00", 0},
		"/x/detail-20260101T00.1000":        {"detail-20260101T00", 1000},
		"/x.y/tickets-20260101T00.json":     {"tickets-20260101T00", 0},
		"/x.y/tickets-20260101T00.999.json": {"tickets-20260101T00", 999},
	} {
		hour, number := fileOrder(name)
		require.Equal(t, want.hour, hour, name)
		require.Equal(t, want.number, number, name)
	}
}

// TestJournalFlush: what a server has acknowledged is in the file soon, whatever dies then.
func TestJournalFlush(t *testing.T) {
	b := newBooks(t)
	var file bytes.Buffer
	j := newJournalWriter(&file)
	require.NoError(t, j.write(b.fleet, &b.entries[0]))
	require.NoError(t, j.flush(j.flushed.Add(journalFlush-1)))
	require.Zero(t, file.Len())
	require.NoError(t, j.flush(j.flushed.Add(journalFlush)))
	require.Equal(t, journalTitle+"A\tap-00000.apsim.example\tabcdef01-000000000000\t1\t0\t0\t0\t0\t0\t0\t1790000000\t1\t2\t1\n", file.String())

	broken := newJournalWriter(brokenWriter{})
	require.NoError(t, broken.write(b.fleet, &b.entries[0]))
	require.ErrorIs(t, broken.flush(broken.flushed.Add(time.Hour)), errDiskFull)
	require.ErrorIs(t, broken.end(1, 0), errDiskFull)
}

var errDiskFull = errors.New("disk full")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errDiskFull }
