package homeconfig

import (
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/swx"
)

// Diameter is our Diameter node and its peers.
type Diameter struct {
	OriginHost  string `yaml:"origin_host"`
	OriginRealm string `yaml:"origin_realm"`
	// Listen, ListenTLS and ListenSCTP are where peers connect to us; empty:
	// nowhere.
	Listen     string `yaml:"listen"`
	ListenTLS  string `yaml:"listen_tls"`
	ListenSCTP string `yaml:"listen_sctp"`
	// TLS is for ListenTLS, and for peers with transport tls that have none of
	// their own.
	TLS TLS `yaml:"tls"`
	// Watchdog is Tw of RFC 3539, Reconnect Tc of RFC 6733.
	Watchdog  time.Duration `yaml:"watchdog"`
	Reconnect time.Duration `yaml:"reconnect"`
	// AttemptTimeout is when a request that has no answer is sent to another
	// peer as well; 0 is never.
	AttemptTimeout time.Duration `yaml:"attempt_timeout"`
	// WaitForPeer lets logins wait while no peer is connected.
	WaitForPeer bool   `yaml:"wait_for_peer"`
	Peers       []Peer `yaml:"peers"`
}

// Peer is an HSS or a relay agent.
type Peer struct {
	Host    string `yaml:"host"`
	Realm   string `yaml:"realm"`
	Address string `yaml:"address"`
	Port    int    `yaml:"port"`
	// Connect is "initiate" or "wait".
	Connect string `yaml:"connect"`
	// Transport is "tcp", "tls" or "sctp".
	Transport string `yaml:"transport"`
	TLS       TLS    `yaml:"tls"`
	// Priority: the lowest number comes first. Weight is the share among equals;
	// left out it is 1.
	Priority int `yaml:"priority"`
	Weight   int `yaml:"weight"`
	// Serves are the realms that a relay is for, "*" for all.
	Serves []string `yaml:"serves"`
}

// Values of Peer.Connect.
const (
	ConnectInitiate = "initiate"
	ConnectWait     = "wait"
)

const (
	diameterPort    = 3868
	diameterTLSPort = 5658
)

// SWx is the dialogue with the HSS.
type SWx struct {
	DestinationRealm string `yaml:"destination_realm"`
	DestinationHost  string `yaml:"destination_host"`
	// HomeRealms takes the realm from the IMSI instead.
	HomeRealms bool          `yaml:"home_realms"`
	Routes     []Route       `yaml:"routes"`
	Timeout    time.Duration `yaml:"timeout"`
	Vectors    int           `yaml:"vectors"`
	// VectorAge is how long vectors that are left over may be used.
	VectorAge time.Duration `yaml:"vector_age"`
	// Register tells the HSS of each full login (SAR), and lets the profile that
	// comes back decide.
	Register bool `yaml:"register"`
	// DeregisterAfter is how long after a subscriber's last session the HSS is told
	// that he has gone; 0 is never.
	DeregisterAfter time.Duration `yaml:"deregister_after"`
	// TakeOver takes subscribers over from other AAA servers.
	TakeOver bool    `yaml:"take_over"`
	Profile  Profile `yaml:"profile"`
}

// Route says where the HSS of some subscribers is.
type Route struct {
	Prefix string `yaml:"prefix"`
	Realm  string `yaml:"realm"`
	Host   string `yaml:"host"`
}

// Profile is the dialect of the HSS.
type Profile struct {
	// UserName is "imsi" or "nai".
	UserName  string `yaml:"user_name"`
	NAIRealm  string `yaml:"nai_realm"`
	OmitANID  bool   `yaml:"omit_anid"`
	PlainKeys bool   `yaml:"plain_keys"`
	// Application is how requests name the application, and SessionState what
	// their Auth-Session-State says.
	Application  string `yaml:"application"`
	SessionState string `yaml:"session_state"`
}

// Values of Profile.UserName.
const (
	UserNameIMSI = "imsi"
	UserNameNAI  = "nai"
)

const (
	applicationVendorSpecific = "vendor-specific"
	sessionStateNone          = "none"
)

// The words that settings may have.
var (
	ConnectWords     = []string{ConnectInitiate, ConnectWait}
	TransportWords   = []string{diameter.TransportTCP, diameter.TransportTLS, diameter.TransportSCTP}
	UserNameWords    = []string{UserNameIMSI, UserNameNAI}
	ApplicationWords = []string{applicationVendorSpecific, "auth-first", "auth", "both"}
	StateWords       = []string{sessionStateNone, "maintained", "absent"}
)

// applicationForms and sessionStates are in the order of their words.
var (
	applicationForms = []swx.ApplicationForm{swx.ApplicationVendorSpecific, swx.ApplicationAuthFirst, swx.ApplicationAuth, swx.ApplicationBoth}
	sessionStates    = []swx.SessionState{swx.NoStateMaintained, swx.StateMaintained, swx.StateAbsent}
)

// DefaultDiameter is what the section diameter may leave out.
func DefaultDiameter() Diameter {
	return Diameter{Watchdog: 30 * time.Second, Reconnect: 30 * time.Second, AttemptTimeout: 3 * time.Second}
}

// DefaultSWx is what the section swx may leave out.
func DefaultSWx() SWx {
	return SWx{
		Timeout: swx.DefaultTimeout, Vectors: 1, DeregisterAfter: 10 * time.Second,
		Profile: Profile{UserName: UserNameIMSI, Application: applicationVendorSpecific, SessionState: sessionStateNone},
	}
}

// ApplyDefaults fills in the defaults that hang on other settings.
func ApplyDefaults(d *Diameter, s *SWx) {
	if s.DestinationRealm == "" {
		s.DestinationRealm = d.OriginRealm
	}
	for i := range d.Peers {
		p := &d.Peers[i]
		if p.Realm == "" {
			p.Realm = d.OriginRealm
		}
		if p.Connect == "" {
			p.Connect = ConnectInitiate
		}
		if p.Transport == "" {
			p.Transport = diameter.TransportTCP
		}
		if p.Port == 0 {
			p.Port = diameterPort
			if p.Transport == diameter.TransportTLS {
				p.Port = diameterTLSPort
			}
		}
	}
}

// LocateFiles gives locate the name of each file.
func (c *Diameter) LocateFiles(locate func(*string)) {
	c.TLS.locateFiles(locate)
	for i := range c.Peers {
		c.Peers[i].TLS.locateFiles(locate)
	}
}
