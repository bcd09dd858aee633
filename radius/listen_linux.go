package radius

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// listen opens n UDP sockets on one address, between which the kernel shares
// out the senders: one sender's datagrams always come to the same socket.
func listen(ctx context.Context, addr string, n int) ([]net.PacketConn, error) {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	// A port of the system's choice may be lost to somebody else before it is
	// shared; then another will do.
	for try := 1; ; try++ {
		pcs, err := listenShared(ctx, addr, n)
		if errors.Is(err, unix.EADDRINUSE) && port == "0" && try < 10 {
			continue
		}
		return pcs, err
	}
}

func listenShared(ctx context.Context, addr string, n int) ([]net.PacketConn, error) {
	// A socket of its own first: sharing would hide from us that another
	// server has the address already, and take half of its requests.
	var plain net.ListenConfig
	pc, err := plain.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, err
	}
	if n == 1 {
		return []net.PacketConn{pc}, nil
	}
	// The address as it is bound, which settles port 0 and names.
	bound := pc.LocalAddr().(*net.UDPAddr)
	_ = pc.Close()
	if host, _, _ := net.SplitHostPort(addr); host == "" {
		addr = ":" + strconv.Itoa(bound.Port)
	} else {
		addr = bound.String()
	}

	shared := net.ListenConfig{Control: reusePort}
	var pcs []net.PacketConn
	for range n {
		pc, err := shared.ListenPacket(ctx, "udp", addr)
		if err != nil {
			for _, pc := range pcs {
				_ = pc.Close()
			}
			return nil, err
		}
		pcs = append(pcs, pc)
	}
	return pcs, nil
}

func reusePort(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); e != nil {
		return e
	}
	return err
}
