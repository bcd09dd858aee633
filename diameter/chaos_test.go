package diameter

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a server that can be killed and stalled, as a process can.
type process struct {
	t    *testing.T
	host string

	mu      sync.Mutex // guards the following
	node    *Node      // nil while killed
	l       *memListener
	resumed chan struct{} // nil unless stalled
}

func (p *process) start() {
	cfg := serverConfig()
	cfg.OriginHost = p.host
	cfg.OriginRealm = testRealm
	n, err := NewNode(cfg)
	require.NoError(p.t, err)
	n.Handle(swxApplication, cmdMAR, echo)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.node, p.l = n, newMemListener()
	go func() { _ = n.Serve(p.l) }()
}

func (p *process) kill() {
	p.mu.Lock()
	n := p.node
	p.node = nil
	p.mu.Unlock()
	_ = n.Close()
}

func (p *process) stall() { p.mu.Lock(); p.resumed = make(chan struct{}); p.mu.Unlock() }
func (p *process) resume() {
	p.mu.Lock()
	close(p.resumed)
	p.resumed = nil
	p.mu.Unlock()
}

// run returns once the process runs.
func (p *process) run() {
	p.mu.Lock()
	ch := p.resumed
	p.mu.Unlock()
	if ch != nil {
		<-ch
	}
}

func (p *process) dial(context.Context) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.node == nil {
		return nil, errRefused
	}
	near, end := net.Pipe()
	p.l.conns <- processConn{end, p}
	return near, nil
}

// processConn is a connection of a process: nothing moves while it is stalled.
type processConn struct {
	net.Conn
	p *process
}

func (c processConn) Read(b []byte) (int, error) {
	c.p.run()
	n, err := c.Conn.Read(b)
	c.p.run()
	return n, err
}

func (c processConn) Write(b []byte) (int, error) { c.p.run(); return c.Conn.Write(b) }

// Two servers are killed, started, stalled and resumed in turn, under load: no
// request fails, none takes long, and the servers come back by themselves.
func TestNoRequestFailsWhileServersDieInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := []*process{{t: t, host: "a.example"}, {t: t, host: "b.example"}}
		cfg := clientConfig()
		cfg.Watchdog = 6 * time.Second
		for _, p := range servers {
			p.start()
			cfg.Peers = append(cfg.Peers, PeerConfig{Host: p.host, Dial: p.dial})
		}
		n := newNode(t, cfg)
		n.Start()
		for _, p := range servers {
			require.NoError(t, n.WaitOpen(t.Context(), p.host))
		}
		var load sync.WaitGroup
		var sent, failed, longest atomic.Int64
		stop := make(chan struct{})
		load.Go(func() {
			m := mar(t, "x")
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				load.Go(func() {
					sent.Add(1)
					ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
					defer cancel()
					start := time.Now()
					if _, err := n.Exchange(ctx, m); err != nil {
						failed.Add(1)
						t.Errorf("after %v: %v", time.Since(start), err)
					}
					if d := int64(time.Since(start)); d > longest.Load() {
						longest.Store(d)
					}
				})
			}
		})
		back := func(p *process) time.Duration {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			require.NoError(t, n.WaitOpen(ctx, p.host))
			return time.Since(start)
		}
		time.Sleep(5 * time.Second)
		for _, p := range servers {
			p.kill()
			time.Sleep(5 * time.Second)
			p.start()
			t.Logf("%s started, open again after %v", p.host, back(p))
			time.Sleep(5 * time.Second)
			p.stall()
			time.Sleep(30 * time.Second)
			p.resume()
			t.Logf("%s resumed, open again after %v", p.host, back(p))
			time.Sleep(5 * time.Second)
			p.stall()
			time.Sleep(8 * time.Second) // not long enough to be suspect
			p.resume()
			time.Sleep(5 * time.Second)
		}
		close(stop)
		load.Wait()
		require.Zero(t, failed.Load(), "of %d", sent.Load())
		require.Less(t, time.Duration(longest.Load()), 5*time.Second)
		var failedOver uint64
		for _, st := range n.Peers() {
			failedOver += st.FailedOver
		}
		require.Greater(t, failedOver, uint64(300), "or nothing has happened")
		t.Logf("%d requests, %d sent again, the longest took %v", sent.Load(), failedOver, time.Duration(longest.Load()))
		for _, p := range servers {
			p.kill()
		}
		require.NoError(t, n.Close())
	})
}
