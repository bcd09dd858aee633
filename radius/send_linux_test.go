package radius

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/radius/internal/wire"
)

// TestWriteBatch: over all kinds of sockets each datagram reaches its sender,
// from the address that it was sent to, and one that can't be sent is no
// obstacle to the others.
func TestWriteBatch(t *testing.T) {
	for _, c := range []struct{ network, listen, to string }{
		{"udp4", "127.0.0.1:0", "127.0.0.1"},
		{"udp4", "0.0.0.0:0", "127.0.0.9"},
		{"udp", ":0", "127.0.0.9"},
		{"udp", ":0", "::1"},
		{"udp6", "[::1]:0", "::1"},
	} {
		t.Run(c.network+" "+c.listen+" to "+c.to, func(t *testing.T) {
			pc, err := net.ListenPacket(c.network, c.listen)
			if err != nil {
				t.Skip("no such address here: ", err)
			}
			defer pc.Close()
			carrier := newCarrier(pc)
			require.IsType(t, &udpCarrier{}, carrier)
			to := netip.AddrPortFrom(netip.MustParseAddr(c.to), addrPortOf(pc.LocalAddr()).Port())

			var out []outgoing
			var conns []net.Conn
			for i := range maxHeld {
				conn, err := net.Dial("udp", to.String())
				require.NoError(t, err)
				defer conn.Close()
				conns = append(conns, conn)
				_, err = fmt.Fprintf(conn, "request %d", i)
				require.NoError(t, err)
			}
			for len(out) < maxHeld {
				n, err := carrier.read()
				require.NoError(t, err)
				for i := range n {
					b, from := carrier.datagram(i)
					o := outgoing{r: &request{back: *from}, buf: new([wire.MaxLen]byte)}
					o.n = copy(o.buf[:], "answer to "+string(b))
					out = append(out, o)
				}
			}
			bad := &out[5]
			lost := bad.r.back.remote
			bad.r.back.remote = netip.AddrPortFrom(lost.Addr(), 0)

			carrier.writeBatch(out)
			for i := range out {
				if i == 5 {
					require.ErrorIs(t, out[i].err, syscall.EINVAL)
				} else {
					require.NoError(t, out[i].err)
				}
			}
			for i, conn := range conns {
				if addrPortOf(conn.LocalAddr()) == lost {
					continue
				}
				var b [100]byte
				require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
				n, err := conn.Read(b[:])
				require.NoError(t, err)
				require.Equal(t, fmt.Sprintf("answer to request %d", i), string(b[:n]))
			}
			require.ErrorIs(t, carrier.write([]byte("x"), &bad.r.back), syscall.EINVAL)
			bad.r.back.remote = lost
			require.NoError(t, carrier.write(bad.octets(), &bad.r.back))
			var b [100]byte
			alone := conns[slices.IndexFunc(conns, func(c net.Conn) bool { return addrPortOf(c.LocalAddr()) == lost })]
			require.NoError(t, alone.SetReadDeadline(time.Now().Add(time.Minute)))
			n, err := alone.Read(b[:])
			require.NoError(t, err)
			require.Equal(t, string(bad.octets()), string(b[:n]))

			require.NoError(t, carrier.close())
			require.ErrorIs(t, carrier.write([]byte("x"), &bad.r.back), net.ErrClosed)
			carrier.writeBatch(out[:2])
			require.ErrorIs(t, out[0].err, net.ErrClosed)
			require.ErrorIs(t, out[1].err, net.ErrClosed)
		})
	}
}
