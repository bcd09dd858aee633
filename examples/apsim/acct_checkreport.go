package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// checkReport is what "apsim check" found. Its JSON names are for scripts and stay as they
// are.
type checkReport struct {
	Sent         uint64 `json:"sent"`
	Acknowledged uint64 `json:"acknowledged"`
	Sessions     int    `json:"sessions"`
	Unfinished   int    `json:"unfinished_journals"`

	Tickets      uint64 `json:"tickets"`
	Archival     uint64 `json:"archival_tickets"`
	OtherTickets uint64 `json:"other_tickets"`
	Unreadable   uint64 `json:"unreadable_tickets"`
	// Torn is the last ticket of the newest file if its writer died, or is at work.
	Torn uint64 `json:"torn_tickets"`
	// Gaps is how many numbers of tickets are left out, which is no difference by itself: files
	// may have been taken away.
	Gaps uint64 `json:"sequence_gaps"`
	// Unasked are tickets of events that were sent and never acknowledged: as it should be.
	Unasked uint64 `json:"tickets_of_unacknowledged"`

	Missing     uint64 `json:"missing"`
	Twice       uint64 `json:"twice"`
	NeverSent   uint64 `json:"never_sent"`
	WrongTotals uint64 `json:"sessions_with_wrong_totals"`

	// Alike are events of the journal that can't be told apart.
	Alike uint64 `json:"events_alike"`

	// Octets of all sessions.
	AcknowledgedOctets octets `json:"acknowledged_octets"`
	TicketOctets       octets `json:"ticket_octets"`
	ConsolidatedOctets octets `json:"consolidated_octets"`

	Different   uint64   `json:"differences"`
	Differences []string `json:"first_differences,omitempty"`
	Notices     []string `json:"notices,omitempty"`
}

// octets are those of both directions. In JSON they are strings, since many programs lose digits of large
// numbers.
type octets struct {
	Input  uint64 `json:"input,string"`
	Output uint64 `json:"output,string"`
}

func (o *octets) add(in, out uint64) { o.Input, o.Output = o.Input+in, o.Output+out }

// raise keeps the greater values.
func (o *octets) raise(in, out uint64) { o.Input, o.Output = max(o.Input, in), max(o.Output, out) }

// maxNotices bounds what is told beside differences.
const maxNotices = 20

func (r *checkReport) notice(format string, args ...any) {
	if len(r.Notices) < maxNotices {
		r.Notices = append(r.Notices, fmt.Sprintf(format, args...))
	}
}

// differ keeps a difference if it is one of the first.
func (c *checker) differ(format string, args ...any) {
	if len(c.report.Differences) < c.show {
		c.report.Differences = append(c.report.Differences, fmt.Sprintf(format, args...))
	}
}

// finish compares what is left to be compared when all tickets are known.
func (c *checker) finish() *checkReport {
	r := &c.report
	r.Sessions = len(c.sessions)
	for i := range c.events {
		switch e := &c.events[i]; {
		case e.acknowledged && e.tickets == 0:
			r.Missing++
			c.missing(e)
		case !e.acknowledged && e.tickets > 0:
			r.Unasked++
		}
	}
	c.totals()
	r.Different = r.Missing + r.Twice + r.WrongTotals + r.Alike + r.Unreadable - r.Torn
	if r.Unfinished == 0 {
		r.Different += r.NeverSent
		for _, u := range c.unknown {
			c.differ("never sent: %s: %s of session %s", u.where, u.status, u.session)
		}
	} else if r.NeverSent > 0 {
		// Nobody knows what was sent.
		r.notice("%d tickets are of events that are not in the journals", r.NeverSent)
	}
	return r
}

// missing tells of an acknowledged event that has no ticket: a ticket of the same session and
// status that is nobody's may be what has become of it.
func (c *checker) missing(e *checkEvent) {
	if len(c.report.Differences) >= c.show {
		return
	}
	at := slices.IndexFunc(c.unknown, func(u unknownTicket) bool {
		session, known := c.byID[u.session]
		return known && session == e.session && byte(u.status) == e.status
	})
	if at < 0 {
		c.differ("missing: no ticket of %s", c.journalText(e))
		return
	}
	c.differ("altered: %s: the ticket says something else than the journal: %s", c.unknown[at].where, c.journalText(e))
	c.unknown = slices.Delete(c.unknown, at, at+1)
}

// totals compares, session by session, what the NAS has counted with what the server made of it.
func (c *checker) totals() {
	r := &c.report
	for i := range c.sessions {
		s := &c.sessions[i]
		r.AcknowledgedOctets.add(s.acknowledged.Input, s.acknowledged.Output)
		r.TicketOctets.add(s.counted.Input, s.counted.Output)
		r.ConsolidatedOctets.add(s.consolidated.Input, s.consolidated.Output)
		short := s.counted.Input < s.acknowledged.Input || s.counted.Output < s.acknowledged.Output
		if !short && (!s.computed || s.consolidated == s.counted) {
			continue
		}
		r.WrongTotals++
		if len(r.Differences) < c.show {
			c.differ("totals: session %s: octets in and out acknowledged %d, counted by the NAS in the tickets %d, consolidated %d",
				c.sessionID(uint32(i)), s.acknowledged, s.counted, s.consolidated)
		}
	}
}

// sessionID finds the name of a session. It is slow, and wanted for differences only.
func (c *checker) sessionID(session uint32) string {
	for id, n := range c.byID {
		if n == session {
			return id
		}
	}
	return ""
}

func (r *checkReport) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *checkReport) writeText(w io.Writer) error {
	p := printer{w: w}
	p.line("%-28s %d sent, %d acknowledged, %d sessions", "events", r.Sent, r.Acknowledged, r.Sessions)
	p.line("%-28s %d; archival %d, of access points %d, not readable %d, of events without acknowledgement %d", "tickets",
		r.Tickets, r.Archival, r.OtherTickets, r.Unreadable, r.Unasked)
	if r.Gaps > 0 {
		p.line("%-28s %d", "numbers left out", r.Gaps)
	}
	p.line("%-28s %d", "missing", r.Missing)
	p.line("%-28s %d", "twice", r.Twice)
	p.line("%-28s %d", "never sent", r.NeverSent)
	p.line("%-28s %d", "sessions with wrong totals", r.WrongTotals)
	p.line("%-28s in %d, out %d", "octets acknowledged", r.AcknowledgedOctets.Input, r.AcknowledgedOctets.Output)
	p.line("%-28s in %d, out %d", "octets of the tickets", r.TicketOctets.Input, r.TicketOctets.Output)
	p.line("%-28s in %d, out %d", "octets, consolidated", r.ConsolidatedOctets.Input, r.ConsolidatedOctets.Output)
	for _, n := range r.Notices {
		p.line("note: %s", n)
	}
	for _, d := range r.Differences {
		p.line("%s", d)
	}
	if r.Different > 0 {
		p.line("%d differences", r.Different)
	} else {
		p.line("all tickets are as they should be")
	}
	return p.err
}
