package aka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/opentwag/twag/eap"
)

// DefaultReauthContexts is how many contexts a [MemoryReauthStore] holds unless
// told otherwise; each takes about half a kilobyte.
const DefaultReauthContexts = 100_000

// maxSubscriberContexts is how many of them one subscriber has: what his phone
// holds now, what it held before if it missed the end of a login, and the same
// of another method. Without a bound a phone that never re-authenticates would
// push all others out.
const maxSubscriberContexts = 4

// MemoryReauthStore is a [ReauthStore] in the memory of one process. When it is
// full, the context that was stored longest ago goes; a subscriber has four at
// most. It is safe for concurrent use.
type MemoryReauthStore struct {
	max int

	mu     sync.Mutex
	byName map[string]*reauthEntry
	// byIMSI has the context stored last; older leads to the others.
	byIMSI map[eap.IMSI]*reauthEntry
	// oldest and newest are the ends of the list of all, in the order in which
	// they were stored.
	oldest, newest *reauthEntry
}

// reauthEntry is a context in the store.
type reauthEntry struct {
	ReauthContext
	prev, next *reauthEntry // of all
	older      *reauthEntry // of the same subscriber
}

var _ ReauthStore = (*MemoryReauthStore)(nil)

// NonBlocking reports that no method waits for anything but another's short
// critical section.
func (*MemoryReauthStore) NonBlocking() bool { return true }

// NewMemoryReauthStore returns an empty store of at most bound contexts; 0 is
// DefaultReauthContexts. It panics if bound is negative.
func NewMemoryReauthStore(bound int) *MemoryReauthStore {
	if bound < 0 {
		panic("aka: NewMemoryReauthStore: negative bound")
	}
	if bound == 0 {
		bound = DefaultReauthContexts
	}
	return &MemoryReauthStore{
		max:    bound,
		byName: make(map[string]*reauthEntry),
		byIMSI: make(map[eap.IMSI]*reauthEntry),
	}
}

// Format implements fmt.Formatter, so that no verb prints keys or subscribers.
func (s *MemoryReauthStore) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%d re-authentication contexts", s.Len())
}

// Len returns the number of contexts.
func (s *MemoryReauthStore) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byName)
}

// Get implements ReauthStore.
func (s *MemoryReauthStore) Get(_ context.Context, username string) (ReauthContext, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byName[username]
	if !ok {
		return ReauthContext{}, ErrNoReauth
	}
	return e.ReauthContext, nil
}

// Put implements ReauthStore.
func (s *MemoryReauthStore) Put(_ context.Context, c ReauthContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(&reauthEntry{ReauthContext: c})
	return nil
}

// Swap implements ReauthStore.
func (s *MemoryReauthStore) Swap(_ context.Context, username string, counter uint16, next *ReauthContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byName[username]
	if !ok || e.Counter != counter {
		return ErrReauthUsed
	}
	s.remove(e)
	if next != nil {
		*e = reauthEntry{ReauthContext: *next}
		s.put(e)
	}
	return nil
}

// Drop implements ReauthStore.
func (s *MemoryReauthStore) Drop(_ context.Context, imsi eap.IMSI) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.byIMSI[imsi]; e != nil; e = s.byIMSI[imsi] {
		s.remove(e)
	}
	return nil
}

// put stores e, which is in no list, and makes room for it.
func (s *MemoryReauthStore) put(e *reauthEntry) {
	if same, ok := s.byName[e.Username]; ok {
		s.remove(same)
	}
	n, last := 0, (*reauthEntry)(nil)
	for o := s.byIMSI[e.IMSI]; o != nil; o = o.older {
		n, last = n+1, o
	}
	if n >= maxSubscriberContexts {
		s.remove(last)
	}
	// The front is close to expire first: contexts of later runs of one
	// subscriber stand behind, with the time of his full authentication.
	now := time.Now()
	for s.oldest != nil && (len(s.byName) >= s.max || !now.Before(s.oldest.Expires)) {
		s.remove(s.oldest)
	}
	e.prev, e.older = s.newest, s.byIMSI[e.IMSI]
	if s.newest == nil {
		s.oldest = e
	} else {
		s.newest.next = e
	}
	s.newest = e
	s.byName[e.Username] = e
	s.byIMSI[e.IMSI] = e
}

func (s *MemoryReauthStore) remove(e *reauthEntry) {
	delete(s.byName, e.Username)
	if e.prev == nil {
		s.oldest = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		s.newest = e.prev
	} else {
		e.next.prev = e.prev
	}
	if first := s.byIMSI[e.IMSI]; first != e {
		for first.older != e {
			first = first.older
		}
		first.older = e.older
	} else if e.older != nil {
		s.byIMSI[e.IMSI] = e.older
	} else {
		delete(s.byIMSI, e.IMSI)
	}
}
