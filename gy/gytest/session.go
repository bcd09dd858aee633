package gytest

import (
	"bytes"
	"slices"
	"time"
)

// session is a credit-control session, open or closed.
type session struct {
	id          string
	account     *account
	host, realm string // where its requests come from
	open        bool
	next        uint32 // the CC-Request-Number to come
	deadline    time.Time
	groups      []group
	kept        []kept
	entries     []Entry

	requests, duplicates int
}

// group is a rating group of a session.
type group struct {
	GroupAudit
	charged  [2]uint64 // before and after the tariff change
	left     uint64    // of the grant
	reserved int64     // for it
}

// kept is an answer for duplicates.
type kept struct {
	number, code uint32
	digest, body []byte
}

// Bounds of what is remembered of one session. A client has one request in
// flight, so that duplicates are of the last one; relays may deliver late.
const (
	maxKept    = 4
	maxEntries = 100
	maxGroups  = 64
)

// group returns the place of a rating group, or -1.
func (s *session) group(ratingGroup, serviceID uint32) int {
	return slices.IndexFunc(s.groups, func(g group) bool { return g.RatingGroup == ratingGroup && g.ServiceID == serviceID })
}

// answerOf returns the answer to the request with the number, or nil.
func (s *session) answerOf(number uint32) *kept {
	for i := range s.kept {
		if s.kept[i].number == number {
			return &s.kept[i]
		}
	}
	return nil
}

// same reports whether the request is the one that was answered.
func (k *kept) same(digest []byte) bool { return bytes.Equal(k.digest, digest) }

// request applies the outcome of a request.
func (s *session) request(e *Entry) {
	s.host, s.realm = e.Host, e.Realm
	s.next = e.Number + 1
	s.deadline = e.Deadline
	s.requests++
	if len(s.kept) == maxKept {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	s.kept = append(s.kept, kept{e.Number, e.ResultCode, e.Digest, e.Answer})
	state := &s.account.state
	for i := range e.Groups {
		ge := &e.Groups[i]
		at := s.group(ge.RatingGroup, ge.ServiceID)
		if at < 0 {
			at = len(s.groups)
			s.groups = append(s.groups, group{GroupAudit: GroupAudit{RatingGroup: ge.RatingGroup, ServiceID: ge.ServiceID}})
		}
		g := &s.groups[at]
		g.Used.add(ge.Used)
		for side, n := range ge.Charged {
			g.charged[side] += n
			g.Charged += n
		}
		g.Debited += ge.Debited
		state.Debited += ge.Debited
		state.Balance -= ge.Debited
		g.Returned += ge.Returned
		g.Overshoot += ge.Overshoot
		g.Granted += ge.Granted
		if ge.Granted > 0 {
			g.Grants++
		}
		state.Reserved += ge.Reserved - g.reserved
		g.left, g.reserved = ge.Granted, ge.Reserved
	}
	if e.Closed {
		s.close()
	}
}

// close gives back what is reserved.
func (s *session) close() {
	s.open = false
	s.deadline = time.Time{}
	delete(s.account.open, s.id)
	for i := range s.groups {
		g := &s.groups[i]
		g.Returned += g.left
		s.account.state.Reserved -= g.reserved
		g.left, g.reserved = 0, 0
	}
}
