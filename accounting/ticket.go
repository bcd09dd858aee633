package accounting

import (
	"net/netip"
	"time"

	"github.com/opentwag/twag/session"
)

// Status is what an accounting event reports: Acct-Status-Type (RFC 2866,
// section 5.1).
type Status uint8

// Status types.
const (
	Start         Status = 1
	Stop          Status = 2
	Interim       Status = 3 // Interim-Update
	AccountingOn  Status = 7
	AccountingOff Status = 8
)

// String returns the name that dictionaries give the value.
func (s Status) String() string {
	switch s {
	case Start:
		return "Start"
	case Stop:
		return "Stop"
	case Interim:
		return "Interim-Update"
	case AccountingOn:
		return "Accounting-On"
	case AccountingOff:
		return "Accounting-Off"
	default:
		return "invalid"
	}
}

// Ticket is one entry of the journal: one accounting event, as it came and
// with what was made of it. There is exactly one ticket for each event, however
// often the NAS repeated it.
type Ticket struct {
	// Seq is the ticket's place in the journal, and Server the server whose
	// journal it is. Together they name the ticket for ever.
	Seq    uint64
	Server string

	Status  Status
	Verdict Verdict
	// Archival: no NAS sent this; the server closed the session from its last
	// interim, and Reason says why.
	Archival bool
	Reason   session.Reason

	Session session.ID // zero for Accounting-On and -Off
	Source  netip.Addr // of the packet
	Arrived time.Time
	// EventTime is when it happened: Event-Timestamp, else arrival less
	// Acct-Delay-Time.
	EventTime time.Time
	// Attributes are those of the packet, in order and as they came, type, length
	// and value each; without Message-Authenticator and Proxy-State. An archival
	// ticket has those of the session's last event that matter.
	Attributes []byte
	// Class has the facts that the login put into the Class attribute, in order: local
	// names and values.
	Class []Fact

	// Consolidated values of the session as of this event.
	Started time.Time // zero if not known
	Stopped time.Time // of Stop tickets
	Usage   session.Usage
}

// Fact is a named value.
type Fact struct{ Name, Value string }
