package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/examples/internal/homeconfig"
	"github.com/opentwag/twag/examples/internal/strictyaml"
)

// config is the configuration file. The lab makes one of its own, so that it
// runs the same code.
type config struct {
	// Roles are what this server does: auth, acct, or both.
	Roles []string `yaml:"roles"`
	// Server is its name in tickets and Class.
	Server string `yaml:"server"`
	// DataDir is where sessions and tickets are kept.
	DataDir string `yaml:"data_dir"`

	Diameter homeconfig.Diameter `yaml:"diameter"`
	SWx      homeconfig.SWx      `yaml:"swx"`
	RADIUS   radiusConfig        `yaml:"radius"`
	EAP      eapConfig           `yaml:"eap"`

	Sessions   sessionsConfig   `yaml:"sessions"`
	Accounting accountingConfig `yaml:"accounting"`
	Charging   chargingConfig   `yaml:"charging"`
	CoA        coaConfig        `yaml:"coa"`

	// Keys is the ring that all servers of the operator share, the key that
	// seals first. Without one the server makes itself a random one.
	Keys []keyConfig `yaml:"keys"`
	Log  logConfig   `yaml:"log"`
}

// keyConfig is a key of the ring.
type keyConfig struct {
	ID int `yaml:"id"`
	// Secret has 64 hexadecimal digits; or SecretFile has them.
	Secret     string `yaml:"secret"`
	SecretFile string `yaml:"secret_file"`
	// NotAfter is when the key opens nothing any more; empty is never.
	NotAfter string `yaml:"not_after"`
}

// radiusConfig is the RADIUS server and who may ask it.
type radiusConfig struct {
	Listen string `yaml:"listen"`
	// Secret is that of clients without one of their own, or of any client
	// at all if none is listed.
	Secret  string         `yaml:"secret"`
	Clients []clientConfig `yaml:"clients"`
}

// clientConfig is a subnet of access points.
type clientConfig struct {
	Name   string `yaml:"name"`
	Subnet string `yaml:"subnet"`
	Secret string `yaml:"secret"`
	// MessageAuthenticator is how strictly Access-Requests need one.
	MessageAuthenticator string `yaml:"message_authenticator"`
}

// eapConfig is the EAP server.
type eapConfig struct {
	// Methods is in order of preference.
	Methods               []string          `yaml:"methods"`
	NetworkName           string            `yaml:"network_name"`
	ExtraLeadingDigits    map[string]string `yaml:"extra_leading_digits"`
	BareIMSI              string            `yaml:"bare_imsi"`
	Realms                []string          `yaml:"realms"`
	AlwaysRequestIdentity bool              `yaml:"always_request_identity"`
	ResultIndications     bool              `yaml:"result_indications"`

	Pseudonyms              pseudonymsConfig       `yaml:"pseudonyms"`
	RefusePermanentIdentity bool                   `yaml:"refuse_permanent_identity"`
	IdentityKeys            []identityKeyConfig    `yaml:"identity_keys"`
	Reauthentication        reauthenticationConfig `yaml:"reauthentication"`
	ForwardSecrecy          forwardSecrecyConfig   `yaml:"forward_secrecy"`

	// SealedState lets conversations travel in the State attribute.
	SealedState         bool          `yaml:"sealed_state"`
	MaxConversations    int           `yaml:"max_conversations"`
	ConversationTimeout time.Duration `yaml:"conversation_timeout"`
}

// pseudonymsConfig is the names that phones have in place of the IMSI.
type pseudonymsConfig struct {
	Enabled bool          `yaml:"enabled"`
	MaxAge  time.Duration `yaml:"max_age"`
}

// identityKeyConfig is a key that phones encrypt their identity for.
type identityKeyConfig struct {
	// File is the RSA private key in PEM.
	File string `yaml:"file"`
	// Attribute is how phones name the key; may be empty.
	Attribute string `yaml:"attribute"`
	Retired   bool   `yaml:"retired"`
}

