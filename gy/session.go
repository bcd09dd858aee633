package gy

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Machine makes sessions with one configuration. It is safe for concurrent
// use.
type Machine struct {
	cfg         Config
	originHost  []byte
	originRealm []byte
	realm       []byte
	context     []byte
}

// NewMachine returns a machine. It panics if cfg.Validate fails.
func NewMachine(cfg Config) *Machine {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	cfg = cfg.withDefaults()
	return &Machine{
		cfg:         cfg,
		originHost:  []byte(cfg.OriginHost),
		originRealm: []byte(cfg.OriginRealm),
		realm:       []byte(cfg.Realm),
		context:     []byte(cfg.Profile.ServiceContextID),
	}
}

// Info is what the OCS is told of a session. It is read once.
type Info struct {
	// RatingGroups are those of the session; none means the profile's. Each
	// has its own counters.
	RatingGroups []uint32
	// Subscriptions are the identities of the subscriber; the profile chooses
	// among them.
	Subscriptions []Subscription
	Equipment     Equipment
	PS            PSInformation
}

// Counters are cumulative counters of a session or rating group. Input is from
// the user, as in Acct-Input-Octets.
type Counters struct {
	Seconds uint64
	Input   uint64
	Output  uint64
}

// Octets returns the octets of both directions.
func (c Counters) Octets() uint64 { return c.Input + c.Output }

// minus returns c less d, which is not more than c in any part.
func (c Counters) minus(d Counters) Counters {
	return Counters{c.Seconds - d.Seconds, c.Input - d.Input, c.Output - d.Output}
}

// instant is a time in milliseconds since 1970; 0 is never.
type instant int64

func instantOf(t time.Time) instant { return instant(t.UnixMilli()) }

func (i instant) after(d time.Duration) instant { return i + instant(d/time.Millisecond) }

// reached reports whether i is set and not in the future.
func (i instant) reached(now instant) bool { return i != 0 && i <= now }

// serviceState is what we have said of the user's service.
type serviceState uint8

const (
	serviceAsked serviceState = iota // nothing yet
	serviceOn
	serviceOff
)

// Session is the credit control of one subscriber session: a state machine
// without I/O, clock or lock. It is not safe for concurrent use.
//
//	                    evStart                    answer
//	        +--------+ --------> +----------+ -------------> +------+
//	        |  Idle  |           | PendingI |                | Open |
//	        +--------+ <-------- +----------+                +------+
//	         ^  ^  | ^  refused      ^                  used, |  ^ |
//	CCA-T,   |  |  | |  failed       | UNKNOWN_SESSION_ID due |  | | service over,
//	failed   |  |  | |               |                        v  | | final units used
//	         |  |  | +------------ +----------+ <-------------+  | |
//	         |  |  |   failed,     | PendingU | -----------------+ |
//	         |  |  |   refused     +----------+     answer         |
//	         |  |  |                    ^                          |
//	         |  |  +--------------------+ stored request, Retry    |
//	         |  |  |                                               |
//	         |  |  +-----> +----------+ <--------------------------+
//	         |  +--------- | PendingT |
//	         +------------ +----------+
//
// Each method takes the time and an input and returns an [Output], which is
// done after the state has been stored: store, then send, then tell. What
// comes in while a request is unanswered is remembered and goes into the next.
//
// # Usage, exactly once
//
// Of each rating group there are cumulative counters (total), and how much of
// them has been reported and answered (confirmed). A request reports what lies
// between the two, and remembers total as its mark; a successful answer makes
// the mark the new confirmed, and nothing else does. So what is in a request
// whose answer never comes stays between the two: it is in no other request,
// since there is none until that one is settled; it is not lost, since that
// one is sent again, octet by octet, with the T bit, the same Session-Id,
// CC-Request-Number and Event-Timestamp, by which the server knows it. Quotas
// count from confirmed as well, so usage made before a quota came, without the
// server or after a restart of it, is taken from that quota.
//
// A request that is refused may have been debited or not. RFC 8506 (Table 6;
// section 9.1) says that it was; Profile.DropsRefusedUsage says otherwise.
// UNKNOWN_SESSION_ID debits nothing, except in answer to a CCR-T that was sent
// before: the first one has closed the session. One case cannot be told from
// here: a server that debits a CCR-U, loses its answer and then the session,
// but not the debit, is told of that usage twice.
//
// # Without the server
//
// Under CONTINUE the service goes on within Config.GraceOctets and GraceTime.
// RFC 8506 then forgets the session, and with it the usage. Departure: the
// request is stored and sent again after Config.Retry, then ever more seldom;
// once it is answered the session goes on where it was, and the next request
// reports all that was used meanwhile. If the server has lost the session, or
// refused the request, a new credit-control session takes its place, with a
// Session-Id that has the old one's as its beginning. When the service ends
// with usage unreported, the session lives on, for Config.SettleTime, until
// the usage is reported: by the stored request and CCR-T, or by CCR-I and
// CCR-T of a new session. Only what is left then is written off.
type Session struct {
	m *Machine

	id    []byte // Session-Id of the first credit-control session
	epoch uint32 // how many have been lost
	subs  []byte // Subscription-Id AVPs
	facts []byte // User-Equipment-Info and Service-Information AVPs
	host  []byte // Destination-Host; nil if not pinned

	state   State
	service serviceState
	mode    Mode
	// stopped: the counters are final. free: CREDIT_CONTROL_NOT_APPLICABLE for
	// the whole session. closable: the server may have our session. started:
	// evStart was once. queued: the service ended while a request was pending.
	stopped, free, closable, started, queued bool

	number   uint32 // the next CC-Request-Number
	seq      uint32 // of the last request
	failures FailureHandling
	failover Failover
	cause    TerminationCause // for CCR-T

	request request
	// queuedChange: facts changed while it was.
	queuedChange bool
	// nextFacts take the place of facts when no request is pending.
	nextFacts []byte

	troubleAt   instant // since when the service goes on without the server
	troubleFrom uint64  // octets then
	retries     uint8
	retryAt     instant // Idle: when to try again
	closeAt     instant // PendingT: when the final counters are awaited no longer
	settleBy    instant // when unreported usage is written off

	endReason  EndReason
	resultCode uint32

	groups []group

	octetsOf []byte // of a restored session: what its octets are parts of
}

// maxID bounds a Session-Id: a DiameterIdentity and what follows it.
const maxID = 512

// NewSession returns a session in Idle. id is a Session-Id that was never
// used, of at most 512 octets. What of info is longer than is good for a
// stored state is left out: rating groups after the 16th, AVPs after 1024
// octets.
func (m *Machine) NewSession(id string, info *Info) *Session {
	groups := info.RatingGroups
	if len(groups) == 0 {
		groups = m.cfg.Profile.RatingGroups
	}
	groups = groups[:min(len(groups), maxGroups)]
	s := &Session{m: m, id: []byte(id[:min(len(id), maxID)]), mode: m.cfg.Mode, groups: make([]group, len(groups))}
	for i, rg := range groups {
		s.groups[i].ratingGroup = rg
	}
	s.subs = m.appendSubscriptions(nil, info.Subscriptions)
	s.facts = m.appendFacts(nil, info)
	return s
}

// State returns the session's state.
func (s *Session) State() State { return s.state }

// Serving reports whether the service has begun, and has not been ended.
func (s *Session) Serving() bool { return s.service == serviceOn }

// Restricted returns the rating groups whose traffic may not pass as it is.
func (s *Session) Restricted() []GroupChange {
	var list []GroupChange
	for i := range s.groups {
		if g := &s.groups[i]; g.verdict != VerdictPass {
			list = append(list, g.change())
		}
	}
	return list
}

// SessionID returns the Session-Id of the credit-control session.
func (s *Session) SessionID() string { return string(s.appendSessionID(nil)) }

// reopened marks, in the optional part of a Session-Id (RFC 6733, section
// 8.8), how many sessions were lost before.
const reopened = ";r"

func (s *Session) appendSessionID(b []byte) []byte {
	b = append(b, s.id...)
	if s.epoch > 0 {
		b = append(b, reopened...)
		b = strconv.AppendUint(b, uint64(s.epoch), 10)
	}
	return b
}

// BaseSessionID returns the id that [Machine.NewSession] was given, of a
// Session-Id that a session has used: a server's request is for the session
// with that id. The result aliases id.
func BaseSessionID(id []byte) []byte {
	i := bytes.LastIndex(id, []byte(reopened))
	if i < 0 {
		return id
	}
	for _, c := range id[i+len(reopened):] {
		if c < '0' || c > '9' {
			return id
		}
	}
	return id[:i]
}

// Usage is the account of a session: Total is what was accounted, Reported
// what a server has confirmed, Free what was not to be charged, WrittenOff
// (octets) what was given up. At the end of a session whose output says Done,
// Total is the sum of the others.
type Usage struct {
	Total      Counters
	Reported   Counters
	Free       Counters
	WrittenOff Counters
}

// Usage returns the account of all rating groups together.
func (s *Session) Usage() Usage {
	var u Usage
	add := func(c *Counters, d Counters) {
		c.Seconds += d.Seconds
		c.Input += d.Input
		c.Output += d.Output
	}
	for i := range s.groups {
		g := &s.groups[i]
		add(&u.Total, g.total)
		add(&u.Reported, g.confirmed.minus(g.free).minus(g.writtenOff))
		add(&u.Free, g.free)
		add(&u.WrittenOff, g.writtenOff)
	}
	return u
}

// Format implements fmt.Formatter, so that no verb prints the subscriber.
func (*Session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("gy.Session[redacted]")) }
