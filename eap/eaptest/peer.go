package eaptest

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/milenage"
)

// ErrPeer is wrapped by the errors of [NewPeer].
var ErrPeer = errors.New("eaptest: invalid peer")

// PeerConfig is what a Peer may be told. USIM and IMSI are required.
type PeerConfig struct {
	USIM *USIM
	IMSI eap.IMSI

	// Realm is that of the permanent identity. Empty means the one of the IMSI's
	// network: wlan.mncXXX.mccXXX.3gppnetwork.org (TS 23.003, clause 14.2).
	Realm string
	// Identity is what EAP-Response/Identity says. Empty means what there is
	// of: identity for fast re-authentication, pseudonym, permanent identity
	// for the first of Methods (RFC 4187, section 4.1.3).
	Identity string

	// NoPseudonyms makes the peer take no pseudonyms.
	NoPseudonyms bool
	// NoReauth makes the peer take no identities for fast re-authentication.
	NoReauth bool
	// Conservative makes the peer refuse to send the permanent identity as
	// long as it has a pseudonym (RFC 4187, section 4.1.6).
	Conservative bool
	// IdentityKey encrypts the permanent identity wherever it is sent;
	// EAP-Response/Identity is anonymous then. Nil: it is sent in the clear.
	IdentityKey *rsa.PublicKey
	// IdentityKeyAttribute tells the server which key that is, such as
	// "name=value". May be empty.
	IdentityKeyAttribute string
	// Rand is where initialisation vectors and NONCE_MT come from; nil is
	// crypto/rand.
	Rand io.Reader

	// Methods are the methods that the peer does, preferred first: it asks for
	// them with a Nak when the server wants another. Nil means EAP-AKA', then
	// EAP-AKA; EAP-SIM is done where it is named. A server that would rather
	// have done EAP-AKA' than EAP-AKA is taken at its word (RFC 9048, section
	// 4).
	Methods []eap.Type
	// Triplets is how many RANDs the peer wants to see in a challenge of
	// EAP-SIM, 2 or 3: its policy. 0 means 2.
	Triplets int
	// KDFs are the key derivation functions that EAP-AKA' may use. Nil means 1.
	// It is the only one there is: keys are derived with it even if another is
	// agreed upon.
	KDFs []uint16
	// NetworkName is what the peer knows of its access network, for comparison
	// with AT_KDF_INPUT (RFC 9048, section 3.1). Empty: it knows nothing.
	NetworkName string
	// ForwardSecrecy says whether the peer does EAP-AKA' with forward secrecy
	// where the server offers it, or does nothing else (RFC 9678). FSGroups are
	// the groups that it has; nil means both.
	ForwardSecrecy aka.ForwardSecrecy
	FSGroups       []aka.FSGroup
	// ResultIndications makes the peer use protected success indications where
	// the server wants them (RFC 4187, section 6.2).
	ResultIndications bool
	// NoCheckcode leaves out AT_CHECKCODE, which is optional (RFC 4187, section
	// 10.13). That of the server is checked all the same.
	NoCheckcode bool

	// Lie makes the peer lie; nil is an honest one.
	Lie *Lie
}

// Status is how far a peer's login has come.
type Status uint8

const (
	// Running: no end yet.
	Running Status = iota
	// Succeeded: EAP-Success came when it could.
	Succeeded
	// Failed: EAP-Failure came when it could.
	Failed
)

// String returns the status's name.
func (s Status) String() string {
	switch s {
	case Running:
		return "running"
	case Succeeded:
		return "succeeded"
	case Failed:
		return "failed"
	default:
		return fmt.Sprintf("Status(%d)", uint8(s))
	}
}

// phase is the state of a peer within a login.
//
//	start --method--> identity --challenge--> challenged --> authenticated --+--> confirmed
//	                     |                     |     ^            |          |        |
//	                     +--re-authentication--)----^             |      EAP-Success  |
//	                     |                     +-sync/KDF         |          |        |
//	                     +---------------------+------------------+                   |
//	                     v refusal, or notification of failure                        v
//	                  failing --------EAP-Failure--------> done <------EAP-Success----+
type phase uint8

const (
	// phaseStart: no request of a method was accepted. Nak is possible.
	phaseStart phase = iota
	// phaseIdentity: a method is chosen; AKA-Identity, the challenge or a
	// re-authentication comes next.
	phaseIdentity
	// phaseChallenged: a challenge came and was answered with another KDF or a
	// synchronisation failure, or a re-authentication with "counter too
	// small"; a challenge comes next.
	phaseChallenged
	// phaseAuthenticated: the server has proved itself and the response to its
	// challenge or re-authentication is out. A notification or EAP-Success
	// comes next.
	phaseAuthenticated
	// phaseConfirmed: the server has said, protected, that all is well. Only
	// EAP-Success comes next.
	phaseConfirmed
	// phaseFailing: the peer has refused, or acknowledged a failure. Only
	// EAP-Failure comes next.
	phaseFailing
	// phaseDone: EAP-Success or EAP-Failure has come.
	phaseDone
)

