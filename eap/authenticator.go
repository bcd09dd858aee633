package eap

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
)

const (
	defaultMaxRounds = 20
	// MaxIdentityLen is the longest identity that a conversation takes, in
	// octets: as much as fits in the AT_IDENTITY of a SIM-based method (RFC
	// 4187, section 10.5).
	MaxIdentityLen = 255*4 - 4
)

// Config is how an [Authenticator] works.
type Config struct {
	// Methods are the EAP methods, the preferred one first. At least one, and
	// no two of one type.
	Methods []Method
	// Rules say how identities are read; nil is the standard's.
	Rules *IdentityRules
	// MaxRounds is how many requests one conversation may take, 255 at most;
	// the next one is an EAP-Failure instead. Default 20; a method's own limits
	// end it much earlier.
	MaxRounds int
	// Rand is where a conversation's first Identifier comes from; nil is
	// crypto/rand.
	Rand io.Reader
}

// Authenticator starts conversations. It is the server's side of RFC 3748: it
// asks for the identity, picks a method and lets it run.
//
// It is safe for concurrent use.
type Authenticator struct {
	methods   []Method
	rules     *IdentityRules
	maxRounds int
	rand      io.Reader
}

// NewAuthenticator returns an Authenticator with the given methods, the
// preferred one first, and defaults. It panics without methods or with two of
// one type.
func NewAuthenticator(methods ...Method) *Authenticator {
	a, err := NewAuthenticatorWith(Config{Methods: methods})
	if err != nil {
		panic(err)
	}
	return a
}

// NewAuthenticatorWith returns an Authenticator with the given configuration.
func NewAuthenticatorWith(cfg Config) (*Authenticator, error) {
	if len(cfg.Methods) == 0 {
		return nil, errors.New("eap: Config.Methods: none")
	}
	seen := make(map[Type]bool)
	for i, m := range cfg.Methods {
		switch {
		case m == nil:
			return nil, fmt.Errorf("eap: Config.Methods[%d]: nil", i)
		case m.Type() < minMethodType:
			return nil, fmt.Errorf("eap: Config.Methods[%d]: %v is no method", i, m.Type())
		case seen[m.Type()]:
			return nil, fmt.Errorf("eap: Config.Methods[%d]: a second %v", i, m.Type())
		}
		seen[m.Type()] = true
	}
	switch {
	case cfg.MaxRounds == 0:
		cfg.MaxRounds = defaultMaxRounds
	case cfg.MaxRounds < 0 || cfg.MaxRounds > 255:
		return nil, fmt.Errorf("eap: Config.MaxRounds: %d", cfg.MaxRounds)
	}
	if err := cfg.Rules.Validate(); err != nil {
		return nil, err
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	return &Authenticator{
		methods:   append([]Method(nil), cfg.Methods...),
		rules:     cfg.Rules,
		maxRounds: cfg.MaxRounds,
		rand:      cfg.Rand,
	}, nil
}

// New returns a conversation with p that has not begun. p.Identity is ignored:
// it is filled in from the peer's Response/Identity.
func (a *Authenticator) New(p Peer) *Conversation {
	p.Identity = ""
	return &Conversation{auth: a, peer: p}
}

// method returns the configured method of type t, or nil.
func (a *Authenticator) method(t Type) Method {
	for _, m := range a.methods {
		if m.Type() == t {
			return m
		}
	}
	return nil
}

// choose returns the method to begin with: the one that the identity is for,
// if it is configured, else the preferred one.
func (a *Authenticator) choose(id Identity) Method {
	if m := a.method(id.Method); m != nil {
		return m
	}
	return a.methods[0]
}
