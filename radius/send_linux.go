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
	out   []outgoing
	done  int
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
	if len(out) == 1 || c.family == 0 {
		writeEach(c, out)
		return
	}
	s := senders.Get().(*sender)
	s.out, s.done = out, 0
	for i := range out {
		s.prepare(i, c.family)
	}
	if err := c.raw.Write(s.send); err != nil {
		for i := s.done; i < len(out); i++ {
			out[i].err = err
		}
	}
	s.out = nil
	for i := range out { // don't hold on to what isn't ours
		s.iovs[i].Base = nil
		s.hdrs[i].hdr.Control = nil
	}
	senders.Put(s)
}

func (s *sender) prepare(i int, family int) {
	o := &s.out[i]
	b := o.octets()
	s.iovs[i].Base = &b[0]
	s.iovs[i].SetLen(len(b))

	h := &s.hdrs[i].hdr
	h.Iov = &s.iovs[i]
	h.SetIovlen(1)
	h.Name = (*byte)(unsafe.Pointer(&s.names[i]))
	h.Namelen = setName(&s.names[i], &o.r.back, family)
	h.Control = nil
	h.SetControllen(0)
	if n := int(o.r.back.controlLen); n > 0 {
		h.Control = &o.r.back.control[0]
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
func (s *sender) sendmmsg(fd uintptr) bool {
	for s.done < len(s.out) {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&s.hdrs[s.done])),
			uintptr(len(s.out)-s.done), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			s.done += int(n)
		case unix.EAGAIN:
			return false
		case unix.EINTR:
		default: // the first one's error; the others go on
			s.out[s.done].err = syscall.Errno(errno)
			s.done++
		}
	}
	return true
}
