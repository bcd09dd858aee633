package eapradius

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	layeh "layeh.com/radius"

	"github.com/opentwag/twag/eap"
)

// A room is where conversations wait for the next request: a [table] in this
// process, or the State attribute itself ([sealed]).
//
// Its methods are safe for concurrent use. Between begin or take and the next
// park or end, a session belongs to the caller alone.
type room interface {
	// begin makes place for a new session; it fails with ErrFull.
	begin(s *session, now time.Time) error
	// take returns the session that the request's State names. With repeated,
	// the State is the one before the latest; the caller may only repeat what
	// the session sent last. It fails with ErrUnknownState, ErrStateOrigin,
	// ErrBusy or ErrStaleState.
	take(q *request, now time.Time) (s *session, repeated bool, err error)
	// park lets s wait and appends to b the State that names it from now on;
	// after a repetition it is the same as before (a sealed room then appends
	// nothing: the State that came in is the one). It fails with
	// ErrUnknownState if the session took so long that its place was lost.
	park(b []byte, s *session, repeated bool, now time.Time) ([]byte, error)
	// end forgets s.
	end(s *session, now time.Time)
	// len returns how many sessions there are.
	len() int
}

// session is one login under way.
type session struct {
	conv *eap.Conversation
	// began is the time of the first request, requests how many there were.
	began    time.Time
	requests int
	// invalid is how many packets were discarded.
	invalid int
	// maxEAP is how long an EAP packet may be, 0 if nobody has said.
	maxEAP int

	// client, nas and station are where the login comes from.
	client  netip.Addr
	nas     string
	station string

	// authorized is true when the Authorizer has been asked; answer is what he
	// said, refused the error if it was no, and grant goes into the
	// Access-Accept.
	authorized bool
	answer     eap.Authorization
	refused    error
	grant      layeh.Attributes

	// slot belongs to the table.
	slot slot

	// The rest belongs to the sealed room: the login's name, the number of the
	// State that came last, whether the session was made of it, and whether it
	// had to go into the table.
	login     loginID
	turn      uint16
	stateless bool
	tabled    bool
}

// answered notes what the Authorizer said.
func (s *session) answered(g Grant) {
	if g.Refusal != eap.RefusalNone {
		s.refused = fmt.Errorf("%w: %v", ErrRefused, g.Refusal)
		if g.Err != nil {
			s.refused = fmt.Errorf("%w: %v: %w", ErrRefused, g.Refusal, g.Err)
		}
	}
	s.answer = eap.Authorization{Refusal: g.Refusal, Err: g.Err}
}

// from reports whether q comes from where the login does.
func (s *session) from(q *request) bool {
	return s.client == q.client && s.station == string(q.station) && q.isNAS(s.nas)
}

const (
	tokenLen = 16
	stateLen = tokenLen + 2
	// shards keep the lock of one request away from the others.
	shards = 32
)

type token [tokenLen]byte

// slot is a session's place in the table; the lock of its shard guards it.
type slot struct {
	token token
	// turn counts the Challenges; it is the end of the State.
	turn uint16
	busy bool
	// gone is true when the place was lost.
	gone       bool
	expires    time.Time
	prev, next *session
}

// table is a room in memory. It holds a bounded number of sessions and forgets
// those that wait too long: whenever a session begins, those of its shard whose
// time is up, and all such when there is no room. It needs no goroutine.
type table struct {
	max     int64
	timeout time.Duration
	rand    io.Reader
	expired func(n int)
	count   atomic.Int64
	shards  [shards]shard
}

var _ room = (*table)(nil)

// shard is a part of the table. Its list is in the order of expiry, since all
// sessions have the same time to wait.
type shard struct {
	mu          sync.Mutex
	sessions    map[token]*session
	first, last *session
}

func newTable(cfg *Config) *table {
	t := &table{
		max:     int64(cfg.MaxConversations),
		timeout: cfg.ConversationTimeout,
		rand:    cfg.Rand,
		expired: cfg.Hooks.Expired,
	}
	for i := range t.shards {
		t.shards[i].sessions = make(map[token]*session)
	}
	return t
}

// shard returns where a token is kept. Tokens that we made are random; what
// others make up finds nothing anywhere.
func (t *table) shard(k *token) *shard { return &t.shards[k[0]%shards] }

func (t *table) begin(s *session, now time.Time) error {
	if _, err := io.ReadFull(t.rand, s.slot.token[:]); err != nil {
		return fmt.Errorf("eapradius: State: %w", err)
	}
	if t.count.Add(1) > t.max {
		// Those whose time is up may be in other shards.
		n := 0
		for i := range t.shards {
			n += t.shards[i].expire(now)
		}
		t.forgot(n)
		if t.count.Load() > t.max {
			t.count.Add(-1)
			return ErrFull
		}
	}
	sh := t.shard(&s.slot.token)
	sh.mu.Lock()
	n := sh.expireLocked(now)
	s.slot.busy = true
	s.slot.expires = now.Add(t.timeout)
	sh.sessions[s.slot.token] = s
	sh.append(s)
	sh.mu.Unlock()
	t.forgot(n)
	return nil
}

func (t *table) take(q *request, now time.Time) (_ *session, repeated bool, _ error) {
	if q.states != 1 || len(q.state) != stateLen {
		return nil, false, ErrUnknownState
	}
	k := token(q.state)
	turn := binary.BigEndian.Uint16(q.state[tokenLen:])
	sh := t.shard(&k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s := sh.sessions[k]
	switch {
	case s == nil || s.slot.expires.Before(now):
		return nil, false, ErrUnknownState
	case !s.from(q):
		return nil, false, ErrStateOrigin
	case s.slot.busy:
		return nil, false, ErrBusy
	case turn == s.slot.turn:
	case turn == s.slot.turn-1:
		repeated = true
	default:
		return nil, false, ErrStaleState
	}
	s.slot.busy = true
	return s, repeated, nil
}

func (t *table) park(b []byte, s *session, repeated bool, now time.Time) ([]byte, error) {
	sh := t.shard(&s.slot.token)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.slot.gone {
		return b, ErrUnknownState
	}
	if !repeated {
		s.slot.turn++
		s.slot.expires = now.Add(t.timeout)
		sh.unlink(s)
		sh.append(s)
	}
	s.slot.busy = false
	b = append(b, s.slot.token[:]...)
	return binary.BigEndian.AppendUint16(b, s.slot.turn), nil
}

func (t *table) end(s *session, _ time.Time) {
	sh := t.shard(&s.slot.token)
	sh.mu.Lock()
	gone := s.slot.gone
	if !gone {
		sh.remove(s)
	}
	sh.mu.Unlock()
	if !gone {
		t.count.Add(-1)
	}
}

func (t *table) len() int { return int(t.count.Load()) }

// forgot accounts for n sessions whose time was up.
func (t *table) forgot(n int) {
	if n == 0 {
		return
	}
	t.count.Add(-int64(n))
	if t.expired != nil {
		t.expired(n)
	}
}

func (sh *shard) expire(now time.Time) int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.expireLocked(now)
}

// expireLocked removes the sessions whose time is up and returns how many.
// One that is busy goes as well: whoever works on it has died, or is too late.
func (sh *shard) expireLocked(now time.Time) (n int) {
	for sh.first != nil && sh.first.slot.expires.Before(now) {
		sh.remove(sh.first)
		n++
	}
	return n
}

func (sh *shard) remove(s *session) {
	delete(sh.sessions, s.slot.token)
	sh.unlink(s)
	s.slot.gone = true
}

func (sh *shard) append(s *session) {
	s.slot.prev, s.slot.next = sh.last, nil
	if sh.last == nil {
		sh.first = s
	} else {
		sh.last.slot.next = s
	}
	sh.last = s
}

func (sh *shard) unlink(s *session) {
	prev, next := s.slot.prev, s.slot.next
	if prev == nil {
		sh.first = next
	} else {
		prev.slot.next = next
	}
	if next == nil {
		sh.last = prev
	} else {
		next.slot.prev = prev
	}
	s.slot.prev, s.slot.next = nil, nil
}
