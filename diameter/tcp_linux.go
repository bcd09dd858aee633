//go:build linux && !race

// Package syscall tells the race detector that what is read was written before,
// also by another goroutine of the process: tests rest on that.

package diameter

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// tcpConn is a TCP connection whose reads and writes the scheduler is not told
// of: they don't block, and to take the processor away from one that lasts some
// microseconds longer than usual costs more than to wait for it. It has one
// reader and one writer at a time.
type tcpConn struct {
	*net.TCPConn
	in, out transfer
}

// transfer is one direction of a connection.
type transfer struct {
	raw   syscall.RawConn
	trap  uintptr
	b     []byte
	n     int
	errno syscall.Errno
	step  func(fd uintptr) (done bool) // t.call, bound once
}

// quick returns a connection that costs less than nc, if there is one.
func quick(nc net.Conn) net.Conn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nc // closed already: the first read says so
	}
	c := &tcpConn{TCPConn: tcp}
	c.in.raw, c.in.trap, c.in.step = raw, syscall.SYS_READ, c.in.call
	c.out.raw, c.out.trap, c.out.step = raw, syscall.SYS_WRITE, c.out.call
	return c
}

// call reports whether it is done; false waits for the socket.
func (t *transfer) call(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(t.trap, fd, uintptr(unsafe.Pointer(&t.b[0])), uintptr(len(t.b)))
		switch errno {
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			t.n, t.errno = int(n), errno
			return true
		}
	}
}

// Read implements net.Conn.
func (c *tcpConn) Read(b []byte) (int, error) {
	t := &c.in
	if len(b) == 0 {
		return 0, nil
	}
	t.b = b
	err := t.raw.Read(t.step)
	t.b = nil
	switch {
	case err != nil:
		return 0, err
	case t.errno != 0:
		return 0, c.fault("read", t.errno)
	case t.n == 0:
		return 0, io.EOF
	default:
		return t.n, nil
	}
}

// Write implements net.Conn.
func (c *tcpConn) Write(b []byte) (written int, err error) {
	t := &c.out
	for len(b) > 0 && err == nil {
		t.b = b
		switch err = t.raw.Write(t.step); {
		case err != nil:
		case t.errno != 0:
			err = c.fault("write", t.errno)
		default:
			b = b[t.n:]
			written += t.n
		}
	}
	t.b = nil
	return written, err
}

// fault is an error as net has it.
func (c *tcpConn) fault(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
}
