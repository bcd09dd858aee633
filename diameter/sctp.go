package diameter

import (
	"encoding/binary"
	"net"

	"github.com/opentwag/twag/diameter/wire"
)

// ListenSCTP listens on address (host:port; no host means all addresses) for
// [Node.Serve]. See [TransportSCTP] for what is supported. Where the system
// has no SCTP the error is a [*net.OpError] that wraps
// syscall.EPROTONOSUPPORT.
func ListenSCTP(address string) (net.Listener, error) {
	l, err := listenStream(protoSCTP, address)
	if err != nil {
		return nil, sctpError("listen", address, err)
	}
	return sctpListener{l}, nil
}

// protoSCTP is the number of the protocol. The sockets are one-to-one style
// (RFC 6458, section 4), which is used as a TCP socket is, so tests put TCP in
// its place.
const protoSCTP = 132

func sctpError(op, address string, err error) error {
	return &net.OpError{Op: op, Net: TransportSCTP, Addr: sctpAddr{text(address)}, Err: err}
}

// text is an address that was not resolved.
type text string

func (text) Network() string  { return TransportSCTP }
func (t text) String() string { return string(t) }

// sctpAddr is an address of the net package, which takes it for one of TCP.
type sctpAddr struct{ net.Addr }

func (sctpAddr) Network() string { return TransportSCTP }

// sctpConn is a connection of the net package, which takes it for one of TCP.
type sctpConn struct{ *net.TCPConn }

func (c sctpConn) LocalAddr() net.Addr  { return sctpAddr{c.TCPConn.LocalAddr()} }
func (c sctpConn) RemoteAddr() net.Addr { return sctpAddr{c.TCPConn.RemoteAddr()} }

// Write writes Diameter messages, each as a message of SCTP's, which is what
// peers expect (RFC 6733, section 2.1.1).
func (c sctpConn) Write(b []byte) (int, error) {
	done := 0
	for _, m := range messagesOf(b) {
		n, err := c.TCPConn.Write(m)
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// messagesOf divides b into messages, and what is left if that is none.
func messagesOf(b []byte) (list [][]byte) {
	for len(b) > 0 {
		n := len(b)
		if size, err := wire.FrameLen(b, 0); err == nil {
			n = min(n, size)
		}
		list, b = append(list, b[:n]), b[n:]
	}
	return list
}

type sctpListener struct{ *net.TCPListener }

func (l sctpListener) Addr() net.Addr { return sctpAddr{l.TCPListener.Addr()} }

func (l sctpListener) Accept() (net.Conn, error) {
	nc, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return newSCTPConn(nc)
}

func newSCTPConn(nc *net.TCPConn) (net.Conn, error) {
	var err error
	rc, e := nc.SyscallConn()
	if e == nil {
		e = rc.Control(func(fd uintptr) { err = optionsSCTP(int(fd)) })
	}
	if err == nil {
		err = e
	}
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return sctpConn{nc}, nil
}

// sndrcvinfo returns a struct sctp_sndrcvinfo (RFC 6458, section 5.3.2) with
// everything zero but the payload protocol identifier, which is Diameter's in
// clear (RFC 6733, section 2.1.1) in network order. Stream 0, in order.
func sndrcvinfo() []byte {
	b := make([]byte, 32)
	binary.BigEndian.PutUint32(b[8:], 46)
	return b
}
