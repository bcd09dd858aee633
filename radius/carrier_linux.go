package radius

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/opentwag/twag/radius/internal/wire"
)

// batchSize is how many datagrams one system call takes. Under load it saves
// most of the calls; at rest it costs nothing.
const batchSize = 32

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// controlBuffer has room for control messages, and their alignment.
type controlBuffer [8]uint64

func (b *controlBuffer) octets() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(b)), unsafe.Sizeof(*b))
}

// udpCarrier reads a UDP socket in batches with recvmmsg. x/net's ReadBatch
// does the same at the price of two allocations a datagram.
type udpCarrier struct {
	conn    *net.UDPConn
	raw     syscall.RawConn
	local   net.Addr
	stopped atomic.Bool
	recv    func(fd uintptr) bool // c.recvmmsg, bound once
	family  int                   // AF_INET, AF_INET6; 0 if unknown

	// template is the control message of an answer but for the address; nil
	// when answers need none.
	template        []byte
	infoLevel, info int32

	got   int
	errno syscall.Errno
	hdrs  [batchSize]mmsghdr
	iovs  [batchSize]unix.Iovec
	names [batchSize]unix.RawSockaddrInet6 // the longest; its head is that of IPv4's
	ctls  [batchSize]controlBuffer
	from  path
	bufs  [batchSize][wire.MaxLen]byte
}

func newUDPCarrier(conn *net.UDPConn) carrier {
	raw, err := conn.SyscallConn()
	if err != nil { // closed already: the first read says so
		return &packetCarrier{pc: conn, local: conn.LocalAddr(), buf: make([]byte, wire.MaxLen)}
	}
	c := &udpCarrier{conn: conn, raw: raw, local: conn.LocalAddr()}
	c.recv = c.recvmmsg
	for i := range c.hdrs {
		c.iovs[i].Base = &c.bufs[i][0]
		c.iovs[i].SetLen(len(c.bufs[i]))
		h := &c.hdrs[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&c.names[i]))
		h.Iov = &c.iovs[i]
		h.SetIovlen(1)
	}
	_ = raw.Control(func(fd uintptr) {
		family, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		if err != nil {
			return
		}
		c.family = family
		if isUnspecified(c.local) {
			c.wantDestination(int(fd))
		}
	})
	for i := range batchSize {
		c.prepare(i)
	}
	return c
}

// wantDestination asks the kernel for the address that each datagram was sent
// to. A host that won't tell answers from the address it would choose itself.
func (c *udpCarrier) wantDestination(fd int) {
	size := unix.SizeofInet6Pktinfo
	level, option := unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	c.info = unix.IPV6_PKTINFO
	if c.family == unix.AF_INET {
		size = unix.SizeofInet4Pktinfo
		level, option = unix.IPPROTO_IP, unix.IP_PKTINFO
		c.info = unix.IP_PKTINFO
	}
	if unix.SetsockoptInt(fd, level, option, 1) != nil {
		return
	}
	c.template = make([]byte, unix.CmsgSpace(size))
	c.infoLevel = int32(level)
	h := (*unix.Cmsghdr)(unsafe.Pointer(&c.template[0]))
	h.Level, h.Type = c.infoLevel, c.info
	h.SetLen(unix.CmsgLen(size))
}

func (c *udpCarrier) read() (int, error) {
	// The kernel writes lengths back.
	for i := range c.got {
		c.prepare(i)
	}
	c.got = 0
	if err := c.raw.Read(c.recv); err != nil {
		return 0, readError(err, c.stopped.Load())
	}
	if c.errno != 0 {
		return 0, c.errno
	}
	return c.got, nil
}

func (c *udpCarrier) prepare(i int) {
	h := &c.hdrs[i].hdr
	h.Namelen = uint32(unsafe.Sizeof(c.names[i]))
	if c.template != nil {
		b := c.ctls[i].octets()
		h.Control = &b[0]
		h.SetControllen(len(b))
	}
}

// recvmmsg reports whether it is done; false waits for the socket. It does not
// block either (see sendmmsg).
func (c *udpCarrier) recvmmsg(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&c.hdrs[0])),
			batchSize, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			c.got, c.errno = int(n), 0
			return true
		case unix.EAGAIN:
			return false
		case unix.EINTR:
		default:
			c.got, c.errno = 0, errno
			return true
		}
	}
}

func (c *udpCarrier) datagram(i int) ([]byte, *path) {
	c.from.remote = c.remote(i)
	c.from.controlLen = 0
	if c.template != nil {
		c.setControl(i)
	}
	return c.bufs[i][:min(int(c.hdrs[i].n), wire.MaxLen)], &c.from
}

func (c *udpCarrier) remote(i int) netip.AddrPort {
	name := &c.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	if name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	addr := netip.AddrFrom16(name.Addr)
	if addr.Is4In6() {
		addr = addr.Unmap()
	} else if name.Scope_id != 0 {
		addr = addr.WithZone(strconv.Itoa(int(name.Scope_id)))
	}
	return netip.AddrPortFrom(addr, port)
}

// setControl makes the control message of the answer to datagram i: the same
// packet info, with the destination as source, and free to leave by any
// interface.
func (c *udpCarrier) setControl(i int) {
	b := c.ctls[i].octets()
	b = b[:min(int(c.hdrs[i].hdr.Controllen), len(b))]
	for len(b) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return
		}
		b = rest
		if h.Type != c.info || h.Level != c.infoLevel {
			continue
		}
		copy(c.from.control[:], c.template)
		info := c.from.control[unix.CmsgLen(0):len(c.template)]
		switch c.info {
		case unix.IPV6_PKTINFO:
			if len(data) < unix.SizeofInet6Pktinfo {
				return
			}
			copy(info, data[:16]) // ipi6_addr; ipi6_ifindex stays 0
		case unix.IP_PKTINFO:
			if len(data) < unix.SizeofInet4Pktinfo {
				return
			}
			copy(info[4:8], data[4:8]) // ipi_spec_dst; ipi_ifindex stays 0
		}
		c.from.controlLen = uint8(len(c.template))
		return
	}
}

// writeAny is write where the family of the socket is not known.
func (c *udpCarrier) writeAny(b []byte, to *path) error {
	if to.controlLen == 0 {
		_, err := c.conn.WriteToUDPAddrPort(b, to.remote)
		return err
	}
	_, _, err := c.conn.WriteMsgUDPAddrPort(b, to.control[:to.controlLen], to.remote)
	return err
}

func (c *udpCarrier) stopReading() {
	c.stopped.Store(true)
	_ = c.conn.SetReadDeadline(time.Now())
}

func (c *udpCarrier) close() error        { return c.conn.Close() }
func (c *udpCarrier) localAddr() net.Addr { return c.local }
