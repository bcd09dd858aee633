package gytest

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Audit is the account of everything that the OCS has granted and debited.
type Audit struct {
	// Accounts are by the IMSI, or the E164 number of those who have none.
	Accounts map[Identity]AccountState
	// Sessions are by Session-Id: the open ones, and the closed ones that are
	// remembered.
	Sessions map[string]SessionAudit
	// Violations are the first Config.MaxViolations of all.
	Violations      []Violation
	TotalViolations int
}

// SessionAudit is the account of one session.
type SessionAudit struct {
	Account Identity
	Open    bool
	// Requests is how many were handled; Duplicates, which are known to the
	// process that got them, do not count.
	Requests   int
	Duplicates int
	// Used is what was reported, Debited what it cost.
	Used    Usage
	Debited int64
	Groups  []GroupAudit
}

// GroupAudit is the account of a rating group of a session, in units that the
// plan grants. What was granted and not given back is what was used within
// grants: Granted - Returned + Overshoot = Charged, once the session is closed
// and where all usage is debited.
type GroupAudit struct {
	RatingGroup, ServiceID                uint32
	Grants                                int
	Granted, Returned, Charged, Overshoot uint64
	// Used is what was reported, Debited what it cost.
	Used    Usage
	Debited int64
}

// ViolationKind is what is wrong with a request.
type ViolationKind string

// Violations.
const (
	// NumberReused: the CC-Request-Number was another request's of the session.
	NumberReused ViolationKind = "number used for another request"
	// NumberGap: a CC-Request-Number was left out.
	NumberGap ViolationKind = "gap in numbers"
	// SessionReused: CCR-I with a Session-Id that was used before.
	SessionReused ViolationKind = "session opened twice"
	// UsageWithoutSession: units are reported of a session that is not open.
	UsageWithoutSession ViolationKind = "usage without a session"
	// UsageBeforeGrant: CCR-I reports units.
	UsageBeforeGrant ViolationKind = "usage in the initial request"
	// UsageBeyondGrant: more is reported beyond the grant than
	// Config.MaxOvershoot.
	UsageBeyondGrant ViolationKind = "usage beyond the grant"
	// UnmarkedDuplicate: a request was repeated without the T bit (RFC 6733,
	// section 3).
	UnmarkedDuplicate ViolationKind = "duplicate without T"
)

// Violation is a request that must not be. All but UsageBeforeGrant,
// UsageBeyondGrant and UnmarkedDuplicate are refused, and nothing is debited for them.
type Violation struct {
	Time      time.Time
	Kind      ViolationKind
	SessionID string
	Number    uint32
}

// Audit returns the account of everything, as it is now.
func (o *OCS) Audit() Audit { return o.book.audit() }

func (b *book) audit() Audit {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := Audit{
		Accounts:        make(map[Identity]AccountState, len(b.accounts)),
		Sessions:        make(map[string]SessionAudit, len(b.sessions)),
		Violations:      slices.Clone(b.violations),
		TotalViolations: b.violated,
	}
	for _, acct := range b.accounts {
		a.Accounts[acct.settings.key()] = acct.stateNow()
	}
	for id, s := range b.sessions {
		a.Sessions[id] = s.audit()
	}
	return a
}

// Session returns the account of one session, and false if there is no such.
func (o *OCS) Session(id string) (SessionAudit, bool) {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	s := o.book.sessions[id]
	if s == nil {
		return SessionAudit{}, false
	}
	return s.audit(), true
}

// Requests returns what each request of a session did, in order: the last
// hundred of them. The ledger has all.
func (o *OCS) Requests(sessionID string) []Entry {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	if s := o.book.sessions[sessionID]; s != nil {
		return slices.Clone(s.entries)
	}
	return nil
}

// Sessions returns the Session-Ids of an account's open sessions, in their
// order as strings; of all accounts if who is empty.
func (o *OCS) Sessions(who Identity) []string {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	if who != "" {
		a := o.book.accounts[who]
		if a == nil {
			return nil
		}
		return slices.Sorted(maps.Keys(a.open))
	}
	var ids []string
	for id, s := range o.book.sessions {
		if s.open {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *session) audit() SessionAudit {
	a := SessionAudit{Account: s.account.settings.key(), Open: s.open, Requests: s.requests, Duplicates: s.duplicates}
	for i := range s.groups {
		g := s.groups[i].GroupAudit
		a.Used.add(g.Used)
		a.Debited += g.Debited
		a.Groups = append(a.Groups, g)
	}
	slices.SortFunc(a.Groups, func(x, y GroupAudit) int {
		return cmp.Or(cmp.Compare(x.RatingGroup, y.RatingGroup), cmp.Compare(x.ServiceID, y.ServiceID))
	})
	return a
}
