package diameter

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// connected returns two nodes with an open connection over real TCP.
func connected(t testing.TB, client, server Config) (c, s *Node) {
	t.Helper()
	s = newNode(t, server)
	addr := serveTCP(t, s)
	client.Peers = []PeerConfig{{Host: server.OriginHost, Address: addr}}
	c = newNode(t, client)
	c.Start()
	require.NoError(t, c.WaitOpen(testContext(t), server.OriginHost))
	require.NoError(t, s.WaitOpen(testContext(t), client.OriginHost))
	return c, s
}

func TestExchangeOverTCP(t *testing.T) {
	c, s := connected(t, clientConfig(), serverConfig())
	s.Handle(swxApplication, cmdMAR, echo)
	ctx := testContext(t)

	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			user := fmt.Sprint("user", i)
			a, err := c.Exchange(ctx, mar(t, user))
			if err != nil {
				t.Error(err)
				return
			}
			name, _ := a.Find(AVPUserName, 0)
			if string(name.Data) != user {
				t.Errorf("got %q for %q", name.Data, user)
			}
		})
	}
	wg.Wait()
	require.NoError(t, c.Shutdown(ctx))
	_, err := c.Exchange(ctx, mar(t, "x"))
	require.ErrorIs(t, err, ErrClosed)
}

func TestClosedNodeStaysClosed(t *testing.T) {
	for _, started := range []bool{true, false} {
		cfg := clientConfig()
		cfg.Peers = []PeerConfig{{Host: serverHost, Dial: func(context.Context) (net.Conn, error) {
			t.Error("it connects")
			return nil, net.ErrClosed
		}}}
		if started {
			cfg.Peers = nil
		}
		n := newNode(t, cfg)
		if started {
			n.Start()
		}
		var wg sync.WaitGroup
		for range 4 { // at once, and again
			wg.Go(func() { _ = n.Shutdown(testContext(t)) })
			wg.Go(func() { _ = n.Close() })
		}
		wg.Wait()
		n.Start()
		l := newMemListener()
		require.ErrorIs(t, n.Serve(l), ErrClosed)
		_, err := l.Accept()
		require.ErrorIs(t, err, net.ErrClosed, "its listener is closed")
		require.ErrorIs(t, n.WaitOpen(testContext(t), ""), ErrClosed)
		_, err = n.Exchange(testContext(t), mar(t, "x"))
		require.ErrorIs(t, err, ErrClosed)
		require.NoError(t, n.Shutdown(testContext(t)))
	}
}

func TestPeerTable(t *testing.T) {
	c, s := connected(t, clientConfig(), serverConfig())
	p := c.Peers()
	require.Len(t, p, 1)
	require.Equal(t, serverHost, p[0].Host)
	require.Equal(t, testRealm, p[0].Realm)
	require.Equal(t, PeerOpen, p[0].State)
	require.Equal(t, "tcp", p[0].Transport)
	require.Equal(t, "twag", p[0].ProductName)
	require.True(t, p[0].Initiator)
	require.Equal(t, []Application{testApp}, p[0].Applications)
	require.NotZero(t, p[0].OriginStateID)

	p = s.Peers()
	require.Len(t, p, 1)
	require.Equal(t, clientHost, p[0].Host)
	require.False(t, p[0].Initiator)
}
