package swx

import (
	"context"
	"errors"
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
	// Profile is the HSS's dialect.
	Profile Profile
	// VectorsPerRequest is how many vectors a MAR asks for at least, 1 to 5; 0
	// means 1.
	VectorsPerRequest int
	// Timeout bounds one MAR, beside the caller's context; 0 means
	// DefaultTimeout, negative means no bound but the caller's.
	Timeout time.Duration
	// Logger gets one Debug record per MAR; nil is silence. Failures are
	// returned, not logged.
	Logger *slog.Logger
	// Hooks are called as things happen.
	Hooks Hooks
}

// Hooks are optional functions, called synchronously by the goroutine that
// asks for vectors. They must not block.
type Hooks struct {
	// MAR is called when a MAR is answered or given up.
	MAR func(ctx context.Context, info MARInfo)
}

// MARInfo is what Hooks.MAR is told.
type MARInfo struct {
	IMSI   eap.IMSI
	Scheme aka.Scheme
	// Resync is true when the request carried an AUTS.
	Resync bool
	// Vectors is how many came.
	Vectors int
	// Elapsed is the time from the request to its answer.
	Elapsed time.Duration
	// Err is what the caller is told.
	Err error
}

// Validate returns an error that names the first field that is wrong.
func (c *Config) Validate() error {
	switch {
	case c.VectorsPerRequest < 0 || c.VectorsPerRequest > maxVectors:
		return fmt.Errorf("swx: config: VectorsPerRequest: %d is not 0 to %d", c.VectorsPerRequest, maxVectors)
	case c.Profile.UserName > UserNameNAI:
		return fmt.Errorf("swx: config: Profile.UserName: no such form: %d", c.Profile.UserName)
	case c.Profile.UserName == UserNameNAI && c.Profile.NAIRealm == "":
		return errors.New("swx: config: Profile.NAIRealm: empty, and UserName wants it")
	}
	return nil
}
