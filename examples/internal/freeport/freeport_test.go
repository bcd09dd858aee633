package freeport

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoopback(t *testing.T) {
	addr, err := Loopback()
	require.NoError(t, err)
	require.Less(t, addr.Port(), uint16(last))
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	require.NoError(t, err)
	require.False(t, isFree(addr), "UDP is in use")
	require.NoError(t, udp.Close())

	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer tcp.Close()
	require.False(t, isFree(netip.MustParseAddrPort(tcp.Addr().String())), "TCP is in use")
}
