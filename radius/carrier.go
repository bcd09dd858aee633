package radius

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/opentwag/twag/radius/internal/wire"
)

// newCarrier returns the fastest carrier for pc.
func newCarrier(pc net.PacketConn) carrier {
	if u, ok := pc.(*net.UDPConn); ok {
		return newUDPCarrier(u)
	}
	return &packetCarrier{pc: pc, local: pc.LocalAddr(), buf: make([]byte, wire.MaxLen)}
}

// packetCarrier reads any net.PacketConn, one datagram at a time.
type packetCarrier struct {
	pc      net.PacketConn
	local   net.Addr
	stopped atomic.Bool
	buf     []byte
	n       int
	from    path
}

func (c *packetCarrier) read() (int, error) {
	n, addr, err := c.pc.ReadFrom(c.buf)
	if err != nil {
		return 0, readError(err, c.stopped.Load())
	}
	c.n = n
	c.from = path{addr: addr, remote: addrPortOf(addr)}
	return 1, nil
}

func (c *packetCarrier) datagram(int) ([]byte, *path) { return c.buf[:c.n], &c.from }

func (c *packetCarrier) write(b []byte, to *path) error {
	_, err := c.pc.WriteTo(b, to.addr)
	return err
}

func (c *packetCarrier) writeBatch(out []outgoing) { writeEach(c, out) }

func (c *packetCarrier) stopReading() {
	c.stopped.Store(true)
	if c.pc.SetReadDeadline(time.Now()) != nil {
		_ = c.pc.Close()
	}
}

func (c *packetCarrier) close() error        { return c.pc.Close() }
func (c *packetCarrier) localAddr() net.Addr { return c.local }

// readError turns the error of a read that was told to stop into a final one.
func readError(err error, stopped bool) error {
	if stopped && errors.Is(err, os.ErrDeadlineExceeded) {
		return net.ErrClosed
	}
	return err
}

// addrPortOf returns the IP address and port in addr; it is invalid when there
// is none.
func addrPortOf(addr net.Addr) netip.AddrPort {
	switch a := addr.(type) {
	case nil:
		return netip.AddrPort{}
	case interface{ AddrPort() netip.AddrPort }:
		return unmap(a.AddrPort())
	default:
		ap, err := netip.ParseAddrPort(a.String())
		if err != nil {
			return netip.AddrPort{}
		}
		return unmap(ap)
	}
}

func unmap(ap netip.AddrPort) netip.AddrPort {
	if ap.Addr().Is4In6() {
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return ap
}

// isUnspecified tells whether a socket bound to addr takes datagrams for any
// of the host's addresses.
func isUnspecified(addr net.Addr) bool {
	ap := addrPortOf(addr)
	return !ap.IsValid() || ap.Addr().IsUnspecified()
}
