package gytest

import (
	"errors"
	"fmt"
	"time"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/gy"
)

// Names of an OCS that is not told its own.
const (
	DefaultHost  = "ocs1.epc.mnc001.mcc001.3gppnetwork.org"
	DefaultRealm = "epc.mnc001.mcc001.3gppnetwork.org"
)

// Config configures an OCS. The zero Config is ready to use.
type Config struct {
	// Node is the configuration of the Diameter node. OriginHost and
	// OriginRealm are DefaultHost and DefaultRealm if empty, Applications is
	// credit control if empty, any peer may connect if AllowPeer is nil,
	// MaxHandlers is 4096 if 0, and KeepAnswers is none if 0: the OCS knows
	// duplicates itself. Peers are for an OCS that connects to a relay.
	Node diameter.Config
	// Plan is how accounts are charged that have no plan of their own.
	Plan Plan
	// Dialect is what the OCS wants and gives.
	Dialect Dialect
	// FailureHandling and Failover are said in answers to CCR-I and CCR-U.
	FailureHandling gy.FailureHandling
	Failover        gy.Failover
	// Supervision is Tcc: how long an open session may be silent before it is
	// closed, and its reservations given back (RFC 8506, section 13). 0 is
	// twice the Validity-Time granted, or for ever where there is none;
	// negative is for ever.
	Supervision time.Duration
	// Ledger is the file that the OCS goes on from, and writes to. Empty: it
	// forgets everything in the end.
	Ledger string
	// Twin is an OCS whose accounts and sessions this one shares: two front
	// ends of one data base. Ledger does not count then, nor does Supervision.
	// The Twin is to be closed after this one.
	Twin *OCS
	// MaxOvershoot is how many units a report may have beyond what was granted
	// before it is a violation. 0 means that none is; whatever is used is
	// debited all the same.
	MaxOvershoot uint64
	// MaxOpen bounds open sessions; a CCR-I beyond is answered 3004. Default
	// 1,000,000.
	MaxOpen int
	// MaxClosed bounds the closed sessions that are remembered, for duplicates
	// of their requests and the audit; the oldest are forgotten. Default
	// 100,000.
	MaxClosed int
	// MaxViolations bounds the violations that are remembered; further ones
	// are only counted. Default 10,000.
	MaxViolations int
}

// Requested says what a dialect wants of Requested-Service-Unit in CCR-I and
// CCR-U. Rating groups that report QHT or FINAL want nothing, and need none.
type Requested uint8

const (
	// RequestedAny: there or not, empty or not. Without one there is no grant.
	RequestedAny Requested = iota
	// RequestedPresent: it must be there.
	RequestedPresent
	// RequestedEmpty: it must be there, and empty.
	RequestedEmpty
	// RequestedSized: it must be there, with units.
	RequestedSized
)

// Dialect is in what an OCS differs from others. A request that is none of the
// dialect is refused with 5005, or 5004, as Table 6 of RFC 8506 has it: what
// it reports is debited and its session closed.
type Dialect struct {
	Requested Requested
	// Subscriptions are the kinds of Subscription-Id that must be there in
	// CCR-I. The account is found by IMSI or E164 in any case.
	Subscriptions []gy.SubscriptionType
	// NeedTimestamp wants Event-Timestamp in every request.
	NeedTimestamp bool
	// GrantsUnasked grants to rating groups of a CCR-U without a
	// Requested-Service-Unit, too.
	GrantsUnasked bool
	// IgnoresFinalUsage debits nothing that CCR-T reports.
	IgnoresFinalUsage bool
	// DropsRefusedUsage debits nothing that a request reports which is refused.
	DropsRefusedUsage bool
	// RefusesCommand refuses the whole request when all its rating groups are
	// refused for the same reason; an open session is closed then. Otherwise
	// the groups are refused one by one in an answer that is a success.
	RefusesCommand bool
	// RoutineFinal sends Final-Unit-Indication with every grant.
	RoutineFinal bool
	// OmitServiceResult leaves Result-Code out of Multiple-Services-Credit-
	// Control where it is a success.
	OmitServiceResult bool
}

func (c Config) withDefaults() Config {
	orDefault(&c.Node.OriginHost, DefaultHost)
	orDefault(&c.Node.OriginRealm, DefaultRealm)
	if len(c.Node.Applications) == 0 {
		c.Node.Applications = []diameter.Application{gy.Application}
	}
	if c.Node.AllowPeer == nil {
		c.Node.AllowPeer = func(diameter.PeerInfo) bool { return true }
	}
	orDefault(&c.Node.MaxHandlers, 4096)
	orDefault(&c.Node.KeepAnswers, -1)
	orDefault(&c.MaxOpen, 1_000_000)
	orDefault(&c.MaxClosed, 100_000)
	orDefault(&c.MaxViolations, 10_000)
	c.Plan = c.Plan.withDefaults()
	return c
}

func (c *Config) validate() error {
	switch {
	case c.MaxOpen < 0 || c.MaxClosed < 0 || c.MaxViolations < 0:
		return errors.New("gytest: config: a bound is negative")
	case c.Dialect.Requested > RequestedSized:
		return fmt.Errorf("gytest: config: Dialect.Requested: no such value: %d", c.Dialect.Requested)
	}
	return c.Plan.validate()
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
