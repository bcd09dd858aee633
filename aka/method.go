package aka

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/opentwag/twag/eap"
)

// DefaultNetworkName is the access network's name of trusted WLAN (TS 24.302,
// clause 8.1.1.2).
const DefaultNetworkName = "WLAN"

const (
	defaultMaxResyncs = 2
	maxNetworkNameLen = 253
)

// Config are the settings of a [Method]. The zero Config is the default.
type Config struct {
	// NetworkName is the name that EAP-AKA' binds its keys to, where the
	// Peer's has none. Default: DefaultNetworkName.
	NetworkName string
	// Rules say how identities are read. Nil: the standard's.
	Rules *eap.IdentityRules
	// AlwaysRequestIdentity asks for the identity with AT_ANY_ID_REQ even if
	// EAP-Response/Identity brought a good one: for access networks that
	// alter it (RFC 4187, section 4.1.4). It costs a round trip.
	AlwaysRequestIdentity bool
	// ResultIndications offers protected success indications (RFC 4187,
	// section 6.2). They cost a round trip with peers that want them.
	ResultIndications bool
	// Bidding tells EAP-AKA peers, in AT_BIDDING, that EAP-AKA' is supported
	// and preferred, so that one that was talked down to EAP-AKA notices (RFC
	// 9048, section 4). Set it when the Authenticator has both methods,
	// EAP-AKA' first: a peer that could do EAP-AKA' then refuses EAP-AKA.
	Bidding bool
	// Pseudonyms are the usernames that stand for subscribers after their first
	// login. Nil: those of a random key ring, which the methods of a process
	// share and no other process reads.
	Pseudonyms *Pseudonyms
	// NoPseudonyms gives out none, and takes none.
	NoPseudonyms bool
	// RefusePermanentIdentity fails the run where a peer would have to be asked
	// for its permanent identity. A peer that sends it unasked is served.
	RefusePermanentIdentity bool
	// Reauth keeps the contexts of fast re-authentication, which saves the
	// HSS's part of a login. Nil: there is none.
	Reauth ReauthStore
	// ReauthLimits say when a full authentication is due again.
	ReauthLimits ReauthLimits
	// IdentityKeys open permanent identities that peers encrypt, 8 keys at
	// most. A decryption takes a millisecond of a core.
	IdentityKeys []IdentityKey
	// Rand is where initialisation vectors, nonces and the random part of
	// temporary identities come from; nil is crypto/rand. It must be safe for
	// concurrent use.
	Rand io.Reader
	// ForwardSecrecy says whether EAP-AKA' is done with forward secrecy (RFC
	// 9678). It costs a key pair per login that offers it, and another
	// multiplication per login that uses it. While such a login waits, its
	// machine is [eap.Confined]: whoever gets what AppendState writes gets the
	// private key.
	ForwardSecrecy ForwardSecrecy
	// FSGroups are the groups for it, preferred first. Nil: P-256, which
	// costs less here, then X25519.
	FSGroups []FSGroup
	// Triplets is how many triplets EAP-SIM uses, 2 or 3: its keys have 64 bits
	// for each, at the very best. Default: 3.
	Triplets int
	// MaxResyncs bounds the resynchronisations of one run. Default: 2;
	// negative: none.
	MaxResyncs int
	// Hooks are told what happens.
	Hooks Hooks
}

// Validate returns an error that names the field that makes no sense.
func (c *Config) Validate() error {
	switch {
	case len(c.NetworkName) > maxNetworkNameLen:
		return fmt.Errorf("aka: Config.NetworkName: %d octets, at most %d", len(c.NetworkName), maxNetworkNameLen)
	case !utf8.ValidString(c.NetworkName):
		return errors.New("aka: Config.NetworkName: not UTF-8")
	case strings.HasPrefix(c.NetworkName, "5G:"):
		// Every login would fail, its keys bound to another identity.
		return errors.New("aka: Config.NetworkName: 5G names are not supported")
	case c.MaxResyncs > 255:
		return errors.New("aka: Config.MaxResyncs: more than 255")
	case c.Triplets != 0 && (c.Triplets < minTriplets || c.Triplets > maxTriplets):
		return fmt.Errorf("aka: Config.Triplets: %d, must be %d or %d", c.Triplets, minTriplets, maxTriplets)
	}
	if err := c.validateFS(); err != nil {
		return err
	}
	if err := c.Rules.Validate(); err != nil {
		return fmt.Errorf("aka: Config.Rules: %w", err)
	}
	if err := c.ReauthLimits.validate(); err != nil {
		return err
	}
	if err := validateLeading(c.Rules); err != nil {
		return err
	}
	return validateIdentityKeys(c.IdentityKeys)
}

// Method is the server's side of EAP-AKA, EAP-AKA' or EAP-SIM, for an
// [eap.Authenticator]. It is immutable and safe for concurrent use.
type Method struct {
	typ    eap.Type
	scheme Scheme
	flow   *flow
	source VectorSource
	cfg    Config
	kdfs   KDFList
	fsKDFs KDFList
}

var _ eap.Method = (*Method)(nil)

// New returns EAP-AKA (RFC 4187) with vectors from src. It panics if the
// configuration is not valid.
func New(src VectorSource, cfg Config) *Method {
	return newMethod(eap.TypeAKA, SchemeAKA, src, cfg)
}

// NewPrime returns EAP-AKA' (RFC 9048) with vectors from src. It panics if the
// configuration is not valid.
func NewPrime(src VectorSource, cfg Config) *Method {
	m := newMethod(eap.TypeAKAPrime, SchemeAKAPrime, src, cfg)
	m.kdfs = NewKDFList(KDFDefault)
	m.fsKDFs = cfg.fsOffer()
	return m
}

func newMethod(t eap.Type, s Scheme, src VectorSource, cfg Config) *Method {
	if src == nil {
		panic("aka: no VectorSource")
	}
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	if cfg.NetworkName == "" {
		cfg.NetworkName = DefaultNetworkName
	}
	switch {
	case cfg.NoPseudonyms:
		cfg.Pseudonyms = nil
	case cfg.Pseudonyms == nil:
		cfg.Pseudonyms = processPseudonyms()
	}
	if cfg.Triplets == 0 {
		cfg.Triplets = maxTriplets
	}
	cfg.ReauthLimits.setDefaults()
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	switch {
	case cfg.MaxResyncs == 0:
		cfg.MaxResyncs = defaultMaxResyncs
	case cfg.MaxResyncs < 0:
		cfg.MaxResyncs = 0
	}
	f := &flowAKA
	if t == eap.TypeSIM {
		f = &flowSIM
	}
	return &Method{typ: t, scheme: s, flow: f, source: src, cfg: cfg}
}

// Type implements eap.Method.
func (m *Method) Type() eap.Type { return m.typ }

// New implements eap.Method.
func (m *Method) New(p eap.Peer) eap.Machine { return m.machine(p) }

func (m *Method) machine(p eap.Peer) *machine {
	r := &machine{method: m, peer: p, network: p.NetworkName}
	if r.network == "" {
		r.network = m.cfg.NetworkName
	}
	r.fs.offer.base = m.fsKDFs
	return r
}
