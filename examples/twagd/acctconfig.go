package main

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/opentwag/twag/accounting"
)

// Roles of a server. They may be apart on two machines: then the Class that the one
// seals is all that the other needs.
const (
	roleAuth = "auth"
	roleAcct = "acct"
)

// Words of the sessions and accounting sections.
const (
	storePebble = "pebble"
	storeMemory = "memory"

	limitRefuse  = "refuse"
	limitReplace = "replace"

	ticketDetail = "detail"
	ticketJSON   = "json"

	classSealed = "sealed"
	classSigned = "signed"
	classOff    = "off"

	rotateHourly = "hourly"
	rotateSize   = "size"

	ruleSet      = "set"
	ruleSetTable = "set-from-table"
	ruleRename   = "rename"
	ruleRemove   = "remove"
)

var (
	roleWords   = []string{roleAuth, roleAcct}
	storeWords  = []string{storePebble, storeMemory}
	limitWords  = []string{limitRefuse, limitReplace}
	ticketWords = []string{ticketDetail, ticketJSON}
	classWords  = []string{classSealed, classSigned, classOff}
	rotateWords = []string{rotateHourly, rotateSize}
	ruleWords   = []string{ruleSet, ruleSetTable, ruleRename, ruleRemove}
)

// sessionsConfig is the subscribers' sessions.
type sessionsConfig struct {
	// Store is "pebble", in DataDir, or "memory".
	Store         string        `yaml:"store"`
	PerSubscriber int           `yaml:"per_subscriber"`
	OnLimit       string        `yaml:"on_limit"`
	Timeout       time.Duration `yaml:"timeout"`
	Idle          time.Duration `yaml:"idle_timeout"`
	Grace         time.Duration `yaml:"grace"`
	Linger        time.Duration `yaml:"linger"`
	// ArchivalLinger is Linger of sessions that their NAS has not ended.
	ArchivalLinger time.Duration `yaml:"archival_linger"`
	// AllowUnrecorded lets subscribers in while the store fails.
	AllowUnrecorded bool `yaml:"allow_unrecorded"`

	MemtableMiB int `yaml:"memtable_mib"`
	ReserveMiB  int `yaml:"reserve_mib"`
}

// accountingConfig is the accounting port and the tickets.
type accountingConfig struct {
	Listen  string        `yaml:"listen"`
	Area    string        `yaml:"area"`
	Package string        `yaml:"package"`
	Class   classConfig   `yaml:"class"`
	Interim interimConfig `yaml:"interim"`
	Tickets ticketsConfig `yaml:"tickets"`
	Rules   []ruleConfig  `yaml:"rules"`
}

// classConfig is the Class attribute.
type classConfig struct {
	Form       string `yaml:"form"`
	AllowPlain bool   `yaml:"allow_plain"`
}

// interimConfig is the interval of interim updates.
type interimConfig struct {
	Interval time.Duration     `yaml:"interval"`
	Services map[string]string `yaml:"services"` // durations
	Troubled time.Duration     `yaml:"troubled"`
	// CycleDay is the day of the month on which the billing cycle ends, at midnight of
	// Tickets.UTCOffset; 0: interims heed no cycle.
	CycleDay int `yaml:"cycle_day"`
}

// ticketsConfig is the files of tickets.
type ticketsConfig struct {
	Dir    string `yaml:"dir"`
	Format string `yaml:"format"`
	// UTCOffset is the time zone, all the year.
	UTCOffset time.Duration `yaml:"utc_offset"`
	Rotate    string        `yaml:"rotate"`
	MaxMiB    int           `yaml:"max_mib"`
}

// ruleConfig makes tickets of different NASes look alike.
type ruleConfig struct {
	NAS       []string          `yaml:"nas"`
	Has       string            `yaml:"has"`
	Vendor    int               `yaml:"vendor"`
	Action    string            `yaml:"action"`
	Attribute string            `yaml:"attribute"`
	Value     string            `yaml:"value"`
	From      string            `yaml:"from"`
	Table     map[string]string `yaml:"table"`
	IfAbsent  bool              `yaml:"if_absent"`
}

func defaultSessions() sessionsConfig {
	return sessionsConfig{
		Store: storePebble, OnLimit: limitRefuse, Grace: 90 * time.Second, Linger: 15 * time.Minute, ArchivalLinger: 24 * time.Hour, MemtableMiB: 64,
	}
}

func defaultAccounting() accountingConfig {
	return accountingConfig{
		Listen:  ":1813",
		Class:   classConfig{Form: classSealed},
		Interim: interimConfig{Interval: 10 * time.Minute},
		Tickets: ticketsConfig{Format: ticketDetail, Rotate: rotateHourly, MaxMiB: 1024},
	}
}

// has reports whether the server has the role.
func (c *config) has(role string) bool { return slices.Contains(c.Roles, role) }

// applyRoles fills in what hangs on whether there is a place to keep
// things.
func (c *config) applyRoles() {
	if c.Roles == nil {
		c.Roles = []string{roleAuth}
		if c.DataDir != "" {
			c.Roles = roleWords
		}
	}
	if c.Accounting.Tickets.Dir == "" && c.DataDir != "" {
		c.Accounting.Tickets.Dir = filepath.Join(c.DataDir, "tickets")
	}
}

