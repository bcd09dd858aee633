package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/opentwag/twag/accounting"
	"github.com/opentwag/twag/gy"
	"github.com/opentwag/twag/session"
)

// Words of the charging section.
const (
	chargeDisabled  = "disabled"
	chargeAuthorize = "authorization-only"
	chargeFull      = "full"

	failTerminate = "terminate"
	failContinue  = "continue"
	failRetry     = "retry-and-terminate"
)

var (
	chargeWords  = []string{chargeDisabled, chargeAuthorize, chargeFull}
	failureWords = []string{failTerminate, failContinue, failRetry}
	failures     = map[string]gy.FailureHandling{failTerminate: gy.FailureTerminate, failContinue: gy.FailureContinue, failRetry: gy.FailureRetry}
)

// chargingConfig is online charging over Gy. The OCS is one of diameter.peers, or behind
// one.
type chargingConfig struct {
	// Mode is how sessions are charged that no rule names.
	Mode             string       `yaml:"mode"`
	Rules            []chargeRule `yaml:"rules"`
	DestinationRealm string       `yaml:"destination_realm"`

	RatingGroup int    `yaml:"rating_group"`
	ContextID   string `yaml:"service_context_id"`
	// QuotaMiB is the quota to ask for; 0 leaves it to the OCS.
	QuotaMiB int `yaml:"quota_mib"`
	// Share is the percentage of a quota after which more is asked for.
	Share       int           `yaml:"share"`
	HoldingTime time.Duration `yaml:"holding_time"`

	FailureHandling string        `yaml:"failure_handling"`
	Block           bool          `yaml:"block"`
	GraceMiB        int           `yaml:"grace_mib"`
	GraceTime       time.Duration `yaml:"grace_time"`
	Tx              time.Duration `yaml:"tx"`

	InterimMin   time.Duration `yaml:"interim_min"`
	InterimMax   time.Duration `yaml:"interim_max"`
	AdaptInterim bool          `yaml:"adapt_interim"`
	PeakMbit     int           `yaml:"peak_mbit"`

	Redirect []string `yaml:"redirect"`
	Restrict []string `yaml:"restrict"`
	Pass     []string `yaml:"pass"`
}

// chargeRule picks a mode by what is known of a session; the first that fits counts.
type chargeRule struct {
	Realm string `yaml:"realm"`
	SSID  string `yaml:"ssid"`
	Group string `yaml:"group"`
	Mode  string `yaml:"mode"`
	// RatingGroup, if it is not 0, is theirs.
	RatingGroup int `yaml:"rating_group"`
}

// coaConfig is the Disconnect- and CoA-Requests to NASes.
type coaConfig struct {
	Port                     int  `yaml:"port"`
	OmitMessageAuthenticator bool `yaml:"omit_message_authenticator"`
}

func defaultCharging() chargingConfig {
	return chargingConfig{
		Mode: chargeDisabled, RatingGroup: 1, Share: 80, FailureHandling: failTerminate,
		GraceMiB: 100, GraceTime: time.Hour, Tx: 10 * time.Second,
		InterimMin: time.Minute, InterimMax: 10 * time.Minute, AdaptInterim: true,
	}
}

// enabled reports whether any session is charged.
func (c *chargingConfig) enabled() bool {
	for _, r := range c.Rules {
		if r.Mode != chargeDisabled {
			return true
		}
	}
	return c.Mode != chargeDisabled
}

func (v *validator) charging(c *config) {
	g := &c.Charging
	v.word("charging.mode", g.Mode, chargeWords)
	for i, r := range g.Rules {
		key := "charging.rules[" + itoa(i) + "]"
		v.word(key+".mode", r.Mode, chargeWords)
		if r.Realm == "" && r.SSID == "" && r.Group == "" {
			v.fail(key, "must name a realm, an ssid or a group")
		}
		if r.RatingGroup < 0 {
			v.fail(key+".rating_group", "must not be negative")
		}
	}
	v.word("charging.failure_handling", g.FailureHandling, failureWords)
	if g.DestinationRealm != "" {
		v.hostName("charging.destination_realm", g.DestinationRealm)
	}
	if g.Share < 1 || g.Share > 100 {
		v.fail("charging.share", "must be 1 to 100")
	}
	for key, n := range map[string]int{"rating_group": g.RatingGroup, "quota_mib": g.QuotaMiB, "grace_mib": g.GraceMiB, "peak_mbit": g.PeakMbit} {
		if n < 0 || n > 1<<30 {
			v.fail("charging."+key, "must be 0 to %d", 1<<30)
		}
	}
	v.between("charging.grace_time", g.GraceTime, 0, 30*24*time.Hour)
	v.between("charging.tx", g.Tx, time.Second, time.Minute)
	v.between("charging.holding_time", g.HoldingTime, 0, 24*time.Hour)
	v.between("charging.interim_min", g.InterimMin, time.Second, time.Hour)
	v.between("charging.interim_max", g.InterimMax, g.InterimMin, 24*time.Hour)
	for key, list := range map[string][]string{"redirect": g.Redirect, "restrict": g.Restrict, "pass": g.Pass} {
		for i, line := range list {
			if _, err := appendTemplate(nil, line, placeholders(gy.FinalUnit{})); err != nil {
				v.fail(fmt.Sprintf("charging.%s[%d]", key, i), "%v", err)
			}
		}
	}
	if g.enabled() && !(c.has(roleAuth) && c.has(roleAcct)) {
		v.fail("charging.mode", "needs both roles, auth and acct")
	}
	if p := c.CoA.Port; p < 1 || p > 65535 {
		v.fail("coa.port", "must be 1 to 65535")
	}
}

