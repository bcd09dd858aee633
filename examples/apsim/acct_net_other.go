//go:build !linux

package main

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// connNet has a goroutine for each socket that reads.
type connNet struct {
	conns  []*net.UDPConn
	in     chan inbound
	wg     sync.WaitGroup
	closed chan struct{}
}

type inbound struct {
	socket int
	b      []byte
}

// dialAcct opens sockets to the server.
func dialAcct(server netip.AddrPort, sockets int) (acctNet, error) {
	n := &connNet{in: make(chan inbound, 4096), closed: make(chan struct{})}
	for i := range sockets {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
		if err != nil {
			_ = n.close()
			return nil, err
		}
		n.conns = append(n.conns, conn)
		n.wg.Go(func() { n.read(i, conn) })
	}
	return n, nil
}

func (n *connNet) read(socket int, conn *net.UDPConn) {
	buf := make([]byte, 4096)
	for {
		size, err := conn.Read(buf)
		select {
		case <-n.closed:
			return
		default:
		}
		if err != nil { // refused: the server is not there, and may come back
			time.Sleep(time.Millisecond)
			continue
		}
		select {
		case n.in <- inbound{socket, append([]byte(nil), buf[:size]...)}:
		case <-n.closed:
			return
		}
	}
}

// send gives b to the network. What it does not take is sent again in its time.
func (n *connNet) send(socket int, b []byte) { _, _ = n.conns[socket].Write(b) }

func (*connNet) flush() error { return nil }

func (n *connNet) wait(d time.Duration, receive func(socket int, b []byte)) error {
	timeout := time.After(d)
	select {
	case in := <-n.in:
		receive(in.socket, in.b)
	case <-timeout:
		return nil
	}
	for {
		select {
		case in := <-n.in:
			receive(in.socket, in.b)
		default:
			return nil
		}
	}
}

func (n *connNet) close() error {
	close(n.closed)
	for _, c := range n.conns {
		_ = c.Close()
	}
	n.wg.Wait()
	return nil
}
