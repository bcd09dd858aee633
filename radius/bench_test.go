package radius

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

const testSecret = "a-secret-of-some-length"

// eapRequest returns an Access-Request as an access point sends it.
func eapRequest(t testing.TB, id byte, eapLen int) *layeh.Packet {
	p := layeh.New(layeh.CodeAccessRequest, []byte(testSecret))
	p.Identifier = id
	require.NoError(t, rfc2865.UserName_SetString(p, "0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org"))
	require.NoError(t, rfc2865.NASIPAddress_Set(p, net.IPv4(192, 0, 2, 1)))
	require.NoError(t, rfc2865.NASIdentifier_SetString(p, "ap-1.example"))
	require.NoError(t, rfc2865.CalledStationID_SetString(p, "00-10-A4-23-19-C0:SSID"))
	require.NoError(t, rfc2865.CallingStationID_SetString(p, "02-00-00-00-00-01"))
	require.NoError(t, rfc2865.NASPortType_Set(p, 19))
	require.NoError(t, rfc2865.ServiceType_Set(p, 2))
	require.NoError(t, rfc2865.FramedMTU_Set(p, 1400))
	p.Add(77, layeh.Attribute("CONNECT 54Mbps 802.11g"))
	require.NoError(t, rfc2865.State_Set(p, make([]byte, 16)))
	require.NoError(t, rfc2869.EAPMessage_Set(p, make([]byte, eapLen)))
	return p
}

func acceptHandler(w layeh.ResponseWriter, r *layeh.Request) {
	p := r.Response(layeh.CodeAccessAccept)
	p.Add(79, layeh.Attribute{3, 1, 0, 4})
	_ = w.Write(p)
}

// nullCarrier gives the same datagrams again and again and swallows answers.
type nullCarrier struct{}

func (c *nullCarrier) read() (int, error)             { return 0, net.ErrClosed }
func (c *nullCarrier) datagram(int) ([]byte, *path)   { return nil, nil }
func (c *nullCarrier) write(b []byte, to *path) error { return nil }
func (c *nullCarrier) writeBatch(out []outgoing)      { writeEach(c, out) }
func (c *nullCarrier) stopReading()                   {}
func (c *nullCarrier) close() error                   { return nil }
func (c *nullCarrier) localAddr() net.Addr            { return &net.UDPAddr{} }

// BenchmarkReceive is the whole path of one authenticated EAP Access-Request
// through checks, duplicate cache, handler and signed reply, without a socket
// and without a change of goroutine.
func BenchmarkReceive(b *testing.B) {
	s := &Server{
		Clients: Subnets{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Secret: testSecret}},
		Handler: layeh.HandlerFunc(acceptHandler),
	}
	e, err := s.engine()
	require.NoError(b, err)
	var reqs [256][]byte
	for i := range reqs {
		reqs[i], err = SignRequest(eapRequest(b, byte(i), 100))
		require.NoError(b, err)
	}
	c := &nullCarrier{}
	from := &path{}
	var scratch [4096]byte
	b.ReportAllocs()
	b.ReportMetric(float64(len(reqs[0])), "octets")
	i := 0
	for b.Loop() {
		from.remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i >> 24)}), uint16(i>>8))
		r := e.receive(c, 1, reqs[i&255], from, time.Now(), 0, scratch[:0])
		if r == nil {
			b.Fatal("dropped", e.count.snapshot())
		}
		e.serve(r)
		i++
	}
}
