package gy

import (
	"errors"
	"fmt"
	"time"
)

// Mode is how much credit control a session has.
type Mode uint8

const (
	// ModeFull: CCR-I before the service, CCR-U for quota, CCR-T at the end.
	ModeFull Mode = iota
	// ModeAuthorize: CCR-I decides about the service and CCR-T reports its
	// usage; there is no CCR-U, and quotas are not looked at.
	ModeAuthorize
)

// Config configures a [Machine]. It is copied by NewMachine.
type Config struct {
	// OriginHost and OriginRealm are the node's own; required.
	OriginHost  string
	OriginRealm string
	// Realm is the Destination-Realm; empty means OriginRealm.
	Realm string
	// EndToEnd gives End-to-End Identifiers, that a request keeps when it is
	// sent again (RFC 6733, section 3). nil leaves them to the node, which
	// gives a new one each time; the server then tells a repeated request by
	// Session-Id and CC-Request-Number alone.
	EndToEnd func() uint32

	Mode Mode
	// Profile is the OCS's dialect.
	Profile Profile

	// FailureHandling is what to do without the server, unless it has said so
	// itself; the default is FailureTerminate (RFC 8506, section 8.14).
	FailureHandling FailureHandling
	// Block ends the service when the server fails, whatever is said by
	// FailureHandling or by the server.
	Block bool
	// GraceOctets and GraceTime bound the service without the server under
	// CONTINUE, and while a late answer is awaited. Defaults 100 MiB and 1
	// hour; negative means no bound. The usage is kept and reported later.
	GraceOctets int64
	GraceTime   time.Duration
	// Failover says whether a session may move to another server, unless the
	// server says so itself; the default is FailoverNotSupported.
	Failover Failover
	// TerminateLost treats UNKNOWN_SESSION_ID in answer to an update as the
	// other permanent failures. Otherwise a new credit-control session takes
	// the place of one that the server has lost.
	TerminateLost bool

	// Tx is the Tx timer; default 10 s (RFC 8506, section 13).
	Tx time.Duration
	// RequestTimeout is how long a late answer is awaited where the service
	// goes on meanwhile; default 120 s (RFC 8506, section 5.7).
	RequestTimeout time.Duration
	// Retry is how long after a failure the server is tried again; it doubles
	// up to RetryMax. Defaults 30 s and 1 hour.
	Retry    time.Duration
	RetryMax time.Duration
	// SettleTime is how long after the end of the service unreported usage is
	// kept. What then is left is written off, and said so in the output.
	// Default 24 h; negative means for ever.
	SettleTime time.Duration
	// StopWait is how long the final counters are awaited after the service
	// was ordered to end, before the session is closed without them. Default
	// 1 minute.
	StopWait time.Duration

	// Share is the percentage of a quota after which more is asked for, where
	// the server gives no threshold: 1 to 100, default 80.
	Share int
	// HoldingTime is Quota-Holding-Time where the server gives none; 0 means
	// none.
	HoldingTime time.Duration
	// InterimMin and InterimMax bound the interim interval that is wanted.
	// Defaults 60 s and 10 minutes.
	InterimMin time.Duration
	InterimMax time.Duration
	// PeakRate is what the access can carry at most, in octets a second. With
	// it the time that a final volume quota can last at least caps the
	// session; 0 means that volume does not.
	PeakRate uint64
}

// Validate returns an error that names the first field that is wrong.
func (c *Config) Validate() error {
	switch {
	case c.OriginHost == "":
		return errors.New("gy: config: OriginHost: empty")
	case c.OriginRealm == "":
		return errors.New("gy: config: OriginRealm: empty")
	case c.Mode > ModeAuthorize:
		return fmt.Errorf("gy: config: Mode: no such mode: %d", c.Mode)
	case c.FailureHandling > FailureRetry:
		return fmt.Errorf("gy: config: FailureHandling: no such value: %d", c.FailureHandling)
	case c.Failover > FailoverSupported:
		return fmt.Errorf("gy: config: Failover: no such value: %d", c.Failover)
	case c.Share < 0 || c.Share > 100:
		return fmt.Errorf("gy: config: Share: %d is not 0 to 100", c.Share)
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{
		{"Tx", c.Tx}, {"RequestTimeout", c.RequestTimeout}, {"Retry", c.Retry}, {"RetryMax", c.RetryMax},
		{"StopWait", c.StopWait}, {"HoldingTime", c.HoldingTime}, {"InterimMin", c.InterimMin}, {"InterimMax", c.InterimMax},
	} {
		if d.d < 0 {
			return fmt.Errorf("gy: config: %s: negative", d.name)
		}
	}
	d := c.withDefaults()
	switch {
	case d.RequestTimeout < d.Tx:
		return errors.New("gy: config: RequestTimeout: shorter than Tx")
	case d.RetryMax < d.Retry:
		return errors.New("gy: config: RetryMax: shorter than Retry")
	case d.InterimMax < d.InterimMin:
		return errors.New("gy: config: InterimMax: shorter than InterimMin")
	}
	return c.Profile.validate()
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (c Config) withDefaults() Config {
	orDefault(&c.Realm, c.OriginRealm)
	orDefault(&c.FailureHandling, FailureTerminate)
	orDefault(&c.Failover, FailoverNotSupported)
	orDefault(&c.GraceOctets, 100<<20)
	orDefault(&c.GraceTime, time.Hour)
	orDefault(&c.Tx, 10*time.Second)
	orDefault(&c.RequestTimeout, max(120*time.Second, c.Tx))
	orDefault(&c.Retry, 30*time.Second)
	orDefault(&c.RetryMax, max(time.Hour, c.Retry))
	orDefault(&c.SettleTime, 24*time.Hour)
	orDefault(&c.StopWait, time.Minute)
	orDefault(&c.Share, 80)
	orDefault(&c.InterimMin, time.Minute)
	orDefault(&c.InterimMax, max(10*time.Minute, c.InterimMin))
	c.Profile = c.Profile.withDefaults()
	return c
}