// machine is the credit control of one mode and rating group.
func (c *chargingConfig) machine(s *server, mode gy.Mode, ratingGroup int) *gy.Machine {
	host, realm := s.node.Origin()
	cfg := gy.Config{
		OriginHost: host, OriginRealm: realm, Realm: c.DestinationRealm, EndToEnd: s.node.NewEndToEndID, Mode: mode,
		Profile: gy.Profile{
			ServiceContextID: c.ContextID, RatingGroups: []uint32{uint32(ratingGroup)},
			Subscriptions: []gy.SubscriptionType{gy.SubscriptionIMSI, gy.SubscriptionE164, gy.SubscriptionNAI, gy.SubscriptionPrivate},
		},
		FailureHandling: failures[c.FailureHandling], Block: c.Block,
		GraceOctets: int64(c.GraceMiB) << 20, GraceTime: c.GraceTime, Tx: c.Tx, Share: c.Share, HoldingTime: c.HoldingTime,
		InterimMin: c.InterimMin, InterimMax: c.InterimMax, PeakRate: uint64(c.PeakMbit) * 1e6 / 8,
		// A NAS that was asked to disconnect has the sessions' grace to report.
		StopWait: s.cfg.Sessions.Grace + 30*time.Second,
	}
	if c.QuotaMiB > 0 {
		cfg.Profile.Requested = gy.Units{Has: gy.UnitTotal, Total: uint64(c.QuotaMiB) << 20}
	}
	return gy.NewMachine(cfg)
}

// choose returns what picks a session's machine.
func (c *chargingConfig) choose(s *server) (byDefault *gy.Machine, choose func(*session.Session) *gy.Machine) {
	type key struct {
		mode  string
		group int
	}
	machines := make(map[key]*gy.Machine)
	machine := func(mode string, group int) *gy.Machine {
		if mode == chargeDisabled {
			return nil
		}
		k := key{mode, group}
		if machines[k] == nil {
			m := gy.ModeFull
			if mode == chargeAuthorize {
				m = gy.ModeAuthorize
			}
			machines[k] = c.machine(s, m, group)
		}
		return machines[k]
	}
	general := machine(c.Mode, c.RatingGroup)
	rules := make([]*gy.Machine, len(c.Rules))
	for i, r := range c.Rules {
		group := r.RatingGroup
		if group == 0 {
			group = c.RatingGroup
		}
		rules[i] = machine(r.Mode, group)
	}
	// Sessions that were charged before the configuration changed still need one.
	if byDefault = general; byDefault == nil {
		byDefault = machine(chargeFull, c.RatingGroup)
	}
	return byDefault, func(s *session.Session) *gy.Machine {
		for i := range c.Rules {
			if c.Rules[i].fits(s) {
				return rules[i]
			}
		}
		return general
	}
}

func (r *chargeRule) fits(s *session.Session) bool {
	return (r.Realm == "" || strings.EqualFold(r.Realm, s.Realm)) && (r.SSID == "" || r.SSID == s.SSID) && (r.Group == "" || r.Group == s.Group)
}

// attributes make a NAS redirect or restrict a session, or stop that.
func (c *chargingConfig) attributes(_ *session.Session, g gy.GroupChange) []byte {
	var list []string
	switch g.Verdict {
	case gy.VerdictRedirect:
		list = c.Redirect
	case gy.VerdictRestrict:
		list = c.Restrict
	case gy.VerdictPass:
		list = c.Pass
	}
	var b []byte
	for _, line := range list {
		if strings.Contains(line, "{url}") && len(g.Final.Redirect.Address) == 0 || strings.Contains(line, "{filter}") && len(g.Final.FilterIDs) == 0 {
			return nil // a NAS would make nothing of it, and let everything pass
		}
		b, _ = appendTemplate(b, line, placeholders(g.Final)) // has been checked
	}
	return b
}

// placeholders are what templates may name of a Final-Unit-Indication.
func placeholders(f gy.FinalUnit) *strings.Replacer {
	filter := ""
	if len(f.FilterIDs) > 0 {
		filter = string(f.FilterIDs[0])
	}
	return strings.NewReplacer("{url}", string(f.Redirect.Address), "{filter}", filter)
}

// appendTemplate appends the attribute that a line "Name = value" is.
func appendTemplate(b []byte, line string, fill *strings.Replacer) ([]byte, error) {
	name, value, ok := strings.Cut(line, "=")
	if !ok {
		return b, fmt.Errorf(`must be "Name = value"`)
	}
	return accounting.AppendAttribute(b, strings.TrimSpace(name), fill.Replace(strings.TrimSpace(value)))
}
