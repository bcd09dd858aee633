package radius

import (
	"context"
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
	// The address as it is bound, which settles port 0.
	bound := pc.LocalAddr().(*net.UDPAddr)
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		_ = pc.Close()
		return nil, err
	}
	if host != "" {
		host = bound.IP.String()
		if bound.Zone != "" {
			host += "%" + bound.Zone
		}
	}
	addr = net.JoinHostPort(host, strconv.Itoa(bound.Port))
	_ = pc.Close()

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
