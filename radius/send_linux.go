package radius

import (
	"encoding/binary"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sender is the working memory of one sendmmsg.
type sender struct {
	n     int // how many there are
	done  int
	errs  [maxHeld]error
	hdrs  [maxHeld]mmsghdr
	iovs  [maxHeld]unix.Iovec
	names [maxHeld]unix.RawSockaddrInet6
	send  func(fd uintptr) bool // s.sendmmsg, bound once
}

var senders = sync.Pool{New: func() any {
	s := new(sender)
	s.send = s.sendmmsg
	return s
}}

// writeBatch implements carrier with sendmmsg.
func (c *udpCarrier) writeBatch(out []outgoing) {
	if c.family == 0 {
		writeEach(c, out)
		return
	}
	s := senders.Get().(*sender)
	for i := range out {
		s.prepare(i, out[i].octets(), &out[i].r.back, c.family)
	}
	s.write(c.raw, len(out))
	for i := range out {
		out[i].err = s.errs[i]
	}
	s.free()
}

// write implements carrier with sendmmsg.
func (c *udpCarrier) write(b []byte, to *path) error {
	if c.family == 0 {
		return c.writeAny(b, to)
	}
	s := senders.Get().(*sender)
	s.prepare(0, b, to, c.family)
	s.write(c.raw, 1)
	err := s.errs[0]
	s.free()
	return err
}

// write sends the n messages that are prepared.
func (s *sender) write(raw syscall.RawConn, n int) {
	s.n, s.done = n, 0
	if err := raw.Write(s.send); err != nil {
		for i := s.done; i < n; i++ {
			s.errs[i] = err
		}
	}
}

// free gives s back; it must not hold on to what isn't ours.
func (s *sender) free() {
	for i := range s.n {
		s.iovs[i].Base = nil
		s.hdrs[i].hdr.Control = nil
		s.errs[i] = nil
	}
	senders.Put(s)
}

func (s *sender) prepare(i int, b []byte, to *path, family int) {
	s.iovs[i].Base = &b[0]
	s.iovs[i].SetLen(len(b))

	h := &s.hdrs[i].hdr
	h.Iov = &s.iovs[i]
	h.SetIovlen(1)
	h.Name = (*byte)(unsafe.Pointer(&s.names[i]))
	h.Namelen = setName(&s.names[i], to, family)
	h.Control = nil
	h.SetControllen(0)
	if n := int(to.controlLen); n > 0 {
		h.Control = &to.control[0]
		h.SetControllen(n)
	}
}

// setName writes the address of a datagram's sender in the kernel's form, and
// returns its length.
func setName(name *unix.RawSockaddrInet6, to *path, family int) uint32 {
	addr := to.remote.Addr()
	*name = unix.RawSockaddrInet6{Family: uint16(family)}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], to.remote.Port())
	if family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		v4.Addr = addr.As4()
		return uint32(unsafe.Sizeof(*v4))
	}
	name.Addr = addr.As16()
	if zone := addr.Zone(); zone != "" { // as remote has made it
		scope, _ := strconv.ParseUint(zone, 10, 32)
		name.Scope_id = uint32(scope)
	}
	return uint32(unsafe.Sizeof(*name))
}

// sendmmsg reports whether it is done; false waits for the socket.
//
// The call does not block, so the scheduler is not told of it: to take the
// processor away from a call that lasts some microseconds, and to find another
// afterwards, costs more than the call.
func (s *sender) sendmmsg(fd uintptr) bool {
	for s.done < s.n {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&s.hdrs[s.done])),
			uintptr(s.n-s.done), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			s.done += int(n)
		case unix.EAGAIN:
			return false
		case unix.EINTR:
		default: // the first one's error; the others go on
			s.errs[s.done] = syscall.Errno(errno)
			s.done++
		}
	}
	return true
}