// Peer is a phone: the peer's side of EAP-AKA, EAP-AKA' and EAP-SIM. It logs in
// as often as it is asked to. It is not safe for concurrent use, and prints no
// key.
//
// What one login has brought for the next, pseudonym and identity for fast
// re-authentication, it keeps.
type Peer struct {
	cfg PeerConfig
	ids identities

	logins    int        // that have succeeded
	usedRANDs randMemory // of EAP-SIM

	// What follows belongs to one login.
	status     Status
	phase      phase
	method     eap.Type
	identity   string  // what the keys are bound to
	idRound    idRound // the last identity asked for
	checkcode  aka.Checkcode
	kdfs       aka.KDFList // the list that counts
	kdfWanted  uint16      // asked for instead of the list's first; 0: none
	fs         secrecy
	rand, autn [16]byte
	sim        simLogin
	out        milenage.Output
	keys       aka.Keys
	resultInd  bool // both want result indications
	resyncs    int
	told       bool // a notification came
	notified   aka.Notification
	offered    bool      // the re-authentication identity was sent
	next       temporary // to be kept when the login succeeds

	// The fast re-authentication.
	reauthenticated bool
	counter         uint16
	nonceS          [16]byte
	requestMAC      [16]byte // AT_MAC of the request
	iv              [16]byte // of the last response

	request  eap.Packet // the one being answered
	answered bool       // lastID and buf mean something
	lastID   uint8      // Identifier of the last request answered
	buf      []byte     // the response to it
	scratch  []byte
}

// NewPeer returns a Peer that waits for a server.
func NewPeer(cfg PeerConfig) (*Peer, error) {
	switch {
	case cfg.USIM == nil:
		return nil, fmt.Errorf("%w: no USIM", ErrPeer)
	case !cfg.IMSI.IsValid():
		return nil, fmt.Errorf("%w: no IMSI", ErrPeer)
	}
	if cfg.Methods == nil {
		cfg.Methods = []eap.Type{eap.TypeAKAPrime, eap.TypeAKA}
	}
	for _, m := range cfg.Methods {
		if methodSlot(m) < 0 {
			return nil, fmt.Errorf("%w: Methods: %v", ErrPeer, m)
		}
	}
	if len(cfg.Methods) == 0 {
		return nil, fmt.Errorf("%w: Methods: none", ErrPeer)
	}
	if err := cfg.checkIdentityKey(); err != nil {
		return nil, err
	}
	if err := validateFS(&cfg); err != nil {
		return nil, err
	}
	if cfg.Triplets != 0 && cfg.Triplets != minTriplets && cfg.Triplets != maxTriplets {
		return nil, fmt.Errorf("%w: Triplets: %d", ErrPeer, cfg.Triplets)
	}
	if cfg.KDFs == nil {
		cfg.KDFs = []uint16{kdfDefault}
	}
	p := &Peer{cfg: cfg, ids: newIdentities(cfg.IMSI, cfg.Realm)}
	p.cfg.Methods, p.cfg.KDFs = slices.Clone(cfg.Methods), slices.Clone(cfg.KDFs)
	p.cfg.FSGroups = slices.Clone(cfg.FSGroups)
	p.Reset()
	return p, nil
}

// Reset forgets the login that is going on, so that the next one may begin. A
// request for the identity that belongs to no login does the same. What the
// logins before have left is kept: see [Peer.Forget].
func (p *Peer) Reset() {
	p.dropOffered()
	*p = Peer{
		cfg: p.cfg, ids: p.ids, logins: p.logins, usedRANDs: p.usedRANDs,
		request: p.request, buf: p.buf, scratch: p.scratch,
	}
	p.identity = p.outerIdentity()
}

// Status returns how the login stands.
func (p *Peer) Status() Status { return p.status }

// USIM returns the peer's USIM.
func (p *Peer) USIM() *USIM { return p.cfg.USIM }

// Method returns the method in use, 0 before there is one.
func (p *Peer) Method() eap.Type { return p.method }

// Identity returns what the peer called itself last: what the keys are bound
// to (RFC 4187, section 7).
func (p *Peer) Identity() string { return p.identity }

// Keys returns the keys of the last challenge, or fast re-authentication, that
// the peer accepted. They must not be used before the login has succeeded, and
// are good until the next.
func (p *Peer) Keys() *aka.Keys { return &p.keys }

// Resyncs returns how many challenges were answered with a synchronisation
// failure.
func (p *Peer) Resyncs() int { return p.resyncs }

// Notification returns the server's AT_NOTIFICATION, and false if there was
// none.
func (p *Peer) Notification() (aka.Notification, bool) { return p.notified, p.told }

// Result returns what the login has given, and false unless it has succeeded.
// It equals what a right server has.
func (p *Peer) Result() (eap.Result, bool) {
	if p.status != Succeeded {
		return eap.Result{}, false
	}
	return eap.Result{
		Method: p.method, Identity: p.identity, IMSI: p.cfg.IMSI,
		MSK: p.keys.MSK, EMSK: p.keys.EMSK,
		SessionID: p.sessionID(), Reauthenticated: p.reauthenticated,
	}, true
}

// String implements fmt.Stringer without giving keys away.
func (p *Peer) String() string { return fmt.Sprintf("eaptest.Peer[%v]", p.cfg.IMSI) }

// GoString implements fmt.GoStringer without giving keys away.
func (p *Peer) GoString() string { return p.String() }

// Format implements fmt.Formatter, so that no verb prints keys.
func (p *Peer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }
