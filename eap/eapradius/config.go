package eapradius

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/keyring"
)

// Defaults of [Config].
const (
	DefaultMaxConversations    = 65536
	DefaultConversationTimeout = 60 * time.Second
	DefaultDeadline            = 8 * time.Second
	DefaultMaxInvalid          = 5
	DefaultMaxReplays          = 1 << 20
)

// Config is how a [Handler] works. The zero value is complete.
type Config struct {
	// Authorizer is asked whether a subscriber who has proved who he is may be
	// let in; nil lets all in.
	Authorizer Authorizer
	// Next gets the requests that carry no EAP-Message; nil answers an
	// Access-Request with Access-Reject and all else with nothing.
	Next layeh.Handler
	// CompletePeer, if not nil, fills in or corrects what the first request of
	// a login told of the peer, such as NetworkName and VisitedPLMN. It must
	// not block. Identity is not known yet.
	CompletePeer func(r *layeh.Request, p *eap.Peer)

	// StateKeys, if not nil, lets conversations travel sealed in the State
	// attribute between two requests, so that any server with the same keys
	// answers the next one, and a half-done login takes no memory. It needs
	// the servers' clocks to agree within a few seconds, and the same methods
	// on all. Nil: conversations wait in this process.
	StateKeys *keyring.Ring
	// MaxReplays is of how many logins the used States are remembered, so that
	// none is used twice while it is good; only with StateKeys. Above it the
	// oldest are forgotten early. About 80 octets each, for there are two
	// generations of them. Default [DefaultMaxReplays].
	MaxReplays int

	// MaxConversations is how many logins may be under way at once; a further
	// one is rejected. Those in a sealed State do not count. A waiting
	// conversation takes about 1 KiB. Default [DefaultMaxConversations].
	MaxConversations int
	// ConversationTimeout is how long a conversation waits for the next
	// request. Default [DefaultConversationTimeout].
	ConversationTimeout time.Duration
	// Deadline is how long all that a method needs in answer to one request
	// may take together: vectors, authorization. The peer is told of the
	// failure afterwards, so it has to be shorter than the NAS's patience. A
	// request whose own deadline is near leaves less. Default
	// [DefaultDeadline].
	Deadline time.Duration
	// MaxInvalid is how many packets of one login may be discarded; the next
	// one ends it (RFC 3579, section 2.2). Default [DefaultMaxInvalid];
	// negative: none.
	MaxInvalid int

	// Logger gets the handler's log; nil is silence. What it says is listed in
	// log.go.
	Logger *slog.Logger
	// Hooks are told what happens.
	Hooks Hooks
	// Rand is where the names of conversations come from; nil is crypto/rand.
	Rand io.Reader
}

// withDefaults returns c with its zero fields filled in. It panics on what
// cannot be meant.
func (c Config) withDefaults() Config {
	orDefault(&c.MaxConversations, DefaultMaxConversations, "MaxConversations")
	orDefault(&c.MaxReplays, DefaultMaxReplays, "MaxReplays")
	orDefault(&c.ConversationTimeout, DefaultConversationTimeout, "ConversationTimeout")
	orDefault(&c.Deadline, DefaultDeadline, "Deadline")
	if c.MaxInvalid < 0 {
		c.MaxInvalid = 0
	} else if c.MaxInvalid == 0 {
		c.MaxInvalid = DefaultMaxInvalid
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c
}

func orDefault[T int | time.Duration](v *T, def T, name string) {
	switch {
	case *v == 0:
		*v = def
	case *v < 0:
		panic(fmt.Sprintf("eapradius: Config.%s: %v", name, *v))
	}
}

// An Authorizer decides whether a subscriber who has authenticated is let in,
// and with what: a session manager, a policy.
//
// Authorize may block until ctx ends. It is called by many goroutines at once,
// once per login, before the peer is told that it succeeded; so a refusal can
// still reach the phone as the method's notification. The login may fail yet,
// when the phone falls silent: what Authorize set up has to end by itself if
// no accounting follows.
//
// One with a method NonBlocking() bool that returns true is called by the
// goroutines that read the sockets, and so must not block.
type Authorizer interface {
	Authorize(ctx context.Context, l Login) Grant
}

// AuthorizerFunc is a function as an [Authorizer].
type AuthorizerFunc func(ctx context.Context, l Login) Grant

// Authorize implements Authorizer.
func (f AuthorizerFunc) Authorize(ctx context.Context, l Login) Grant { return f(ctx, l) }

// Login is who wants to be let in.
type Login struct {
	// Result is what the login succeeds with, if it is granted.
	Result *eap.Result
	// Peer is what is known of the access.
	Peer eap.Peer
	// Request is the Access-Request that completed the authentication. It must
	// not be changed.
	Request *layeh.Packet
	// Remote is where it came from.
	Remote net.Addr
}

// Grant is the answer to a [Login]. The zero Grant lets in.
type Grant struct {
	// Refusal is why the subscriber is not let in; zero lets him in.
	Refusal eap.Refusal
	// Err is the refusal's cause, for logs.
	Err error
	// Attributes go into the Access-Accept: Class, Session-Timeout and the
	// like. A User-Name takes the place of the request's own. EAP-Message,
	// Message-Authenticator, State, Proxy-State and EAP-Key-Name are not the
	// Authorizer's to give and left out.
	Attributes layeh.Attributes
}

// Info describes a login to [Hooks].
type Info struct {
	// Client is the address that the requests come from.
	Client netip.Addr
	// Peer is what is known of the access. Its Identity is as the peer sent
	// it, with the IMSI.
	Peer eap.Peer
	// Identity is what the peer's identity tells, unauthenticated.
	Identity eap.Identity
	// Method is the EAP method that runs, 0 if none does yet.
	Method eap.Type
	// Requests is how many Access-Requests the login has had.
	Requests int
	// Elapsed is the time since the first one.
	Elapsed time.Duration
}

// Hooks are functions that a [Handler] calls at certain points. Each may be
// nil. They are called synchronously, by several goroutines at once: they must
// be quick and must not block.
type Hooks struct {
	// Challenge: an Access-Challenge was sent.
	Challenge func(Info)
	// Accept: an Access-Accept was sent.
	Accept func(Info, *eap.Result)
	// Reject: an Access-Reject was sent. Info has only what is known.
	Reject func(Info, error)
	// Discard: an EAP packet was discarded. An Access-Challenge with the
	// outstanding request follows, or an Access-Reject.
	Discard func(Info, error)
	// Drop: an Access-Request gets no answer.
	Drop func(client netip.Addr, err error)
	// UserNameDiffers: the NAS's User-Name is not the peer's identity, as
	// where a NAS or proxy rewrites it (RFC 3579, section 2.1, wants a copy).
	UserNameDiffers func(i Info, userName string)
	// Expired: n conversations were forgotten, since nothing was heard of them.
	Expired func(n int)
}
