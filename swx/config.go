package swx

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
)

// Application is SWx as a node advertises it: in
// Vendor-Specific-Application-Id (TS 29.273, clause 8.2.1).
var Application = diameter.Application{ID: ApplicationID, Vendor: Vendor3GPP}

// Node is what a Client needs of a Diameter node. *diameter.Node is one.
type Node interface {
	// Exchange sends the request and returns its answer, or an error when none
	// has come before ctx ends. It picks the peer and sets the Hop-by-Hop and
	// End-to-End identifiers. It has no use for the request's memory when it
	// has returned, and gives that of the answer away.
	Exchange(ctx context.Context, req wire.Message) (wire.Message, error)
	// Origin is the node's Origin-Host and Origin-Realm.
	Origin() (host, realm string)
	// NewSessionID returns a Session-Id that was never used.
	NewSessionID() string
}

var _ Node = (*diameter.Node)(nil)

// DefaultTimeout is Config.Timeout's default: a phone waits longer, and so do
// most access points.
const DefaultTimeout = 5 * time.Second

// maxVectors is how many vectors are asked for at most; more is more SQNs
// wasted.
const maxVectors = 5

// Config configures a Client. The zero Config is good for an HSS in the node's
// own realm.
type Config struct {
	// Realm is the Destination-Realm: the HSS's. Empty means the node's own.
	Realm string
	// Host is the Destination-Host. Empty leaves the AVP out, so that the
	// request is routed by its realm.
	Host string
	// HomeRealms sends requests to the realm of the subscriber's home network
	// by his IMSI, "epc.mnc001.mcc001.3gppnetwork.org" (TS 23.003, clause
	// 19.2), in place of Realm and Host.
	HomeRealms bool
	// Routes come before all of these, the longest prefix first: realms that
	// are not named after the network, and HSSes that share subscribers.
	Routes []Route
	// Identities tell where in an IMSI the MNC ends; nil means the standard's
	// rules. Only PLMNs and MNCDigits count.
	Identities *eap.IdentityRules
	// Profile is the HSS's dialect.
	Profile Profile
	// VectorsPerRequest is how many vectors a MAR asks for at least, 1 to 5; 0
	// means 1.
	VectorsPerRequest int
	// VectorAge is how long a vector that came and was not needed may be used
	// for a later login of the same subscriber, by the same method, access
	// network and visited network. 0 means not at all.
	//
	// A vector waits while others may use the subscriber's sequence numbers:
	// the longer, the more likely is it that his USIM refuses it, which costs
	// a resynchronisation, and the longer its keys lie in memory. And the HSS
	// is not asked whether he may still come in, so that what it changes
	// takes effect with a delay of VectorAge, unless Handler is told.
	VectorAge time.Duration
	// MaxCached is the most subscribers for whom vectors are kept; 0 means
	// 10000. When it is full, those go that came first.
	MaxCached int
	// TakeOver decides what to do when the HSS has another AAA server
	// registered for the subscriber, and names it: true tells the HSS that
	// this server has failed (AAA-Failure-Indication), and asks again, once.
	// The HSS then serves us, and may tell the other server that the
	// subscriber is gone. By default, nil, it is not asked, and the caller gets
	// an error that wraps [ErrRegisteredElsewhere]: a live session elsewhere is
	// not ours to end. (TS 29.273, clauses 8.1.2.1.2 and 8.2.3.21.)
	TakeOver func(ctx context.Context, imsi eap.IMSI, server string) bool
	// Timeout bounds one call, beside the caller's context; 0 means
	// DefaultTimeout, negative means no bound but the caller's.
	Timeout time.Duration
	// Logger gets one Debug record per request; nil is silence. Failures are
	// returned, not logged.
	Logger *slog.Logger
	// Hooks are called as things happen.
	Hooks Hooks
}

// Hooks are optional functions, called synchronously by the goroutine that
// asks, or that has the answer. They must not block. A panic in one is logged,
// and has no other effect.
type Hooks struct {
	// MAR is called when a MAR is answered or given up, and when vectors that
	// were left over save one.
	MAR func(ctx context.Context, info MARInfo)
	// SAR is called when a SAR is answered or given up.
	SAR func(ctx context.Context, info SARInfo)
}

// MARInfo is what Hooks.MAR is told.
type MARInfo struct {
	IMSI   eap.IMSI
	Scheme aka.Scheme
	// Resync is true when the request carried an AUTS.
	Resync bool
	// TookOver is true when the HSS was told that another AAA server has
	// failed.
	TookOver bool
	// Vectors is how many came; 0 with Cached.
	Vectors int
	// Cached is how many were left from an earlier MAR; then there was none.
	Cached int
	// Elapsed is the time from the request to its answer.
	Elapsed time.Duration
	// Err is what the caller is told.
	Err error
}

// SARInfo is what Hooks.SAR is told.
type SARInfo struct {
	IMSI eap.IMSI
	Type AssignmentType
	// Elapsed is the time from the request to its answer.
	Elapsed time.Duration
	// Err is what the caller is told.
	Err error
}

// Validate returns an error that names the first field that is wrong.
func (c *Config) Validate() error {
	switch {
	case c.Realm != "" && !isIdentity(c.Realm):
		return fmt.Errorf("swx: config: Realm: %q is no domain name", c.Realm)
	case c.Host != "" && !isIdentity(c.Host):
		return fmt.Errorf("swx: config: Host: %q is no domain name", c.Host)
	case c.VectorsPerRequest < 0 || c.VectorsPerRequest > maxVectors:
		return fmt.Errorf("swx: config: VectorsPerRequest: %d is not 0 to %d", c.VectorsPerRequest, maxVectors)
	case c.VectorAge < 0 || c.VectorAge > maxVectorAge:
		return fmt.Errorf("swx: config: VectorAge: %v is not 0 to %v", c.VectorAge, maxVectorAge)
	case c.MaxCached < 0:
		return fmt.Errorf("swx: config: MaxCached: %d is negative", c.MaxCached)
	}
	for i := range c.Routes {
		if err := c.Routes[i].validate(i); err != nil {
			return err
		}
	}
	if err := c.Identities.Validate(); err != nil {
		return fmt.Errorf("swx: config: Identities: %w", err)
	}
	return c.Profile.validate()
}