func (v *validator) roles(c *config) {
	if len(c.Roles) == 0 {
		v.fail("roles", "missing: a server needs at least one of auth, acct")
	}
	for _, r := range c.Roles {
		v.word("roles", r, roleWords)
	}
	v.accounting(c)
	v.charging(c)
	if !c.has(roleAcct) {
		return
	}
	v.tickets(&c.Accounting.Tickets)
	v.sessions(c)
}

func (v *validator) sessions(c *config) {
	s := &c.Sessions
	v.word("sessions.store", s.Store, storeWords)
	v.word("sessions.on_limit", s.OnLimit, limitWords)
	if s.PerSubscriber < 0 {
		v.fail("sessions.per_subscriber", "must not be negative")
	}
	switch {
	case s.Store == storeMemory:
		v.warn("sessions.store", "memory: sessions, and tickets that are not yet in a file, end with the process")
	case c.DataDir == "":
		v.fail("data_dir", "missing: where the sessions and the journal of tickets are kept")
	}
	v.between("sessions.grace", s.Grace, time.Second, time.Hour)
	v.between("sessions.linger", s.Linger, time.Second, 7*24*time.Hour)
	if v.between("sessions.archival_linger", s.ArchivalLinger, time.Second, 30*24*time.Hour); v.src.Has("sessions.archival_linger") && s.ArchivalLinger < s.Linger {
		v.fail("sessions.archival_linger", "must not be less than linger")
	}
	for key, d := range map[string]time.Duration{"sessions.timeout": s.Timeout, "sessions.idle_timeout": s.Idle} {
		if d != 0 {
			v.between(key, d, time.Minute, 365*24*time.Hour)
		}
	}
	if s.MemtableMiB < 1 || s.MemtableMiB > 1024 {
		v.fail("sessions.memtable_mib", "must be 1 to 1024")
	}
	if s.ReserveMiB < 0 {
		v.fail("sessions.reserve_mib", "must not be negative")
	}
}

func (v *validator) accounting(c *config) {
	a := &c.Accounting
	v.listenAddress("accounting.listen", a.Listen)
	v.word("accounting.class.form", a.Class.Form, classWords)
	if a.Class.AllowPlain {
		v.warn("accounting.class.allow_plain", "true: whoever can send accounting can claim anything in Class")
	}
	if _, err := a.Interim.services(); err != nil {
		v.fail("accounting.interim.services", "must be durations such as 5m")
	} else if err := a.plan().Validate(); err != nil {
		v.fail("accounting.interim", "%v", err)
	}
	if a.Interim.CycleDay < 0 || a.Interim.CycleDay > 28 {
		v.fail("accounting.interim.cycle_day", "must be 1 to 28, or 0 for none")
	}
	for i := range a.Rules {
		key := "accounting.rules[" + itoa(i) + "]"
		v.word(key+".action", a.Rules[i].Action, ruleWords)
		rule := a.Rules[i].rule()
		if err := rule.Validate(); err != nil {
			v.fail(key, "%v", err)
		}
	}
}

func (v *validator) tickets(t *ticketsConfig) {
	v.word("accounting.tickets.format", t.Format, ticketWords)
	v.word("accounting.tickets.rotate", t.Rotate, rotateWords)
	if t.Dir == "" {
		v.fail("accounting.tickets.dir", "missing, and there is no data_dir either")
	}
	if t.MaxMiB < 1 {
		v.fail("accounting.tickets.max_mib", "must be at least 1")
	}
	v.between("accounting.tickets.utc_offset", t.UTCOffset, -14*time.Hour, 14*time.Hour)
}

// services are the intervals of services.
func (c *interimConfig) services() (map[string]time.Duration, error) {
	out := make(map[string]time.Duration, len(c.Services))
	for name, text := range c.Services {
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, err
		}
		out[name] = d
	}
	return out, nil
}

func (c *accountingConfig) plan() *accounting.InterimPlan {
	services, _ := c.Interim.services() // has been checked
	p := &accounting.InterimPlan{Interval: c.Interim.Interval, Services: services, Troubled: c.Interim.Troubled}
	if day := c.Interim.CycleDay; day > 0 {
		zone := time.FixedZone("", int(c.Tickets.UTCOffset/time.Second))
		p.CycleEnd = func(now time.Time) time.Time { return cycleEnd(now.In(zone), day) }
	}
	return p
}

// cycleEnd is the next midnight at which the day of the month begins.
func cycleEnd(now time.Time, day int) time.Time {
	end := time.Date(now.Year(), now.Month(), day, 0, 0, 0, 0, now.Location())
	if !end.After(now) {
		end = end.AddDate(0, 1, 0)
	}
	return end
}

var ruleActions = map[string]accounting.Action{
	ruleSet: accounting.SetValue, ruleSetTable: accounting.SetFromTable, ruleRename: accounting.Rename, ruleRemove: accounting.Remove,
}

func (c *ruleConfig) rule() accounting.Rule {
	return accounting.Rule{
		NAS: c.NAS, Has: c.Has, Vendor: uint32(c.Vendor), Action: ruleActions[c.Action], Attribute: c.Attribute,
		Value: c.Value, From: c.From, Table: c.Table, IfAbsent: c.IfAbsent,
	}
}
