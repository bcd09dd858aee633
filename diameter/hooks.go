package diameter

// Hooks are called synchronously by the goroutines that do the work; they must
// not block and may be called concurrently. Each may be nil. A panic in one is
// logged the first time, and has no other effect.
type Hooks struct {
	// Message is called for every whole message sent or received.
	Message func(MessageInfo)
	// Dropped is called for a message that is received and neither delivered
	// nor answered.
	Dropped func(DropInfo)
	// PeerChange is called when a peer's state changes, in order for each peer.
	PeerChange func(PeerChange)
	// PeerRestarted is called when a peer's Origin-State-Id has grown, in a CER,
	// CEA, DWR or DWA: what it knew of sessions is lost (RFC 6733, section
	// 8.16).
	PeerRestarted func(PeerRestart)
}

// MessageInfo describes a message that crossed a connection.
type MessageInfo struct {
	Peer        string // Origin-Host; empty before the capabilities exchange
	Application uint32
	Command     uint32
	Request     bool
	Sent        bool // false: received
}

// DropReason is why a message was dropped.
type DropReason uint8

// Reasons to drop a message.
const (
	// DropUnmatched: an answer whose Hop-by-Hop identifier nobody waits for:
	// never asked, or no longer.
	DropUnmatched DropReason = iota
	// DropMalformed: an answer that is not well-formed, or junk.
	DropMalformed
	// DropOverflow: an answer of ours that the connection had no room for.
	DropOverflow
	// DropUnexpected: a base message that does not fit the peer's state.
	DropUnexpected
)

func (r DropReason) String() string {
	switch r {
	case DropUnmatched:
		return "unmatched"
	case DropMalformed:
		return "malformed"
	case DropOverflow:
		return "overflow"
	case DropUnexpected:
		return "unexpected"
	default:
		return "unknown"
	}
}

// DropInfo describes a dropped message.
type DropInfo struct {
	Peer    string
	Command uint32
	Reason  DropReason
}

// PeerChange is a change of a peer's state.
type PeerChange struct {
	Host     string
	From, To PeerState
	Err      error // why, if it was not asked for
}
