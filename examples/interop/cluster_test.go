package interop

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
)

// clusterKey returns a key of the ring as the configuration has it.
func clusterKey(id int) string {
	return fmt.Sprintf("  - {id: %d, secret: %x}\n", id, sha256.Sum256(fmt.Append(nil, "interop key ", id)))
}

// cluster is two processes of the server in front of one HSS, and a balancer
// that gives each request of a login to the other one than that before.
type cluster struct {
	servers  [2]twagd
	balancer radiusServer
}

// startCluster starts it; keys are the rings of the two.
func startCluster(t *testing.T, keys [2]string, settings string) cluster {
	t.Helper()
	home := startHSS(t, "-any-aaa-server")
	var c cluster
	var addrs []netip.AddrPort
	for i := range c.servers {
		own := settings
		if keys[i] != "" {
			own += "\nkeys:\n" + keys[i]
		}
		c.servers[i] = startServerAs(t, fmt.Sprintf("twag%d.%s", 1+i, diameterRealm), hssHost, home.addr, own)
		addrs = append(addrs, c.servers[i].addr)
	}
	c.balancer = radiusServer{startBalancer(t, addrs), secret}
	return c
}

// ended ends both servers and returns what each has said.
func (c *cluster) ended(t *testing.T) (said [2]string) {
	t.Helper()
	for i := range c.servers {
		said[i] = c.servers[i].ended(t)
	}
	return said
}

// startBalancer passes requests on to the servers in turn, and the answers
// back. A request that comes again goes where it went before.
func startBalancer(t *testing.T, servers []netip.AddrPort) netip.AddrPort {
	t.Helper()
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	require.NoError(t, err)
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = front.Close()
		running.Wait()
	})
	running.Go(func() {
		type authenticator [16]byte
		next := 0
		// Each request has a socket of its own, so that its answer is known by
		// where it arrives.
		backs := make(map[authenticator]*net.UDPConn)
		defer func() {
			for _, back := range backs {
				_ = back.Close()
			}
		}()
		buf := make([]byte, 4096)
		for {
			n, from, err := front.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if n < 20 {
				continue
			}
			request := authenticator(buf[4:20])
			back := backs[request]
			if back == nil {
				server := servers[next%len(servers)]
				next++
				if back, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server)); err != nil {
					return // the phone will miss its answer
				}
				backs[request] = back
				running.Go(func() {
					answer := make([]byte, 4096)
					for {
						n, err := back.Read(answer)
						if err != nil {
							return
						}
						_, _ = front.WriteToUDPAddrPort(answer[:n], from)
					}
				})
			}
			_, _ = back.Write(buf[:n])
		}
	})
	return front.LocalAddr().(*net.UDPAddr).AddrPort()
}

// TestTwoProcesses: the first request of a login is answered by one process of
// the server and the second by another.
func TestTwoProcesses(t *testing.T) {
	Need(t)
	one, two := clusterKey(1), clusterKey(2)
	for _, tc := range []struct {
		name     string
		keys     [2]string
		settings string
	}{
		{name: "one ring", keys: [2]string{one, one}},
		{name: "identity asked for, protected success", keys: [2]string{one, one}, settings: "  always_request_identity: true\n  result_indications: true\n"},
		{name: "a new key that one seals with already", keys: [2]string{one + two, two + one}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := startCluster(t, tc.keys, "eap:\n"+allMethods+"\n"+tc.settings)
			ap := clusterAP(t, c)
			for i, method := range []eap.Type{eap.TypeAKA, eap.TypeAKAPrime, eap.TypeSIM} {
				for _, resync := range []bool{false, true} {
					// Without fast re-authentication, whose contexts are each
					// server's own; the second login is with a pseudonym.
					u, err := ue.New(ue.Config{IMSI: imsi(i), Methods: []eap.Type{method}, NoReauth: true})
					require.NoError(t, err)
					if resync && method != eap.TypeSIM {
						u.RaiseSQN()
					}
					for range 2 {
						r, err := u.Login(t.Context(), ap)
						require.NoError(t, err, "%v, resynchronisation %v, phone: %v", method, resync, r.PhoneErr)
					}
					require.Contains(t, "237", u.Identity()[:1], "a pseudonym")
				}
			}
			// Each has had its part of the logins.
			for _, said := range c.ended(t) {
				require.Contains(t, said, accepted)
				require.Contains(t, said, challenge)
				require.NotContains(t, said, "Authentication REJECTED")
				require.NotContains(t, said, fmt.Sprintf("%x", sha256.Sum256([]byte("interop key 1"))))
			}
		})
	}
}

