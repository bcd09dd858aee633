package diameter

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

func TestConfigNamesTheFieldThatIsWrong(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"OriginHost:":        func(c *Config) { c.OriginHost = "" },
		"OriginRealm:":       func(c *Config) { c.OriginRealm = "a b" },
		"Applications:":      func(c *Config) { c.Applications = nil },
		"Applications[1]":    func(c *Config) { c.Applications = append(c.Applications, Application{Vendor: 9}) },
		"HostIPs[0]:":        func(c *Config) { c.HostIPs = make([]netip.Addr, 1) },
		"Peers[0].Host:":     func(c *Config) { c.Peers = []PeerConfig{{}} },
		"Peers[1].Host:":     func(c *Config) { c.Peers = []PeerConfig{{Host: "a"}, {Host: "A"}} },
		"this node":          func(c *Config) { c.Peers = []PeerConfig{{Host: "AAA.example.org"}} },
		"Peers[0].Realm:":    func(c *Config) { c.Peers = []PeerConfig{{Host: "a", Realm: "\n"}} },
		"Peers[0].Address:":  func(c *Config) { c.Peers = []PeerConfig{{Host: "a", Address: "10.0.0.1"}} },
		"Watchdog:":          func(c *Config) { c.Watchdog = 5 * time.Second },
		"Reconnect:":         func(c *Config) { c.Reconnect = -1 },
		"MaxMessage:":        func(c *Config) { c.MaxMessage = 100 },
		"Peers[0].Serves[1]": func(c *Config) { c.Peers = []PeerConfig{{Host: "a", Serves: []string{"*", ""}}} },
		"Peers[0].Priority:": func(c *Config) { c.Peers = []PeerConfig{{Host: "a", Priority: -1}} },
		"Peers[0].Weight:":   func(c *Config) { c.Peers = []PeerConfig{{Host: "a", Weight: 65536}} },
		"MaxAttempts:":       func(c *Config) { c.MaxAttempts = 65 },
		"MaxKeptAnswers:":    func(c *Config) { c.MaxKeptAnswers = -1 },
		"MaxKeptOctets:":     func(c *Config) { c.MaxKeptOctets = 1<<30 + 1 },
		"MaxPeers:":          func(c *Config) { c.MaxPeers, c.Peers = 1, []PeerConfig{{Host: "a"}, {Host: "b"}} },
		"MaxAVPs:":           func(c *Config) { c.MaxAVPs = -1 },
		"MaxDepth:":          func(c *Config) { c.MaxDepth = 65 },
		"MaxPending:":        func(c *Config) { c.MaxPending = -1 },
	} {
		cfg := clientConfig()
		change(&cfg)
		_, err := NewNode(cfg)
		require.ErrorContains(t, err, field)
	}
	cfg := clientConfig()
	cfg.Watchdog, cfg.AllowShortWatchdog = time.Second, true
	newNode(t, cfg)
}

func TestAddressOfEitherFamilyIsAdvertised(t *testing.T) {
	v6 := append([]byte{0, 2}, netip.MustParseAddr("2001:db8::1").AsSlice()...)
	local := append([]byte{0, 2}, netip.MustParseAddr("fe80::1").AsSlice()...)
	v4 := []byte{0, 1, 192, 0, 2, 1}
	for _, c := range []struct {
		configured []netip.Addr
		local      net.Addr
		want       [][]byte
	}{
		{nil, &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1}, [][]byte{v6}},
		{nil, &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 1}, [][]byte{local}},
		{nil, &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 1}, [][]byte{v4}},
		{nil, &net.UnixAddr{Name: "x"}, [][]byte{{0, 1, 127, 0, 0, 1}}},
		{[]netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::ffff:192.0.2.1")}, nil, [][]byte{v6, v4}},
	} {
		cfg := clientConfig()
		cfg.HostIPs = c.configured
		m, err := newNode(t, cfg).cer(nil, c.local)
		require.NoError(t, err)
		var got [][]byte
		var a wire.AVP
		for r := m.AVPs(); r.Next(&a); {
			if a.Is(AVPHostIPAddress, 0) {
				got = append(got, a.Data)
			}
		}
		require.Equal(t, c.want, got)
	}
}

func TestDefaults(t *testing.T) {
	c := clientConfig().withDefaults(time.Unix(1700000000, 0))
	require.Equal(t, "twag", c.ProductName)
	require.EqualValues(t, 1700000000, c.OriginStateID)
	require.Equal(t, 30*time.Second, c.Watchdog)
	require.Equal(t, 65536, c.MaxMessage)
	require.NotNil(t, c.Logger)
}

func TestHandlePanicsOnMistakes(t *testing.T) {
	n := newNode(t, clientConfig())
	require.Panics(t, func() { n.Handle(0, CmdDeviceWatchdog, echo) })
	require.Panics(t, func() { n.Handle(1, 2, nil) })
	require.Panics(t, func() { n.HandleDiam(1, 2, nil) })
}

func TestStringsOfEnums(t *testing.T) {
	require.Equal(t, "unmatched malformed overflow unexpected unknown",
		DropUnmatched.String()+" "+DropMalformed.String()+" "+DropOverflow.String()+" "+DropUnexpected.String()+" "+DropReason(99).String())
	for s := PeerClosed; s <= PeerClosing; s++ {
		require.NotEqual(t, "unknown", s.String())
	}
	require.Equal(t, "unknown", PeerState(99).String())
	for s := wdInitial; s <= wdReopen; s++ {
		require.NotEqual(t, "?", s.String())
	}
}

func TestSamplesOfCapabilities(t *testing.T) {
	all := samples(t)
	for name, want := range map[string]capabilities{
		"CER": {
			host: "aaa1.epc.mnc044.mcc555.3gppnetwork.org", realm: "epc.mnc044.mcc555.3gppnetwork.org",
			product: "twag-aaa", vendor: vendor3GPP, originStateID: 0x6553f100, applications: []Application{testApp, {ID: 4}},
		},
		"CEA 2001": {
			host: "hss1.epc.mnc044.mcc555.3gppnetwork.org", realm: "epc.mnc044.mcc555.3gppnetwork.org", result: ResultSuccess,
			product: "hss", vendor: vendor3GPP, originStateID: 0x6553f0ff, applications: []Application{testApp},
		},
	} {
		got, err := parseCapabilities(all[name])
		require.NoError(t, err)
		require.Equal(t, want, *got)
	}
	for _, name := range []string{"DWR", "DPR REBOOTING"} {
		require.NoError(t, checkBase(all[name]))
	}
}

func TestApplicationsAreBounded(t *testing.T) {
	w := wire.NewBuilder(nil, wire.Header{Flags: wire.FlagRequest, Command: CmdCapabilitiesExchange})
	originOf(serverHost)(w)
	for i := range uint32(1000) {
		w.Uint32(AVPAuthApplicationID, 0, wire.FlagMandatory, i)
	}
	m, err := w.Message()
	require.NoError(t, err)
	caps, err := parseCapabilities(m)
	require.NoError(t, err)
	require.Len(t, caps.applications, maxApplications)
}
