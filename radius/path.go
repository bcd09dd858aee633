package radius

import (
	"net"
	"net/netip"
)

// maxControl is the room for the control message that names a source address:
// a cmsghdr and an in6_pktinfo.
const maxControl = 40

// path is the way back to a datagram's sender.
type path struct {
	remote netip.AddrPort
	// addr is the sender as a transport other than UDP names it.
	addr net.Addr
	// control makes the answer leave from the address that the request was
	// sent to, where the socket is bound to all addresses.
	control    [maxControl]byte
	controlLen uint8
}

// A carrier takes datagrams to and from one socket.
type carrier interface {
	// read blocks for at least one datagram, and returns how many there are.
	// An error that unwraps to net.ErrClosed or io.EOF is final.
	read() (int, error)
	// datagram returns one of those that were read; the octets and the path
	// are the carrier's and good until the next read.
	datagram(i int) ([]byte, *path)
	// write sends one datagram. It is safe for concurrent use.
	write(b []byte, to *path) error
	// writeBatch sends answers and notes their errors.
	writeBatch(out []outgoing)
	// stopReading makes read return. Writes go on.
	stopReading()
	// close closes the socket.
	close() error
	// localAddr is the socket's own address.
	localAddr() net.Addr
}