// reauthenticationConfig is fast re-authentication.
type reauthenticationConfig struct {
	Enabled bool `yaml:"enabled"`
	// Count and Age are when a full authentication is due again.
	Count       int           `yaml:"count"`
	Age         time.Duration `yaml:"age"`
	MaxContexts int           `yaml:"max_contexts"`
}

// forwardSecrecyConfig is forward secrecy of EAP-AKA'.
type forwardSecrecyConfig struct {
	Policy string `yaml:"policy"`
	// Groups is in order of preference.
	Groups []string `yaml:"groups"`
}

// logConfig says what is logged, and how.
type logConfig struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// defaultConfig is what a file may leave out.
func defaultConfig() config {
	return config{
		Diameter: homeconfig.DefaultDiameter(),
		SWx:      homeconfig.DefaultSWx(),
		RADIUS:   radiusConfig{Listen: ":1812"},
		EAP: eapConfig{
			Methods:             []string{methodAKAPrime, methodAKA},
			NetworkName:         "WLAN",
			Pseudonyms:          pseudonymsConfig{Enabled: true, MaxAge: 30 * 24 * time.Hour},
			Reauthentication:    reauthenticationConfig{Enabled: true, Count: 16, Age: time.Hour, MaxContexts: aka.DefaultReauthContexts},
			ForwardSecrecy:      forwardSecrecyConfig{Policy: forwardSecrecyOff, Groups: []string{groupP256, groupX25519}},
			SealedState:         true,
			MaxConversations:    100000,
			ConversationTimeout: 30 * time.Second,
		},
		Sessions:   defaultSessions(),
		Accounting: defaultAccounting(),
		Charging:   defaultCharging(),
		CoA:        coaConfig{Port: dynauthPort},
		Log:        logConfig{Level: "info", Format: formatText},
	}
}

// maxConfigOctets bounds a configuration file.
const maxConfigOctets = 4 << 20

// readConfig reads and checks the file. The warnings are about a
// configuration that works but ought not to be used like that.
func readConfig(name string) (c config, warnings []error, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return config{}, nil, err
	}
	if info.Size() > maxConfigOctets {
		return config{}, nil, fmt.Errorf("%s: larger than %d octets", name, maxConfigOctets)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return config{}, nil, err
	}
	return parseConfig(name, data)
}

func parseConfig(name string, data []byte) (c config, warnings []error, err error) {
	c = defaultConfig()
	src, err := strictyaml.Decode(name, data, &c)
	if err != nil {
		// What could not be read would fail the checks again.
		return config{}, nil, err
	}
	c.locateFiles(filepath.Dir(name))
	c.applyDefaults()
	v := validator{src: src}
	v.config(&c)
	return c, v.warnings, errors.Join(v.errs...)
}

// applyDefaults fills in the defaults that hang on other settings.
func (c *config) applyDefaults() {
	c.applyRoles()
	homeconfig.ApplyDefaults(&c.Diameter, &c.SWx)
	for i := range c.RADIUS.Clients {
		cl := &c.RADIUS.Clients[i]
		if cl.Secret == "" {
			cl.Secret = c.RADIUS.Secret
		}
		if cl.MessageAuthenticator == "" {
			cl.MessageAuthenticator = messageAuthenticatorRequired
		}
	}
}

// locateFiles makes the names of other files relative to the folder that the
// configuration file is in.
func (c *config) locateFiles(dir string) {
	locate := func(name *string) {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(dir, *name)
		}
	}
	locate(&c.DataDir)
	c.Diameter.LocateFiles(locate)
	locate(&c.Accounting.Tickets.Dir)
	for i := range c.Keys {
		locate(&c.Keys[i].SecretFile)
	}
	for i := range c.EAP.IdentityKeys {
		locate(&c.EAP.IdentityKeys[i].File)
	}
}

const (
	radiusPort     = 1812
	accountingPort = 1813
	dynauthPort    = 3799
)
