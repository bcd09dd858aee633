package radiustest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/radius"
	"github.com/opentwag/twag/radius/internal/wire"
)

// Config is what an AP may be told. Server or Dial, and Secret, are required.
type Config struct {
	// Server is the server's UDP address, host and port.
	Server string
	// Dial opens a connection to the server that keeps datagrams apart; nil
	// dials Server over UDP. Tests lose and reorder datagrams with it.
	Dial func() (net.Conn, error)
	// Secret is the secret shared with the server.
	Secret radius.Secret

	// Sockets is the number of sockets, with 256 requests in flight on each.
	// Zero is 4.
	Sockets int

	// NASIdentifier is what the AP calls itself; empty is "radiustest".
	NASIdentifier string
	// NASIPAddress is the AP's own address; invalid is 192.0.2.1.
	NASIPAddress netip.Addr
	// CalledStationID is the AP's MAC address and SSID; empty is
	// "00-10-A4-23-19-C0:twag".
	CalledStationID string
	// Attributes are added to each request as they are.
	Attributes layeh.Attributes

	// EAPStart begins a login with an empty EAP-Message (RFC 3579, section
	// 2.1), so that the server asks for the identity. Otherwise the AP asks
	// the phone itself.
	EAPStart bool

	// FirstRetransmission is when a request is sent again for the first time;
	// later ones come after twice the time before. Zero is 2 s (IRT of RFC
	// 5080, section 2.2.1); it is rounded to a twentieth of itself.
	FirstRetransmission time.Duration
	// MaxRetransmission bounds the time between two; zero is 16 s (MRT).
	MaxRetransmission time.Duration
	// Tries is how often a request is sent at most; zero is 5 (MRC).
	Tries int
	// Patience is how long a request may go unanswered; zero is 30 s (MRD).
	Patience time.Duration
}

// withDefaults returns the configuration with all fields set.
func (c Config) withDefaults() (Config, error) {
	if c.Secret == "" {
		return c, errors.New("radiustest: no secret")
	}
	if c.Dial == nil {
		if c.Server == "" {
			return c, errors.New("radiustest: no server")
		}
		server := c.Server
		c.Dial = func() (net.Conn, error) { return net.Dial("udp", server) }
	}
	setDefault(&c.Sockets, 4)
	setDefault(&c.NASIdentifier, "radiustest")
	setDefault(&c.NASIPAddress, netip.AddrFrom4([4]byte{192, 0, 2, 1}))
	setDefault(&c.CalledStationID, "00-10-A4-23-19-C0:twag")
	setDefault(&c.FirstRetransmission, 2*time.Second)
	setDefault(&c.MaxRetransmission, 16*time.Second)
	setDefault(&c.Tries, 5)
	setDefault(&c.Patience, 30*time.Second)
	if c.Sockets < 0 || c.FirstRetransmission < 0 || c.MaxRetransmission < 0 || c.Tries < 0 || c.Patience < 0 {
		return c, errors.New("radiustest: negative number in Config")
	}
	return c, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Attribute types of RFC 2865, 2869 and 3162.
const (
	attrUserName         = 1
	attrNASIPAddress     = 4
	attrServiceType      = 6
	attrFramedMTU        = 12
	attrState            = 24
	attrVendorSpecific   = 26
	attrCalledStationID  = 30
	attrCallingStationID = 31
	attrNASIdentifier    = 32
	attrNASPortType      = 61
	attrConnectInfo      = 77
	attrNASIPv6Address   = 95
)

// fixed returns the attributes that all requests of the AP have in common.
func (c *Config) fixed() ([]byte, error) {
	var b []byte
	add := func(typ byte, v []byte) error {
		if len(v) > wire.MaxValueLen {
			return fmt.Errorf("radiustest: attribute %d of %d octets", typ, len(v))
		}
		b = wire.AppendAttribute(b, typ, v)
		return nil
	}
	nasIP := byte(attrNASIPAddress)
	if c.NASIPAddress.Is6() {
		nasIP = attrNASIPv6Address
	}
	err := errors.Join(
		add(nasIP, c.NASIPAddress.AsSlice()),
		add(attrNASIdentifier, []byte(c.NASIdentifier)),
		add(attrCalledStationID, []byte(c.CalledStationID)),
		add(attrNASPortType, []byte{0, 0, 0, 19}), // IEEE 802.11
		add(attrServiceType, []byte{0, 0, 0, 2}),  // Framed
		add(attrFramedMTU, []byte{0, 0, 5, 120}),  // 1400
		add(attrConnectInfo, []byte("CONNECT 54Mbps 802.11g")),
	)
	for _, a := range c.Attributes {
		if a.Type < 0 || a.Type > 255 {
			return nil, fmt.Errorf("radiustest: attribute type %d", int(a.Type))
		}
		err = errors.Join(err, add(byte(a.Type), a.Attribute))
	}
	return b, err
}
