package diameter

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

const (
	clientHost = "aaa.example.org"
	serverHost = "hss.example.net"
	testRealm  = "example.net"
	cmdMAR     = 303
)

var testApp = Application{ID: swxApplication, Vendor: vendor3GPP}

func clientConfig() Config {
	return Config{OriginHost: clientHost, OriginRealm: "example.org", Applications: []Application{testApp}}
}

func serverConfig() Config {
	return Config{
		OriginHost: serverHost, OriginRealm: testRealm, Applications: []Application{testApp},
		AllowPeer: func(PeerInfo) bool { return true },
	}
}

func newNode(t testing.TB, cfg Config) *Node {
	t.Helper()
	n, err := NewNode(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// echo answers with success and the request's User-Name.
var echo = HandlerFunc(func(_ context.Context, r *Request) (wire.Message, error) {
	w := r.Answer(ResultSuccess)
	if a, ok := r.Message.Find(AVPUserName, 0); ok {
		w.AVP(a)
	}
	return w.Message()
})

// mar builds a Multimedia-Auth-Request with the given User-Name.
func mar(t testing.TB, user string) wire.Message {
	t.Helper()
	w := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest | wire.FlagProxiable, Command: cmdMAR, Application: swxApplication})
	w.String(AVPSessionID, 0, wire.FlagMandatory, clientHost+";1;2")
	w.String(AVPOriginHost, 0, wire.FlagMandatory, clientHost)
	w.String(AVPOriginRealm, 0, wire.FlagMandatory, "example.org")
	w.String(AVPDestinationRealm, 0, wire.FlagMandatory, testRealm)
	w.String(AVPUserName, 0, wire.FlagMandatory, user)
	m, err := w.Message()
	require.NoError(t, err)
	return m
}

// serveTCP makes n listen on loopback and returns the address.
func serveTCP(t testing.TB, n *Node) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- n.Serve(l) }()
	t.Cleanup(func() {
		_ = n.Close()
		require.ErrorIs(t, <-done, net.ErrClosed)
	})
	return l.Addr().String()
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func resultOf(t testing.TB, m wire.Message) uint32 {
	t.Helper()
	a, ok := m.Find(AVPResultCode, 0)
	require.True(t, ok, "no Result-Code")
	v, err := a.Uint32()
	require.NoError(t, err)
	return v
}

func hangingDial(ctx context.Context, _ PeerConfig) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
