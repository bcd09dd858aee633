package radius

import (
	"net"
	"net/netip"
	"time"

	layeh "layeh.com/radius"
)

// Hooks are functions that a [Server] calls at certain points. Each may be
// nil. They are called synchronously, by several goroutines at once, some of
// them on the path of every datagram: they must be quick and must not block.
type Hooks struct {
	// Listening: the server is about to read from a socket at addr.
	Listening func(addr net.Addr)
	// Received: a new, authentic request is about to be queued.
	Received func(RequestInfo)
	// Dropped: a datagram was dropped without an answer.
	Dropped func(DropInfo)
	// Duplicate: a repetition of a request that was answered got the same
	// octets again. (One that is in progress is Dropped.)
	Duplicate func(RequestInfo)
	// Sent: an answer was handed to the network.
	Sent func(ReplyInfo)
	// Panic: a handler panicked with value.
	Panic func(r RequestInfo, value any)
}

// RequestInfo describes a request.
type RequestInfo struct {
	Client     *Client
	Remote     netip.AddrPort
	Code       layeh.Code
	Identifier uint8
	// Octets is the packet's Length.
	Octets int
}

// DropInfo describes a datagram that was dropped.
type DropInfo struct {
	Reason DropReason
	// Client is nil when the source is unknown, or was not looked at yet.
	Client *Client
	Remote netip.AddrPort
	// Octets is the size of the datagram.
	Octets int
}

// ReplyInfo describes an answer.
type ReplyInfo struct {
	Request RequestInfo
	Code    layeh.Code
	// Octets is the packet's Length.
	Octets int
	// Elapsed is the time from the request's arrival.
	Elapsed time.Duration
	// Err is the network's error, if it did not take the answer.
	Err error
}
