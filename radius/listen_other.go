//go:build !linux

package radius

import (
	"context"
	"net"
)

// listen opens one UDP socket: elsewhere than on Linux, sockets that share an
// address do not share its load.
func listen(ctx context.Context, addr string, _ int) ([]net.PacketConn, error) {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, err
	}
	return []net.PacketConn{pc}, nil
}
