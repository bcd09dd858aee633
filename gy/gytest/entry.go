package gytest

import (
	"fmt"
	"time"

	"github.com/opentwag/twag/gy"
)

// Kind is what a line of the ledger is about.
type Kind string

// Kinds of entries.
const (
	// KindBegin: the first entry.
	KindBegin Kind = "begin"
	// KindAccount: an account, with Amount to begin with.
	KindAccount Kind = "account"
	// KindTopUp: Amount was added to an account.
	KindTopUp Kind = "topup"
	// KindRequest: a CCR was handled, and this is its outcome.
	KindRequest Kind = "request"
	// KindExpired: a session was closed by supervision (Tcc).
	KindExpired Kind = "expired"
	// KindViolation: a request that must not be.
	KindViolation Kind = "violation"
)

// Entry is a line of the ledger. It prints redacted.
type Entry struct {
	Time    time.Time `json:"time"`
	Kind    Kind      `json:"kind"`
	Account Identity  `json:"account,omitempty"`
	Amount  int64     `json:"amount,omitempty"`
	// Balance is that of the account afterwards.
	Balance int64 `json:"balance"`

	SessionID string `json:"session,omitempty"`
	// Number and Type are CC-Request-Number and CC-Request-Type,
	// Retransmitted the T bit.
	Number        uint32         `json:"number"`
	Type          gy.RequestType `json:"type,omitempty"`
	Retransmitted bool           `json:"retransmitted,omitempty"`
	// Host and Realm are where the request comes from.
	Host  string `json:"host,omitempty"`
	Realm string `json:"realm,omitempty"`
	// Groups are the rating groups that the request names.
	Groups []GroupEntry `json:"groups,omitempty"`
	// ResultCode is that of the command.
	ResultCode uint32 `json:"result,omitempty"`
	// Closed: the session is closed from now on, or was never open.
	Closed bool `json:"closed,omitempty"`
	// Deadline is when supervision closes the session; zero is never.
	Deadline time.Time `json:"deadline,omitzero"`
	// Violation is what must not be.
	Violation ViolationKind `json:"violation,omitempty"`

	// Digest is a hash of what the request says, and Answer what the answer
	// has behind Result-Code and origin: for duplicates.
	Digest []byte `json:"digest,omitempty"`
	Answer []byte `json:"answer,omitempty"`
}

// Format implements fmt.Formatter, so that no verb prints the subscriber.
func (Entry) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("gytest.Entry[redacted]")) }

// GroupEntry is what one request did to a rating group. Its units are those
// that the plan grants.
type GroupEntry struct {
	RatingGroup uint32 `json:"rg"`
	// ServiceID is the first Service-Identifier; 0 if there is none.
	ServiceID uint32 `json:"service,omitempty"`
	// Used is what was reported, of every kind of unit.
	Used Usage `json:"used"`
	// Charged are the units that were debited, before and after the tariff
	// change, and Debited what they cost.
	Charged [2]uint64 `json:"charged"`
	Debited int64     `json:"debited"`
	// Returned is what was left of the grant before, and Overshoot what was
	// used beyond it.
	Returned  uint64 `json:"returned,omitempty"`
	Overshoot uint64 `json:"overshoot,omitempty"`
	// Granted is the new grant, Reserved what it costs. Final: it has a
	// Final-Unit-Indication.
	Granted  uint64 `json:"granted,omitempty"`
	Reserved int64  `json:"reserved,omitempty"`
	Final    bool   `json:"final,omitempty"`
	// ResultCode is that of the rating group; 0 where no units were wanted.
	ResultCode uint32 `json:"result,omitempty"`
}

// Usage is used units, of every kind.
type Usage struct {
	Seconds  uint64 `json:"time,omitempty"`
	Total    uint64 `json:"total,omitempty"`
	Input    uint64 `json:"in,omitempty"`
	Output   uint64 `json:"out,omitempty"`
	Specific uint64 `json:"specific,omitempty"`
}

// count adds a Used-Service-Unit.
func (u *Usage) count(used *gy.Units) {
	u.add(Usage{
		Seconds: uint64(used.Time), Total: unitsOf(gy.UnitTotal, used),
		Input: used.Input, Output: used.Output, Specific: used.Specific,
	})
}

func (u *Usage) add(v Usage) {
	u.Seconds += v.Seconds
	u.Total += v.Total
	u.Input += v.Input
	u.Output += v.Output
	u.Specific += v.Specific
}
