package diameter

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// The module for SCTP that go-diameter uses knows no deadlines and blocks a
// thread for each connection. The net package has both for any stream socket
// that it is handed.

// Options of the level SCTP (linux/sctp.h).
const (
	sctpNoDelay          = 3
	sctpDefaultSendParam = 10
)

// optionsSCTP sets what a connection needs: no waiting for more to send, and
// Diameter's payload protocol identifier.
func optionsSCTP(fd int) error {
	if err := syscall.SetsockoptInt(fd, protoSCTP, sctpNoDelay, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	return os.NewSyscallError("setsockopt", syscall.SetsockoptString(fd, protoSCTP, sctpDefaultSendParam, string(sndrcvinfo())))
}

func dialSCTP(ctx context.Context, address string) (net.Conn, error) {
	nc, err := dialStream(ctx, protoSCTP, address)
	if err != nil {
		return nil, sctpError("dial", address, err)
	}
	return newSCTPConn(nc)
}

// streamSocket opens a socket for the first address of a host.
func streamSocket(ctx context.Context, proto int, address string) (int, syscall.Sockaddr, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return -1, nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return -1, nil, err
	}
	ip := netip.IPv4Unspecified()
	if host != "" {
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return -1, nil, err
		}
		ip = ips[0].Unmap()
	}
	family, sa := syscall.AF_INET, syscall.Sockaddr(&syscall.SockaddrInet4{Port: port})
	if ip.Is4() {
		sa.(*syscall.SockaddrInet4).Addr = ip.As4()
	} else {
		family, sa = syscall.AF_INET6, &syscall.SockaddrInet6{Port: port, Addr: ip.As16()}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, proto)
	return fd, sa, os.NewSyscallError("socket", err)
}

// dialStream connects a stream socket of the protocol.
func dialStream(ctx context.Context, proto int, address string) (*net.TCPConn, error) {
	fd, sa, err := streamSocket(ctx, proto, address)
	if err != nil {
		return nil, err
	}
	err = syscall.Connect(fd, sa)
	f := os.NewFile(uintptr(fd), address) // which the poller knows from here on
	defer f.Close()
	switch err {
	case nil, syscall.EINPROGRESS, syscall.EINTR:
	default:
		return nil, os.NewSyscallError("connect", err)
	}
	if err := waitConnected(ctx, f); err != nil {
		return nil, err
	}
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return nc.(*net.TCPConn), nil
}

// waitConnected waits until f is connected, or is not going to be.
func waitConnected(ctx context.Context, f *os.File) error {
	stop := context.AfterFunc(ctx, func() { _ = f.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = rc.Write(func(fd uintptr) bool {
		code, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
		switch {
		case err != nil:
			failed = os.NewSyscallError("getsockopt", err)
		case code != 0:
			failed = os.NewSyscallError("connect", syscall.Errno(code))
		default:
			_, err := syscall.Getpeername(int(fd))
			return err == nil // else it is still trying
		}
		return true
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failed != nil {
		return failed
	}
	return err
}

// listenStream listens on a stream socket of the protocol.
func listenStream(proto int, address string) (*net.TCPListener, error) {
	fd, sa, err := streamSocket(context.Background(), proto, address)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), address)
	defer f.Close()
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(fd, sa); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	if err := syscall.Listen(fd, syscall.SOMAXCONN); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}
