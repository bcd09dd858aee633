// Package freeport finds ports for programs under test that have to be told one.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
)

// Below the ports that systems give away by themselves, so that nobody has one by chance
// between the look and the use, or while a server that was killed is started again.
const first, last = 10_000, 32_000

// Loopback returns an address of 127.0.0.1 whose port is free for UDP and TCP.
func Loopback() (netip.AddrPort, error) {
	for range 100 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(first+rand.IntN(last-first)))
		if isFree(addr) {
			return addr, nil
		}
	}
	return netip.AddrPort{}, errors.New("freeport: none is free")
}

func isFree(addr netip.AddrPort) bool {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return false
	}
	defer l.Close()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return false
	}
	defer c.Close()
	return true
}
