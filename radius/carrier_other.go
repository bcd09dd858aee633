//go:build !linux

package radius

import (
	"net"
	"sync/atomic"
	"time"
)

// maxDatagram is the longest UDP datagram: some systems make an error of one
// that does not fit.
const maxDatagram = 1 << 16

// udpCarrier reads a UDP socket one datagram at a time, without garbage.
type udpCarrier struct {
	conn    *net.UDPConn
	local   net.Addr
	stopped atomic.Bool
	buf     []byte
	n       int
	from    path
}

func newUDPCarrier(conn *net.UDPConn) carrier {
	return &udpCarrier{conn: conn, local: conn.LocalAddr(), buf: make([]byte, maxDatagram)}
}

func (c *udpCarrier) read() (int, error) {
	n, addr, err := c.conn.ReadFromUDPAddrPort(c.buf)
	if err != nil {
		return 0, readError(err, c.stopped.Load())
	}
	c.n = n
	c.from = path{remote: unmap(addr)}
	return 1, nil
}

func (c *udpCarrier) datagram(int) ([]byte, *path) { return c.buf[:c.n], &c.from }

func (c *udpCarrier) write(b []byte, to *path) error {
	_, err := c.conn.WriteToUDPAddrPort(b, to.remote)
	return err
}

func (c *udpCarrier) writeBatch(out []outgoing) { writeEach(c, out) }

func (c *udpCarrier) stopReading() {
	c.stopped.Store(true)
	_ = c.conn.SetReadDeadline(time.Now())
}

func (c *udpCarrier) close() error        { return c.conn.Close() }
func (c *udpCarrier) localAddr() net.Addr { return c.local }