// TestTwoProcessesWithoutACommonState: nobody goes on with what another has
// begun, unless the two have a key in common; and never where it is for forward
// secrecy, whose ephemeral key stays in its process (RFC 9678, section 7.2).
func TestTwoProcessesWithoutACommonState(t *testing.T) {
	Need(t)
	one, two := clusterKey(1), clusterKey(2)
	sameID := strings.Replace(two, "id: 2", "id: 1", 1)
	for _, tc := range []struct {
		name string
		keys [2]string
		fs   aka.ForwardSecrecy
	}{
		{"two rings", [2]string{one, two}, aka.FSOff},
		{"two rings, one ID", [2]string{one, sameID}, aka.FSOff},
		{"rings of their own", [2]string{"", ""}, aka.FSOff},
		{"forward secrecy", [2]string{one, one}, aka.FSOffered},
	} {
		t.Run(tc.name, func(t *testing.T) {
			settings := ""
			if tc.fs != aka.FSOff {
				settings = "eap:\n  forward_secrecy: {policy: offered}\n"
			}
			c := startCluster(t, tc.keys, settings)
			ap := clusterAP(t, c)
			for i, method := range []eap.Type{eap.TypeAKAPrime, eap.TypeAKA} {
				if tc.fs != aka.FSOff && method == eap.TypeAKA {
					continue
				}
				u, err := ue.New(ue.Config{IMSI: imsi(i), Methods: []eap.Type{method}, ForwardSecrecy: tc.fs})
				require.NoError(t, err)
				_, err = u.Login(t.Context(), ap)
				require.ErrorIs(t, err, radiustest.ErrRejected)
			}
			said := c.ended(t)
			require.Contains(t, said[0], challenge)
			require.Contains(t, said[1], "Authentication REJECTED")
			require.NotContains(t, said[0]+said[1], accepted)
		})
	}
}

func clusterAP(t *testing.T, c cluster) *radiustest.AP {
	t.Helper()
	ap, err := radiustest.NewAP(radiustest.Config{
		Server: c.balancer.addr.String(), Secret: secret, Sockets: 1,
		FirstRetransmission: time.Second, Patience: time.Minute, Tries: 20,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ap.Close()) })
	return ap
}

// TestSupplicantAtTwoProcesses: the same with a real supplicant, which also
// comes with a re-authentication identity to the process that does not know
// it, and then has a full login without another question than which identity
// it has besides.
func TestSupplicantAtTwoProcesses(t *testing.T) {
	Need(t, EapolTest)
	key := clusterKey(1)
	c := startCluster(t, [2]string{key, key}, "eap:\n"+allMethods)
	for i, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			l := login{methods: m.name, digit: m.permanent, subscriber: i}
			r, err := Supplicant{
				Methods: m.name, Identity: l.identity(), Card: l.card(t), Again: 3, Server: c.balancer.addr, Secret: secret,
			}.Run(t.Context())
			require.NoError(t, err)
			require.True(t, r.Succeeded(4), "exit code %d, keys OK %d, mismatch %d:\n%s", r.ExitCode, r.KeysOK, r.KeysMismatch, r.Tail())
		})
	}
	said := c.ended(t)
	for _, s := range said {
		require.NotZero(t, strings.Count(s, accepted))
		require.NotContains(t, s, "Authentication REJECTED")
	}
	require.Equal(t, 4*len(methods), strings.Count(said[0]+said[1], accepted))
}
