package interop

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMergeOfTwoServers: access points account at a primary and a secondary server. Some events
// reach one of them, some both, at once or when they are repeated because an answer was
// lost. The merged tickets have each event once.
func TestMergeOfTwoServers(t *testing.T) {
	Need(t)
	var servers [2]*bookkeeper
	for i, name := range []string{"twag1", "twag2"} {
		servers[i] = startBookkeeper(t, name, filepath.Join(t.TempDir(), "data"))
	}
	middle := startFork(t, [2]netip.AddrPort{servers[0].addr, servers[1].addr})
	load := startAccounting(t, radiusServer{middle, secret}, "-rate", "500", "-sessions", "500", "-duration", "4s", "-close")
	r := load.report()
	require.NotZero(t, r.Retransmitted)
	var files []string
	for _, s := range servers {
		s.ended()
		files = append(files, s.ticketFiles()...)
	}
	merged := filepath.Join(t.TempDir(), "merged")
	p, err := Start(ProgramPath("twagctl"), append([]string{"tickets", "merge", "-o", merged}, files...)...)
	require.NoError(t, err)
	code, err := p.Wait(t.Context())
	require.NoError(t, err)
	require.Zero(t, code, "%s", p.Output())
	numbers := regexp.MustCompile(`(\d+) tickets read, (\d+) written, (\d+) duplicates, 0 not readable`).FindStringSubmatch(p.Output())
	require.NotNil(t, numbers, "%s", p.Output())
	require.Equal(t, strconv.FormatUint(r.Requests, 10), numbers[2], "%s", p.Output())
	duplicates, err := strconv.ParseUint(numbers[3], 10, 64)
	require.NoError(t, err)
	require.Greater(t, duplicates, r.Requests/4)
	t.Logf("%s", p.Output())
	load.checkTickets(merged)
}

// startFork starts what passes each request on to one of the servers or to both, and one answer back,
// unless that gets lost. It returns its address.
func startFork(t *testing.T, servers [2]netip.AddrPort) netip.AddrPort {
	t.Helper()
	const seed = 3
	rng := rand.New(rand.NewPCG(seed, seed))
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	require.NoError(t, err)
	var running sync.WaitGroup
	clients := make(map[netip.AddrPort]*forked)
	t.Cleanup(func() {
		_ = front.Close()
		running.Wait()
	})
	running.Go(func() {
		defer func() {
			for _, c := range clients {
				c.close()
			}
		}()
		buf := make([]byte, 4096)
		for {
			n, from, err := front.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			c := clients[from]
			if c == nil {
				if c, err = newForked(servers, front, from, &running); err != nil {
					t.Error(err)
					return
				}
				clients[from] = c
			}
			// To both, to one of the two; and one answer in ten gets lost.
			way := rng.IntN(4)
			to := []int{way % 2}
			if way < 2 {
				to = []int{0, 1}
			}
			speaks := to[rng.IntN(len(to))]
			if rng.IntN(10) == 0 {
				speaks = -1
			}
			c.speaks(buf[1], speaks)
			for _, i := range to {
				_, _ = c.backs[i].Write(buf[:n])
			}
		}
	})
	return front.LocalAddr().(*net.UDPAddr).AddrPort()
}

// forked is a client of a fork.
type forked struct {
	backs [2]*net.UDPConn

	mu sync.Mutex
	// from says for each Identifier whose answer is passed on, once; -1: nobody's.
	from [256]int
}

func newForked(servers [2]netip.AddrPort, front *net.UDPConn, client netip.AddrPort, running *sync.WaitGroup) (*forked, error) {
	c := new(forked)
	for i, server := range servers {
		back, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
		if err != nil {
			return nil, err
		}
		c.backs[i] = back
		running.Go(func() {
			buf := make([]byte, 4096)
			for {
				n, err := back.Read(buf)
				if err != nil {
					return
				}
				if c.passes(buf[1], i) {
					_, _ = front.WriteToUDPAddrPort(buf[:n], client)
				}
			}
		})
	}
	return c, nil
}

func (c *forked) speaks(identifier byte, server int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from[identifier] = server
}

func (c *forked) passes(identifier byte, server int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from[identifier] != server {
		return false
	}
	c.from[identifier] = -1
	return true
}

func (c *forked) close() {
	for _, back := range c.backs {
		if back != nil {
			_ = back.Close()
		}
	}
}
