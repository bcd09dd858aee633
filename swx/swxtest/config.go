package swxtest

import (
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/swx"
)

// Names of an HSS that is not told its own.
const (
	DefaultHost  = "hss1.epc.mnc001.mcc001.3gppnetwork.org"
	DefaultRealm = "epc.mnc001.mcc001.3gppnetwork.org"
)

// Config configures an HSS. The zero Config is ready to use.
type Config struct {
	// Node is the configuration of the Diameter node. OriginHost and
	// OriginRealm are DefaultHost and DefaultRealm if empty, Applications is
	// SWx if empty, any peer may connect if AllowPeer is nil, and MaxHandlers
	// is enough for many delayed answers if 0. Peers are for an HSS that
	// connects to a relay.
	Node diameter.Config
	// AuC computes the vectors; nil means one of the HSS's own. Several HSSes
	// that share one number their challenges together; what else is known of
	// a subscriber, the registered AAA server too, each has for itself. For
	// HSSes in several processes see ClockSQN.
	AuC *auc.AuC
	// Twin is an HSS whose subscribers this one shares, with all that is known
	// of them: two front ends of one data base. AuC does not count then.
	Twin *HSS
	// Dialect is what the HSS wants and gives: requests in another form than
	// the dialect's are refused. NAIRealm does not count.
	Dialect swx.Profile
	// AnyAAAServer makes the HSS answer whatever AAA server asks. By default it
	// remembers which one got the first vector and sends the others there (TS
	// 29.273, clause 8.1.2.1.2).
	AnyAAAServer bool
}
