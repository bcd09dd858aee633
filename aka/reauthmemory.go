package aka

import (
	"container/list"
	"context"
	"fmt"
	"slices"
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

	mu sync.Mutex
	// byName has an element of order per context; byIMSI its username.
	byName map[string]*list.Element
	byIMSI map[eap.IMSI][]string
	order  *list.List // of ReauthContext, oldest in front
}

var _ ReauthStore = (*MemoryReauthStore)(nil)

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
		byName: make(map[string]*list.Element),
		byIMSI: make(map[eap.IMSI][]string),
		order:  list.New(),
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
	return s.order.Len()
}

// Get implements ReauthStore.
func (s *MemoryReauthStore) Get(_ context.Context, username string) (ReauthContext, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byName[username]
	if !ok {
		return ReauthContext{}, ErrNoReauth
	}
	return e.Value.(ReauthContext), nil
}

// Put implements ReauthStore.
func (s *MemoryReauthStore) Put(_ context.Context, c ReauthContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(c)
	return nil
}

// Swap implements ReauthStore.
func (s *MemoryReauthStore) Swap(_ context.Context, username string, counter uint16, next *ReauthContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byName[username]
	if !ok || e.Value.(ReauthContext).Counter != counter {
		return ErrReauthUsed
	}
	s.remove(e)
	if next != nil {
		s.put(*next)
	}
	return nil
}

// Drop implements ReauthStore.
func (s *MemoryReauthStore) Drop(_ context.Context, imsi eap.IMSI) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, username := range slices.Clone(s.byIMSI[imsi]) {
		s.remove(s.byName[username])
	}
	return nil
}

// put stores c and makes room for it.
func (s *MemoryReauthStore) put(c ReauthContext) {
	if e, ok := s.byName[c.Username]; ok {
		s.remove(e)
	}
	if names := s.byIMSI[c.IMSI]; len(names) >= maxSubscriberContexts {
		s.remove(s.byName[names[0]])
	}
	// The front is close to expire first: contexts of later runs of one
	// subscriber stand behind, with the time of his full authentication.
	now := time.Now()
	for e := s.order.Front(); e != nil; e = s.order.Front() {
		if s.order.Len() < s.max && now.Before(e.Value.(ReauthContext).Expires) {
			break
		}
		s.remove(e)
	}
	s.byName[c.Username] = s.order.PushBack(c)
	s.byIMSI[c.IMSI] = append(s.byIMSI[c.IMSI], c.Username)
}

func (s *MemoryReauthStore) remove(e *list.Element) {
	c := s.order.Remove(e).(ReauthContext)
	delete(s.byName, c.Username)
	names := s.byIMSI[c.IMSI]
	if len(names) == 1 {
		delete(s.byIMSI, c.IMSI)
		return
	}
	i := slices.Index(names, c.Username)
	s.byIMSI[c.IMSI] = slices.Delete(names, i, i+1)
}
