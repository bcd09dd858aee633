package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// waitGap is the least time between two looks at the sockets: under load it lets
// answers gather, which saves most of the calls. An answer that comes while nothing
// else does is seen at once.
const waitGap = 500 * time.Microsecond

// socketBuffer is the receive buffer of each socket in octets.
const socketBuffer = 1 << 20

// batchNet sends and receives in batches, from one goroutine.
type batchNet struct {
	epoll  int
	fds    []int
	woke   time.Time
	events [256]unix.EpollEvent

	socket  int // from which out goes
	out     int
	outHdrs [burst]mmsghdr
	outIovs [burst]unix.Iovec

	inHdrs [burst]mmsghdr
	inIovs [burst]unix.Iovec
	bufs   [burst][4096]byte
}

// dialAcct opens sockets to the server.
func dialAcct(server netip.AddrPort, sockets int) (acctNet, error) {
	n := &batchNet{}
	var err error
	if n.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	for i := range sockets {
		fd, err := dialSocket(server)
		if err != nil {
			_ = n.close()
			return nil, fmt.Errorf("socket %d of %d: %w", i+1, sockets, err)
		}
		n.fds = append(n.fds, fd)
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
		if err := unix.EpollCtl(n.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			_ = n.close()
			return nil, fmt.Errorf("epoll: %w", err)
		}
	}
	for i := range n.outHdrs {
		n.outHdrs[i].hdr.Iov = &n.outIovs[i]
		n.outHdrs[i].hdr.SetIovlen(1)
		n.inIovs[i].Base = &n.bufs[i][0]
		n.inIovs[i].SetLen(len(n.bufs[i]))
		n.inHdrs[i].hdr.Iov = &n.inIovs[i]
		n.inHdrs[i].hdr.SetIovlen(1)
	}
	return n, nil
}

func dialSocket(server netip.AddrPort) (int, error) {
	family, to := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(server.Port()), Addr: server.Addr().As16()})
	if server.Addr().Unmap().Is4() {
		family, to = unix.AF_INET, &unix.SockaddrInet4{Port: int(server.Port()), Addr: server.Addr().Unmap().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer) // as much as may be had
	if err := unix.Connect(fd, to); err != nil {
		_ = unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

func (n *batchNet) send(socket int, b []byte) {
	if n.out == burst || n.out > 0 && n.socket != socket {
		_ = n.flush()
	}
	n.socket = socket
	n.outIovs[n.out].Base = &b[0]
	n.outIovs[n.out].SetLen(len(b))
	n.out++
}

// flush sends what is there. What the network does not take is lost, as any datagram may
// be, and sent again in its time.
func (n *batchNet) flush() error {
	refused := false
	for done := 0; done < n.out; {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(n.fds[n.socket]), uintptr(unsafe.Pointer(&n.outHdrs[done])),
			uintptr(n.out-done), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0:
			done += int(sent)
			refused = false
		case errno == unix.EINTR:
		case errno == unix.ECONNREFUSED && !refused:
			refused = true // that was an earlier datagram
		default:
			done++
		}
	}
	for i := range n.out {
		n.outIovs[i].Base = nil
	}
	n.out = 0
	return nil
}

func (n *batchNet) wait(d time.Duration, receive func(socket int, b []byte)) error {
	if gap := waitGap - time.Since(n.woke); gap > 0 && d > 0 {
		ts := unix.NsecToTimespec(int64(gap))
		_ = unix.Nanosleep(&ts, nil) // cut short by a signal: no harm
		d = max(d-gap, 0)
	}
	ready, err := n.epollWait(d)
	n.woke = time.Now()
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("epoll: %w", err)
	}
	for _, e := range n.events[:max(ready, 0)] {
		n.read(int(e.Fd), receive)
	}
	return nil
}

// epollWait is epoll_wait with a time finer than milliseconds, where the system has that.
func (n *batchNet) epollWait(d time.Duration) (int, error) {
	ts := unix.NsecToTimespec(int64(d))
	ready, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(n.epoll), uintptr(unsafe.Pointer(&n.events[0])),
		uintptr(len(n.events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	switch errno {
	case 0:
		return int(ready), nil
	case unix.ENOSYS: // before Linux 5.11
		return unix.EpollWait(n.epoll, n.events[:], int((d+time.Millisecond-1)/time.Millisecond))
	default:
		return 0, errno
	}
}

// read takes all that a socket has.
func (n *batchNet) read(socket int, receive func(socket int, b []byte)) {
	for {
		got, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(n.fds[socket]), uintptr(unsafe.Pointer(&n.inHdrs[0])),
			burst, unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 { // empty; or refused: the server is not there, and may come back
			return
		}
		for i := range int(got) {
			receive(socket, n.bufs[i][:min(int(n.inHdrs[i].n), len(n.bufs[i]))])
		}
		if got < burst {
			return
		}
	}
}

func (n *batchNet) close() error {
	for _, fd := range n.fds {
		_ = unix.Close(fd)
	}
	return unix.Close(n.epoll)
}
