package accounting

// Verdict is what an event is in the light of the session's earlier events.
type Verdict uint8

// Verdicts. Only Duplicate and Retransmission make no ticket: their event has
// one already.
const (
	_ Verdict = iota
	// New: the expected next event.
	New
	// Duplicate: the same event again, octet by octet but for what a proxy adds.
	Duplicate
	// Retransmission: the same event again with a higher Acct-Delay-Time.
	Retransmission
	// Late: it happened before an event that is known already; what it
	// counts is part of what is counted.
	Late
	// OutOfOrder: an event that others must precede, and they have not come: an
	// interim or a Stop of a session that never started here.
	OutOfOrder
	// CounterReset: the NAS counts from zero again within the session; what it
	// had counted before is kept.
	CounterReset
	// Wrapped: a 32-bit counter of a NAS without gigawords began again at zero.
	Wrapped
	// Reused: the NAS gave another session an Acct-Session-Id that it had given
	// before.
	Reused
)

// String returns the verdict's name, which is fit for a metric's label.
func (v Verdict) String() string {
	switch v {
	case New:
		return "new"
	case Duplicate:
		return "duplicate"
	case Retransmission:
		return "retransmission"
	case Late:
		return "late"
	case OutOfOrder:
		return "out_of_order"
	case CounterReset:
		return "counter_reset"
	case Wrapped:
		return "wrapped"
	case Reused:
		return "reused"
	default:
		return "invalid"
	}
}
