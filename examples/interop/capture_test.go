package interop

import (
	"encoding/binary"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDecoderFindsFault: the filter for what is wrong with a capture does see
// it, and nothing in what is right.
func TestDecoderFindsFault(t *testing.T) {
	Need(t, Tshark, Dumpcap)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0") // so that nobody refuses
	require.NoError(t, err)
	defer socket.Close()
	radiusPort := socket.LocalAddr().(*net.UDPAddr).Port
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	diameterPort := listener.Addr().(*net.TCPAddr).Port
	decoder := Decoder{RADIUSPorts: []int{radiusPort}, DiameterPorts: []int{diameterPort}, Secret: "x"}

	conns := map[string]net.Conn{}
	for network, address := range map[string]string{
		"udp": socket.LocalAddr().String(), "tcp": listener.Addr().String(),
	} {
		conns[network], err = net.Dial(network, address)
		require.NoError(t, err)
		defer conns[network].Close()
	}

	capture, err := StartCapture(t.TempDir())
	require.NoError(t, err)
	var want []string
	cases := []struct {
		name    string
		network string
		octets  []byte
		bad     bool
	}{
		{"good RADIUS request", "udp", radiusRequest(1, []byte{1, 5, 'b', 'o', 'b'}), false},
		{"attribute past the end", "udp", radiusRequest(2, []byte{1, 200, 'b', 'o', 'b'}), true},
		{"attribute of length 0", "udp", radiusRequest(3, []byte{1, 0, 'b', 'o', 'b'}), true},
		{"unknown attribute", "udp", radiusRequest(4, []byte{253, 5, 1, 2, 3}), true},
		{"good Diameter request", "tcp", deviceWatchdogRequest(5, 264, "host.example.org"), false},
		{"unknown AVP", "tcp", deviceWatchdogRequest(6, 16777000, "host.example.org"), true},
		{"Unsigned32 of five octets", "tcp", deviceWatchdogRequest(7, 278, "12345"), true},
	}
	for i, tc := range cases {
		_, err := conns[tc.network].Write(tc.octets)
		require.NoError(t, err, tc.name)
		if tc.bad {
			want = append(want, strconv.Itoa(i+1))
		}
		time.Sleep(20 * time.Millisecond) // a segment for each message
	}
	require.NoError(t, capture.Stop())

	// One column for each protocol, of which one is empty.
	got, err := decoder.Complaints(capture.File, "-T", "fields", "-e", "radius.id", "-e", "diameter.hopbyhopid")
	require.NoError(t, err)
	for i, line := range got {
		n, err := strconv.ParseUint(strings.TrimSpace(line), 0, 32)
		require.NoError(t, err)
		got[i] = strconv.FormatUint(n, 10)
	}
	require.Equal(t, want, got)
	n, err := decoder.Count(capture.File, "radius.code == 1 || diameter.cmd.code == 280")
	require.NoError(t, err)
	require.Equal(t, len(cases), n)
}

// radiusRequest returns an Access-Request with these attributes.
func radiusRequest(identifier byte, attributes []byte) []byte {
	b := append([]byte{1, identifier, 0, 0}, make([]byte, 16)...)
	b = append(b, attributes...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// deviceWatchdogRequest returns a Diameter request with one AVP.
func deviceWatchdogRequest(hopByHop byte, code uint32, value string) []byte {
	b := []byte{1, 0, 0, 0, 0x80, 0, 1, 24, 0, 0, 0, 0, 0, 0, 0, hopByHop, 0, 0, 0, 1}
	b = binary.BigEndian.AppendUint32(b, code)
	b = binary.BigEndian.AppendUint32(b, 0x40000000|uint32(8+len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	b[2], b[3] = byte(len(b)>>8), byte(len(b))
	return b
}
